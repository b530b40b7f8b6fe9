//! Loads and rotates the service's own keys. Messages to phones, pushes (VAPID) and ID tokens are signed by different
//! keys.
//!
//! Only the key that signs messages to phones is rotated. The service publishes a new key when the current key is 90
//! days old, or when the operator runs the command `rotate-keys`:
//!
//! ```text
//! [old] ──publish──▶ [old, new] ──48 hours──▶ new signs ──1 hour──▶ [new]
//! ```
//!
//! Brackets show the keys of a key document. The documents form a chain: each document is signed by a key of the
//! previous document. The first document is signed by its own key. Every process reads the keys and their start times
//! from the database once a minute. Two processes therefore change to the new key at the same time without a message
//! between them.

use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::audit;
use crate::clock::{DAY, HOUR, Time};
use crate::jose::{Jwk, SigningKey};
use crate::secrets::{Sealed, Sealer};
use crate::store::{Record, Store, StoreError, Table, Tx};

const KEYS_TYP: &str = "phone-keys+jwt";
/// When the key that signs messages to phones has this age, the next key is published.
pub const LIFE: Time = 90 * DAY;
/// Time between publishing a new key and signing with it (protocol section 6).
pub const AHEAD: Time = 2 * DAY;
/// Time from the first use of the new key until the old key is dropped. After this time, everything that the old key
/// signed has expired, even on a phone with a slow clock.
pub const OVERLAP: Time = HOUR;

/// With a chain of this length, no further key is published. Each rotation adds two documents, and a phone follows at
/// most 512 documents (protocol section 6). At four rotations a year, the chain lasts sixty years.
const MAX_DOCUMENTS: usize = 510;

/// A stored private key.
#[derive(Clone, Serialize, Deserialize)]
pub struct KeyRecord {
    name: String,
    scalar: Sealed,
    /// Every key document so far, in the record [`PHONE`]. Empty in the other records.
    chain: Vec<String>,
    /// The published next key, in the record [`PHONE`]. `None` in the other records, and while no next key is
    /// published.
    #[serde(default)]
    next: Option<Successor>,
    /// When the key started to sign.
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

/// The action of a key rotation that is due now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing is due.
    Stay,
    /// Publish a new key.
    Publish,
    /// Drop the old key.
    Drop,
}

/// Decides which action of a key rotation is due now. `since`: when the current key started to sign. `signs_from`: when
/// the next key starts to sign, if a next key is published.
#[must_use]
pub fn turn(since: Time, signs_from: Option<Time>, now: Time) -> Turn {
    match signs_from {
        Some(signs_from) if now >= signs_from.saturating_add(OVERLAP) => Turn::Drop,
        Some(_) => Turn::Stay,
        None if now >= since.saturating_add(LIFE) => Turn::Publish,
        None => Turn::Stay,
    }
}

/// The keys that sign messages to phones. The next key signs from the time that is stored with it.
#[derive(Clone)]
struct PhoneKeys {
    current: Arc<SigningKey>,
    next: Option<(Arc<SigningKey>, Time)>,
    documents: usize,
}

/// The service's keys in use.
pub struct Keys {
    issuer: String,
    phone: RwLock<PhoneKeys>,
    id_token: SigningKey,
    vapid_scalar: Zeroizing<Vec<u8>>,
    vapid_point: String,
}

/// The record name of the keys that sign messages to phones.
pub const PHONE: &str = "phone";

impl Keys {
    /// Loads the keys. Creates missing keys.
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

    /// Returns whether the key documents are for this issuer. Phones do not accept a change of the issuer.
    #[must_use]
    pub fn are_for_issuer(&self, issuer: &str) -> bool {
        self.issuer == issuer
    }

    /// Returns the key that signs messages to phones at this time.
    #[must_use]
    pub fn phone(&self, now: Time) -> Arc<SigningKey> {
        let keys = self.phone.read().unwrap_or_else(PoisonError::into_inner);
        match &keys.next {
            // GUARD(key-signs-from): new_key_is_published_two_days_before_it_signs
            // INSTEAD: Some((next, signs_from)) if now < *signs_from => Arc::clone(next),
            Some((next, signs_from)) if now >= *signs_from => Arc::clone(next),
            Some(_) | None => Arc::clone(&keys.current),
        }
    }

