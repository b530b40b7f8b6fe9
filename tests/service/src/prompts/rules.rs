//! The rules of ceremonies, as pure functions: whether a ceremony may start, whether its prompts alert, which number it
//! gets, and what an answer changes.
//!
//! All limits are computed from the account's stored ceremonies, so there are no separate counters. Ceremonies of one
//! origin do not count for the limits of another origin.

use std::cmp::Reverse;

use crate::clock::{DAY, HOUR, MINUTE, Time};
use crate::features::Feature;
use crate::people::person::Person;
use crate::policy::rules::Effective;
use crate::prompts::ceremony::{AnswerResult, Ceremony, Kind, Match, Origin, Outcome, Owner};

/// For this long after a ceremony starts, no other ceremony of the account gets its numbers.
const NUMBER_REST: Time = 10 * MINUTE;
/// An approval must be redeemed within this time, or within twice this time if it allows adding a phone.
const REDEEMABLE: Time = 5 * MINUTE;
const MAX_WRONG_NUMBERS: usize = 3;
const MAX_LIVE_PASSWORD: usize = 2;
const MAX_SIGNED_IN: usize = 3;
const ALERT_EVERY: Time = 2 * MINUTE;
/// For this many seconds, a browser that proved nothing sees the number page, whether a ceremony was started or not, so
/// that the page does not reveal this. A ceremony that was started can be answered for the same time.
pub const UNKNOWN_LIFE: Time = MINUTE;
const MAX_LIVE_UNKNOWN: usize = 3;
const ALERT_UNKNOWN_EVERY: Time = 10 * MINUTE;
const STRIKES_TO_QUIET: usize = 2;
/// Maximum number of ceremonies per origin that may start within `NUMBER_REST`. A ceremony of a known browser uses up
/// to three numbers, and a ceremony of the other two origins in this list uses one. The three origins together use at
/// most 20 + 12 * 3 + 20 = 76 of the 90 two-digit numbers, so enough numbers are always free. `Origin::Unknown` is not
/// in this list, because its numbers have three digits (`numbers.rs`).
const MAX_STARTS: [(Origin, usize); 3] =
    [(Origin::SignedIn, 20), (Origin::KnownBrowser, 12), (Origin::PasswordProved, 20)];
/// Number of strikes in a day after which a browser is no longer known.
const STRIKES_TO_FORGET: usize = 2;

/// Returns how long a ceremony can be answered, in seconds.
#[must_use]
pub fn life(kind: Kind, origin: Origin) -> Time {
    if origin == Origin::Unknown {
        return UNKNOWN_LIFE;
    }
    match kind {
        Kind::SecondFactor | Kind::PhoneSignIn => 2 * MINUTE,
        Kind::ConfirmEnrollment
        | Kind::AddMethod
        | Kind::RemoveMethod
        | Kind::RegisterDevice
        | Kind::CreatePass
        | Kind::ReportLost
        | Kind::AddPerson
        | Kind::DeletePerson
        | Kind::SuspendPerson
        | Kind::ResumePerson
        | Kind::CreatePassForPerson
        | Kind::UnblockPerson
        | Kind::ChangeGroups
        | Kind::MakeAdministrator
        | Kind::RemoveAdministrator
        | Kind::ReportLostForPerson
        | Kind::ResetPerson
        | Kind::ChangePolicy
        | Kind::CreateApiToken => 5 * MINUTE,
    }
}

/// Returns whether the person's rights and the policy allow an approval of this kind.
#[must_use]
pub fn may_approve(kind: Kind, person: &Person, effective: &Effective) -> bool {
    // GUARD(act-by-administrator): only_an_administrator_approves_administrative_acts
    if kind.feature() == Some(Feature::Administration) && !person.is_administrator {
        return false;
    }
    match kind {
        Kind::PhoneSignIn => effective.allows_phone_sign_in(),
        Kind::SecondFactor => effective.allows_push(),
        Kind::ConfirmEnrollment
        | Kind::AddMethod
        | Kind::RemoveMethod
        | Kind::RegisterDevice
        | Kind::CreatePass
        | Kind::ReportLost
        | Kind::AddPerson
        | Kind::DeletePerson
        | Kind::SuspendPerson
        | Kind::ResumePerson
        | Kind::CreatePassForPerson
        | Kind::UnblockPerson
        | Kind::ChangeGroups
        | Kind::MakeAdministrator
        | Kind::RemoveAdministrator
        | Kind::ReportLostForPerson
        | Kind::ResetPerson
        | Kind::ChangePolicy
        | Kind::CreateApiToken => true,
    }
}

