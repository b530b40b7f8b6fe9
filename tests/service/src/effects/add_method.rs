//! Adding a method: a phone becomes an active device of the account.
//!
//! Adding takes several requests, for example the wizard's start, the phone's bind and the digits. What allows it is
//! remembered as the id of something that is not spent: an approval, a pass, or the password of an account without a
//! phone. Each request checks it with [`may_add`], and the request that activates the device spends it.

use super::approval;
use crate::audit;
use crate::clock::Time;
use crate::devices::device::{Device, State};
use crate::devices::records::{self as devices, DeviceKey, REPORTABLE};
use crate::devices::standing::{Status, may_answer};
use crate::endings::{Ending, end};
use crate::notices;
use crate::passes::pass::Pass;
use crate::people::person::Person;
use crate::policy::document::Bootstrap;
use crate::policy::records::{self as policies, effective_for};
use crate::provenance::{ApprovedBy, Given, Giver, add_new};
use crate::store::{Brand, StoreError, Tx};

/// Proof that one phone may be added to the account. What allowed it is spent.
pub struct AddMethod<'t> {
    account_id: String,
    given: Given,
    _brand: Brand<'t>,
}

/// Returns whether `by` allows adding a phone to the account now. Spends nothing.
pub fn may_add(tx: &mut Tx<'_>, account_id: &str, by: &Giver, now: Time) -> Result<bool, StoreError> {
    // GUARD(phone-added-against-policy): j5_w3_expired_or_cancelled_token_adds_no_phone, first_phone_by_the_wizard_has_no_fault
    // INSTEAD: if false {
    if may_answer(tx, account_id)? != Status::Ok {
        return Ok(false);
    }
    match by {
        Giver::Password(since) => may_add_first(tx, account_id, *since),
        Giver::Pass(id) => Ok(tx.get::<Pass>(id)?.is_some_and(|pass| pass.is_typed_for(account_id, now))),
        Giver::Approval(id) => approval::may_add_phone(tx, id, account_id),
        Giver::DeviceKey(_) | Giver::Operator | Giver::Unrecorded => Ok(false),
    }
}

/// Returns whether the person needs a pass to add the first phone: the policy requires it, or the password was reported.
pub fn needs_pass(tx: &mut Tx<'_>, person: &Person) -> Result<bool, StoreError> {
    // GUARD(reported-password-first-phone): a_reported_password_adds_no_first_phone
    // INSTEAD: let reported = false;
    let reported = person.reported_at.is_some();
    // GUARD(first-phone-by-pass): password_adds_no_first_phone_if_policy_requires_a_pass
    // INSTEAD: Ok(reported || person.needs_pass)
    Ok(reported || person.needs_pass || effective_for(tx, person)?.bootstrap == Bootstrap::Pass)
}

/// A password adds only the first phone, while it is unchanged, and if the person needs no pass.
fn may_add_first(tx: &mut Tx<'_>, account_id: &str, since: Time) -> Result<bool, StoreError> {
    let Some(person) = tx.get::<Person>(account_id)?.filter(|person| person.password_changed_at == since) else {
        return Ok(false);
    };
    // GUARD(first-phone-policy-read-again): first_phone_by_signing_in_has_no_fault
    // INSTEAD: let by_password = since >= 0 || !needs_pass(tx, &person)?;
    let by_password = !needs_pass(tx, &person)?;
    // GUARD(first-phone-read-again): first_phone_of_the_owner_ends_an_attackers_started_adding, first_phone_by_signing_in_has_no_fault
    // INSTEAD: Ok(by_password)
    Ok(by_password && devices::active(tx, account_id)?.is_empty())
}

