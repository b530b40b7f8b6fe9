//! The service's own keys: those that speak to phones (a chain of documents), the one that signs pushes,
//! the one that signs ID tokens. Never one for another's use.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::jose::{Jwk, SigningKey};
use crate::secrets::{Sealed, Sealer};
use crate::store::{Record, StoreError, Table, Tx};

const KEYS_TYP: &str = "phone-keys+jwt";

#[derive(Serialize, Deserialize)]
struct KeyRecord {
    name: String,
    scalar: Sealed,
    /// Documents signed so far; only for the phone keys.
    chain: Vec<String>,
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
    seq: u64,
    keys: [&'a Jwk; 1],
}

/// The keys in use.
pub struct Keys {
    phone: SigningKey,
    chain: Vec<String>,
    id_token: SigningKey,
    vapid_scalar: zeroize::Zeroizing<Vec<u8>>,
    vapid_point: String,
}

impl Keys {
    /// Reads the keys, and makes them the first time.
    pub fn load(tx: &mut Tx<'_>, sealer: &Sealer, issuer: &str, now: Time) -> Result<Self, StoreError> {
        let (phone, chain) = load_one(tx, sealer, "phone", |key| {
            let document = Document { iss: issuer, iat: now, seq: 1, keys: [key.public()] };
            key.sign(KEYS_TYP, &document).map(|first| vec![first]).map_err(|_library| StoreError::Stopped)
        })?;
        let (id_token, _) = load_one(tx, sealer, "id_token", |_key| Ok(Vec::new()))?;
        let (vapid, _) = load_one(tx, sealer, "vapid", |_key| Ok(Vec::new()))?;
        let point = vapid.1.public().point().map_err(|_own_key| StoreError::Stopped)?;
        Ok(Self {
            phone: phone.1,
            chain,
            id_token: id_token.1,
            vapid_scalar: vapid.0,
            vapid_point: crate::secrets::encode(&point),
        })
    }

    /// Whether the first document, which phones pin, names this issuer.
    #[must_use]
    pub fn are_of(&self, issuer: &str) -> bool {
        let payload = self.chain.first().and_then(|first| first.split('.').nth(1)).and_then(crate::secrets::decode);
        let payload = payload.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
        payload.is_some_and(|payload| payload.get("iss").and_then(|iss| iss.as_str()) == Some(issuer))
    }

    /// Signs towards phones.
    #[must_use]
    pub fn phone(&self) -> &SigningKey {
        &self.phone
    }

    /// Signs ID tokens.
    #[must_use]
    pub fn id_token(&self) -> &SigningKey {
        &self.id_token
    }

    /// Every key document, from the first on.
    #[must_use]
    pub fn chain(&self) -> &[String] {
        &self.chain
    }

    /// The document in use.
    #[must_use]
    pub fn current_document(&self) -> &str {
        self.chain.last().map_or("", String::as_str)
    }

    /// Names of the keys in the document in use.
    #[must_use]
    pub fn thumbprints(&self) -> Vec<String> {
        vec![self.phone.kid().to_owned()]
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

type Loaded = (zeroize::Zeroizing<Vec<u8>>, SigningKey);

fn load_one(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    name: &str,
    first_chain: impl FnOnce(&SigningKey) -> Result<Vec<String>, StoreError>,
) -> Result<(Loaded, Vec<String>), StoreError> {
    let label = format!("signing key {name}");
    let stopped = |_error| StoreError::Stopped;
    if let Some(record) = tx.get::<KeyRecord>(name)? {
        let scalar = sealer.open(&label, &record.scalar).map_err(stopped)?;
        let key = SigningKey::from_scalar(&scalar).map_err(|_range| StoreError::Stopped)?;
        return Ok(((scalar, key), record.chain));
    }
    let scalar = SigningKey::make_scalar().ok_or(StoreError::Stopped)?;
    let key = SigningKey::from_scalar(&scalar).map_err(|_range| StoreError::Stopped)?;
    let chain = first_chain(&key)?;
    let sealed = sealer.seal(&label, &scalar).map_err(stopped)?;
    tx.put(&KeyRecord { name: name.to_owned(), scalar: sealed, chain: chain.clone() })?;
    Ok(((scalar, key), chain))
}
