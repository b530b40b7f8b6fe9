//! The messages between phone and service (`core/docs/protocol.md` sections 3 to 11), as they are on the wire.
//!
//! Member names are wire constants. Binary values are base64url, and times are seconds since 1970 by the service's
//! clock.

use serde::de::IntoDeserializer;
use serde::{Deserialize, Deserializer, Serialize};

use crate::base::bearer::Bearer;
use crate::base::jose::base64url;
use crate::protocol::features::Features;
use crate::protocol::push_message::PushKeys;
use crate::values::account::{NoticeKind, RemovalCause};
use crate::values::platform::KeyGuard;
use crate::values::prompt::Outcome;

/// Look-up request (section 3.1), sent by a phone that has read a code. It does not contain the code's secret.
#[derive(Serialize)]
pub(crate) struct LookUpRequest {
    /// The protocol version, 1.
    pub(crate) v: u64,
    /// The enrollment id.
    pub(crate) id: String,
    /// 128 random bits.
    pub(crate) nonce: String,
    /// The MAC with the enrollment key K over the label `look-up`, issuer, id and nonce.
    pub(crate) mac: String,
}

/// Look-up response (section 3.1). Parsed only after the MAC over its bytes was verified.
#[derive(Deserialize)]
pub(crate) struct LookUpAnswer {
    /// Must equal the code's issuer.
    pub(crate) issuer: String,
    /// The service's id of the account.
    pub(crate) account_id: String,
    pub(crate) user_name: String,
    pub(crate) organization: String,
    /// The service's time, which sets the clock offset. The look-up fails when the offset is more than 24 hours.
    pub(crate) time: u64,
    /// The current `phone-keys+jwt`, which this phone pins.
    pub(crate) keys: String,
    /// The features that the service knows (section 12); empty for a service of version 0.1.
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "only its form is checked: no feature needs it yet"))]
    pub(crate) features: Features,
}

/// Payload of `phone-enrollment+jwt` (sections 3.2 and 11), signed by the new device key.
#[derive(Serialize)]
#[cfg_attr(test, derive(Deserialize))]
pub(crate) struct BindClaims {
    /// The enrollment endpoint.
    pub(crate) aud: String,
    pub(crate) iat: u64,
    pub(crate) exp: u64,
    /// 128 random bits; the MAC of the response covers this value.
    pub(crate) jti: String,
    /// The protocol version, 1.
    pub(crate) v: u64,
    #[serde(flatten)]
    pub(crate) proof: BindProof,
    pub(crate) device: ClaimedDevice,
    pub(crate) push: Subscription,
    pub(crate) attestation: WireAttestation,
    /// The features that this core knows (section 12).
    #[serde(default, skip_serializing_if = "Features::is_empty")]
    pub(crate) features: Features,
}

/// What entitles a phone to bind: exactly one of the two proofs. A service refuses a message with both proofs, and a
/// message without a proof.
#[derive(Serialize)]
#[cfg_attr(test, derive(Deserialize))]
#[serde(untagged)]
pub(crate) enum BindProof {
    /// The id of the code's enrollment, and the MAC that proves knowledge of the code's secret.
    Code { enrollment: String, mac: String },
    /// A token of scope `enrollment`, bound to the device key (section 11).
    Token { token: Bearer },
}

/// How the phone describes itself; see `DeviceDescription`. Each text has at most 128 characters.
#[derive(Serialize)]
#[cfg_attr(test, derive(Deserialize))]
pub(crate) struct ClaimedDevice {
    pub(crate) name: String,
    pub(crate) model: String,
    pub(crate) os: String,
    pub(crate) app_version: String,
}

/// The URL to which the service sends pushes, and the key for which it encrypts them (RFC 8291). The lengths of
/// `p256dh` and `auth` are in bytes, before base64url.
#[derive(Serialize)]
#[cfg_attr(test, derive(Deserialize))]
pub(crate) struct Subscription {
    /// An `https` URL of at most 1,024 bytes, from the relay.
    pub(crate) endpoint: String,
    /// The push key's point, 65 bytes.
    pub(crate) p256dh: String,
    /// The push secret, 16 bytes.
    pub(crate) auth: String,
}

