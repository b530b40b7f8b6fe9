//! The messages between phone and service, as they stand in `core/docs/protocol.md` sections 3 to 7.

use serde::{Deserialize, Serialize};

use crate::account::RemovalCause;
use crate::prompt::Outcome;

/// Look-up request (section 3.1).
#[derive(Serialize)]
pub(crate) struct LookUpRequest {
    pub(crate) v: u64,
    pub(crate) id: String,
    pub(crate) nonce: String,
    pub(crate) mac: String,
}

/// Look-up answer (section 3.1), only read after its MAC was checked.
#[derive(Deserialize)]
pub(crate) struct LookUpAnswer {
    pub(crate) issuer: String,
    pub(crate) account_id: String,
    pub(crate) user_name: String,
    pub(crate) organization: String,
    pub(crate) time: u64,
    pub(crate) keys: String,
}

/// Payload of `phone-enrollment+jwt` (section 3.2).
#[derive(Serialize)]
#[cfg_attr(test, derive(Deserialize))]
pub(crate) struct BindClaims {
    pub(crate) aud: String,
    pub(crate) iat: u64,
    pub(crate) exp: u64,
    pub(crate) jti: String,
    pub(crate) v: u64,
    pub(crate) enrollment: String,
    pub(crate) mac: String,
    pub(crate) device: ClaimedDevice,
    pub(crate) push: Subscription,
    pub(crate) attestation: WireAttestation,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(Deserialize))]
pub(crate) struct ClaimedDevice {
    pub(crate) name: String,
    pub(crate) model: String,
    pub(crate) os: String,
    pub(crate) app_version: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(Deserialize))]
pub(crate) struct Subscription {
    pub(crate) endpoint: String,
    pub(crate) p256dh: String,
    pub(crate) auth: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(Deserialize))]
#[serde(tag = "format", rename_all = "snake_case")]
pub(crate) enum WireAttestation {
    None,
}

/// Bind answer (section 3.2), only read after its MAC was checked.
#[derive(Deserialize)]
pub(crate) struct BindAnswer {
    pub(crate) device_id: String,
    pub(crate) account_id: String,
    pub(crate) keys: Vec<String>,
    pub(crate) expires_at: u64,
}

/// What a `phone-request+jwt` asks for (section 4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
pub(crate) enum Message {
    Fetch { reason: FetchReason, wait: u64, known: Known },
    Answer { answer: String, received_by: ReceivedBy },
    Report { prompt: String },
    Unblock,
    Abandon,
    Unenroll,
}

/// Why the phone asks for prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FetchReason {
    /// The person opened the app.
    Opened,
    /// A push could not be read, or came before its account was active.
    Push,
    /// The app asks on its own.
    Poll,
}

/// What the phone already holds, so that the service can wait for something new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) status: StateStatus,
    pub(crate) prompts: Vec<String>,
}

/// How a prompt reached this phone first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReceivedBy {
    Push,
    Fetch,
}

/// Payload of `phone-answer+jwt` (section 7): what an approval or denial signs.
#[derive(Serialize)]
#[cfg_attr(test, derive(Deserialize))]
pub(crate) struct InnerAnswer {
    pub(crate) aud: String,
    pub(crate) prompt: String,
    pub(crate) prompt_sha256: String,
    pub(crate) decision: Decision,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<String>,
    pub(crate) uv: UserVerification,
}

/// What was really verified of the person when the key was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UserVerification {
    Biometric,
    Credential,
    Unspecified,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Decision {
    Approve,
    Deny,
}

/// Payload of `phone-state+jwt` (section 5).
#[derive(Debug, Deserialize)]
pub(crate) struct State {
    pub(crate) iss: String,
    pub(crate) aud: String,
    pub(crate) iat: u64,
    pub(crate) request: String,
    pub(crate) status: StateStatus,
    pub(crate) cause: Option<RemovalCause>,
    #[serde(default)]
    pub(crate) prompts: Vec<String>,
    pub(crate) outcome: Option<WireOutcome>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StateStatus {
    Ok,
    Pending,
    Removed,
    ClockSkew,
}

#[derive(Debug, Deserialize)]
pub(crate) struct WireOutcome {
    pub(crate) prompt: String,
    pub(crate) result: Outcome,
}

/// Names of the problem types of section 9 that the phone acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProblemName {
    EnrollmentUnknown,
    EnrollmentExpired,
    EnrollmentUsed,
    EnrollmentCancelled,
    TooManyLookUps,
    UnsupportedVersion,
    RequestRefused,
    Other,
}

const PROBLEM_PREFIX: &str = "https://countersign.dev/problems/";

#[derive(Deserialize)]
struct Problem {
    r#type: String,
}

impl ProblemName {
    /// Reads a problem document (RFC 9457); anything else is `Other`.
    pub(crate) fn read(body: &[u8]) -> Self {
        let Ok(problem) = crate::jose::parse::<Problem>(body) else {
            return Self::Other;
        };
        match problem.r#type.strip_prefix(PROBLEM_PREFIX) {
            Some("enrollment-unknown") => Self::EnrollmentUnknown,
            Some("enrollment-expired") => Self::EnrollmentExpired,
            Some("enrollment-used") => Self::EnrollmentUsed,
            Some("enrollment-cancelled") => Self::EnrollmentCancelled,
            Some("too-many-look-ups") => Self::TooManyLookUps,
            Some("unsupported-version") => Self::UnsupportedVersion,
            Some("request-refused") => Self::RequestRefused,
            _ => Self::Other,
        }
    }
}
