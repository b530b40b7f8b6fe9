//! The record of an enrollment by signing in (protocol section 11), and its stages.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::authenticator::error::Error;
use crate::authenticator::network::metadata::Endpoints;
use crate::authenticator::step::redirect::Sent;
use crate::base::bearer::Bearer;
use crate::base::clock::Timestamp;
use crate::base::jose::PublicKey;
use crate::base::points::Point;
use crate::protocol::keys::ServiceKeys;
use crate::protocol::push_message::PushKeys;
use crate::values::account::AccountId;
use crate::values::issuer::Issuer;
use crate::values::platform::PlatformError;
use crate::values::ticket::Ticket;

/// An enrollment by signing in. The whole record is sealed in the database.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SignInEnrollment {
    /// The id that the account will have on this phone.
    pub(crate) account: AccountId,
    pub(crate) issuer: Issuer,
    pub(crate) endpoints: Endpoints,
    pub(crate) redirect_uri: String,
    pub(crate) slot: Vec<u8>,
    pub(crate) push_keys: Zeroizing<Vec<u8>>,
    /// The service's clock minus this phone's, in seconds; 0 until the service has sent its time.
    pub(crate) clock_offset: i64,
    pub(crate) stage: Stage,
}

/// The public device key (65 bytes) and the push address, which were made for this enrollment.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Made {
    pub(crate) point: Vec<u8>,
    pub(crate) push_endpoint: String,
}

impl Made {
    /// Returns the device key.
    ///
    /// # Errors
    /// `Platform(Unusable)` when the stored point is not on P-256.
    pub(crate) fn key(&self) -> Result<PublicKey, Error> {
        PublicKey::from_sec1(&self.point).map_err(|_malformed| Error::Platform(PlatformError::Unusable))
    }
}

/// The stage of an enrollment by signing in (`acts/enrollment/by_sign_in.rs` has the diagram).
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// No key was made yet.
    Starting,
    /// The authorization request is being pushed. The service may or may not have it.
    Pushing { made: Made, sent: Sent, digits: Bearer },
    /// The person is in the browser.
    InBrowser { made: Made, sent: Sent, digits: Bearer, url: String, until: Timestamp },
    /// The authorization code is being redeemed. It works only once, so a lost response ends the enrollment.
    Redeeming { made: Made, sent: Sent, code: Bearer },
    /// The phone adds itself with the token, and repeats the message until the service responds. The service may
    /// already know this phone.
    Adding { made: Made, grant: Grant },
}

/// The checked content of the token response (protocol section 11, step 4).
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Grant {
    /// The access token: bound to the device key, and valid for adding one device.
    pub(crate) token: Bearer,
    pub(crate) account_id: String,
    pub(crate) user_name: String,
    pub(crate) organization: String,
    /// The service's first keys, authenticated only by TLS.
    pub(crate) service_keys: ServiceKeys,
}

impl Stage {
    /// Returns the name (for tests) of the transaction that stores this stage.
    pub(crate) fn point(&self) -> Point {
        match self {
            Self::Starting => Point::SigningInStarted,
            Self::Pushing { .. } => Point::SigningInPushing,
            Self::InBrowser { .. } => Point::SigningInBrowser,
            Self::Redeeming { .. } => Point::SigningInRedeeming,
            Self::Adding { .. } => Point::SigningInAdding,
        }
    }
}

impl SignInEnrollment {
    /// Returns the ticket of this act. It is derived from the account's id, so it is the same after a restart.
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket::of_sign_in_enrollment(&self.account)
    }

    /// Whether the service may already have added this phone. If so, `abandon` must also remove this phone at the
    /// service.
    pub(crate) fn may_be_known(&self) -> bool {
        match self.stage {
            Stage::Starting | Stage::Pushing { .. } | Stage::InBrowser { .. } | Stage::Redeeming { .. } => false,
            Stage::Adding { .. } => true,
        }
    }

    /// Parses the stored push key and secret.
    ///
    /// # Errors
    /// `Store(Record)` when they are malformed.
    pub(crate) fn push_keys(&self) -> Result<PushKeys, Error> {
        PushKeys::from_bytes(&self.push_keys)
            .map_err(|_malformed| Error::Store(crate::authenticator::error::StoreFault::Record))
    }
}
