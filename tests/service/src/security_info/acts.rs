//! Makes approved changes of an account. The caller provides the transaction.

use crate::clock::Time;
use crate::devices::device::{Cause, Device};
use crate::endings;
use crate::notices;
use crate::passes;
use crate::passes::rules::Span;
use crate::people::person::Person;
use crate::prompts::acts;
use crate::prompts::ceremony::{Kind, Owner};
use crate::sign_in::records::KnownBrowser;
use crate::sign_in::session::{Change, Session};
use crate::store::{Gone, StoreError, Tx};
use crate::verdict::Verdict;

/// Result of an approved change.
pub enum Changed {
    /// The person may add a phone now.
    MayAdd,
    /// The device was removed.
    Removed,
    /// The device was reported lost and removed.
    Lost,
    /// A new pass, and the person's user name.
    Pass(String, String),
}

/// Redeems the approval for the session's change, and makes this change. Returns `None` if there is no approval to
/// redeem, for example because it was already redeemed.
pub fn redeem(tx: &mut Tx<'_>, session: &Session, now: Time) -> Result<Option<Changed>, StoreError> {
    let (Some(ceremony), Some(change)) = (session.ceremony.clone(), session.change.clone()) else {
        return Ok(None);
    };
    let owner = Owner::Session(session.id.clone());
    if acts::redeem(tx, &ceremony, &owner, change.kind(), now)?.is_none() {
        return Ok(None);
    }
    let may_add_at = (change == Change::AddMethod).then_some(now);
    let approved = |session: &mut Session| {
        (session.change, session.ceremony, session.may_add_at) = (None, None, may_add_at);
        session.approve(now);
    };
    if tx.update(&session.id, approved)? == Verdict::Refused(Gone) {
        return Ok(None);
    }
    Ok(Some(match &change {
        Change::AddMethod => Changed::MayAdd,
        Change::RemoveMethod(id) => {
            if let Some(device) = own(tx, session, id)? {
                endings::remove_device(tx, &device, Cause::RemovedByPerson, now)?;
                notices::notify(tx, &session.account_id, None, notices::Kind::MethodRemoved, now)?;
            }
            Changed::Removed
        }
        Change::ReportLost(id) => {
            if let Some(device) = own(tx, session, id)? {
                endings::remove_lost_device(tx, &device, Some(&session.id), now)?;
            }
            Changed::Lost
        }
        Change::CreatePass => {
            let Some(person) = tx.get::<Person>(&session.account_id)? else {
                return Ok(None);
            };
            let text = passes::acts::make(tx, &session.account_id, Span::from(now), &session.account_id, now)?;
            Changed::Pass(text, person.user_name)
        }
    }))
}

/// Returns the device if it belongs to the session's account.
fn own(tx: &mut Tx<'_>, session: &Session, id: &str) -> Result<Option<Device>, StoreError> {
    Ok(tx.get::<Device>(id)?.filter(|device| device.account_id == session.account_id))
}

/// Redeems the first approval by a new phone. The browser becomes a known browser, and the current time is stored as
/// the time of the session's last approval. Returns false if there is no approval to redeem.
pub(super) fn confirm_phone(tx: &mut Tx<'_>, session: &Session, browser: &str, now: Time) -> Result<bool, StoreError> {
    let owner = Owner::Session(session.id.clone());
    let Some(id) = &session.ceremony else {
        return Ok(false);
    };
    let Some(ceremony) = acts::redeem(tx, id, &owner, Kind::ConfirmEnrollment, now)? else {
        return Ok(false);
    };
    if tx.update::<Session, _>(&session.id, |session| session.approve(now))? == Verdict::Refused(Gone) {
        return Ok(false);
    }
    let known = KnownBrowser::new(browser, &session.account_id, now);
    tx.insert_or_update(&known, |stored| stored.expires_at = known.expires_at)?;
    acts::gave(tx, &ceremony.id, session, Some(known.id))?;
    Ok(true)
}
