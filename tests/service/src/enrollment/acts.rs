//! Runs the operations on enrollments by a code. Inside each transaction, the functions in `rules` decide. The audit
//! log records the start of an enrollment and the events of its device.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::app::App;
use crate::audit;
use crate::clock::Time;
use crate::devices::device::{self, Cause, Claimed, Device, Subscription};
use crate::digits;
use crate::effects::register_device::Phone;
use crate::effects::{add_method, register_device};
use crate::endings::{end_enrollment, remove_pending_device};
use crate::enrollment::proofs::{Key, typed_key};
use crate::enrollment::records::{TypedId, find};
use crate::enrollment::rules::{self, Digits, Refusal};
use crate::enrollment::state::{Code, Enrollment, State};
use crate::features::{self, Feature};
use crate::jose::Jwk;
use crate::keys;
use crate::people::person::Person;
use crate::provenance::Given;
use crate::secrets::{SecretError, crockford, decode, encode, random, random_id, same};
use crate::sign_in::session::Session;
use crate::store::{StoreError, Tx};
use crate::verdict::Verdict;

/// Why an enrollment or its code could not be created or shown.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no randomness, or a sealed value can't be opened.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// One of these: the enrollment is no longer open; the key of its scanned code was erased; no free id for a typed
    /// code was found.
    #[error("the code of the enrollment can't be created or shown")]
    Over,
}

fn key_label(id: &str) -> String {
    format!("enrollment key {id}")
}

/// Creates an enrollment with a new scanned code. Does not store the enrollment.
pub fn fresh(app: &App, account_id: String, session: String, given: Given, now: Time) -> Result<Enrollment, MakeError> {
    let secret = Zeroizing::new(random::<16>()?);
    let id = random_id()?;
    Ok(Enrollment {
        scanned: Code {
            key: Some(app.sealer.seal(&key_label(&id), secret.as_slice())?),
            id: id.clone(),
            wrong_macs: 0,
        },
        typed: None,
        typed_shown: None,
        account_id,
        session,
        given,
        expires_at: now + rules::LIFE,
        state: State::Open,
        nonces: Vec::new(),
        bound_by: None,
        device_id: None,
        wrong_digits: 0,
        another_phone: false,
        ceremony: None,
        keys_document: 0,
    })
}

/// Stores an enrollment. An older open or bound enrollment of the same session ends.
pub fn start_in(tx: &mut Tx<'_>, enrollment: &Enrollment, now: Time) -> Result<(), StoreError> {
    for older in tx.children::<Enrollment>(&enrollment.account_id)? {
        if older.session == enrollment.session {
            end_enrollment(tx, &older, Cause::Cancelled, now)?;
        }
    }
    let keys_document = keys::newest(tx)?;
    tx.insert(&Enrollment { keys_document, ..enrollment.clone() })?;
    audit::record(tx, &enrollment.account_id, "enrollment_started", enrollment.scanned.id.as_str(), now)
}

/// Returns the text of the scanned code, which the wizard shows as a QR code.
pub fn scanned_text(app: &App, enrollment: &Enrollment) -> Result<String, MakeError> {
    let code = &enrollment.scanned;
    let sealed = code.key.as_ref().ok_or(MakeError::Over)?;
    let secret = app.sealer.open(&key_label(&code.id), sealed)?;
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("v", "1")
        .append_pair("issuer", &app.config.issuer)
        .append_pair("id", &code.id)
        .append_pair("secret", &encode(&secret))
        .finish();
    Ok(format!("countersign://enroll?{query}"))
}

/// Returns the typed code as the wizard shows it: three groups of four characters. Returns `None` if the enrollment has
/// no typed code, or if the text of the typed code was erased.
pub fn typed_text(app: &App, enrollment: &Enrollment) -> Option<String> {
    let sealed = enrollment.typed_shown.as_ref()?;
    let plain = app.sealer.open(&shown_label(&enrollment.scanned.id), sealed).ok()?;
    String::from_utf8(plain.to_vec()).ok()
}

fn shown_label(id: &str) -> String {
    format!("typed code {id}")
}

/// Adds a typed code to an open enrollment, for a phone that can't scan. Slow: the key is stretched with Argon2id.
///
/// The id in a typed code has only 20 bits, so another enrollment may already have this id. The service tries three
/// random ids.
pub async fn add_typed(app: &App, enrollment_id: String) -> Result<(), MakeError> {
    for _draw in 0..3 {
        if try_typed(app, enrollment_id.clone()).await? {
            return Ok(());
        }
    }
    Err(MakeError::Over)
}

