//! Tests the rules of registering devices and sign-in keys, with valid input and with copies that have one error each.
//! `phone_endpoints` tests that the endpoints apply these rules.

use std::collections::HashMap;

use countersign_service::clock::{MINUTE, Time};
use countersign_service::devices::device::{Cause, Claimed, Device, State, Subscription};
use countersign_service::jose::{Jwk, SigningKey};
use countersign_service::phone_sign_in::registration::{
    NewPhone, Purpose, Registration, RegistrationCode, RegistrationToken,
};
use countersign_service::phone_sign_in::rules::{
    ADD_SCOPE, Attestation, CLIENT_ID, CODE_LIFE, KeyProof, NONCE_LIFE, Proof, REQUEST_LIFE, Redemption, TOKEN_LIFE,
    TURN_ON_SCOPE, TurnOn, TurnedOn, UserVerification, Worth, proves, read, turn_on, worth,
};
use countersign_service::provenance::Given;
use countersign_service::secrets::{encode, hashed};

const NOW: Time = 1_790_000_000;
const ISSUER: &str = "https://login.test";
const APP: &str = "https://app.test/phone-sign-in";
const LOOPBACK: &str = "http://127.0.0.1:40000/phone-sign-in";

fn key(of: u8) -> Jwk {
    SigningKey::from_scalar(&[of; 32]).unwrap().public().clone()
}

fn device() -> Device {
    let claimed =
        Claimed { name: "Phone".to_owned(), model: "M".to_owned(), os: "OS".to_owned(), app_version: "1".to_owned() };
    let push = Subscription { endpoint: String::new(), p256dh: String::new(), auth: String::new() };
    let mut device =
        Device::pending("device".to_owned(), "ada".to_owned(), key(1), claimed, push, Given::unrecorded(NOW), NOW);
    device.state = State::Active;
    device
}

/// Reads a pushed request in which the field `name` is replaced, or left out for `None`. Returns whether the request
/// adds a phone.
fn pushed(scope: &str, name: &str, value: Option<&str>) -> Result<bool, &'static str> {
    let hash = hashed(b"anything");
    let mut fields: HashMap<&str, &str> = HashMap::from([
        ("client_id", CLIENT_ID),
        ("redirect_uri", LOOPBACK),
        ("response_type", "code"),
        ("scope", scope),
        ("prompt", "login"),
        ("code_challenge_method", "S256"),
        ("code_challenge", &hash),
        ("dpop_jkt", &hash),
        ("state", "AAAAAAAAAAAAAAAAAAAAAA"),
        ("device_name", "Ada's phone"),
        ("device_model", "Model"),
        ("digits", "012345"),
    ]);
    fields.remove(name);
    fields.extend(value.map(|value| (name, value)));
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    read(&fields, &[APP.to_owned()]).map(|pushed| pushed.new_phone.is_some())
}

#[test]
fn registration_lifetimes_match_the_protocol() {
    assert_eq!([REQUEST_LIFE, CODE_LIFE, TOKEN_LIFE, NONCE_LIFE], [600, 60, 600, 300]);
}

#[test]
fn pushed_request_needs_exactly_one_known_scope() {
    assert_eq!(pushed(TURN_ON_SCOPE, "unknown", None), Ok(false));
    assert_eq!(pushed(ADD_SCOPE, "unknown", None), Ok(true));
    for scope in ["", "openid", "device_registration enrollment"] {
        assert_eq!(pushed(scope, "unknown", None), Err("invalid_scope"), "{scope}");
    }
}

#[test]
fn a_pushed_request_with_one_field_wrong_is_refused() {
    let (short, long) = (encode(&[7; 31]), encode(&[7; 33]));
    let (state_21, state_129) = ("A".repeat(21), "A".repeat(129));
    let wrong = [
        ("client_id", vec!["", "another"], "invalid_client"),
        ("redirect_uri", vec!["", "https://elsewhere.test/"], "invalid_redirect_uri"),
        ("response_type", vec!["", "token"], "unsupported_response_type"),
        ("prompt", vec!["", "none", "login consent"], "invalid_request"),
        ("code_challenge_method", vec!["", "plain"], "invalid_request"),
        ("code_challenge", vec!["", "!", &short, &long], "invalid_request"),
        ("dpop_jkt", vec!["", "!", &short, &long], "invalid_request"),
        ("state", vec!["", &state_21, &state_129], "invalid_request"),
        ("request_uri", vec!["", "urn:another"], "invalid_request"),
        ("request", vec!["", "another"], "invalid_request"),
    ];
    for (name, values, error) in &wrong {
        for value in values {
            assert_eq!(pushed(TURN_ON_SCOPE, name, Some(value)), Err(*error), "{name}: {value}");
        }
        let left_out = pushed(TURN_ON_SCOPE, name, None);
        let may_be_left_out = name.starts_with("request");
        assert_eq!(left_out, if may_be_left_out { Ok(false) } else { Err(*error) }, "{name}");
    }
    for length in [22, 128] {
        assert_eq!(pushed(TURN_ON_SCOPE, "state", Some(&"A".repeat(length))), Ok(false), "{length}");
    }
}

