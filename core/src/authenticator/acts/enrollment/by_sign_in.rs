//! Adding an account from inside the app: the person signs in, in the system browser, and there types the digits
//! that the app shows (protocol section 11). Phone sign-in follows in the same go.
//!
//! ```text
//!            key and push address      stored, pushed       back from the browser     code redeemed
//! Starting ───────────────────▶ Pushing ───────▶ InBrowser ────────────▶ Redeeming ────────────▶ Adding
//!                                                                                                   │ the service's answer
//!                      (active account, with a registration for phone sign-in where the policy allows it) ◀┘
//! ```
//! Stored before each outside effect, sealed whole. There is no secret from a code here: who the service is and its
//! first keys rest on TLS.

use zeroize::Zeroizing;

use crate::authenticator::acts::enrollment::{claimed_name, fresh_id, introduce, make_device, may_pass};
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

/// Starts; `address` is the service's address as a person types it.
///
/// # Errors
/// `Code` when it is no address; `Offline`, `Untrusted`, `Busy`, `NotASignInService`, `UnsupportedVersion`: nothing was
/// kept. Later as `go_on`.
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
        // EXPOSE: rests in a record that is sealed whole.
        push_keys: Zeroizing::new(push_keys.to_bytes().expose().clone()),
        clock_offset: 0,
        stage: Stage::Starting,
    };
    let account = record.account.clone();
    let stored = record;
    core.change(Point::SigningInStarted, move |tables| {
        // One at a time with a service: whoever starts again has left the older one in the browser.
        for older in tables.sign_in_enrollments()? {
            if older.issuer == stored.issuer && !older.may_be_known() {
                tables.end_sign_in_enrollment(&older.account)?;
            }
        }
        tables.set_sign_in_enrollment(&stored)
    })
    .await?;
    retired_keys::destroy(core).await?;
    go_on(core, &account).await
}

async fn load(core: &Core, account: &AccountId) -> Result<SignInEnrollment, Error> {
    let account = account.clone();
    core.store.read(move |tables| tables.sign_in_enrollment(&account)).await?.ok_or(Error::UnknownTicket)
}

async fn enter(core: &Core, mut record: SignInEnrollment, stage: Stage) -> Result<SignInEnrollment, Error> {
    let point = stage.point();
    record.stage = stage;
    let stored = record.clone();
    core.change(point, move |tables| tables.set_sign_in_enrollment(&stored)).await?;
    Ok(record)
}

/// Leaves nothing of it on this phone.
async fn delete_record(core: &Core, account: &AccountId) -> Result<(), Error> {
    let account = account.clone();
    core.change(Point::SigningInForgotten, move |tables| tables.end_sign_in_enrollment(&account)).await?;
    retired_keys::destroy(core).await
}

