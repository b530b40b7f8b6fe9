//! What must hold of anything that was accepted, written down a second time and in another way than the readers do it,
//! so that a mistake of theirs can't agree with itself.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::Value;

/// Longest JWS of the protocol.
pub const MAX_JWS: usize = 8_192;
/// Longest prompt.
pub const MAX_PROMPT: usize = 2_700;

/// base64url that forgives everything which the protocol does not.
const FORGIVING: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes of a text that was taken for canonical base64url, which must be the one text for these bytes.
#[must_use]
pub fn canonical(text: &str) -> Vec<u8> {
    let bytes = FORGIVING.decode(text).expect("accepted base64url");
    assert_eq!(FORGIVING.encode(&bytes), text, "accepted base64url that is not canonical");
    bytes
}

/// An id of 128 bits.
pub fn is_id(text: &str) {
    assert_eq!(canonical(text).len(), 16, "accepted an id of another length");
}

/// No member name may stand twice in one object, however it is escaped.
pub fn names_stand_once(json: &[u8]) {
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
                    let name: String = serde_json::from_str(&format!("\"{content}\"")).expect("accepted a name");
                    let names = objects.last_mut().expect("a name stands in an object");
                    assert!(!names.contains(&name), "accepted a member name that stands twice: {name:?}");
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
        .expect("accepted JSON with an open string")
}

/// An accepted JWS, opened: header and payload.
pub struct Opened {
    /// The header.
    pub header: Value,
    /// The payload.
    pub payload: Value,
}

/// Opens an accepted JWS: three canonical parts of bounded length, the very header, every name once, and a signature
/// of `point` (for a header with `jwk`: of that key).
#[must_use]
pub fn opened(jws: &str, typ: &str, named_by: &str, point: &[u8]) -> Opened {
    assert!(jws.len() <= MAX_JWS, "accepted {} bytes", jws.len());
    let parts: Vec<&str> = jws.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else { panic!("accepted {} parts", parts.len()) };
    let (signed, signature) = (format!("{header}.{payload}"), canonical(signature));
    let [header, payload] = [header, payload].map(|part| {
        let json = canonical(part);
        names_stand_once(&json);
        serde_json::from_slice::<Value>(&json).expect("accepted JSON")
    });
    let names: Vec<&String> = header.as_object().expect("accepted a header").keys().collect();
    let mut expected = ["alg", "typ", named_by];
    expected.sort_unstable();
    assert_eq!(names, expected, "accepted another header");
    assert_eq!((&header["alg"], &header["typ"]), (&"ES256".into(), &typ.into()), "accepted another header");
    let verified = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed.as_bytes(), &signature);
    assert!(verified.is_ok(), "accepted a wrong signature");
    Opened { header, payload }
}

/// A text on a screen: bounded, nothing in it that moves, hides or reverses what stands around it.
pub fn is_shown(text: &str) {
    assert!(text.chars().count() <= 128, "shows {} characters", text.chars().count());
    let hostile = |character: char| {
        let code = u32::from(character);
        character.is_control()
            || [0x00AD, 0x061C, 0x180E, 0xFEFF].contains(&code)
            || [0x200B..=0x200F, 0x2028..=0x202E, 0x2060..=0x206F, 0xFFF9..=0xFFFB, 0xE0000..=0xE007F]
                .iter()
                .any(|range| range.contains(&code))
    };
    assert!(!text.chars().any(hostile), "shows a character that is not seen: {text:?}");
}

/// A text of a payload.
pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("accepted without the text {name}"))
}

/// A number of a payload.
pub fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_else(|| panic!("accepted without the number {name}"))
}

/// One of a closed list.
pub fn one_of<'a>(value: &'a Value, name: &str, list: &[&str]) -> &'a str {
    let found = text(value, name);
    assert!(list.contains(&found), "accepted {name} {found:?}");
    found
}
