//! Decrypts push messages, which are encrypted to one account of one phone (RFC 8291, with one record of RFC 8188).
//!
//! Encryption does not authenticate the service: anyone with the account's public push key and push secret can encrypt.
//! The signature in the content authenticates the service; `verify` checks that signature.

use std::sync::OnceLock;

use p256::elliptic_curve::sec1::ToSec1Point;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use zeroize::Zeroizing;

#[cfg(feature = "authenticator")]
use crate::base::secret::{Secret, random};

const SCALAR_LEN: usize = 32;
/// Length of an uncompressed public point, in bytes.
pub(crate) const POINT_LEN: usize = 65;
const AUTH_LEN: usize = 16;
const SALT_LEN: usize = 16;
/// Length of salt, record size and key length (RFC 8188 section 2.1).
const HEADER_LEN: usize = SALT_LEN + 4 + 1;
const TAG_LEN: usize = 16;
/// The delimiter of the last record (RFC 8188 section 2). Zero padding follows.
const LAST_RECORD: u8 = 2;
/// Longest message, in bytes: a push service need not accept a longer one (RFC 8030 section 7.2).
const MAX_MESSAGE: usize = 4_096;

/// Why a push can't be decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PushError {
    /// The message is malformed: it is not exactly one record, a length or the delimiter is wrong, or the sender's key
    /// is not on the curve.
    #[error("the push message is malformed")]
    Form,
    /// The authentication tag is wrong.
    #[error("the push message is not encrypted to this account, or was altered")]
    Decryption,
    /// The stored key is malformed, or the system gives no random bytes.
    #[error("the push key is malformed, or the system gave no random bytes")]
    NoKey,
}

/// The push key of one account: private scalar (32 bytes), public point (65 bytes), and the push secret (16 bytes),
/// which the service also has.
///
/// The core stores this value sealed and not in the key store, because the port `KeyStore` has no key agreement. The
/// notification extension needs the push key too.
#[derive(Clone)]
pub(crate) struct PushKeys {
    private: p256::SecretKey,
    /// Calculated when it is first needed, because accounts are read much more often than pushes are decrypted.
    point: OnceLock<[u8; POINT_LEN]>,
    auth: [u8; AUTH_LEN],
}

impl PushKeys {
    fn from_parts(scalar: &[u8], auth: [u8; AUTH_LEN]) -> Result<Self, PushError> {
        let private = p256::SecretKey::from_slice(scalar).map_err(|_range| PushError::NoKey)?;
        Ok(Self { private, point: OnceLock::new(), auth })
    }

    /// Returns the public point, uncompressed: `p256dh` of RFC 8291.
    pub(crate) fn point(&self) -> &[u8; POINT_LEN] {
        self.point.get_or_init(|| {
            let point = self.private.public_key().to_sec1_point(false);
            // An uncompressed point always has this length. With zeros, nothing could be decrypted.
            point.as_bytes().first_chunk().copied().unwrap_or([0; POINT_LEN])
        })
    }

    /// Reads a push key from the bytes that `to_bytes` returned.
    ///
    /// # Errors
    /// `NoKey` when the length is wrong, or when the scalar is out of range.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, PushError> {
        let (scalar, auth) = bytes.split_at_checked(SCALAR_LEN).ok_or(PushError::NoKey)?;
        Self::from_parts(scalar, auth.try_into().map_err(|_length| PushError::NoKey)?)
    }

    /// Uses a public point that `point` has returned for the same key, so that it is not calculated again. With a wrong
    /// point, no message can be decrypted.
    #[cfg(feature = "authenticator")]
    pub(crate) fn with_point(self, point: [u8; POINT_LEN]) -> Self {
        Self { point: OnceLock::from(point), ..self }
    }

    /// Decrypts one push message. Returns the content before the delimiter. The content may still end with spaces,
    /// which `strip_padding` removes.
    ///
    /// # Errors
    /// `Form` or `Decryption`.
    pub(crate) fn decrypt(&self, message: &[u8]) -> Result<Vec<u8>, PushError> {
        let record = Record::read(message)?;
        let (key, nonce) = self.derive(&record)?;
        let mut buffer = record.ciphertext.to_vec();
        let plain = key
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut buffer)
            .map_err(|_unspecified| PushError::Decryption)?;
        let end = plain.iter().rposition(|byte| *byte != 0).ok_or(PushError::Form)?;
        match plain.split_at_checked(end) {
            Some((content, [LAST_RECORD, ..])) => Ok(content.to_vec()),
            _ => Err(PushError::Form),
        }
    }

    /// Derives the content key and the nonce (RFC 8291 section 3.4).
    fn derive(&self, record: &Record<'_>) -> Result<(LessSafeKey, [u8; 12]), PushError> {
        let sender = p256::PublicKey::from_sec1_bytes(record.sender).map_err(|_off_curve| PushError::Form)?;
        let shared = p256::ecdh::diffie_hellman(self.private.to_nonzero_scalar(), sender.as_affine());
        let info = [b"WebPush: info\0".as_slice(), self.point(), record.sender].concat();
        let input = expand::<32>(&self.auth, shared.raw_secret_bytes(), &info)?;
        let key = expand::<16>(record.salt, input.as_slice(), b"Content-Encoding: aes128gcm\0")?;
        let nonce = expand::<12>(record.salt, input.as_slice(), b"Content-Encoding: nonce\0")?;
        let key = UnboundKey::new(&AES_128_GCM, key.as_slice()).map_err(|_length| PushError::NoKey)?;
        Ok((LessSafeKey::new(key), *nonce))
    }
}

