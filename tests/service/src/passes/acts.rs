//! Checks typed passes, in the caller's transaction.

use crate::audit;
use crate::clock::Time;
use crate::passes::pass::Pass;
use crate::passes::rules::{Worth, worth};
use crate::provenance::Given;
use crate::secrets::crockford_read;
use crate::store::{StoreError, Tx};

/// Checks a typed pass, and marks a valid pass as used. Returns what a valid pass gives.
pub fn take(tx: &mut Tx<'_>, account_id: &str, typed: &str, now: Time) -> Result<(Worth, Option<Given>), StoreError> {
    let Some(text) = crockford_read(typed) else {
        return Ok((Worth::Unknown, None));
    };
    let Some(pass) = tx.get::<Pass>(&Pass::id_of(account_id, &text))? else {
        return Ok((Worth::Unknown, None));
    };
    let worth = worth(&pass, now);
    if worth == Worth::Good {
        tx.update::<Pass, _>(&pass.id, |pass| pass.used_at = Some(now))?.granted();
        audit::record(tx, account_id, "pass_used", "", now)?;
    }
    Ok((worth, (worth == Worth::Good).then(|| Given::by_pass(&pass.id, &pass.given, now))))
}