#[test]
fn new_phone_must_send_name_model_and_six_digits() {
    let wrong: [(&str, &[&str]); 3] = [
        ("device_name", &["", "\u{202e}enohP"]),
        ("device_model", &["", "line\nbreak"]),
        ("digits", &["", "01234", "0123456", "01234a", "01234٣"]),
    ];
    for (name, values) in wrong {
        for value in values.iter().map(|value| Some(*value)).chain([None]) {
            assert_eq!(pushed(ADD_SCOPE, name, value), Err("invalid_request"), "{name}: {value:?}");
            assert_eq!(pushed(TURN_ON_SCOPE, name, value), Ok(false), "required {name} of a known phone");
        }
    }
}

#[test]
fn redirect_uri_must_be_registered_or_loopback() {
    for valid in [APP, "http://127.0.0.1:1/phone-sign-in", "http://127.0.0.1:65535/phone-sign-in"] {
        assert_eq!(pushed(TURN_ON_SCOPE, "redirect_uri", Some(valid)), Ok(false), "{valid}");
    }
    for wrong in [
        "http://127.0.0.1/phone-sign-in",
        "http://127.0.0.1:0x50/phone-sign-in",
        "http://127.0.0.1:80/phone-sign-in",
        "https://127.0.0.1:40000/phone-sign-in",
        "http://localhost:40000/phone-sign-in",
        "http://127.0.0.2:40000/phone-sign-in",
        "http://127.1:40000/phone-sign-in",
        "http://2130706433:40000/phone-sign-in",
        "http://[::1]:40000/phone-sign-in",
        "http://127.0.0.1.evil.test:40000/phone-sign-in",
        "http://evil.test:40000/phone-sign-in",
        "http://evil@127.0.0.1:40000/phone-sign-in",
        "http://127.0.0.1:40000/phone-sign-in/",
        "http://127.0.0.1:40000/phone-sign-in?a=b",
        "http://127.0.0.1:40000/phone-sign-in#a",
        "http://127.0.0.1:40000/other",
        "http://127.0.0.1:40000/x/../phone-sign-in",
        "http://127.0.0.1:40000/phone%2Dsign-in",
        "HTTP://127.0.0.1:40000/phone-sign-in",
        "http://127.0.0.1:040000/phone-sign-in",
        "https://app.test/phone-sign-in/",
        "https://app.test/phone-sign-in?a=b",
        "https://app.test/phone-sign-in.evil.test",
        "https://app.test/",
        "http://app.test/phone-sign-in",
        "countersign://phone-sign-in",
        "javascript:alert(1)",
    ] {
        assert_eq!(pushed(TURN_ON_SCOPE, "redirect_uri", Some(wrong)), Err("invalid_redirect_uri"), "{wrong}");
    }
}

#[test]
fn dpop_proof_needs_its_endpoint_and_the_current_time() {
    let endpoint = "https://login.test/token";
    let right = Proof { jti: encode(&[7; 16]), htm: "POST".to_owned(), htu: endpoint.to_owned(), iat: NOW };
    for iat in [NOW, NOW - 60, NOW + 60] {
        assert!(proves(&Proof { iat, ..right.clone() }, endpoint, NOW), "{iat}");
    }
    let wrong = [
        Proof { htm: "GET".to_owned(), ..right.clone() },
        Proof { htu: "https://login.test/par".to_owned(), ..right.clone() },
        Proof { iat: NOW - 61, ..right.clone() },
        Proof { iat: NOW + 61, ..right.clone() },
        Proof { jti: encode(&[7; 15]), ..right.clone() },
        Proof { jti: encode(&[7; 17]), ..right.clone() },
        Proof { jti: "not base64url!".to_owned(), ..right },
    ];
    for proof in wrong {
        assert!(!proves(&proof, endpoint, NOW), "{proof:?}");
    }
}

