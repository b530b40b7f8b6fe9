//! The claims that a service signs for prompts, withdrawals and test pushes (`core/docs/protocol.md` sections 7 and 8).
//!
//! These types are only parsed from the wire: `verify` checks their values.

use serde::Deserialize;
use serde_json::Value;

use crate::values::origin::Origin;
use crate::values::prompt::{AnsweringKey, Place, PromptKind, WithdrawalReason};

/// Claims of `phone-prompt+jwt` (section 7). Times are in seconds since 1970 by the service's clock.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct PromptClaims {
    /// The issuer.
    pub(crate) iss: String,
    /// The device id: each device gets a prompt of its own.
    pub(crate) aud: String,
    /// The service's account id.
    pub(crate) sub: String,
    /// 128 bits, base64url.
    pub(crate) jti: String,
    pub(crate) iat: u64,
    pub(crate) exp: u64,
    pub(crate) kind: PromptKind,
    /// Which key signs an approval.
    pub(crate) key: AnsweringKey,
    pub(crate) origin: Origin,
    pub(crate) r#match: WireMatch,
    pub(crate) context: WireContext,
}

/// `match` of a prompt: how the number is matched. Does not say which number is right. An unknown mode is refused.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub(crate) enum WireMatch {
    /// The person types 2 or 3 digits.
    Enter { digits: u8 },
    /// The person chooses one of three numbers of two digits.
    Choose { options: [String; 3] },
}

/// `context` of a prompt, before texts are checked and cleaned. See `Context` for the members.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct WireContext {
    pub(crate) application: String,
    pub(crate) browser: String,
    pub(crate) os: String,
    pub(crate) address: String,
    pub(crate) place: Option<Place>,
    pub(crate) near: Option<bool>,
    /// A text in an administrative act (section 12). In every other prompt this member is unknown and ignored, so it
    /// may have any type.
    pub(crate) about: Option<Value>,
}

/// Claims of `push-test+jwt` (section 8), which only shows that pushes arrive.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct PushTestClaims {
    pub(crate) iss: String,
    pub(crate) aud: String,
    pub(crate) iat: u64,
    pub(crate) exp: u64,
    /// The `jti` of the `test_push` request that asked for this test.
    pub(crate) test: String,
}

/// Claims of `prompt-withdrawn+jwt` (section 7).
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct WithdrawnClaims {
    pub(crate) iss: String,
    pub(crate) aud: String,
    pub(crate) iat: u64,
    /// The `jti` of the withdrawn prompt.
    pub(crate) prompt: String,
    pub(crate) reason: WithdrawalReason,
    /// The prompt's own `exp`: a withdrawal that comes before its prompt is remembered until then.
    pub(crate) exp: u64,
}
