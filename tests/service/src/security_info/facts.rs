//! What a change is about, for the page that shows the number of its approval. The phone shows only the kind of some
//! changes, so the person compares them on this page.

use crate::devices::device::Device;
use crate::people::person::Person;
use crate::policy::records::Group;
use crate::prompts::change::{Act, Change};
use crate::store::{StoreError, Tx};

/// The label of a fact, the fact, and the id of its element.
pub(crate) type Fact = (&'static str, String, &'static str);

/// Returns the facts about a change.
pub(crate) fn facts(tx: &mut Tx<'_>, change: &Change) -> Result<Vec<Fact>, StoreError> {
    match change {
        Change::AddMethod | Change::CreatePass => Ok(Vec::new()),
        Change::RemoveMethod(device) | Change::ReportLost { device, .. } => phone(tx, device),
        Change::Administer(act) => facts_of_act(tx, act),
    }
}

fn facts_of_act(tx: &mut Tx<'_>, act: &Act) -> Result<Vec<Fact>, StoreError> {
    let mut facts = vec![("Change", label(act).to_owned(), "change")];
    if let Some(account) = act.account()
        && let Some(person) = tx.get::<Person>(account)?
    {
        facts.push(("Person", format!("{} ({})", person.display_name, person.user_name), "person"));
    }
    match act {
        Act::AddPerson { user_name, display_name } => {
            facts.push(("Person", format!("{display_name} ({user_name})"), "person"));
        }
        Act::Member { group, .. } => {
            facts.extend(tx.get::<Group>(group)?.map(|group| ("Group", group.name, "group")));
        }
        Act::AddGroup(name) => facts.push(("Group", name.clone(), "group")),
        Act::ReportLost { device, .. } => facts.extend(phone(tx, device)?),
        Act::ChangePolicy(change) => facts.push(("New settings", change.to_string(), "policy-change")),
        Act::MakeApiToken { name, scope } => {
            facts.push(("Token", name.clone(), "token-name"));
            facts.push(("Scope", scope.words().to_owned(), "token-scope"));
        }
        Act::DeletePerson(_)
        | Act::Suspend(_)
        | Act::Resume(_)
        | Act::MakePass(_)
        | Act::Unblock(_)
        | Act::MakeAdministrator(_)
        | Act::RemoveAdministrator(_)
        | Act::Reset(_) => {}
    }
    Ok(facts)
}

fn phone(tx: &mut Tx<'_>, device: &str) -> Result<Vec<Fact>, StoreError> {
    let claimed = tx.get::<Device>(device)?.and_then(|device| device.claimed);
    let name = claimed.map_or_else(|| "a phone that was removed".to_owned(), |claimed| claimed.name);
    Ok(vec![("Phone", name, "phone-name")])
}

/// Returns the name of an administrative act.
pub(super) fn label(act: &Act) -> &'static str {
    match act {
        Act::AddPerson { .. } => "Add a person",
        Act::DeletePerson(_) => "Delete a person",
        Act::Suspend(_) => "Suspend a person",
        Act::Resume(_) => "Allow a person to sign in again",
        Act::MakePass(_) => "Create a pass for a person",
        Act::Unblock(_) => "Clear a person's wrong numbers",
        Act::Member { joins: true, .. } => "Add a person to a group",
        Act::Member { joins: false, .. } => "Remove a person from a group",
        Act::AddGroup(_) => "Add a group",
        Act::MakeAdministrator(_) => "Make a person an administrator",
        Act::RemoveAdministrator(_) => "Remove administrator rights",
        Act::ReportLost { .. } => "Report a person's phone lost",
        Act::Reset(_) => "Remove every phone of a person",
        Act::ChangePolicy(_) => "Change the policy",
        Act::MakeApiToken { .. } => "Create an API token",
    }
}