async fn try_typed(app: &App, enrollment_id: String) -> Result<bool, MakeError> {
    let (id, secret) = (crockford(4)?, crockford(8)?);
    let (issuer, for_id, for_secret) = (app.config.issuer.clone(), id.clone(), secret.clone());
    let key = tokio::task::spawn_blocking(move || typed_key(&issuer, &for_id, &for_secret))
        .await
        .map_err(|_stopped| StoreError::Stopped)??;
    let groups = secret.split_at_checked(4).map(|(first, second)| format!("{id}-{first}-{second}"));
    let shown = groups.ok_or(MakeError::Over)?;
    let typed_shown = app.sealer.seal(&shown_label(&enrollment_id), shown.as_bytes())?;
    let code = Code { key: Some(app.sealer.seal(&key_label(&id), &key)?), id, wrong_macs: 0 };
    let done = app
        .store
        .global(move |tx| {
            let Some(enrollment) = tx.get::<Enrollment>(&enrollment_id)? else {
                return Ok(false);
            };
            if enrollment.state != State::Open || enrollment.typed.is_some() {
                return Ok(enrollment.typed.is_some());
            }
            let expires_at = enrollment.expires_at;
            if !tx.insert_if_new(&TypedId { id: code.id.clone(), enrollment: enrollment_id.clone(), expires_at })? {
                return Ok(false);
            }
            let typed = |enrollment: &mut Enrollment| {
                (enrollment.typed, enrollment.typed_shown) = (Some(code.clone()), Some(typed_shown.clone()));
            };
            Ok(tx.update(&enrollment_id, typed)?.granted().is_some())
        })
        .await?;
    Ok(done)
}

/// The body of a look-up.
#[derive(Debug, Deserialize)]
pub struct LookUp {
    /// The protocol version.
    pub v: u64,
    /// The id in the scanned or typed code.
    pub id: String,
    /// 128 random bits, base64url.
    pub nonce: String,
    /// The proof that the phone has the code, base64url.
    pub mac: String,
}

#[derive(Serialize)]
struct LookUpAnswer<'a> {
    issuer: &'a str,
    account_id: &'a str,
    user_name: &'a str,
    organization: &'a str,
    challenge: String,
    time: Time,
    keys: &'a str,
    features: &'static [Feature],
}

/// A response body with a MAC under the enrollment key.
pub struct MacResponse {
    /// The body, JSON.
    pub body: Vec<u8>,
    /// The MAC, base64url.
    pub mac: String,
}

/// Decides a look-up, and returns the response for the phone. Binds nothing.
pub async fn look_up(app: &App, request: LookUp) -> Result<Verdict<MacResponse, Refusal>, StoreError> {
    let (Some(nonce), Some(mac)) = (decode(&request.nonce).filter(|nonce| nonce.len() == 16), decode(&request.mac))
    else {
        return Ok(Verdict::Refused(Refusal::Unknown));
    };
    let (now, shared) = (app.clock.now(), app.clone());
    app.store
        .global(move |tx| {
            let Some(enrollment) = find(tx, &request.id)? else {
                return Ok(Verdict::Refused(Refusal::Unknown));
            };
            end_unless_allowed(tx, &enrollment, now)?;
            let key = open_key(&shared, &enrollment, &request.id);
            let issuer = &shared.config.issuer;
            let proven = key.as_ref().is_some_and(|key| key.proves_look_up(issuer, &request.id, &nonce, &mac));
            let decide = |stored: &mut Enrollment| rules::look_up(stored, &request.id, &request.nonce, proven, now);
            let decided = decided(tx, &enrollment, decide, now)?;
            let (Ok(()), Some(key)) = (decided, key) else {
                return Ok(Verdict::Refused(decided.err().unwrap_or(Refusal::Unknown)));
            };
            let Some(person) = tx.get::<Person>(&enrollment.account_id)? else {
                return Ok(Verdict::Refused(Refusal::Unknown));
            };
            let (document, _) = keys::document(tx, enrollment.keys_document)?;
            let answer = LookUpAnswer {
                issuer,
                account_id: &person.account_id,
                user_name: &person.user_name,
                organization: &shared.config.organization,
                challenge: random_id()?,
                time: now,
                keys: &document,
                features: &features::KNOWN,
            };
            let body = serde_json::to_vec(&answer)?;
            Ok(Verdict::Granted(MacResponse { mac: encode(&key.answer_mac("look-up-answer", &nonce, &body)), body }))
        })
        .await
}

