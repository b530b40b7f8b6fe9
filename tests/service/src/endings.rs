//! Revokes grants. [`end`] is the only function that revokes a grant, and its result [`Ended`] is the only source of the
//! audit entries and notices about it.
//!
//! `rules` decides which grants an ending ends. Elsewhere, a grant is only used up by what it is for: an attempt by a
//! sign-in, a pushed request by the browser that opens it, a ceremony by its answer. `App::run_maintenance` deletes
//! expired records.

pub mod rules;

use std::collections::BTreeSet;

use crate::audit;
use crate::clock::{DAY, Time};
use crate::devices::device::{self, Cause, Device};
use crate::devices::records as devices;
use crate::enrollment::rules as enrollments;
use crate::enrollment::state::{Enrollment, State};
use crate::grants::{self, Grant, Kind};
use crate::notices;
use crate::openid::records::Token;
use crate::openid::request::Code;
use crate::passes::pass::Pass;
use crate::people::person::Person;
use crate::people::records as people;
use crate::phone_sign_in::records::PhoneToken;
use crate::phone_sign_in::registration::{Registration, RegistrationCode, RegistrationToken};
use crate::policy::records::{self as policies, ApiToken};
use crate::prompts::ceremony::{Ceremony, Origin, Outcome};
use crate::prompts::records::Prompt;
use crate::provenance::Given;
use crate::sign_in::attempt::Attempt;
use crate::sign_in::records::KnownBrowser;
use crate::sign_in::session::Session;
use crate::store::{StoreError, Tx};

pub use rules::Ending;
use rules::Fallen;

/// The grants that an ending has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Ended {
    /// The kind and the record id of each grant.
    pub grants: Vec<(Kind, String)>,
}

impl Ended {
    /// Returns how many grants of this kind have ended.
    #[must_use]
    pub fn count(&self, kind: Kind) -> usize {
        self.grants.iter().filter(|(one, _)| *one == kind).count()
    }
}

/// Ends every grant that this event of an account ends. Writes the audit entries, and notifies the phones.
///
/// Grants of other accounts can end too: after a report or a loss, those that a fallen approval has given by an
/// administrative act, and passes that a former administrator has made. The transaction is then global.
pub fn end(tx: &mut Tx<'_>, account_id: &str, ending: &Ending, now: Time) -> Result<Ended, StoreError> {
    let mut fallen = Fallen::from(account_id, ending, reach(tx, account_id, ending, now)?);
    let mut ended = Ended { grants: end_in(tx, account_id, Some(ending), &mut fallen, now)? };
    // GUARD(report-in-other-accounts): administrators_role_has_no_fault
    // INSTEAD: if false {
    if fallen.reaches_others() {
        end_elsewhere(tx, account_id, &mut fallen, &mut ended, now)?;
    }
    if let Ending::Reported(ceremony) = ending
        && ceremony.origin == Origin::PasswordProved
    {
        let report = |person: &mut Person| {
            // A repeated report does not concern a password that was set since.
            if ceremony.created_at >= person.password_changed_at {
                person.reported_at = Some(now);
            }
        };
        tx.update::<Person, _>(account_id, report)?.granted();
    }
    Ok(ended)
}

/// Returns since when administrative acts fall. A report concerns an act of the last day. A loss report reaches a week
/// back at most, because an administrator may have added most people of the organization with this phone. The own loss
/// report of a person who is no longer an administrator reaches a day back, and a report by a suspended person nothing.
fn reach(tx: &mut Tx<'_>, account_id: &str, ending: &Ending, now: Time) -> Result<Time, StoreError> {
    let person = tx.get::<Person>(account_id)?;
    let (suspended, administers) = person.map_or((false, false), |person| (person.suspended, person.is_administrator));
    Ok(match ending {
        Ending::Reported(_) if suspended => Time::MAX,
        Ending::Lost { since, reported_in: Some(_), .. } if !administers => (*since).max(now - DAY),
        Ending::Lost { since, .. } => (*since).max(now - 7 * DAY),
        _ => Time::MIN,
    })
}

