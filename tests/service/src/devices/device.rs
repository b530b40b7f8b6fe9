//! A device: its state, its keys and its push address.

use serde::{Deserialize, Serialize};

use url::Url;

use crate::clock::{DAY, Time};
use crate::features::Feature;
use crate::jose::Jwk;
use crate::prompts::ceremony::AnsweringKey;
use crate::provenance::Given;

/// A tombstone is kept for this long, so that the phone can learn of the removal (protocol section 5).
const TOMBSTONE_LIFE: Time = 400 * DAY;

/// The state of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The device is bound, and the wizard waits for the digits.
    Pending,
    /// The device can answer prompts.
    Active,
    /// The device was removed, and only a tombstone is left.
    Removed(Cause),
}

/// Why a device was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The person chose "That's not my phone" in the wizard.
    NotMyPhone,
    /// Wrong digits were typed three times.
    WrongDigits,
    /// The wizard was cancelled, or a change of the account or the policy ended the enrollment.
    Cancelled,
    /// The enrollment was not completed within ten minutes.
    Expired,
    /// The phone abandoned the enrollment.
    Abandoned,
    /// The phone sent `unenroll`.
    RemovedByPhone,
    /// The person removed the device on the security-info page.
    RemovedByPerson,
    /// The operator or an administrator removed the device.
    RemovedByOperator,
    /// The person or an administrator reported the phone as lost.
    Lost,
}

/// Facts that a phone states about itself. They are not verified.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claimed {
    /// The name that the person gave the phone.
    pub name: String,
    /// The model.
    pub model: String,
    /// The operating system.
    pub os: String,
    /// The app's version.
    pub app_version: String,
}

/// The registered sign-in key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInKey {
    /// The public key.
    pub key: Jwk,
    /// What gave the key.
    pub given: Given,
}

/// A Web Push subscription (RFC 8030, RFC 8291).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Subscription {
    /// The push address: the `https` URL to which the service sends pushes.
    pub endpoint: String,
    /// The phone's push key, 65 bytes, base64url.
    pub p256dh: String,
    /// The phone's push secret, 16 bytes, base64url.
    pub auth: String,
}

/// A device or a tombstone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Device {
    /// The id that the service gave the device.
    pub id: String,
    /// The account that the device belongs to.
    pub account_id: String,
    /// The state.
    pub state: State,
    /// The public device key.
    pub key: Jwk,
    /// The sign-in key, while phone sign-in is on.
    pub sign_in: Option<SignInKey>,
    /// When phone sign-in was last turned off.
    pub turned_off_at: Option<Time>,
    /// The facts that the phone states about itself. `None` in a tombstone.
    pub claimed: Option<Claimed>,
    /// The push address and keys. `None` in a tombstone.
    pub push: Option<Subscription>,
    /// Whether the push service has reported the push address as gone.
    pub push_ended: bool,
    /// When the device was bound.
    pub added_at: Time,
    /// What gave the device.
    pub given: Given,
    /// Whether the phone has ever answered a prompt that came by push.
    pub push_seen: bool,
    /// When a test push was last sent to the device.
    #[serde(default)]
    pub tested_at: Option<Time>,
    /// The `jti` of the newest fetch. When a newer fetch arrives, an older fetch stops waiting.
    #[serde(default)]
    pub fetching: Option<String>,
    /// The features that the phone named in its bind or in its newest fetch. Empty for a phone of version 0.1.
    #[serde(default)]
    pub features: Vec<String>,
    pub(super) last_network: Option<(String, Time)>,
    pub(super) ends_at: Option<Time>,
}

impl Device {
    /// Creates the record of a phone that was just bound. The device is pending.
    #[must_use]
    pub fn pending(
        id: String,
        account_id: String,
        key: Jwk,
        claimed: Claimed,
        push: Subscription,
        given: Given,
        now: Time,
    ) -> Self {
        Self {
            id,
            account_id,
            state: State::Pending,
            key,
            sign_in: None,
            turned_off_at: None,
            claimed: Some(claimed),
            push: Some(push),
            push_ended: false,
            added_at: now,
            given,
            push_seen: false,
            tested_at: None,
            fetching: None,
            features: Vec::new(),
            last_network: None,
            ends_at: None,
        }
    }

    /// Returns the subscription to which a push can be sent now. Returns `None` for a tombstone, or if the push address
    /// is gone.
    #[must_use]
    pub fn reachable_at(&self) -> Option<&Subscription> {
        self.push.as_ref().filter(|_push| !self.push_ended)
    }

    /// Returns whether the phone has named this feature.
    #[must_use]
    pub fn knows(&self, feature: Feature) -> bool {
        self.features.iter().any(|name| name == feature.name())
    }

    /// Returns whether the device is active.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.state == State::Active
    }

    /// Returns when an active device was removed.
    #[must_use]
    pub fn removed_at(&self) -> Option<Time> {
        match self.state {
            State::Removed(Cause::RemovedByPhone | Cause::RemovedByPerson | Cause::RemovedByOperator | Cause::Lost) => {
                self.ends_at.map(|ends_at| ends_at - TOMBSTONE_LIFE)
            }
            State::Removed(_) | State::Pending | State::Active => None,
        }
    }

    /// Returns the device's key with this thumbprint, and whether it is the device key or the sign-in key.
    #[must_use]
    pub fn key_named(&self, thumbprint: &str) -> Option<(AnsweringKey, &Jwk)> {
        let sign_in = self.sign_in.as_ref().map(|sign_in| (AnsweringKey::SignIn, &sign_in.key));
        let mut keys = std::iter::once((AnsweringKey::Device, &self.key)).chain(sign_in);
        keys.find(|(_, key)| key.thumbprint() == thumbprint)
    }

    /// Changes the push address. A tombstone has none.
    pub fn change_endpoint(&mut self, endpoint: &str) {
        if let Some(push) = &mut self.push {
            endpoint.clone_into(&mut push.endpoint);
            self.push_ended = false;
        }
    }

    /// Records the network of the device's last contact.
    pub fn seen_from(&mut self, network: &str, now: Time) {
        self.last_network = Some((network.to_owned(), now));
    }

    /// Makes the device a tombstone. Keeps the ids, the public device key and the cause. Erases the sign-in key, the
    /// facts that the phone stated about itself, its features, the push subscription and the network of the last
    /// contact.
    pub(crate) fn become_tombstone(&mut self, cause: Cause, now: Time) {
        self.state = State::Removed(cause);
        self.sign_in = None;
        self.claimed = None;
        self.push = None;
        self.features = Vec::new();
        self.last_network = None;
        self.ends_at = Some(now + TOMBSTONE_LIFE);
    }
}

const MAX_ENDPOINT: usize = 1_024;

/// Returns whether a text has the form of a push address. Whether the service may send a push to the address is checked
/// before each push (`push::guard`).
pub(crate) fn is_endpoint(address: &str) -> bool {
    // A URL is ASCII without spaces. URL parsers drop a line feed, but the stored text would contain the line feed.
    let plain = address.len() <= MAX_ENDPOINT && address.bytes().all(|byte| byte.is_ascii_graphic());
    // The URL parser also accepts `https:host`, which other programs refuse.
    plain && address.starts_with("https://") && Url::parse(address).is_ok()
}