/// The facts that decide whether a ceremony may start.
pub struct Start<'a> {
    /// What the person is asked to approve.
    pub kind: Kind,
    /// How much the browser has proved.
    pub origin: Origin,
    /// The browser that waits.
    pub owner: &'a Owner,
    /// Record id of the browser that waits, if it is a known browser.
    pub known_browser: Option<&'a str>,
    /// The browser's network.
    pub network: &'a str,
    /// When the account was last unblocked. Earlier wrong numbers do not count.
    pub unblocked_at: Time,
    /// When the person last opened the app.
    pub opened_at: Time,
    /// When a sign-in with the password was reported. `None` if the password was changed after the report.
    pub reported_at: Option<Time>,
}

/// How a ceremony may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    /// Whether the ceremony is quiet: its prompts are not pushed.
    pub quiet: bool,
    /// Whether the person may choose the number out of three, instead of typing it.
    pub may_choose: bool,
}

/// Why a ceremony may not start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Three wrong numbers were entered for this origin within a day.
    Blocked,
    /// A sign-in with this password was reported: "It wasn't me".
    Reported,
    /// Too many ceremonies of this origin are live, or this session has started too many unapproved ceremonies in an
    /// hour.
    TooMany,
    /// Too many ceremonies of this origin were started in ten minutes. Approved ceremonies count, too.
    TooOften,
}

/// Decides whether a ceremony may start, given all stored ceremonies of the account.
pub fn start(start: &Start<'_>, history: &[Ceremony], now: Time) -> Result<Allowed, Refusal> {
    // GUARD(origins-apart): j7_w1_three_wrong_numbers_in_a_day_block_only_their_origin, unknown_browsers_do_not_affect_other_origins
    // INSTEAD: let same: Vec<&Ceremony> = history.iter().collect();
    let same: Vec<&Ceremony> = history.iter().filter(|past| past.origin == start.origin).collect();
    let wrong = |past: &&&Ceremony| {
        past.outcome == Some(Outcome::WrongNumber)
            && past.decided_at.is_some_and(|at| now - at < DAY && at > start.unblocked_at)
    };
    if same.iter().filter(wrong).count() >= MAX_WRONG_NUMBERS {
        return Err(Refusal::Blocked);
    }
    let lately = same.iter().filter(|past| now - past.created_at < NUMBER_REST).count();
    // GUARD(starts-limited): one_origin_can_not_use_up_all_numbers
    // INSTEAD: if MAX_STARTS.iter().any(|(origin, most)| *origin == start.origin && lately >= usize::MAX - *most) {
    if MAX_STARTS.iter().any(|(origin, most)| *origin == start.origin && lately >= *most) {
        return Err(Refusal::TooOften);
    }
    // A ceremony of the same owner does not count, because the new ceremony replaces it.
    let live = || same.iter().filter(|past| past.is_live(now) && past.owner != *start.owner);
    match start.origin {
        Origin::SignedIn => {
            // Approved ceremonies do not count.
            let mine =
                same.iter().filter(|past| past.owner == *start.owner && now - past.created_at < HOUR && !is_good(past));
            if mine.count() >= MAX_SIGNED_IN {
                return Err(Refusal::TooMany);
            }
            Ok(Allowed { quiet: false, may_choose: false })
        }
        Origin::KnownBrowser => {
            let browser = |past: &&&Ceremony| past.known_browser.as_deref() == start.known_browser;
            if live().any(|past| browser(&past)) {
                return Err(Refusal::TooMany);
            }
            let struck = same.iter().filter(browser).any(|past| is_strike(past, now, DAY, 0));
            Ok(Allowed { quiet: false, may_choose: !struck })
        }
        Origin::PasswordProved => {
            if start.reported_at.is_some() {
                return Err(Refusal::Reported);
            }
            if live().count() >= MAX_LIVE_PASSWORD {
                return Err(Refusal::TooMany);
            }
            let alerted = alerted_recently(&same, ALERT_EVERY, now);
            let since = forgiven_since(start, history);
            let strikes = same.iter().filter(|past| alerted_unapproved(past, now, HOUR, since)).count();
            Ok(Allowed { quiet: alerted || strikes >= STRIKES_TO_QUIET, may_choose: false })
        }
        Origin::Unknown => {
            // GUARD(unknown-three-per-account): ceremonies_of_unknown_browsers_are_limited
            // INSTEAD: if false
            if live().count() >= MAX_LIVE_UNKNOWN
                // GUARD(unknown-one-per-network): ceremonies_of_unknown_browsers_are_limited
                || live().any(|past| past.network == start.network)
            {
                return Err(Refusal::TooMany);
            }
            // GUARD(unknown-alert-interval): ceremonies_of_unknown_browsers_are_limited
            // INSTEAD: let alerted = false;
            let alerted = alerted_recently(&same, ALERT_UNKNOWN_EVERY, now);
            let since = forgiven_since(start, history);
            // GUARD(unknown-quiet-after-strike): strike_makes_unknown_browser_prompts_quiet_for_a_day
            // INSTEAD: let struck = same.iter().any(|past| alerted_unapproved(past, now, 0, since));
            let struck = same.iter().any(|past| alerted_unapproved(past, now, DAY, since));
            Ok(Allowed { quiet: alerted || struck, may_choose: false })
        }
    }
}

