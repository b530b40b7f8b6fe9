//! What an administrator does to people and groups, each one transaction with its line in the audit log.

use crate::audit;
use crate::clock::Time;
use crate::devices::device::Device;
use crate::endings;
use crate::passes;
use crate::passes::rules::Span;
use crate::people::person::Person;
use crate::policy::records::{Group, groups};
use crate::policy::rules::Effective;
use crate::secrets::random_id;
use crate::store::{StoreError, Tx};
use crate::texts::is_shown;

/// What can be done to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// They may not sign in; what is signed in ends.
    Suspend,
    /// They may again.
    Resume,
    /// A pass, from now on.
    MakePass(Span),
    /// Wrong numbers are forgiven.
    Unblock,
    /// Into the group, or out of it.
    Group {
        /// Its id.
        id: String,
        /// Into it.
        joins: bool,
    },
    /// They decide for others, or no longer.
    Administrator(bool),
    /// This phone is lost.
    Lost(String),
    /// Every phone goes, every session ends.
    RemovePhones,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// It was done.
    Yes,
    /// The pass, shown once.
    Pass(String),
    /// It would leave nobody to decide, or makes no sense for this person.
    No,
}

/// Does it.
pub fn act(tx: &mut Tx<'_>, by: &Person, account_id: &str, act: Act, now: Time) -> Result<Done, StoreError> {
    let Some(mut person) = tx.get::<Person>(account_id)? else {
        return Ok(Done::No);
    };
    let is_self = by.account_id == person.account_id;
    let what = match &act {
        // Whoever locks themselves out can't be let in again by anybody on these pages.
        Act::Suspend | Act::Administrator(false) | Act::RemovePhones if is_self => return Ok(Done::No),
        Act::Suspend => "suspended",
        Act::Resume => "resumed",
        Act::MakePass(span) if person.suspended || !span.is_allowed(now) => return Ok(Done::No),
        Act::MakePass(_) => "pass_given",
        Act::Unblock => "unblocked",
        Act::Group { id, .. } if !groups(tx)?.iter().any(|group| group.id == *id) => return Ok(Done::No),
        Act::Group { joins: true, .. } => "joined_group",
        Act::Group { joins: false, .. } => "left_group",
        Act::Administrator(true) => "made_administrator",
        Act::Administrator(false) => "no_longer_administrator",
        Act::Lost(_) => "phone_lost",
        Act::RemovePhones => "phones_removed",
    };
    audit::record(tx, account_id, what, &by.account_id, now)?;
    match act {
        Act::Suspend => {
            person.suspended = true;
            tx.put(&person)?;
            endings::end_for_suspension(tx, account_id, now)?;
        }
        Act::Resume => {
            person.suspended = false;
            tx.put(&person)?;
        }
        Act::MakePass(span) => return Ok(Done::Pass(passes::acts::make(tx, account_id, span, &by.account_id, now)?)),
        Act::Unblock => {
            person.unblocked_at = now;
            tx.put(&person)?;
        }
        Act::Group { id, joins } => {
            person.groups.retain(|group| *group != id);
            if joins {
                person.groups.push(id);
            }
            tx.put(&person)?;
        }
        Act::Administrator(is_administrator) => {
            person.is_administrator = is_administrator;
            tx.put(&person)?;
        }
        Act::Lost(id) => match tx.get::<Device>(&id)?.filter(|device| device.account_id == account_id) {
            Some(mut device) if device.is_active() => endings::remove_lost_device(tx, &mut device, None, now)?,
            Some(_) | None => return Ok(Done::No),
        },
        Act::RemovePhones => {
            endings::remove_every_device(tx, account_id, now)?;
        }
    }
    Ok(Done::Yes)
}

/// Makes a group; none when there is one of that name.
pub fn add_group(tx: &mut Tx<'_>, name: &str, now: Time) -> Result<Option<Group>, StoreError> {
    let name = name.trim();
    if name.is_empty() || !is_shown(name) || groups(tx)?.iter().any(|group| group.name.eq_ignore_ascii_case(name)) {
        return Ok(None);
    }
    let group = Group { id: random_id()?, name: name.to_owned() };
    tx.put(&group)?;
    audit::record(tx, "", "group_added", &group.id, now)?;
    Ok(Some(group))
}

/// Everything that a person's page shows.
pub struct Shown {
    /// Who.
    pub person: Person,
    /// Their phones.
    pub phones: Vec<Device>,
    /// Every group there is.
    pub groups: Vec<Group>,
    /// What the policy means for them.
    pub effective: Effective,
}
