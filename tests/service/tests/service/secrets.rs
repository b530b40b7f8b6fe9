//! Tests sealing, random numbers, base64url, and the MACs of enrollment. The expected MACs come from other
//! implementations.

use std::collections::BTreeSet;

use countersign_service::enrollment::proofs::{Key, typed_key};
use countersign_service::secrets::{Sealed, Sealer, decode, encode, hashed, random_below, random_id};
use zeroize::Zeroizing;

#[test]
fn a_sealed_value_opens_only_under_its_own_label_and_key() {
    let sealer = Sealer::new(&[1; 32]).unwrap();
    let sealed = sealer.seal("enrollment key a", b"secret").unwrap();
    assert_eq!(sealer.open("enrollment key a", &sealed).unwrap().as_slice(), b"secret");
    assert!(sealer.open("enrollment key b", &sealed).is_err());
    assert!(Sealer::new(&[2; 32]).unwrap().open("enrollment key a", &sealed).is_err());
}

#[test]
fn an_altered_sealed_value_does_not_open() {
    let sealer = Sealer::new(&[1; 32]).unwrap();
    let text: String =
        serde_json::from_value(serde_json::to_value(sealer.seal("l", b"secret").unwrap()).unwrap()).unwrap();
    let bytes = decode(&text).unwrap();
    for at in 0..bytes.len() {
        let altered: Vec<u8> = bytes.iter().enumerate().map(|(i, byte)| byte ^ u8::from(i == at)).collect();
        let altered: Sealed = serde_json::from_value(encode(&altered).into()).unwrap();
        assert!(sealer.open("l", &altered).is_err(), "byte {at}");
    }
    for length in [0, 11, 12, 27] {
        let short: Sealed = serde_json::from_value(encode(bytes.get(..length).unwrap()).into()).unwrap();
        assert!(sealer.open("l", &short).is_err(), "{length} bytes");
    }
}

#[test]
fn sealing_twice_gives_different_values() {
    let sealer = Sealer::new(&[1; 32]).unwrap();
    let (one, other) = (sealer.seal("l", b"secret").unwrap(), sealer.seal("l", b"secret").unwrap());
    assert!(one != other);
    assert!(!format!("{one:?}").contains(serde_json::to_string(&one).unwrap().trim_matches('"')));
}

#[test]
fn random_numbers_cover_the_range_below_their_limit() {
    let drawn: BTreeSet<u32> = (0..2_000).map(|_draw| random_below(90).unwrap()).collect();
    assert_eq!((drawn.first(), drawn.last(), drawn.len()), (Some(&0), Some(&89), 90));
    assert_eq!(random_below(1), Ok(0));
    assert_eq!(random_below(0), Ok(0));
    assert_eq!(decode(&random_id().unwrap()).unwrap().len(), 16);
    assert_ne!(random_id(), random_id());
}

