//! The rules of devices, as pure functions: which key of a device approves which kind of ceremony, and whether the
//! device was recently in the same network as a browser.

use std::collections::BTreeSet;

use crate::clock::{DAY, Time};
use crate::devices::device::Device;
use crate::prompts::ceremony::{AnsweringKey, Kind};

/// For this long after phone sign-in was turned off, a device can't approve changes of the account, except turning
/// phone sign-in on again. Otherwise an attacker who has the phone could turn off phone sign-in, whose key requires
/// user verification, and then approve changes without user verification.
const STEP_UP_PAUSE: Time = DAY;
/// For this long after a device's last contact, the network of that contact is compared with the networks of browsers.
const NETWORK_LIFE: Time = DAY;

impl Device {
    /// Returns two values: which of the device's keys must sign the approval of a ceremony of this kind; and the key's
    /// thumbprint. Returns `None` if the device can't approve a ceremony of this kind now.
    #[must_use]
    pub fn answers(&self, kind: Kind, now: Time) -> Option<(AnsweringKey, String)> {
        let device = || (AnsweringKey::Device, self.key.thumbprint());
        let sign_in = || self.sign_in.as_ref().map(|sign_in| (AnsweringKey::SignIn, sign_in.key.thumbprint()));
        let recently_off = self.turned_off_at.is_some_and(|at| now - at < STEP_UP_PAUSE);
        // A phone refuses a prompt of a kind that it does not know, so the person could never answer.
        // GUARD(kind-known-to-phone): a_phone_gets_only_prompts_of_kinds_that_it_knows
        if kind.feature().is_some_and(|feature| !self.knows(feature)) {
            return None;
        }
        match kind {
            Kind::ConfirmEnrollment | Kind::SecondFactor => Some(device()),
            // This approval turns phone sign-in on again, so the pause does not apply.
            Kind::RegisterDevice => Some(device()),
            Kind::PhoneSignIn => sign_in(),
            Kind::AddMethod
            | Kind::RemoveMethod
            | Kind::CreatePass
            | Kind::ReportLost
            | Kind::AddPerson
            | Kind::DeletePerson
            | Kind::SuspendPerson
            | Kind::ResumePerson
            | Kind::CreatePassForPerson
            | Kind::UnblockPerson
            | Kind::ChangeGroups
            | Kind::MakeAdministrator
            | Kind::RemoveAdministrator
            | Kind::ReportLostForPerson
            | Kind::ResetPerson
            | Kind::ChangePolicy
            | Kind::CreateApiToken => {
                // GUARD(step-up-pause-after-off): j8_no_step_up_for_a_day_after_phone_sign_in_is_turned_off
                // INSTEAD: (!recently_off || now > 0).then(|| sign_in().unwrap_or_else(device))
                (!recently_off).then(|| sign_in().unwrap_or_else(device))
            }
        }
    }

    /// Returns whether the device's last contact came from this network, less than a day ago.
    #[must_use]
    pub fn was_near(&self, network: &str, now: Time) -> bool {
        self.last_network.as_ref().is_some_and(|(last, at)| last == network && now - at < NETWORK_LIFE)
    }
}

/// Returns the ids of the devices that a device has added, directly or through others. `all`: all devices of the account,
/// also removed ones.
#[must_use]
pub fn added_by(device_id: &str, all: &[Device]) -> BTreeSet<String> {
    let mut givers = BTreeSet::from([device_id.to_owned()]);
    loop {
        let is_added = |one: &&Device| one.given.approvals().iter().any(|approval| givers.contains(&approval.device));
        let added: Vec<String> = all.iter().filter(is_added).map(|one| one.id.clone()).collect();
        let before = givers.len();
        givers.extend(added);
        if givers.len() == before {
            givers.remove(device_id);
            return givers;
        }
    }
}
