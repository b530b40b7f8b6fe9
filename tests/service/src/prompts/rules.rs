//! The rules of ceremonies, pure: who may start one, how loud it is, which number it has, what an answer does.
//!
//! Everything is judged from the account's own history, so nothing has to be counted on the side and no
//! origin can use up what belongs to another.

use std::cmp::Reverse;

use crate::clock::{DAY, HOUR, MINUTE, Time};
use crate::prompts::ceremony::{AnswerResult, Ceremony, Kind, Match, Origin, Outcome, Owner};

/// A number is not used again in this time.
const NUMBER_REST: Time = 10 * MINUTE;
/// A browser that comes later starts again.
const REDEEMABLE: Time = 5 * MINUTE;
const MAX_WRONG_NUMBERS: usize = 3;
const MAX_LIVE_PASSWORD: usize = 2;
const MAX_SIGNED_IN: usize = 3;
const RING_EVERY: Time = 2 * MINUTE;
/// From a browser that proved nothing: every such page lasts exactly this long, whatever lies behind it.
pub const UNKNOWN_LIFE: Time = MINUTE;
const MAX_LIVE_UNKNOWN: usize = 3;
const RING_UNKNOWN_EVERY: Time = 10 * MINUTE;
const STRIKES_TO_SILENCE: usize = 2;
/// So often may an origin be asked from while a number rests, whoever asks: with twelve times three options and the
/// two others, never all ninety numbers rest, so no origin is out of numbers by another's doing.
const MAX_STARTS: [(Origin, usize); 3] =
    [(Origin::SignedIn, 20), (Origin::KnownBrowser, 12), (Origin::PasswordProved, 20)];
/// Strikes after which a browser is no longer known.
const STRIKES_TO_FORGET: usize = 2;

/// Life of a ceremony.
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
        | Kind::ReportLost => 5 * MINUTE,
    }
}

/// Who starts a ceremony.
pub struct Start<'a> {
    /// What is asked for.
    pub kind: Kind,
    /// How the browser got here.
    pub origin: Origin,
    /// Whose browser waits.
    pub owner: &'a Owner,
    /// The known browser, hashed.
    pub known_browser: Option<&'a str>,
    /// The network it comes from.
    pub network: &'a str,
    /// When wrong numbers were last forgiven.
    pub unblocked_at: Time,
    /// When the person last opened the app.
    pub opened_at: Time,
    /// When a password-proved sign-in was reported, unless the password changed since.
    pub reported_at: Option<Time>,
}

/// How a ceremony may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    /// Not pushed.
    pub silent: bool,
    /// Choosing is allowed.
    pub may_choose: bool,
}

/// Why a ceremony may not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Three wrong numbers in a day.
    Blocked,
    /// Somebody said "it wasn't me".
    Reported,
    /// Too many at once, or in an hour.
    TooMany,
    /// Too many in ten minutes, however each has ended.
    TooOften,
}

/// Whether a ceremony may begin, judged from the account's ceremonies.
pub fn start(start: &Start<'_>, history: &[Ceremony], now: Time) -> Result<Allowed, Refusal> {
    // GUARD(origins-apart): j7_w1_three_wrong_numbers_in_a_day_end_that_origin_and_no_other, unknown_browsers_touch_no_other
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
    // GUARD(starts-limited): numbers_are_never_used_up_by_one_origin
    // INSTEAD: if MAX_STARTS.iter().any(|(origin, most)| *origin == start.origin && lately >= usize::MAX - *most) {
    if MAX_STARTS.iter().any(|(origin, most)| *origin == start.origin && lately >= *most) {
        return Err(Refusal::TooOften);
    }
    // A newer one of the same browser transaction replaces its older one, so that one doesn't count.
    let live = || same.iter().filter(|past| past.is_live(now) && past.owner != *start.owner);
    match start.origin {
        Origin::SignedIn => {
            // What was approved bothered nobody.
            let mine =
                same.iter().filter(|past| past.owner == *start.owner && now - past.created_at < HOUR && !is_good(past));
            if mine.count() >= MAX_SIGNED_IN {
                return Err(Refusal::TooMany);
            }
            Ok(Allowed { silent: false, may_choose: false })
        }
        Origin::KnownBrowser => {
            let browser = |past: &&&Ceremony| past.known_browser.as_deref() == start.known_browser;
            if live().any(|past| browser(&past)) {
                return Err(Refusal::TooMany);
            }
            let struck = same.iter().filter(browser).any(|past| is_strike(past, now, DAY, 0));
            Ok(Allowed { silent: false, may_choose: !struck })
        }
        Origin::PasswordProved => {
            if start.reported_at.is_some() {
                return Err(Refusal::Reported);
            }
            if live().count() >= MAX_LIVE_PASSWORD {
                return Err(Refusal::TooMany);
            }
            let rang = rang_lately(&same, RING_EVERY, now);
            let since = forgiven_since(start, history);
            let strikes = same.iter().filter(|past| rang_in_vain(past, now, HOUR, since)).count();
            Ok(Allowed { silent: rang || strikes >= STRIKES_TO_SILENCE, may_choose: false })
        }
        Origin::Unknown => {
            // GUARD(unknown-three-per-account): an_unknown_browser_is_three_an_account_one_a_network_and_rings_once_in_ten_minutes
            // INSTEAD: if false
            if live().count() >= MAX_LIVE_UNKNOWN
                // GUARD(unknown-one-per-network): an_unknown_browser_is_three_an_account_one_a_network_and_rings_once_in_ten_minutes
                || live().any(|past| past.network == start.network)
            {
                return Err(Refusal::TooMany);
            }
            // GUARD(unknown-rings-again): an_unknown_browser_is_three_an_account_one_a_network_and_rings_once_in_ten_minutes
            // INSTEAD: let rang = false;
            let rang = rang_lately(&same, RING_UNKNOWN_EVERY, now);
            let since = forgiven_since(start, history);
            // GUARD(unknown-falls-silent): an_unknown_browser_falls_silent_for_a_day_after_one_in_vain
            // INSTEAD: let struck = same.iter().any(|past| rang_in_vain(past, now, 0, since));
            let struck = same.iter().any(|past| rang_in_vain(past, now, DAY, since));
            Ok(Allowed { silent: rang || struck, may_choose: false })
        }
    }
}

