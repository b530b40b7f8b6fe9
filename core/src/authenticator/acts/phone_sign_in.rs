//! Turns phone sign-in on and off for an account (protocol sections 10.1 and 10.3).
//!
//! ```text
//!   the person agrees      request pushed        browser redirects    authorization code redeemed
//! Confirming ────────▶ Pushing ────────▶ InBrowser ────────────▶ Redeeming ────────────▶ MakingKey
//!                                                                                            │ the app makes the key
//!                             (on) ◀── signed state ── Telling ◀── the key signs ───────── Signing
//! ```
//! After an enrollment by signing in, the first stage is `Authorized`, which leads to `MakingKey`.
//!
//! Each stage is stored before its request, since the system often ends the app while the person is in the browser.
//! The stages contain verifier, `state` and token, so they are stored sealed. When the authorization code or the token
//! has expired, or the service refuses, the act is deleted and a step gives the reason. To turn phone sign-in off, the
//! phone first deletes the key and then informs the service.

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

/// Starts turning phone sign-in on. Sends nothing before the person has agreed, except to finish an older act.
///
/// # Errors
/// `UnknownAccount`, `Removed`; `Platform` when the port `DeviceLock` fails; as `resume` for an older act.
pub(crate) async fn turn_on(core: &Core, id: AccountId, redirect_uri: String) -> Result<Step, Error> {
    let account = active(core, &id).await?;
    if let Some(blocked) = blocked(core, &account).await? {
        return Ok(blocked);
    }
    let wanted = id.clone();
    if let Some(Stage::Telling { .. }) = core.store.read(move |tables| tables.registration(&wanted)).await? {
        // The service may already have the key of an older act, so that act is finished first.
        return resume(core, &id).await;
    }
    core.change(Point::TurningOnCleared, move |tables| tables.end_registration(&id)).await?;
    enter(core, &account, Stage::Confirming { redirect_uri }).await
}

/// If device lock, policy or another account prevents phone sign-in, returns the step that gives the reason; else
/// `None`.
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

/// Stores a stage, and returns the step that shows the stage.
async fn enter(core: &Core, account: &AccountRecord, stage: Stage) -> Result<Step, Error> {
    let id = account.id.clone();
    let stored = stage.clone();
    core.change(stage.point(), move |tables| tables.set_registration(&id, &stored)).await?;
    shown_step(core, account, &stage)
}

/// Returns the step that the app shows for a stored registration.
///
/// # Errors
/// `Platform(Unusable)` when the stored key is not a P-256 point.
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
            let key = PublicKey::from_sec1(point).map_err(|_malformed| Error::Platform(PlatformError::Unusable))?;
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

/// Returns the bytes that the new key signs: one `SignedForm` for each method of user verification that `guard` allows.
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
            // EXPOSE: the key signs the nonce, and the service gets it back.
            nonce: authorized.nonce.expose().to_owned(),
            purpose: Purpose::TurnOn,
            uv,
            attestation: WireAttestation::None,
        };
        jose::signing_input(KEY_TYP, HeaderKey::Jwk(key), &proof)
    })
}

