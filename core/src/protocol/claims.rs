//! What the service signs about a prompt (`core/docs/protocol.md` section 7).

use serde::Deserialize;

use crate::values::origin::Origin;
use crate::values::prompt::{AnsweringKey, Place, PromptKind, WithdrawalReason};

/// Claims of `phone-prompt+jwt` (section 7).
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct PromptClaims {
    pub(crate) iss: String,
    pub(crate) aud: String,
    pub(crate) sub: String,
    pub(crate) jti: String,
    pub(crate) iat: u64,
    pub(crate) exp: u64,
    pub(crate) kind: PromptKind,
    pub(crate) key: AnsweringKey,
    pub(crate) origin: Origin,
    pub(crate) r#match: WireMatch,
    pub(crate) context: WireContext,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub(crate) enum WireMatch {
    Enter { digits: u8 },
    Choose { options: [String; 3] },
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct WireContext {
    pub(crate) application: String,
    pub(crate) browser: String,
    pub(crate) os: String,
    pub(crate) address: String,
    pub(crate) place: Option<Place>,
    pub(crate) near: Option<bool>,
}

/// Claims of `push-test+jwt` (section 8).
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct PushTestClaims {
    pub(crate) iss: String,
    pub(crate) aud: String,
    pub(crate) iat: u64,
    pub(crate) exp: u64,
    pub(crate) test: String,
}

/// Claims of `prompt-withdrawn+jwt` (section 7).
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct WithdrawnClaims {
    pub(crate) iss: String,
    pub(crate) aud: String,
    pub(crate) iat: u64,
    pub(crate) prompt: String,
    pub(crate) reason: WithdrawalReason,
    pub(crate) exp: u64,
}
