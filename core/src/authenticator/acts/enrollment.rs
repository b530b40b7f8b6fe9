//! Adds an account by an enrollment code: look-up, device key, bind, digits, active account (protocol section 3).
//!
//! ```text
//!            the person accepts       key and push address made   response with valid MAC
//! (looked up) ───────────────▶ Enrolling ───────────▶ KeyMade ───────────────▶ Bound
//!   in memory                      │                    │                       │  signed state
//!                                  └ permanent error ───┴──▶ (deleted)          ├── ok ──▶ (active account)
//!                                                                               └── removed ──▶ Ended(cause)
//! ```
//! Each stage is stored before the next request, so after a kill the enrollment continues from its stored stage. The
//! phone then sends the same key again, and the service sends the same response. When an enrollment is abandoned, the
//! service is informed only in stage `Bound`.

pub(crate) mod by_sign_in;
pub(crate) mod settled;
pub(crate) mod wait;

use crate::authenticator::acts::upkeep::push_address;
use crate::authenticator::acts::upkeep::retired_keys;
use crate::authenticator::context::Core;
use crate::authenticator::error::Error;
use crate::authenticator::network::metadata;
use crate::authenticator::network::metadata::Endpoints;
use crate::authenticator::ports::check_own_signature;
use crate::authenticator::records::account::{AccountRecord, StoredState, device_key_alias};
use crate::authenticator::records::digits;
use crate::authenticator::records::enrollment::{EnrollmentRecord, Event, Facts, Stage, next};
use crate::authenticator::records::outbox_entry::Entry;
use crate::authenticator::speaking;
use crate::authenticator::speaking::clock_offset;
use crate::authenticator::step::Step;
use crate::authenticator::tasks;
use crate::base::clock::Timestamp;
use crate::base::jose::{HeaderKey, PublicKey, base64url};
use crate::base::points::Point;
use crate::base::secret::random;
use crate::base::text::without_controls;
use crate::protocol::code::Invite;
use crate::protocol::features::Features;
use crate::protocol::keys::ServiceKeys;
use crate::protocol::messages::{
    BindAnswer, BindClaims, BindProof, ClaimedDevice, Message, Subscription, WireAttestation,
};
use crate::protocol::proofs::EnrollmentKey;
use crate::protocol::push_message::PushKeys;
use crate::values::account::{Account, AccountId, RemovalCause};
use crate::values::fatigue::Memory;
use crate::values::issuer::Issuer;
use crate::values::platform::{KeyGuard, PlatformError};
use crate::values::ticket::Ticket;

const ENROLLMENT_TYP: &str = "phone-enrollment+jwt";
/// `exp` − `iat` of a signed `phone-enrollment+jwt`, in seconds.
const REQUEST_LIFE: u64 = 120;
/// The longest user name, and the longest name of an organization, that is accepted; in characters.
const MAX_NAME: usize = 128;

/// The result of a look-up, shown to the person for acceptance. Nothing is stored yet.
///
/// # Security
/// The issuer is verified: TLS was trusted for its host, and the response proved knowledge of the code's secret.
/// Organization and user name are not verified: the service can claim any names.
#[derive(Clone)]
pub struct Offer {
    invite_id: String,
    issuer: Issuer,
    key: EnrollmentKey,
    endpoints: Endpoints,
    service_keys: ServiceKeys,
    account_id: String,
    user_name: String,
    organization: String,
    clock_offset: i64,
    already_here: bool,
}

impl Offer {
    /// Returns the verified issuer, `https://host[:port]`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    /// Returns the issuer without `https://`. Show the person this host as the service that asks.
    #[must_use]
    pub fn host(&self) -> &str {
        self.issuer.host()
    }

    /// Returns the organization's name as the service claims it: 1 to 128 characters, without control characters.
    #[must_use]
    pub fn organization(&self) -> &str {
        &self.organization
    }

    /// Returns the user name as the service claims it: 1 to 128 characters, without control characters.
    #[must_use]
    pub fn user_name(&self) -> &str {
        &self.user_name
    }

    /// Whether the account is already on this phone, active or pending. If so, `enroll` fails with `AlreadyHere`.
    #[must_use]
    pub fn already_here(&self) -> bool {
        self.already_here
    }
}

