//! The protocol's rules for accepted input, implemented a second time. This implementation differs from the readers'
//! own checks, so the same mistake in both is unlikely.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::Value;

/// Longest JWS of the protocol, in bytes.
pub const MAX_JWS: usize = 8_192;
/// Longest prompt, in bytes.
pub const MAX_PROMPT: usize = 2_700;

/// A lenient base64url decoder: accepts padding and unused bits, which the protocol forbids.
const FORGIVING: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes accepted base64url; panics when the text is not the canonical encoding of its bytes.
#[must_use]
pub fn canonical(text: &str) -> Vec<u8> {
    let bytes = FORGIVING.decode(text).expect("accepted text that is not base64url");
    assert_eq!(FORGIVING.encode(&bytes), text, "accepted base64url that is not canonical");
    bytes
}

/// Checks that an accepted id has 128 bits.
pub fn is_id(text: &str) {
    assert_eq!(canonical(text).len(), 16, "accepted an id of another length");
}

/// Checks that no object has the same member name twice. An escaped name equals the name without escapes.
pub fn assert_unique_names(json: &[u8]) {
    let text = std::str::from_utf8(json).expect("accepted JSON that is not UTF-8");
    let (mut objects, mut rest): (Vec<Vec<String>>, _) = (Vec::new(), text);
    while let Some(at) = rest.find(['{', '}', '"']) {
        let (token, after) = (rest.as_bytes().get(at), rest.get(at + 1..).unwrap_or_default());
        rest = match token {
            Some(b'{') => {
                objects.push(Vec::new());
                after
            }
            Some(b'}') => {
                objects.pop();
                after
            }
            _ => {
                let (content, after) = after.split_at(string_end(after));
                let after = after.get(1..).unwrap_or_default();
                if after.trim_start().starts_with(':') {
                    let name: String =
                        serde_json::from_str(&format!("\"{content}\"")).expect("accepted a malformed member name");
                    let names = objects.last_mut().expect("accepted a member name outside an object");
                    assert!(!names.contains(&name), "accepted a duplicate member name: {name:?}");
                    names.push(name);
                }
                after
            }
        };
    }
}

fn string_end(text: &str) -> usize {
    let mut escaped = false;
    text.bytes()
        .position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        })
        .expect("accepted JSON with an unterminated string")
}

/// Header and payload of an accepted JWS.
pub struct Opened {
    /// The header.
    pub header: Value,
    /// The payload.
    pub payload: Value,
}

/// Decodes an accepted JWS, and checks these rules:
/// - The JWS has three canonical parts and at most `MAX_JWS` bytes.
/// - The header has the members `alg`, `typ` and `named_by` (`kid` or `jwk`), and no others.
/// - Member names are unique.
/// - The key with the point `point` signed the JWS.
#[must_use]
pub fn opened(jws: &str, typ: &str, named_by: &str, point: &[u8]) -> Opened {
    assert!(jws.len() <= MAX_JWS, "accepted a JWS of {} bytes", jws.len());
    let parts: Vec<&str> = jws.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else { panic!("accepted a JWS of {} parts", parts.len()) };
    let (signed, signature) = (format!("{header}.{payload}"), canonical(signature));
    let [header, payload] = [header, payload].map(|part| {
        let json = canonical(part);
        assert_unique_names(&json);
        serde_json::from_slice::<Value>(&json).expect("accepted a part that is not JSON")
    });
    let names: Vec<&String> = header.as_object().expect("accepted a header that is not an object").keys().collect();
    let mut expected = ["alg", "typ", named_by];
    expected.sort_unstable();
    assert_eq!(names, expected, "accepted other header members");
    assert_eq!((&header["alg"], &header["typ"]), (&"ES256".into(), &typ.into()), "accepted another `alg` or `typ`");
    let verified = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed.as_bytes(), &signature);
    assert!(verified.is_ok(), "accepted a wrong signature");
    Opened { header, payload }
}

/// Checks a text that a screen shows: at most 128 characters, without control, invisible or direction-changing ones.
pub fn is_shown(text: &str) {
    assert!(text.chars().count() <= 128, "accepted a text of {} characters", text.chars().count());
    let hostile = |character: char| {
        let code = u32::from(character);
        character.is_control()
            || [0x00AD, 0x061C, 0x180E, 0xFEFF].contains(&code)
            || [0x200B..=0x200F, 0x2028..=0x202E, 0x2060..=0x206F, 0xFFF9..=0xFFFB, 0xE0000..=0xE007F]
                .iter()
                .any(|range| range.contains(&code))
    };
    assert!(!text.chars().any(hostile), "accepted a text with an invisible character: {text:?}");
}

/// Checks the member `features`, if the payload has it: at most 16 different names of 1 to 32 characters.
pub fn has_features(payload: &Value) {
    let Some(features) = payload.get("features") else { return };
    let names: Vec<&str> = features.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let different: std::collections::HashSet<&&str> = names.iter().collect();
    let allowed = "abcdefghijklmnopqrstuvwxyz0123456789_";
    let is_name = |name: &&str| (1..=32).contains(&name.len()) && name.chars().all(|one| allowed.contains(one));
    assert!(names.len() <= 16 && different.len() == names.len(), "accepted the list {names:?}");
    assert!(names.iter().all(is_name), "accepted the names {names:?}");
}

/// Returns a text member of a payload; panics when it is missing.
pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("accepted input without a text in `{name}`"))
}

/// Returns a number member of a payload; panics when it is missing.
pub fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_else(|| panic!("accepted input without a number in `{name}`"))
}

/// Returns a text member that must be in `list`; panics when it is not.
pub fn one_of<'a>(value: &'a Value, name: &str, list: &[&str]) -> &'a str {
    let found = text(value, name);
    assert!(list.contains(&found), "accepted {found:?} in `{name}`");
    found
}
