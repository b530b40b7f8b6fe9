//! Revokes or ends records: sessions, attempts, known browsers, tokens, passes, enrollments, registrations, devices,
//! sign-in keys, and the ceremonies and approvals that depend on them.
//!
//! If several records must end together, one function here ends them in the caller's transaction. Other modules end
//! these records only in normal use: a registration when the browser opens it; a ceremony when it is decided,
//! cancelled on its page or superseded (`prompts::acts`). `App::run_maintenance` deletes expired records.
//!
//! ```text
//! password replaced ──▶ sessions by password alone, password-proved ceremonies, enrollments, registrations
//! device removed ─────▶ its unused approvals, ceremonies that no device can answer, enrollments, registrations
//! session ended ──────▶ its access tokens, its enrollments
//! phone lost ─────────▶ the device, and the sessions and known browsers of the ceremonies that the device decided
//! person suspended ───▶ sessions, unused passes, ceremonies that no device can answer
//! "it wasn't me" ─────▶ the session and known browser that started the ceremony, and those that the approval gave
//! ```
//!
//! The removal of a pending device ends no other records.

use crate::audit;
use crate::clock::Time;
use crate::devices::device::{self, Cause, Device};
use crate::devices::records as devices;
use crate::devices::standing::{Status, may_answer};
use crate::enrollment::rules;
use crate::enrollment::state::{Enrollment, State};
use crate::notices;
use crate::openid::records::Token;
use crate::passes::pass::Pass;
use crate::people::person::Person;
use crate::phone_sign_in::records::PhoneToken;
use crate::phone_sign_in::registration::{Registration, RegistrationCode, RegistrationToken};
use crate::phone_sign_in::rules::turns_off;
use crate::prompts::ceremony::{Ceremony, Origin, Outcome, Owner};
use crate::prompts::records::Prompt;
use crate::sign_in::attempt::Attempt;
use crate::sign_in::records::KnownBrowser;
use crate::sign_in::session::{Session, Used};
use crate::store::{StoreError, Tx};

// Sessions and browsers

/// Ends an attempt. Returns false if the attempt had already ended.
pub fn end_attempt(tx: &mut Tx<'_>, id: &str) -> Result<bool, StoreError> {
    tx.delete::<Attempt>(id)
}

/// Ends a session with its access tokens and its enrollments.
pub fn end_session(tx: &mut Tx<'_>, id: &str, now: Time) -> Result<(), StoreError> {
    let Some(session) = tx.get::<Session>(id)? else {
        return Ok(());
    };
    tx.delete::<Session>(id)?;
    for token in tx.children::<Token>(id)? {
        tx.delete::<Token>(&token.id)?;
    }
    for enrollment in tx.children::<Enrollment>(&session.account_id)? {
        if enrollment.is_of(&session) {
            end_enrollment(tx, &enrollment, Cause::Cancelled, now)?;
        }
    }
    Ok(())
}

fn end_sessions(tx: &mut Tx<'_>, account_id: &str, now: Time) -> Result<(), StoreError> {
    for session in tx.children::<Session>(account_id)? {
        end_session(tx, &session.id, now)?;
    }
    Ok(())
}

/// Removes a known browser from its account.
pub fn forget_browser(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    tx.delete::<KnownBrowser>(id).map(|_was_known| ())
}

/// Ends the unused passes of an account.
pub fn end_passes(tx: &mut Tx<'_>, account_id: &str) -> Result<(), StoreError> {
    for pass in tx.children::<Pass>(account_id)? {
        if pass.used_at.is_none() {
            tx.delete::<Pass>(&pass.id)?;
        }
    }
    Ok(())
}

/// Called when a person is suspended. Ends the sessions, the unused passes, and the ceremonies that no active device
/// can answer. Live prompts of active devices stay, but an approval is refused while the person is suspended.
pub fn end_for_suspension(tx: &mut Tx<'_>, account_id: &str, now: Time) -> Result<(), StoreError> {
    end_passes(tx, account_id)?;
    end_sessions(tx, account_id, now)?;
    end_unanswerable(tx, account_id, now)
}

