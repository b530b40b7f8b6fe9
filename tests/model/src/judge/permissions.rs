//! Judges what a step has given: what allowed it must have been valid before the step.

use countersign_service::clock::Time;
use countersign_service::devices::device::Device;
use countersign_service::grants::Kind;
use countersign_service::passes::pass::Pass;
use countersign_service::people::person::Person;
use countersign_service::policy::document::{Bootstrap, Policy, State as PolicyState};
use countersign_service::policy::records::PolicyRecord;
use countersign_service::prompts::ceremony::{Ceremony, Kind as Asked, Outcome};
use countersign_service::prompts::change::{Act as Administered, Change};
use countersign_service::sign_in::attempt::Attempt;
use countersign_service::sign_in::session::Session;

use crate::faults::Fault;
use crate::ledger::{Cause, Held, Thing, is_used_by};
use crate::rows::Rows;
use crate::steps::{Browser, Event, State};

/// An approval of adding a phone can be used to begin for ten minutes, every other approval for five.
const APPROVED: Time = 300;

/// Returns the fault of a grant that has a new cause.
pub(super) fn fault_of(before: &State, event: &Event, one: &Held, cause: &Cause, now: Time) -> Option<Fault> {
    if is_used_by(one.thing.0, cause) && before.ledger.used.contains(cause) {
        return Some(Fault::UsedTwice);
    }
    let standing = before.rows.maybe::<Person>(&one.account).is_some_and(|person| !person.suspended);
    if standing && is_allowed(before, event, one, cause, now) {
        return None;
    }
    let is_phone = matches!(one.thing.0, Kind::Device | Kind::Enrollment | Kind::PhoneToken | Kind::RegistrationCode);
    Some(if is_phone { Fault::PhoneWithoutPermission } else { Fault::GivenWithoutPermission })
}

fn is_allowed(before: &State, event: &Event, one: &Held, cause: &Cause, now: Time) -> bool {
    match one.thing.0 {
        Kind::Device | Kind::Enrollment | Kind::PhoneToken | Kind::RegistrationCode | Kind::RegistrationToken => {
            may_add(before, event, &one.account, cause, now)
        }
        Kind::Session => may_start_session(before, event, &one.account, cause, now),
        Kind::KnownBrowser => approval(before, cause, now).is_some_and(|by| by.account_id == one.account),
        Kind::Pass | Kind::Administrator | Kind::ApiToken => is_acted(before, event, one, cause, now),
        Kind::Attempt => match (cause, event) {
            (Cause::Password(since), _) => {
                let person = before.rows.maybe::<Person>(&one.account);
                let changes = matches!(event, Event::ChangePassword(_));
                person.is_some_and(|person| person.password_changed_at == *since || changes)
            }
            (Cause::Pass(id), Event::Type(..)) => pass(before, id, now).is_some_and(|pass| pass.used_at.is_none()),
            _ => false,
        },
        _ => true,
    }
}

/// A first phone by the password if the policy allows it, or a phone by a typed pass or by an approval of adding one.
fn may_add(before: &State, event: &Event, account: &str, cause: &Cause, now: Time) -> bool {
    if policy(&before.rows).state == PolicyState::Disabled {
        return false;
    }
    match cause {
        Cause::Password(since) => is_first(&before.rows, account, *since),
        Cause::Pass(id) => before.rows.maybe::<Pass>(id).is_some_and(|pass| {
            pass.used_at.is_some() && pass.account_id == account && !before.ledger.used.contains(cause)
        }),
        // The approval must be new when adding begins. Then the enrollment, the code or the token has its own time.
        Cause::Approval(_) => {
            let begins = matches!(event, Event::Wizard(_) | Event::AnotherWizard(_) | Event::Agree(..));
            let since = if begins { now } else { Time::MIN };
            let found = approval(before, cause, since);
            found.is_some_and(|by| by.kind == Asked::AddMethod && by.account_id == account)
        }
        Cause::Operator => false,
    }
}

fn is_first(rows: &Rows, account: &str, since: Time) -> bool {
    let unchanged = rows.maybe::<Person>(account).is_some_and(|person| person.password_changed_at == since);
    let policy = policy(rows);
    let mut phones = rows.all::<Device>().into_iter();
    let has_phone = phones.any(|device| device.is_active() && device.account_id == account);
    unchanged && policy.countersign.bootstrap == Bootstrap::Password && !has_phone
}

