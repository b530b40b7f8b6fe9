//! From a push or a fetch to a verified prompt. Every rule of protocol section 7 is one refusal here.

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
/// Longest prompt in bytes; also the padded length of a push.
const MAX_PROMPT: usize = 2_700;
/// A prompt may come this many seconds "from the future", the slack between two clocks.
const MAX_AHEAD: u64 = 60;
/// Longest life of any prompt, in seconds.
const MAX_LIFE: u64 = 300;
const MAX_SIGN_IN_LIFE: u64 = 120;
const MAX_UNKNOWN_LIFE: u64 = 60;
/// Longest text of a context, in characters.
const MAX_TEXT: usize = 128;
/// A `jti` is 128 bits in base64url.
const JTI_BYTES: usize = 16;

/// Whom a prompt must be meant for, and whose signature it must carry.
#[derive(Clone)]
pub(crate) struct Audience {
    pub(crate) account: AccountId,
    pub(crate) issuer: Issuer,
    pub(crate) device_id: String,
    pub(crate) account_id: String,
    pub(crate) user_name: String,
    pub(crate) service_keys: ServiceKeys,
    pub(crate) clock_offset: i64,
}

/// Why bytes did not become a prompt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("larger than a prompt may be")]
    TooLarge,
    #[error("signature or form: {0}")]
    Jose(#[from] JoseError),
    #[error("of another issuer")]
    OtherIssuer,
    #[error("for another device")]
    OtherDevice,
    #[error("for another account")]
    OtherAccount,
    #[error("from the future")]
    FromTheFuture,
    #[error("expired")]
    Expired,
    #[error("lives longer than allowed")]
    LivesTooLong,
    #[error("its id has the wrong form")]
    IdForm,
    #[error("its numbers have the wrong form")]
    MatchForm,
    #[error("its key does not answer this kind")]
    KeyForm,
    #[error("a text is too long")]
    TextTooLong,
}

/// What a push turned out to be.
#[derive(Debug)]
pub(crate) enum PushContent {
    Prompt(Box<Prompt>),
    Withdrawn {
        id: PromptId,
        reason: WithdrawalReason,
        #[cfg_attr(
            not(feature = "authenticator"),
            expect(dead_code, reason = "the app remembers it; an extension ends")
        )]
        expires_at: Timestamp,
    },
    Test {
        id: String,
    },
}

/// Verifies the decrypted, unpadded content of a push.
pub(crate) fn verify_push(jws: &str, audience: &Audience, now: Timestamp) -> Result<PushContent, Refusal> {
    match jose::unverified_typ(jws)?.as_str() {
        PROMPT_TYP => verify_prompt(jws, audience, now).map(|prompt| PushContent::Prompt(Box::new(prompt))),
        WITHDRAWN_TYP => verify_withdrawal(jws, audience, now),
        TEST_TYP => verify_test(jws, audience, now),
        _ => Err(Refusal::Jose(JoseError::Type)),
    }
}

/// Verifies a prompt at the phone's time `now`.
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

/// Reads a prompt that was verified before it was stored; its time may be over, its keys rotated.
#[cfg(feature = "authenticator")]
pub(crate) fn read_verified(jws: &str, audience: &Audience) -> Option<Prompt> {
    let payload = base64url::decode(jws.split('.').nth(1)?).ok()?;
    prompt_of(jose::parse(&payload).ok()?, audience).ok()
}

fn check(claims: &PromptClaims, audience: &Audience, now: Timestamp) -> Result<(), Refusal> {
    check_addressee(&claims.iss, &claims.aud, audience)?;
    // GUARD(prompt-account): every_claim_must_be_right
    if claims.sub != audience.account_id {
        return Err(Refusal::OtherAccount);
    }
    check_times(claims.iat, claims.exp, audience, now)?;
    // GUARD(prompt-life): each_kind_and_origin_lives_as_long_as_it_may
    if claims.exp.saturating_sub(claims.iat) > longest(claims.kind, claims.origin) {
        return Err(Refusal::LivesTooLong);
    }
    // GUARD(prompt-key): each_kind_is_answered_by_its_own_key
    if !answers(claims.key, claims.kind) {
        return Err(Refusal::KeyForm);
    }
    check_id(&claims.jti)
}

/// A sign-in without a password is worth nothing without the person's own key, whatever a service says; and a
/// key that asks the person is not spent on what the device key answers.
fn answers(key: AnsweringKey, kind: PromptKind) -> bool {
    match kind {
        PromptKind::ConfirmEnrollment | PromptKind::SecondFactor | PromptKind::RegisterDevice => {
            key == AnsweringKey::Device
        }
        PromptKind::PhoneSignIn => key == AnsweringKey::SignIn,
        PromptKind::AddMethod | PromptKind::RemoveMethod | PromptKind::CreatePass | PromptKind::ReportLost => true,
    }
}

/// Longest life in seconds (protocol section 7).
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
            | PromptKind::ReportLost,
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
        context: context(claims.context)?,
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

fn check_addressee(iss: &str, aud: &str, audience: &Audience) -> Result<(), Refusal> {
    // GUARD(prompt-issuer): every_claim_must_be_right
    if iss != audience.issuer.as_str() {
        return Err(Refusal::OtherIssuer);
    }
    // GUARD(prompt-device): every_claim_must_be_right
    if aud != audience.device_id {
        return Err(Refusal::OtherDevice);
    }
    Ok(())
}

fn check_times(iat: u64, exp: u64, audience: &Audience, now: Timestamp) -> Result<(), Refusal> {
    let now = now.shifted(audience.clock_offset).0;
    // GUARD(prompt-from-the-future): every_claim_must_be_right
    if iat > now.saturating_add(MAX_AHEAD) {
        return Err(Refusal::FromTheFuture);
    }
    // GUARD(prompt-over): every_claim_must_be_right
    if exp <= now {
        return Err(Refusal::Expired);
    }
    // The most for any message of a push; a prompt may live shorter (`longest`).
    if exp.saturating_sub(iat) > MAX_LIFE {
        return Err(Refusal::LivesTooLong);
    }
    Ok(())
}

fn check_id(jti: &str) -> Result<(), Refusal> {
    match base64url::decode(jti) {
        // GUARD(prompt-id-form): every_claim_must_be_right
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

fn context(wire: WireContext) -> Result<Context, Refusal> {
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
    })
}

/// A text fit for the screen: bounded, and without characters that move, hide or reverse others.
fn shown(text: &str) -> Result<String, Refusal> {
    if text.chars().count() > MAX_TEXT {
        return Err(Refusal::TextTooLong);
    }
    // GUARD(prompt-texts): texts_lose_what_could_deceive, fuzz::prompt
    // INSTEAD: Ok(text.to_owned())
    Ok(crate::base::text::without_controls(text))
}

#[cfg(test)]
mod tests;
