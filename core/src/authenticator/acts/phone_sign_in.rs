//! Turning phone sign-in on and off for an account.
//!
//! ```text
//!  the person goes on      stored, pushed        back from the browser      code redeemed
//! Confirming ────────▶ Pushing ────────▶ InBrowser ────────────▶ Redeeming ────────────▶ MakingKey
//!                                                                                            │ made by the shell
//!                             (on) ◀── signed state ── Telling ◀── signed by the person ── Signing
//! ```
//! Each stage is stored before its outside effect, since the process often dies behind the browser: verifier,
//! state and token rest sealed. What is over (a code, a token, a refusal) is told as a step and leaves nothing
//! behind; only what can go on is kept. Off is the reverse of the last stage: the key goes first, then the
//! service is told.

mod off;
mod requirements;

use crate::authenticator::acts::prompts::fetch;
use crate::authenticator::acts::upkeep::retired_keys;
use crate::authenticator::acts::upkeep::standing;
use crate::authenticator::context::Core;
use crate::authenticator::error::Error;
use crate::authenticator::ports::check_own_signature;
use crate::authenticator::records::account::{AccountRecord, SignInKey};
use crate::authenticator::records::outbox_entry::Entry;
use crate::authenticator::speaking::authorization;
use crate::authenticator::speaking::authorization::{Client, Pushed};
use crate::authenticator::speaking::exchange;
use crate::authenticator::step::redirect::{Redirect, Sent};
use crate::authenticator::step::{NotAllowed, Purpose as SigningPurpose, Reply, SignedForm, Step};
use crate::base::bearer::Bearer;
use crate::base::jose;
use crate::base::jose::{HeaderKey, PublicKey, base64url};
use crate::base::points::Point;
use crate::base::secret::random;
use crate::protocol::messages::{FetchReason, KeyProof, Message, Purpose, TokenAnswer, TurnOnResult, WireAttestation};
use crate::values::account::AccountId;
use crate::values::platform::{KeyGuard, PlatformError};
use crate::values::ticket::Ticket;

use crate::authenticator::records::stage::{Authorized, SCOPE, Stage};
pub(crate) use off::turn_off;
use requirements::active;
pub use requirements::{Registration, Requirements};
pub(crate) use requirements::{guard_for, requirements};

const KEY_TYP: &str = "phone-sign-in-key+jwt";

/// Starts turning phone sign-in on; nothing leaves the phone before the person has agreed.
///
/// # Errors
/// `UnknownAccount`, `Removed`, `Platform` when the device does not say whether it has a lock.
pub(crate) async fn turn_on(core: &Core, id: AccountId, redirect_uri: String) -> Result<Step, Error> {
    let account = active(core, &id).await?;
    if let Some(blocked) = blocked(core, &account).await? {
        return Ok(blocked);
    }
    let wanted = id.clone();
    if let Some(Stage::Telling { .. }) = core.store.read(move |tables| tables.registration(&wanted)).await? {
        // The service may have the key already: what was begun is brought to its end first.
        return go_on(core, &id).await;
    }
    core.change(Point::TurningOnCleared, move |tables| tables.end_registration(&id)).await?;
    enter(core, &account, Stage::Confirming { redirect_uri }).await
}

/// What stands against turning on, looked at anew at each stage: lock, policy, another account.
async fn blocked(core: &Core, account: &AccountRecord) -> Result<Option<Step>, Error> {
    let found = requirements(core, account).await?;
    Ok(match found.registration {
        Registration::NotAllowed { why } => Some(Step::NotAllowed { host: account.issuer.host().to_owned(), why }),
        Registration::Needed | Registration::Done if !found.lock_is_enough => {
            Some(Step::MissingLock { host: account.issuer.host().to_owned(), needs: found.guard })
        }
        Registration::Needed | Registration::Done => None,
    })
}

/// Stores a stage and says what the app does in it.
async fn enter(core: &Core, account: &AccountRecord, stage: Stage) -> Result<Step, Error> {
    let id = account.id.clone();
    let stored = stage.clone();
    core.change(stage.point(), move |tables| tables.set_registration(&id, &stored)).await?;
    shown_step(core, account, &stage)
}

