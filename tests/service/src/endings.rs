//! Everything that revokes or ends something: sessions, attempts, known browsers, tokens, passes, enrollments,
//! registrations, devices, sign-in keys, and the ceremonies and approvals that rest on them.
//!
//! What ends together ends in one function here, in the transaction of its caller. Elsewhere such a record is only used
//! up by what it is for: a pushed request when the browser opens it, a ceremony when it is decided, cancelled on its page
//! or superseded (`prompts::acts`).
//!
//! ```text
//! password replaced ──▶ sessions by it alone, requests after it, enrollments, registrations
//! device removed ─────▶ its unused approvals, requests that nobody is left to answer, enrollments, registrations
//! session ended ──────▶ its access tokens, its enrollments
//! phone lost ─────────▶ the device, and the sessions and known browsers that its approvals gave
//! "it wasn't me" ─────▶ the session that asked, the session and known browser that the approval gave
//! ```

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

/// Ends an attempt to sign in; false when it was over.
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
    for mut enrollment in tx.children::<Enrollment>(&session.account_id)? {
        if enrollment.is_of(&session) {
            end_enrollment(tx, &mut enrollment, Cause::Cancelled, now)?;
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

/// The browser is no longer known to the account.
pub fn forget_browser(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    tx.delete::<KnownBrowser>(id).map(|_was_known| ())
}

/// Ends the passes of an account that nobody has used.
pub fn end_passes(tx: &mut Tx<'_>, account_id: &str) -> Result<(), StoreError> {
    for pass in tx.children::<Pass>(account_id)? {
        if pass.used_at.is_none() {
            tx.delete::<Pass>(&pass.id)?;
        }
    }
    Ok(())
}

/// What a suspended person is signed in to or could sign in with ends.
pub fn end_for_suspension(tx: &mut Tx<'_>, account_id: &str, now: Time) -> Result<(), StoreError> {
    end_passes(tx, account_id)?;
    end_sessions(tx, account_id, now)?;
    end_unanswerable(tx, account_id, now)
}

/// What rests on the word of a replaced password ends: sessions by it alone, requests on the phone, phones and keys
/// that are being added.
pub fn end_for_new_password(tx: &mut Tx<'_>, account_id: &str, now: Time) -> Result<(), StoreError> {
    for session in tx.children::<Session>(account_id)? {
        // GUARD(changed-password-ends-session): a_password_that_is_changed_takes_back_what_it_proved
        if session.used == Used::Password {
            end_session(tx, &session.id, now)?;
        }
    }
    for ceremony in tx.children::<Ceremony>(account_id)? {
        if ceremony.origin == Origin::PasswordProved && ceremony.is_live(now) {
            end_ceremony(tx, ceremony, now)?;
        }
    }
    end_enrollments(tx, account_id, None, now)?;
    end_registrations(tx, account_id)
}

// Enrollments and registrations

/// Ends an enrollment that is not over, with its pending device.
pub fn end_enrollment(tx: &mut Tx<'_>, enrollment: &mut Enrollment, cause: Cause, now: Time) -> Result<(), StoreError> {
    if matches!(enrollment.state, State::Open | State::Bound) {
        rules::end(enrollment, cause);
        tx.put(enrollment)?;
        remove_pending_device(tx, enrollment, now)?;
    }
    Ok(())
}

/// Ends every open enrollment of an account but one.
pub fn end_enrollments(tx: &mut Tx<'_>, account_id: &str, but: Option<&str>, now: Time) -> Result<(), StoreError> {
    for mut enrollment in tx.children::<Enrollment>(account_id)? {
        if Some(enrollment.scanned.id.as_str()) != but {
            end_enrollment(tx, &mut enrollment, Cause::Cancelled, now)?;
        }
    }
    Ok(())
}

/// Ends an enrollment that the policy, or a suspension, no longer allows: read in each deciding transaction.
pub fn end_unless_allowed(tx: &mut Tx<'_>, enrollment: &mut Enrollment, now: Time) -> Result<(), StoreError> {
    match may_answer(tx, &enrollment.account_id)? {
        Status::Ok => Ok(()),
        // GUARD(enrollment-policy-read-again): j1_w2_a_change_between_digits_and_activation_counts_in_both_orders
        // INSTEAD: _ => Ok(()),
        _ => end_enrollment(tx, enrollment, Cause::Cancelled, now),
    }
}

/// The phone gives up the enrollment that it waits for.
pub fn abandon_enrollment(tx: &mut Tx<'_>, device: &Device, now: Time) -> Result<(), StoreError> {
    for mut enrollment in tx.children::<Enrollment>(&device.account_id)? {
        if enrollment.device_id.as_deref() == Some(device.id.as_str()) {
            end_enrollment(tx, &mut enrollment, Cause::Abandoned, now)?;
        }
    }
    Ok(())
}

/// Ends the enrollment that a pending device waits for when its time is over, so that the phone learns it even though
/// nobody looks at the wizard any more.
pub fn expire_enrollment(tx: &mut Tx<'_>, device: &Device, now: Time) -> Result<(), StoreError> {
    if device.state != device::State::Pending {
        return Ok(());
    }
    for mut enrollment in tx.children::<Enrollment>(&device.account_id)? {
        if enrollment.device_id.as_deref() == Some(device.id.as_str()) && enrollment.expires_at <= now {
            end_enrollment(tx, &mut enrollment, Cause::Expired, now)?;
        }
    }
    Ok(())
}

/// The pending device of an ended enrollment becomes a tombstone of the same cause.
pub fn remove_pending_device(tx: &mut Tx<'_>, enrollment: &Enrollment, now: Time) -> Result<(), StoreError> {
    let (State::Ended(cause), Some(id)) = (enrollment.state, &enrollment.device_id) else {
        return Ok(());
    };
    match tx.get::<Device>(id)? {
        Some(mut device) if device.state == device::State::Pending => remove_device(tx, &mut device, cause, now),
        _ => Ok(()),
    }
}

/// Ends every registration of an account that is under way.
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

/// Ends the token of a code that came twice.
pub fn end_registration_token(tx: &mut Tx<'_>, token: &str) -> Result<(), StoreError> {
    tx.delete::<RegistrationToken>(token)?;
    end_unused_phone_token(tx, token)
}

/// A token that has added a phone stays, so that the phone can be told again.
fn end_unused_phone_token(tx: &mut Tx<'_>, token: &str) -> Result<(), StoreError> {
    if tx.get::<PhoneToken>(token)?.is_some_and(|token| token.added.is_none()) {
        tx.delete::<PhoneToken>(token)?;
    }
    Ok(())
}

// Devices and keys

/// Turns a device into a tombstone; what it could still answer ends with it.
pub fn remove_device(tx: &mut Tx<'_>, device: &mut Device, cause: Cause, now: Time) -> Result<(), StoreError> {
    if matches!(device.state, device::State::Removed(_)) {
        return Ok(());
    }
    let was_active = device.is_active();
    device.bury(cause, now);
    tx.put(device)?;
    audit::record(tx, &device.account_id, "device_removed", &device.id, now)?;
    if was_active {
        void_unused_approvals(tx, device)?;
        end_unanswerable(tx, &device.account_id, now)?;
        end_enrollments(tx, &device.account_id, None, now)?;
        end_registrations(tx, &device.account_id)?;
    }
    Ok(())
}

/// "I lost this phone": it never counts again, and whatever was made through it ends, but for the session that
/// says so.
pub fn remove_lost_device(
    tx: &mut Tx<'_>,
    device: &mut Device,
    but: Option<&str>,
    now: Time,
) -> Result<(), StoreError> {
    for ceremony in tx.children::<Ceremony>(&device.account_id)? {
        if ceremony.decided_by.as_deref() != Some(device.id.as_str()) {
            continue;
        }
        for session in ceremony.gave_session.iter().filter(|session| Some(session.as_str()) != but) {
            // GUARD(lost-phone-sessions): j11_a_lost_phone_never_counts_again_and_the_others_are_told
            // INSTEAD: let _kept = session;
            end_session(tx, session, now)?;
        }
        for browser in ceremony.gave_browser.iter().chain(&ceremony.known_browser) {
            forget_browser(tx, browser)?;
        }
    }
    // GUARD(lost-phone-removed): j11_w2_the_lost_phone_comes_back_and_says_what_happened
    remove_device(tx, device, Cause::Lost, now)?;
    notices::notify(tx, &device.account_id, None, notices::Kind::PhoneLost, now)
}

/// Removes every phone of a person, forgets their browsers and ends their sessions; returns how many phones.
pub fn remove_every_device(tx: &mut Tx<'_>, account_id: &str, now: Time) -> Result<usize, StoreError> {
    let phones: Vec<Device> = devices::active(tx, account_id)?;
    let count = phones.len();
    for mut phone in phones {
        remove_device(tx, &mut phone, Cause::RemovedByOperator, now)?;
        notices::notify(tx, account_id, None, notices::Kind::MethodRemoved, now)?;
    }
    end_sessions(tx, account_id, now)?;
    for browser in tx.children::<KnownBrowser>(account_id)? {
        forget_browser(tx, &browser.id)?;
    }
    Ok(count)
}

/// Takes a sign-in key off; false when the device has another one, or none.
pub fn remove_sign_in_key(
    tx: &mut Tx<'_>,
    device: &mut Device,
    thumbprint: &str,
    now: Time,
) -> Result<bool, StoreError> {
    if !turns_off(device, thumbprint) {
        return Ok(false);
    }
    device.sign_in = None;
    device.turned_off_at = Some(now);
    tx.put(device)?;
    audit::record(tx, &device.account_id, "phone_sign_in_off", &device.id, now)?;
    notices::notify(tx, &device.account_id, Some(&device.id), notices::Kind::PhoneSignInOff, now)?;
    end_unanswerable(tx, &device.account_id, now)?;
    Ok(true)
}

/// The push service says that this address is no more; the phone is told at its next contact.
pub fn end_subscription(tx: &mut Tx<'_>, device_id: &str, endpoint: &str) -> Result<(), StoreError> {
    match tx.get::<Device>(device_id)? {
        Some(mut device) if device.push.as_ref().is_some_and(|push| push.endpoint == endpoint) => {
            device.push_ended = true;
            tx.put(&device)
        }
        _ => Ok(()),
    }
}

// Ceremonies and what they gave

/// Ends what no device is left to answer with the key that was asked for.
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
            end_ceremony(tx, ceremony, now)?;
        }
    }
    Ok(())
}

fn end_ceremony(tx: &mut Tx<'_>, ceremony: Ceremony, now: Time) -> Result<(), StoreError> {
    tx.put(&Ceremony { outcome: Some(Outcome::Ended), decided_at: Some(now), ..ceremony })
}

/// What a phone approved and no browser has used yet is worth nothing once the phone is gone.
fn void_unused_approvals(tx: &mut Tx<'_>, device: &Device) -> Result<(), StoreError> {
    for ceremony in tx.children::<Ceremony>(&device.account_id)? {
        // GUARD(lost-phone-approvals): j11_w1_the_lost_phone_answers_at_that_moment
        // INSTEAD: if ceremony.decided_by.as_deref() == Some(device.id.as_str()) && false {
        if ceremony.decided_by.as_deref() == Some(device.id.as_str()) && !ceremony.redeemed {
            tx.put(&Ceremony { redeemed: true, ..ceremony })?;
        }
    }
    Ok(())
}

/// "It wasn't me": what the ceremony came from and what it gave ends.
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
    if ceremony.origin == Origin::PasswordProved
        && let Some(mut person) = tx.get::<Person>(&ceremony.account_id)?
    {
        person.reported_at = Some(now);
        tx.put(&person)?;
    }
    Ok(())
}
