//! Tests with a valid prompt, and with copies that break one rule each.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use super::*;
use crate::values::origin::Origin;
use crate::values::prompt::PromptKind;

const NOW: u64 = 1_790_000_000;
const JTI: &str = "AAECAwQFBgcICQoLDA0ODw";

pub(super) struct Service {
    pair: EcdsaKeyPair,
    key: jose::PublicKey,
}

impl Service {
    pub(super) fn new() -> Self {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &SystemRandom::new()).unwrap();
        let key = jose::PublicKey::from_sec1(pair.public_key().as_ref()).unwrap();
        Self { pair, key }
    }

    fn kid(&self) -> String {
        base64url::encode(&self.key.thumbprint())
    }

    pub(super) fn audience(&self) -> Audience {
        let keys = json!({"seq": 1, "keys": [self.key.to_jwk()]});
        Audience {
            account: AccountId("local".to_owned()),
            issuer: Issuer::parse("https://login.test").unwrap(),
            device_id: "device".to_owned(),
            account_id: "account".to_owned(),
            user_name: "ada@login.test".to_owned(),
            service_keys: serde_json::from_value(keys).unwrap(),
            clock_offset: 0,
        }
    }

    pub(super) fn header(&self) -> Value {
        json!({"alg": "ES256", "typ": "phone-prompt+jwt", "kid": self.kid()})
    }

    /// Signs exactly this header and payload, even if they are invalid.
    fn sign_raw(&self, header: &str, payload: &str) -> String {
        let input = format!("{}.{}", base64url::encode(header.as_bytes()), base64url::encode(payload.as_bytes()));
        let signature = self.pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        format!("{input}.{}", base64url::encode(signature.as_ref()))
    }

    pub(super) fn sign(&self, header: &Value, payload: &Value) -> String {
        self.sign_raw(&header.to_string(), &payload.to_string())
    }

    pub(super) fn verify(&self, jws: &str) -> Result<Prompt, Refusal> {
        verify_prompt(jws, &self.audience(), Timestamp(NOW))
    }
}

pub(super) fn good_prompt() -> Value {
    json!({"iss": "https://login.test", "aud": "device", "sub": "account", "jti": JTI,
        "iat": NOW, "exp": NOW + 120, "kind": "second_factor", "key": "device", "origin": "password_proved",
        "match": {"mode": "enter", "digits": 2},
        "context": {"application": "Payroll", "browser": "Firefox", "os": "Windows", "address": "192.0.2.1",
            "place": {"city": "Bern", "region": "Bern", "country": "Switzerland"}, "near": true}})
}

/// Returns the valid prompt with one member replaced.
fn with(pointer: &str, value: Value) -> Value {
    let mut prompt = good_prompt();
    *prompt.pointer_mut(pointer).unwrap() = value;
    prompt
}

#[test]
fn a_valid_prompt_is_returned_as_signed() {
    let service = Service::new();
    let prompt = service.verify(&service.sign(&service.header(), &good_prompt())).unwrap();
    assert_eq!((prompt.kind(), prompt.origin()), (PromptKind::SecondFactor, Origin::PasswordProved));
    assert_eq!((prompt.host(), prompt.user_name()), ("login.test", "ada@login.test"));
    assert_eq!((prompt.id().account.0.as_str(), prompt.id().jti.as_str()), ("local", JTI));
    assert_eq!(prompt.matching(), &Matching::Enter { digits: 2 });
    assert_eq!(prompt.context().place.as_ref().unwrap().city, "Bern");
    assert_eq!((prompt.issued_at(), prompt.expires_at()), (Timestamp(NOW), Timestamp(NOW + 120)));
    let choose = with("/match", json!({"mode": "choose", "options": ["10", "47", "99"]}));
    let prompt = service.verify(&service.sign(&service.header(), &choose)).unwrap();
    assert!(prompt.matching().fits("47") && !prompt.matching().fits("11"));
}