/// How adding an account ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum EnrollmentEnd {
    /// The service accepted the digits; the account is active.
    Active {
        /// The new account.
        account: Account,
    },
    /// The service ended the enrollment; its records and keys are deleted from this phone.
    Ended {
        /// The cause, from the service's signed state.
        cause: RemovalCause,
    },
}

/// Looks an invite up at its service (protocol section 3.1). Stores nothing.
///
/// # Errors
/// As `metadata::discover` and `speaking::enrollment::look_up`; `InvalidAnswer` for invalid service keys or names;
/// `ClockWrong`; `Store`; `Platform(Transient)` when there is not enough memory for Argon2id.
pub(crate) async fn look_up(core: &Core, invite: Invite) -> Result<Offer, Error> {
    let (invite, key) = enrollment_key(invite).await?;
    let endpoints = metadata::discover(&core.http, invite.issuer()).await?;
    let answer = speaking::enrollment::look_up(&core.http, &endpoints.look_up, &invite, &key).await?;
    let service_keys = ServiceKeys::pinned(&answer.keys, invite.issuer()).map_err(|_untrusted| Error::InvalidAnswer)?;
    let clock_offset = clock_offset::offset_between(core.ports.clock.now().0, answer.time).ok_or(Error::ClockWrong)?;
    let user_name = claimed_name(&answer.user_name)?;
    let organization = claimed_name(&answer.organization)?;
    let issuer = invite.issuer().clone();
    let account_id = answer.account_id.clone();
    let already_here = core.store.read(move |tables| tables.has_account(&issuer, &account_id)).await?;
    Ok(Offer {
        invite_id: invite.id().to_owned(),
        issuer: invite.issuer().clone(),
        key,
        endpoints,
        service_keys,
        account_id: answer.account_id,
        user_name,
        organization,
        clock_offset,
        already_here,
    })
}

/// Derives the enrollment key on a blocking thread, because Argon2id for a typed code takes about a second. Argon2id
/// also needs 64 MiB of memory.
async fn enrollment_key(invite: Invite) -> Result<(Invite, EnrollmentKey), Error> {
    tasks::blocking(move || {
        let key = invite.enrollment_key().map_err(|_memory| Error::Platform(PlatformError::Transient))?;
        Ok((invite, key))
    })
    .await?
}

/// Returns a name that the service claims, without the control and direction characters that could disguise the name.
///
/// # Errors
/// `InvalidAnswer` when the remaining name is empty or too long.
pub(crate) fn claimed_name(name: &str) -> Result<String, Error> {
    let name = without_controls(name);
    let fits = (1..=MAX_NAME).contains(&name.chars().count());
    if fits { Ok(name) } else { Err(Error::InvalidAnswer) }
}

/// Stores the enrollment that the person has accepted, and continues until the digits can be shown.
///
/// # Errors
/// Nothing was stored in these cases: `AlreadyHere`; `Platform` when the system has no randomness; `Store` when the
/// enrollment can't be stored. After the enrollment is stored, the errors are those of `advance`.
pub(crate) async fn enroll(core: &Core, offer: Offer) -> Result<Step, Error> {
    if offer.already_here {
        return Err(Error::AlreadyHere);
    }
    let account = AccountId(fresh_id()?);
    let slot: [u8; 16] = random()?;
    let record = EnrollmentRecord {
        ticket: Ticket(account.0.clone()),
        stage: Stage::Enrolling,
        push_keys: PushKeys::make().map_err(|_none| Error::Platform(PlatformError::Unusable))?,
        key: offer.key,
        facts: Facts {
            account,
            issuer: offer.issuer,
            invite_id: offer.invite_id,
            account_id: offer.account_id,
            user_name: offer.user_name,
            organization: offer.organization,
            endpoints: offer.endpoints,
            service_keys: offer.service_keys,
            slot: slot.to_vec(),
            clock_offset: offer.clock_offset,
        },
    };
    let ticket = record.ticket.clone();
    core.change(Point::EnrollmentAccepted, move |tables| tables.insert_enrollment(&record)).await?;
    advance(core, &ticket).await
}

/// Makes a random id of 128 bits for an account on this phone.
fn fresh_id() -> Result<String, Error> {
    let id: [u8; 16] = random()?;
    Ok(base64url::encode(&id))
}

