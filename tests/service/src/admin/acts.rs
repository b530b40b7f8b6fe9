//! Makes administrative acts, with an administrator's approval or at the operator's command. The caller provides the
//! transaction.

use crate::clock::Time;
use crate::devices::device::Device;
use crate::effects::authority::Authority;
use crate::effects::make_pass::Made;
use crate::effects::{
    add_person, administrator, api_token, delete_person, groups, make_pass, policy, report_lost, reset, suspend,
    unblock,
};
use crate::passes::rules::Span;
use crate::people::person::Person;
use crate::people::records as people;
use crate::policy::document::{Fault, patch};
use crate::policy::records::{ApiToken, Group, current, group_ids};
use crate::policy::rules::Effective;
use crate::prompts::change::Act;
use crate::store::{StoreError, Tx};
use crate::texts::is_shown;

/// The result of an administrative act.
pub enum Done {
    /// The act was made.
    Yes,
    /// This many phones were removed.
    Reset(usize),
    /// A pass was created.
    Pass(Made),
    /// The policy was changed, or the change is invalid.
    Policy(policy::Changed),
    /// An API token was created. It is shown once.
    ApiToken(String),
    /// The act is not possible now, and nothing was changed.
    No,
}

/// What the act needs besides its authority.
#[derive(Default)]
pub struct Prepared<'a> {
    /// The person to add, with a hashed password, for `Act::AddPerson`.
    pub person: Option<&'a Person>,
    /// The administrator who gets the token, for the operator's `Act::MakeApiToken`.
    pub token_owner: Option<&'a str>,
}

/// Makes the act of the authority.
pub fn administer<'t>(
    tx: &mut Tx<'t>,
    authority: Authority<'t>,
    prepared: &Prepared<'_>,
    now: Time,
) -> Result<Done, StoreError> {
    match authority.act() {
        Act::AddPerson { .. } => add(tx, &authority, prepared, now),
        Act::DeletePerson(_) => match delete_person::check(tx, authority)? {
            Some(proof) => delete_person::act(tx, proof, now).map(|()| Done::Yes),
            None => Ok(Done::No),
        },
        Act::Suspend(_) | Act::Resume(_) => match suspend::check(tx, authority, now)? {
            Some(proof) => suspend::act(tx, proof, now).map(|()| Done::Yes),
            None => Ok(Done::No),
        },
        Act::MakePass(_) => match make_pass::by_authority(tx, authority, Span::from(now), now)? {
            Some(proof) => make_pass::act(tx, proof, now).map(Done::Pass),
            None => Ok(Done::No),
        },
        Act::Unblock(_) => match unblock::by_authority(tx, authority, now)? {
            Some(proof) => unblock::act(tx, proof, now).map(|()| Done::Yes),
            None => Ok(Done::No),
        },
        Act::Member { .. } | Act::AddGroup(_) => match groups::check(tx, authority, now)? {
            Some(proof) => groups::act(tx, proof, now).map(|()| Done::Yes),
            None => Ok(Done::No),
        },
        Act::MakeAdministrator(_) | Act::RemoveAdministrator(_) => match administrator::check(tx, authority, now)? {
            Some(proof) => administrator::act(tx, proof, now).map(|()| Done::Yes),
            None => Ok(Done::No),
        },
        Act::ReportLost { .. } => match report_lost::by_authority(tx, authority, now)? {
            Some(proof) => report_lost::act(tx, proof, now).map(|()| Done::Yes),
            None => Ok(Done::No),
        },
        Act::Reset(_) => match reset::check(tx, authority, now)? {
            Some(proof) => reset::act(tx, proof, now).map(Done::Reset),
            None => Ok(Done::No),
        },
        Act::ChangePolicy(_) => match policy::check(tx, &authority, now) {
            Some(proof) => policy::act(tx, proof, now).map(Done::Policy),
            None => Ok(Done::No),
        },
        Act::MakeApiToken { .. } => match api_token::check(tx, &authority, prepared.token_owner, now)? {
            Some(proof) => api_token::act(tx, proof, now).map(Done::ApiToken),
            None => Ok(Done::No),
        },
    }
}

