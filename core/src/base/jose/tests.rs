//! Tests with the example of RFC 7515 appendix A.3, the three forms of keys, and the two forms of signatures.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use serde_json::{Value, json};

use super::*;

const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
const SIGNED: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const SIGNATURE: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

fn jwk(x: &str, y: &str) -> Jwk {
    serde_json::from_value(json!({"kty": "EC", "crv": "P-256", "x": x, "y": y})).unwrap()
}

#[test]
fn the_example_of_rfc_7515_verifies() {
    let key = PublicKey::from_jwk(&jwk(X, Y)).unwrap();
    let signature = base64url::decode(SIGNATURE).unwrap();
    assert_eq!(key.verify(SIGNED.as_bytes(), &signature), Ok(()));
    let mut altered = signature.clone();
    altered[0] ^= 1;
    assert_eq!(key.verify(SIGNED.as_bytes(), &altered), Err(JoseError::Signature));
    assert_eq!(key.verify(b"another", &signature), Err(JoseError::Signature));
    // The example's header has no `typ` and no `kid`, so `verify` refuses the complete JWS.
    let whole = format!("{SIGNED}.{SIGNATURE}");
    assert_eq!(super::verify::<Value>(&whole, "JWT", |_kid| Some(key)), Err(JoseError::Json));
}

#[test]
fn only_points_on_the_curve_become_keys() {
    let key = PublicKey::from_jwk(&jwk(X, Y)).unwrap();
    assert_eq!(key.to_jwk(), jwk(X, Y));
    assert_eq!(PublicKey::from_jwk(&jwk(Y, X)), Err(JoseError::Point), "accepted a point off the curve");
    assert_eq!(PublicKey::from_jwk(&jwk("AAAA", Y)), Err(JoseError::Point), "accepted a short coordinate");
    assert_eq!(PublicKey::from_jwk(&jwk(&format!("{X}="), Y)), Err(JoseError::Base64));
    for wrong in
        [json!({"kty": "EC", "crv": "P-384", "x": X, "y": Y}), json!({"kty": "RSA", "crv": "P-256", "x": X, "y": Y})]
    {
        assert_eq!(PublicKey::from_jwk(&serde_json::from_value(wrong).unwrap()), Err(JoseError::Point));
    }
    assert_eq!(PublicKey::from_sec1(&[0]), Err(JoseError::Point), "accepted the point at infinity");
    assert_eq!(PublicKey::from_sec1(&[0; 65]), Err(JoseError::Point));
    let x = base64url::decode(X).unwrap();
    assert_eq!(
        PublicKey::from_sec1(&[&[3], x.as_slice()].concat()),
        Err(JoseError::Point),
        "accepted a compressed point"
    );
}

/// Of 128 random keys, about one has a coordinate with a leading zero byte. Some phones have such a key, but a test
/// with one random key rarely has one. So this test searches for such a key.
#[test]
fn coordinates_have_32_bytes_with_leading_zeros() {
    let of_scalar = |number: u16| {
        let scalar = [&[0; 30][..], &number.to_be_bytes()].concat();
        let key = p256::SecretKey::from_slice(&scalar).unwrap().public_key();
        PublicKey::from_sec1(p256::elliptic_curve::sec1::ToSec1Point::to_sec1_point(&key, false).as_bytes()).unwrap()
    };
    let key = (1..).map(of_scalar).find(|key| key.as_sec1()[1] == 0).unwrap();
    let (x, y) = (&key.as_sec1()[1..33], &key.as_sec1()[33..]);
    let encode = |bytes: &[u8]| base64url::encode(bytes);
    assert_eq!(key.to_jwk(), jwk(&encode(x), &encode(y)));
    assert_eq!(PublicKey::from_jwk(&key.to_jwk()), Ok(key.clone()));
    for (x, y) in [
        (x[1..].to_vec(), y.to_vec()),
        ([&[0], x].concat(), y.to_vec()),
        // The same 64 bytes in total, split at another place.
        (x[..31].to_vec(), [&x[31..], y].concat()),
    ] {
        assert_eq!(PublicKey::from_jwk(&jwk(&encode(&x), &encode(&y))), Err(JoseError::Point));
    }
}

#[test]
fn a_thumbprint_hashes_the_canonical_members() {
    // Computed with Python: sha256 of {"crv":"P-256","kty":"EC","x":…,"y":…}.
    let key = PublicKey::from_jwk(&jwk(X, Y)).unwrap();
    assert_eq!(base64url::encode(&key.thumbprint()), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
}

#[test]
fn malformed_signatures_of_a_platform_are_refused() {
    for der in [&b""[..], b"garbage", &[0x30, 6, 2, 1, 0, 2, 1, 0], &[0x30, 6, 2, 1, 1, 2, 1, 1, 0]] {
        assert_eq!(signature_from_der(der), Err(JoseError::Signature));
    }
    let one_and_one = signature_from_der(&[0x30, 6, 2, 1, 1, 2, 1, 1]).unwrap();
    assert_eq!((one_and_one[31], one_and_one[63]), (1, 1));
}

#[test]
fn unverified_kid_is_read_only_from_well_formed_headers() {
    let jws = |header: &str| format!("{}.e30.AA", base64url::encode(header.as_bytes()));
    let named = r#"{"alg":"ES256","typ":"phone-prompt+jwt","kid":"k"}"#;
    assert_eq!(unverified_kid(&jws(named)), Some("k".to_owned()));
    for (what, wrong) in [
        ("no kid", jws(r#"{"alg":"ES256","typ":"phone-prompt+jwt"}"#)),
        ("no JSON", jws("kid")),
        ("no base64url", jws(named).replacen("ey", "e+", 1)),
        ("two parts", jws(named).replace(".AA", "")),
    ] {
        assert_eq!(unverified_kid(&wrong), None, "{what}");
    }
}