impl Subscription {
    /// Returns the subscription of a push endpoint and an account's push key.
    pub(crate) fn new(endpoint: &str, keys: &PushKeys) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            p256dh: base64url::encode(keys.point()),
            auth: base64url::encode(keys.auth()),
        }
    }
}

/// The attestation of a key. Version 1 has only the format `none`.
#[derive(Serialize)]
#[cfg_attr(test, derive(Deserialize))]
#[serde(tag = "format", rename_all = "snake_case")]
pub(crate) enum WireAttestation {
    None,
}

/// Bind response (section 3.2). Parsed only after the MAC over its bytes was verified.
#[derive(Deserialize)]
pub(crate) struct BindAnswer {
    /// The service's id of this device, 22 characters.
    pub(crate) device_id: String,
    /// Must be the looked-up account.
    pub(crate) account_id: String,
    /// Must be exactly the thumbprints of the pinned keys.
    pub(crate) keys: Vec<String>,
    /// When the enrollment ends if the digits are not entered.
    pub(crate) expires_at: u64,
}

/// Token response with the scope `enrollment` (section 11, step 4). It contains the token, the account and the service
/// keys. Only TLS authenticates the response: it has no MAC.
#[derive(Deserialize)]
pub(crate) struct PhoneTokenAnswer {
    pub(crate) access_token: Bearer,
    /// Must be `DPoP` (RFC 9449 section 5).
    pub(crate) token_type: String,
    /// Must be `enrollment`.
    pub(crate) scope: String,
    /// The service's account id.
    pub(crate) sub: String,
    pub(crate) user_name: String,
    pub(crate) organization: String,
    pub(crate) keys: String,
    pub(crate) time: u64,
    /// The features that the service knows (section 12); empty for a service of version 0.1.
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "only its form is checked: no feature needs it yet"))]
    pub(crate) features: Features,
}

/// Response to a bind with a token (section 11, step 5), authenticated by TLS. The device is active immediately.
#[derive(Deserialize)]
pub(crate) struct AddedAnswer {
    pub(crate) device_id: String,
    pub(crate) account_id: String,
    pub(crate) keys: Vec<String>,
    /// The registration token, present when the policy allows phone sign-in.
    pub(crate) turn_on: Option<TokenAnswer>,
}

/// The messages of a `phone-request+jwt` (section 4). The list is complete for version 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
pub(crate) enum Message {
    /// Asks for the signed state. The service responds when the state differs from `known`, at the latest after `wait`
    /// seconds (0–30).
    Fetch {
        reason: FetchReason,
        wait: u64,
        known: Known,
        /// The features that this core knows (section 12).
        #[serde(default, skip_serializing_if = "Features::is_empty")]
        features: Features,
    },
    /// Sends a `phone-answer+jwt`. A retry sends the same `answer` again. If a retry arrives within 24 hours, the
    /// service responds with the same outcome.
    Answer { answer: String, received_by: ReceivedBy },
    /// Reports "It wasn't me" for the prompt with this `jti`; idempotent.
    Report { prompt: String },
    /// Clears the account's count of wrong numbers.
    Unblock,
    /// Ends a pending enrollment.
    Abandon,
    /// Removes this device; idempotent.
    Unenroll,
    /// Registers a sign-in key: the registration token, and a `phone-sign-in-key+jwt` (section 10.1).
    TurnOn { token: Bearer, proof: String },
    /// Removes the sign-in key with this thumbprint. A request that arrives late does not remove a newer key.
    TurnOff { sign_in_key: String },
    /// Replaces the device's push address.
    PushAddress { endpoint: String },
    /// Asks for a test push, at most one a minute.
    TestPush,
    /// Acknowledges at most 16 notices. The service does not send them to this phone again.
    Ack { notices: Vec<String> },
}

