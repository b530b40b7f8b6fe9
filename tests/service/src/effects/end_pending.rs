//! Ending what waits for somebody, and what a changed policy no longer allows.
//!
//! A changed policy applies immediately, because each use reads it. Without this effect, a grant that can no longer be used
//! would stay until it expires, and could be used again after the next change of the policy.

use super::add_method::may_add;
use super::turn_on;
use crate::clock::Time;
use crate::devices::standing::{Status, may_answer, may_approve};
use crate::endings::{Ending, end};
use crate::grants::{self, Grant};
use crate::phone_sign_in::registration::Registration;
use crate::provenance::Giver;
use crate::store::{StoreError, Tx};

/// Ends each pending grant of an account that the policy does not allow: ceremonies, and unfinished additions of a phone
/// or of a sign-in key. Only takes rights away, so it needs no proof.
pub fn act(tx: &mut Tx<'_>, account_id: &str, now: Time) -> Result<(), StoreError> {
    let mut forbidden = Vec::new();
    for grant in grants::of(tx, account_id, now)? {
        if !is_allowed(tx, account_id, &grant, now)? {
            forbidden.push((grant.kind(), grant.id().to_owned()));
        }
    }
    // GUARD(pending-ends): change_before_a_phone_is_added_or_turned_on_counts
    // INSTEAD: if now > 0 || forbidden.is_empty() {
    if forbidden.is_empty() {
        return Ok(());
    }
    end(tx, account_id, &Ending::PolicyChanged(forbidden.into_iter().collect()), now).map(|_ended| ())
}

/// Returns whether the policy allows a pending grant. Returns true for other grants, because they are not used up by one
/// use, and each use reads the policy.
fn is_allowed(tx: &mut Tx<'_>, account_id: &str, grant: &Grant, now: Time) -> Result<bool, StoreError> {
    match grant {
        Grant::Ceremony(ceremony) => may_approve(tx, account_id, ceremony.kind),
        Grant::Enrollment(enrollment) => may_add(tx, account_id, &enrollment.given.by, now),
        Grant::PhoneToken(token) => may_add(tx, account_id, &token.given.by, now),
        Grant::RegistrationCode(code) => may_register(tx, account_id, &code.registration, Some(&code.given.by), now),
        Grant::Registration(registration) => may_register(tx, account_id, registration, None, now),
        Grant::RegistrationToken(_) => turn_on::is_allowed(tx, account_id),
        Grant::Attempt(_)
        | Grant::Session(_)
        | Grant::KnownBrowser(_)
        | Grant::Code(_)
        | Grant::Token(_)
        | Grant::Device(_)
        | Grant::SignInKey(_)
        | Grant::Pass(_)
        | Grant::Administrator(_)
        | Grant::ApiToken(_) => Ok(true),
    }
}

/// Returns whether the policy allows what a registration is for. `by`: what allows adding the phone, if the person has
/// agreed.
fn may_register(
    tx: &mut Tx<'_>,
    account_id: &str,
    registration: &Registration,
    by: Option<&Giver>,
    now: Time,
) -> Result<bool, StoreError> {
    match (registration.purpose.device(), by) {
        (Some(_device), _) => turn_on::is_allowed(tx, account_id),
        (None, Some(by)) => may_add(tx, account_id, by, now),
        (None, None) => Ok(may_answer(tx, account_id)? == Status::Ok),
    }
}
