//! What is done when a person agrees to the phone that sent them here, each inside one transaction.

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

/// An approval becomes the right to agree; false when there is none for this.
pub fn redeem(tx: &mut Tx<'_>, attempt: Attempt, now: Time) -> Result<bool, StoreError> {
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
    tx.put(&Attempt { may_register: true, ..attempt })?;
    Ok(true)
}

/// The registration that this browser may agree to, and whose it will be.
pub fn agreed_to(attempt: Option<&Attempt>, now: Time) -> Option<(Attempt, Registration, String)> {
    // GUARD(agree-after-approval): turning_phone_sign_in_on_in_the_browser
    // INSTEAD: let attempt = attempt?.clone();
    let attempt = attempt.filter(|attempt| attempt.may_register)?.clone();
    let registration = attempt.registration.clone()?;
    let account = attempt.account(now)?.to_owned();
    let fits = registration.account_id.as_ref().is_none_or(|owner| *owner == account);
    fits.then_some((attempt, registration, account))
}

/// What came of agreeing.
pub enum Agreed {
    /// A code for the phone.
    Code(String),
    /// Other digits than the phone shows; another try.
    WrongDigits(Box<Registration>),
    /// Other digits three times.
    TooManyDigits,
    /// The policy says no meanwhile.
    NotAllowed,
    /// Removed, or agreed to already.
    Stale,
}

/// Everything is looked at again: the page may have been open for a while.
pub fn agree(
    tx: &mut Tx<'_>,
    attempt: Attempt,
    registration: Registration,
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
            registrations::are_digits(&registration, phone, digits)
        }
    };
    if !right {
        return wrong_digits(tx, attempt, registration);
    }
    if !end_attempt(tx, &attempt.id)? {
        return Ok(Agreed::Stale);
    }
    Ok(Agreed::Code(registrations::issue_code(tx, registration, account, now)?))
}

fn wrong_digits(tx: &mut Tx<'_>, attempt: Attempt, mut registration: Registration) -> Result<Agreed, StoreError> {
    // Counted on what is stored now: tries that come at once are still three.
    let Some(stored) = tx.get::<Attempt>(&attempt.id)? else {
        return Ok(Agreed::Stale);
    };
    let Some(Registration { purpose: Purpose::AddPhone(mut phone), .. }) = stored.registration else {
        return Ok(Agreed::Stale);
    };
    phone.wrong_digits = phone.wrong_digits.saturating_add(1);
    // GUARD(phone-digits-guessed): j5_w2_wrong_digits_three_times_end_it_and_twice_do_not
    // INSTEAD: if phone.wrong_digits >= 100 * MAX_WRONG_DIGITS {
    if phone.wrong_digits >= MAX_WRONG_DIGITS {
        end_attempt(tx, &attempt.id)?;
        return Ok(Agreed::TooManyDigits);
    }
    registration.purpose = Purpose::AddPhone(phone);
    tx.put(&Attempt { registration: Some(registration.clone()), ..attempt })?;
    Ok(Agreed::WrongDigits(Box::new(registration)))
}
