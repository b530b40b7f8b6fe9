//! Verifies prompts, withdrawals and test pushes. A variant of `Refusal` says which rule a message breaks (sections 7
//! and 8 of `core/docs/protocol.md`).
//!
//! No other module makes a `Prompt`, so an unverified prompt is never shown.

use serde_json::Value;

use crate::base::clock::Timestamp;
use crate::base::jose;
use crate::base::jose::{JoseError, base64url};
use crate::protocol::claims::{PromptClaims, PushTestClaims, WireContext, WireMatch, WithdrawnClaims};
use crate::protocol::keys::ServiceKeys;
use crate::values::account::AccountId;
use crate::values::issuer::Issuer;
use crate::values::origin::Origin;
use crate::values::prompt::AnsweringKey;
use crate::values::prompt::{Context, Matching, Place, Prompt, PromptId, PromptKind, PromptState, WithdrawalReason};

const PROMPT_TYP: &str = "phone-prompt+jwt";
const WITHDRAWN_TYP: &str = "prompt-withdrawn+jwt";
const TEST_TYP: &str = "push-test+jwt";
/// Longest prompt, in bytes; also the padded length of a push (section 8).
const MAX_PROMPT: usize = 2_700;
/// Most seconds that `iat` may be in the future, because two clocks may differ.
const MAX_AHEAD: u64 = 60;
/// Longest lifetime of any prompt, in seconds. The next two constants are the limits for sign-ins and for the origin
/// `unknown`.
const MAX_LIFE: u64 = 300;
const MAX_SIGN_IN_LIFE: u64 = 120;
const MAX_UNKNOWN_LIFE: u64 = 60;
/// Longest text of a context, in characters.
const MAX_TEXT: usize = 128;
/// A `jti` is 128 bits in base64url.
const JTI_BYTES: usize = 16;

/// The account and device that a prompt must be for, and the keys that must have signed it.
#[derive(Clone)]
pub(crate) struct Audience {
    /// This phone's id of the account.
    pub(crate) account: AccountId,
    /// The expected `iss`.
    pub(crate) issuer: Issuer,
    /// The expected `aud`.
    pub(crate) device_id: String,
    /// The expected `sub`: the service's id of the account.
    pub(crate) account_id: String,
    /// The user name that the service claimed at enrollment. It is shown with the prompt.
    pub(crate) user_name: String,
    /// The only keys that are accepted.
    pub(crate) service_keys: ServiceKeys,
    /// The service's time minus this phone's time, in seconds (section 5).
    pub(crate) clock_offset: i64,
}

/// Why a prompt, withdrawal or test push was refused. For logs: no variant contains content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The prompt has more than 2,700 bytes.
    #[error("the prompt has more than 2,700 bytes")]
    TooLarge,
    /// The message is not a JWS of the expected type with the expected claims, or none of the service keys signed it.
    #[error("the signature or the form is wrong: {0}")]
    Jose(#[from] JoseError),
    /// `iss` is not the issuer of this account.
    #[error("the message comes from another issuer")]
    OtherIssuer,
    /// `aud` is not the id of this device: a message for another phone was delivered to this phone.
    #[error("the message is for another device")]
    OtherDevice,
    /// `sub` is not the service's id of this account: the prompt is for another account of the same service.
    #[error("the prompt is for another account")]
    OtherAccount,
    /// `iat` is more than 60 seconds in the future.
    #[error("the message was issued in the future")]
    FromTheFuture,
    /// `exp` is past. Otherwise an attacker could show an old prompt again.
    #[error("the message has expired")]
    Expired,
    /// `exp` − `iat` is more than 300 seconds, or more than the kind and the origin of the prompt allow.
    #[error("the lifetime is too long")]
    LivesTooLong,
    /// The `jti` is not 128 bits in base64url.
    #[error("the id has the wrong form")]
    IdForm,
    /// The person would have to type a number that does not have 2 or 3 digits, or the options are not three different
    /// numbers of two ASCII digits.
    #[error("the number matching has the wrong form")]
    MatchForm,
    /// `key` names a key that must not approve prompts of this kind.
    #[error("the named key must not approve prompts of this kind")]
    KeyForm,
    /// A text of the context has more than 128 characters.
    #[error("a text of the context is too long")]
    TextTooLong,
    /// An administrative act from a browser without a session.
    #[error("an administrative act from a browser that is not signed in")]
    OriginForm,
    /// `about` of an administrative act is missing, is no text, contains control or direction characters, or is blank
    /// although the act concerns a person, a group or a token. For `ChangePolicy`: it is not empty.
    #[error("the prompt does not say properly whom the act concerns")]
    AboutForm,
}