/// Why the phone fetches prompts (section 4). The app passes the reason to `check_for_prompts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(rename_all = "snake_case")]
pub enum FetchReason {
    /// The person opened the app. If the service had stopped pushing the prompts of an origin, it pushes later prompts
    /// of this origin again.
    Opened,
    /// A push could not be read, or came before its account was active. Only the core uses this reason: the app never
    /// passes it.
    Push,
    /// The app fetches without an action of the person, for example on a timer.
    Poll,
}

/// The status and the prompts that the phone already has. While the service has the same ones, it may wait before it
/// responds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) status: StateStatus,
    /// The `jti` of each open prompt, at most 16.
    pub(crate) prompts: Vec<String>,
}

/// How a prompt first reached this phone. From the answer to the prompt `confirm_enrolment`, the service learns whether
/// pushes arrive at this phone (section 3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReceivedBy {
    Push,
    Fetch,
}

/// Payload of `phone-answer+jwt` (section 7): the signed approval or denial. It is signed once, and stored before it is
/// first sent.
#[derive(Serialize)]
#[cfg_attr(test, derive(Deserialize))]
pub(crate) struct InnerAnswer {
    /// The issuer.
    pub(crate) aud: String,
    /// The prompt's `jti`.
    pub(crate) prompt: String,
    /// SHA-256 of the prompt's compact JWS: the answer is valid only for the prompt that was shown.
    pub(crate) prompt_sha256: String,
    pub(crate) decision: Decision,
    /// The entered number; absent in a denial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<String>,
    pub(crate) uv: UserVerification,
}

/// How the platform verified the person when a key was used (`uv` of section 7). Set by the app for the sign-in key.
///
/// The value is signed: report how the person was really verified, never a stronger method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(rename_all = "snake_case")]
pub enum UserVerification {
    /// By fingerprint or face: platforms don't report which of the two.
    Biometric,
    /// By PIN, pattern or password of the device.
    Credential,
    /// By biometrics or by the device's credential: the platform does not report which of the two.
    Unspecified,
    /// The person was not verified. The device key is always used in this way.
    None,
}

/// Payload of `phone-sign-in-key+jwt` (section 10.1, step 5). The new sign-in key signs it, which proves that this
/// device has the key.
#[derive(Serialize)]
#[cfg_attr(test, derive(Deserialize))]
pub(crate) struct KeyProof {
    /// The issuer.
    pub(crate) aud: String,
    /// The service's account id.
    pub(crate) sub: String,
    /// The device id.
    pub(crate) device: String,
    /// The device key's thumbprint.
    pub(crate) device_key: String,
    /// The nonce of the token response; valid for five minutes.
    pub(crate) nonce: String,
    pub(crate) purpose: Purpose,
    pub(crate) uv: UserVerification,
    pub(crate) attestation: WireAttestation,
}

/// The only purpose for which a key proof is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    TurnOn,
}

/// The result of `turn_on` (section 10.1, step 6), in a signed state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TurnOnResult {
    /// The sign-in key is registered.
    Done,
    /// The policy does not allow phone sign-in.
    NotAllowed,
    /// The token or the nonce has expired.
    Expired,
    /// The service refused for any other reason.
    Refused,
}

/// The result of asking for a test push (section 5 of the protocol).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(rename_all = "snake_case")]
pub enum PushTest {
    /// The service has sent the test push, which may still not arrive.
    Sent,
    /// The service has already sent a test push within the last minute. Wait, then ask again.
    TooSoon,
    /// The service has no push address for this phone. The core requests a new push address. Ask for the test push
    /// again later.
    NoAddress,
}

/// The organization's policy for this phone (section 5), from the newest signed state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Policy {
    /// Whether phone sign-in may be turned on.
    pub(crate) phone_sign_in: bool,
    /// What must unlock a new sign-in key.
    pub(crate) key_guard: SignInGuard,
    /// How many accounts of this service may use phone sign-in on one phone; `None` for any number. The phone enforces
    /// this limit, because the service can't link accounts by their device keys.
    pub(crate) accounts_on_phone: Option<u32>,
}

/// What unlocks a sign-in key; see `KeyGuard`. A policy can't allow a sign-in key without user verification.
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