/// Continues from the stored stage until the digits or the cause of the end can be shown, and returns that step.
///
/// # Errors
/// `UnknownTicket`. After a transient error (`is_transient`) the enrollment is kept; after any other error it is
/// deleted from this phone.
pub(crate) async fn advance(core: &Core, ticket: &Ticket) -> Result<Step, Error> {
    loop {
        let wanted = ticket.clone();
        let record = core.store.read(move |tables| tables.enrollment(&wanted)).await?;
        let result = match &record.stage {
            Stage::Enrolling => make_key(core, &record).await,
            Stage::KeyMade { point, push_endpoint } => bind(core, &record, point, push_endpoint).await,
            Stage::Bound { .. } | Stage::Ended { .. } => return Ok(shown_step(&record)),
        };
        if let Err(error) = result {
            if !is_transient(&error) {
                delete_record(core, &record).await?;
            }
            return Err(error);
        }
    }
}

/// Returns the step that the app shows for a stored enrollment.
pub(crate) fn shown_step(record: &EnrollmentRecord) -> Step {
    let ticket = record.ticket.clone();
    let host = record.facts.issuer.host().to_owned();
    match &record.stage {
        Stage::Enrolling | Stage::KeyMade { .. } => Step::EnrollmentInterrupted { ticket, host },
        Stage::Bound { point, until } => match digits::shown(record, point) {
            Ok(digits) => Step::ShowDigits { ticket, host, digits, until: *until },
            Err(_unreadable) => Step::EnrollmentInterrupted { ticket, host },
        },
        Stage::Ended { cause } => Step::EnrollmentEnded { ticket, host, cause: *cause },
    }
}

/// Whether a later try may succeed after this error. If so, the enrollment is kept.
fn is_transient(error: &Error) -> bool {
    matches!(
        error,
        Error::Offline
            | Error::Untrusted
            | Error::Busy
            | Error::Closed
            | Error::Store(_)
            | Error::Platform(PlatformError::Locked | PlatformError::Transient)
    )
}

/// Moves an enrollment from `Enrolling` to `KeyMade`.
async fn make_key(core: &Core, record: &EnrollmentRecord) -> Result<(), Error> {
    let facts = &record.facts;
    let (point, push_endpoint) = make_device(core, &facts.account, &facts.endpoints, facts.slot.clone()).await?;
    let stage = next(&record.stage, Event::KeyMade { point, push_endpoint }).ok_or(Error::UnknownTicket)?;
    let ticket = record.ticket.clone();
    core.change(Point::EnrollmentKeyMade, move |tables| tables.set_enrollment_stage(&ticket, &stage)).await
}

/// Makes the device key and gets a push address. A second call returns the same key, because the alias is the same.
async fn make_device(
    core: &Core,
    account: &AccountId,
    endpoints: &Endpoints,
    slot: Vec<u8>,
) -> Result<(Vec<u8>, String), Error> {
    let alias = device_key_alias(account);
    let point = core.ports.ask(move |ports| ports.key_store.make(alias, KeyGuard::AfterFirstUnlock)).await?;
    PublicKey::from_sec1(&point).map_err(|_malformed| Error::Platform(PlatformError::Unusable))?;
    Ok((point, push_address::subscribe(core, endpoints, slot).await?))
}

/// Moves an enrollment from `KeyMade` to `Bound`: sends the device key with a proof of K, and checks that the response
/// names the same account and the same service keys as the look-up.
async fn bind(core: &Core, record: &EnrollmentRecord, point: &[u8], push_endpoint: &str) -> Result<(), Error> {
    let device_key = PublicKey::from_sec1(point).map_err(|_malformed| Error::Platform(PlatformError::Unusable))?;
    let jti: [u8; 16] = random()?;
    let facts = &record.facts;
    let (push_point, push_secret) = (record.push_keys.point(), record.push_keys.auth());
    let thumbprint = device_key.thumbprint();
    let mac = record.key.bind_mac(facts.issuer.as_str(), &facts.invite_id, &thumbprint, push_point, push_secret);
    let proof = BindProof::Code { enrollment: facts.invite_id.clone(), mac: base64url::encode(&mac) };
    let push = Subscription::new(push_endpoint, &record.push_keys);
    let claims = bind_claims(core, &facts.endpoints, facts.clock_offset, push, proof, &jti);
    let alias = device_key_alias(&record.facts.account);
    let jws = core.ports.sign_jws(&alias, ENROLLMENT_TYP, HeaderKey::Jwk(&device_key), &claims).await?;
    check_own_signature(&jws, &device_key)?;
    let answer =
        speaking::enrollment::bind(&core.http, &record.facts.endpoints.enrollment, jws, &jti, &record.key).await?;
    if answer.account_id != record.facts.account_id || answer.keys != record.facts.service_keys.thumbprints() {
        return Err(Error::Impostor);
    }
    bound(core, record, device_key, answer).await
}