/// The verified content of a push.
#[derive(Debug)]
pub(crate) enum PushContent {
    /// A new prompt.
    Prompt(Box<Prompt>),
    /// The service withdrew a prompt. The withdrawal can arrive before its prompt.
    Withdrawn {
        id: PromptId,
        reason: WithdrawalReason,
        #[cfg_attr(not(feature = "authenticator"), expect(dead_code, reason = "only the app uses this time"))]
        expires_at: Timestamp,
    },
    /// A test push. `id` is the `jti` of this phone's request for the test push.
    Test { id: String },
}

/// Verifies the decrypted, unpadded content of a push at the phone's time `now`.
///
/// # Errors
/// The first `Refusal` that applies. The unverified `typ` only selects the rules to check.
pub(crate) fn verify_push(jws: &str, audience: &Audience, now: Timestamp) -> Result<PushContent, Refusal> {
    match jose::unverified_typ(jws)?.as_str() {
        PROMPT_TYP => verify_prompt(jws, audience, now).map(|prompt| PushContent::Prompt(Box::new(prompt))),
        WITHDRAWN_TYP => verify_withdrawal(jws, audience, now),
        TEST_TYP => verify_test(jws, audience, now),
        _ => Err(Refusal::Jose(JoseError::Type)),
    }
}

/// Verifies a pushed or fetched prompt at the phone's time `now`. The times of the returned prompt are by the phone's
/// clock.
///
/// # Errors
/// The first `Refusal` that applies. The claims are parsed only after the signature was verified.
pub(crate) fn verify_prompt(jws: &str, audience: &Audience, now: Timestamp) -> Result<Prompt, Refusal> {
    // GUARD(prompt-size): fuzz::prompt
    // INSTEAD: if jws.len() > usize::MAX {
    if jws.len() > MAX_PROMPT {
        return Err(Refusal::TooLarge);
    }
    let claims: PromptClaims = jose::verify(jws, PROMPT_TYP, |kid| audience.service_keys.find(kid))?;
    check(&claims, audience, now)?;
    prompt_of(claims, audience)
}

/// Reads a prompt from this phone's store, which contains only verified prompts. Checks neither signature nor times:
/// since the prompt was stored, the service may have rotated its keys, and the prompt may have expired.
#[cfg(feature = "authenticator")]
pub(crate) fn read_verified(jws: &str, audience: &Audience) -> Option<Prompt> {
    let payload = base64url::decode(jws.split('.').nth(1)?).ok()?;
    prompt_of(jose::parse(&payload).ok()?, audience).ok()
}

fn check(claims: &PromptClaims, audience: &Audience, now: Timestamp) -> Result<(), Refusal> {
    check_addressee(&claims.iss, &claims.aud, audience)?;
    // GUARD(prompt-account): a_prompt_with_one_wrong_claim_is_refused
    if claims.sub != audience.account_id {
        return Err(Refusal::OtherAccount);
    }
    check_times(claims.iat, claims.exp, audience, now)?;
    // GUARD(prompt-lifetime): lifetime_limit_depends_on_kind_and_origin
    if claims.exp.saturating_sub(claims.iat) > longest(claims.kind, claims.origin) {
        return Err(Refusal::LivesTooLong);
    }
    // GUARD(prompt-key): each_kind_accepts_only_its_allowed_keys
    if !answers(claims.key, claims.kind) {
        return Err(Refusal::KeyForm);
    }
    check_administrative_act(claims)?;
    check_id(&claims.jti)
}

/// Checks the origin and the number matching of an administrative act (section 12). Accepts every prompt of another
/// kind.
fn check_administrative_act(claims: &PromptClaims) -> Result<(), Refusal> {
    if !claims.kind.is_administrative_act() {
        return Ok(());
    }
    // GUARD(act-origin): an_administrative_act_with_one_fault_is_refused
    if claims.origin != Origin::SignedIn {
        return Err(Refusal::OriginForm);
    }
    match claims.r#match {
        WireMatch::Enter { .. } => Ok(()),
        WireMatch::Choose { .. } => Err(Refusal::MatchForm),
    }
}

