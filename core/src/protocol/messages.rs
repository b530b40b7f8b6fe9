//! The messages between phone and service, as they stand in `core/docs/protocol.md` sections 3 to 7.

use serde::de::IntoDeserializer;
use serde::{Deserialize, Deserializer, Serialize};

use crate::base::bearer::Bearer;
use crate::base::jose::base64url;
use crate::protocol::push_message::PushKeys;
use crate::values::account::{NoticeKind, RemovalCause};
use crate::values::platform::KeyGuard;
use crate::values::prompt::Outcome;

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
    #[serde(flatten)]
    pub(crate) proof: BindProof,
    pub(crate) device: ClaimedDevice,
    pub(crate) push: Subscription,
    pub(crate) attestation: WireAttestation,
}

/// What lets a phone in.
#[derive(Serialize)]
#[cfg_attr(test, derive(Deserialize))]
#[serde(untagged)]
pub(crate) enum BindProof {
    /// A code, and the proof of its secret.
    Code { enrollment: String, mac: String },
    /// A token of scope `enrollment` (section 11).
    Token { token: Bearer },
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

impl Subscription {
    pub(crate) fn new(endpoint: &str, keys: &PushKeys) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            p256dh: base64url::encode(keys.point()),
            auth: base64url::encode(keys.auth()),
        }
    }
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

/// Token response of scope `enrollment` (section 11): what a look-up tells of a scanned code, resting on TLS.
#[derive(Deserialize)]
pub(crate) struct PhoneTokenAnswer {
    pub(crate) access_token: Bearer,
    pub(crate) token_type: String,
    pub(crate) scope: String,
    pub(crate) sub: String,
    pub(crate) user_name: String,
    pub(crate) organization: String,
    pub(crate) keys: String,
    pub(crate) time: u64,
}

/// What a phone that was added by signing in is told (section 11).
#[derive(Deserialize)]
pub(crate) struct AddedAnswer {
    pub(crate) device_id: String,
    pub(crate) account_id: String,
    pub(crate) keys: Vec<String>,
    pub(crate) turn_on: Option<TokenAnswer>,
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
    TurnOn { token: Bearer, proof: String },
    TurnOff { sign_in_key: String },
    PushAddress { endpoint: String },
    TestPush,
    Ack { notices: Vec<String> },
}

/// Why the phone asks for prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
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

/// What was really verified of the person when a key was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(rename_all = "snake_case")]
pub enum UserVerification {
    /// Finger or face; no platform tells which.
    Biometric,
    /// PIN, pattern or password.
    Credential,
    /// One of these; the platform doesn't say which.
    Unspecified,
    /// Nobody was asked.
    None,
}

/// Payload of `phone-sign-in-key+jwt` (section 10.1): what a new sign-in key signs to be registered.
#[derive(Serialize)]
#[cfg_attr(test, derive(Deserialize))]
pub(crate) struct KeyProof {
    pub(crate) aud: String,
    pub(crate) sub: String,
    pub(crate) device: String,
    pub(crate) device_key: String,
    pub(crate) nonce: String,
    pub(crate) purpose: Purpose,
    pub(crate) uv: UserVerification,
    pub(crate) attestation: WireAttestation,
}

/// What a proof is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    TurnOn,
}

/// What came of turning phone sign-in on (section 10.1, step 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TurnOnResult {
    Done,
    NotAllowed,
    Expired,
    Refused,
}

/// What came of asking for a test push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(rename_all = "snake_case")]
pub enum PushTest {
    /// It is on its way.
    Sent,
    /// There was one within the last minute; wait, then ask again.
    TooSoon,
    /// The service has no address for this phone any more; a new one is asked for, then ask again.
    NoAddress,
}

/// What the organization's policy means for this phone (section 5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub(crate) phone_sign_in: bool,
    pub(crate) key_guard: SignInGuard,
    pub(crate) accounts_on_phone: Option<u32>,
}

/// Who unlocks a sign-in key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SignInGuard {
    BiometricCurrentSet,
    BiometricOrCredential,
}

impl From<SignInGuard> for KeyGuard {
    fn from(guard: SignInGuard) -> Self {
        match guard {
            SignInGuard::BiometricCurrentSet => Self::BiometricCurrentSet,
            SignInGuard::BiometricOrCredential => Self::BiometricOrCredential,
        }
    }
}

/// What is told to every phone of an account (section 5); kinds that this app doesn't know are `None`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct WireNotice {
    pub(crate) id: String,
    #[serde(deserialize_with = "known_kind")]
    pub(crate) kind: Option<NoticeKind>,
    pub(crate) at: u64,
}

fn known_kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NoticeKind>, D::Error> {
    let name = String::deserialize(deserializer)?;
    let read: Result<NoticeKind, serde::de::value::Error> = NoticeKind::deserialize(name.into_deserializer());
    Ok(read.ok())
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
    pub(crate) keys_seq: Option<u64>,
    pub(crate) status: StateStatus,
    pub(crate) cause: Option<RemovalCause>,
    #[serde(default)]
    pub(crate) prompts: Vec<String>,
    pub(crate) outcome: Option<WireOutcome>,
    pub(crate) policy: Option<Policy>,
    pub(crate) sign_in_key: Option<String>,
    pub(crate) turn_on: Option<TurnOnResult>,
    #[serde(default)]
    pub(crate) notices: Vec<WireNotice>,
    #[serde(default)]
    pub(crate) push_ended: bool,
    pub(crate) push_test: Option<PushTest>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StateStatus {
    Ok,
    Pending,
    Removed,
    ClockSkew,
    Suspended,
    Limited,
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
        let Ok(problem) = crate::base::jose::parse::<Problem>(body) else {
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

/// A token response of scope `device_registration` (protocol section 10.1); a service that adds a phone by signing in
/// gives one with its answer.
#[derive(Deserialize)]
pub(crate) struct TokenAnswer {
    pub(crate) access_token: Bearer,
    pub(crate) token_type: String,
    pub(crate) scope: String,
    pub(crate) nonce: Bearer,
    pub(crate) nonce_expires_in: u64,
    pub(crate) sub: String,
}