/// Checks that `by` allows adding a phone, and spends it.
pub fn check<'t>(
    tx: &mut Tx<'t>,
    account_id: &str,
    by: &Giver,
    now: Time,
) -> Result<Option<AddMethod<'t>>, StoreError> {
    // GUARD(adding-checked-again): first_phone_by_signing_in_has_no_fault
    if !may_add(tx, account_id, by, now)? {
        return Ok(None);
    }
    let given = match by {
        Giver::Pass(id) => {
            let spend = |pass: &mut Pass| {
                // GUARD(pass-spent): pass_made_in_a_stolen_session_has_no_fault
                pass.spent_at = Some(now);
                Given::by_pass(&pass.id, &pass.given, now)
            };
            match tx.update(id, spend)?.granted() {
                Some(given) => given,
                None => return Ok(None),
            }
        }
        Giver::Approval(id) => match approval::spend_for_phone(tx, id, account_id, now)? {
            Some(approval) => approval.given(),
            None => return Ok(None),
        },
        // The password adds no second phone, because the account then has one.
        Giver::Password(since) => {
            let allowed_by = password_allowed_by(tx, account_id, now)?;
            // GUARD(report-follows-removals): phone_added_by_password_after_a_fallen_reset_falls
            // INSTEAD: Given::by_password(*since, now)
            Given::by_password(*since, now).after(&allowed_by)
        }
        Giver::DeviceKey(_) | Giver::Operator | Giver::Unrecorded => return Ok(None),
    };
    Ok(Some(AddMethod { account_id: account_id.to_owned(), given, _brand: tx.brand() }))
}

/// Returns the approvals without which the password would not add a first phone: those that removed a phone, that ended a suspension, that changed the policy, or that added the person to a group.
fn password_allowed_by(tx: &mut Tx<'_>, account_id: &str, now: Time) -> Result<Vec<ApprovedBy>, StoreError> {
    let Some(person) = tx.get::<Person>(account_id)? else {
        return Ok(Vec::new());
    };
    let mut allowed_by = policies::password_allowed_by(tx, &person, now)?;
    add_new(&mut allowed_by, &person.phones_removed_by);
    add_new(&mut allowed_by, person.resumed_by.as_ref().map(Given::approvals).unwrap_or_default());
    Ok(allowed_by)
}

/// Activates the pending device of a wizard's enrollment. `wizard`: the session of the wizard.
pub fn activate_pending<'t>(
    tx: &mut Tx<'t>,
    proof: AddMethod<'t>,
    device_id: &str,
    wizard: &str,
    now: Time,
) -> Result<(), StoreError> {
    let given = proof.given.clone();
    let activated = |device: &mut Device| (device.state, device.given) = (State::Active, given);
    tx.update(device_id, activated)?.granted();
    audit::record(tx, &proof.account_id, "device_activated", device_id, now)?;
    added(tx, &proof, device_id, Some(wizard), now)
}

/// Stores a device that is active immediately, because the consent page has already checked its digits.
pub fn insert<'t>(tx: &mut Tx<'t>, proof: AddMethod<'t>, mut device: Device, now: Time) -> Result<Device, StoreError> {
    device.state = State::Active;
    device.given = proof.given.clone();
    tx.insert(&DeviceKey { thumbprint: device.key.thumbprint(), device_id: device.id.clone() })?;
    tx.insert(&device)?;
    audit::record(tx, &proof.account_id, "device_added", &device.id, now)?;
    added(tx, &proof, &device.id, None, now)?;
    Ok(device)
}

/// Records what has removed a phone of the account. The next first phone is then also given by it, as long as the
/// removed phone can be reported lost.
pub(super) fn record_removal(tx: &mut Tx<'_>, account_id: &str, given: &Given) -> Result<(), StoreError> {
    let record = |person: &mut Person| {
        // After a removal by the operator, the earlier ones make no difference.
        let by_operator = given.approvals().is_empty();
        person.phones_removed_by.retain(|approval| !by_operator && given.at - approval.at < REPORTABLE);
        add_new(&mut person.phones_removed_by, given.approvals());
    };
    tx.update::<Person, _>(account_id, record)?.granted();
    Ok(())
}

/// Ends every other unfinished adding, and notifies the account's other phones.
fn added<'t>(
    tx: &mut Tx<'t>,
    proof: &AddMethod<'t>,
    device_id: &str,
    wizard: Option<&str>,
    now: Time,
) -> Result<(), StoreError> {
    let ending = Ending::MethodAdded { device: device_id.to_owned(), wizard: wizard.map(str::to_owned) };
    // GUARD(concurrent-first-phones): one_of_two_parallel_first_enrollments_succeeds, enrollment_model_has_no_fault, first_phone_by_the_wizard_has_no_fault
    let _ended = end(tx, &proof.account_id, &ending, now)?;
    if matches!(proof.given.by, Giver::Pass(_)) {
        tx.update::<Person, _>(&proof.account_id, |person| person.needs_pass = false)?.granted();
    }
    notices::notify(tx, &proof.account_id, Some(device_id), notices::Kind::MethodAdded, now)
}