fn policy(rows: &Rows) -> Policy {
    rows.all::<PolicyRecord>().pop().map_or_else(Policy::usual, |record| record.current.policy)
}

fn pass(before: &State, id: &str, now: Time) -> Option<Pass> {
    before.rows.maybe::<Pass>(id).filter(|pass| (pass.starts_at..pass.ends_at).contains(&now))
}

/// Returns the ceremony of an approval that the account's phone has given, that was not used or reported, and whose
/// phone is still active.
fn approval(before: &State, cause: &Cause, now: Time) -> Option<Ceremony> {
    let Cause::Approval(id) = cause else { return None };
    if policy(&before.rows).state == PolicyState::Disabled {
        return None;
    }
    let by = before.rows.maybe::<Device>(before.ledger.approved.get(id)?)?;
    let ceremony = before.rows.maybe::<Ceremony>(id)?;
    let life = if ceremony.kind == Asked::AddMethod { 2 * APPROVED } else { APPROVED };
    let late = ceremony.decided_at.is_none_or(|at| now.saturating_sub(at) >= life);
    let ours = by.is_active() && by.account_id == ceremony.account_id;
    let fallen = before.ledger.has_fallen(&before.rows, cause) || before.ledger.used.contains(cause);
    (ours && !fallen && !late && ceremony.outcome == Some(Outcome::Approved)).then_some(ceremony)
}

/// A session starts with a fresh secret or with an approval for this browser's attempt, and is raised by an approval in
/// this session.
fn may_start_session(before: &State, event: &Event, account: &str, cause: &Cause, now: Time) -> bool {
    match (event, cause) {
        (Event::FirstSession(browser), Cause::Password(since)) => {
            is_first(&before.rows, account, *since) && has_typed(before, *browser, cause, now)
        }
        (Event::FirstSession(browser), Cause::Pass(_)) => has_typed(before, *browser, cause, now),
        (Event::SignIn(browser), Cause::Approval(_)) => {
            let attempt = before.rows.maybe::<Attempt>(&browser.attempt());
            let found = approval(before, cause, now);
            found
                .zip(attempt)
                .is_some_and(|(by, attempt)| by.kind == Asked::SecondFactor && by.owner == attempt.owner())
        }
        (Event::Finish(browser), Cause::Approval(id)) => {
            approval(before, cause, now).is_some() && waits(before, *browser).is_some_and(|one| one.id == *id)
        }
        _ => false,
    }
}

fn has_typed(before: &State, browser: Browser, cause: &Cause, now: Time) -> bool {
    let attempt = before.rows.maybe::<Attempt>(&browser.attempt());
    let proven = attempt.and_then(|attempt| attempt.proven);
    proven.is_some_and(|proven| Cause::from(&proven.given.by) == *cause && now - proven.given.at < 2 * APPROVED)
}

/// The ceremony for which the session of a browser waits.
fn waits(before: &State, browser: Browser) -> Option<Ceremony> {
    let session = before.rows.maybe::<Session>(&browser.session())?;
    before.rows.maybe(&session.ceremony?)
}

/// A pass, a role or an API token is given by the approval of exactly this change, or by the operator.
fn is_acted(before: &State, event: &Event, one: &Held, cause: &Cause, now: Time) -> bool {
    if let (Event::Operate(act), Cause::Operator) = (event, cause) {
        return gives(one, &one.account, &Change::Administer(act.made()));
    }
    let Some(by) = approval(before, cause, now) else { return false };
    let acts = matches!(event, Event::Finish(browser) if waits(before, *browser).is_some_and(|one| one.id == by.id));
    acts && by.change.as_ref().is_some_and(|change| gives(one, &by.account_id, change) && has_right(before, &by))
}

/// Whether a change that this person has approved gives this grant.
fn gives(one: &Held, approver: &str, change: &Change) -> bool {
    match (one.thing.0, change) {
        (Kind::Pass, Change::CreatePass) => one.account == approver,
        (Kind::Pass, Change::Administer(Administered::MakePass(account)))
        | (Kind::Administrator, Change::Administer(Administered::MakeAdministrator(account))) => {
            one.account == *account
        }
        (Kind::ApiToken, Change::Administer(Administered::MakeApiToken { .. })) => one.account == approver,
        _ => false,
    }
}

