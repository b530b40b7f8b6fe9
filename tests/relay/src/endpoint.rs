//! Seals each subscription in its push endpoint. Therefore the relay needs no database, and subscriptions survive a
//! restart.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

/// Lifetime of a subscription, in seconds: 90 days.
pub const LIFE: u64 = 90 * 24 * 60 * 60;
const LABEL: &[u8] = b"countersign relay endpoint v1";

/// The content of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// SHA-256 of the phone's bearer secret, base64url. This hash names the queue of the phone's messages.
    pub address: String,
    /// The phone's random name for the account, base64url; passed on, never interpreted.
    pub slot: String,
    /// The VAPID key of the only service that may push to this endpoint: uncompressed point, 65 bytes, base64url.
    pub vapid_key: String,
    /// When the subscription expires, seconds since 1970.
    pub expires_at: u64,
}

/// Why an endpoint is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The endpoint was not sealed by this relay, or was altered.
    #[error("no such endpoint")]
    Unknown,
    /// The subscription has expired.
    #[error("the subscription has expired")]
    Expired,
}

/// Seals and opens endpoints.
pub struct Sealer(LessSafeKey);

impl Sealer {
    /// Makes a sealer with the relay's key.
    ///
    /// # Errors
    /// `Unknown` when the key does not have 32 bytes. The type of `key` makes this impossible.
    pub fn new(key: &[u8; 32]) -> Result<Self, EndpointError> {
        UnboundKey::new(&AES_256_GCM, key)
            .map(|key| Self(LessSafeKey::new(key)))
            .map_err(|_length| EndpointError::Unknown)
    }

    /// Seals a subscription; the result is the last path segment of its endpoint.
    ///
    /// # Errors
    /// `Unknown` when the random generator fails.
    pub fn seal(&self, subscription: &Subscription) -> Result<String, EndpointError> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_none| EndpointError::Unknown)?;
        let mut sealed = serde_json::to_vec(subscription).map_err(|_never| EndpointError::Unknown)?;
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(LABEL), &mut sealed)
            .map_err(|_unspecified| EndpointError::Unknown)?;
        Ok(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Opens the last path segment of an endpoint. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// `Unknown` when this relay did not seal the endpoint, and `Expired` when the subscription has expired.
    pub fn open(&self, sealed: &str, now: u64) -> Result<Subscription, EndpointError> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(|_malformed| EndpointError::Unknown)?;
        let (nonce, body) = bytes.split_first_chunk::<NONCE_LEN>().ok_or(EndpointError::Unknown)?;
        let mut buffer = body.to_vec();
        let plain = self
            .0
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(LABEL), &mut buffer)
            .map_err(|_unspecified| EndpointError::Unknown)?;
        let subscription: Subscription = serde_json::from_slice(plain).map_err(|_malformed| EndpointError::Unknown)?;
        if subscription.expires_at <= now { Err(EndpointError::Expired) } else { Ok(subscription) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn subscription() -> Subscription {
        let text = |text: &str| text.to_owned();
        Subscription { address: text("address"), slot: text("slot"), vapid_key: text("key"), expires_at: 1_000 }
    }

    #[test]
    fn only_unaltered_and_unexpired_endpoints_open() {
        let sealer = Sealer::new(&[7; 32]).unwrap();
        let sealed = sealer.seal(&subscription()).unwrap();
        assert_eq!(sealer.open(&sealed, 999), Ok(subscription()));
        assert_eq!(sealer.open(&sealed, 1_000), Err(EndpointError::Expired));
        assert_eq!(Sealer::new(&[8; 32]).unwrap().open(&sealed, 999), Err(EndpointError::Unknown));
        for altered in ["", "AAAA", &sealed.replacen(|_: char| true, "!", 1), &format!("{sealed}A")] {
            assert_eq!(sealer.open(altered, 999), Err(EndpointError::Unknown));
        }
    }
}