/// An authorization code, the parameters of the phone that redeems this code, and the device that the service stored.
struct Redeeming {
    code: RegistrationCode,
    device: Option<Device>,
    redirect_uri: String,
    verifier: String,
    jkt: String,
}

impl Redeeming {
    fn of(purpose: Purpose, device: Option<Device>, account: Option<&str>) -> Self {
        let verifier = "v".repeat(43);
        let registration = Registration {
            id: String::new(),
            redirect_uri: LOOPBACK.to_owned(),
            state: String::new(),
            code_challenge: hashed(verifier.as_bytes()),
            purpose,
            account_id: account.map(str::to_owned),
            expires_at: NOW,
            given: Given::unrecorded(NOW),
        };
        let code = RegistrationCode {
            id: String::new(),
            registration,
            expires_at: NOW + 1,
            token: None,
            given: Given::unrecorded(NOW),
        };
        Self { code, device, redirect_uri: LOOPBACK.to_owned(), verifier, jkt: key(1).thumbprint() }
    }

    fn turn_on() -> Self {
        Self::of(Purpose::TurnOn { device_id: "device".to_owned() }, Some(device()), Some("ada"))
    }

    fn add() -> Self {
        let phone = NewPhone {
            jkt: key(1).thumbprint(),
            name: String::new(),
            model: String::new(),
            digits: String::new(),
            wrong_digits: 0,
        };
        Self::of(Purpose::AddPhone(phone), None, Some("ada"))
    }

    fn verified_by(mut self, verifier: &str) -> Self {
        verifier.clone_into(&mut self.verifier);
        self.code.registration.code_challenge = hashed(verifier.as_bytes());
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn is_good(&self) -> bool {
        let by = Redemption { redirect_uri: &self.redirect_uri, verifier: &self.verifier, jkt: &self.jkt };
        worth(&self.code, self.device.as_ref(), &by, NOW) == Worth::Token
    }
}

#[test]
fn authorization_code_with_one_wrong_fact_is_refused() {
    for of in [Redeeming::turn_on, Redeeming::add] {
        assert!(of().is_good());
        for length in [43, 128] {
            assert!(of().verified_by(&"v".repeat(length)).is_good(), "{length}");
        }
        let wrong = [
            of().with(|it| it.code.token = Some("redeemed".to_owned())),
            of().with(|it| it.code.expires_at = NOW),
            of().with(|it| APP.clone_into(&mut it.redirect_uri)),
            of().with(|it| it.verifier = "w".repeat(43)),
            of().verified_by(&"v".repeat(42)),
            of().verified_by(&"v".repeat(129)),
            of().with(|it| it.jkt = key(2).thumbprint()),
        ];
        for (which, redeeming) in wrong.iter().enumerate() {
            assert!(!redeeming.is_good(), "{which}");
        }
    }
}

#[test]
fn turn_on_authorization_code_needs_the_persons_active_device() {
    let changed = |change: fn(&mut Device)| Redeeming::turn_on().with(|it| it.device.iter_mut().for_each(change));
    let wrong = [
        changed(|device| device.id = "another".to_owned()),
        changed(|device| device.account_id = "eve".to_owned()),
        changed(|device| device.state = State::Pending),
        changed(|device| device.state = State::Removed(Cause::Lost)),
        changed(|device| device.key = key(2)),
        Redeeming::turn_on().with(|it| it.device = None),
        Redeeming::turn_on().with(|it| it.code.registration.account_id = None),
        Redeeming::add().with(|it| it.device = Some(device())),
    ];
    for (which, redeeming) in wrong.iter().enumerate() {
        assert!(!redeeming.is_good(), "{which}");
    }
}

/// The facts that decide whether a sign-in key is registered.
struct Asked {
    device: Device,
    token: RegistrationToken,
    proof: KeyProof,
    key_used: bool,
    key_is_on: bool,
    allowed: bool,
}

const FINGERPRINT: &str = "fingerprint of the proof";

impl Asked {
    fn right() -> Self {
        let token = RegistrationToken {
            id: String::new(),
            device_id: "device".to_owned(),
            account_id: "ada".to_owned(),
            nonce: hashed(b"nonce"),
            nonce_expires_at: NOW + MINUTE,
            expires_at: NOW + MINUTE,
            spent_by: None,
            given: Given::unrecorded(NOW),
        };
        let proof = KeyProof {
            aud: ISSUER.to_owned(),
            sub: "ada".to_owned(),
            device: "device".to_owned(),
            device_key: key(1).thumbprint(),
            nonce: "nonce".to_owned(),
            purpose: "turn_on".to_owned(),
            uv: UserVerification::Biometric,
            attestation: Attestation::None,
        };
        Self { device: device(), token, proof, key_used: false, key_is_on: false, allowed: true }
    }

