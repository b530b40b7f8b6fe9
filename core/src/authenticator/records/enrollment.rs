//! An enrollment as it is stored, and its stages.

use serde::{Deserialize, Serialize};

use crate::authenticator::network::metadata::Endpoints;
use crate::base::clock::Timestamp;
use crate::protocol::keys::ServiceKeys;
use crate::protocol::proofs::EnrollmentKey;
use crate::protocol::push_message::PushKeys;
use crate::values::account::{AccountId, RemovalCause};
use crate::values::issuer::Issuer;
use crate::values::ticket::Ticket;

/// Where an enrollment stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// The person has accepted; nothing was made yet.
    Enrolling,
    /// Device key and push address exist; the service may or may not know them.
    KeyMade { point: Vec<u8>, push_endpoint: String },
    /// The service knows this device and waits for the digits.
    Bound { point: Vec<u8>, until: Timestamp },
    /// The service ended it; the person has not been told yet.
    Ended { cause: RemovalCause },
}

/// What happened to an enrollment.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    KeyMade { point: Vec<u8>, push_endpoint: String },
    Bound { until: Timestamp },
    Removed { cause: RemovalCause },
}

/// The state machine above; an event that does not belong leaves the stage where it was (`None`).
pub(crate) fn next(stage: &Stage, event: Event) -> Option<Stage> {
    match (stage, event) {
        (Stage::Enrolling, Event::KeyMade { point, push_endpoint }) => Some(Stage::KeyMade { point, push_endpoint }),
        (Stage::KeyMade { point, .. }, Event::Bound { until }) => Some(Stage::Bound { point: point.clone(), until }),
        (Stage::Bound { .. }, Event::Removed { cause }) => Some(Stage::Ended { cause }),
        (
            Stage::Enrolling | Stage::KeyMade { .. } | Stage::Bound { .. } | Stage::Ended { .. },
            Event::KeyMade { .. } | Event::Bound { .. } | Event::Removed { .. },
        ) => None,
    }
}

/// An enrollment as it is stored.
#[derive(Clone)]
pub(crate) struct EnrollmentRecord {
    pub(crate) ticket: Ticket,
    pub(crate) stage: Stage,
    pub(crate) facts: Facts,
    pub(crate) key: EnrollmentKey,
    pub(crate) push_keys: PushKeys,
}

/// What is known of an enrollment and is no secret.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(crate) account: AccountId,
    pub(crate) issuer: Issuer,
    pub(crate) invite_id: String,
    pub(crate) account_id: String,
    pub(crate) user_name: String,
    pub(crate) organization: String,
    pub(crate) endpoints: Endpoints,
    pub(crate) service_keys: ServiceKeys,
    pub(crate) slot: Vec<u8>,
    pub(crate) clock_offset: i64,
}
