//! The page about the loss of a phone: since when it has been missing, and what it has given.

use super::facts::label;
use crate::clock::{HOUR, Time};
use crate::devices::device::Device;
use crate::grants::{self, Grant};
use crate::pages::words::GivenByPhone;
use crate::posted::Posted;
use crate::prompts::ceremony::Ceremony;
use crate::prompts::change::Change;
use crate::provenance::Given;
use crate::store::{StoreError, Tx};

/// Returns what a phone's approvals have given that still counts, newest first.
pub(crate) fn given_by(tx: &mut Tx<'_>, device: &Device, now: Time) -> Result<Vec<GivenByPhone>, StoreError> {
    let grants = grants::of(tx, &device.account_id, now)?;
    let by_phone = |grant: &Grant| {
        let by_phone = |given: &&Given| given.approvals().first().is_some_and(|one| one.device == device.id);
        let given = grant.givens().find(by_phone)?;
        let is_phone = matches!(grant, Grant::Device(_));
        Some(GivenByPhone { what: words(grant), at: given.at, administers: false, is_phone })
    };
    let acts = tx.children::<Ceremony>(&device.account_id)?.into_iter();
    let acts = acts.filter(|one| one.redeemed && one.decided_by.as_ref() == Some(&device.id));
    let act = |ceremony: Ceremony| match (ceremony.change, ceremony.decided_at) {
        (Some(Change::Administer(act)), Some(at)) => {
            Some(GivenByPhone { what: label(&act).to_owned(), at, administers: true, is_phone: false })
        }
        _ => None,
    };
    let mut listed: Vec<GivenByPhone> = grants.iter().filter_map(by_phone).chain(acts.filter_map(act)).collect();
    listed.sort_by_key(|one| std::cmp::Reverse(one.at));
    Ok(listed)
}

fn words(grant: &Grant) -> String {
    let words = match grant {
        Grant::Attempt(_) => "A sign-in in progress",
        Grant::Session(_) => "A signed-in browser",
        Grant::KnownBrowser(_) => "A known browser",
        Grant::Code(_) | Grant::Token(_) => "A sign-in to an application",
        Grant::Registration(_) | Grant::RegistrationCode(_) | Grant::RegistrationToken(_) | Grant::PhoneToken(_) => {
            "A phone that is being registered"
        }
        Grant::Enrollment(_) => "A phone that is being added",
        Grant::Device(device) => {
            let name = device.claimed.as_ref().map_or("", |claimed| &claimed.name);
            return format!("The phone {name}, which this phone added");
        }
        Grant::SignInKey(_) => "Phone sign-in on a phone",
        Grant::Pass(_) => "A pass",
        Grant::Administrator(_) => "The role of an administrator",
        Grant::ApiToken(_) => "An API token",
        Grant::Ceremony(_) => "A request",
    };
    words.to_owned()
}

/// Reads since when the phone has been missing. A form without a number of hours means "always".
pub(crate) fn since(posted: &Posted, now: Time) -> Time {
    match posted.field("hours").parse::<u16>() {
        Ok(hours) => now - Time::from(hours) * HOUR,
        Err(_unknown) => Time::MIN,
    }
}