fn alerted_recently(same: &[&Ceremony], every: Time, now: Time) -> bool {
    same.iter().any(|past| !past.quiet && now - past.created_at < every && !is_good(past))
}

/// Returns the last time at which the person approved a prompt or opened the app. Earlier strikes no longer count.
fn forgiven_since(start: &Start<'_>, history: &[Ceremony]) -> Time {
    let approved = history.iter().filter(|past| is_good(past)).filter_map(|past| past.decided_at).max();
    approved.unwrap_or(0).max(start.opened_at)
}

fn is_good(past: &Ceremony) -> bool {
    past.outcome == Some(Outcome::Approved)
}

/// Returns whether a ceremony counts as a strike. It counts if it was denied, was reported or expired, and if this
/// happened less than `within` seconds ago and after the time `since`.
fn is_strike(past: &Ceremony, now: Time, within: Time, since: Time) -> bool {
    let at = past.decided_at.unwrap_or(past.expires_at);
    let bad = matches!(past.outcome_at(now), Some(Outcome::Denied | Outcome::Reported | Outcome::Expired));
    bad && now - at < within && at > since
}

/// Like `is_strike`, but also counts a ceremony that alerted and was then cancelled or superseded. Otherwise an
/// attacker who knows the password could make the phone alert, cancel, and make the phone alert again without limit.
fn alerted_unapproved(past: &Ceremony, now: Time, within: Time, since: Time) -> bool {
    let at = past.decided_at.unwrap_or(past.expires_at);
    let taken_back = !past.quiet && matches!(past.outcome, Some(Outcome::Cancelled | Outcome::Superseded));
    is_strike(past, now, within, since) || (taken_back && now - at < within && at > since)
}

/// Returns whether a known browser has too many strikes to stay known.
#[must_use]
pub fn is_forgotten(history: &[Ceremony], known_browser: &str, now: Time) -> bool {
    let by_browser =
        |past: &&Ceremony| past.origin == Origin::KnownBrowser && past.known_browser.as_deref() == Some(known_browser);
    let strikes = history.iter().filter(by_browser).filter(|past| is_strike(past, now, DAY, 0));
    strikes.count() >= STRIKES_TO_FORGET
}

/// Draws a number, or three numbers to choose from. Numbers that ceremonies of the account used in the last ten minutes
/// are not drawn. Returns `None` if not enough numbers are free. `draw(n)` returns a random number below n.
///
/// The numbers are 10 to 99. `MAX_STARTS` ensures that an account never uses all of them in ten minutes.
pub fn numbers<E>(
    choose: bool,
    history: &[Ceremony],
    now: Time,
    mut draw: impl FnMut(u32) -> Result<u32, E>,
) -> Result<Option<(String, Match)>, E> {
    let recent = history.iter().filter(|past| now - past.created_at < NUMBER_REST);
    let taken: Vec<&str> = recent.flat_map(Ceremony::numbers).collect();
    let mut free: Vec<String> = (10..100).map(|number: u32| number.to_string()).collect();
    // GUARD(number-on-one-page): second_factor_models_have_no_fault
    // INSTEAD: let _ = taken;
    free.retain(|number| !taken.contains(&number.as_str()));
    let mut take = || -> Result<Option<String>, E> {
        let count = u32::try_from(free.len()).unwrap_or(1);
        let index = usize::try_from(draw(count)?).unwrap_or(0);
        Ok((index < free.len()).then(|| free.swap_remove(index)))
    };
    let Some(number) = take()? else {
        return Ok(None);
    };
    if !choose {
        return Ok(Some((number, Match::Enter { digits: 2 })));
    }
    let (Some(second), Some(third)) = (take()?, take()?) else {
        return Ok(None);
    };
    let options = match draw(3)? {
        0 => [number.clone(), second, third],
        1 => [second, number.clone(), third],
        _ => [second, third, number.clone()],
    };
    Ok(Some((number, Match::Choose { options })))
}

