//! The service's own keys: those that speak to phones (a chain of documents), the one that signs pushes,
//! the one that signs ID tokens. Never one for another's use.
//!
//! The key towards phones is replaced every quarter, and by the operator's word:
//!
//! ```text
//! [old] ──publish──▶ [old, new] ──48 hours──▶ new signs ──1 hour──▶ [new]
//! ```
//!
//! Each document is signed by a key of the one before it. Every process reads the database once a minute and then
//! goes by the clock, so two of them sign with the same key without a word between them.

use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::audit;
use crate::clock::{DAY, HOUR, Time};
use crate::jose::{Jwk, SigningKey};
use crate::secrets::{Sealed, Sealer};
use crate::store::{Record, Store, StoreError, Table, Tx};

const KEYS_TYP: &str = "phone-keys+jwt";
/// A key towards phones is replaced when it is this old.
pub const LIFE: Time = 90 * DAY;
/// New keys are published this long before they are used (protocol section 6).
pub const AHEAD: Time = 2 * DAY;
/// What the old key signed is over by then, the slowest clock included.
pub const OVERLAP: Time = HOUR;

/// A phone follows no longer chain; each rotation takes two documents. At one a quarter it lasts for sixty years.
const MOST_DOCUMENTS: usize = 510;

/// A stored key.
#[derive(Serialize, Deserialize)]
pub struct KeyRecord {
    name: String,
    scalar: Sealed,
    /// Documents signed so far; only for the phone keys.
    chain: Vec<String>,
    /// The key that was published to follow it; only for the phone keys.
    #[serde(default)]
    next: Option<Successor>,
    /// Since when it signs.
    #[serde(default)]
    since: Time,
}

#[derive(Clone, Serialize, Deserialize)]
struct Successor {
    scalar: Sealed,
    signs_from: Time,
}

impl Record for KeyRecord {
    const TABLE: Table = Table::Keys;

    fn id(&self) -> &str {
        &self.name
    }

    fn parent(&self) -> &str {
        ""
    }

    fn expires_at(&self) -> Option<Time> {
        None
    }
}

#[derive(Serialize)]
struct Document<'a> {
    iss: &'a str,
    iat: Time,
    seq: usize,
    keys: Vec<&'a Jwk>,
}

/// What is to be done about the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing.
    Stay,
    /// A new key is published.
    Publish,
    /// The old key is dropped.
    Drop,
}

/// What a time asks for: `since` the key in use signs, and `signs_from` the published one will.
#[must_use]
pub fn turn(since: Time, signs_from: Option<Time>, now: Time) -> Turn {
    match signs_from {
        Some(signs_from) if now >= signs_from.saturating_add(OVERLAP) => Turn::Drop,
        Some(_) => Turn::Stay,
        None if now >= since.saturating_add(LIFE) => Turn::Publish,
        None => Turn::Stay,
    }
}

/// The keys that sign towards phones, each from its time on.
#[derive(Clone)]
struct PhoneKeys {
    current: Arc<SigningKey>,
    next: Option<(Arc<SigningKey>, Time)>,
    documents: usize,
}

/// The keys in use.
pub struct Keys {
    issuer: String,
    phone: RwLock<PhoneKeys>,
    id_token: SigningKey,
    vapid_scalar: Zeroizing<Vec<u8>>,
    vapid_point: String,
}

/// The record's name of the keys towards phones.
pub const PHONE: &str = "phone";

impl Keys {
    /// Reads the keys, and makes them the first time.
    pub fn load(tx: &mut Tx<'_>, sealer: &Sealer, issuer: &str, now: Time) -> Result<Self, StoreError> {
        let (_scalar, phone) = load_one(tx, sealer, PHONE, now, |key| {
            let first = Document { iss: issuer, iat: now, seq: 1, keys: vec![key.public()] };
            key.sign(KEYS_TYP, &first).map(|first| vec![first]).map_err(|_library| StoreError::Stopped)
        })?;
        let (id_token, _) = load_one(tx, sealer, "id_token", now, |_key| Ok(Vec::new()))?;
        let (vapid_scalar, _) = load_one(tx, sealer, "vapid", now, |_key| Ok(Vec::new()))?;
        let point = key_of(&vapid_scalar)?.public().point().map_err(|_own_key| StoreError::Stopped)?;
        Ok(Self {
            issuer: issuer_of(&phone.chain).unwrap_or_default(),
            phone: RwLock::new(phone_keys(sealer, &phone)?),
            id_token: key_of(&id_token)?,
            vapid_scalar,
            vapid_point: crate::secrets::encode(&point),
        })
    }

