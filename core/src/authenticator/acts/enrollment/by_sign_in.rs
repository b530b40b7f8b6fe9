//! Adds an account by signing in (protocol section 11). The person uses the system browser to sign in. A page in the
//! browser asks for the digits that the app shows. If the policy allows it, the same act also turns phone sign-in on.
//!
//! ```text
//!          key and push address made   request pushed      browser redirects    authorization code redeemed
//! Starting ───────────────────▶ Pushing ───────▶ InBrowser ────────────▶ Redeeming ────────────▶ Adding
//!                                                                                                   │ device added
//!                      (active account, with a registration for phone sign-in where the policy allows it) ◀┘
//! ```
//! The whole record is sealed, and each stage is stored before its request. There is no enrollment code and so no
//! shared secret: only TLS authenticates the service and its first keys.

use zeroize::Zeroizing;

use crate::authenticator::acts::enrollment::{bind_claims, claimed_name, fresh_id, is_transient, make_device};
use crate::authenticator::acts::phone_sign_in;
use crate::authenticator::acts::upkeep::removal;
use crate::authenticator::acts::upkeep::retired_keys;
use crate::authenticator::context::Core;
use crate::authenticator::error::{EnrollmentFault, Error};
use crate::authenticator::network::metadata;
use crate::authenticator::ports::check_own_signature;
use crate::authenticator::records::account::{AccountRecord, StoredState, device_key_alias};
use crate::authenticator::records::sign_in_enrollment::{Grant, Made, SignInEnrollment, Stage};
use crate::authenticator::records::stage::first_stage;
use crate::authenticator::speaking;
use crate::authenticator::speaking::authorization;
use crate::authenticator::speaking::authorization::{Client, Pushed};
use crate::authenticator::speaking::clock_offset;
use crate::authenticator::step::redirect::{Redirect, Sent};
use crate::authenticator::step::{NotAllowed, Reply, Step};
use crate::base::bearer::Bearer;
use crate::base::jose::{HeaderKey, PublicKey};
use crate::base::points::Point;
use crate::base::secret::random;
use crate::protocol::code::CodeError;
use crate::protocol::keys::ServiceKeys;
use crate::protocol::messages::{BindProof, PhoneTokenAnswer, Subscription};
use crate::protocol::push_message::PushKeys;
use crate::values::account::AccountId;
use crate::values::fatigue::Memory;
use crate::values::issuer::Issuer;
use crate::values::platform::PlatformError;

const ENROLLMENT_TYP: &str = "phone-enrollment+jwt";
const SCOPE: &str = "enrollment";
const DIGITS_MODULUS: u64 = 1_000_000;

fn client<'a>(record: &'a SignInEnrollment, alias: &'a str, device_key: &'a PublicKey) -> Client<'a> {
    Client { endpoints: &record.endpoints, device_key, key_alias: alias, clock_offset: record.clock_offset }
}

/// Starts an enrollment by signing in; `address` is the service's address as a person types it.
///
/// Deletes this phone's older unfinished enrollments by signing in at the same service. Exception: an enrollment in
/// stage `Adding` stays, because the service may already have added this phone.
///
/// # Errors
/// Nothing was stored after `Code` (`address` is not the address of a service), or after an error of `discover`. Others
/// as `resume`.
pub(crate) async fn start(core: &Core, address: &str, redirect_uri: String) -> Result<Step, Error> {
    let issuer = Issuer::typed(address).map_err(CodeError::from)?;
    let endpoints = metadata::discover(&core.http, &issuer).await?;
    let unusable = || Error::Platform(PlatformError::Unusable);
    let slot: [u8; 16] = random()?;
    let push_keys = PushKeys::make().map_err(|_none| unusable())?;
    let record = SignInEnrollment {
        account: AccountId(fresh_id()?),
        issuer,
        endpoints,
        redirect_uri,
        slot: slot.to_vec(),
        // EXPOSE: the whole record is sealed before it is stored.
        push_keys: Zeroizing::new(push_keys.to_bytes().expose().clone()),
        clock_offset: 0,
        stage: Stage::Starting,
    };
    let account = record.account.clone();
    let stored = record;
    core.change(Point::SigningInStarted, move |tables| {
        // A person who starts again no longer completes the older enrollment in the browser.
        for older in tables.sign_in_enrollments()? {
            if older.issuer == stored.issuer && !older.may_be_known() {
                tables.end_sign_in_enrollment(&older.account)?;
            }
        }
        tables.set_sign_in_enrollment(&stored)
    })
    .await?;
    retired_keys::destroy(core).await?;
    resume(core, &account).await
}