/// Ends what fallen approvals have given to any account. What ends in one account can end more in another one, so this
/// repeats until nothing changes.
fn end_elsewhere(
    tx: &mut Tx<'_>,
    account_id: &str,
    fallen: &mut Fallen,
    ended: &mut Ended,
    now: Time,
) -> Result<(), StoreError> {
    let mut accounts = BTreeSet::from([account_id.to_owned()]);
    let mut has_acted = false;
    loop {
        let before = (accounts.clone(), fallen.clone());
        for account in &before.0 {
            ended.grants.extend(end_fallen(tx, account, fallen, now)?);
            let ceremonies = tx.children::<Ceremony>(account)?;
            accounts.extend(rules::acted_on(&ceremonies, fallen).map(str::to_owned));
            has_acted = has_acted || rules::has_acted(&ceremonies, fallen);
        }
        if has_acted {
            accounts.extend(end_policies(tx, account_id, fallen, now)?);
        }
        if before == (accounts.clone(), fallen.clone()) {
            return Ok(());
        }
    }
}

/// Takes back fallen policies. Returns the accounts whose first phone a fallen one has allowed, also if it was replaced
/// since, and also accounts that were deleted.
fn end_policies(tx: &mut Tx<'_>, account_id: &str, fallen: &Fallen, now: Time) -> Result<Vec<String>, StoreError> {
    let fell = |given: &Given| fallen.gave(given);
    // GUARD(policy-falls): a_policy_by_a_fallen_approval_is_replaced_by_the_policy_before_it
    // INSTEAD: if now < 0 && policies::take_back(tx, fell, now)? {
    if policies::take_back(tx, fell, now)? {
        audit::record(tx, account_id, "policy_restored", "", now)?;
    }
    let devices = tx.every::<Device>()?.into_iter();
    Ok(devices.filter(|device| fell(&device.given)).map(|device| device.account_id).collect())
}

/// Ends what fallen approvals have given to one account.
fn end_fallen(
    tx: &mut Tx<'_>,
    account_id: &str,
    fallen: &mut Fallen,
    now: Time,
) -> Result<Vec<(Kind, String)>, StoreError> {
    let person = tx.get::<Person>(account_id)?;
    if let Some(person) = &person {
        take_back(tx, person, fallen, now)?;
    }
    let is_suspended = person.is_some_and(|person| rules::is_suspended_again(&person, fallen));
    if is_suspended {
        audit::record(tx, account_id, "suspended", "", now)?;
    }
    end_in(tx, account_id, is_suspended.then_some(&Ending::Suspended), fallen, now)
}

/// Takes back what fallen approvals have changed in a person's record: an unblocking, memberships of groups, the removal
/// of phones, and a first password that a former administrator has seen.
fn take_back(tx: &mut Tx<'_>, person: &Person, fallen: &Fallen, now: Time) -> Result<(), StoreError> {
    if person.unblocked_by.as_ref().is_some_and(|given| fallen.gave(given)) {
        tx.update::<Person, _>(&person.account_id, |person| person.set_unblocked(None, 0))?.granted();
    }
    // GUARD(former-administrators-passwords): first_passwords_of_a_former_administrator_end
    // INSTEAD: if false {
    if rules::has_known_password(person, fallen) {
        tx.update::<Person, _>(&person.account_id, |person| person.end_password(now))?.granted();
        audit::record(tx, &person.account_id, "password_ended", "", now)?;
    }
    let change = |stored: &mut Person| {
        stored.needs_pass = stored.needs_pass || rules::has_removed_phone(stored, fallen);
        stored.phones_removed_by.retain(|approval| !fallen.fell(approval));
        // GUARD(group-falls): a_reported_change_of_a_group_applies_where_it_is_stricter
        // INSTEAD: stored.report_groups(|_approval| false)
        stored.report_groups(|approval| fallen.fell(approval))
    };
    for group in tx.update(&person.account_id, change)?.granted().unwrap_or_default() {
        audit::record(tx, &person.account_id, "group_reported", &group, now)?;
        policies::check_pending(tx)?;
    }
    Ok(())
}

