//! An account that is being added by signing in, as it is stored, and its stages.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::account::AccountId;
use crate::authorization::sent::Sent;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::issuer::Issuer;
use crate::jose::PublicKey;
use crate::platform::PlatformError;
use crate::points::Point;
use crate::push_message::PushKeys;
use crate::secret::Bearer;
use crate::service::{Endpoints, ServiceKeys};
use crate::ticket::Ticket;

/// An account that is being added by signing in. Sealed whole in the database.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SignInEnrollment {
    pub(crate) account: AccountId,
    pub(crate) issuer: Issuer,
    pub(super) endpoints: Endpoints,
    pub(super) redirect_uri: String,
    pub(super) slot: Vec<u8>,
    pub(super) push_keys: Zeroizing<Vec<u8>>,
    pub(super) clock_offset: i64,
    pub(super) stage: Stage,
}

/// What this phone has made.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) point: Vec<u8>,
    pub(super) push_endpoint: String,
}

impl Made {
    pub(super) fn key(&self) -> Result<PublicKey, Error> {
        PublicKey::from_sec1(&self.point).map_err(|_garbage| Error::Platform(PlatformError::Unusable))
    }
}

/// Where it stands.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// Nothing was made yet.
    Starting,
    /// About to push the request; nobody knows of it for certain.
    Pushing { made: Made, sent: Sent, digits: Bearer },
    /// The person is in the browser.
    InBrowser { made: Made, sent: Sent, digits: Bearer, url: String, until: Timestamp },
    /// About to redeem the code, which works once.
    Redeeming { made: Made, sent: Sent, code: Bearer },
    /// The service may or may not know this phone; the same message as often as it takes.
    Adding { made: Made, grant: Grant },
}

/// What the token response told.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Grant {
    pub(super) token: Bearer,
    pub(super) account_id: String,
    pub(super) user_name: String,
    pub(super) organization: String,
    pub(super) service_keys: ServiceKeys,
}

impl Stage {
    pub(super) fn point(&self) -> Point {
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
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket::of_sign_in_enrollment(&self.account)
    }

    /// Whether the service may know of this phone.
    pub(super) fn may_be_known(&self) -> bool {
        match self.stage {
            Stage::Starting | Stage::Pushing { .. } | Stage::InBrowser { .. } | Stage::Redeeming { .. } => false,
            Stage::Adding { .. } => true,
        }
    }

    pub(super) fn push_keys(&self) -> Result<PushKeys, Error> {
        PushKeys::from_bytes(&self.push_keys).map_err(|_malformed| Error::Store(crate::error::StoreFault::Record))
    }
}
