//! The rules of enrollment, pure: what a look-up, a bind and digits do to it.
//!
//! ```text
//! Open ──bind──▶ Bound ──right digits──▶ Active
//!   │              └── third wrong digits, "not my phone" ──▶ Ended
//!   └── ten minutes, cancel, change of the account ──▶ Ended
//! ```

use crate::clock::{MINUTE, Time};
use crate::devices::device::Cause;
use crate::enrollment::state::{Enrollment, State};

/// Life of an enrollment.
pub const LIFE: Time = 10 * MINUTE;
const MAX_LOOK_UPS: usize = 5;
const MAX_WRONG_MACS: u8 = 5;
const MAX_WRONG_DIGITS: u8 = 3;

/// Why a phone is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No such id, or a wrong MAC.
    Unknown,
    /// Its time is over.
    Expired,
    /// Bound by another phone, or finished.
    Used,
    /// Ended.
    Cancelled,
    /// A sixth nonce.
    TooManyLookUps,
}

/// What happens to a bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bind {
    /// The first one: make the device.
    New,
    /// The same phone again: the same answer.
    Same,
}

/// What six digits did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digits {
    /// The device is active.
    Right,
    /// Wrong; this many tries are left.
    Wrong(u8),
    /// Wrong for the last time, or there was nothing to try.
    Over,
}

/// Ends what has run out.
pub fn settle(enrollment: &mut Enrollment, now: Time) {
    if matches!(enrollment.state, State::Open | State::Bound) && enrollment.expires_at <= now {
        end(enrollment, Cause::Expired);
    }
}

/// Ends an enrollment that is not over.
pub fn end(enrollment: &mut Enrollment, cause: Cause) {
    if matches!(enrollment.state, State::Open | State::Bound) {
        enrollment.state = State::Ended(cause);
        // GUARD(code-secret-erased): adding_a_phone_while_somebody_looks_on
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

/// Counts a wrong MAC; the fifth ends this id and nothing else. Once a phone is bound, guesses gain nothing,
/// and the key is needed for its digits.
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

/// A look-up; `proven` says whether its MAC is right.
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

/// A bind; `same_key` says whether the device key is the one bound before.
pub fn bind(enrollment: &mut Enrollment, id: &str, proven: bool, same_key: bool, now: Time) -> Result<Bind, Refusal> {
    settle(enrollment, now);
    ended(enrollment)?;
    // GUARD(bind-proof): adding_a_phone
    if !proven {
        return Err(wrong_mac(enrollment, id));
    }
    match enrollment.state {
        State::Open => {
            enrollment.state = State::Bound;
            enrollment.bound_by = Some(id.to_owned());
            Ok(Bind::New)
        }
        // GUARD(same-phone-same-device): j2_w9_killed_in_each_step_of_adding_by_scanning_and_of_giving_it_up
        // INSTEAD: State::Bound if same_key && now < 0 && enrollment.bound_by.as_deref() == Some(id) => Ok(Bind::Same),
        State::Bound if same_key && enrollment.bound_by.as_deref() == Some(id) => Ok(Bind::Same),
        State::Bound => {
            enrollment.another_phone = true;
            // GUARD(one-phone-per-code): adding_a_phone_while_somebody_looks_on
            // INSTEAD: Ok(Bind::New)
            Err(Refusal::Used)
        }
        State::Active | State::Ended(_) => Err(Refusal::Used),
    }
}

/// Digits from the wizard's own session.
pub fn digits(enrollment: &mut Enrollment, right: bool, now: Time) -> Digits {
    // GUARD(enrollment-expires): adding_a_phone_while_somebody_looks_on
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
