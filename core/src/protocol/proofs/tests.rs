//! Tests with known results, computed from the protocol's text with Python's hmac, hashlib and argon2-cffi.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, reason = "tests fail by panicking")]

use super::*;

const ISSUER: &str = "https://login.test";
const ID: &str = "AAECAwQFBgcICQoLDA0ODw";

fn key() -> EnrollmentKey {
    EnrollmentKey::from_scanned(&std::array::from_fn(|at| u8::try_from(at).unwrap()))
}

fn nonce() -> [u8; 16] {
    std::array::from_fn(|at| u8::try_from(at + 16).unwrap())
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn push_point() -> [u8; 65] {
    let mut point = [2; 65];
    point[0] = 4;
    point
}

#[test]
fn macs_and_digits_match_known_results() {
    let look_up = bytes("5f79498795a1df32382da6759c0b6bd36eef99c12206e8e5ba2a2a2ba3adfae9");
    assert_eq!(key().look_up_mac(ISSUER, ID, &nonce()), look_up);
    let bind = bytes("47155ace9a9bcabd5acd67b05b273801368fc30dcd4e5e274a3c589b1a64fba4");
    assert_eq!(key().bind_mac(ISSUER, ID, &[1; 32], &push_point(), &[3; 16]), bind);
    assert_eq!(key().digits(ISSUER, &[1; 32], &push_point()), "298964");
}

#[test]
fn responses_are_accepted_only_with_their_own_mac() {
    let look_up = bytes("bc5bcf923b91c6750e3fbe726220cf538eb14003e1dfca9c9344af8c6e5e400e");
    let bind = bytes("f1fde586f98a097e1a6eee78e170c8c8c0d1f01c3f5c43abeaa917ea12da3f86");
    assert!(key().check_look_up_answer(&nonce(), b"{}", &look_up));
    assert!(key().check_bind_answer(&nonce(), b"{}", &bind));
    assert!(!key().check_look_up_answer(&nonce(), b"{}", &bind), "accepted with another label");
    assert!(!key().check_look_up_answer(&[0; 16], b"{}", &look_up), "accepted with another nonce");
    assert!(!key().check_look_up_answer(&nonce(), b"{ }", &look_up), "accepted with another body");
    assert!(!key().check_look_up_answer(&nonce(), b"{}", &look_up[..31]), "accepted a truncated MAC");
    assert!(!key().check_look_up_answer(&nonce(), b"{}", b""), "accepted without a MAC");
    let other = EnrollmentKey::from_scanned(&[9; 16]);
    assert!(!other.check_look_up_answer(&nonce(), b"{}", &look_up), "accepted with another key");
}

#[test]
fn typed_code_derives_the_known_key() {
    let typed = EnrollmentKey::from_typed(ISSUER, "ABCD", "23456789").unwrap();
    let expected = bytes("b3153e59408b08e046ff0f9de7adf7b01f6eee0f4dcb6d99a13a4beaf882d666");
    assert_eq!(typed.to_bytes().expose(), &expected);
    assert!(EnrollmentKey::from_bytes(&expected).is_ok());
    assert_eq!(EnrollmentKey::from_bytes(&expected[..31]).err(), Some(NoKey));
}

#[test]
fn different_field_lists_give_different_bytes() {
    assert_ne!(prefixed(&[b"ab", b"c"]), prefixed(&[b"a", b"bc"]));
    assert_ne!(prefixed(&[b"a", b""]), prefixed(&[b"a"]));
}