/// Whether the person who approved may make administrative acts, if the ceremony is about one.
fn has_right(before: &State, by: &Ceremony) -> bool {
    let person = before.rows.maybe::<Person>(&by.account_id);
    let is_administrator = person.is_some_and(|person| person.is_administrator && !person.suspended);
    is_administrator || !matches!(by.change, Some(Change::Administer(_)))
}

/// Returns the fault of a step that suspends, resumes, changes the policy, takes a role or removes a phone without the
/// approval of exactly this change.
pub(super) fn changed_without_approval(before: &State, event: &Event, state: &State) -> Option<Fault> {
    // A report takes back what the reported approval has given.
    if matches!(event, Event::Report(..)) {
        return None;
    }
    let made = made(before, event);
    // A loss takes back what the lost phone has given, for example a phone.
    let lost = match &made {
        Some(Change::ReportLost { device, .. } | Change::Administer(Administered::ReportLost { device, .. })) => device,
        _ => "",
    };
    let by_lost = |ceremony: &str| before.ledger.was_approved_by(ceremony, lost);
    let falls = |change: &Changed| change.thing().is_some_and(|thing| before.ledger.was_given_by(&thing, &by_lost));
    let fits = |change: &Changed| falls(change) || made.as_ref().is_some_and(|made| change.fits(made));
    let fits = changes(&before.rows, &state.rows).iter().all(fits);
    (!fits).then_some(Fault::ChangedWithoutItsApproval)
}

/// Returns the change that a step makes: a command of the operator, or a change that a phone has approved.
pub(super) fn made(before: &State, event: &Event) -> Option<Change> {
    match event {
        Event::Operate(act) => Some(Change::Administer(act.made())),
        Event::Finish(browser) => {
            let waiting = waits(before, *browser).filter(|one| before.ledger.approved.contains_key(&one.id));
            waiting.filter(|one| has_right(before, one) && !is_about_oneself(one)).and_then(|one| one.change)
        }
        _ => None,
    }
}

/// An administrator must not take their own access away.
fn is_about_oneself(by: &Ceremony) -> bool {
    match &by.change {
        Some(Change::Administer(
            Administered::Suspend(account)
            | Administered::Reset(account)
            | Administered::RemoveAdministrator(account)
            | Administered::DeletePerson(account),
        )) => *account == by.account_id,
        _ => false,
    }
}

/// A change of the rows that only its own approval allows.
enum Changed {
    Suspended { account: String, suspended: bool },
    Policy,
    NoAdministrator(String),
    Removed { account: String, device: String },
}

impl Changed {
    /// The grant that was taken away.
    fn thing(&self) -> Option<Thing> {
        match self {
            Self::NoAdministrator(account) => Some((Kind::Administrator, account.clone())),
            Self::Removed { device, .. } => Some((Kind::Device, device.clone())),
            Self::Suspended { .. } | Self::Policy => None,
        }
    }

    fn fits(&self, made: &Change) -> bool {
        match (self, made) {
            (Self::Suspended { account, suspended: true }, Change::Administer(Administered::Suspend(one)))
            | (Self::Suspended { account, suspended: false }, Change::Administer(Administered::Resume(one)))
            | (Self::NoAdministrator(account), Change::Administer(Administered::RemoveAdministrator(one)))
            | (Self::Removed { account, .. }, Change::Administer(Administered::Reset(one))) => account == one,
            (Self::Policy, Change::Administer(Administered::ChangePolicy(_))) => true,
            (Self::Removed { device, .. }, Change::RemoveMethod(one) | Change::ReportLost { device: one, .. }) => {
                device == one
            }
            (Self::Removed { device, .. }, Change::Administer(Administered::ReportLost { device: one, .. })) => {
                device == one
            }
            _ => false,
        }
    }
}

fn changes(before: &Rows, after: &Rows) -> Vec<Changed> {
    let mut all = Vec::new();
    for was in before.all::<Person>() {
        let Some(is) = after.maybe::<Person>(&was.account_id) else { continue };
        if was.suspended != is.suspended {
            all.push(Changed::Suspended { account: is.account_id.clone(), suspended: is.suspended });
        }
        if was.is_administrator && !is.is_administrator {
            all.push(Changed::NoAdministrator(is.account_id));
        }
    }
    if policy(before) != policy(after) {
        all.push(Changed::Policy);
    }
    for was in before.all::<Device>().into_iter().filter(Device::is_active) {
        if !after.maybe::<Device>(&was.id).is_some_and(|is| is.is_active()) {
            all.push(Changed::Removed { account: was.account_id, device: was.id });
        }
    }
    all
}