    /// Returns the facts for a phone that sends an accepted proof again.
    fn again() -> Self {
        Self::right().with(|asked| {
            asked.token.spent_by = Some(FINGERPRINT.to_owned());
            (asked.key_used, asked.key_is_on) = (true, true);
        })
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn result(&self) -> TurnedOn {
        let asked = TurnOn {
            issuer: ISSUER,
            device: &self.device,
            token: &self.token,
            proof: &self.proof,
            fingerprint: FINGERPRINT,
            key_used: self.key_used,
            key_is_on: self.key_is_on,
            allowed: self.allowed,
        };
        turn_on(&asked, NOW)
    }
}

#[test]
fn key_proof_with_one_wrong_fact_is_refused() {
    use UserVerification::{Biometric, Credential, Unspecified};
    for uv in [Biometric, Credential, Unspecified] {
        assert_eq!(Asked::right().with(|asked| asked.proof.uv = uv).result(), TurnedOn::Done, "{uv:?}");
    }
    let wrong: [fn(&mut Asked); 12] = [
        |asked| asked.proof.uv = UserVerification::None,
        |asked| asked.proof.aud = "https://another.test".to_owned(),
        |asked| asked.proof.sub = "eve".to_owned(),
        |asked| asked.proof.device = "another".to_owned(),
        |asked| asked.proof.device_key = key(2).thumbprint(),
        |asked| asked.proof.nonce = "another".to_owned(),
        |asked| asked.proof.purpose = "turn_off".to_owned(),
        |asked| asked.token.device_id = "another".to_owned(),
        |asked| asked.token.account_id = "eve".to_owned(),
        |asked| asked.device.state = State::Pending,
        |asked| asked.device.state = State::Removed(Cause::RemovedByPerson),
        |asked| asked.device.key = key(2),
    ];
    for (which, change) in wrong.into_iter().enumerate() {
        assert_eq!(Asked::right().with(change).result(), TurnedOn::Refused, "{which}");
        assert_eq!(Asked::again().with(change).result(), TurnedOn::Refused, "{which}, in a repeated request");
    }
}

#[test]
fn used_key_is_not_registered_again() {
    assert_eq!(Asked::right().with(|asked| asked.key_used = true).result(), TurnedOn::Refused);
}

#[test]
fn phone_sign_in_stays_off_after_token_or_nonce_has_expired() {
    let late: [fn(&mut Asked); 2] = [|asked| asked.token.expires_at = NOW, |asked| asked.token.nonce_expires_at = NOW];
    for change in late {
        assert_eq!(Asked::right().with(change).result(), TurnedOn::Expired);
        assert_eq!(
            Asked::again().with(change).result(),
            TurnedOn::Done,
            "refused a repeated request although the first request was in time"
        );
    }
    let in_time = Asked::right().with(|it| (it.token.expires_at, it.token.nonce_expires_at) = (NOW + 1, NOW + 1));
    assert_eq!(in_time.result(), TurnedOn::Done);
}

#[test]
fn policy_can_forbid_registering_a_key() {
    assert_eq!(Asked::right().with(|asked| asked.allowed = false).result(), TurnedOn::NotAllowed);
}

#[test]
fn repeated_proof_is_accepted_until_its_key_is_removed() {
    assert_eq!(Asked::again().result(), TurnedOn::Done);
    assert_eq!(Asked::again().with(|asked| asked.key_is_on = false).result(), TurnedOn::Refused);
    let another = Asked::again().with(|asked| asked.token.spent_by = Some("another proof".to_owned()));
    assert_eq!(another.result(), TurnedOn::Refused);
}
