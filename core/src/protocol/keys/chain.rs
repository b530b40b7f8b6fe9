//! How the keys of a service are pinned, and how a phone follows them: each document is signed by a key of the one
//! before it.

use serde::Deserialize;

use super::ServiceKeys;
use crate::base::jose;
use crate::base::jose::{Jwk, PublicKey, base64url};
use crate::values::issuer::Issuer;

const TYP: &str = "phone-keys+jwt";
const MAX_KEYS: usize = 8;
/// A chain longer than this is not followed; at one rotation a month it lasts for decades.
const MAX_CHAIN: usize = 512;

/// The service's keys can't be believed; the ones held stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("keys that nothing vouches for")]
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
    /// Reads a document that something else vouches for (the MAC of the look-up answer).
    ///
    /// # Security
    /// Call only with a document whose bytes are authenticated: its signature is by one of its own keys
    /// or by a predecessor that this phone has never seen, and proves nothing here.
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

    /// Whether a document of this number came after these.
    pub(crate) fn is_older_than(&self, seq: u64) -> bool {
        self.seq < seq
    }

    /// Thumbprints in the document's order, base64url.
    pub(crate) fn thumbprints(&self) -> Vec<String> {
        self.public_keys().map(|key| base64url::encode(&key.thumbprint())).collect()
    }

    /// Follows the published chain from this set to the newest one.
    ///
    /// # Errors
    /// `UntrustedKeys` when the chain does not hold this set at its place, or a later link is not signed by the set
    /// before it: whoever answers now is not who was pinned.
    pub(crate) fn follow(&self, published: &[u8], issuer: &Issuer) -> Result<Self, UntrustedKeys> {
        let published: Published = jose::parse(published).map_err(|_malformed| UntrustedKeys)?;
        if published.chain.len() > MAX_CHAIN {
            return Err(UntrustedKeys);
        }
        let place = usize::try_from(self.seq).ok().and_then(|seq| seq.checked_sub(1)).ok_or(UntrustedKeys)?;
        let mut chain = published.chain.iter().skip(place);
        // GUARD(service-set-up-anew): j9_w5_a_service_that_was_set_up_anew_under_the_same_name_is_not_believed
        // INSTEAD: if Self::pinned(chain.next().ok_or(UntrustedKeys)?, issuer)?.keys.is_empty() {
        if Self::pinned(chain.next().ok_or(UntrustedKeys)?, issuer)? != *self {
            return Err(UntrustedKeys);
        }
        chain.try_fold(self.clone(), |current, jws| current.successor(jws, issuer))
    }

    /// The next set, signed by a key of this one.
    ///
    /// # Errors
    /// `UntrustedKeys`.
    pub(crate) fn successor(&self, jws: &str, issuer: &Issuer) -> Result<Self, UntrustedKeys> {
        // GUARD(keys-chain-signed): j9_w5_an_interceptor_with_keys_of_his_own_is_not_believed
        // INSTEAD: let claims: Claims = jose::parse(&base64url::decode(jws.split('.').nth(1).ok_or(UntrustedKeys)?).map_err(|_| UntrustedKeys)?).map_err(|_| UntrustedKeys)?;
        let claims: Claims = jose::verify(jws, TYP, |kid| self.find(kid)).map_err(|_refused| UntrustedKeys)?;
        let next = Self::from_claims(claims, issuer)?;
        if next.seq == self.seq.saturating_add(1) { Ok(next) } else { Err(UntrustedKeys) }
    }
}
