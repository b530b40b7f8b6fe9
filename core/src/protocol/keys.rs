//! The service's phone keys: the first set is pinned by the scanned secret, every later one signed by
//! a key of the set before it.

#[cfg(feature = "authenticator")]
pub(crate) mod chain;

use serde::{Deserialize, Serialize};

use crate::base::jose::{Jwk, PublicKey, base64url};

/// A set of keys that a service signs with towards phones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServiceKeys {
    seq: u64,
    keys: Vec<Jwk>,
}

impl ServiceKeys {
    /// The key whose thumbprint is `kid`.
    pub(crate) fn find(&self, kid: &str) -> Option<PublicKey> {
        self.public_keys().find(|key| base64url::encode(&key.thumbprint()) == kid)
    }

    fn public_keys(&self) -> impl Iterator<Item = PublicKey> + '_ {
        self.keys.iter().filter_map(|jwk| PublicKey::from_jwk(jwk).ok())
    }
}
