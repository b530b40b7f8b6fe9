//! Makes approved changes of an account. The caller provides the transaction.

use crate::clock::Time;
use crate::effects::approval::{self, Approval};
use crate::effects::known_browser::{self, Cookies};
use crate::effects::make_pass::{self, Made};
use crate::effects::{raise_session, remove_method, report_lost};
use crate::prompts::ceremony::{Ceremony, Kind, Owner};
use crate::prompts::change::Change;
use crate::sign_in::records::KnownBrowser;
use crate::sign_in::session::Session;
use crate::store::{Gone, StoreError, Tx};
use crate::verdict::Verdict;

/// Result of an approved change.
pub enum Changed {
    /// The person may add a phone now. The approval is spent when the phone is added.
    MayAdd,
    /// The device was removed.
    Removed,
    /// The device was reported lost and removed.
    Lost,
    /// A new pass.
    Pass(Made),
}

/// Redeems the approval for which the session waits, and makes the approved change. Returns `None` if there is no
/// approval to redeem, for example because it was already redeemed.
pub fn redeem(tx: &mut Tx<'_>, session_id: &str, now: Time) -> Result<Option<Changed>, StoreError> {
    let Some((session, ceremony)) = waiting(tx, session_id, now)? else {
        return Ok(None);
    };
    let (owner, kind) = (Owner::Session(session.id.clone()), ceremony.kind);
    if kind == Kind::AddMethod {
        let ready = approval::ready(tx, &ceremony.id, &owner, kind, now)?;
        return Ok(ready.map(|_ceremony| Changed::MayAdd));
    }
    // Administrative acts have their own page.
    let is_own = |change: &Change| change.kind() == kind && !matches!(change, Change::Administer(_));
    let Some(change) = ceremony.change.filter(is_own) else {
        return Ok(None);
    };
    let Some(approval) = approval::spend(tx, &ceremony.id, &owner, kind, now)? else {
        return Ok(None);
    };
    if !raise(tx, &session, &approval, now)? {
        return Ok(None);
    }
    Ok(Some(match change {
        Change::AddMethod | Change::Administer(_) => return Ok(None),
        Change::RemoveMethod(_) => {
            if let Some(proof) = remove_method::by_approval(tx, approval)? {
                remove_method::act(tx, proof, now)?;
            }
            Changed::Removed
        }
        Change::ReportLost { .. } => {
            if let Some(proof) = report_lost::by_approval(tx, approval)? {
                report_lost::act(tx, proof, now)?;
            }
            Changed::Lost
        }
        Change::CreatePass => match make_pass::by_approval(tx, approval, now)? {
            Some(proof) => Changed::Pass(make_pass::act(tx, proof, now)?),
            None => return Ok(None),
        },
    }))
}

/// Returns the session and the ceremony for which it waits.
pub(crate) fn waiting(tx: &mut Tx<'_>, session_id: &str, now: Time) -> Result<Option<(Session, Ceremony)>, StoreError> {
    let Some(session) = tx.get::<Session>(session_id)?.filter(|session| session.expires_at > now) else {
        return Ok(None);
    };
    let ceremony = match &session.ceremony {
        Some(id) => tx.get::<Ceremony>(id)?,
        None => None,
    };
    Ok(ceremony.map(|ceremony| (session, ceremony)))
}

/// Raises the session after an approval in it, and clears the ceremony for which it waited.
pub(crate) fn raise<'t>(
    tx: &mut Tx<'t>,
    session: &Session,
    approval: &Approval<'t>,
    now: Time,
) -> Result<bool, StoreError> {
    let Some(proof) = raise_session::by_approval(tx, &session.id, approval, now)? else {
        return Ok(false);
    };
    Ok(raise_session::act(tx, proof)? != Verdict::Refused(Gone))
}

/// Redeems the first approval by a new phone. The browser becomes a known browser, and the session is raised. Returns
/// the cookie of the known browser, or `None` if there is no approval to redeem.
pub fn confirm_phone(
    tx: &mut Tx<'_>,
    session_id: &str,
    cookies: Cookies,
    now: Time,
) -> Result<Option<String>, StoreError> {
    let Some((session, ceremony)) = waiting(tx, session_id, now)? else {
        return Ok(None);
    };
    let owner = Owner::Session(session.id.clone());
    let Some(approval) = approval::spend(tx, &ceremony.id, &owner, Kind::ConfirmEnrollment, now)? else {
        return Ok(None);
    };
    if !raise(tx, &session, &approval, now)? {
        return Ok(None);
    }
    let proof = known_browser::by_approval(tx, &approval);
    let cookie = known_browser::act(tx, proof, cookies, now)?;
    let browser = KnownBrowser::id_of(&cookie, &session.account_id);
    tx.update::<Session, _>(session_id, |session| session.browser = Some(browser))?.granted();
    Ok(Some(cookie))
}