    /// Returns the number of the newest key document that this process has loaded.
    #[must_use]
    pub fn newest_document(&self) -> usize {
        self.phone.read().unwrap_or_else(PoisonError::into_inner).documents
    }

    /// Performs the action of the key rotation that is due now, if there is one: publishes a new key or drops the old
    /// key. Then loads the stored keys, which another process may have changed. Must be called at intervals shorter
    /// than [`AHEAD`], so that this process loads the next key before that key signs. Blocks.
    pub fn rotate_if_due(&self, store: &Store, sealer: &Sealer, now: Time) -> Result<(), StoreError> {
        let keys = store.global_blocking(|tx| {
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

    /// Returns the key that signs ID tokens.
    #[must_use]
    pub fn id_token(&self) -> &SigningKey {
        &self.id_token
    }

    /// Returns the private scalar of the key that signs pushes (RFC 8292).
    #[must_use]
    pub fn vapid_scalar(&self) -> &[u8] {
        &self.vapid_scalar
    }

    /// Returns the public point of the key that signs pushes, base64url.
    #[must_use]
    pub fn vapid_point(&self) -> &str {
        &self.vapid_point
    }
}

/// Publishes a new key for the operator's command, and returns when this key starts to sign. If a next key is already
/// published, changes nothing, and returns when that key starts to sign.
pub fn publish_now(tx: &mut Tx<'_>, sealer: &Sealer, now: Time) -> Result<Time, StoreError> {
    let mut record = stored(tx)?;
    // GUARD(one-successor): parallel_rotations_make_one_new_key
    // INSTEAD: if true {
    if record.next.is_none() {
        publish(tx, sealer, &mut record, now)?;
    }
    record.next.map(|next| next.signs_from).ok_or(StoreError::Stopped)
}

/// Returns every key document, starting with the first.
pub fn chain(tx: &mut Tx<'_>) -> Result<Vec<String>, StoreError> {
    Ok(stored(tx)?.chain)
}

/// Returns the number of the newest document in the chain.
pub fn newest(tx: &mut Tx<'_>) -> Result<usize, StoreError> {
    Ok(stored(tx)?.chain.len())
}

/// Returns two values: the document with this number; and the thumbprints of its keys, in the document's order. Numbers
/// start at 1.
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

/// Publishes a new key. The document contains the old key and the new key, and is signed by the old key. Does nothing
/// if the chain has its maximum length.
fn publish(tx: &mut Tx<'_>, sealer: &Sealer, record: &mut KeyRecord, now: Time) -> Result<(), StoreError> {
    if record.chain.len() >= MAX_DOCUMENTS {
        tracing::error!("the chain of key documents has its maximum length, so no new key is published");
        return Ok(());
    }
    let scalar = SigningKey::make_scalar().ok_or(StoreError::Stopped)?;
    let (old, new) = (opened(sealer, &record.scalar)?, key_of(&scalar)?);
    link(record, &old, vec![old.public(), new.public()], now)?;
    record.next = Some(Successor { scalar: sealed(sealer, PHONE, &scalar)?, signs_from: now.saturating_add(AHEAD) });
    tx.update::<KeyRecord, _>(PHONE, |stored| stored.clone_from(record))?.granted();
    audit::record(tx, "", "phone_key_published", new.kid(), now)
}

/// Publishes a document that contains only the new key, and is signed by the new key. The old key is no longer valid
/// and is deleted.
fn drop_old(tx: &mut Tx<'_>, sealer: &Sealer, record: &mut KeyRecord, now: Time) -> Result<(), StoreError> {
    let Some(next) = record.next.take() else {
        return Ok(());
    };
    let new = opened(sealer, &next.scalar)?;
    link(record, &new, vec![new.public()], now)?;
    (record.scalar, record.since) = (next.scalar, next.signs_from);
    tx.update::<KeyRecord, _>(PHONE, |stored| stored.clone_from(record))?.granted();
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

/// Loads the private scalar of the key with this name, and its record. Creates both on first use.
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
    tx.insert(&record)?;
    Ok((scalar, record))
}