/// Returns whether this key may approve prompts of this kind (section 7).
///
/// # Security
/// A sign-in without a password always needs the sign-in key, even if the service names the device key. Otherwise an
/// unlocked phone alone would be enough to sign in. Three kinds allow only the device key. For the remaining kinds the
/// service chooses the key.
fn answers(key: AnsweringKey, kind: PromptKind) -> bool {
    match kind {
        PromptKind::ConfirmEnrollment | PromptKind::SecondFactor | PromptKind::RegisterDevice => {
            key == AnsweringKey::Device
        }
        PromptKind::PhoneSignIn => key == AnsweringKey::SignIn,
        PromptKind::AddMethod
        | PromptKind::RemoveMethod
        | PromptKind::CreatePass
        | PromptKind::ReportLost
        | PromptKind::AddPerson
        | PromptKind::DeletePerson
        | PromptKind::SuspendPerson
        | PromptKind::ResumePerson
        | PromptKind::CreatePassForPerson
        | PromptKind::UnblockPerson
        | PromptKind::ChangeGroups
        | PromptKind::MakeAdministrator
        | PromptKind::RemoveAdministrator
        | PromptKind::ReportLostForPerson
        | PromptKind::ResetPerson
        | PromptKind::ChangePolicy
        | PromptKind::CreateApiToken => true,
    }
}

/// Returns the longest lifetime in seconds (section 7).
fn longest(kind: PromptKind, origin: Origin) -> u64 {
    match (origin, kind) {
        (Origin::Unknown, _) => MAX_UNKNOWN_LIFE,
        (
            Origin::SignedIn | Origin::KnownBrowser | Origin::PasswordProved,
            PromptKind::SecondFactor | PromptKind::PhoneSignIn,
        ) => MAX_SIGN_IN_LIFE,
        (
            Origin::SignedIn | Origin::KnownBrowser | Origin::PasswordProved,
            PromptKind::ConfirmEnrollment
            | PromptKind::AddMethod
            | PromptKind::RemoveMethod
            | PromptKind::RegisterDevice
            | PromptKind::CreatePass
            | PromptKind::ReportLost
            | PromptKind::AddPerson
            | PromptKind::DeletePerson
            | PromptKind::SuspendPerson
            | PromptKind::ResumePerson
            | PromptKind::CreatePassForPerson
            | PromptKind::UnblockPerson
            | PromptKind::ChangeGroups
            | PromptKind::MakeAdministrator
            | PromptKind::RemoveAdministrator
            | PromptKind::ReportLostForPerson
            | PromptKind::ResetPerson
            | PromptKind::ChangePolicy
            | PromptKind::CreateApiToken,
        ) => MAX_LIFE,
    }
}