/// Called when a password is replaced. Ends the account's sessions by password alone, its live ceremonies with the
/// origin `password_proved`, and all its unfinished enrollments and registrations.
pub fn end_for_new_password(tx: &mut Tx<'_>, account_id: &str, now: Time) -> Result<(), StoreError> {
    for session in tx.children::<Session>(account_id)? {
        // GUARD(changed-password-ends-session): password_change_ends_sessions_and_unfinished_sign_ins
        if session.used == Used::Password {
            end_session(tx, &session.id, now)?;
        }
    }
    for ceremony in tx.children::<Ceremony>(account_id)? {
        if ceremony.origin == Origin::PasswordProved && ceremony.is_live(now) {
            end_ceremony(tx, &ceremony, now)?;
        }
    }
    end_enrollments(tx, account_id, None, now)?;
    end_registrations(tx, account_id)
}

// Enrollments and registrations

/// Ends an enrollment that is open or bound, and removes its pending device.
pub fn end_enrollment(tx: &mut Tx<'_>, enrollment: &Enrollment, cause: Cause, now: Time) -> Result<(), StoreError> {
    if matches!(enrollment.state, State::Open | State::Bound) {
        let end = |stored: &mut Enrollment| {
            rules::end(stored, cause);
            stored.clone()
        };
        if let Some(ended) = tx.update(&enrollment.scanned.id, end)?.granted() {
            remove_pending_device(tx, &ended, now)?;
        }
    }
    Ok(())
}

/// Ends every open or bound enrollment of an account, except the enrollment with the id `but`.
pub fn end_enrollments(tx: &mut Tx<'_>, account_id: &str, but: Option<&str>, now: Time) -> Result<(), StoreError> {
    for enrollment in tx.children::<Enrollment>(account_id)? {
        if Some(enrollment.scanned.id.as_str()) != but {
            end_enrollment(tx, &enrollment, Cause::Cancelled, now)?;
        }
    }
    Ok(())
}

/// Ends an enrollment that the policy or a suspension no longer allows. Called in every transaction that decides a
/// look-up, a bind or digits.
pub fn end_unless_allowed(tx: &mut Tx<'_>, enrollment: &Enrollment, now: Time) -> Result<(), StoreError> {
    match may_answer(tx, &enrollment.account_id)? {
        Status::Ok => Ok(()),
        // GUARD(enrollment-policy-read-again): j1_w2_change_between_digits_and_activation_takes_effect
        // INSTEAD: _ => Ok(()),
        _ => end_enrollment(tx, enrollment, Cause::Cancelled, now),
    }
}

/// Ends the enrollment that a pending device abandons.
pub fn abandon_enrollment(tx: &mut Tx<'_>, device: &Device, now: Time) -> Result<(), StoreError> {
    for enrollment in tx.children::<Enrollment>(&device.account_id)? {
        if enrollment.device_id.as_deref() == Some(device.id.as_str()) {
            end_enrollment(tx, &enrollment, Cause::Abandoned, now)?;
        }
    }
    Ok(())
}

/// Ends the enrollment of a pending device if the enrollment has expired. Called when the phone fetches prompts, so
/// that the phone learns of the end even if no browser shows the wizard.
pub fn expire_enrollment(tx: &mut Tx<'_>, device: &Device, now: Time) -> Result<(), StoreError> {
    if device.state != device::State::Pending {
        return Ok(());
    }
    for enrollment in tx.children::<Enrollment>(&device.account_id)? {
        if enrollment.device_id.as_deref() == Some(device.id.as_str()) && enrollment.expires_at <= now {
            end_enrollment(tx, &enrollment, Cause::Expired, now)?;
        }
    }
    Ok(())
}

/// Makes the pending device of an ended enrollment a tombstone. The tombstone gets the cause of the enrollment's end.
pub fn remove_pending_device(tx: &mut Tx<'_>, enrollment: &Enrollment, now: Time) -> Result<(), StoreError> {
    let (State::Ended(cause), Some(id)) = (enrollment.state, &enrollment.device_id) else {
        return Ok(());
    };
    match tx.get::<Device>(id)? {
        Some(device) if device.state == device::State::Pending => remove_device(tx, &device, cause, now),
        _ => Ok(()),
    }
}

