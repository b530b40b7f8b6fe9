//! Tests registering a sign-in key, and answers that this key signs. For each rule, the tests send a request that
//! violates only this rule.

use countersign_service::audit::Entry;
use countersign_service::devices::device::Device;
use countersign_service::prompts::answers;
use countersign_service::prompts::ceremony::{Kind, Origin};
use countersign_service::prompts::rules::Decision;
use countersign_service::secrets::{encode, hashed, random_id};
use countersign_service::store::StoreError;
use serde_json::{Value, json};

use super::phone::{Phone, jti_of, with};
use super::service::{Answer, ISSUER, Service};

pub const REDIRECT: &str = "http://127.0.0.1:40000/phone-sign-in";
pub const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-0";

pub type Fields = Vec<(String, String)>;

pub fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Returns the form with one field replaced. The value `None` removes the field.
pub fn but(form: &Fields, name: &str, value: Option<&str>) -> Fields {
    let mut form: Fields = form.iter().filter(|(field, _)| field != name).cloned().collect();
    form.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    form
}

impl Phone {
    pub fn proof_header(&self) -> Value {
        json!({"alg": "ES256", "typ": "dpop+jwt", "jwk": self.jwk})
    }

    pub fn proof_claims(&self, service: &Service, path: &str) -> Value {
        json!({"jti": random_id().unwrap(), "htm": "POST", "htu": format!("{ISSUER}{path}"), "iat": service.now()})
    }

    pub fn proof(&self, service: &Service, path: &str) -> String {
        self.sign(&self.proof_header(), &self.proof_claims(service, path))
    }

    pub fn pushed(&self) -> Fields {
        fields(&[
            ("client_id", "countersign-phone"),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", "device_registration"),
            ("state", "AAAAAAAAAAAAAAAAAAAAAA"),
            ("code_challenge", &hashed(VERIFIER.as_bytes())),
            ("code_challenge_method", "S256"),
            ("dpop_jkt", &self.jwk.thumbprint()),
            ("prompt", "login"),
        ])
    }

    pub async fn push(&self, service: &Service, form: &Fields) -> Answer {
        service.form("/par", form, &[self.proof(service, "/par")]).await
    }

    /// Issues an authorization code as if the person had signed in and agreed in the browser. The journeys test the
    /// pages on which the person does this.
    pub async fn code(&self, service: &Service) -> String {
        let pushed = self.push(service, &self.pushed()).await;
        assert_eq!(pushed.status, 201, "{}", pushed.body);
        service.agreed(pushed.json()["request_uri"].as_str().unwrap())
    }

    pub async fn redeem(&self, service: &Service, form: &Fields) -> Answer {
        service.form("/token", form, &[self.proof(service, "/token")]).await
    }

