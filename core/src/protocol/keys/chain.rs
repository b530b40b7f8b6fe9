//! Pins the first document of service keys, and follows the chain to the newest one (section 6 of the protocol).

use serde::Deserialize;

use super::ServiceKeys;
use crate::base::jose;
use crate::base::jose::{Jwk, PublicKey, base64url};
use crate::values::issuer::Issuer;

const TYP: &str = "phone-keys+jwt";
const MAX_KEYS: usize = 8;
/// Longest chain that is followed: 42 years with one rotation a month.
const MAX_CHAIN: usize = 512;

/// The service's new keys can't be verified. The stored keys stay in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the service's new keys can't be verified")]
pub(crate) struct UntrustedKeys;

#[derive(Deserialize)]
struct Claims {
    iss: String,
    seq: u64,
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Published {
    chain: Vec<String>,
}

impl ServiceKeys {
    /// Reads the first key document that this phone gets from a service. Any `seq` from 1 is accepted. The signature is
    /// not verified.
    ///
    /// # Errors
    /// `UntrustedKeys` in each of these cases: the document is malformed; it names another issuer; its `seq` is 0; it
    /// has no key, or more than 8; a key is not on the curve.
    ///
    /// # Security
    /// Call it only with an authenticated document: the MAC authenticates a look-up response, and TLS authenticates a
    /// token response. The signature of the document proves nothing here, because that signature was made with one of
    /// the document's own keys, or with a key that this phone does not know.
    pub(crate) fn pinned(jws: &str, issuer: &Issuer) -> Result<Self, UntrustedKeys> {
        let payload = jws.split('.').nth(1).ok_or(UntrustedKeys)?;
        let payload = base64url::decode(payload).map_err(|_malformed| UntrustedKeys)?;
        Self::from_claims(jose::parse(&payload).map_err(|_malformed| UntrustedKeys)?, issuer)
    }

    fn from_claims(claims: Claims, issuer: &Issuer) -> Result<Self, UntrustedKeys> {
        let counted = (1..=MAX_KEYS).contains(&claims.keys.len());
        let on_curve = claims.keys.iter().all(|jwk| PublicKey::from_jwk(jwk).is_ok());
        if claims.iss != issuer.as_str() || claims.seq == 0 || !counted || !on_curve {
            return Err(UntrustedKeys);
        }
        Ok(Self { seq: claims.seq, keys: claims.keys })
    }

    /// Returns whether a document with this `seq` is newer than these keys.
    pub(crate) fn is_older_than(&self, seq: u64) -> bool {
        self.seq < seq
    }

    /// Returns the keys' thumbprints in base64url, in the document's order.
    pub(crate) fn thumbprints(&self) -> Vec<String> {
        self.public_keys().map(|key| base64url::encode(&key.thumbprint())).collect()
    }

    /// Follows the published chain from these keys to the newest ones.
    ///
    /// # Errors
    /// `UntrustedKeys` in each of these cases, which mean that the service was set up again, or that an attacker's
    /// server replied:
    /// - The published chain is malformed, or has more than 512 documents.
    /// - The chain does not contain these keys at the position of their `seq`.
    /// - A later document is not signed by a key of the document before it.
    pub(crate) fn follow(&self, published: &[u8], issuer: &Issuer) -> Result<Self, UntrustedKeys> {
        let published: Published = jose::parse(published).map_err(|_malformed| UntrustedKeys)?;
        if published.chain.len() > MAX_CHAIN {
            return Err(UntrustedKeys);
        }
        let place = usize::try_from(self.seq).ok().and_then(|seq| seq.checked_sub(1)).ok_or(UntrustedKeys)?;
        let mut chain = published.chain.iter().skip(place);
        // GUARD(service-set-up-again): j9_w5_a_replaced_service_identity_is_refused
        // INSTEAD: if Self::pinned(chain.next().ok_or(UntrustedKeys)?, issuer)?.keys.is_empty() {
        if Self::pinned(chain.next().ok_or(UntrustedKeys)?, issuer)? != *self {
            return Err(UntrustedKeys);
        }
        chain.try_fold(self.clone(), |current, jws| current.successor(jws, issuer))
    }

    /// Verifies the next document with these keys, and returns the new keys.
    ///
    /// # Errors
    /// `UntrustedKeys` in each of these cases: the document is malformed; it names another issuer; it is not signed by
    /// one of these keys; its `seq` is not the next number; it has no key, or more than 8; a key is not on the curve.
    pub(crate) fn successor(&self, jws: &str, issuer: &Issuer) -> Result<Self, UntrustedKeys> {
        // GUARD(keys-chain-signed): j9_w5_key_documents_of_an_interceptor_are_refused
        // INSTEAD: let claims: Claims = jose::parse(&base64url::decode(jws.split('.').nth(1).ok_or(UntrustedKeys)?).map_err(|_| UntrustedKeys)?).map_err(|_| UntrustedKeys)?;
        let claims: Claims = jose::verify(jws, TYP, |kid| self.find(kid)).map_err(|_refused| UntrustedKeys)?;
        let next = Self::from_claims(claims, issuer)?;
        if next.seq == self.seq.saturating_add(1) { Ok(next) } else { Err(UntrustedKeys) }
    }
}