/// Ends every unfinished registration of an account.
pub fn end_registrations(tx: &mut Tx<'_>, account_id: &str) -> Result<(), StoreError> {
    for registration in tx.children::<Registration>(account_id)? {
        tx.delete::<Registration>(&registration.id)?;
    }
    for code in tx.children::<RegistrationCode>(account_id)? {
        tx.delete::<RegistrationCode>(&code.id)?;
    }
    for token in tx.children::<RegistrationToken>(account_id)? {
        if token.spent_by.is_none() {
            tx.delete::<RegistrationToken>(&token.id)?;
        }
    }
    for token in tx.children::<PhoneToken>(account_id)? {
        end_unused_phone_token(tx, &token.id)?;
    }
    Ok(())
}

/// Called when an authorization code is used a second time. Ends the token that was issued for this authorization code.
/// If a phone was added with the token, the token stays.
pub fn end_registration_token(tx: &mut Tx<'_>, token: &str) -> Result<(), StoreError> {
    tx.delete::<RegistrationToken>(token)?;
    end_unused_phone_token(tx, token)
}

/// Ends a token for adding a phone if the token is unused. If a phone was added with the token, the token stays, so
/// that a retry of this phone gets the same response.
fn end_unused_phone_token(tx: &mut Tx<'_>, token: &str) -> Result<(), StoreError> {
    if tx.get::<PhoneToken>(token)?.is_some_and(|token| token.added.is_none()) {
        tx.delete::<PhoneToken>(token)?;
    }
    Ok(())
}

// Devices and keys

/// Makes a device a tombstone. If the device was active, also ends its unused approvals, the ceremonies that no other
/// device can answer, and the account's unfinished enrollments and registrations.
pub fn remove_device(tx: &mut Tx<'_>, device: &Device, cause: Cause, now: Time) -> Result<(), StoreError> {
    if matches!(device.state, device::State::Removed(_)) {
        return Ok(());
    }
    let was_active = device.is_active();
    tx.update::<Device, _>(&device.id, |device| device.become_tombstone(cause, now))?.granted();
    audit::record(tx, &device.account_id, "device_removed", &device.id, now)?;
    if was_active {
        void_unused_approvals(tx, device)?;
        end_unanswerable(tx, &device.account_id, now)?;
        end_enrollments(tx, &device.account_id, None, now)?;
        end_registrations(tx, &device.account_id)?;
    }
    Ok(())
}

/// Called when a phone is reported as lost. Removes the device, and ends the sessions and known browsers of the
/// ceremonies that the device decided. The session with the id `but` stays, because the person reports the loss in that
/// session.
pub fn remove_lost_device(tx: &mut Tx<'_>, device: &Device, but: Option<&str>, now: Time) -> Result<(), StoreError> {
    for ceremony in tx.children::<Ceremony>(&device.account_id)? {
        if ceremony.decided_by.as_deref() != Some(device.id.as_str()) {
            continue;
        }
        for session in ceremony.gave_session.iter().filter(|session| Some(session.as_str()) != but) {
            // GUARD(lost-phone-sessions): j11_a_loss_report_ends_sessions_and_notifies_other_phones
            // INSTEAD: let _kept = session;
            end_session(tx, session, now)?;
        }
        for browser in ceremony.gave_browser.iter().chain(&ceremony.known_browser) {
            forget_browser(tx, browser)?;
        }
    }
    // GUARD(lost-phone-removed): j11_w2_the_lost_phone_shows_that_it_was_removed
    remove_device(tx, device, Cause::Lost, now)?;
    notices::notify(tx, &device.account_id, None, notices::Kind::PhoneLost, now)
}

