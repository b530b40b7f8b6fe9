//! An account that is being added by signing in, as it is stored, and its stages.

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

/// An account that is being added by signing in. Sealed whole in the database.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SignInEnrollment {
    pub(crate) account: AccountId,
    pub(crate) issuer: Issuer,
    pub(crate) endpoints: Endpoints,
    pub(crate) redirect_uri: String,
    pub(crate) slot: Vec<u8>,
    pub(crate) push_keys: Zeroizing<Vec<u8>>,
    pub(crate) clock_offset: i64,
    pub(crate) stage: Stage,
}

/// What this phone has made.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Made {
    pub(crate) point: Vec<u8>,
    pub(crate) push_endpoint: String,
}

impl Made {
    pub(crate) fn key(&self) -> Result<PublicKey, Error> {
        PublicKey::from_sec1(&self.point).map_err(|_garbage| Error::Platform(PlatformError::Unusable))
    }
}

/// Where it stands.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
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
pub(crate) struct Grant {
    pub(crate) token: Bearer,
    pub(crate) account_id: String,
    pub(crate) user_name: String,
    pub(crate) organization: String,
    pub(crate) service_keys: ServiceKeys,
}

impl Stage {
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
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket::of_sign_in_enrollment(&self.account)
    }

    /// Whether the service may know of this phone.
    pub(crate) fn may_be_known(&self) -> bool {
        match self.stage {
            Stage::Starting | Stage::Pushing { .. } | Stage::InBrowser { .. } | Stage::Redeeming { .. } => false,
            Stage::Adding { .. } => true,
        }
    }

    pub(crate) fn push_keys(&self) -> Result<PushKeys, Error> {
        PushKeys::from_bytes(&self.push_keys)
            .map_err(|_malformed| Error::Store(crate::authenticator::error::StoreFault::Record))
    }
}
