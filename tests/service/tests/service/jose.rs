//! Tests that JOSE parsing is strict: a valid request is read, and a copy of this request with one error is refused.

use countersign_service::jose::{JoseError, Jwk, SigningKey, Unverified, check_unique};
use countersign_service::secrets::encode;
use p256::ecdsa::signature::Signer;
use serde_json::{Value, json};

const TYP: &str = "phone-request+jwt";
const HEADER: &str = r#"{"alg":"ES256","typ":"phone-request+jwt","kid":"device"}"#;
const PAYLOAD: &str = r#"{"jti":"AAAA","message":"fetch"}"#;
const SCALAR: [u8; 32] = [7; 32];

fn public(scalar: [u8; 32]) -> Jwk {
    SigningKey::from_scalar(&scalar).unwrap().public().clone()
}

fn signed_by(scalar: [u8; 32], header: &str, payload: &str) -> String {
    let input = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
    let key = p256::ecdsa::SigningKey::from_slice(&scalar).unwrap();
    let signature: p256::ecdsa::Signature = key.sign(input.as_bytes());
    format!("{input}.{}", encode(&signature.to_bytes()))
}

fn signed(header: &str, payload: &str) -> String {
    signed_by(SCALAR, header, payload)
}

fn read(jws: &str) -> Result<Value, JoseError> {
    let unverified = Unverified::by_kid(jws, TYP)?;
    assert_eq!(unverified.kid(), "device");
    unverified.verify(&public(SCALAR))
}

#[test]
fn valid_signed_request_is_read() {
    assert_eq!(read(&signed(HEADER, PAYLOAD)), Ok(json!({"jti": "AAAA", "message": "fetch"})));
}

#[test]
fn signed_payload_of_another_type_is_malformed() {
    let jws = signed(HEADER, PAYLOAD);
    let unverified = Unverified::by_kid(&jws, TYP).unwrap();
    let read = unverified.verify::<std::collections::BTreeMap<String, u8>>(&public(SCALAR));
    assert_eq!(read, Err(JoseError::Malformed));
}

#[test]
fn service_verifies_its_own_signature() {
    let key = SigningKey::from_scalar(&SCALAR).unwrap();
    let jws = key.sign("phone-state+jwt", &json!({"iss": "https://login.example.com"})).unwrap();
    let unverified = Unverified::by_kid(&jws, "phone-state+jwt").unwrap();
    assert_eq!(unverified.kid(), key.kid());
    assert_eq!(unverified.verify::<Value>(key.public()).unwrap()["iss"], "https://login.example.com");
}

