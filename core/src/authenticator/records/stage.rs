//! Defines the stages of a registration (turning phone sign-in on), and the token that allows one sign-in key to be
//! registered.

use serde::{Deserialize, Serialize};

use crate::authenticator::error::Error;
use crate::authenticator::step::redirect::{MAX_LIFE, Sent};
use crate::base::bearer::Bearer;
use crate::base::clock::Timestamp;
use crate::base::points::Point;
use crate::protocol::messages::TokenAnswer;
use crate::values::platform::KeyGuard;

/// The OAuth scope of a registration token (protocol section 10.1).
pub(crate) const SCOPE: &str = "device_registration";
/// The phone stops using the nonce this many seconds before the nonce expires, so that a request with the nonce arrives
/// in time.
const SLACK: u64 = 10;

/// The stage of a registration (`acts/phone_sign_in.rs` has the diagram). Sealed in the database, since it contains
/// verifier, `state` and token.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// The person has not yet agreed to register this device.
    Confirming { redirect_uri: String },
    /// The authorization request is being pushed. The service may or may not have it.
    Pushing { sent: Sent },
    /// The person is in the browser.
    InBrowser { sent: Sent, url: String, until: Timestamp },
    /// The authorization code is being redeemed. It works only once, so a lost response ends the act.
    Redeeming { sent: Sent, code: Bearer },
    /// Only after an enrollment by signing in: the phone has the token, and fetches the policy before it makes the key.
    Authorized { authorized: Authorized },
    /// The app must make the key, with this alias and this key guard.
    MakingKey { authorized: Authorized, alias: String, guard: KeyGuard },
    /// The key exists; the person has not yet signed with it.
    Signing { authorized: Authorized, alias: String, guard: KeyGuard, point: Vec<u8> },
    /// The phone sends the proof, and repeats it until the service responds. The service may already have registered
    /// the key.
    Telling { token: Bearer, alias: String, guard: KeyGuard, point: Vec<u8>, proof: String },
}

/// The right to register one sign-in key: a registration token and a nonce.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Authorized {
    pub(crate) token: Bearer,
    /// The service's nonce, which the new key signs. The signature proves that the key was used after the person signed
    /// in.
    pub(crate) nonce: Bearer,
    /// When the phone stops using token and nonce, by this phone's clock.
    pub(crate) until: Timestamp,
}

impl Authorized {
    /// Checks a token response. This phone uses the token for at most ten minutes, even if the service allows more.
    ///
    /// # Errors
    /// `InvalidAnswer` for a token with a wrong type or scope, or for another account.
    pub(crate) fn by(answer: TokenAnswer, account_id: &str, now: Timestamp) -> Result<Self, Error> {
        if answer.token_type != "DPoP" || answer.scope != SCOPE || answer.sub != account_id {
            return Err(Error::InvalidAnswer);
        }
        let life = answer.nonce_expires_in.min(MAX_LIFE).saturating_sub(SLACK);
        Ok(Self { token: answer.access_token, nonce: answer.nonce, until: now.plus(life) })
    }
}

/// Returns the stage with which phone sign-in continues after an enrollment by signing in.
///
/// # Errors
/// As `Authorized::by`.
pub(crate) fn first_stage(answer: TokenAnswer, account_id: &str, now: Timestamp) -> Result<Stage, Error> {
    Ok(Stage::Authorized { authorized: Authorized::by(answer, account_id, now)? })
}

impl Stage {
    /// Returns the name (for tests) of the transaction that stores this stage.
    pub(crate) fn point(&self) -> Point {
        match self {
            Self::Confirming { .. } => Point::TurningOnConfirming,
            Self::Pushing { .. } => Point::TurningOnPushing,
            Self::InBrowser { .. } => Point::TurningOnBrowser,
            Self::Redeeming { .. } => Point::TurningOnRedeeming,
            // This stage is stored in the transaction that stores the account.
            Self::Authorized { .. } => Point::SigningInAdded,
            Self::MakingKey { .. } => Point::TurningOnMakingKey,
            Self::Signing { .. } => Point::TurningOnSigning,
            Self::Telling { .. } => Point::TurningOnTelling,
        }
    }

    /// Returns the alias of the key that may exist in the key store because of this act; `None` before `MakingKey`.
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
