//! Reporting a phone lost: it is removed with everything that it gave since it was missing.

use super::add_method;
use super::approval::Approval;
use super::authority::Authority;
use crate::clock::Time;
use crate::devices::device::{Device, State};
use crate::endings::{Ending, end};
use crate::prompts::ceremony::Owner;
use crate::prompts::change::{Act, Change};
use crate::provenance::Given;
use crate::store::{Brand, StoreError, Tx};

/// Proof that this phone may be reported lost.
pub struct ReportLost<'t> {
    account_id: String,
    device: String,
    since: Time,
    reported_in: Option<String>,
    given: Given,
    _brand: Brand<'t>,
}

/// Checks that another phone has approved the report, and that the lost phone is a device of the account, or was one.
pub fn by_approval<'t>(tx: &mut Tx<'t>, approval: Approval<'t>) -> Result<Option<ReportLost<'t>>, StoreError> {
    let Some(Change::ReportLost { device, since }) = approval.change().cloned() else {
        return Ok(None);
    };
    let reported_in = match approval.owner() {
        Owner::Session(session) => Some(session.clone()),
        Owner::Attempt(_) => None,
    };
    let (account_id, given) = (approval.account_id().to_owned(), approval.given());
    check(tx, ReportLost { account_id, device, since, reported_in, given, _brand: tx.brand() })
}

/// Checks the authority to report a person's phone lost.
pub fn by_authority<'t>(
    tx: &mut Tx<'t>,
    authority: Authority<'t>,
    now: Time,
) -> Result<Option<ReportLost<'t>>, StoreError> {
    let Act::ReportLost { account, device, since } = authority.act().clone() else {
        return Ok(None);
    };
    let (account_id, given) = (account, authority.given(now));
    check(tx, ReportLost { account_id, device, since, reported_in: None, given, _brand: tx.brand() })
}

/// The device must be one of the account, or have been one.
fn check<'t>(tx: &mut Tx<'t>, proof: ReportLost<'t>) -> Result<Option<ReportLost<'t>>, StoreError> {
    let device = tx.get::<Device>(&proof.device)?;
    let ours = device.is_some_and(|device| device.account_id == proof.account_id && device.state != State::Pending);
    Ok(ours.then_some(proof))
}

/// Removes the phone, and ends what it gave since it was missing. The session in which the loss is reported stays.
pub fn act<'t>(tx: &mut Tx<'t>, proof: ReportLost<'t>, now: Time) -> Result<(), StoreError> {
    let ReportLost { account_id, device, since, reported_in, given, _brand } = proof;
    // GUARD(lost-phone-removed): j11_w2_the_lost_phone_shows_that_it_was_removed
    let _ended = end(tx, &account_id, &Ending::Lost { device, since, reported_in }, now)?;
    add_method::record_removal(tx, &account_id, &given)
}
