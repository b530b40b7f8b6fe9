//! The record of an enrollment by code, and its state machine.

use serde::{Deserialize, Serialize};

use crate::authenticator::network::metadata::Endpoints;
use crate::base::clock::Timestamp;
use crate::protocol::keys::ServiceKeys;
use crate::protocol::proofs::EnrollmentKey;
use crate::protocol::push_message::PushKeys;
use crate::values::account::{AccountId, RemovalCause};
use crate::values::issuer::Issuer;
use crate::values::ticket::Ticket;

/// The stage of an enrollment by code (`acts/enrollment.rs` has the diagram).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// The person has accepted the offer; no key was made yet.
    Enrolling,
    /// Device key and push address exist. The service may or may not know them.
    KeyMade { point: Vec<u8>, push_endpoint: String },
    /// The service knows this device and waits for the digits.
    Bound { point: Vec<u8>, until: Timestamp },
    /// The service ended the enrollment; the person has not seen the cause yet.
    Ended { cause: RemovalCause },
}

/// An event that moves an enrollment to its next stage.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// The key store made the device key, and the platform gave a push address.
    KeyMade { point: Vec<u8>, push_endpoint: String },
    /// The service accepted the bind. The digits expire at `until`, by this phone's clock.
    Bound { until: Timestamp },
    /// A signed state has the status `removed`.
    Removed { cause: RemovalCause },
}

/// Returns the next stage; `None` when the event does not belong to this stage.
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

/// An enrollment by code, as the database stores it.
#[derive(Clone)]
pub(crate) struct EnrollmentRecord {
    pub(crate) ticket: Ticket,
    pub(crate) stage: Stage,
    pub(crate) facts: Facts,
    /// The enrollment key K; sealed in the database.
    pub(crate) key: EnrollmentKey,
    /// Sealed in the database.
    pub(crate) push_keys: PushKeys,
}

/// The facts of an enrollment that are not secret.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// The id that the account will have on this phone.
    pub(crate) account: AccountId,
    pub(crate) issuer: Issuer,
    /// The enrollment's id at the service, from the code.
    pub(crate) invite_id: String,
    /// The account's id at the service, from the look-up.
    pub(crate) account_id: String,
    pub(crate) user_name: String,
    pub(crate) organization: String,
    pub(crate) endpoints: Endpoints,
    /// From the look-up response; the bind response must name the same keys.
    pub(crate) service_keys: ServiceKeys,
    pub(crate) slot: Vec<u8>,
    /// The service's clock minus this phone's, in seconds.
    pub(crate) clock_offset: i64,
}
