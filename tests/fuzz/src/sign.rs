//! Signs with the test keys, so that altered headers and payloads pass the signature check.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

use crate::vectors;

/// A key of the vectors' file `keys.json`.
pub struct TestKey {
    pair: EcdsaKeyPair,
    /// The uncompressed point, 65 bytes.
    pub point: Vec<u8>,
    /// The JWK of the key, without the private member `d`.
    pub jwk: serde_json::Value,
    /// The thumbprint (RFC 7638) in base64url.
    pub thumbprint: String,
}

impl TestKey {
    /// Returns the key of that name; panics when there is none.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let key = vectors::file("keys.json")[name].clone();
        let (scalar, point) = (vectors::bytes(&key["jwk"]["d"]), vectors::bytes(&key["point"]));
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &scalar,
            &point,
            &SystemRandom::new(),
        );
        let mut jwk = key["jwk"].clone();
        jwk.as_object_mut().unwrap().remove("d");
        Self { pair: pair.unwrap(), point, jwk, thumbprint: vectors::text(&key["thumbprint"]) }
    }

    /// Signs exactly this header and payload as a compact JWS, even if they are invalid.
    #[must_use]
    pub fn sign(&self, header: &[u8], payload: &[u8]) -> String {
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = self.pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Returns the message of an input. Input that begins with `{` is a header, a line feed and a payload, which this
    /// key signs. Any other input is the message itself; for such an input, the result is `None` when it is not UTF-8.
    #[must_use]
    pub fn message(&self, input: &[u8]) -> Option<String> {
        if input.first() != Some(&b'{') {
            return String::from_utf8(input.to_vec()).ok();
        }
        let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
        let (header, payload) = input.split_at(end);
        Some(self.sign(header, payload.get(1..).unwrap_or_default()))
    }
}