async fn load(core: &Core, account: &AccountId) -> Result<SignInEnrollment, Error> {
    let account = account.clone();
    core.store.read(move |tables| tables.sign_in_enrollment(&account)).await?.ok_or(Error::UnknownTicket)
}

/// Stores the next stage, before the request that belongs to it.
async fn enter(core: &Core, mut record: SignInEnrollment, stage: Stage) -> Result<SignInEnrollment, Error> {
    let point = stage.point();
    record.stage = stage;
    let stored = record.clone();
    core.change(point, move |tables| tables.set_sign_in_enrollment(&stored)).await?;
    Ok(record)
}

/// Deletes the enrollment and its keys from this phone.
async fn delete_record(core: &Core, account: &AccountId) -> Result<(), Error> {
    let account = account.clone();
    core.change(Point::SigningInForgotten, move |tables| tables.end_sign_in_enrollment(&account)).await?;
    retired_keys::destroy(core).await
}

/// Returns the step that the app shows for a stored enrollment.
pub(crate) fn shown_step(core: &Core, record: &SignInEnrollment) -> Step {
    let ticket = record.ticket();
    let host = record.issuer.host().to_owned();
    match &record.stage {
        Stage::InBrowser { url, digits, until, .. } if *until > core.ports.clock.now() => Step::OpenBrowser {
            ticket,
            host,
            url: url.clone(),
            // EXPOSE: the app shows the digits; the person types them into the page.
            digits: Some(digits.expose().to_owned()),
            until: *until,
        },
        Stage::Starting
        | Stage::Pushing { .. }
        | Stage::InBrowser { .. }
        | Stage::Redeeming { .. }
        | Stage::Adding { .. } => Step::EnrollmentInterrupted { ticket, host },
    }
}

/// Continues from the stored stage until the app has something to do, and returns that step.
///
/// # Errors
/// `UnknownTicket`. After a transient error (`is_transient`) the enrollment is kept; after any other error it is
/// deleted from this phone.
pub(crate) async fn resume(core: &Core, account: &AccountId) -> Result<Step, Error> {
    let record = load(core, account).await?;
    let account = record.account.clone();
    let resumed = match record.stage.clone() {
        Stage::Starting => begin(core, record).await,
        Stage::Pushing { made, sent, digits } => push(core, record, made, sent, digits).await,
        // The pushed request has expired: push a fresh request, with fresh digits.
        Stage::InBrowser { made, until, .. } if until <= core.ports.clock.now() => ask(core, record, made).await,
        Stage::InBrowser { .. } => Ok(shown_step(core, &record)),
        Stage::Redeeming { made, sent, code } => redeem(core, record, made, sent, code).await,
        Stage::Adding { made, grant } => add(core, record, made, grant).await,
    };
    match resumed {
        Err(error) if !is_transient(&error) => {
            delete_record(core, &account).await?;
            Err(error)
        }
        other => other,
    }
}

/// Moves an enrollment from `Starting`, through `Pushing`, to `InBrowser`.
async fn begin(core: &Core, record: SignInEnrollment) -> Result<Step, Error> {
    let (point, push_endpoint) = make_device(core, &record.account, &record.endpoints, record.slot.clone()).await?;
    ask(core, record, Made { point, push_endpoint }).await
}

/// Pushes a request with fresh `state`, verifier and digits.
async fn ask(core: &Core, record: SignInEnrollment, made: Made) -> Result<Step, Error> {
    let sent = Sent::make(record.redirect_uri.clone())?;
    let drawn: [u8; 8] = random()?;
    let digits = Bearer::new(format!("{:06}", u64::from_be_bytes(drawn).rem_euclid(DIGITS_MODULUS)));
    push(core, record, made, sent, digits).await
}

