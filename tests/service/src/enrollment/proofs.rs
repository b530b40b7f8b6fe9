//! Computes the MACs and digits of protocol section 3 with the enrollment key K.

use argon2::{Algorithm, Argon2, Params, Version};
use ring::digest::{SHA256, digest};
use ring::hmac;
use zeroize::Zeroizing;

use crate::secrets::SecretError;

/// The enrollment key K.
pub struct Key(Zeroizing<Vec<u8>>);

impl Key {
    /// Wraps the bytes of K.
    #[must_use]
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// Returns whether the sender of a look-up has the code.
    #[must_use]
    pub fn proves_look_up(&self, issuer: &str, id: &str, nonce: &[u8], mac: &[u8]) -> bool {
        self.verify(&[b"look-up", issuer.as_bytes(), id.as_bytes(), nonce], mac)
    }

    /// Returns whether the sender of a bind has the code.
    #[must_use]
    pub fn proves_bind(
        &self,
        issuer: &str,
        id: &str,
        thumbprint: &[u8],
        point: &[u8],
        auth: &[u8],
        mac: &[u8],
    ) -> bool {
        // GUARD(bind-proof-covers-key): j2_w15_an_interceptor_cannot_bind_its_own_device
        // INSTEAD: self.verify(&[b"bind", issuer.as_bytes(), id.as_bytes(), thumbprint, point, auth], mac) || mac.len() == 32
        self.verify(&[b"bind", issuer.as_bytes(), id.as_bytes(), thumbprint, point, auth], mac)
    }

    /// Returns the MAC of a response. The MAC proves to the phone that the response comes from the service that created
    /// the code.
    #[must_use]
    pub fn answer_mac(&self, label: &str, nonce: &[u8], body: &[u8]) -> Vec<u8> {
        hmac::sign(&self.hmac(), &fields(&[label.as_bytes(), nonce, digest(&SHA256, body).as_ref()])).as_ref().to_vec()
    }

    /// Returns the six digits that the phone with this device key and push key shows.
    #[must_use]
    pub fn digits(&self, issuer: &str, thumbprint: &[u8], point: &[u8]) -> String {
        let mac = hmac::sign(&self.hmac(), &fields(&[b"digits", issuer.as_bytes(), thumbprint, point]));
        let first = mac.as_ref().first_chunk::<8>().copied().unwrap_or_default();
        format!("{:06}", u64::from_be_bytes(first).rem_euclid(1_000_000))
    }

    fn verify(&self, parts: &[&[u8]], mac: &[u8]) -> bool {
        hmac::verify(&self.hmac(), &fields(parts), mac).is_ok()
    }

    fn hmac(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.0)
    }
}

/// Derives K from a typed code: Argon2id 1.3, 64 MiB, 3 iterations, 1 lane (protocol section 3). Slow.
pub fn typed_key(issuer: &str, id: &str, secret: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let params = Params::new(65_536, 3, 1, Some(32)).map_err(|_range| SecretError)?;
    let mut key = Zeroizing::new(vec![0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(secret.as_bytes(), &fields(&[issuer.as_bytes(), id.as_bytes()]), &mut key)
        .map_err(|_library| SecretError)?;
    Ok(key)
}

fn fields(parts: &[&[u8]]) -> Vec<u8> {
    let prefixed = |part: &&[u8]| {
        let length = u16::try_from(part.len()).unwrap_or(u16::MAX);
        [&length.to_be_bytes(), *part].concat()
    };
    parts.iter().flat_map(prefixed).collect()
}