/// Removes all active phones of a person, forgets the person's known browsers and ends the person's sessions. Returns
/// the number of removed phones.
pub fn remove_every_device(tx: &mut Tx<'_>, account_id: &str, now: Time) -> Result<usize, StoreError> {
    let phones: Vec<Device> = devices::active(tx, account_id)?;
    let count = phones.len();
    for phone in phones {
        remove_device(tx, &phone, Cause::RemovedByOperator, now)?;
        notices::notify(tx, account_id, None, notices::Kind::MethodRemoved, now)?;
    }
    end_sessions(tx, account_id, now)?;
    for browser in tx.children::<KnownBrowser>(account_id)? {
        forget_browser(tx, &browser.id)?;
    }
    Ok(count)
}

/// Removes the sign-in key with this thumbprint, which turns phone sign-in off. Returns false if the device's sign-in
/// key has a different thumbprint, or if the device has no sign-in key.
pub fn remove_sign_in_key(tx: &mut Tx<'_>, device: &Device, thumbprint: &str, now: Time) -> Result<bool, StoreError> {
    if !turns_off(device, thumbprint) {
        return Ok(false);
    }
    let turned_off = |device: &mut Device| (device.sign_in, device.turned_off_at) = (None, Some(now));
    tx.update(&device.id, turned_off)?.granted();
    audit::record(tx, &device.account_id, "phone_sign_in_off", &device.id, now)?;
    notices::notify(tx, &device.account_id, Some(&device.id), notices::Kind::PhoneSignInOff, now)?;
    end_unanswerable(tx, &device.account_id, now)?;
    Ok(true)
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

// Ceremonies and their results

/// Ends each live ceremony that no active device can approve: for every prompt of the ceremony, the device or the key
/// was removed.
fn end_unanswerable(tx: &mut Tx<'_>, account_id: &str, now: Time) -> Result<(), StoreError> {
    let left = devices::active(tx, account_id)?;
    let answers = |prompt: &Prompt| {
        left.iter().any(|phone| phone.id == prompt.device_id && phone.key_named(&prompt.key).is_some())
    };
    for ceremony in tx.children::<Ceremony>(account_id)? {
        if !ceremony.is_live(now) {
            continue;
        }
        let prompts: Vec<Prompt> = tx.children(&ceremony.id)?;
        if !prompts.iter().any(answers) {
            end_ceremony(tx, &ceremony, now)?;
        }
    }
    Ok(())
}

fn end_ceremony(tx: &mut Tx<'_>, ceremony: &Ceremony, now: Time) -> Result<(), StoreError> {
    let ended = |ceremony: &mut Ceremony| (ceremony.outcome, ceremony.decided_at) = (Some(Outcome::Ended), Some(now));
    tx.update(&ceremony.id, ended)?.granted();
    Ok(())
}

/// Voids the device's approvals that no browser has used yet.
fn void_unused_approvals(tx: &mut Tx<'_>, device: &Device) -> Result<(), StoreError> {
    for ceremony in tx.children::<Ceremony>(&device.account_id)? {
        // GUARD(lost-phone-approvals): j11_w1_a_loss_report_cancels_an_approval_of_the_lost_phone
        // INSTEAD: if ceremony.decided_by.as_deref() == Some(device.id.as_str()) && false {
        if ceremony.decided_by.as_deref() == Some(device.id.as_str()) && !ceremony.redeemed {
            tx.update::<Ceremony, _>(&ceremony.id, |ceremony| ceremony.redeemed = true)?.granted();
        }
    }
    Ok(())
}

/// Called when the person reports "it wasn't me". Ends the session and known browser that started the ceremony, and the
/// session and known browser that the approval gave. If the ceremony's origin is `password_proved`, stores the time of
/// the report in the person's record.
pub fn end_reported(tx: &mut Tx<'_>, ceremony: &Ceremony, now: Time) -> Result<(), StoreError> {
    if let Some(session) = &ceremony.gave_session {
        end_session(tx, session, now)?;
    }
    if let Owner::Session(session) = &ceremony.owner {
        end_session(tx, session, now)?;
    }
    for browser in ceremony.gave_browser.iter().chain(&ceremony.known_browser) {
        forget_browser(tx, browser)?;
    }
    if ceremony.origin == Origin::PasswordProved {
        tx.update::<Person, _>(&ceremony.account_id, |person| person.reported_at = Some(now))?.granted();
    }
    Ok(())
}