/// What a stored registration asks of the app.
pub(crate) fn shown_step(core: &Core, account: &AccountRecord, stage: &Stage) -> Result<Step, Error> {
    let ticket = Ticket::of_phone_sign_in(&account.id);
    let host = account.issuer.host().to_owned();
    Ok(match stage {
        Stage::Confirming { .. } => Step::ConfirmDevice {
            ticket,
            host,
            user_name: account.user_name.clone(),
            organization: account.organization.clone(),
            device: core.ports.device.name.clone(),
        },
        Stage::InBrowser { url, until, .. } if *until > core.ports.clock.now() => {
            Step::OpenBrowser { ticket, host, url: url.clone(), digits: None, until: *until }
        }
        Stage::MakingKey { authorized, alias, guard } if authorized.until > core.ports.clock.now() => {
            Step::MakeKey { ticket, host, alias: alias.clone(), guard: *guard, until: authorized.until }
        }
        Stage::Signing { authorized, alias, guard, point } if authorized.until > core.ports.clock.now() => {
            let key = PublicKey::from_sec1(point).map_err(|_garbage| Error::Platform(PlatformError::Unusable))?;
            Step::Sign {
                ticket,
                host,
                alias: alias.clone(),
                purpose: SigningPurpose::TurnOnPhoneSignIn,
                forms: forms(account, authorized, *guard, &key)?,
                until: authorized.until,
            }
        }
        Stage::Pushing { .. }
        | Stage::InBrowser { .. }
        | Stage::Redeeming { .. }
        | Stage::Authorized { .. }
        | Stage::MakingKey { .. }
        | Stage::Signing { .. }
        | Stage::Telling { .. } => Step::PhoneSignInInterrupted { ticket, host },
    })
}

/// What the new key signs, one form for each way in which the person may turn out to have been verified.
fn forms(
    account: &AccountRecord,
    authorized: &Authorized,
    guard: KeyGuard,
    key: &PublicKey,
) -> Result<Vec<SignedForm>, Error> {
    SignedForm::each(guard, |uv| {
        let proof = KeyProof {
            aud: account.issuer.as_str().to_owned(),
            sub: account.account_id.clone(),
            device: account.device_id.clone(),
            device_key: base64url::encode(&account.device_key.thumbprint()),
            // EXPOSE: signed, and given back to the service.
            nonce: authorized.nonce.expose().to_owned(),
            purpose: Purpose::TurnOn,
            uv,
            attestation: WireAttestation::None,
        };
        jose::signing_input(KEY_TYP, HeaderKey::Jwk(key), &proof)
    })
}

/// Goes on with a registration that was cut off.
///
/// # Errors
/// `Offline`, `Untrusted`, `Busy`: it is kept, go on later.
pub(crate) async fn go_on(core: &Core, id: &AccountId) -> Result<Step, Error> {
    let (account, stage) = load(core, id).await?;
    match stage {
        Stage::Pushing { sent } => push(core, &account, sent).await,
        Stage::Redeeming { sent, code } => redeem(core, &account, sent, code).await,
        Stage::Authorized { authorized } if authorized.until > core.ports.clock.now() => {
            fetch::fetch(core, &account.id, FetchReason::Poll, 0).await?;
            let account = active(core, id).await?;
            choose_key(core, &account, authorized).await
        }
        Stage::Telling { token, alias, guard, point, proof } => {
            send_proof(core, &account, token, SignInKey { alias, key: point_of(&point)?, guard }, proof).await
        }
        // Its time is over: start again at the beginning, with nothing left of it.
        Stage::InBrowser { sent, until, .. } if until <= core.ports.clock.now() => {
            let stage = Stage::Confirming { redirect_uri: sent.redirect_uri().to_owned() };
            enter(core, &account, stage).await
        }
        Stage::Authorized { .. } => not_allowed(core, &account, NotAllowed::TooLate).await,
        Stage::MakingKey { authorized, .. } | Stage::Signing { authorized, .. }
            if authorized.until <= core.ports.clock.now() =>
        {
            not_allowed(core, &account, NotAllowed::TooLate).await
        }
        Stage::Confirming { .. } | Stage::InBrowser { .. } | Stage::MakingKey { .. } | Stage::Signing { .. } => {
            shown_step(core, &account, &stage)
        }
    }
}

async fn load(core: &Core, id: &AccountId) -> Result<(AccountRecord, Stage), Error> {
    let account = active(core, id).await?;
    let wanted = id.clone();
    let stage = core.store.read(move |tables| tables.registration(&wanted)).await?.ok_or(Error::UnknownTicket)?;
    Ok((account, stage))
}

fn point_of(point: &[u8]) -> Result<PublicKey, Error> {
    PublicKey::from_sec1(point).map_err(|_garbage| Error::Platform(PlatformError::Unusable))
}

