//! base64url without padding, canonical only (RFC 4648 section 5).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::base::jose::error::JoseError;

/// Encodes without padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes the canonical form. Padding, other alphabets and unused bits that are not zero are refused.
///
/// # Errors
/// `JoseError::Base64`.
///
/// # Security
/// Each value has exactly one text. Otherwise an attacker could alter a signed or stored text without changing the
/// bytes that it encodes.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, JoseError> {
    // GUARD(base64url-canonical): fuzz::base64url
    // INSTEAD: URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_not_canonical| JoseError::Base64)
    URL_SAFE_NO_PAD.decode(text).map_err(|_not_canonical| JoseError::Base64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_base64url_is_decoded() {
        assert_eq!(decode("_-8"), Ok(vec![0xff, 0xef]));
        for other in ["_-8=", "_-9", "/+8", "_-8 ", "_", "_-8\n"] {
            assert_eq!(decode(other), Err(JoseError::Base64), "{other:?}");
        }
    }
}