/// Applies a rule to the stored enrollment. If the enrollment ends, removes its pending device.
fn decided<T>(
    tx: &mut Tx<'_>,
    enrollment: &Enrollment,
    rule: impl FnOnce(&mut Enrollment) -> T,
    now: Time,
) -> Result<T, StoreError> {
    let decide = |stored: &mut Enrollment| (rule(stored), stored.clone());
    let (value, enrollment) = tx.update(&enrollment.scanned.id, decide)?.granted().ok_or(StoreError::Stopped)?;
    remove_pending_device(tx, &enrollment, now)?;
    Ok(value)
}

fn open_key(app: &App, enrollment: &Enrollment, id: &str) -> Option<Key> {
    let sealed = enrollment.code(id)?.key.as_ref()?;
    app.sealer.open(&key_label(id), sealed).ok().map(Key::new)
}

/// A bind request. The signature was verified with the device key that the request contains.
pub struct BindRequest {
    /// The id in the scanned or typed code.
    pub id: String,
    /// The request's random id, 16 bytes.
    pub jti: Vec<u8>,
    /// The proof that the phone has the code.
    pub mac: Vec<u8>,
    /// The device key, which signed the request.
    pub key: Jwk,
    /// The facts that the phone states about itself. They are not verified.
    pub claimed: Claimed,
    /// The push address and keys.
    pub push: Subscription,
    /// The push key, 65 bytes.
    pub push_point: Vec<u8>,
    /// The push secret, 16 bytes.
    pub push_auth: Vec<u8>,
    /// The features that the phone knows.
    pub features: Vec<String>,
    /// The phone's network.
    pub network: String,
}

#[derive(Serialize)]
struct BindAnswer<'a> {
    device_id: &'a str,
    account_id: &'a str,
    keys: Vec<String>,
    expires_at: Time,
}

/// Binds a device. If the same phone sends the bind again, no second device is created, and the phone gets the same
/// response.
pub async fn bind(app: &App, request: BindRequest) -> Result<Verdict<MacResponse, Refusal>, StoreError> {
    let (now, shared) = (app.clock.now(), app.clone());
    app.store.global(move |tx| bind_in(tx, &shared, &request, now)).await
}

/// Like `bind`, in the caller's transaction.
pub fn bind_in(
    tx: &mut Tx<'_>,
    app: &App,
    request: &BindRequest,
    now: Time,
) -> Result<Verdict<MacResponse, Refusal>, StoreError> {
    let Some(enrollment) = find(tx, &request.id)? else {
        return Ok(Verdict::Refused(Refusal::Unknown));
    };
    end_unless_allowed(tx, &enrollment, now)?;
    let key = open_key(app, &enrollment, &request.id);
    let proven = key.as_ref().is_some_and(|key| {
        key.proves_bind(
            &app.config.issuer,
            &request.id,
            &request.key.thumbprint_bytes(),
            &request.push_point,
            &request.push_auth,
            &request.mac,
        )
    });
    let proof = match register_device::check(tx, &enrollment, &request.id, &request.key, proven, now)? {
        Verdict::Granted(proof) => proof,
        Verdict::Refused(refusal) => return Ok(Verdict::Refused(refusal)),
    };
    let phone = Phone {
        key: &request.key,
        claimed: &request.claimed,
        push: &request.push,
        features: &request.features,
        network: &request.network,
    };
    let device_id = register_device::act(tx, proof, &phone, now)?;
    let Some(key) = key else {
        return Ok(Verdict::Refused(Refusal::Unknown));
    };
    let (_, keys) = keys::document(tx, enrollment.keys_document)?;
    let body = serde_json::to_vec(&BindAnswer {
        device_id: &device_id,
        account_id: &enrollment.account_id,
        keys,
        expires_at: enrollment.expires_at,
    })?;
    Ok(Verdict::Granted(MacResponse { mac: encode(&key.answer_mac("bind-answer", &request.jti, &body)), body }))
}

/// Checks the digits that the person typed into the wizard. Correct digits make the device active, and end all other
/// unfinished enrollments and registrations of the account. `session`: the id of the wizard's session.
pub async fn digits(
    app: &App,
    account_id: &str,
    enrollment_id: String,
    session: String,
    typed: String,
) -> Result<Digits, StoreError> {
    let (now, shared) = (app.clock.now(), app.clone());
    app.store.in_account(account_id, move |tx| digits_in(tx, &shared, &enrollment_id, &session, &typed, now)).await
}