/// What the app brings for the step that was last told.
///
/// # Errors
/// `WrongReply` when it fits another step; `ForeignRedirect` leaves everything as it was.
pub(crate) async fn provide(core: &Core, id: &AccountId, reply: Reply) -> Result<Step, Error> {
    let (account, stage) = load(core, id).await?;
    match (stage, reply) {
        (Stage::Confirming { redirect_uri }, Reply::Confirmed) => {
            if let Some(blocked) = blocked(core, &account).await? {
                delete_stage(core, id).await?;
                return Ok(blocked);
            }
            push(core, &account, Sent::make(redirect_uri)?).await
        }
        (Stage::InBrowser { sent, .. }, Reply::Redirected { url }) => {
            match sent.read_redirect(&url, &account.issuer)? {
                Redirect::Code(code) => redeem(core, &account, sent, code).await,
                Redirect::NotAllowed(why) => not_allowed(core, &account, why).await,
            }
        }
        (Stage::MakingKey { authorized, alias, guard }, Reply::KeyMade { point }) => {
            key_made(core, &account, authorized, alias, guard, point).await
        }
        (Stage::Signing { authorized, alias, guard, point }, Reply::Signed { signature, verified }) => {
            let key = point_of(&point)?;
            let form = SignedForm::find(forms(&account, &authorized, guard, &key)?, verified)?;
            let proof = form.attach(&signature)?;
            check_own_signature(&proof, &key)?;
            send_proof(core, &account, authorized.token, SignInKey { alias, key, guard }, proof).await
        }
        (Stage::MakingKey { .. } | Stage::Signing { .. }, Reply::Failed { cause }) => {
            failed(core, &account, cause).await
        }
        (
            Stage::Confirming { .. }
            | Stage::Pushing { .. }
            | Stage::InBrowser { .. }
            | Stage::Redeeming { .. }
            | Stage::Authorized { .. }
            | Stage::MakingKey { .. }
            | Stage::Signing { .. }
            | Stage::Telling { .. },
            Reply::Confirmed
            | Reply::Redirected { .. }
            | Reply::KeyMade { .. }
            | Reply::Signed { .. }
            | Reply::Failed { .. },
        ) => Err(Error::WrongReply),
    }
}

/// The shell could not make the key or sign with it: what may pass keeps the step, the rest ends the act.
async fn failed(core: &Core, account: &AccountRecord, error: PlatformError) -> Result<Step, Error> {
    match error {
        PlatformError::Locked
        | PlatformError::Transient
        | PlatformError::Cancelled
        | PlatformError::WrongPassphrase => {}
        PlatformError::Invalidated | PlatformError::Gone | PlatformError::Unusable => {
            delete_stage(core, &account.id).await?
        }
    }
    Err(Error::Platform(error))
}

async fn push(core: &Core, account: &AccountRecord, sent: Sent) -> Result<Step, Error> {
    enter(core, account, Stage::Pushing { sent: sent.clone() }).await?;
    match authorization::push(core.connection(), &Client::of(account), &sent, SCOPE, &[]).await {
        Ok(Pushed::Open { url, until }) => enter(core, account, Stage::InBrowser { sent, url, until }).await,
        Ok(Pushed::Refused { .. }) => over(core, account, Error::Refused).await,
        Err(error) => over(core, account, error).await,
    }
}

async fn redeem(core: &Core, account: &AccountRecord, sent: Sent, code: Bearer) -> Result<Step, Error> {
    enter(core, account, Stage::Redeeming { sent: sent.clone(), code: code.clone() }).await?;
    let redeemed: Result<TokenAnswer, Error> =
        authorization::redeem(core.connection(), &Client::of(account), &sent, &code).await;
    let now = core.ports.clock.now();
    let authorized = match redeemed.and_then(|answer| Authorized::by(answer, &account.account_id, now)) {
        Ok(authorized) => authorized,
        // The code works once: when its answer was lost, only signing in again helps.
        Err(Error::Refused) => return not_allowed(core, account, NotAllowed::TooLate).await,
        Err(error) => return over(core, account, error).await,
    };
    choose_key(core, account, authorized).await
}

/// The key may be made, as the policy that was last heard says, unless something stands against it.
async fn choose_key(core: &Core, account: &AccountRecord, authorized: Authorized) -> Result<Step, Error> {
    let name: [u8; 16] = random()?;
    let alias = format!("countersign-sign-in-{}", base64url::encode(&name));
    // GUARD(lock-checked-at-key): j4_w10_a_lock_removed_between_check_and_key_stops_it
    if let Some(blocked) = blocked(core, account).await? {
        delete_stage(core, &account.id).await?;
        return Ok(blocked);
    }
    let guard = guard_for(account);
    enter(core, account, Stage::MakingKey { authorized, alias, guard }).await
}