    pub async fn token(&self, service: &Service) -> Value {
        let code = self.code(service).await;
        let answer = self.redeem(service, &redemption(&code)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    pub fn key_proof(&self, service: &Service, token: &Value) -> Value {
        json!({
            "aud": ISSUER, "sub": service.account, "device": self.device_id, "device_key": self.jwk.thumbprint(),
            "nonce": token["nonce"], "purpose": "turn_on", "uv": "credential", "attestation": {"format": "none"},
        })
    }

    pub async fn turn_on(&self, service: &Service, token: &Value, key: &Phone, claims: &Value) -> Value {
        let header = json!({"alg": "ES256", "typ": "phone-sign-in-key+jwt", "jwk": key.jwk});
        let message = json!({"message": "turn_on", "token": token["access_token"], "proof": key.sign(&header, claims)});
        self.state(service, "device", message).await
    }

    /// Turns phone sign-in on with a new key.
    pub async fn turned_on(&self, service: &Service, seed: u8) -> Phone {
        let (token, key) = (self.token(service).await, Phone::new(seed));
        let state = self.turn_on(service, &token, &key, &self.key_proof(service, &token)).await;
        assert_eq!(
            (state["turn_on"].as_str(), state["sign_in_key"].as_str()),
            (Some("done"), Some(key.jwk.thumbprint().as_str()))
        );
        key
    }
}

pub fn redemption(code: &str) -> Fields {
    fields(&[
        ("grant_type", "authorization_code"),
        ("client_id", "countersign-phone"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ])
}

#[tokio::test]
async fn incomplete_pushed_request_is_refused() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    assert_eq!(phone.push(&service, &phone.pushed()).await.status, 201);
    for name in phone.pushed().iter().map(|(name, _)| name.clone()).collect::<Vec<_>>() {
        for value in [None, Some(""), Some("x")] {
            let refused = phone.push(&service, &but(&phone.pushed(), &name, value)).await;
            assert_eq!(refused.status, 400, "{name} = {value:?}: {}", refused.body);
        }
        let mut doubled = phone.pushed();
        doubled.push(doubled.iter().find(|(field, _)| *field == name).unwrap().clone());
        assert_eq!(phone.push(&service, &doubled).await.status, 400, "{name} twice");
    }
    let by_link = but(&phone.pushed(), "redirect_uri", Some("https://app.test/phone-sign-in"));
    assert_eq!(phone.push(&service, &by_link).await.status, 201, "refused a registered redirect URI");
}

#[tokio::test]
async fn pushed_request_needs_a_new_proof_by_the_device_key() {
    let service = Service::start().await;
    let (phone, other) = (service.with_phone(1).await, service.with_phone(2).await);
    let unknown_phone = Phone::new(9);
    let (header, claims) = (phone.proof_header(), phone.proof_claims(&service, "/par"));
    let good = phone.sign(&header, &claims);
    let form = phone.pushed();
    let status = async |proofs: &[String]| service.form("/par", &form, proofs).await.status;
    assert_eq!(status(std::slice::from_ref(&good)).await, 201);
    assert_eq!(status(std::slice::from_ref(&good)).await, 400, "accepted a proof twice");
    let again = || phone.proof_claims(&service, "/par");
    let late = service.now() - 61;
    let wrong = [
        vec![],
        vec![phone.sign(&header, &again()), phone.sign(&header, &again())],
        vec![phone.sign(&header, &with(again(), "htm", json!("GET")))],
        vec![phone.sign(&header, &with(again(), "htu", json!(format!("{ISSUER}/token"))))],
        vec![phone.sign(&header, &with(again(), "htu", json!("https://evil.test/par")))],
        vec![phone.sign(&header, &with(again(), "iat", json!(late)))],
        vec![phone.sign(&header, &with(again(), "iat", json!(service.now() + 61)))],
        vec![phone.sign(&header, &with(again(), "jti", json!("short")))],
        vec![phone.sign(&with(header.clone(), "typ", json!("jwt")), &again())],
        vec![phone.sign(&with(header.clone(), "alg", json!("none")), &again())],
        vec![phone.sign(&with(header.clone(), "kid", json!("x")), &again())],
        vec![other.sign(&header, &again())],
        vec![other.proof(&service, "/par")],
        vec![unknown_phone.proof(&service, "/par")],
    ];
    for proofs in wrong {
        assert_eq!(status(&proofs).await, 400, "{proofs:?}");
    }
    // The response is the same for a key of no device, and for the key of a device if the form names another device's
    // key. So a client does not learn which keys belong to devices.
    let unknown = unknown_phone.push(&service, &unknown_phone.pushed()).await;
    let another = other.push(&service, &form).await;
    assert_eq!((unknown.status, unknown.body), (another.status, another.body));
}

#[tokio::test]
async fn j4_w5_w6_authorization_code_works_once_for_its_phone() {
    let service = Service::start().await;
    let (phone, other) = (service.with_phone(1).await, service.with_phone(2).await);
    let code = phone.code(&service).await;
    let form = redemption(&code);
    let refused = |form: Fields| {
        let (service, phone) = (&service, &phone);
        async move { phone.redeem(service, &form).await.json()["error"].as_str().map(str::to_owned) }
    };
    let grant = Some("invalid_grant".to_owned());
    let another = "another-verifier-of-at-least-forty-three-charac";
    assert_eq!(refused(but(&form, "code_verifier", Some(another))).await, grant);
    assert_eq!(refused(but(&form, "code_verifier", None)).await, grant);
    assert_eq!(refused(but(&form, "redirect_uri", Some("http://127.0.0.1:40001/phone-sign-in"))).await, grant);
    assert_eq!(refused(but(&form, "code", Some("AAAAAAAAAAAAAAAAAAAAAA"))).await, grant);
    // The attacker has the authorization code from a stolen redirect, and even the verifier, but not the phone's key.
    assert_eq!(other.redeem(&service, &form).await.json()["error"], "invalid_grant");
    assert_eq!(service.form("/token", &form, &[]).await.json()["error"], "invalid_dpop_proof");
    let token = phone.redeem(&service, &form).await;
    assert_eq!((token.status, token.json()["token_type"].as_str()), (200, Some("DPoP")), "{}", token.body);
    assert_eq!(
        phone.redeem(&service, &form).await.json()["error"],
        "invalid_grant",
        "redeemed an authorization code twice"
    );
    // The second use of the authorization code has ended the token that the first use returned.
    let key = Phone::new(50);
    let state = phone.turn_on(&service, &token.json(), &key, &phone.key_proof(&service, &token.json())).await;
    assert_eq!((state["turn_on"].as_str(), state.get("sign_in_key")), (Some("expired"), None));
    let late = phone.code(&service).await;
    service.clock.advance(60);
    assert_eq!(refused(redemption(&late)).await, grant);
}

#[tokio::test]
async fn sign_in_key_needs_a_complete_proof() {
    let service = Service::start().await;
    let (phone, other) = (service.with_phone(1).await, service.with_phone(2).await);
    let (token, key) = (phone.token(&service).await, Phone::new(50));
    let good = phone.key_proof(&service, &token);
    for (member, value) in [
        ("aud", json!("https://evil.test")),
        ("sub", json!("another")),
        ("device", json!(other.device_id)),
        ("device_key", json!(other.jwk.thumbprint())),
        ("nonce", json!(encode(&[1; 16]))),
        ("purpose", json!("turn_off")),
        ("uv", json!("none")),
        ("uv", json!("perhaps")),
        ("attestation", json!({"format": "android-key"})),
        ("attestation", Value::Null),
        ("nonce", Value::Null),
    ] {
        let state = phone.turn_on(&service, &token, &key, &with(good.clone(), member, value.clone())).await;
        assert_eq!(
            (state["turn_on"].as_str(), state.get("sign_in_key")),
            (Some("refused"), None),
            "{member} = {value}"
        );
    }
    // The device key can't be the sign-in key, because the device key requires no user verification.
    let state = phone.turn_on(&service, &token, &phone, &good).await;
    assert_eq!(state["turn_on"], "refused");
    // The second phone sends the token of the first phone.
    let state = other.turn_on(&service, &token, &key, &other.key_proof(&service, &token)).await;
    assert_eq!(state["turn_on"], "refused");
    let state = phone.turn_on(&service, &token, &key, &good).await;
    assert_eq!(state["turn_on"], "done");
}

#[tokio::test]
async fn second_use_of_a_token_or_sign_in_key_is_refused() {
    let service = Service::start().await;
    let (phone, other) = (service.with_phone(1).await, service.with_phone(2).await);
    let (token, key) = (phone.token(&service).await, Phone::new(50));
    let header = json!({"alg": "ES256", "typ": "phone-sign-in-key+jwt", "jwk": key.jwk});
    let proof = key.sign(&header, &phone.key_proof(&service, &token));
    let message = json!({"message": "turn_on", "token": token["access_token"], "proof": proof});
    for _again in 0..2 {
        let state = phone.state(&service, "device", message.clone()).await;
        assert_eq!(state["turn_on"], "done", "the same proof got another result");
    }
    let entries = service.app.store.global_blocking(|tx| tx.children::<Entry>(&service.account)).unwrap();
    assert_eq!(
        entries.iter().filter(|entry| entry.what == "phone_sign_in_on").count(),
        1,
        "expected one entry in the audit log"
    );
    let second = Phone::new(51);
    let state = phone.turn_on(&service, &token, &second, &phone.key_proof(&service, &token)).await;
    assert_eq!((state["turn_on"].as_str(), &state["sign_in_key"]), (Some("refused"), &json!(key.jwk.thumbprint())));
    // The second phone sends the sign-in key of the first phone, with a proof that is valid for the second phone.
    let theirs = other.token(&service).await;
    let state = other.turn_on(&service, &theirs, &key, &other.key_proof(&service, &theirs)).await;
    assert_eq!(state["turn_on"], "refused");
    // After the key was removed, the old proof does not restore it.
    let off = json!({"message": "turn_off", "sign_in_key": key.jwk.thumbprint()});
    assert!(phone.state(&service, "device", off).await.get("sign_in_key").is_none());
    let state = phone.state(&service, "device", message).await;
    assert_eq!((state["turn_on"].as_str(), state.get("sign_in_key")), (Some("refused"), None));
    let again = phone.token(&service).await;
    let state = phone.turn_on(&service, &again, &key, &phone.key_proof(&service, &again)).await;
    assert_eq!(state["turn_on"], "refused", "a new token restored the removed key");
}

#[tokio::test]
async fn turn_on_needs_unexpired_nonce_and_token() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    for (seconds, expected) in [(299, "done"), (300, "expired"), (601, "expired")] {
        let (token, key) = (phone.token(&service).await, Phone::new(60 + u8::try_from(seconds % 50).unwrap()));
        let proof = phone.key_proof(&service, &token);
        service.clock.advance(seconds);
        let state = phone.turn_on(&service, &token, &key, &proof).await;
        assert_eq!(state["turn_on"], expected, "after {seconds} s");
    }
}

#[tokio::test]
async fn late_turn_off_of_an_old_key_keeps_the_newer_key() {
    let service = Service::start().await;
    let (phone, other) = (service.with_phone(1).await, service.with_phone(2).await);
    let (first, second) = (phone.turned_on(&service, 50).await, phone.turned_on(&service, 51).await);
    let off = |key: &Phone| json!({"message": "turn_off", "sign_in_key": key.jwk.thumbprint()});
    let state = phone.state(&service, "device", off(&first)).await;
    assert_eq!(state["sign_in_key"], json!(second.jwk.thumbprint()));
    for _again in 0..2 {
        assert!(phone.state(&service, "device", off(&second)).await.get("sign_in_key").is_none());
    }
    // The second phone gets the notices until the second phone acknowledges them. An acknowledgment by the first phone
    // does not end this.
    let state = other.fetched(&service).await;
    let kinds: Vec<&str> =
        state["notices"].as_array().unwrap().iter().map(|notice| notice["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["phone_sign_in_on", "phone_sign_in_on", "phone_sign_in_off"]);
    let ids: Vec<&Value> = state["notices"].as_array().unwrap().iter().map(|notice| &notice["id"]).collect();
    phone.state(&service, "device", json!({"message": "ack", "notices": ids})).await;
    assert_eq!(other.fetched(&service).await["notices"].as_array().unwrap().len(), 3);
    other.state(&service, "device", json!({"message": "ack", "notices": ids})).await;
    assert!(other.fetched(&service).await.get("notices").is_none());
}

/// Starts a ceremony of the given kind. Returns two values: the phone's prompt, and the number of the ceremony.
async fn asked(service: &Service, phone: &Phone, attempt: &str, kind: Kind) -> (String, String) {
    let mut wanted = service.wanted(attempt);
    (wanted.kind, wanted.origin) = (kind, Origin::PasswordProved);
    let ceremony =
        countersign_service::prompts::acts::start(&service.app, wanted).await.unwrap().into_result().unwrap();
    (phone.prompt(service).await, ceremony.number)
}

#[tokio::test]
async fn prompt_is_approved_only_by_the_key_it_names() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let key = phone.turned_on(&service, 50).await;
    let signed = |signer: &Phone, claims: &Value| {
        let header = json!({"alg": "ES256", "typ": "phone-answer+jwt", "kid": signer.jwk.thumbprint()});
        signer.sign(&header, claims)
    };
    let (prompt, number) = asked(&service, &phone, "a", Kind::PhoneSignIn).await;
    let approval = phone.approval(&service, &prompt, &number);
    let by_key = with(approval.clone(), "uv", json!("credential"));
    for (signer, claims) in [
        (&phone, approval.clone()),
        (&phone, by_key.clone()),
        (&key, approval),
        (&key, with(phone.denial(&service, &prompt), "uv", json!("credential"))),
    ] {
        let answer = phone.deliver(&service, &signed(signer, &claims)).await;
        assert_eq!(answer.problem(), "request-refused", "{claims}");
    }
    let answer = phone.read_state(&service, &phone.deliver(&service, &signed(&key, &by_key)).await);
    assert_eq!(answer["outcome"]["result"], "approved");
    // A second factor is approved only by the device key, not by the sign-in key.
    let (prompt, number) = asked(&service, &phone, "b", Kind::SecondFactor).await;
    let approval = phone.approval(&service, &prompt, &number);
    let answer = phone.deliver(&service, &signed(&key, &with(approval, "uv", json!("credential")))).await;
    assert_eq!(answer.problem(), "request-refused");
    assert_eq!(phone.approve(&service, &prompt, &number).await, "approved");
}

#[tokio::test]
async fn prompt_can_not_be_approved_after_its_key_was_replaced() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let old = phone.turned_on(&service, 50).await;
    let (prompt, number) = asked(&service, &phone, "a", Kind::PhoneSignIn).await;
    let new = phone.turned_on(&service, 51).await;
    for key in [&old, &new] {
        let claims = with(phone.approval(&service, &prompt, &number), "uv", json!("credential"));
        let header = json!({"alg": "ES256", "typ": "phone-answer+jwt", "kid": key.jwk.thumbprint()});
        let answer = phone.deliver(&service, &key.sign(&header, &claims)).await;
        assert_eq!(answer.problem(), "request-refused");
    }
}

#[tokio::test]
async fn j8_no_step_up_for_a_day_after_phone_sign_in_is_turned_off() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let key = phone.turned_on(&service, 50).await;
    phone.state(&service, "device", json!({"message": "turn_off", "sign_in_key": key.jwk.thumbprint()})).await;
    let start = async |kind| {
        let mut wanted = service.wanted(&format!("{kind:?}{}", service.now()));
        wanted.kind = kind;
        countersign_service::prompts::acts::start(&service.app, wanted).await.unwrap().into_result().is_ok()
    };
    assert!(!start(Kind::RemoveMethod).await && !start(Kind::AddMethod).await);
    assert!(start(Kind::SecondFactor).await, "turning phone sign-in off also prevented a second factor");
    service.clock.advance(86_400);
    assert!(start(Kind::RemoveMethod).await);
}

/// The service verified the answer's signature before the key was replaced. When the service then processes the answer,
/// it checks again whether the key is still registered.
#[tokio::test]
async fn answer_by_a_key_replaced_during_processing_is_refused() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let old = phone.turned_on(&service, 50).await;
    let (prompt, number) = asked(&service, &phone, "a", Kind::PhoneSignIn).await;
    let late = answers::Answer {
        prompt: jti_of(&service, &prompt),
        prompt_sha256: hashed(prompt.as_bytes()),
        decision: Decision::Approve(number),
        key: old.jwk.thumbprint(),
        fingerprint: "of the bytes".to_owned(),
        by_push: false,
        network: "192.0.2.0/24".to_owned(),
    };
    let _new = phone.turned_on(&service, 51).await;
    let (app, now, id) = (service.app.clone(), service.now(), phone.device_id.clone());
    let answered = service.app.store.global(move |tx| {
        let device = tx.get::<Device>(&id)?.ok_or(StoreError::Stopped)?;
        Ok(answers::answer(tx, &app, &device, &late, now)?.is_some())
    });
    assert!(!answered.await.unwrap());
}
