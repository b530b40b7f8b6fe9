//! Handles the person's consent to register or add the phone that sent them to the browser. The caller provides the
//! transaction.

use crate::clock::Time;
use crate::devices::device::Device;
use crate::devices::standing::{Status, may_answer};
use crate::endings::end_attempt;
use crate::people::person::Person;
use crate::phone_sign_in::acts as registrations;
use crate::phone_sign_in::registration::{Purpose, Registration};
use crate::phone_sign_in::rules::MAX_WRONG_DIGITS;
use crate::prompts::acts as prompts;
use crate::prompts::ceremony::Kind;
use crate::sign_in::attempt::Attempt;
use crate::store::{StoreError, Tx};
use crate::verdict::Verdict;

/// Redeems the approval for which the attempt waits. After that, the person may agree. Returns false if there is no
/// approval of the right kind.
pub fn redeem(tx: &mut Tx<'_>, attempt: &Attempt, now: Time) -> Result<bool, StoreError> {
    let kind = match attempt.registration.as_ref().map(|registration| &registration.purpose) {
        Some(Purpose::AddPhone(_)) => Kind::AddMethod,
        Some(Purpose::TurnOn { .. }) | None => Kind::RegisterDevice,
    };
    let (Some(ceremony), owner) = (&attempt.ceremony, attempt.owner()) else {
        return Ok(false);
    };
    if prompts::redeem(tx, ceremony, &owner, kind, now)?.is_none() {
        return Ok(false);
    }
    let allowed = tx.update::<Attempt, _>(&attempt.id, |attempt| attempt.may_register = true)?;
    Ok(allowed == Verdict::Granted(()))
}

/// Returns three values: the attempt, the registration to which the person may now agree, and the person's account id.
/// Returns `None` if there is nothing to agree to now.
pub fn agreed_to(attempt: Option<&Attempt>, now: Time) -> Option<(Attempt, Registration, String)> {
    // GUARD(agree-after-approval): turning_on_phone_sign_in_in_the_browser_has_no_fault
    // INSTEAD: let attempt = attempt?.clone();
    let attempt = attempt.filter(|attempt| attempt.may_register)?.clone();
    let registration = attempt.registration.clone()?;
    let account = attempt.account(now)?.to_owned();
    let fits = registration.account_id.as_ref().is_none_or(|owner| *owner == account);
    fits.then_some((attempt, registration, account))
}

/// Result of agreeing.
pub enum Agreed {
    /// An authorization code for the phone.
    Code(String),
    /// The digits are wrong; the person may try again.
    WrongDigits(Box<Registration>),
    /// The digits were wrong three times; the attempt has ended.
    TooManyDigits,
    /// The policy no longer allows the app.
    NotAllowed,
    /// The device was removed, the proof is no longer valid, or the attempt has ended, perhaps because the person has
    /// already agreed.
    Stale,
}

/// Issues the authorization code. Before that, checks again what may have changed while the page was open. The proof
/// must still be valid. A device that is to be registered must still be active. For a phone that is to be added, the
/// policy must still allow the app, and the digits must be right.
pub fn agree(
    tx: &mut Tx<'_>,
    attempt: &Attempt,
    registration: &Registration,
    account: &str,
    digits: &str,
    now: Time,
) -> Result<Agreed, StoreError> {
    let person = tx.get::<Person>(account)?;
    if !attempt.proven.as_ref().zip(person).is_some_and(|(proven, person)| proven.still_counts(&person)) {
        return Ok(Agreed::Stale);
    }
    let right = match &registration.purpose {
        Purpose::TurnOn { device_id } => {
            if !tx.get::<Device>(device_id)?.is_some_and(|device| device.is_active()) {
                return Ok(Agreed::Stale);
            }
            true
        }
        Purpose::AddPhone(phone) => {
            if may_answer(tx, account)? != Status::Ok {
                return Ok(Agreed::NotAllowed);
            }
            registrations::are_digits(registration, phone, digits)
        }
    };
    if !right {
        return wrong_digits(tx, attempt, registration);
    }
    if !end_attempt(tx, &attempt.id)? {
        return Ok(Agreed::Stale);
    }
    Ok(Agreed::Code(registrations::issue_code(tx, registration.clone(), account, now)?))
}

fn wrong_digits(tx: &mut Tx<'_>, attempt: &Attempt, registration: &Registration) -> Result<Agreed, StoreError> {
    // Wrong digits are counted in the stored record, so that parallel tries do not exceed the limit of three.
    let Some(stored) = tx.get::<Attempt>(&attempt.id)? else {
        return Ok(Agreed::Stale);
    };
    let Some(Registration { purpose: Purpose::AddPhone(mut phone), .. }) = stored.registration else {
        return Ok(Agreed::Stale);
    };
    phone.wrong_digits = phone.wrong_digits.saturating_add(1);
    // GUARD(phone-digits-guessed): j5_w2_the_third_wrong_entry_of_digits_ends_adding
    // INSTEAD: if phone.wrong_digits >= 100 * MAX_WRONG_DIGITS {
    if phone.wrong_digits >= MAX_WRONG_DIGITS {
        end_attempt(tx, &attempt.id)?;
        return Ok(Agreed::TooManyDigits);
    }
    let registration = Registration { purpose: Purpose::AddPhone(phone), ..registration.clone() };
    tx.update::<Attempt, _>(&attempt.id, |attempt| attempt.registration = Some(registration.clone()))?.granted();
    Ok(Agreed::WrongDigits(Box::new(registration)))
}
