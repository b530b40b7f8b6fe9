//! Changing groups: adding a group, and changing who belongs to a group.

use super::authority::Authority;
use crate::audit;
use crate::clock::Time;
use crate::people::person::Person;
use crate::policy::records::{Group, check_pending, groups};
use crate::prompts::change::Act;
use crate::provenance::Given;
use crate::secrets::random_id;
use crate::store::{Brand, StoreError, Tx};
use crate::texts::is_shown;

/// Proof that groups may be changed.
pub struct ChangeGroups<'t> {
    change: GroupChange,
    actor: String,
    _brand: Brand<'t>,
}

enum GroupChange {
    Add(String),
    Joins { account: String, group: String, given: Given },
    Leaves { account: String, group: String, given: Given },
}

/// Checks the authority to change groups. A new group needs a name that no other group has; a member and the group must
/// exist.
pub fn check<'t>(tx: &mut Tx<'t>, authority: Authority<'t>, now: Time) -> Result<Option<ChangeGroups<'t>>, StoreError> {
    let groups = groups(tx)?;
    let change = match authority.act().clone() {
        Act::AddGroup(name) if is_free(&name, &groups) => GroupChange::Add(name),
        Act::Member { account, group, joins }
            if groups.iter().any(|one| one.id == group) && tx.get::<Person>(&account)?.is_some() =>
        {
            let given = authority.given(now);
            match joins {
                true => GroupChange::Joins { account, group, given },
                false => GroupChange::Leaves { account, group, given },
            }
        }
        _ => return Ok(None),
    };
    Ok(Some(ChangeGroups { change, actor: authority.actor().to_owned(), _brand: tx.brand() }))
}

/// Returns whether a new group may have this name.
#[must_use]
pub fn is_free(name: &str, groups: &[Group]) -> bool {
    !name.is_empty() && is_shown(name) && !groups.iter().any(|group| group.name.eq_ignore_ascii_case(name))
}

/// Changes the groups.
pub fn act<'t>(tx: &mut Tx<'t>, proof: ChangeGroups<'t>, now: Time) -> Result<(), StoreError> {
    match proof.change {
        GroupChange::Add(name) => {
            let group = Group { id: random_id()?, name };
            tx.insert(&group)?;
            audit::record(tx, "", "group_added", &group.id, now)
        }
        GroupChange::Joins { account, group, given } => {
            tx.update::<Person, _>(&account, |person| person.join(&group, &given))?.granted();
            audit::record(tx, &account, "joined_group", &proof.actor, now)?;
            check_pending(tx)
        }
        GroupChange::Leaves { account, group, given } => {
            tx.update::<Person, _>(&account, |person| person.leave(&group, &given))?.granted();
            audit::record(tx, &account, "left_group", &proof.actor, now)?;
            check_pending(tx)
        }
    }
}