/// Moves an enrollment from `Pushing` to `InBrowser`. If the service refuses and sends its time, corrects the clock
/// offset and tries again.
async fn push(core: &Core, record: SignInEnrollment, made: Made, sent: Sent, digits: Bearer) -> Result<Step, Error> {
    let stage = Stage::Pushing { made: made.clone(), sent: sent.clone(), digits: digits.clone() };
    let mut record = enter(core, record, stage).await?;
    let pushed = match push_once(core, &record, &made, &sent, &digits).await? {
        // The service may have refused because this phone's clock is wrong.
        Pushed::Refused { time: Some(time) } => {
            let now = core.ports.clock.now().0;
            record.clock_offset = clock_offset::offset_between(now, time).ok_or(Error::ClockWrong)?;
            push_once(core, &record, &made, &sent, &digits).await?
        }
        pushed => pushed,
    };
    let Pushed::Open { url, until } = pushed else {
        return Err(Error::Refused);
    };
    let record = enter(core, record, Stage::InBrowser { made, sent, digits, url, until }).await?;
    Ok(shown_step(core, &record))
}

async fn push_once(
    core: &Core,
    record: &SignInEnrollment,
    made: &Made,
    sent: &Sent,
    digits: &Bearer,
) -> Result<Pushed, Error> {
    let alias = device_key_alias(&record.account);
    let key = made.key()?;
    let device = &core.ports.device;
    // EXPOSE: the service compares the digits with what the person types.
    let further =
        [("digits", digits.expose()), ("device_name", device.name.as_str()), ("device_model", device.model.as_str())];
    authorization::push(core.connection(), &client(record, &alias, &key), sent, SCOPE, &further).await
}

/// Processes the app's reply to the last step.
///
/// # Errors
/// Nothing was changed after `UnknownTicket`, `ForeignRedirect` and `WrongReply` (the reply does not fit the step).
/// `AlreadyHere` when the account is already on this phone: the enrollment is deleted. Others as `resume`.
pub(crate) async fn provide(core: &Core, account: &AccountId, reply: Reply) -> Result<Step, Error> {
    let record = load(core, account).await?;
    let account = record.account.clone();
    let (Stage::InBrowser { made, sent, .. }, Reply::Redirected { url }) = (record.stage.clone(), reply) else {
        return Err(Error::WrongReply);
    };
    let code = match sent.read_redirect(&url, &record.issuer)? {
        Redirect::Code(code) => code,
        Redirect::NotAllowed(why) => return not_allowed(core, &record, why).await,
    };
    match redeem(core, record, made, sent, code).await {
        Err(error) if !is_transient(&error) => {
            delete_record(core, &account).await?;
            Err(error)
        }
        other => other,
    }
}

/// Deletes the enrollment, and returns the step that shows the person the reason.
async fn not_allowed(core: &Core, record: &SignInEnrollment, why: NotAllowed) -> Result<Step, Error> {
    delete_record(core, &record.account).await?;
    Ok(Step::NotAllowed { host: record.issuer.host().to_owned(), why })
}

/// Moves an enrollment from `Redeeming` to `Adding`: redeems the authorization code, checks the token response, and
/// stores the content of the response. Then continues with `add`.
async fn redeem(core: &Core, record: SignInEnrollment, made: Made, sent: Sent, code: Bearer) -> Result<Step, Error> {
    let stage = Stage::Redeeming { made: made.clone(), sent: sent.clone(), code: code.clone() };
    let mut record = enter(core, record, stage).await?;
    let alias = device_key_alias(&record.account);
    let key = made.key()?;
    let redeemed = authorization::redeem(core.connection(), &client(&record, &alias, &key), &sent, &code).await;
    let answer: PhoneTokenAnswer = match redeemed {
        Ok(answer) => answer,
        // An authorization code works once. If the response was lost, the person must sign in again.
        Err(Error::Refused) => return not_allowed(core, &record, NotAllowed::TooLate).await,
        Err(error) => return Err(error),
    };
    if answer.token_type != "DPoP" || answer.scope != SCOPE {
        return Err(Error::InvalidAnswer);
    }
    let issuer = record.issuer.clone();
    let account_id = answer.sub.clone();
    if core.store.read(move |tables| tables.has_account(&issuer, &account_id)).await? {
        return Err(Error::AlreadyHere);
    }
    let service_keys = ServiceKeys::pinned(&answer.keys, &record.issuer).map_err(|_untrusted| Error::InvalidAnswer)?;
    record.clock_offset =
        clock_offset::offset_between(core.ports.clock.now().0, answer.time).ok_or(Error::ClockWrong)?;
    let grant = Grant {
        token: answer.access_token,
        account_id: answer.sub,
        user_name: claimed_name(&answer.user_name)?,
        organization: claimed_name(&answer.organization)?,
        service_keys,
    };
    let record = enter(core, record, Stage::Adding { made: made.clone(), grant: grant.clone() }).await?;
    add(core, record, made, grant).await
}

