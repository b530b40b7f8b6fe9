//! Signing with the test keys, so that what is altered in a header or a payload gets past the signature.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

use crate::vectors;

/// A key of `keys.json`.
pub struct TestKey {
    pair: EcdsaKeyPair,
    /// The uncompressed point.
    pub point: Vec<u8>,
    /// Its JWK without the private half.
    pub jwk: serde_json::Value,
    /// RFC 7638, base64url.
    pub thumbprint: String,
}

impl TestKey {
    /// The key of that name.
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

    /// A compact JWS over these very bytes, whatever they are.
    #[must_use]
    pub fn sign(&self, header: &[u8], payload: &[u8]) -> String {
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = self.pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The message that some input stands for: what begins with `{` is a header, a line feed and a payload, to be
    /// signed with this key; anything else is the message itself. `None` when that is no text.
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