/// A notice in a signed state (section 5). The service sends it to every phone of the account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct WireNotice {
    pub(crate) id: String,
    /// `None` for a kind that this version does not know. That notice is not shown.
    #[serde(deserialize_with = "known_kind")]
    pub(crate) kind: Option<NoticeKind>,
    pub(crate) at: u64,
}

fn known_kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NoticeKind>, D::Error> {
    let name = String::deserialize(deserializer)?;
    let read: Result<NoticeKind, serde::de::value::Error> = NoticeKind::deserialize(name.into_deserializer());
    Ok(read.ok())
}

/// The person's decision in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Decision {
    Approve,
    Deny,
}

/// Payload of `phone-state+jwt` (section 5): the service's signed reply to every `phone-request+jwt`.
///
/// Only a signed state changes a stored account. A problem document is unsigned, and never changes one.
#[derive(Debug, Deserialize)]
pub(crate) struct State {
    /// The issuer.
    pub(crate) iss: String,
    /// The device id.
    pub(crate) aud: String,
    /// The service's time. It sets the clock offset when the round trip took less than 30 seconds.
    pub(crate) iat: u64,
    /// The `jti` of the request to which this state responds, so that an attacker can't replay an older state.
    pub(crate) request: String,
    /// The `seq` of the newest service keys. If it is larger than the `seq` of the stored keys, the phone follows the
    /// chain to the newest keys.
    pub(crate) keys_seq: Option<u64>,
    pub(crate) status: StateStatus,
    /// Present with the status `removed`.
    pub(crate) cause: Option<RemovalCause>,
    /// In the response to a `fetch`: the open prompts as compact JWS, at most 16. A prompt that is missing from this
    /// list has ended.
    #[serde(default)]
    pub(crate) prompts: Vec<String>,
    /// Present in the response to `answer` and `report`.
    pub(crate) outcome: Option<WireOutcome>,
    pub(crate) policy: Option<Policy>,
    /// The thumbprint of the registered sign-in key; absent when phone sign-in is off.
    pub(crate) sign_in_key: Option<String>,
    pub(crate) turn_on: Option<TurnOnResult>,
    #[serde(default)]
    pub(crate) notices: Vec<WireNotice>,
    /// Whether the push service reported that this device's push address ended.
    #[serde(default)]
    pub(crate) push_ended: bool,
    pub(crate) push_test: Option<PushTest>,
    /// The features that the service knows (section 12); empty for a service of version 0.1.
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "only its form is checked: no feature needs it yet"))]
    pub(crate) features: Features,
}

/// The `status` of a state (section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StateStatus {
    /// The device is active.
    Ok,
    /// The device waits for the digits.
    Pending,
    /// The device is removed. The service gives this status for 400 days, while it keeps the tombstone.
    Removed,
    /// The request's `iat` was off by more than 60 seconds, or its `exp` was past. The service did not carry out the
    /// request.
    ClockSkew,
    /// The organization has suspended the person's sign-in.
    Suspended,
    /// The policy does not allow this app at present.
    Limited,
}

/// The outcome of one prompt.
#[derive(Debug, Deserialize)]
pub(crate) struct WireOutcome {
    /// The prompt's `jti`.
    pub(crate) prompt: String,
    pub(crate) result: Outcome,
}

/// Token response with the scope `device_registration` (section 10.1, step 4): the registration token. The response to
/// a bind with a token can also contain a registration token (section 11).
#[derive(Deserialize)]
pub(crate) struct TokenAnswer {
    pub(crate) access_token: Bearer,
    /// Must be `DPoP` (RFC 9449 section 5).
    pub(crate) token_type: String,
    /// Must be `device_registration`.
    pub(crate) scope: String,
    /// The new sign-in key signs this nonce.
    pub(crate) nonce: Bearer,
    /// The lifetime of the nonce in seconds: five minutes.
    pub(crate) nonce_expires_in: u64,
    /// Must be the service's id of this account.
    pub(crate) sub: String,
    /// The features that the service knows (section 12); empty for a service of version 0.1.
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "only its form is checked: no feature needs it yet"))]
    pub(crate) features: Features,
}
