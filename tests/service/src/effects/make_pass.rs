//! Making a pass, with which a person adds a phone without another phone's approval.

use super::approval::Approval;
use super::authority::Authority;
use crate::audit;
use crate::clock::Time;
use crate::endings::{Ending, end};
use crate::notices;
use crate::passes::pass::Pass;
use crate::passes::rules::Span;
use crate::people::person::Person;
use crate::prompts::change::{Act, Change};
use crate::provenance::Given;
use crate::secrets::crockford;
use crate::store::{Brand, StoreError, Tx};

/// Length of a pass in characters. The pass has 60 random bits, too many to guess within an hour.
const LENGTH: usize = 12;

/// Proof that a pass may be made for this account.
pub struct MakePass<'t> {
    person: Person,
    span: Span,
    given: Given,
    /// The account that makes the pass, for the audit log.
    maker: String,
    _brand: Brand<'t>,
}

/// Checks that the owner of the account has approved a pass for it.
pub fn by_approval<'t>(tx: &mut Tx<'t>, approval: Approval<'t>, now: Time) -> Result<Option<MakePass<'t>>, StoreError> {
    if approval.change() != Some(&Change::CreatePass) {
        return Ok(None);
    }
    let person = tx.get::<Person>(approval.account_id())?.filter(|person| !person.suspended);
    let (given, maker) = (approval.given(), approval.account_id().to_owned());
    Ok(person.map(|person| MakePass { person, span: Span::from(now), given, maker, _brand: tx.brand() }))
}

/// Checks the authority to make a pass for a person, who must not be suspended.
pub fn by_authority<'t>(
    tx: &mut Tx<'t>,
    authority: Authority<'t>,
    span: Span,
    now: Time,
) -> Result<Option<MakePass<'t>>, StoreError> {
    let Act::MakePass(account_id) = authority.act() else {
        return Ok(None);
    };
    let person = tx.get::<Person>(account_id)?.filter(|person| !person.suspended && span.is_allowed(now));
    let (given, maker) = (authority.given(now), authority.actor().to_owned());
    Ok(person.map(|person| MakePass { person, span, given, maker, _brand: tx.brand() }))
}

/// A pass that was made.
pub struct Made {
    /// The text of the pass: three groups of four characters. It is not stored.
    pub text: String,
    /// The account of the person.
    pub account_id: String,
    /// The user name of the person.
    pub user_name: String,
}

/// Ends the account's passes that are not spent, and makes a pass. Notifies the account's phones.
pub fn act<'t>(tx: &mut Tx<'t>, proof: MakePass<'t>, now: Time) -> Result<Made, StoreError> {
    let MakePass { person, span, given, maker, _brand } = proof;
    let (text, account_id) = (crockford(LENGTH)?, person.account_id);
    let _ended = end(tx, &account_id, &Ending::PassReplaced, now)?;
    tx.insert(&Pass {
        id: Pass::id_of(&account_id, &text),
        account_id: account_id.clone(),
        starts_at: span.starts_at,
        ends_at: span.starts_at + span.life,
        used_at: None,
        spent_at: None,
        given,
    })?;
    audit::record(tx, &account_id, "pass_created", &maker, now)?;
    notices::notify(tx, &account_id, None, notices::Kind::PassCreated, now)?;
    let groups: Vec<String> =
        text.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    Ok(Made { text: groups.join("-"), account_id, user_name: person.user_name })
}