/// Keeps the act when the error may pass, and leaves nothing of it otherwise.
async fn over(core: &Core, account: &AccountRecord, error: Error) -> Result<Step, Error> {
    match &error {
        Error::Offline
        | Error::Untrusted
        | Error::Busy
        | Error::ClockWrong
        | Error::Closed
        | Error::Store(_)
        | Error::Platform(PlatformError::Locked | PlatformError::Transient) => {}
        _for_good => delete_stage(core, &account.id).await?,
    }
    Err(error)
}

async fn key_made(
    core: &Core,
    account: &AccountRecord,
    authorized: Authorized,
    alias: String,
    guard: KeyGuard,
    point: Vec<u8>,
) -> Result<Step, Error> {
    point_of(&point)?;
    let wanted = alias.clone();
    // What the shell says is what the key store says, or it is not believed.
    let held = core.ports.ask(move |ports| ports.key_store.public_key(wanted)).await;
    match held {
        // GUARD(key-store-lies): j4_w8_a_key_store_that_refuses_forgets_or_lies
        // INSTEAD: Ok(_) if point != account.device_key.as_sec1() => {}
        Ok(held) if held == point && point != account.device_key.as_sec1() => {}
        Ok(_) | Err(Error::Platform(PlatformError::Gone)) => {
            return failed(core, account, PlatformError::Unusable).await;
        }
        Err(error) => return Err(error),
    }
    if let Some(blocked) = blocked(core, account).await? {
        delete_stage(core, &account.id).await?;
        return Ok(blocked);
    }
    enter(core, account, Stage::Signing { authorized, alias, guard, point }).await
}

async fn send_proof(
    core: &Core,
    account: &AccountRecord,
    token: Bearer,
    made: SignInKey,
    proof: String,
) -> Result<Step, Error> {
    let stage = Stage::Telling {
        token: token.clone(),
        alias: made.alias.clone(),
        guard: made.guard,
        point: made.key.as_sec1().to_vec(),
        proof: proof.clone(),
    };
    enter(core, account, stage).await?;
    let lock = core.lock().await?;
    if !lock.guards(made.guard) {
        delete_stage(core, &account.id).await?;
        return Ok(Step::MissingLock { host: account.issuer.host().to_owned(), needs: made.guard });
    }
    let mut speaker = account.speaker();
    let message = Message::TurnOn { token, proof };
    let state = match exchange::exchange(core.connection(), &mut speaker, &account.endpoints.device, &message).await {
        Ok(state) => state,
        Err(error) => return over(core, account, error).await,
    };
    // Believed only when the service also names the key: an off that came in between wins.
    let is_on = state.sign_in_key.as_deref() == Some(made.thumbprint().as_str());
    let result = state.turn_on.unwrap_or(TurnOnResult::Refused);
    if result == TurnOnResult::Done && is_on {
        let id = account.id.clone();
        core.change(Point::TurnedOn, move |tables| {
            tables.set_sign_in(&id, Some(&made))?;
            tables.set_trouble(&id, None)?;
            tables.end_registration(&id)
        })
        .await?;
        retired_keys::destroy(core).await?;
        return Ok(Step::PhoneSignInOn { account: account.id.clone() });
    }
    standing::settle(core, account, &state).await?;
    let why = match result {
        TurnOnResult::NotAllowed => NotAllowed::Policy,
        TurnOnResult::Expired => NotAllowed::TooLate,
        TurnOnResult::Refused | TurnOnResult::Done => NotAllowed::Refused,
    };
    not_allowed(core, account, why).await
}

/// It is over for a reason that the person should read; nothing is left of it.
async fn not_allowed(core: &Core, account: &AccountRecord, why: NotAllowed) -> Result<Step, Error> {
    delete_stage(core, &account.id).await?;
    Ok(Step::NotAllowed { host: account.issuer.host().to_owned(), why })
}

/// Gives a registration up. Before the last stage the service knows nothing that lasts; there the same
/// transaction tells it to take the key off again, in case it had it.
///
/// # Errors
/// `UnknownTicket` when it has finished or was given up before.
pub(crate) async fn abandon(core: &Core, id: &AccountId) -> Result<(), Error> {
    let (account, stage) = load(core, id).await?;
    if let Stage::Telling { alias, guard, point, .. } = stage {
        let entry =
            Entry::turn_off(&account, &SignInKey { alias, key: point_of(&point)?, guard }, core.ports.clock.now())?;
        core.change(Point::TurningOnGivenUp, move |tables| tables.insert_outbox(&entry)).await?;
        core.wake_outbox();
    }
    delete_stage(core, id).await
}

async fn delete_stage(core: &Core, id: &AccountId) -> Result<(), Error> {
    let id = id.clone();
    core.change(Point::TurningOnForgotten, move |tables| tables.end_registration(&id)).await?;
    retired_keys::destroy(core).await
}