#[test]
fn a_prompt_with_one_wrong_claim_is_refused() {
    let service = Service::new();
    let cases = [
        ("/iss", json!("https://login.test/"), Refusal::OtherIssuer),
        ("/aud", json!("another"), Refusal::OtherDevice),
        ("/sub", json!("another"), Refusal::OtherAccount),
        ("/iat", json!(NOW + 61), Refusal::FromTheFuture),
        ("/exp", json!(NOW), Refusal::Expired),
        ("/exp", json!(NOW + 121), Refusal::LivesTooLong),
        ("/exp", json!(NOW + 301), Refusal::LivesTooLong),
        ("/jti", json!("short"), Refusal::IdForm),
        ("/jti", json!("AAECAwQFBgcICQoLDA0O"), Refusal::IdForm),
        ("/jti", json!("AAECAwQFBgcICQoLDA0OD="), Refusal::IdForm),
        ("/match/digits", json!(1), Refusal::MatchForm),
        ("/match/digits", json!(4), Refusal::MatchForm),
        ("/match", json!({"mode": "choose", "options": ["10", "10", "99"]}), Refusal::MatchForm),
        ("/match", json!({"mode": "choose", "options": ["10", "47", "9"]}), Refusal::MatchForm),
        ("/match", json!({"mode": "choose", "options": ["10", "47", "٩٩"]}), Refusal::MatchForm),
        ("/context/application", json!("x".repeat(129)), Refusal::TextTooLong),
        ("/kind", json!("anything"), Refusal::Jose(JoseError::Json)),
        ("/key", json!("sign_in"), Refusal::KeyForm),
        ("/key", json!("any"), Refusal::Jose(JoseError::Json)),
        ("/origin", json!("trusted"), Refusal::Jose(JoseError::Json)),
        ("/match", json!({"mode": "tap"}), Refusal::Jose(JoseError::Json)),
        ("/match", json!({"mode": "choose", "options": ["10", "47"]}), Refusal::Jose(JoseError::Json)),
        ("/exp", json!("soon"), Refusal::Jose(JoseError::Json)),
        ("/context", json!(null), Refusal::Jose(JoseError::Json)),
    ];
    for (pointer, value, refusal) in cases {
        let jws = service.sign(&service.header(), &with(pointer, value.clone()));
        assert_eq!(service.verify(&jws), Err(refusal), "{pointer} = {value}");
    }
}

/// For a sign-in without a password, a service must not be able to choose a key that needs no user verification.
#[test]
fn each_kind_accepts_only_its_allowed_keys() {
    let service = Service::new();
    let read = |kind: &str, key: &str| {
        let mut prompt = with("/kind", json!(kind));
        *prompt.pointer_mut("/key").unwrap() = json!(key);
        service.verify(&service.sign(&service.header(), &prompt)).map(|prompt| prompt.needs_unlock())
    };
    for kind in ["confirm_enrolment", "second_factor", "register_device"] {
        assert_eq!((read(kind, "device"), read(kind, "sign_in")), (Ok(false), Err(Refusal::KeyForm)), "{kind}");
    }
    assert_eq!(read("phone_sign_in", "device"), Err(Refusal::KeyForm));
    assert_eq!(read("phone_sign_in", "sign_in"), Ok(true));
    for kind in ["add_method", "remove_method", "create_pass", "report_lost"] {
        assert_eq!((read(kind, "device"), read(kind, "sign_in")), (Ok(false), Ok(true)), "{kind}");
    }
}

#[test]
fn lifetime_limit_depends_on_kind_and_origin() {
    let service = Service::new();
    let lives = |kind: &str, key: &str, origin: &str, seconds: u64| {
        let mut prompt = with("/exp", json!(NOW + seconds));
        for (pointer, value) in [("/kind", kind), ("/key", key), ("/origin", origin)] {
            *prompt.pointer_mut(pointer).unwrap() = json!(value);
        }
        service.verify(&service.sign(&service.header(), &prompt)).map(|_prompt| ())
    };
    for (kind, key, origin, longest) in [
        ("phone_sign_in", "sign_in", "unknown", 60),
        ("phone_sign_in", "sign_in", "known_browser", 120),
        ("second_factor", "device", "password_proved", 120),
        ("remove_method", "device", "signed_in", 300),
        ("register_device", "device", "known_browser", 300),
    ] {
        assert_eq!(lives(kind, key, origin, longest), Ok(()), "{kind}");
        assert_eq!(lives(kind, key, origin, longest + 1), Err(Refusal::LivesTooLong), "{kind}");
    }
}

