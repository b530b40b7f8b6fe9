//! Creates the participants of the models: the service, and two persons with one phone each. Fixed values replace all
//! random values.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use countersign::testing::decisions::Receiver;
use countersign_service::app::App;
use countersign_service::clock::{Clock, Time};
use countersign_service::config::Config;
use countersign_service::devices::device::{Claimed, Device, SignInKey, State, Subscription};
use countersign_service::jose::Jwk;
use countersign_service::keys::{self, KeyRecord, PHONE};
use countersign_service::people::person::Person;
use countersign_service::people::records::add;
use countersign_service::prompts::records::Prompt;
use countersign_service::provenance::{ApprovedBy, Given};
use countersign_service::secrets::{decode, encode};
use countersign_service::store::StoreError;

use crate::rows::Rows;

/// The service's issuer.
pub const ISSUER: &str = "https://login.test";
/// The issuer of the attacker's service.
pub const EVIL: &str = "https://evil.test";
/// The time at which every model begins.
pub const START: Time = 1_790_000_000;
/// The account of the honest person.
pub const ALICE: &str = "alice";
/// The attacker's own account.
pub const MALLORY: &str = "mallory";
/// Alice's phone.
pub const ALICES_PHONE: &str = "phone-of-alice";
/// The attacker's phone.
pub const MALLORYS_PHONE: &str = "phone-of-mallory";

/// A clock that does not advance, because each transaction gets the time as an argument.
struct Still;

impl Clock for Still {
    fn now(&self) -> Time {
        START
    }
}

/// The service of every model, in memory.
#[must_use]
pub fn service() -> App {
    let config = Config {
        issuer: ISSUER.to_owned(),
        organization: "Example".to_owned(),
        data: None,
        clients: Vec::new(),
        phone_redirects: Vec::new(),
        app_link: None,
        private_relays: Vec::new(),
        relay_authorities: String::new(),
        limits: Config::LIMITS,
    };
    App::open(config, Arc::new(Still)).expect("the service can't be opened in memory")
}

/// Alice and Mallory, without phones.
#[must_use]
pub fn people() -> Rows {
    let mut rows = Rows::default();
    for name in [ALICE, MALLORY] {
        let mut person = Person::new(name, name, "a test password", START).expect("a person can't be created");
        person.account_id = name.to_owned();
        rows.run(|tx| add(tx, &person));
    }
    rows
}

/// A public key with a name. It has no private key: the model decides who can sign with it.
#[must_use]
pub fn key(name: &str) -> Jwk {
    Jwk { kty: "EC".to_owned(), crv: "P-256".to_owned(), x: encode(name.as_bytes()), y: String::new() }
}

/// The device key of a phone.
#[must_use]
pub fn device_key(phone: &str) -> Jwk {
    key(&format!("device key of {phone}"))
}

/// The sign-in key of a phone.
#[must_use]
pub fn sign_in_key(phone: &str) -> Jwk {
    key(&format!("sign-in key of {phone}"))
}

/// Adds an active phone to each of the two accounts. The phones have no push address, because the models deliver
/// prompts without the relay.
pub fn add_phones(rows: &mut Rows, with_sign_in: bool) {
    for (phone, account) in [(ALICES_PHONE, ALICE), (MALLORYS_PHONE, MALLORY)] {
        let claimed =
            Claimed { name: phone.to_owned(), model: String::new(), os: String::new(), app_version: String::new() };
        let push = Subscription { endpoint: String::new(), p256dh: String::new(), auth: String::new() };
        let given = || Given::by_operator(START);
        let mut device =
            Device::pending(phone.to_owned(), account.to_owned(), device_key(phone), claimed, push, given(), START);
        device.sign_in = with_sign_in.then(|| SignInKey { key: sign_in_key(phone), given: given() });
        (device.state, device.push) = (State::Active, None);
        rows.run(|tx| tx.insert(&device));
        rows.run(|tx| {
            let thumbprint = device.key.thumbprint();
            tx.insert(&countersign_service::devices::records::DeviceKey { thumbprint, device_id: device.id.clone() })
        });
    }
}

/// Adds the service's key record, which enrollments need.
pub fn add_keys(app: &App, rows: &mut Rows) {
    let stored = app.store.global_blocking(|tx| tx.get::<KeyRecord>(PHONE)).ok().flatten();
    let stored = stored.expect("the service has no keys");
    rows.run(|tx| tx.insert(&stored));
}

/// Creates Alice's phone with Alice's account. The phone knows the service's keys.
#[must_use]
pub fn receiver(app: &App) -> Receiver {
    let first = app.store.global_blocking(|tx| keys::document(tx, 1));
    let (document, _names) = first.expect("the service has no key document");
    Receiver::new(ISSUER, ALICES_PHONE, ALICE, &document)
}

/// Always returns the smallest number instead of a random one. This choice causes the most collisions.
///
/// # Errors
/// Never.
pub fn smallest(_limit: u32) -> Result<u32, countersign_service::secrets::SecretError> {
    Ok(0)
}

static SIGNED: LazyLock<Mutex<HashMap<String, String>>> = LazyLock::new(Mutex::default);

/// Replaces the random ids of a new ceremony and its prompts by fixed names, and signs each prompt again.
///
/// A prompt's id must have 128 bits, so the name is padded to that length.
pub fn name_ceremony(app: &App, rows: &mut Rows, by_chance: &str, name: &str) {
    rows.rename(by_chance, name);
    let prompts: Vec<Prompt> = rows.run(|tx| tx.children(name));
    for prompt in prompts {
        let jti = encode(&padded(&format!("{name} {}", prompt.device_id.trim_start_matches("phone-of-"))));
        let payload = prompt.jws.split('.').nth(1).and_then(decode).and_then(|bytes| String::from_utf8(bytes).ok());
        let payload = payload.expect("a prompt of the service can't be read").replace(&prompt.jti, &jti);
        let jws = sign(app, payload).expect("the service can't sign");
        rows.rename(&prompt.jti, &jti);
        rows.run(|tx| tx.update::<Prompt, _>(&jti, |stored| stored.jws = jws)).granted();
    }
}

fn padded(name: &str) -> [u8; 16] {
    let mut bytes = [b' '; 16];
    bytes.iter_mut().zip(name.bytes()).for_each(|(byte, given)| *byte = given);
    bytes
}

/// Signs a payload. Signing is slow, so a payload that was signed before gets its stored signature.
fn sign(app: &App, payload: String) -> Result<String, StoreError> {
    let mut signed = SIGNED.lock().expect("the mutex is poisoned");
    let mine = format!("{} {payload}", app.keys.phone(START).kid());
    if let Some(jws) = signed.get(&mine) {
        return Ok(jws.clone());
    }
    let claims: serde_json::Value = serde_json::from_str(&payload)?;
    let jws = app.keys.phone(START).sign("phone-prompt+jwt", &claims).map_err(|_library| StoreError::Stopped)?;
    signed.insert(mine, jws.clone());
    Ok(jws)
}

/// Returns the provenance of what an approval gave before the model begins.
#[must_use]
pub fn by_approval(ceremony: &str) -> Given {
    let (ceremony, device) = (ceremony.to_owned(), "a removed phone".to_owned());
    Given::by_approval(ApprovedBy { ceremony, device, at: START, administers: false, acted_at: None }, START)
}
