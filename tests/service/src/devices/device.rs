//! A device: where it stands, its keys, and where its pushes go.

use serde::{Deserialize, Serialize};

use url::Url;

use crate::clock::{DAY, Time};
use crate::jose::Jwk;
use crate::prompts::ceremony::AnsweringKey;

/// A tombstone answers its phone this long.
const TOMBSTONE_LIFE: Time = 400 * DAY;

/// Where a device stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Bound; the wizard waits for the digits.
    Pending,
    /// Answers prompts.
    Active,
    /// A tombstone.
    Removed(Cause),
}

/// Why a device was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// "That's not my phone."
    NotMyPhone,
    /// Wrong digits three times.
    WrongDigits,
    /// The wizard was cancelled, or the account changed meanwhile.
    Cancelled,
    /// The ten minutes were over.
    Expired,
    /// The phone gave up.
    Abandoned,
    /// The phone removed itself.
    RemovedByPhone,
    /// Removed on the security-info page.
    RemovedByPerson,
    /// Removed by the operator.
    RemovedByOperator,
    /// Reported as lost.
    Lost,
}

/// What a phone says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claimed {
    /// The person's name for it.
    pub name: String,
    /// Model.
    pub model: String,
    /// Operating system.
    pub os: String,
    /// App version.
    pub app_version: String,
}

/// The key of phone sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInKey {
    /// The key.
    pub key: Jwk,
    /// When it was registered.
    pub registered_at: Time,
}

/// A Web Push subscription (RFC 8030, RFC 8291).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Subscription {
    /// Where pushes go.
    pub endpoint: String,
    /// The phone's push key, 65 bytes, base64url.
    pub p256dh: String,
    /// The phone's push secret, 16 bytes, base64url.
    pub auth: String,
}

/// A device, or what is left of one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Device {
    /// The issuer's own id for it.
    pub id: String,
    /// Whose it is.
    pub account_id: String,
    /// Where it stands.
    pub state: State,
    /// The device key.
    pub key: Jwk,
    /// The sign-in key, while phone sign-in is on.
    pub sign_in: Option<SignInKey>,
    /// When phone sign-in was last turned off.
    pub turned_off_at: Option<Time>,
    /// What it says of itself; gone from a tombstone.
    pub claimed: Option<Claimed>,
    /// Where pushes go; gone from a tombstone.
    pub push: Option<Subscription>,
    /// Whether the push service said that this address is no more.
    pub push_ended: bool,
    /// When it was bound.
    pub added_at: Time,
    /// Whether an answer ever came by push.
    pub push_seen: bool,
    /// When it last had a test push.
    #[serde(default)]
    pub tested_at: Option<Time>,
    /// The `jti` of its newest fetch: an older one that still waits ends.
    #[serde(default)]
    pub fetching: Option<String>,
    pub(super) last_network: Option<(String, Time)>,
    pub(super) ends_at: Option<Time>,
}

impl Device {
    /// A device that was just bound.
    #[must_use]
    pub fn pending(id: String, account_id: String, key: Jwk, claimed: Claimed, push: Subscription, now: Time) -> Self {
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
            push_seen: false,
            tested_at: None,
            fetching: None,
            last_network: None,
            ends_at: None,
        }
    }

    /// Where a push can be sent at present.
    #[must_use]
    pub fn reachable_at(&self) -> Option<&Subscription> {
        self.push.as_ref().filter(|_push| !self.push_ended)
    }

    /// Whether it answers prompts.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.state == State::Active
    }

    /// Which of its keys has this thumbprint.
    #[must_use]
    pub fn key_named(&self, thumbprint: &str) -> Option<(AnsweringKey, &Jwk)> {
        let sign_in = self.sign_in.as_ref().map(|sign_in| (AnsweringKey::SignIn, &sign_in.key));
        let mut keys = std::iter::once((AnsweringKey::Device, &self.key)).chain(sign_in);
        keys.find(|(_, key)| key.thumbprint() == thumbprint)
    }

    /// Notes where it was last.
    pub fn seen_from(&mut self, network: &str, now: Time) {
        self.last_network = Some((network.to_owned(), now));
    }

    /// What remains: enough to tell the phone, nothing about the person.
    pub(crate) fn bury(&mut self, cause: Cause, now: Time) {
        self.state = State::Removed(cause);
        self.sign_in = None;
        self.claimed = None;
        self.push = None;
        self.last_network = None;
        self.ends_at = Some(now + TOMBSTONE_LIFE);
    }
}

const MAX_ENDPOINT: usize = 1_024;

/// Whether pushes can go there at all; where they may go is decided when they are sent.
pub(crate) fn is_endpoint(address: &str) -> bool {
    // An address is ASCII; a line feed in one would be dropped by whoever reads it, and kept by whoever stores it.
    let plain = address.len() <= MAX_ENDPOINT && address.bytes().all(|byte| byte.is_ascii_graphic());
    // The URL standard reads `https:host` too; a push service would not be found by it.
    plain && address.starts_with("https://") && Url::parse(address).is_ok()
}
