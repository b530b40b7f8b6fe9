//! Tests with the example of RFC 8291 section 5, and with copies that have one fault each.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use super::*;
use crate::base::jose::base64url::decode;

const MESSAGE: &str = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";

fn keys() -> PushKeys {
    let scalar = decode("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94").unwrap();
    PushKeys::from_parts(&scalar, decode("BTBZMqHH6r4Tts7J_aSIgg").unwrap().try_into().unwrap()).unwrap()
}

#[test]
fn the_example_of_rfc_8291_is_decrypted() {
    let plain = keys().decrypt(&decode(MESSAGE).unwrap()).unwrap();
    assert_eq!(plain, b"When I grow up, I want to be a watermelon");
    let point =
        decode("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4").unwrap();
    assert_eq!(keys().point().as_slice(), point);
}

#[test]
fn push_keys_survive_storage_and_are_random() {
    let stored = PushKeys::from_bytes(keys().to_bytes().expose()).unwrap();
    assert!(stored.decrypt(&decode(MESSAGE).unwrap()).is_ok());
    assert_ne!(PushKeys::make().unwrap().point(), PushKeys::make().unwrap().point());
    assert!(PushKeys::from_bytes(&[0; 48]).is_err(), "accepted zero as a key");
    assert!(PushKeys::from_bytes(&[1; 47]).is_err());
}

#[test]
fn malformed_or_foreign_pushes_are_refused() {
    let good = decode(MESSAGE).unwrap();
    let changed = |at: usize, to: u8| {
        let mut message = good.clone();
        message[at] = to;
        message
    };
    let last = good.len() - 1;
    for (name, message) in [
        ("empty", Vec::new()),
        ("cut in the header", good[..20].to_vec()),
        ("cut in the key", good[..60].to_vec()),
        ("without content", good[..86].to_vec()),
        ("cut by one", good[..last].to_vec()),
        ("another salt", changed(0, good[0] ^ 1)),
        ("a record size too small", changed(18, 0)),
        ("another key length", changed(20, 33)),
        ("a key off the curve", changed(40, good[40] ^ 1)),
        ("a compressed key", changed(21, 2)),
        ("altered content", changed(90, good[90] ^ 1)),
        ("altered tag", changed(last, good[last] ^ 1)),
        ("a megabyte", vec![0; 1 << 20]),
    ] {
        assert!(keys().decrypt(&message).is_err(), "accepted the case: {name}");
    }
    let another = PushKeys::make().unwrap();
    assert_eq!(another.decrypt(&good), Err(PushError::Decryption));
}

#[test]
fn only_spaces_after_the_content_are_padding() {
    assert_eq!(strip_padding(b"a.b.c   "), b"a.b.c");
    assert_eq!(strip_padding(b" a\t "), b" a\t");
    assert_eq!(strip_padding(b"a\0"), b"a\0");
    assert_eq!(strip_padding(b"   "), b"");
    assert_eq!(strip_padding(b""), b"");
}