    /// Whether the first document, which phones pin, names this issuer.
    #[must_use]
    pub fn are_of(&self, issuer: &str) -> bool {
        self.issuer == issuer
    }

    /// Signs towards phones at this time.
    #[must_use]
    pub fn phone(&self, now: Time) -> Arc<SigningKey> {
        let keys = self.phone.read().unwrap_or_else(PoisonError::into_inner);
        match &keys.next {
            // GUARD(key-signs-from): a_new_key_is_published_two_days_before_it_signs_and_the_old_one_then_signs_nothing
            // INSTEAD: Some((next, signs_from)) if now < *signs_from => Arc::clone(next),
            Some((next, signs_from)) if now >= *signs_from => Arc::clone(next),
            Some(_) | None => Arc::clone(&keys.current),
        }
    }

    /// Number of the newest document towards phones.
    #[must_use]
    pub fn newest_document(&self) -> usize {
        self.phone.read().unwrap_or_else(PoisonError::into_inner).documents
    }

    /// Does what is due, and takes over what another process did; at least once in every [`AHEAD`]. Blocks.
    pub fn keep_turning(&self, store: &Store, sealer: &Sealer, now: Time) -> Result<(), StoreError> {
        let keys = store.run_blocking(|tx| {
            let mut record = stored(tx)?;
            match turn(record.since, record.next.as_ref().map(|next| next.signs_from), now) {
                Turn::Stay => {}
                Turn::Publish => publish(tx, sealer, &mut record, now)?,
                Turn::Drop => drop_old(tx, sealer, &mut record, now)?,
            }
            phone_keys(sealer, &record)
        })?;
        *self.phone.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// Signs ID tokens.
    #[must_use]
    pub fn id_token(&self) -> &SigningKey {
        &self.id_token
    }

    /// Signs pushes (RFC 8292): private scalar.
    #[must_use]
    pub fn vapid_scalar(&self) -> &[u8] {
        &self.vapid_scalar
    }

    /// Signs pushes: public point, base64url.
    #[must_use]
    pub fn vapid_point(&self) -> &str {
        &self.vapid_point
    }
}

/// Publishes a successor now, by the operator's word; says from when on it signs. One that is published already stays.
pub fn publish_now(tx: &mut Tx<'_>, sealer: &Sealer, now: Time) -> Result<Time, StoreError> {
    let mut record = stored(tx)?;
    // GUARD(one-successor): two_services_that_rotate_at_once_make_one_successor
    // INSTEAD: if true {
    if record.next.is_none() {
        publish(tx, sealer, &mut record, now)?;
    }
    record.next.map(|next| next.signs_from).ok_or(StoreError::Stopped)
}

/// Every key document, from the first on.
pub fn chain(tx: &mut Tx<'_>) -> Result<Vec<String>, StoreError> {
    Ok(stored(tx)?.chain)
}

/// The newest document's number in the chain.
pub fn newest(tx: &mut Tx<'_>) -> Result<usize, StoreError> {
    Ok(stored(tx)?.chain.len())
}

/// The document with this number, and the names of its keys, in its order.
pub fn document(tx: &mut Tx<'_>, number: usize) -> Result<(String, Vec<String>), StoreError> {
    let chain = stored(tx)?.chain;
    let document = number.checked_sub(1).and_then(|index| chain.get(index)).ok_or(StoreError::Stopped)?;
    let keys = payload(document).and_then(|mut claims| claims.get_mut("keys").map(serde_json::Value::take));
    let keys: Vec<Jwk> = serde_json::from_value(keys.unwrap_or_default())?;
    Ok((document.clone(), keys.iter().map(Jwk::thumbprint).collect()))
}

fn stored(tx: &mut Tx<'_>) -> Result<KeyRecord, StoreError> {
    tx.get::<KeyRecord>(PHONE)?.ok_or(StoreError::Stopped)
}

/// The new key beside the old, signed by the old.
fn publish(tx: &mut Tx<'_>, sealer: &Sealer, record: &mut KeyRecord, now: Time) -> Result<(), StoreError> {
    if record.chain.len() >= MOST_DOCUMENTS {
        tracing::error!("the chain of keys is as long as phones follow it: the key in use stays");
        return Ok(());
    }
    let scalar = SigningKey::make_scalar().ok_or(StoreError::Stopped)?;
    let (old, new) = (opened(sealer, &record.scalar)?, key_of(&scalar)?);
    link(record, &old, vec![old.public(), new.public()], now)?;
    record.next = Some(Successor { scalar: sealed(sealer, PHONE, &scalar)?, signs_from: now.saturating_add(AHEAD) });
    tx.put(record)?;
    audit::record(tx, "", "phone_key_published", new.kid(), now)
}

/// The new key alone, signed by itself: the old one counts no longer, and is forgotten.
fn drop_old(tx: &mut Tx<'_>, sealer: &Sealer, record: &mut KeyRecord, now: Time) -> Result<(), StoreError> {
    let Some(next) = record.next.take() else {
        return Ok(());
    };
    let new = opened(sealer, &next.scalar)?;
    link(record, &new, vec![new.public()], now)?;
    (record.scalar, record.since) = (next.scalar, next.signs_from);
    tx.put(record)?;
    audit::record(tx, "", "phone_key_in_use", new.kid(), now)
}

fn link(record: &mut KeyRecord, by: &SigningKey, keys: Vec<&Jwk>, now: Time) -> Result<(), StoreError> {
    let issuer = issuer_of(&record.chain).ok_or(StoreError::Stopped)?;
    let document = Document { iss: &issuer, iat: now, seq: record.chain.len().saturating_add(1), keys };
    record.chain.push(by.sign(KEYS_TYP, &document).map_err(|_library| StoreError::Stopped)?);
    Ok(())
}

fn payload(document: &str) -> Option<serde_json::Value> {
    let payload = crate::secrets::decode(document.split('.').nth(1)?)?;
    serde_json::from_slice(&payload).ok()
}

fn issuer_of(chain: &[String]) -> Option<String> {
    Some(payload(chain.first()?)?.get("iss")?.as_str()?.to_owned())
}

fn phone_keys(sealer: &Sealer, record: &KeyRecord) -> Result<PhoneKeys, StoreError> {
    let next = match &record.next {
        Some(next) => Some((Arc::new(opened(sealer, &next.scalar)?), next.signs_from)),
        None => None,
    };
    let current = Arc::new(opened(sealer, &record.scalar)?);
    Ok(PhoneKeys { current, next, documents: record.chain.len() })
}

fn label(name: &str) -> String {
    format!("signing key {name}")
}

fn sealed(sealer: &Sealer, name: &str, scalar: &[u8]) -> Result<Sealed, StoreError> {
    sealer.seal(&label(name), scalar).map_err(|_error| StoreError::Stopped)
}

fn opened(sealer: &Sealer, scalar: &Sealed) -> Result<SigningKey, StoreError> {
    key_of(&sealer.open(&label(PHONE), scalar).map_err(|_error| StoreError::Stopped)?)
}

fn key_of(scalar: &[u8]) -> Result<SigningKey, StoreError> {
    SigningKey::from_scalar(scalar).map_err(|_range| StoreError::Stopped)
}

/// The key of this name with its record, made the first time.
fn load_one(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    name: &str,
    now: Time,
    first_chain: impl FnOnce(&SigningKey) -> Result<Vec<String>, StoreError>,
) -> Result<(Zeroizing<Vec<u8>>, KeyRecord), StoreError> {
    if let Some(record) = tx.get::<KeyRecord>(name)? {
        let scalar = sealer.open(&label(name), &record.scalar).map_err(|_error| StoreError::Stopped)?;
        return Ok((scalar, record));
    }
    let scalar = SigningKey::make_scalar().ok_or(StoreError::Stopped)?;
    let chain = first_chain(&key_of(&scalar)?)?;
    let record =
        KeyRecord { name: name.to_owned(), scalar: sealed(sealer, name, &scalar)?, chain, next: None, since: now };
    tx.put(&record)?;
    Ok((scalar, record))
}
