//! Where turning phone sign-in on stands, and the token that lets a sign-in key be registered.

use serde::{Deserialize, Serialize};

use crate::authenticator::error::Error;
use crate::authenticator::step::redirect::{MAX_LIFE, Sent};
use crate::base::bearer::Bearer;
use crate::base::clock::Timestamp;
use crate::base::points::Point;
use crate::protocol::messages::TokenAnswer;
use crate::values::platform::KeyGuard;

pub(crate) const SCOPE: &str = "device_registration";
/// Time for the last request to arrive before the nonce ends, in seconds.
const SLACK: u64 = 10;

/// Where a registration stands. Sealed whole in the database: it holds what only this phone may know.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// The person has not yet agreed to register this device.
    Confirming { redirect_uri: String },
    /// About to push the request; nobody knows of it for certain.
    Pushing { sent: Sent },
    /// The person is in the browser.
    InBrowser { sent: Sent, url: String, until: Timestamp },
    /// About to redeem the code, which works once.
    Redeeming { sent: Sent, code: Bearer },
    /// A key may be registered; the policy is asked for first.
    Authorized { authorized: Authorized },
    /// The key may be made under this alias.
    MakingKey { authorized: Authorized, alias: String, guard: KeyGuard },
    /// The key exists; the person has not yet signed with it.
    Signing { authorized: Authorized, alias: String, guard: KeyGuard, point: Vec<u8> },
    /// The service is told; the same proof as often as it takes.
    Telling { token: Bearer, alias: String, guard: KeyGuard, point: Vec<u8>, proof: String },
}

/// What lets a sign-in key be registered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Authorized {
    pub(crate) token: Bearer,
    pub(crate) nonce: Bearer,
    /// By this phone's clock.
    pub(crate) until: Timestamp,
}

impl Authorized {
    /// What a token response is good for.
    ///
    /// # Errors
    /// `InvalidAnswer` for a token of another kind, scope or account.
    pub(crate) fn by(answer: TokenAnswer, account_id: &str, now: Timestamp) -> Result<Self, Error> {
        if answer.token_type != "DPoP" || answer.scope != SCOPE || answer.sub != account_id {
            return Err(Error::InvalidAnswer);
        }
        let life = answer.nonce_expires_in.min(MAX_LIFE).saturating_sub(SLACK);
        Ok(Self { token: answer.access_token, nonce: answer.nonce, until: now.plus(life) })
    }
}

/// What a phone that was just added may go on with; looked at when the policy is known.
pub(crate) fn first_stage(answer: TokenAnswer, account_id: &str, now: Timestamp) -> Result<Stage, Error> {
    Ok(Stage::Authorized { authorized: Authorized::by(answer, account_id, now)? })
}

impl Stage {
    /// What storing it is called.
    pub(crate) fn point(&self) -> Point {
        match self {
            Self::Confirming { .. } => Point::TurningOnConfirming,
            Self::Pushing { .. } => Point::TurningOnPushing,
            Self::InBrowser { .. } => Point::TurningOnBrowser,
            Self::Redeeming { .. } => Point::TurningOnRedeeming,
            // Stored with the account that was added by signing in.
            Self::Authorized { .. } => Point::SigningInAdded,
            Self::MakingKey { .. } => Point::TurningOnMakingKey,
            Self::Signing { .. } => Point::TurningOnSigning,
            Self::Telling { .. } => Point::TurningOnTelling,
        }
    }

    /// The alias under which a key may exist.
    pub(crate) fn key_alias(&self) -> Option<&str> {
        match self {
            Self::Confirming { .. }
            | Self::Pushing { .. }
            | Self::InBrowser { .. }
            | Self::Redeeming { .. }
            | Self::Authorized { .. } => None,
            Self::MakingKey { alias, .. } | Self::Signing { alias, .. } | Self::Telling { alias, .. } => Some(alias),
        }
    }
}