/// Ends the grants of one account. `ending`: `None` for an account on which only fallen approvals have an effect.
fn end_in(
    tx: &mut Tx<'_>,
    account_id: &str,
    ending: Option<&Ending>,
    fallen: &mut Fallen,
    now: Time,
) -> Result<Vec<(Kind, String)>, StoreError> {
    let (grants, devices) = (grants::of(tx, account_id, now)?, tx.children::<Device>(account_id)?);
    let chosen = rules::chosen(ending, &grants, &devices, fallen);
    for grant in &chosen {
        apply(tx, ending, grant, now)?;
        audit::record(tx, account_id, audit_word(grant.kind()), grant.id(), now)?;
    }
    // An intruder who has added the phone may know the password.
    // GUARD(pass-after-fallen-phones): phone_after_fallen_phones_needs_a_pass
    // INSTEAD: if false {
    if rules::has_added_phone(&devices, fallen) && devices::active(tx, account_id)?.is_empty() {
        tx.update::<Person, _>(account_id, |person| person.needs_pass = true)?.granted();
    }
    let mut ended: Vec<(Kind, String)> = chosen.iter().map(|grant| (grant.kind(), grant.id().to_owned())).collect();
    if ended.iter().any(|(kind, _)| matches!(kind, Kind::Device | Kind::SignInKey)) {
        let ceremonies = end_unanswerable(tx, account_id, now)?;
        ended.extend(ceremonies.into_iter().map(|id| (Kind::Ceremony, id)));
    }
    notify(tx, account_id, ending, &ended, now)?;
    match ending {
        Some(Ending::Suspended) => {
            tx.update::<Person, _>(account_id, |person| person.suspended = true)?.granted();
        }
        Some(Ending::Deleted) => people::delete(tx, account_id)?,
        _ => {}
    }
    Ok(ended)
}

/// Ends an enrollment and its pending device.
pub fn end_enrollment(tx: &mut Tx<'_>, enrollment: &Enrollment, cause: Cause, now: Time) -> Result<(), StoreError> {
    let ending = Ending::EnrollmentEnded { enrollment: enrollment.scanned.id.clone(), cause };
    end(tx, &enrollment.account_id, &ending, now).map(|_ended| ())
}

/// Records that the push service reported a push address as gone, if the device still has this push address. The phone
/// learns of this at its next contact.
pub fn end_subscription(tx: &mut Tx<'_>, device_id: &str, endpoint: &str) -> Result<(), StoreError> {
    let ended = |device: &mut Device| {
        let is_current = device.push.as_ref().is_some_and(|push| push.endpoint == endpoint);
        device.push_ended = device.push_ended || is_current;
    };
    tx.update(device_id, ended)?.granted();
    Ok(())
}

fn apply(tx: &mut Tx<'_>, ending: Option<&Ending>, grant: &Grant, now: Time) -> Result<(), StoreError> {
    match grant {
        Grant::Attempt(attempt) => delete::<Attempt>(tx, &attempt.id),
        Grant::Session(session) => delete::<Session>(tx, &session.id),
        Grant::KnownBrowser(browser) => {
            tx.update::<KnownBrowser, _>(&browser.id, |browser| browser.forget(now))?.granted();
            Ok(())
        }
        Grant::Code(code) => delete::<Code>(tx, &code.id),
        Grant::Token(token) => delete::<Token>(tx, &token.id),
        Grant::Registration(registration) => delete::<Registration>(tx, &registration.id),
        Grant::RegistrationCode(code) => delete::<RegistrationCode>(tx, &code.id),
        Grant::RegistrationToken(token) => delete::<RegistrationToken>(tx, &token.id),
        Grant::PhoneToken(token) => delete::<PhoneToken>(tx, &token.id),
        Grant::Pass(pass) => delete::<Pass>(tx, &pass.id),
        Grant::Administrator(person) => {
            tx.update::<Person, _>(&person.account_id, Person::remove_role)?.granted();
            Ok(())
        }
        Grant::ApiToken(token) => delete::<ApiToken>(tx, &token.id),
        Grant::Enrollment(enrollment) => close_enrollment(tx, enrollment, cause(ending), now),
        Grant::Device(device) => {
            tx.update::<Device, _>(&device.id, |device| device.become_tombstone(cause(ending), now))?.granted();
            Ok(())
        }
        Grant::SignInKey(device) => {
            let turned_off = |device: &mut Device| (device.sign_in, device.turned_off_at) = (None, Some(now));
            tx.update(&device.id, turned_off)?.granted();
            Ok(())
        }
        Grant::Ceremony(ceremony) => {
            tx.update::<Ceremony, _>(&ceremony.id, |ceremony| ceremony.end(now))?.granted();
            Ok(())
        }
    }
}

fn delete<R: crate::store::Record>(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    tx.delete::<R>(id).map(|_was_there| ())
}

fn close_enrollment(tx: &mut Tx<'_>, enrollment: &Enrollment, cause: Cause, now: Time) -> Result<(), StoreError> {
    let end = |stored: &mut Enrollment| {
        enrollments::end(stored, cause);
        stored.clone()
    };
    match tx.update(&enrollment.scanned.id, end)?.granted() {
        Some(ended) => remove_pending_device(tx, &ended, now),
        None => Ok(()),
    }
}