/// Completes an enrollment in stage `Adding`: adds the device at the service, then stores the active account. If the
/// policy allows phone sign-in, the same transaction stores a registration, and the act continues with the
/// registration.
async fn add(core: &Core, record: SignInEnrollment, made: Made, grant: Grant) -> Result<Step, Error> {
    let key = made.key()?;
    let push_keys = record.push_keys()?;
    let alias = device_key_alias(&record.account);
    let jti: [u8; 16] = random()?;
    let push = Subscription::new(&made.push_endpoint, &push_keys);
    let proof = BindProof::Token { token: grant.token };
    let claims = bind_claims(core, &record.endpoints, record.clock_offset, push, proof, &jti);
    let jws = core.ports.sign_jws(&alias, ENROLLMENT_TYP, HeaderKey::Jwk(&key), &claims).await?;
    check_own_signature(&jws, &key)?;
    let answer = match speaking::enrollment::add(&core.http, &record.endpoints.enrollment, jws).await {
        Ok(answer) => answer,
        Err(Error::Enrollment(fault)) => return not_allowed(core, &record, token_refusal(fault)).await,
        Err(error) => return Err(error),
    };
    if answer.account_id != grant.account_id || answer.keys != grant.service_keys.thumbprints() {
        return Err(Error::Impostor);
    }
    let now = core.ports.clock.now();
    let next = answer.turn_on.map(|turn_on| first_stage(turn_on, &grant.account_id, now)).transpose()?;
    let may_turn_on = next.is_some();
    let account = AccountRecord {
        id: record.account.clone(),
        issuer: record.issuer,
        account_id: grant.account_id,
        user_name: grant.user_name,
        organization: grant.organization,
        device_id: answer.device_id,
        state: StoredState::Active,
        key_alias: alias,
        device_key: key,
        slot: record.slot,
        push_keys,
        endpoints: record.endpoints,
        service_keys: grant.service_keys,
        clock_offset: record.clock_offset,
        added_at: now,
        sign_in: None,
        policy: None,
        trouble: None,
        memory: Memory::default(),
    };
    let id = record.account;
    core.change(Point::SigningInAdded, move |tables| {
        tables.delete_removed_duplicates(&account)?;
        tables.insert_account(&account)?;
        if let Some(stage) = next {
            tables.set_registration(&account.id, &stage)?;
        }
        tables.delete_sign_in_enrollment(&account.id)
    })
    .await?;
    if may_turn_on { turn_on(core, &id).await } else { Ok(Step::AccountAdded { account: id }) }
}

/// Converts the service's refusal of the token (protocol section 11, step 5) into a reason for the person.
fn token_refusal(fault: EnrollmentFault) -> NotAllowed {
    match fault {
        EnrollmentFault::Cancelled => NotAllowed::Policy,
        // The token can no longer be used, so the person must sign in again.
        EnrollmentFault::Unknown
        | EnrollmentFault::Expired
        | EnrollmentFault::Used
        | EnrollmentFault::TooManyLookUps => NotAllowed::TooLate,
    }
}

/// Continues with turning phone sign-in on. If that fails, the account is still added, and `requirements` returns the
/// reason later.
async fn turn_on(core: &Core, id: &AccountId) -> Result<Step, Error> {
    match phone_sign_in::resume(core, id).await {
        Ok(Step::MissingLock { .. } | Step::NotAllowed { .. }) | Err(_) => {
            Ok(Step::AccountAdded { account: id.clone() })
        }
        Ok(step) => Ok(step),
    }
}

/// Abandons an enrollment. If the service may already know this phone, completes the enrollment and then removes the
/// account. Reason: the removal must name the device id, which only the completed enrollment gives.
///
/// # Errors
/// `UnknownTicket` when the enrollment was completed or already abandoned. A transient error (`is_transient`) when the
/// enrollment could not be completed now: the enrollment is kept.
pub(crate) async fn abandon(core: &Core, account: &AccountId) -> Result<(), Error> {
    let record = load(core, account).await?;
    if !record.may_be_known() {
        return delete_record(core, &record.account).await;
    }
    match resume(core, account).await {
        Ok(Step::NotAllowed { .. }) => Ok(()),
        Ok(_) => removal::remove(core, record.account).await.map(|_ending| ()),
        Err(error) if is_transient(&error) => Err(error),
        Err(_) => Ok(()),
    }
}