fn add<'t>(tx: &mut Tx<'t>, authority: &Authority<'t>, prepared: &Prepared<'_>, now: Time) -> Result<Done, StoreError> {
    let (Some(proof), Some(person)) = (add_person::check(tx, authority, now), prepared.person) else {
        return Ok(Done::No);
    };
    Ok(if add_person::act(tx, proof, person, now)? { Done::Yes } else { Done::No })
}

/// Why an act is not possible, so that no phone is asked to approve it.
pub enum Impossible {
    /// The administrator would lock themselves out, or the act does not fit the person, the group or the phone.
    NotDone,
    /// Another person has the user name.
    NameTaken,
    /// A group needs a name that no other group has.
    GroupName,
    /// The new policy is invalid.
    Faulty(Vec<Fault>),
}

/// An act that may be asked for: what the phone shows about it.
pub struct Askable {
    /// Whom or what the act concerns: a user name, a user name that joins or leaves a group, a group's name, a token's
    /// name and scope, or an empty text for the policy.
    pub about: String,
}

/// Checks whether an act is possible now, and returns what the phone shows about it. The act checks everything again.
pub fn askable(tx: &mut Tx<'_>, by: &Person, act: &Act) -> Result<Result<Askable, Impossible>, StoreError> {
    let groups = crate::policy::records::groups(tx)?;
    let about = match act {
        Act::AddPerson { user_name, .. } if people::find(tx, user_name)?.is_some() => {
            return Ok(Err(Impossible::NameTaken));
        }
        Act::AddPerson { user_name, .. } => user_name.clone(),
        Act::AddGroup(name) if !groups::is_free(name, &groups) => return Ok(Err(Impossible::GroupName)),
        Act::AddGroup(name) => name.clone(),
        Act::ChangePolicy(change) => {
            let patched = patch(&current(tx)?, change, &group_ids(tx)?);
            match policy::keeps_approver(tx, patched, Some(&by.account_id))? {
                Ok(_policy) => String::new(),
                Err(faults) => return Ok(Err(Impossible::Faulty(faults))),
            }
        }
        Act::MakeApiToken { name, scope } => format!("{name}: {}", scope.words()),
        Act::Member { account, group, joins } => {
            let group = groups.iter().find(|one| one.id == *group);
            let what = if *joins { "joins" } else { "leaves" };
            match (tx.get::<Person>(account)?, group) {
                (Some(person), Some(group)) => format!("{} {what} {}", person.user_name, group.name),
                (_, _) => return Ok(Err(Impossible::NotDone)),
            }
        }
        Act::DeletePerson(account)
        | Act::Suspend(account)
        | Act::Resume(account)
        | Act::MakePass(account)
        | Act::Unblock(account)
        | Act::MakeAdministrator(account)
        | Act::RemoveAdministrator(account)
        | Act::ReportLost { account, .. }
        | Act::Reset(account) => match tx.get::<Person>(account)? {
            Some(person) if !act.locks_out(&by.account_id) && fits(act, &person) => person.user_name,
            Some(_) | None => return Ok(Err(Impossible::NotDone)),
        },
    };
    // The phone refuses a text that it can't show.
    Ok(if about.is_empty() || is_shown(&about) { Ok(Askable { about }) } else { Err(Impossible::NotDone) })
}

fn fits(act: &Act, person: &Person) -> bool {
    match act {
        Act::MakePass(_) => !person.suspended,
        Act::MakeAdministrator(_) => !person.suspended && !person.is_administrator,
        Act::RemoveAdministrator(_) => person.is_administrator,
        Act::Suspend(_) => !person.suspended,
        Act::Resume(_) => person.suspended,
        _ => true,
    }
}

/// The contents of the administrator's page about one person.
pub struct Shown {
    /// The person.
    pub person: Person,
    /// The active phones.
    pub phones: Vec<Device>,
    /// The phones that were removed lately.
    pub removed: Vec<Device>,
    /// All groups of the organization.
    pub groups: Vec<Group>,
    /// The policy as it applies to the person.
    pub effective: Effective,
}

/// Returns the API tokens of an administrator.
pub fn api_tokens(tx: &mut Tx<'_>, account_id: &str) -> Result<Vec<ApiToken>, StoreError> {
    tx.children(account_id)
}