/// Makes the pending device of an ended enrollment a tombstone. The tombstone gets the cause of the enrollment's end.
pub fn remove_pending_device(tx: &mut Tx<'_>, enrollment: &Enrollment, now: Time) -> Result<(), StoreError> {
    let (State::Ended(cause), Some(id)) = (enrollment.state, &enrollment.device_id) else {
        return Ok(());
    };
    if tx.get::<Device>(id)?.is_some_and(|device| device.state == device::State::Pending) {
        tx.update::<Device, _>(id, |device| device.become_tombstone(cause, now))?.granted();
        audit::record(tx, &enrollment.account_id, audit_word(Kind::Device), id, now)?;
    }
    Ok(())
}

/// Ends each live ceremony that no active device can approve: for every prompt of the ceremony, the device or the key
/// was removed. Returns the ids of the ended ceremonies.
fn end_unanswerable(tx: &mut Tx<'_>, account_id: &str, now: Time) -> Result<Vec<String>, StoreError> {
    let mut ended = Vec::new();
    let left = devices::active(tx, account_id)?;
    let answers = |prompt: &Prompt| {
        left.iter().any(|phone| phone.id == prompt.device_id && phone.key_named(&prompt.key).is_some())
    };
    for ceremony in tx.children::<Ceremony>(account_id)? {
        if ceremony.is_live(now) && !tx.children::<Prompt>(&ceremony.id)?.iter().any(answers) {
            tx.update::<Ceremony, _>(&ceremony.id, |ceremony| ceremony.end(now))?.granted();
            audit::record(tx, account_id, audit_word(Kind::Ceremony), &ceremony.id, now)?;
            ended.push(ceremony.id);
        }
    }
    Ok(ended)
}

impl Ceremony {
    /// Ends a live ceremony, or makes an approval unusable.
    fn end(&mut self, now: Time) {
        if self.outcome.is_none() {
            (self.outcome, self.decided_at) = (Some(Outcome::Ended), Some(now));
        } else {
            self.redeemed = true;
        }
    }
}

/// Why the devices and enrollments of an ending end.
fn cause(ending: Option<&Ending>) -> Cause {
    let Some(ending) = ending else {
        return Cause::RemovedByOperator;
    };
    match ending {
        Ending::Removed { cause, .. } | Ending::EnrollmentEnded { cause, .. } => *cause,
        Ending::Lost { .. } => Cause::Lost,
        Ending::Reset | Ending::Deleted => Cause::RemovedByOperator,
        Ending::Reported(_) => Cause::RemovedByPerson,
        Ending::PasswordChanged
        | Ending::PasswordSet
        | Ending::Suspended
        | Ending::TurnedOff(_)
        | Ending::MethodAdded { .. }
        | Ending::SignedOut(_)
        | Ending::BrowserForgotten(_)
        | Ending::CodeUsedTwice(_)
        | Ending::PassReplaced
        | Ending::NoLongerAdministrator
        | Ending::ApiTokenRevoked(_)
        | Ending::PolicyChanged(_) => Cause::Cancelled,
    }
}

fn audit_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Attempt => "attempt_ended",
        Kind::Session => "session_ended",
        Kind::KnownBrowser => "browser_forgotten",
        Kind::Code => "code_ended",
        Kind::Token => "token_ended",
        Kind::Registration | Kind::RegistrationCode | Kind::RegistrationToken => "registration_ended",
        Kind::PhoneToken => "phone_token_ended",
        Kind::Enrollment => "enrollment_ended",
        Kind::Device => "device_removed",
        Kind::SignInKey => "phone_sign_in_off",
        Kind::Pass => "pass_ended",
        Kind::Administrator => "administrator_ended",
        Kind::ApiToken => "api_token_ended",
        Kind::Ceremony => "ceremony_ended",
    }
}

/// Notifies the phones that are left of each removed device, and of phone sign-in that was turned off.
fn notify(
    tx: &mut Tx<'_>,
    account_id: &str,
    ending: Option<&Ending>,
    ended: &[(Kind, String)],
    now: Time,
) -> Result<(), StoreError> {
    let removed = match ending {
        Some(Ending::Lost { .. }) => notices::Kind::PhoneLost,
        _ => notices::Kind::MethodRemoved,
    };
    for (kind, _) in ended {
        match (kind, ending) {
            (Kind::Device, _) => notices::notify(tx, account_id, None, removed, now)?,
            (Kind::SignInKey, Some(Ending::TurnedOff(device))) => {
                notices::notify(tx, account_id, Some(device), notices::Kind::PhoneSignInOff, now)?;
            }
            (_, _) => {}
        }
    }
    Ok(())
}