/// The decision that the phone signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Approve, with the number that the person entered or chose.
    Approve(String),
    /// Deny.
    Deny,
}

/// Applies a decision to a ceremony. Returns two values: the new outcome, or `None` if the outcome does not change; and
/// the result for the phone.
///
/// `from` is the phone's network if the policy requires phone and browser to be on the same network, else `None`.
#[must_use]
pub fn decide(
    ceremony: &Ceremony,
    decision: &Decision,
    from: Option<&str>,
    now: Time,
) -> (Option<Outcome>, AnswerResult) {
    let is_place_right = from.is_none_or(|network| network == ceremony.network);
    // GUARD(answer-too-late): answer_is_accepted_until_the_ceremony_expires, second_factor_models_have_no_fault
    // INSTEAD: match (ceremony.outcome, decision) {
    match (ceremony.outcome_at(now), decision) {
        // GUARD(proximity): required_proximity_refuses_approval_from_other_networks
        // INSTEAD: (None, Decision::Approve(number)) if *number == ceremony.number && !is_place_right && now < 0 => {
        (None, Decision::Approve(number)) if *number == ceremony.number && !is_place_right => {
            (Some(Outcome::RefusedPlace), AnswerResult::RefusedPlace)
        }
        // GUARD(approved-by-its-number): second_factor_models_have_no_fault, j7_w1_wrong_number_ends_the_ceremony
        // INSTEAD: (None, Decision::Approve(_)) => {
        (None, Decision::Approve(number)) if *number == ceremony.number => {
            (Some(Outcome::Approved), AnswerResult::Approved)
        }
        (None, Decision::Approve(_)) => (Some(Outcome::WrongNumber), AnswerResult::WrongNumber),
        (None, Decision::Deny) => (Some(Outcome::Denied), AnswerResult::Denied),
        (Some(Outcome::Expired), _) => (None, AnswerResult::Expired),
        (Some(Outcome::Superseded), _) => (None, AnswerResult::Superseded),
        (Some(Outcome::Cancelled | Outcome::Ended), _) => (None, AnswerResult::Cancelled),
        (
            Some(
                Outcome::Approved | Outcome::Denied | Outcome::Reported | Outcome::WrongNumber | Outcome::RefusedPlace,
            ),
            _,
        ) => (None, AnswerResult::AlreadyAnswered),
    }
}

impl Ceremony {
    /// Returns whether the ceremony was approved and the approval is not spent.
    #[must_use]
    pub fn is_unspent_approval(&self) -> bool {
        // GUARD(approval-once): second_factor_models_have_no_fault
        // INSTEAD: self.outcome == Some(Outcome::Approved)
        self.outcome == Some(Outcome::Approved) && !self.redeemed
    }

    /// Returns whether the browser may still redeem the approval: the approval is not spent, and the answer is less than
    /// five minutes old. For adding a phone, the answer must be less than ten minutes old, because the person may have
    /// to install the app first.
    #[must_use]
    pub fn is_redeemable(&self, now: Time) -> bool {
        let life = if self.kind == Kind::AddMethod { 2 * REDEEMABLE } else { REDEEMABLE };
        self.is_unspent_approval()
            // GUARD(approval-fresh): step_up_model_has_no_fault
            && now - self.decided_at.unwrap_or(0) < life
    }
}

/// Sorts by origin, strongest first. Ceremonies of the same origin are sorted by age, newest first. If not all
/// prompts fit into a signed state, the state omits the last ones. Prompts of unknown browsers are therefore omitted
/// first.
pub fn strongest_first(ceremonies: &mut [Ceremony]) {
    // GUARD(state-strongest-first): full_state_omits_newest_notices_then_weakest_prompts
    // INSTEAD: ceremonies.sort_by_key(|ceremony| Reverse(ceremony.created_at));
    ceremonies.sort_by_key(|ceremony| (ceremony.origin, Reverse(ceremony.created_at)));
}
