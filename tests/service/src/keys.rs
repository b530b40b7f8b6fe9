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

use crate::clock::{DAY, HOUR, Time};
use crate::jose::{Jwk, SigningKey};
use crate::secrets::{Sealed, Sealer};
use crate::store::{Record, StoreError, Table, Tx};

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

impl KeyRecord {
    /// Returns which action of a key rotation is due now.
    #[must_use]
    pub fn turn(&self, now: Time) -> Turn {
        turn(self.since, self.next_signs_from(), now)
    }

    /// Returns when the next key starts to sign, if a next key is published.
    #[must_use]
    pub fn next_signs_from(&self) -> Option<Time> {
        self.next.as_ref().map(|next| next.signs_from)
    }

    /// Returns whether a new key can be published: the chain of key documents is shorter than its maximum length.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.chain.len() < MAX_DOCUMENTS
    }

    /// Adds a new key, and returns its thumbprint. The new document contains the old key and the new key, and is signed
    /// by the old key. Stores nothing.
    pub fn publish(&mut self, sealer: &Sealer, now: Time) -> Result<String, StoreError> {
        let scalar = SigningKey::make_scalar().ok_or(StoreError::Stopped)?;
        let (old, new) = (opened(sealer, &self.scalar)?, key_of(&scalar)?);
        self.link(&old, vec![old.public(), new.public()], now)?;
        self.next = Some(Successor { scalar: sealed(sealer, PHONE, &scalar)?, signs_from: now.saturating_add(AHEAD) });
        Ok(new.kid().to_owned())
    }

    /// Replaces the old key by the next key, and returns the thumbprint of that key. The new document contains only
    /// that key, and is signed by it. Stores nothing.
    pub fn drop_old(&mut self, sealer: &Sealer, now: Time) -> Result<String, StoreError> {
        let next = self.next.take().ok_or(StoreError::Stopped)?;
        let new = opened(sealer, &next.scalar)?;
        self.link(&new, vec![new.public()], now)?;
        (self.scalar, self.since) = (next.scalar, next.signs_from);
        Ok(new.kid().to_owned())
    }

    fn link(&mut self, by: &SigningKey, keys: Vec<&Jwk>, now: Time) -> Result<(), StoreError> {
        let issuer = issuer_of(&self.chain).ok_or(StoreError::Stopped)?;
        let document = Document { iss: &issuer, iat: now, seq: self.chain.len().saturating_add(1), keys };
        self.chain.push(by.sign(KEYS_TYP, &document).map_err(|_library| StoreError::Stopped)?);
        Ok(())
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

    /// Uses these stored keys from now on, because they may have changed. Must be called at intervals shorter than
    /// [`AHEAD`], so that this process loads the next key before that key signs.
    pub fn reload(&self, stored: &KeyRecord, sealer: &Sealer) -> Result<(), StoreError> {
        let keys = phone_keys(sealer, stored)?;
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

/// Returns the stored keys that sign messages to phones, with their documents.
pub fn stored(tx: &mut Tx<'_>) -> Result<KeyRecord, StoreError> {
    tx.get::<KeyRecord>(PHONE)?.ok_or(StoreError::Stopped)
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