fn prompt_of(claims: PromptClaims, audience: &Audience) -> Result<Prompt, Refusal> {
    Ok(Prompt {
        id: PromptId { account: audience.account.clone(), jti: claims.jti },
        host: audience.issuer.host().to_owned(),
        user_name: audience.user_name.clone(),
        kind: claims.kind,
        key: claims.key,
        origin: claims.origin,
        matching: matching(claims.r#match)?,
        context: context(claims.context, claims.kind)?,
        issued_at: Timestamp(claims.iat).shifted(audience.clock_offset.saturating_neg()),
        expires_at: Timestamp(claims.exp).shifted(audience.clock_offset.saturating_neg()),
        state: PromptState::Open,
        quiet: None,
    })
}

fn verify_withdrawal(jws: &str, audience: &Audience, now: Timestamp) -> Result<PushContent, Refusal> {
    let claims: WithdrawnClaims = jose::verify(jws, WITHDRAWN_TYP, |kid| audience.service_keys.find(kid))?;
    check_addressee(&claims.iss, &claims.aud, audience)?;
    check_times(claims.iat, claims.exp, audience, now)?;
    check_id(&claims.prompt)?;
    let expires_at = Timestamp(claims.exp).shifted(audience.clock_offset.saturating_neg());
    let id = PromptId { account: audience.account.clone(), jti: claims.prompt };
    Ok(PushContent::Withdrawn { id, reason: claims.reason, expires_at })
}

fn verify_test(jws: &str, audience: &Audience, now: Timestamp) -> Result<PushContent, Refusal> {
    let claims: PushTestClaims = jose::verify(jws, TEST_TYP, |kid| audience.service_keys.find(kid))?;
    check_addressee(&claims.iss, &claims.aud, audience)?;
    check_times(claims.iat, claims.exp, audience, now)?;
    check_id(&claims.test)?;
    Ok(PushContent::Test { id: claims.test })
}

/// Checks `iss` and `aud`, in the same way for prompts, withdrawals and test pushes.
fn check_addressee(iss: &str, aud: &str, audience: &Audience) -> Result<(), Refusal> {
    // GUARD(prompt-issuer): a_prompt_with_one_wrong_claim_is_refused
    if iss != audience.issuer.as_str() {
        return Err(Refusal::OtherIssuer);
    }
    // GUARD(prompt-device): a_prompt_with_one_wrong_claim_is_refused
    if aud != audience.device_id {
        return Err(Refusal::OtherDevice);
    }
    Ok(())
}

/// Checks the times against the service's clock (this phone's time plus the offset).
fn check_times(iat: u64, exp: u64, audience: &Audience, now: Timestamp) -> Result<(), Refusal> {
    let now = now.shifted(audience.clock_offset).0;
    // GUARD(prompt-from-the-future): a_prompt_with_one_wrong_claim_is_refused
    if iat > now.saturating_add(MAX_AHEAD) {
        return Err(Refusal::FromTheFuture);
    }
    // GUARD(prompt-over): a_prompt_with_one_wrong_claim_is_refused
    if exp <= now {
        return Err(Refusal::Expired);
    }
    // The limit for prompts, withdrawals and test pushes. `check` has shorter limits for some prompts.
    if exp.saturating_sub(iat) > MAX_LIFE {
        return Err(Refusal::LivesTooLong);
    }
    Ok(())
}

fn check_id(jti: &str) -> Result<(), Refusal> {
    match base64url::decode(jti) {
        // GUARD(prompt-id-form): a_prompt_with_one_wrong_claim_is_refused
        // INSTEAD: Ok(_) => Ok(()),
        Ok(bytes) if bytes.len() == JTI_BYTES => Ok(()),
        _ => Err(Refusal::IdForm),
    }
}

fn matching(wire: WireMatch) -> Result<Matching, Refusal> {
    let two_digits = |option: &String| option.len() == 2 && option.bytes().all(|byte| byte.is_ascii_digit());
    match wire {
        WireMatch::Enter { digits: digits @ (2 | 3) } => Ok(Matching::Enter { digits }),
        WireMatch::Choose { options } => {
            let [first, second, third] = &options;
            let distinct = first != second && first != third && second != third;
            if distinct && options.iter().all(two_digits) {
                Ok(Matching::Choose { options })
            } else {
                Err(Refusal::MatchForm)
            }
        }
        WireMatch::Enter { .. } => Err(Refusal::MatchForm),
    }
}

fn context(wire: WireContext, kind: PromptKind) -> Result<Context, Refusal> {
    let place = wire.place.map(|place| {
        Ok::<_, Refusal>(Place {
            city: shown(&place.city)?,
            region: shown(&place.region)?,
            country: shown(&place.country)?,
        })
    });
    Ok(Context {
        application: shown(&wire.application)?,
        browser: shown(&wire.browser)?,
        os: shown(&wire.os)?,
        address: shown(&wire.address)?,
        place: place.transpose()?,
        near: wire.near,
        about: if kind.is_administrative_act() { Some(about(wire.about, kind)?) } else { None },
    })
}

/// Checks `about` of an administrative act (section 12).
///
/// # Security
/// The text decides which person the act changes. In other texts, control and direction characters are removed; here
/// this could make one name look like another person's name, so the prompt is refused.
fn about(wire: Option<Value>, kind: PromptKind) -> Result<String, Refusal> {
    let Some(Value::String(text)) = wire else { return Err(Refusal::AboutForm) };
    let is_right = if kind == PromptKind::ChangePolicy { text.is_empty() } else { !text.trim().is_empty() };
    // GUARD(act-about): an_administrative_act_with_one_fault_is_refused
    if !is_right || shown(&text)? != text {
        return Err(Refusal::AboutForm);
    }
    Ok(text)
}

/// Checks the length of a text of the context, and returns it without control and direction characters.
fn shown(text: &str) -> Result<String, Refusal> {
    if text.chars().count() > MAX_TEXT {
        return Err(Refusal::TextTooLong);
    }
    // GUARD(prompt-texts): control_characters_are_removed_from_texts, fuzz::prompt
    // INSTEAD: Ok(text.to_owned())
    Ok(crate::base::text::without_controls(text))
}

#[cfg(all(test, feature = "authenticator"))]
mod administration_tests;
#[cfg(test)]
mod tests;