#[test]
fn headers_with_other_values_or_members_are_refused() {
    let service = Service::new();
    let cases = [
        ("alg", json!("none"), JoseError::Algorithm),
        ("alg", json!("HS256"), JoseError::Algorithm),
        ("alg", json!("ES384"), JoseError::Algorithm),
        ("alg", json!("es256"), JoseError::Algorithm),
        ("typ", json!("JWT"), JoseError::Type),
        ("typ", json!("phone-state+jwt"), JoseError::Type),
        ("kid", json!("another"), JoseError::UnknownKey),
        ("crit", json!(["exp"]), JoseError::Json),
        ("jwk", json!(service.key.to_jwk()), JoseError::Json),
        ("jku", json!("https://evil.test/keys"), JoseError::Json),
        ("x5c", json!([]), JoseError::Json),
        ("b64", json!(false), JoseError::Json),
    ];
    for (member, value, refusal) in cases {
        let mut header = service.header();
        header[member] = value.clone();
        let jws = service.sign(&header, &good_prompt());
        assert_eq!(service.verify(&jws), Err(Refusal::Jose(refusal)), "{member} = {value}");
    }
    for member in ["alg", "typ", "kid"] {
        let mut header = service.header();
        header.as_object_mut().unwrap().remove(member);
        let jws = service.sign(&header, &good_prompt());
        assert_eq!(service.verify(&jws), Err(Refusal::Jose(JoseError::Json)), "without {member}");
    }
}

