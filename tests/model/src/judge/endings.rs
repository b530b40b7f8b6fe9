//! Judges what a step had to end. `README.md` contains these rules as a table.

use std::collections::BTreeSet;

use countersign_service::devices::device::Device;
use countersign_service::grants::Kind;
use countersign_service::passes::pass::Pass;
use countersign_service::people::person::Person;
use countersign_service::prompts::ceremony::{Ceremony, Owner};
use countersign_service::prompts::change::{Act, Change};
use countersign_service::sign_in::attempt::Attempt;
use countersign_service::sign_in::session::{Session, Used};

use super::permissions::made;
use crate::faults::Fault;
use crate::ledger::{Cause, Held};
use crate::steps::{Event, State};
use crate::world::ALICE;

const ADDING: [Kind; 3] = [Kind::RegistrationCode, Kind::PhoneToken, Kind::Enrollment];

/// Returns the faults of the grants that continue although the step had to end them.
pub(super) fn faults(before: &State, event: &Event, state: &State, had: &[Held], has: &[Held]) -> BTreeSet<Fault> {
    let mut good = match event {
        Event::Report(_, ceremony) => has_ended_browser(state, ceremony),
        Event::SetPassword => only(state, ALICE, has, &[Kind::Device, Kind::Administrator]),
        Event::ChangePassword(_) => has_ended_password(before, state, has),
        _ => true,
    };
    for is in state.rows.all::<Person>() {
        let account = is.account_id.as_str();
        let was = before.rows.maybe::<Person>(account);
        if is.suspended && was.is_some_and(|was| !was.suspended) {
            good &= only(state, account, has, &[Kind::Device, Kind::KnownBrowser, Kind::Administrator]);
        }
        let had_role = had.iter().any(|one| one.thing == (Kind::Administrator, account.to_owned()));
        if had_role && !is.is_administrator {
            good &= !has.iter().any(|one| one.account == account && one.thing.0 == Kind::ApiToken);
        }
    }
    good &= removals(before, event, state, has)
        && additions(state, had, has)
        && passes(state, had, has)
        && commanded(before, event, state, has);
    if good { BTreeSet::new() } else { BTreeSet::from([Fault::EndedGrantContinues]) }
}

/// Whether an account has only grants of these kinds, and no ceremony that can be approved or used.
fn only(state: &State, account: &str, has: &[Held], kinds: &[Kind]) -> bool {
    let fits = |one: &Held| one.account != account || kinds.contains(&one.thing.0);
    let ended = |one: &Ceremony| one.account_id != account || (one.outcome.is_some() && !one.is_unspent_approval());
    has.iter().all(fits) && state.rows.all::<Ceremony>().iter().all(ended)
}

fn has_ended_browser(state: &State, ceremony: &str) -> bool {
    let ceremony: Ceremony = state.rows.one(ceremony);
    let is_owner = |owner: Owner| owner == ceremony.owner;
    !state.rows.all::<Session>().into_iter().any(|session| is_owner(Owner::Session(session.id)))
        && !state.rows.all::<Attempt>().iter().any(|attempt| attempt.proven.is_some() && is_owner(attempt.owner()))
}

/// Nothing that the old password alone has verified may continue, and no unfinished adding.
fn has_ended_password(before: &State, state: &State, has: &[Held]) -> bool {
    let old = before.rows.one::<Person>(ALICE).password_changed_at;
    let by_old = |one: &&Held| one.thing.0 != Kind::Device && one.by.contains(&Cause::Password(old));
    let alone = |session: &Session| session.account_id == ALICE && session.used == Used::Password;
    !has.iter().filter(|one| one.account == ALICE).any(|one| by_old(&one) || ADDING.contains(&one.thing.0))
        && !state.rows.all::<Session>().iter().any(alone)
}

/// A removed phone ends every unfinished adding and turning on, and its own approvals that were not used. A report ends
/// only the adding that the reported approval has given.
fn removals(before: &State, event: &Event, state: &State, has: &[Held]) -> bool {
    let gone = |device: &Device| !state.rows.maybe::<Device>(&device.id).is_some_and(|is| is.is_active());
    before.rows.all::<Device>().into_iter().filter(|device| device.is_active() && gone(device)).all(|device| {
        let by_report = matches!(event, Event::Report(..));
        let adding = |one: &Held| ADDING.contains(&one.thing.0) || one.thing.0 == Kind::RegistrationToken;
        let left = |one: &Held| !by_report && one.account == device.account_id && adding(one);
        let usable = |one: &Ceremony| one.decided_by.as_ref() == Some(&device.id) && one.is_unspent_approval();
        !has.iter().any(left) && !state.rows.all::<Ceremony>().iter().any(usable)
    })
}

/// A new phone ends every other unfinished adding, and every other session by a password alone.
fn additions(state: &State, had: &[Held], has: &[Held]) -> bool {
    let is_new = |one: &&Held| one.thing.0 == Kind::Device && !had.iter().any(|old| old.thing == one.thing);
    has.iter().filter(is_new).all(|new| {
        let adding = |one: &Held| one.account == new.account && ADDING.contains(&one.thing.0);
        let sessions = state.rows.all::<Session>().into_iter();
        let alone = sessions.filter(|one| one.account_id == new.account && one.used == Used::Password).count();
        !has.iter().any(adding) && alone <= 1
    })
}

/// A new pass ends the unused passes.
fn passes(state: &State, had: &[Held], has: &[Held]) -> bool {
    let is_new = |one: &&Held| one.thing.0 == Kind::Pass && !had.iter().any(|old| old.thing == one.thing);
    has.iter().filter(is_new).all(|new| {
        let unused = |pass: &Pass| pass.account_id == new.account && pass.used_at.is_none();
        state.rows.all::<Pass>().iter().filter(|pass| unused(pass)).count() <= 1
    })
}

/// A reset leaves only the role of an administrator. A removal or a loss removes the phone, and a loss ends what the
/// approvals of this phone have given, except the session in which the loss is reported.
fn commanded(before: &State, event: &Event, state: &State, has: &[Held]) -> bool {
    let is_active = |of: &State, id: &str| of.rows.maybe::<Device>(id).is_some_and(|device| device.is_active());
    let kept = match event {
        Event::Finish(browser) => (Kind::Session, browser.session()),
        _ => (Kind::Session, String::new()),
    };
    match made(before, event).filter(|_change| is_done(before, event, state)) {
        Some(Change::Administer(Act::Reset(account))) => only(state, &account, has, &[Kind::Administrator]),
        Some(Change::RemoveMethod(device)) => !is_active(state, &device),
        Some(Change::ReportLost { device, .. } | Change::Administer(Act::ReportLost { device, .. }))
            if is_active(before, &device) =>
        {
            let by_it = |ceremony: &str| state.ledger.was_approved_by(ceremony, &device);
            let falls = |cause: &Cause| state.ledger.comes_from(cause, &by_it);
            !is_active(state, &device) && !has.iter().any(|one| one.thing != kept && one.by.iter().any(falls))
        }
        _ => true,
    }
}

/// Whether the operator has commanded the change, or the step has used the approval up.
fn is_done(before: &State, event: &Event, state: &State) -> bool {
    let unused = |of: &State| {
        let Event::Finish(browser) = event else { return false };
        let session = before.rows.maybe::<Session>(&browser.session());
        let ceremony = session.and_then(|session| session.ceremony);
        ceremony.and_then(|id| of.rows.maybe::<Ceremony>(&id)).is_some_and(|ceremony| !ceremony.redeemed)
    };
    matches!(event, Event::Operate(_)) || (unused(before) && !unused(state))
}