/// What a stored one asks of the app.
pub(crate) fn shown_step(core: &Core, record: &SignInEnrollment) -> Step {
    let ticket = record.ticket();
    let host = record.issuer.host().to_owned();
    match &record.stage {
        Stage::InBrowser { url, digits, until, .. } if *until > core.ports.clock.now() => Step::OpenBrowser {
            ticket,
            host,
            url: url.clone(),
            // EXPOSE: shown to the person, who types them into the page.
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

/// Goes on from the stored stage until the app has something to do.
///
/// # Errors
/// `Offline`, `Untrusted`, `Busy`, `Platform(Locked | Transient)` keep it; after any other error nothing is left of
/// it on this phone.
pub(crate) async fn go_on(core: &Core, account: &AccountId) -> Result<Step, Error> {
    let record = load(core, account).await?;
    let account = record.account.clone();
    let gone_on = match record.stage.clone() {
        Stage::Starting => begin(core, record).await,
        Stage::Pushing { made, sent, digits } => push(core, record, made, sent, digits).await,
        // Its time is over: a fresh request, with fresh digits.
        Stage::InBrowser { made, until, .. } if until <= core.ports.clock.now() => ask(core, record, made).await,
        Stage::InBrowser { .. } => Ok(shown_step(core, &record)),
        Stage::Redeeming { made, sent, code } => redeem(core, record, made, sent, code).await,
        Stage::Adding { made, grant } => add(core, record, made, grant).await,
    };
    match gone_on {
        Err(error) if !may_pass(&error) => {
            delete_record(core, &account).await?;
            Err(error)
        }
        other => other,
    }
}

async fn begin(core: &Core, record: SignInEnrollment) -> Result<Step, Error> {
    let (point, push_endpoint) = make_device(core, &record.account, &record.endpoints, record.slot.clone()).await?;
    ask(core, record, Made { point, push_endpoint }).await
}

async fn ask(core: &Core, record: SignInEnrollment, made: Made) -> Result<Step, Error> {
    let sent = Sent::make(record.redirect_uri.clone())?;
    let drawn: [u8; 8] = random()?;
    let digits = Bearer::new(format!("{:06}", u64::from_be_bytes(drawn).rem_euclid(DIGITS_MODULUS)));
    push(core, record, made, sent, digits).await
}

async fn push(core: &Core, record: SignInEnrollment, made: Made, sent: Sent, digits: Bearer) -> Result<Step, Error> {
    let stage = Stage::Pushing { made: made.clone(), sent: sent.clone(), digits: digits.clone() };
    let mut record = enter(core, record, stage).await?;
    let pushed = match push_once(core, &record, &made, &sent, &digits).await? {
        // This phone never spoke to the service before, so its clock may be the reason: once more by the service's.
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
    // EXPOSE: the service compares them with what the person types.
    let further =
        [("digits", digits.expose()), ("device_name", device.name.as_str()), ("device_model", device.model.as_str())];
    authorization::push(core.connection(), &client(record, &alias, &key), sent, SCOPE, &further).await
}

/// What the app brings for the step that was last told.
///
/// # Errors
/// `WrongReply` when it fits another step; `ForeignRedirect` leaves everything as it was.
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
        Err(error) if !may_pass(&error) => {
            delete_record(core, &account).await?;
            Err(error)
        }
        other => other,
    }
}

async fn not_allowed(core: &Core, record: &SignInEnrollment, why: NotAllowed) -> Result<Step, Error> {
    delete_record(core, &record.account).await?;
    Ok(Step::NotAllowed { host: record.issuer.host().to_owned(), why })
}

async fn redeem(core: &Core, record: SignInEnrollment, made: Made, sent: Sent, code: Bearer) -> Result<Step, Error> {
    let stage = Stage::Redeeming { made: made.clone(), sent: sent.clone(), code: code.clone() };
    let mut record = enter(core, record, stage).await?;
    let alias = device_key_alias(&record.account);
    let key = made.key()?;
    let redeemed = authorization::redeem(core.connection(), &client(&record, &alias, &key), &sent, &code).await;
    let answer: PhoneTokenAnswer = match redeemed {
        Ok(answer) => answer,
        // The code works once: when its answer was lost, only signing in again helps.
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

/// Tells the service, and stores in one transaction that the account works and what phone sign-in may go on with.
async fn add(core: &Core, record: SignInEnrollment, made: Made, grant: Grant) -> Result<Step, Error> {
    let key = made.key()?;
    let push_keys = record.push_keys()?;
    let alias = device_key_alias(&record.account);
    let jti: [u8; 16] = random()?;
    let push = Subscription::new(&made.push_endpoint, &push_keys);
    let proof = BindProof::Token { token: grant.token };
    let claims = introduce(core, &record.endpoints, record.clock_offset, push, proof, &jti);
    let jws = core.ports.sign_jws(&alias, ENROLLMENT_TYP, HeaderKey::Jwk(&key), &claims).await?;
    check_own_signature(&jws, &key)?;
    let answer = match speaking::enrollment::add(&core.http, &record.endpoints.enrollment, jws).await {
        Ok(answer) => answer,
        Err(Error::Enrollment(fault)) => return not_allowed(core, &record, taken_no_more(fault)).await,
        Err(error) => return Err(error),
    };
    if answer.account_id != grant.account_id || answer.keys != grant.service_keys.thumbprints() {
        return Err(Error::Impostor);
    }
    let now = core.ports.clock.now();
    let next = answer.turn_on.map(|turn_on| first_stage(turn_on, &grant.account_id, now)).transpose()?;
    let goes_on = next.is_some();
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
        tables.delete_removed_twins(&account)?;
        tables.insert_account(&account)?;
        if let Some(stage) = next {
            tables.set_registration(&account.id, &stage)?;
        }
        tables.delete_sign_in_enrollment(&account.id)
    })
    .await?;
    if goes_on { turn_on(core, &id).await } else { Ok(Step::AccountAdded { account: id }) }
}

/// Why the service takes no more what the person had signed in for (protocol section 11, step 5).
fn taken_no_more(fault: EnrollmentFault) -> NotAllowed {
    match fault {
        EnrollmentFault::Cancelled => NotAllowed::Policy,
        // The token has a few minutes; after them only signing in again helps.
        EnrollmentFault::Unknown
        | EnrollmentFault::Expired
        | EnrollmentFault::Used
        | EnrollmentFault::TooManyLookUps => NotAllowed::TooLate,
    }
}

/// The account is there whatever comes of phone sign-in, and what stands against that is shown with the account.
async fn turn_on(core: &Core, id: &AccountId) -> Result<Step, Error> {
    match phone_sign_in::go_on(core, id).await {
        Ok(Step::MissingLock { .. } | Step::NotAllowed { .. }) | Err(_) => {
            Ok(Step::AccountAdded { account: id.clone() })
        }
        Ok(step) => Ok(step),
    }
}

/// Gives it up. Where the service may know this phone already, it is asked first, so that it can be told.
///
/// # Errors
/// `UnknownTicket` when it has finished or was given up before; `Offline`, `Untrusted`, `Busy`: the service can't be
/// asked now, so nothing was given up.
pub(crate) async fn abandon(core: &Core, account: &AccountId) -> Result<(), Error> {
    let record = load(core, account).await?;
    if !record.may_be_known() {
        return delete_record(core, &record.account).await;
    }
    match go_on(core, account).await {
        Ok(Step::NotAllowed { .. }) => Ok(()),
        Ok(_) => removal::remove(core, record.account).await.map(|_told| ()),
        Err(error) if may_pass(&error) => Err(error),
        Err(_) => Ok(()),
    }
}