#[cfg(feature = "authenticator")]
impl PushKeys {
    /// Makes a random key and a random secret.
    ///
    /// # Errors
    /// `NoKey` when the system gives no random bytes.
    pub(crate) fn make() -> Result<Self, PushError> {
        // One in 2^32 random scalars is zero or not below the group's order. Then the loop makes another scalar.
        loop {
            let scalar = Zeroizing::new(random::<SCALAR_LEN>().map_err(|_none| PushError::NoKey)?);
            let auth = random().map_err(|_none| PushError::NoKey)?;
            if let Ok(keys) = Self::from_parts(scalar.as_slice(), auth) {
                return Ok(keys);
            }
        }
    }

    /// Returns the private scalar and the push secret. The caller must seal them before it stores them.
    pub(crate) fn to_bytes(&self) -> Secret<Vec<u8>> {
        let scalar = Zeroizing::new(self.private.to_bytes());
        Secret::new([scalar.as_slice(), &self.auth].concat())
    }

    /// Returns the push secret: `auth` of RFC 8291.
    pub(crate) fn auth(&self) -> &[u8; AUTH_LEN] {
        &self.auth
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-SHA-256: extract and expand to `N` bytes (RFC 5869).
fn expand<const N: usize>(salt: &[u8], input: &[u8], info: &[u8]) -> Result<Zeroizing<[u8; N]>, PushError> {
    let mut output = Zeroizing::new([0; N]);
    Salt::new(HKDF_SHA256, salt)
        .extract(input)
        .expand(&[info], Length(N))
        .and_then(|expanded| expanded.fill(output.as_mut_slice()))
        .map_err(|_length| PushError::NoKey)?;
    Ok(output)
}

/// The only record of a message (RFC 8188 section 2.1).
struct Record<'a> {
    salt: &'a [u8],
    sender: &'a [u8],
    ciphertext: &'a [u8],
}

impl<'a> Record<'a> {
    fn read(message: &'a [u8]) -> Result<Self, PushError> {
        if message.len() > MAX_MESSAGE {
            return Err(PushError::Form);
        }
        let (header, rest) = message.split_at_checked(HEADER_LEN).ok_or(PushError::Form)?;
        let (salt, sizes) = header.split_at(SALT_LEN);
        let [size @ .., sender_length] = sizes else {
            return Err(PushError::Form);
        };
        let size = u32::from_be_bytes(size.try_into().map_err(|_length| PushError::Form)?);
        if usize::from(*sender_length) != POINT_LEN {
            return Err(PushError::Form);
        }
        let (sender, ciphertext) = rest.split_at_checked(POINT_LEN).ok_or(PushError::Form)?;
        let size = usize::try_from(size).map_err(|_too_large| PushError::Form)?;
        // Only one record is allowed, so the ciphertext must fit into the claimed record size.
        if ciphertext.len() <= TAG_LEN || ciphertext.len() > size {
            return Err(PushError::Form);
        }
        Ok(Self { salt, sender, ciphertext })
    }
}

/// Removes the padding of section 8: the spaces after the JWS, and no other characters.
pub(crate) fn strip_padding(plain: &[u8]) -> &[u8] {
    let end = plain.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last.saturating_add(1));
    plain.split_at_checked(end).map_or(plain, |(content, _spaces)| content)
}

#[cfg(test)]
mod tests;
