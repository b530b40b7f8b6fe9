//! Handles the person's consent to register or add the phone that sent them to the browser. The caller provides the
//! transaction.

use crate::clock::Time;
use crate::devices::standing::{Status, may_answer};
use crate::effects::phone_code;
use crate::phone_sign_in::acts as registrations;
use crate::phone_sign_in::registration::{Purpose, Registration};
use crate::phone_sign_in::rules::MAX_WRONG_DIGITS;
use crate::sign_in::attempt::Attempt;
use crate::store::{StoreError, Tx};

/// Returns the registration to which the person of this attempt may agree now. Spends nothing.
pub fn may_agree(tx: &mut Tx<'_>, attempt_id: &str, now: Time) -> Result<Option<Registration>, StoreError> {
    Ok(phone_code::check(tx, attempt_id, now)?.map(|proof| proof.registration().clone()))
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
    /// The proof by password or pass is too old.
    TookTooLong,
    /// The person may no longer agree: the device was removed; what allowed adding the phone was used, reported or
    /// ended; or the attempt has ended, perhaps because the person has already agreed.
    Stale,
}

/// Issues the authorization code. Everything that may have changed while the page was open is checked again. For a phone
/// that is to be added, the policy must still allow the app, and the digits must be right.
pub fn agree(tx: &mut Tx<'_>, attempt_id: &str, digits: &str, now: Time) -> Result<Agreed, StoreError> {
    let Some(attempt) = tx.get::<Attempt>(attempt_id)? else {
        return Ok(Agreed::Stale);
    };
    let Some(account) = attempt.account(now).map(str::to_owned) else {
        return Ok(Agreed::TookTooLong);
    };
    let adds = attempt.registration.as_ref().is_some_and(|one| one.purpose.device().is_none());
    if adds && may_answer(tx, &account)? != Status::Ok {
        return Ok(Agreed::NotAllowed);
    }
    let Some(proof) = phone_code::check(tx, attempt_id, now)? else {
        return Ok(Agreed::Stale);
    };
    let registration = proof.registration().clone();
    if let Purpose::AddPhone(phone) = &registration.purpose
        && !registrations::are_digits(&registration, phone, digits)
    {
        return wrong_digits(tx, attempt_id);
    }
    Ok(phone_code::act(tx, proof, now)?.map_or(Agreed::Stale, Agreed::Code))
}

/// Counts wrong digits in the stored record, so that parallel tries do not exceed the limit of three.
fn wrong_digits(tx: &mut Tx<'_>, attempt_id: &str) -> Result<Agreed, StoreError> {
    let count = |attempt: &mut Attempt| {
        let registration = attempt.registration.as_mut()?;
        let Purpose::AddPhone(phone) = &mut registration.purpose else {
            return None;
        };
        phone.wrong_digits = phone.wrong_digits.saturating_add(1);
        Some((phone.wrong_digits, registration.clone()))
    };
    let Some((wrong, registration)) = tx.update(attempt_id, count)?.granted().flatten() else {
        return Ok(Agreed::Stale);
    };
    // GUARD(phone-digits-guessed): j5_w2_the_third_wrong_entry_of_digits_ends_adding
    // INSTEAD: if wrong >= 100 * MAX_WRONG_DIGITS {
    if wrong >= MAX_WRONG_DIGITS {
        tx.delete::<Attempt>(attempt_id)?;
        return Ok(Agreed::TooManyDigits);
    }
    Ok(Agreed::WrongDigits(Box::new(registration)))
}