fn rang_lately(same: &[&Ceremony], every: Time, now: Time) -> bool {
    same.iter().any(|past| !past.silent && now - past.created_at < every && !is_good(past))
}

/// Silence ends when the person approves something or opens the app.
fn forgiven_since(start: &Start<'_>, history: &[Ceremony]) -> Time {
    let approved = history.iter().filter(|past| is_good(past)).filter_map(|past| past.decided_at).max();
    approved.unwrap_or(0).max(start.opened_at)
}

fn is_good(past: &Ceremony) -> bool {
    past.outcome == Some(Outcome::Approved)
}

/// Denied, reported or unanswered, and not forgiven since.
fn is_strike(past: &Ceremony, now: Time, within: Time, since: Time) -> bool {
    let at = past.decided_at.unwrap_or(past.expires_at);
    let bad = matches!(past.outcome_at(now), Some(Outcome::Denied | Outcome::Reported | Outcome::Expired));
    bad && now - at < within && at > since
}

/// As a strike; taken back before anybody answered counts too, or whoever knows the password could ring,
/// cancel and ring again for ever.
fn rang_in_vain(past: &Ceremony, now: Time, within: Time, since: Time) -> bool {
    let at = past.decided_at.unwrap_or(past.expires_at);
    let taken_back = !past.silent && matches!(past.outcome, Some(Outcome::Cancelled | Outcome::Superseded));
    is_strike(past, now, within, since) || (taken_back && now - at < within && at > since)
}

/// Whether a known browser has lost its standing.
#[must_use]
pub fn is_forgotten(history: &[Ceremony], known_browser: &str, now: Time) -> bool {
    let strikes = history
        .iter()
        .filter(|past| past.known_browser.as_deref() == Some(known_browser) && is_strike(past, now, DAY, 0));
    strikes.count() >= STRIKES_TO_FORGET
}

/// Draws numbers that are on no other page of the account; none when all of them are. `draw(n)` is random below n.
///
/// Two digits, 10 to 99: ninety numbers are more than an account can have in ten minutes (`MAX_STARTS`).
pub fn numbers<E>(
    choose: bool,
    history: &[Ceremony],
    now: Time,
    mut draw: impl FnMut(u32) -> Result<u32, E>,
) -> Result<Option<(String, Match)>, E> {
    let recent = history.iter().filter(|past| now - past.created_at < NUMBER_REST);
    let taken: Vec<&str> = recent.flat_map(Ceremony::numbers).collect();
    let mut free: Vec<String> = (10..100).map(|number: u32| number.to_string()).collect();
    // GUARD(number-on-one-page): the_second_factor
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

/// A decision as the phone signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// With the number as the person read it.
    Approve(String),
    /// No.
    Deny,
}

/// What a decision does to a live ceremony, or why it does nothing; `from` is the network that the phone must share
/// with the browser, where the policy wants that.
#[must_use]
pub fn decide(
    ceremony: &Ceremony,
    decision: &Decision,
    from: Option<&str>,
    now: Time,
) -> (Option<Outcome>, AnswerResult) {
    let is_place_right = from.is_none_or(|network| network == ceremony.network);
    // GUARD(answer-too-late): an_answer_counts_until_the_last_second, the_second_factor
    // INSTEAD: match (ceremony.outcome, decision) {
    match (ceremony.outcome_at(now), decision) {
        // GUARD(proximity): where_the_policy_wants_it_only_the_browsers_own_network_approves
        // INSTEAD: (None, Decision::Approve(number)) if *number == ceremony.number && !is_place_right && now < 0 => {
        (None, Decision::Approve(number)) if *number == ceremony.number && !is_place_right => {
            (Some(Outcome::RefusedPlace), AnswerResult::RefusedPlace)
        }
        // GUARD(approved-by-its-number): the_second_factor, j7_w1_any_other_number_ends_the_ceremony
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
    /// Whether the browser may still make something of an approval.
    #[must_use]
    pub fn is_redeemable(&self, now: Time) -> bool {
        let decided_at = self.decided_at.unwrap_or(0);
        self.outcome == Some(Outcome::Approved)
            // GUARD(approval-once): the_second_factor
            && !self.redeemed
            // GUARD(approval-fresh): changes_of_an_account
            && now - decided_at < REDEEMABLE
    }
}

/// Puts the strongest origin first, and within one origin the newest: what a state has no room for is left out from the
/// end, requests of strangers and of closed pages before all others.
pub fn strongest_first(ceremonies: &mut [Ceremony]) {
    // GUARD(state-strongest-first): a_state_at_its_limit_leaves_out_the_newest_notices_then_the_weakest_and_oldest_prompts
    // INSTEAD: ceremonies.sort_by_key(|ceremony| Reverse(ceremony.created_at));
    ceremonies.sort_by_key(|ceremony| (ceremony.origin, Reverse(ceremony.created_at)));
}
