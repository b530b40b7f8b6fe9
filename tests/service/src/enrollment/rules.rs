//! The rules of enrollments, as pure functions: the effects of a look-up, a bind and digits.
//!
//! ```text
//! Open ──bind──▶ Bound ──right digits──▶ Active
//!   │              ├── third wrong entry, "not my phone", abandoned by the phone ──▶ Ended
//!   └──────────────┴── ten minutes, cancel, change of the account or the policy ──▶ Ended
//! ```

use crate::clock::{MINUTE, Time};
use crate::devices::device::Cause;
use crate::enrollment::state::{Enrollment, State};

/// Lifetime of an enrollment.
pub const LIFE: Time = 10 * MINUTE;
const MAX_LOOK_UPS: usize = 5;
const MAX_WRONG_MACS: u8 = 5;
const MAX_WRONG_DIGITS: u8 = 3;

/// Why a phone is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The id is unknown, or the MAC or the nonce is wrong.
    Unknown,
    /// The enrollment has expired.
    Expired,
    /// The enrollment has already bound a phone. Repeated look-ups and binds of this phone are accepted until its
    /// device is active.
    Used,
    /// The enrollment ended before it expired, for example because the person cancelled the wizard.
    Cancelled,
    /// The enrollment has already accepted look-ups with five different nonces, and this look-up has another nonce.
    TooManyLookUps,
}

/// The result of an accepted bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bind {
    /// The first bind: the caller creates the device.
    New,
    /// The phone that is already bound has sent the bind again. The phone gets the same response again.
    Same,
}

/// The result of checking the digits that the person typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digits {
    /// The digits are correct, and the device is active.
    Right,
    /// The digits are wrong. Contains the number of tries that are left.
    Wrong(u8),
    /// The digits are wrong for the third time, or the enrollment does not wait for digits.
    Over,
}

/// Returns whether an open or bound enrollment has expired.
#[must_use]
pub fn must_settle(enrollment: &Enrollment, now: Time) -> bool {
    matches!(enrollment.state, State::Open | State::Bound) && enrollment.expires_at <= now
}

/// Ends an open or bound enrollment that has expired.
pub fn settle(enrollment: &mut Enrollment, now: Time) {
    if must_settle(enrollment, now) {
        end(enrollment, Cause::Expired);
    }
}

/// Ends an enrollment that is open or bound.
pub fn end(enrollment: &mut Enrollment, cause: Cause) {
    if matches!(enrollment.state, State::Open | State::Bound) {
        enrollment.state = State::Ended(cause);
        // GUARD(code-secret-erased): enrollment_model_has_no_fault_if_an_attacker_saw_the_code
        enrollment.erase();
    }
}

fn ended(enrollment: &Enrollment) -> Result<(), Refusal> {
    match enrollment.state {
        State::Open | State::Bound => Ok(()),
        State::Active => Err(Refusal::Used),
        State::Ended(Cause::Expired) => Err(Refusal::Expired),
        State::Ended(_) => Err(Refusal::Cancelled),
    }
}

/// Counts a wrong MAC for the code with this id. The fifth wrong MAC makes this code unusable. If the enrollment has a
/// second code (scanned or typed), the second code stays usable. After a bind, wrong MACs are not counted: a correct
/// guess then gains nothing. The fifth wrong MAC would also delete the key, which the service still needs to check the
/// digits.
pub fn wrong_mac(enrollment: &mut Enrollment, id: &str) -> Refusal {
    if enrollment.state == State::Open
        && let Some(code) = enrollment.code_mut(id)
    {
        code.wrong_macs = code.wrong_macs.saturating_add(1);
        if code.wrong_macs >= MAX_WRONG_MACS {
            code.key = None;
        }
    }
    Refusal::Unknown
}

/// Decides a look-up. `proven`: whether the MAC of the look-up is correct.
pub fn look_up(enrollment: &mut Enrollment, id: &str, nonce: &str, proven: bool, now: Time) -> Result<(), Refusal> {
    settle(enrollment, now);
    ended(enrollment)?;
    if !proven {
        return Err(wrong_mac(enrollment, id));
    }
    if enrollment.nonces.iter().any(|seen| seen == nonce) {
        return Ok(());
    }
    if enrollment.state == State::Bound {
        enrollment.another_phone = true;
        return Err(Refusal::Used);
    }
    if enrollment.nonces.len() >= MAX_LOOK_UPS {
        return Err(Refusal::TooManyLookUps);
    }
    enrollment.nonces.push(nonce.to_owned());
    Ok(())
}

/// Decides a bind. `proven`: whether the MAC of the bind is correct. `same_key`: whether the device key is the key that
/// is already bound. `new_device`: the id of the device that a first bind creates.
pub fn bind(
    enrollment: &mut Enrollment,
    id: &str,
    proven: bool,
    same_key: bool,
    new_device: &str,
    now: Time,
) -> Result<Bind, Refusal> {
    settle(enrollment, now);
    ended(enrollment)?;
    // GUARD(bind-proof): enrollment_model_has_no_fault
    if !proven {
        return Err(wrong_mac(enrollment, id));
    }
    match enrollment.state {
        State::Open => {
            enrollment.state = State::Bound;
            enrollment.bound_by = Some(id.to_owned());
            enrollment.device_id = Some(new_device.to_owned());
            Ok(Bind::New)
        }
        // GUARD(same-phone-same-device): j2_w9_adding_and_abandoning_recover_from_kills_at_each_point
        // INSTEAD: State::Bound if same_key && now < 0 && enrollment.bound_by.as_deref() == Some(id) => Ok(Bind::Same),
        State::Bound if same_key && enrollment.bound_by.as_deref() == Some(id) => Ok(Bind::Same),
        State::Bound => {
            enrollment.another_phone = true;
            // GUARD(one-phone-per-code): enrollment_model_has_no_fault_if_an_attacker_saw_the_code
            // INSTEAD: Ok(Bind::New)
            Err(Refusal::Used)
        }
        State::Active | State::Ended(_) => Err(Refusal::Used),
    }
}

/// Decides about the digits that were typed into the wizard. `right`: whether these are the expected digits.
pub fn digits(enrollment: &mut Enrollment, right: bool, now: Time) -> Digits {
    // GUARD(enrollment-expires): enrollment_model_has_no_fault_if_an_attacker_saw_the_code
    settle(enrollment, now);
    if enrollment.state != State::Bound {
        return Digits::Over;
    }
    if right {
        enrollment.state = State::Active;
        enrollment.erase();
        return Digits::Right;
    }
    enrollment.wrong_digits = enrollment.wrong_digits.saturating_add(1);
    if enrollment.wrong_digits >= MAX_WRONG_DIGITS {
        end(enrollment, Cause::WrongDigits);
        return Digits::Over;
    }
    Digits::Wrong(MAX_WRONG_DIGITS - enrollment.wrong_digits)
}