#[test]
fn unexpected_headers_are_refused() {
    let jwk = serde_json::to_string(&public(SCALAR)).unwrap();
    let with = |member: &str| HEADER.replace('}', &format!(",{member}}}"));
    let wrong = [
        HEADER.replace("ES256", "none"),
        HEADER.replace("ES256", "HS256"),
        HEADER.replace("ES256", "ES384"),
        HEADER.replace("ES256", "es256"),
        HEADER.replace("\"ES256\"", "null"),
        HEADER.replace(TYP, "phone-answer+jwt"),
        HEADER.replace(TYP, "JWT"),
        HEADER.replace(TYP, "Phone-Request+JWT"),
        HEADER.replace(r#""typ":"phone-request+jwt","#, ""),
        HEADER.replace(r#","kid":"device""#, ""),
        HEADER.replace("\"device\"", "7"),
        with(r#""crit":["exp"]"#),
        with(r#""crit":[]"#),
        with(r#""b64":false"#),
        with(r#""jku":"https://evil.example""#),
        with(r#""x5u":"https://evil.example""#),
        with(r#""x5c":[]"#),
        with(&format!(r#""jwk":{jwk}"#)),
        with(r#""anything":1"#),
    ];
    for header in wrong {
        assert_eq!(read(&signed(&header, PAYLOAD)), Err(JoseError::Header), "{header}");
    }
    for no_object in ["7", r#"["ES256","phone-request+jwt","device"]"#] {
        assert_eq!(read(&signed(no_object, PAYLOAD)), Err(JoseError::Malformed), "{no_object}");
    }
}

#[test]
fn alg_none_without_a_signature_is_refused() {
    let input = signed(&HEADER.replace("ES256", "none"), PAYLOAD);
    let (unsigned, _signature) = input.rsplit_once('.').unwrap();
    assert_eq!(read(&format!("{unsigned}.")), Err(JoseError::Header));
    let (unsigned, _signature) =
        signed(HEADER, PAYLOAD).rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert_eq!(read(&format!("{unsigned}.")), Err(JoseError::Signature));
}

#[test]
fn a_mac_made_with_the_public_key_is_refused() {
    let input = format!("{}.{}", encode(HEADER.replace("ES256", "HS256").as_bytes()), encode(PAYLOAD.as_bytes()));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &public(SCALAR).point().unwrap());
    let mac = ring::hmac::sign(&key, input.as_bytes());
    assert_eq!(read(&format!("{input}.{}", encode(mac.as_ref()))), Err(JoseError::Header));
}

#[test]
fn duplicate_members_are_refused_at_any_depth() {
    let header = r#"{"alg":"none","alg":"ES256","typ":"phone-request+jwt","kid":"device"}"#;
    assert_eq!(read(&signed(header, PAYLOAD)), Err(JoseError::Malformed));
    for payload in [r#"{"jti":"A","jti":"A"}"#, r#"{"jti":"A","\u006ati":"B"}"#, r#"{"a":{"b":[1,{"c":1,"c":2}]}}"#] {
        assert_eq!(read(&signed(HEADER, payload)), Err(JoseError::Malformed), "{payload}");
    }
    assert_eq!(check_unique(br#"{"a":{"a":1},"b":[{"a":1},{"a":2}]}"#), Ok(()));
    assert_eq!(check_unique(br#"{"a":1} x"#), Err(JoseError::Malformed));
    assert_eq!(check_unique("[".repeat(5_000).as_bytes()), Err(JoseError::Malformed));
}

#[test]
fn base64url_that_is_not_canonical_is_refused() {
    let good = signed(HEADER, PAYLOAD);
    // In the base64url text of a signature (64 bytes), four bits of the last character are unused.
    let last = good.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let next = alphabet.chars().cycle().skip_while(|c| *c != last).nth(1).unwrap();
    let mut loose = good.clone();
    loose.pop();
    loose.push(next);
    let wrong = [
        loose,
        format!("{good}="),
        format!("{good}\n"),
        format!(" {good}"),
        good.replacen('.', "=.", 1),
        good.replacen('.', "\n.", 1),
        format!("+{good}"),
    ];
    for jws in wrong {
        assert_eq!(read(&jws), Err(JoseError::Malformed), "{jws:?}");
    }
}

#[test]
fn jws_without_three_parts_is_refused() {
    let good = signed(HEADER, PAYLOAD);
    let (two, _signature) = good.rsplit_once('.').unwrap();
    let general = r#"{"payload":"","signatures":[]}"#;
    for jws in ["", ".", "..", "...", two, &format!("{good}."), &format!("{good}.{good}"), general] {
        assert_eq!(read(jws).err(), Some(JoseError::Malformed), "{jws:?}");
    }
}

#[test]
fn an_altered_request_is_refused() {
    let (good, other) = (signed(HEADER, PAYLOAD), signed(HEADER, r#"{"jti":"BBBB","message":"fetch"}"#));
    let (input, signature) = good.rsplit_once('.').unwrap();
    let (other_input, other_signature) = other.rsplit_once('.').unwrap();
    assert_eq!(read(&format!("{other_input}.{signature}")), Err(JoseError::Signature));
    assert_eq!(read(&format!("{input}.{other_signature}")), Err(JoseError::Signature));
    assert_eq!(read(&format!("{input}.{}", encode(&[0; 64]))), Err(JoseError::Signature));
    assert_eq!(read(&format!("{input}.{}", encode(&[1; 63]))), Err(JoseError::Signature));
    assert_eq!(read(&signed_by([8; 32], HEADER, PAYLOAD)), Err(JoseError::Signature));
}

#[test]
fn a_payload_that_is_not_an_object_of_claims_is_refused() {
    for payload in ["", "fetch", "{", r#"{"jti":"A"}}"#] {
        assert_eq!(read(&signed(HEADER, payload)), Err(JoseError::Malformed), "{payload:?}");
    }
}

#[test]
fn jws_over_8192_bytes_is_refused_before_parsing() {
    let padded = |length: usize| signed(HEADER, &format!(r#"{{"jti":"{}"}}"#, "A".repeat(length)));
    let (small, large) = (padded(5_900), padded(6_100));
    assert!(small.len() <= 8_192 && large.len() > 8_192);
    assert!(read(&small).is_ok());
    assert_eq!(read(&large), Err(JoseError::TooLarge));
    assert_eq!(read(&"a".repeat(8_192)), Err(JoseError::Malformed));
    assert_eq!(read(&"a".repeat(8_193)), Err(JoseError::TooLarge));
    assert_eq!(read(&"a".repeat(1_000_000)), Err(JoseError::TooLarge));
}

#[test]
fn message_must_be_signed_with_its_embedded_key() {
    let header = |jwk: &Value| json!({"alg": "ES256", "typ": TYP, "jwk": jwk}).to_string();
    let own = serde_json::to_value(public(SCALAR)).unwrap();
    let read_own = |jws: &str| Unverified::by_jwk(jws, TYP)?.verify_own::<Value>().map(|(key, _claims)| key);
    assert_eq!(read_own(&signed(&header(&own), PAYLOAD)), Ok(public(SCALAR)));
    assert_eq!(read_own(&signed_by([8; 32], &header(&own), PAYLOAD)), Err(JoseError::Signature));
    assert_eq!(read_own(&signed(HEADER, PAYLOAD)), Err(JoseError::Header));
    let with_kid = json!({"alg": "ES256", "typ": TYP, "jwk": own, "kid": "device"}).to_string();
    assert_eq!(read_own(&signed(&with_kid, PAYLOAD)), Err(JoseError::Header));
    for (member, value, error) in [
        ("kty", json!("oct"), JoseError::Key),
        ("crv", json!("P-384"), JoseError::Key),
        ("x", own["y"].clone(), JoseError::Key),
        ("x", json!(encode(&[1; 31])), JoseError::Key),
        ("y", json!(""), JoseError::Key),
        ("d", json!(encode(&SCALAR)), JoseError::Header),
        ("kid", json!("device"), JoseError::Header),
    ] {
        let mut jwk = own.clone();
        jwk[member] = value;
        assert_eq!(read_own(&signed(&header(&jwk), PAYLOAD)), Err(error), "{member}");
    }
}

#[test]
fn jws_by_kid_has_no_embedded_key() {
    let jws = signed(HEADER, PAYLOAD);
    let unverified = Unverified::by_kid(&jws, TYP).unwrap();
    assert_eq!(unverified.verify_own::<Value>().err(), Some(JoseError::UnknownKey));
}

#[test]
fn thumbprint_matches_rfc_9449_section_4_2() {
    let key = Jwk {
        kty: "EC".to_owned(),
        crv: "P-256".to_owned(),
        x: "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs".to_owned(),
        y: "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA".to_owned(),
    };
    assert_eq!(key.thumbprint(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    assert_eq!(key.point().map(|point| point.len()), Ok(65));
}

#[test]
fn scalar_out_of_range_is_refused() {
    assert_eq!(SigningKey::from_scalar(&[0; 32]).err(), Some(JoseError::Key));
    assert_eq!(SigningKey::from_scalar(&[255; 32]).err(), Some(JoseError::Key));
    let (one, other) = (SigningKey::make_scalar().unwrap(), SigningKey::make_scalar().unwrap());
    assert_ne!(*one, *other);
}
