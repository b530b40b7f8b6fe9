//! Makes an administrator's changes to people and groups. Each change is one transaction, which also writes an entry to
//! the audit log.

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

/// A change of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Suspends the person, and ends the person's sessions and unused passes.
    Suspend,
    /// Ends the suspension.
    Resume,
    /// Creates a pass that is valid in this span of time.
    MakePass(Span),
    /// Ends every block of the account.
    Unblock,
    /// Adds the person to a group, or removes the person from the group.
    Group {
        /// The group's id.
        id: String,
        /// True if the person joins the group, false if the person leaves the group.
        joins: bool,
    },
    /// Makes the person an administrator if the value is true. Otherwise removes this role from the person.
    Administrator(bool),
    /// Reports the phone with this device id as lost.
    Lost(String),
    /// Removes all active phones of the person, forgets the person's known browsers and ends the person's sessions.
    RemovePhones,
}

/// The result of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// The change was made.
    Yes,
    /// A pass was created. Contains the text of the pass, which is shown once.
    Pass(String),
    /// The change was refused: the administrator would lock themselves out, or the change is not possible for this
    /// person.
    No,
}

/// Makes the change `act` to a person, if it is allowed. `by` is the administrator.
pub fn act(tx: &mut Tx<'_>, by: &Person, account_id: &str, act: &Act, now: Time) -> Result<Done, StoreError> {
    let Some(person) = tx.get::<Person>(account_id)? else {
        return Ok(Done::No);
    };
    let is_self = by.account_id == person.account_id;
    let what = match act {
        // An administrator who locked themselves out could not undo the change on these pages.
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
            tx.update::<Person, _>(account_id, |person| person.suspended = true)?.granted();
            endings::end_for_suspension(tx, account_id, now)?;
        }
        Act::Resume => {
            tx.update::<Person, _>(account_id, |person| person.suspended = false)?.granted();
        }
        Act::MakePass(span) => return Ok(Done::Pass(passes::acts::make(tx, account_id, *span, &by.account_id, now)?)),
        Act::Unblock => {
            tx.update::<Person, _>(account_id, |person| person.unblocked_at = now)?.granted();
        }
        Act::Group { id, joins } => {
            tx.update::<Person, _>(account_id, |person| person.change_group(id, *joins))?.granted();
        }
        Act::Administrator(is_administrator) => {
            tx.update::<Person, _>(account_id, |person| person.is_administrator = *is_administrator)?.granted();
        }
        Act::Lost(id) => match tx.get::<Device>(id)?.filter(|device| device.account_id == account_id) {
            Some(device) if device.is_active() => endings::remove_lost_device(tx, &device, None, now)?,
            Some(_) | None => return Ok(Done::No),
        },
        Act::RemovePhones => {
            endings::remove_every_device(tx, account_id, now)?;
        }
    }
    Ok(Done::Yes)
}

/// Adds a group. Returns `None` if the name is taken, empty or not allowed on a page.
pub fn add_group(tx: &mut Tx<'_>, name: &str, now: Time) -> Result<Option<Group>, StoreError> {
    let name = name.trim();
    if name.is_empty() || !is_shown(name) || groups(tx)?.iter().any(|group| group.name.eq_ignore_ascii_case(name)) {
        return Ok(None);
    }
    let group = Group { id: random_id()?, name: name.to_owned() };
    tx.insert(&group)?;
    audit::record(tx, "", "group_added", &group.id, now)?;
    Ok(Some(group))
}

/// The contents of the administrator's page about one person.
pub struct Shown {
    /// The person.
    pub person: Person,
    /// The active phones.
    pub phones: Vec<Device>,
    /// All groups of the organization.
    pub groups: Vec<Group>,
    /// The policy as it applies to the person.
    pub effective: Effective,
}