/// Continues a registration from its stored stage.
///
/// # Errors
/// `UnknownTicket`, `UnknownAccount`, `Removed`. After `Offline`, `Untrusted`, `Busy`, `ClockWrong`, `Store` and
/// `Platform(Locked | Transient)` the registration is kept and can be continued later.
pub(crate) async fn resume(core: &Core, id: &AccountId) -> Result<Step, Error> {
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
        // The pushed request has expired: start again at the first stage, and delete the request's secrets.
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

/// Returns the account and the stage of its registration. Fails with `UnknownTicket` when the account has no
/// registration.
async fn load(core: &Core, id: &AccountId) -> Result<(AccountRecord, Stage), Error> {
    let account = active(core, id).await?;
    let wanted = id.clone();
    let stage = core.store.read(move |tables| tables.registration(&wanted)).await?.ok_or(Error::UnknownTicket)?;
    Ok((account, stage))
}

/// Parses a public key from the app (65 bytes). Fails with `Platform(Unusable)` when the bytes are not a P-256 point.
fn point_of(point: &[u8]) -> Result<PublicKey, Error> {
    PublicKey::from_sec1(point).map_err(|_malformed| Error::Platform(PlatformError::Unusable))
}

/// Processes the app's reply to the last step.
///
/// # Errors
/// Nothing was changed after `UnknownTicket`, `ForeignRedirect` and `WrongReply` (the reply does not fit the step).
/// `Platform` with the app's error, or `Platform(Unusable)` for a wrong key or signature. Others as `resume`.
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

/// Handles a reply `Failed`, and returns its error. `Invalidated`, `Gone` and `Unusable` end the act; after any other
/// error the step can be repeated.
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

/// Moves a registration from `Pushing` to `InBrowser`.
async fn push(core: &Core, account: &AccountRecord, sent: Sent) -> Result<Step, Error> {
    enter(core, account, Stage::Pushing { sent: sent.clone() }).await?;
    match authorization::push(core.connection(), &Client::of(account), &sent, SCOPE, &[]).await {
        Ok(Pushed::Open { url, until }) => enter(core, account, Stage::InBrowser { sent, url, until }).await,
        Ok(Pushed::Refused { .. }) => keep_if_transient(core, account, Error::Refused).await,
        Err(error) => keep_if_transient(core, account, error).await,
    }
}

/// Moves a registration from `Redeeming` to `MakingKey`.
async fn redeem(core: &Core, account: &AccountRecord, sent: Sent, code: Bearer) -> Result<Step, Error> {
    enter(core, account, Stage::Redeeming { sent: sent.clone(), code: code.clone() }).await?;
    let redeemed: Result<TokenAnswer, Error> =
        authorization::redeem(core.connection(), &Client::of(account), &sent, &code).await;
    let now = core.ports.clock.now();
    let authorized = match redeemed.and_then(|answer| Authorized::by(answer, &account.account_id, now)) {
        Ok(authorized) => authorized,
        // An authorization code works once. If the response was lost, the person must sign in again.
        Err(Error::Refused) => return not_allowed(core, account, NotAllowed::TooLate).await,
        Err(error) => return keep_if_transient(core, account, error).await,
    };
    choose_key(core, account, authorized).await
}

/// Moves a registration from `Redeeming` or `Authorized` to `MakingKey`: chooses a fresh alias, and the key guard that
/// the last known policy requires.
async fn choose_key(core: &Core, account: &AccountRecord, authorized: Authorized) -> Result<Step, Error> {
    let name: [u8; 16] = random()?;
    let alias = format!("countersign-sign-in-{}", base64url::encode(&name));
    // GUARD(lock-checked-at-key): j4_w10_removing_the_device_lock_stops_turning_on
    if let Some(blocked) = blocked(core, account).await? {
        delete_stage(core, &account.id).await?;
        return Ok(blocked);
    }
    let guard = guard_for(account);
    enter(core, account, Stage::MakingKey { authorized, alias, guard }).await
}

/// Returns the error. Keeps the act if a later try may succeed, else deletes it.
async fn keep_if_transient(core: &Core, account: &AccountRecord, error: Error) -> Result<Step, Error> {
    match &error {
        Error::Offline
        | Error::Untrusted
        | Error::Busy
        | Error::ClockWrong
        | Error::Closed
        | Error::Store(_)
        | Error::Platform(PlatformError::Locked | PlatformError::Transient) => {}
        _permanent => delete_stage(core, &account.id).await?,
    }
    Err(error)
}

/// Moves a registration from `MakingKey` to `Signing`: compares the app's public key with the key in the key store.
///
/// # Security
/// Without this comparison, the app could report a wrong key instead of the guarded key: the device key, which needs no
/// user verification, or a key outside the key store.
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
    let held = core.ports.ask(move |ports| ports.key_store.public_key(wanted)).await;
    match held {
        // GUARD(key-store-reports-wrong-key): j4_w8_only_permanent_key_errors_end_the_step
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

/// Completes a registration in stage `Signing` or `Telling`: stores the proof, sends it, and turns phone sign-in on
/// when the signed state names the key.
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
        Err(error) => return keep_if_transient(core, account, error).await,
    };
    // A repeated proof gets `Done` even if phone sign-in was turned off after the first proof. So `Done` alone does not
    // count: the state must also name the key.
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

/// Deletes the act, and returns the step that shows the person the reason.
async fn not_allowed(core: &Core, account: &AccountRecord, why: NotAllowed) -> Result<Step, Error> {
    delete_stage(core, &account.id).await?;
    Ok(Step::NotAllowed { host: account.issuer.host().to_owned(), why })
}

/// Abandons a registration. In stage `Telling` the service may already have the key, so a message that deregisters the
/// key is stored. In earlier stages the service has stored nothing permanent for the registration.
///
/// # Errors
/// `UnknownTicket` when the registration was completed or already abandoned.
pub(crate) async fn abandon(core: &Core, id: &AccountId) -> Result<(), Error> {
    let (account, stage) = load(core, id).await?;
    if let Stage::Telling { alias, guard, point, .. } = stage {
        let entry =
            Entry::turn_off(&account, &SignInKey { alias, key: point_of(&point)?, guard }, core.ports.clock.now())?;
        core.change(Point::TurningOnAbandoned, move |tables| tables.insert_outbox(&entry)).await?;
        core.wake_outbox();
    }
    delete_stage(core, id).await
}

/// Deletes the registration and the key that was made for it.
async fn delete_stage(core: &Core, id: &AccountId) -> Result<(), Error> {
    let id = id.clone();
    core.change(Point::TurningOnForgotten, move |tables| tables.end_registration(&id)).await?;
    retired_keys::destroy(core).await
}
