//! The rules of devices, pure: which key of a device approves what, and whether it is near a browser.

use crate::clock::{DAY, Time};
use crate::devices::device::Device;
use crate::prompts::ceremony::{AnsweringKey, Kind};

/// A device where phone sign-in was turned off can't approve changes of the account this long: whoever takes
/// a phone over and turns off what asks the person must not gain by it.
const STEP_UP_REST: Time = DAY;
/// Where a phone was last is kept this long, only to say whether a sign-in is near it.
const NETWORK_LIFE: Time = DAY;

impl Device {
    /// The key that must sign an approval of this kind, with its thumbprint; none when this device can't approve it.
    #[must_use]
    pub fn answers(&self, kind: Kind, now: Time) -> Option<(AnsweringKey, String)> {
        let device = || (AnsweringKey::Device, self.key.thumbprint());
        let sign_in = || self.sign_in.as_ref().map(|sign_in| (AnsweringKey::SignIn, sign_in.key.thumbprint()));
        let lately_off = self.turned_off_at.is_some_and(|at| now - at < STEP_UP_REST);
        match kind {
            Kind::ConfirmEnrollment | Kind::SecondFactor => Some(device()),
            // Registering is how phone sign-in comes back, so a device that was turned off may still ask for it.
            Kind::RegisterDevice => Some(device()),
            Kind::PhoneSignIn => sign_in(),
            Kind::AddMethod | Kind::RemoveMethod | Kind::CreatePass | Kind::ReportLost => {
                // GUARD(off-rests-step-up): j8_for_a_day_after_off_a_phone_approves_no_change_of_the_account
                // INSTEAD: (!lately_off || now > 0).then(|| sign_in().unwrap_or_else(device))
                (!lately_off).then(|| sign_in().unwrap_or_else(device))
            }
        }
    }

    /// Whether the last contact came from the same network, within a day.
    #[must_use]
    pub fn was_near(&self, network: &str, now: Time) -> bool {
        self.last_network.as_ref().is_some_and(|(last, at)| last == network && now - at < NETWORK_LIFE)
    }
}