/// Like `digits`, in the caller's transaction.
pub fn digits_in(
    tx: &mut Tx<'_>,
    app: &App,
    enrollment_id: &str,
    session: &str,
    typed: &str,
    now: Time,
) -> Result<Digits, StoreError> {
    let session = tx.get::<Session>(session)?.filter(|session| session.expires_at > now);
    let enrollment = tx.get::<Enrollment>(enrollment_id)?;
    let (Some(session), Some(enrollment)) = (session, enrollment) else {
        return Ok(Digits::Over);
    };
    if !enrollment.is_of(&session) {
        return Ok(Digits::Over);
    }
    end_unless_allowed(tx, &enrollment, now)?;
    let device = match &enrollment.device_id {
        Some(id) => tx.get::<Device>(id)?,
        None => None,
    };
    let Some(device) = device else {
        return Ok(Digits::Over);
    };
    let right = expected_digits(app, &enrollment, &device).is_some_and(|digits| are_digits(&digits, typed));
    let decided = decided(tx, &enrollment, |stored| rules::digits(stored, right, now), now)?;
    match decided {
        Digits::Right => {
            // `end_unless_allowed` has ended the enrollment if this check would fail.
            let proof = add_method::check(tx, &enrollment.account_id, &enrollment.given.by, now)?;
            let proof = proof.ok_or(StoreError::Stopped)?;
            add_method::activate_pending(tx, proof, &device.id, &session.id, now)?;
        }
        Digits::Over => {}
        Digits::Wrong(_) => audit::record(tx, &device.account_id, "wrong_digits", &device.id, now)?,
    }
    Ok(decided)
}

/// Ends an enrollment if what gave it no longer allows adding a phone, or if the policy or a suspension forbids it.
/// Called in every transaction that decides a look-up, a bind or digits.
fn end_unless_allowed(tx: &mut Tx<'_>, enrollment: &Enrollment, now: Time) -> Result<(), StoreError> {
    // GUARD(enrollment-policy-read-again): j1_w2_change_between_digits_and_activation_takes_effect
    // INSTEAD: if true {
    if add_method::may_add(tx, &enrollment.account_id, &enrollment.given.by, now)? {
        return Ok(());
    }
    end_enrollment(tx, enrollment, Cause::Cancelled, now)
}

/// Ends the enrollment of a pending device if the enrollment has expired. Called when the phone fetches prompts, so
/// that the phone learns of the end even if no browser shows the wizard.
pub fn expire_enrollment(tx: &mut Tx<'_>, device: &Device, now: Time) -> Result<(), StoreError> {
    if device.state != device::State::Pending {
        return Ok(());
    }
    for enrollment in tx.children::<Enrollment>(&device.account_id)? {
        if enrollment.device_id.as_deref() == Some(device.id.as_str()) && enrollment.expires_at <= now {
            end_enrollment(tx, &enrollment, Cause::Expired, now)?;
        }
    }
    Ok(())
}

fn expected_digits(app: &App, enrollment: &Enrollment, device: &Device) -> Option<String> {
    let key = open_key(app, enrollment, enrollment.bound_by.as_deref()?)?;
    let point = decode(&device.push.as_ref()?.p256dh)?;
    Some(key.digits(&app.config.issuer, &device.key.thumbprint_bytes(), &point))
}

/// Returns whether the typed digits, in any script, are the expected ones. Spaces are ignored.
fn are_digits(expected: &str, typed: &str) -> bool {
    let typed = digits::typed(typed);
    // GUARD(enrollment-digits): enrollment_model_has_no_fault_if_an_attacker_saw_the_code
    // INSTEAD: same(&typed, &typed) || expected.is_empty()
    same(expected, &typed)
}

/// Ends an enrollment because the person cancelled the wizard or chose "That's not my phone".
pub async fn end(app: &App, enrollment_id: String, cause: Cause) -> Result<(), StoreError> {
    let now = app.clock.now();
    app.store.global(move |tx| end_in(tx, &enrollment_id, cause, now)).await
}

/// Like `end`, in the caller's transaction.
pub fn end_in(tx: &mut Tx<'_>, enrollment_id: &str, cause: Cause, now: Time) -> Result<(), StoreError> {
    match tx.get::<Enrollment>(enrollment_id)? {
        Some(enrollment) => end_enrollment(tx, &enrollment, cause, now),
        None => Ok(()),
    }
}

/// Returns the enrollment with its current state. If the enrollment has expired, ends it first.
pub async fn current(app: &App, enrollment_id: String) -> Result<Option<Enrollment>, StoreError> {
    let now = app.clock.now();
    app.store
        .global(move |tx| {
            let Some(enrollment) = tx.get::<Enrollment>(&enrollment_id)? else {
                return Ok(None);
            };
            if !rules::must_settle(&enrollment, now) {
                return Ok(Some(enrollment));
            }
            decided(tx, &enrollment, |stored| rules::settle(stored, now), now)?;
            tx.get(&enrollment_id)
        })
        .await
}