/// Returns the claims of a `phone-enrollment+jwt` (protocol sections 3.2 and 11).
fn bind_claims(
    core: &Core,
    endpoints: &Endpoints,
    clock_offset: i64,
    push: Subscription,
    proof: BindProof,
    jti: &[u8; 16],
) -> BindClaims {
    let device = &core.ports.device;
    let iat = core.ports.clock.now().shifted(clock_offset).0;
    BindClaims {
        aud: endpoints.enrollment.clone(),
        iat,
        exp: iat.saturating_add(REQUEST_LIFE),
        jti: base64url::encode(jti),
        v: 1,
        proof,
        device: ClaimedDevice {
            name: device.name.clone(),
            model: device.model.clone(),
            os: device.os.clone(),
            app_version: device.app_version.clone(),
        },
        push,
        attestation: WireAttestation::None,
        features: Features::known(),
    }
}

/// Stores the stage `Bound` and the pending account, in one transaction.
async fn bound(core: &Core, record: &EnrollmentRecord, device_key: PublicKey, answer: BindAnswer) -> Result<(), Error> {
    let facts = record.facts.clone();
    let account = AccountRecord {
        key_alias: device_key_alias(&facts.account),
        device_key,
        id: facts.account,
        issuer: facts.issuer,
        account_id: facts.account_id,
        user_name: facts.user_name,
        organization: facts.organization,
        device_id: answer.device_id,
        state: StoredState::Pending,
        slot: facts.slot,
        push_keys: record.push_keys.clone(),
        endpoints: facts.endpoints,
        service_keys: facts.service_keys,
        clock_offset: facts.clock_offset,
        added_at: core.ports.clock.now(),
        sign_in: None,
        policy: None,
        trouble: None,
        memory: Memory::default(),
    };
    let until = Timestamp(answer.expires_at).shifted(record.facts.clock_offset.saturating_neg());
    let stage = next(&record.stage, Event::Bound { until }).ok_or(Error::UnknownTicket)?;
    let ticket = record.ticket.clone();
    core.change(Point::EnrollmentBound, move |tables| {
        tables.insert_account(&account)?;
        tables.set_enrollment_stage(&ticket, &stage)
    })
    .await
}

/// Deletes an enrollment. In stage `Bound` the service knows the device, so the service is informed, now or later.
///
/// # Errors
/// `UnknownTicket` when the enrollment was completed or already abandoned.
pub(crate) async fn abandon(core: &Core, ticket: &Ticket) -> Result<(), Error> {
    let wanted = ticket.clone();
    let record = core.store.read(move |tables| tables.enrollment(&wanted)).await?;
    if matches!(record.stage, Stage::Bound { .. }) {
        let account = record.facts.account.clone();
        let account = core.store.read(move |tables| tables.account(&account)).await?;
        let endpoint = account.endpoints.device.clone();
        let now = core.ports.clock.now();
        let entry = Entry::new(&account, endpoint, Message::Abandon, now)?;
        core.change(Point::EnrollmentAbandoned, move |tables| tables.insert_outbox(&entry)).await?;
    }
    delete_record(core, &record).await?;
    core.wake_outbox();
    Ok(())
}

/// Deletes an enrollment and its keys from this phone. If a message `abandon` waits in the outbox, the device key must
/// still sign this message, so the key is deleted later.
async fn delete_record(core: &Core, record: &EnrollmentRecord) -> Result<(), Error> {
    let ticket = record.ticket.clone();
    let account = record.facts.account.clone();
    core.change(Point::EnrollmentForgotten, move |tables| {
        tables.delete_enrollment(&ticket)?;
        // Also retires the device key of an enrollment that has no account record yet.
        tables.delete_account(&account)
    })
    .await?;
    retired_keys::destroy(core).await
}

#[cfg(test)]
mod tests;