#[test]
fn non_canonical_base64url_is_refused() {
    assert_eq!(decode("AA"), Some(vec![0]));
    for wrong in ["AB", "AA==", "A", "A A", "+/", "ÄÄ"] {
        assert_eq!(decode(wrong), None, "{wrong}");
    }
    // SHA-256 of the empty string (FIPS 180-4).
    assert_eq!(hashed(b""), "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
}

// Values computed from the text of the protocol with Python's hmac, hashlib and argon2-cffi.
const ISSUER: &str = "https://login.example.com";
const ID: &str = "AAECAwQFBgcICQoLDA0ODw";
const LOOK_UP_MAC: &str = "av9v3H5tPHycYW_629_UnpJTCmsbTNLAm12lini74qA";
const BIND_MAC: &str = "gALIw4T2cQ5anVqJUQOvwsH2SmWcDCSKHcns1gp9CGI";
const ANSWER_MAC: &str = "3sw6jF4HPsO2-U30y465K6FHVWk37YBAErhvcgvGHjI";
const TYPED_KEY: [u8; 32] = [
    0xbf, 0x74, 0xc7, 0xa6, 0xcd, 0x1b, 0xf1, 0xe0, 0x4f, 0xae, 0x89, 0x3b, 0x0e, 0x1c, 0x19, 0x65, 0xac, 0x9c, 0xf0,
    0x53, 0x42, 0xf2, 0xa2, 0x54, 0x69, 0x46, 0x8c, 0xdd, 0xb1, 0xaf, 0xc9, 0x1e,
];

fn bytes(from: u8, length: u8) -> Vec<u8> {
    (from..from.saturating_add(length)).collect()
}

fn point() -> Vec<u8> {
    [vec![4], bytes(0, 64)].concat()
}

fn key() -> Key {
    Key::new(Zeroizing::new(bytes(0, 16)))
}

#[test]
fn look_up_mac_matches_the_protocol() {
    let (nonce, mac) = (bytes(16, 16), decode(LOOK_UP_MAC).unwrap());
    assert!(key().proves_look_up(ISSUER, ID, &nonce, &mac));
    assert!(!key().proves_look_up("https://login.example.org", ID, &nonce, &mac));
    assert!(!key().proves_look_up(ISSUER, "BAECAwQFBgcICQoLDA0ODw", &nonce, &mac));
    assert!(!key().proves_look_up(ISSUER, ID, &bytes(17, 16), &mac));
    assert!(!key().proves_look_up(ISSUER, ID, &nonce, mac.get(..31).unwrap()));
    assert!(!key().proves_look_up(ISSUER, ID, &nonce, &[]));
    assert!(!Key::new(Zeroizing::new(bytes(1, 16))).proves_look_up(ISSUER, ID, &nonce, &mac));
}

#[test]
fn mac_depends_on_field_boundaries() {
    let (nonce, mac) = (bytes(16, 16), decode(LOOK_UP_MAC).unwrap());
    let (issuer, id) = (ISSUER.strip_suffix('m').unwrap(), format!("m{ID}"));
    assert!(!key().proves_look_up(issuer, &id, &nonce, &mac));
}

#[test]
fn bind_mac_matches_the_protocol() {
    let (thumbprint, auth, mac) = (bytes(0, 32), bytes(100, 16), decode(BIND_MAC).unwrap());
    assert!(key().proves_bind(ISSUER, ID, &thumbprint, &point(), &auth, &mac));
    assert!(!key().proves_bind("https://login.example.org", ID, &thumbprint, &point(), &auth, &mac));
    assert!(!key().proves_bind(ISSUER, "K3F0", &thumbprint, &point(), &auth, &mac));
    assert!(!key().proves_bind(ISSUER, ID, &bytes(1, 32), &point(), &auth, &mac));
    assert!(!key().proves_bind(ISSUER, ID, &thumbprint, &bytes(0, 65), &auth, &mac));
    assert!(!key().proves_bind(ISSUER, ID, &thumbprint, &point(), &bytes(101, 16), &mac));
    assert!(!key().proves_look_up(ISSUER, ID, &bytes(16, 16), &mac));
}

#[test]
fn answer_mac_matches_the_protocol() {
    let body = br#"{"issuer":"https://login.example.com"}"#;
    assert_eq!(encode(&key().answer_mac("look-up-answer", &bytes(16, 16), body)), ANSWER_MAC);
    assert_ne!(encode(&key().answer_mac("bind-answer", &bytes(16, 16), body)), ANSWER_MAC);
}

#[test]
fn digits_match_the_protocol_and_keep_leading_zeros() {
    assert_eq!(key().digits(ISSUER, &bytes(0, 32), &point()), "783586");
    let thumbprint = [vec![24, 0], bytes(2, 30)].concat();
    assert_eq!(key().digits(ISSUER, &thumbprint, &point()), "004651");
}

#[test]
fn typed_code_key_matches_the_protocols_argon2id() {
    assert_eq!(typed_key(ISSUER, "K3F0", "7YQ2M9XD").unwrap().as_slice(), TYPED_KEY);
    assert_ne!(typed_key(ISSUER, "K3F1", "7YQ2M9XD").unwrap().as_slice(), TYPED_KEY);
}