#[test]
fn a_prompt_with_a_duplicate_member_is_refused() {
    let service = Service::new();
    let (header, payload) = (service.header().to_string(), good_prompt().to_string());
    let twice = |text: &str| text.replacen('{', r#"{"alg":"ES256","iss":"x","aud":"y","alg":"ES256","iss":"x","#, 1);
    let refused = Err(Refusal::Jose(JoseError::Duplicate));
    assert_eq!(service.verify(&service.sign_raw(&twice(&header), &payload)), refused);
    assert_eq!(service.verify(&service.sign_raw(&header, &twice(&payload))), refused);
    let deep = payload.replace(r#""city":"Bern""#, r#""city":"Bern","city":"Oslo""#);
    assert_eq!(service.verify(&service.sign_raw(&header, &deep)), refused);
}

#[test]
fn forged_altered_or_malformed_prompts_are_refused() {
    let (service, attacker) = (Service::new(), Service::new());
    let good = service.sign(&service.header(), &good_prompt());
    let forged = attacker.sign(&service.header(), &good_prompt());
    assert_eq!(service.verify(&forged), Err(Refusal::Jose(JoseError::Signature)));
    let parts: Vec<&str> = good.split('.').collect();
    let altered = base64url::encode(with("/context/application", json!("Payro11")).to_string().as_bytes());
    let cases = [
        (format!("{}.{altered}.{}", parts[0], parts[2]), JoseError::Signature),
        (format!("{}.{}.", parts[0], parts[1]), JoseError::Signature),
        (format!("{}.{}.{}", parts[0], parts[1], base64url::encode(&[0; 64])), JoseError::Signature),
        (format!("{}.{}", parts[0], parts[1]), JoseError::Parts),
        (format!("{good}.x"), JoseError::Parts),
        (format!("{good}="), JoseError::Base64),
        (format!("{good} "), JoseError::Base64),
        ("garbage".to_owned(), JoseError::Parts),
        (String::new(), JoseError::Parts),
        ("..".to_owned(), JoseError::Json),
    ];
    for (jws, refusal) in cases {
        assert_eq!(service.verify(&jws), Err(Refusal::Jose(refusal)), "{jws}");
    }
    let long = with("/context/place/city", json!("x".repeat(2_000)));
    assert_eq!(service.verify(&service.sign(&service.header(), &long)), Err(Refusal::TooLarge));
    assert_eq!(service.verify(&"x".repeat(1 << 20)), Err(Refusal::TooLarge));
}

#[test]
fn control_characters_are_removed_from_texts() {
    let service = Service::new();
    let tricky = with("/context/application", json!("Pay\u{202e}llor\u{200b}\u{7}\n"));
    let prompt = service.verify(&service.sign(&service.header(), &tricky)).unwrap();
    assert_eq!(prompt.context().application, "Payllor");
}

#[test]
fn prompt_times_are_converted_to_the_phones_clock() {
    let service = Service::new();
    let jws = service.sign(&service.header(), &good_prompt());
    // The phone's clock is an hour behind the service's, and the stored offset corrects that.
    let audience = Audience { clock_offset: 3_600, ..service.audience() };
    let prompt = verify_prompt(&jws, &audience, Timestamp(NOW - 3_600)).unwrap();
    assert_eq!(prompt.expires_at(), Timestamp(NOW + 120 - 3_600));
    assert_eq!(verify_prompt(&jws, &audience, Timestamp(NOW)), Err(Refusal::Expired));
}

#[test]
fn a_withdrawal_is_verified_like_a_prompt() {
    let service = Service::new();
    let mut header = service.header();
    header["typ"] = json!("prompt-withdrawn+jwt");
    let good = json!({"iss": "https://login.test", "aud": "device", "jti": "x", "iat": NOW, "prompt": JTI,
        "reason": "cancelled", "exp": NOW + 120});
    let verify = |claims: &Value| verify_push(&service.sign(&header, claims), &service.audience(), Timestamp(NOW));
    let Ok(PushContent::Withdrawn { id, reason, .. }) = verify(&good) else { panic!("a valid withdrawal is refused") };
    assert_eq!((id.jti.as_str(), reason), (JTI, WithdrawalReason::Cancelled));
    for (member, value, refusal) in [
        ("iss", json!("https://evil.test"), Refusal::OtherIssuer),
        ("aud", json!("another"), Refusal::OtherDevice),
        ("exp", json!(NOW), Refusal::Expired),
        ("prompt", json!("x"), Refusal::IdForm),
        ("reason", json!("whatever"), Refusal::Jose(JoseError::Json)),
    ] {
        let mut claims = good.clone();
        claims[member] = value;
        assert_eq!(verify(&claims).err(), Some(refusal), "{member}");
    }
    // A withdrawal is not accepted as a prompt, and a state is not accepted as a push.
    assert_eq!(service.verify(&service.sign(&header, &good)), Err(Refusal::Jose(JoseError::Type)));
    header["typ"] = json!("phone-state+jwt");
    let state = verify_push(&service.sign(&header, &good), &service.audience(), Timestamp(NOW));
    assert_eq!(state.err(), Some(Refusal::Jose(JoseError::Type)));
}

/// Upper and lower case differ, and only ASCII digits are digits. By the rules of Turkish, Arabic or Thai, these texts
/// would be accepted.
#[test]
fn kinds_match_exactly_and_numbers_are_ascii_digits() {
    let service = Service::new();
    for kind in
        ["SECOND_FACTOR", "Second_Factor", "phone_s\u{131}gn_in", "PHONE_S\u{130}GN_\u{130}N", "second_factor\u{301}"]
    {
        let jws = service.sign(&service.header(), &with("/kind", json!(kind)));
        assert_eq!(service.verify(&jws), Err(Refusal::Jose(JoseError::Json)), "{kind}");
    }
    let enter = Matching::Enter { digits: 2 };
    assert!(enter.fits("47"));
    // A check that counts bytes would accept the first two numbers. A check that counts characters would accept the
    // others.
    for number in ["\u{664}", "\u{6f4}", "\u{664}\u{667}", "\u{e54}\u{e57}", "4\u{667}", "\u{ff14}\u{ff17}", "4 ", "+4"]
    {
        assert!(!enter.fits(number), "{number}");
    }
}

/// Runs the tests of `verify`, `jose` and `code` again, in processes with locales that are known for case and digit
/// bugs.
#[test]
fn tests_pass_in_turkish_arabic_and_thai_locales() {
    for locale in ["tr_TR.UTF-8", "ar_EG.UTF-8", "th_TH.UTF-8"] {
        let ran = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["protocol::verify", "jose::", "protocol::code", "--skip", "turkish_arabic_and_thai"])
            .env("LC_ALL", locale)
            .env("LANG", locale)
            .env("LANGUAGE", locale)
            .output()
            .unwrap();
        let output = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(ran.status.success() && !output.contains(" 0 passed"), "{locale}: {output}");
    }
}
