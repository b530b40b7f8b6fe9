//! Creates passes and checks typed passes, in the caller's transaction.

use crate::audit;
use crate::clock::Time;
use crate::endings::end_passes;
use crate::notices;
use crate::passes::pass::Pass;
use crate::passes::rules::{Span, Worth, worth};
use crate::secrets::{crockford, crockford_read, hashed};
use crate::store::{StoreError, Tx};

/// Length of a pass in characters. The pass has 60 random bits, too many to guess within an hour.
const LENGTH: usize = 12;

fn id_of(account_id: &str, text: &str) -> String {
    hashed(format!("{account_id} {text}").as_bytes())
}

/// Ends the account's unused passes and creates a pass. Returns the text of the pass: three groups of four characters.
/// The text is not stored. `by`: the account id of the person who creates the pass.
pub fn make(tx: &mut Tx<'_>, account_id: &str, span: Span, by: &str, now: Time) -> Result<String, StoreError> {
    let text = crockford(LENGTH)?;
    end_passes(tx, account_id)?;
    tx.insert(&Pass {
        id: id_of(account_id, &text),
        account_id: account_id.to_owned(),
        starts_at: span.starts_at,
        ends_at: span.starts_at + span.life,
        used_at: None,
    })?;
    audit::record(tx, account_id, "pass_created", by, now)?;
    notices::notify(tx, account_id, None, notices::Kind::PassCreated, now)?;
    let groups: Vec<String> =
        text.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    Ok(groups.join("-"))
}

/// Checks a typed pass, and marks a valid pass as used.
pub fn take(tx: &mut Tx<'_>, account_id: &str, typed: &str, now: Time) -> Result<Worth, StoreError> {
    let Some(text) = crockford_read(typed) else {
        return Ok(Worth::Unknown);
    };
    let Some(pass) = tx.get::<Pass>(&id_of(account_id, &text))? else {
        return Ok(Worth::Unknown);
    };
    let worth = worth(&pass, now);
    if worth == Worth::Good {
        tx.update::<Pass, _>(&pass.id, |pass| pass.used_at = Some(now))?.granted();
        audit::record(tx, account_id, "pass_used", "", now)?;
    }
    Ok(worth)
}
