//! The service keys (section 6 of the protocol). The first document is authenticated by a MAC with the code's secret,
//! or by TLS when the account was added by signing in. Each later document is signed by a key of the document before
//! it.

#[cfg(feature = "authenticator")]
pub(crate) mod chain;

use serde::{Deserialize, Serialize};

use crate::base::jose::{Jwk, PublicKey, base64url};

/// The current service keys: the number of their document (`seq`, from 1), and 1–8 keys that were checked to lie on
/// P-256. Stored with the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServiceKeys {
    seq: u64,
    keys: Vec<Jwk>,
}

impl ServiceKeys {
    /// Returns the key whose thumbprint in base64url is `kid`. Only the keys of the newest document are accepted: a
    /// key that this document leaves out is refused.
    pub(crate) fn find(&self, kid: &str) -> Option<PublicKey> {
        self.public_keys().find(|key| base64url::encode(&key.thumbprint()) == kid)
    }

    fn public_keys(&self) -> impl Iterator<Item = PublicKey> + '_ {
        self.keys.iter().filter_map(|jwk| PublicKey::from_jwk(jwk).ok())
    }
}
