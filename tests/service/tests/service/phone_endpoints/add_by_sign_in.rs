//! Tests adding a phone by signing in: the phone sends the person to a browser. For each rule, the tests send a request
//! that violates only this rule.

use countersign_service::people::records as people;
use countersign_service::secrets::{encode, random_id};
use serde_json::{Value, json};

use super::phone::{PUSH_AUTH, Phone, with};
use super::phone_sign_in::{Fields, but, redemption};
use super::service::{Answer, ISSUER, Service};

impl Phone {
    pub fn introduced(&self) -> Fields {
        let mut form = but(&self.pushed(), "scope", Some("enrollment"));
        for (name, value) in [("device_name", "Alice's phone"), ("device_model", "Model"), ("digits", "012345")] {
            form = but(&form, name, Some(value));
        }
        form
    }

    /// Issues an authorization code as if the person had signed in, typed the digits and agreed in the browser. The
    /// journeys test the pages on which the person does this.
    async fn added_code(&self, service: &Service) -> String {
        let pushed = self.push(service, &self.introduced()).await;
        assert_eq!(pushed.status, 201, "{}", pushed.body);
        service.agreed(pushed.json()["request_uri"].as_str().unwrap())
    }

    pub async fn phone_token(&self, service: &Service) -> Value {
        let code = self.added_code(service).await;
        let answer = self.redeem(service, &redemption(&code)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    pub fn add_claims(&self, service: &Service, token: &Value) -> Value {
        json!({
            "aud": format!("{ISSUER}/phone/enrollment"), "iat": service.now(), "exp": service.now() + 120,
            "jti": random_id().unwrap(), "v": 1, "token": token["access_token"],
            "device": {"name": "Alice's phone", "model": "Model", "os": "OS 1", "app_version": "0.1.0"},
            "push": {"endpoint": self.push_endpoint, "p256dh": encode(&self.push_point), "auth": encode(&PUSH_AUTH)},
            "attestation": {"format": "none"},
        })
    }

    pub async fn add(&self, service: &Service, claims: &Value) -> Answer {
        service.post("enrollment", self.sign(&self.bind_header(), claims)).await
    }
}

#[tokio::test]
async fn added_phone_can_turn_phone_sign_in_on() {
    let service = Service::start().await;
    let mut phone = Phone::new(1);
    let token = phone.phone_token(&service).await;
    assert_eq!((token["scope"].as_str(), token["sub"].as_str()), (Some("enrollment"), Some(service.account.as_str())));
    assert_eq!((token["user_name"].as_str(), token["organization"].as_str()), (Some("alice"), Some("Example")));
    let answer = phone.add(&service, &phone.add_claims(&service, &token)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let added = answer.json();
    phone.device_id = added["device_id"].as_str().unwrap().to_owned();
    assert_eq!(phone.fetched(&service).await["status"], "ok", "the added phone is not active");
    let key = Phone::new(40);
    let state = phone.turn_on(&service, &added["turn_on"], &key, &phone.key_proof(&service, &added["turn_on"])).await;
    assert_eq!(state["turn_on"], "done");
}

#[tokio::test]
async fn incomplete_pushed_request_of_a_new_phone_is_refused() {
    let service = Service::start().await;
    let phone = Phone::new(1);
    for (name, wrongs) in [
        ("digits", [None, Some("12345"), Some("1234567"), Some("12345a")]),
        ("device_name", [None, Some(""), Some("a\nb"), Some("a\u{7f}b")]),
        ("device_model", [None, Some(""), Some("a\tb"), Some("\u{1}")]),
        ("scope", [None, Some("openid"), Some("enrollment device_registration"), Some("device_registration")]),
    ] {
        for wrong in wrongs {
            let refused = phone.push(&service, &but(&phone.introduced(), name, wrong)).await;
            assert_eq!(refused.status, 400, "{name} = {wrong:?}: {}", refused.body);
        }
    }
    let known = service.with_phone(2).await;
    assert_eq!(known.push(&service, &known.introduced()).await.status, 400, "accepted a key that belongs to a device");
    assert_eq!(phone.push(&service, &phone.introduced()).await.status, 201);
}

#[tokio::test]
async fn response_to_a_refused_dpop_proof_has_the_services_time() {
    let service = Service::start().await;
    let phone = Phone::new(1);
    let late = with(phone.proof_claims(&service, "/par"), "iat", json!(service.now() - 600));
    let refused = service.form("/par", &phone.introduced(), &[phone.sign(&phone.proof_header(), &late)]).await;
    assert_eq!((refused.status, refused.json()["time"].as_i64()), (400, Some(service.now())));
}

#[tokio::test]
async fn registration_tokens_work_only_for_their_own_purpose() {
    let service = Service::start().await;
    let (phone, old) = (Phone::new(1), service.with_phone(2).await);
    let add = phone.phone_token(&service).await;
    let key = Phone::new(40);
    let proof = json!({
        "aud": ISSUER, "sub": service.account, "device": old.device_id, "device_key": old.jwk.thumbprint(),
        "nonce": "AAAAAAAAAAAAAAAAAAAAAA", "purpose": "turn_on", "uv": "credential", "attestation": {"format": "none"},
    });
    assert_eq!(
        old.turn_on(&service, &add, &key, &proof).await["turn_on"],
        "expired",
        "accepted the token of another purpose"
    );
    let pushed = old.push(&service, &old.pushed()).await.json()["request_uri"].as_str().unwrap().to_owned();
    let turn_on = old.redeem(&service, &redemption(&service.agreed(&pushed))).await.json();
    let refused = phone.add(&service, &phone.add_claims(&service, &turn_on)).await;
    assert_eq!(refused.problem(), "enrollment-unknown");
}

#[tokio::test]
async fn j5_w4_token_adds_one_device_for_its_own_phone() {
    let service = Service::start().await;
    let (phone, thief) = (Phone::new(1), Phone::new(2));
    let token = phone.phone_token(&service).await;
    let stolen = thief.add(&service, &thief.add_claims(&service, &token)).await;
    assert_eq!(
        (stolen.status, stolen.problem().as_str()),
        (404, "enrollment-unknown"),
        "accepted a token that is bound to another key"
    );
    let first = phone.add(&service, &phone.add_claims(&service, &token)).await.json();
    let again = phone.add(&service, &phone.add_claims(&service, &token)).await.json();
    assert_eq!(first["device_id"], again["device_id"]);
    assert_eq!(
        first["turn_on"]["access_token"], again["turn_on"]["access_token"],
        "a repeated request got a new token"
    );
    let mut known = phone;
    known.device_id = first["device_id"].as_str().unwrap().to_owned();
    known.state(&service, "device", json!({"message": "unenroll"})).await;
    let back = known.add(&service, &known.add_claims(&service, &token)).await;
    assert_eq!(back.problem(), "enrollment-unknown", "a removed phone was added again with its old token");
}

#[tokio::test]
async fn enrollment_request_needs_either_a_token_or_a_mac() {
    let service = Service::start().await;
    let phone = Phone::new(1);
    let token = phone.phone_token(&service).await;
    let good = phone.add_claims(&service, &token);
    let both = with(with(good.clone(), "enrollment", json!("AAAAAAAAAAAAAAAAAAAAAA")), "mac", json!("AAAA"));
    for wrong in [both, with(good.clone(), "token", Value::Null), with(good.clone(), "mac", json!("AAAA"))] {
        assert_eq!(phone.add(&service, &wrong).await.problem(), "request-refused");
    }
    assert_eq!(phone.add(&service, &good).await.status, 200);
}

#[tokio::test]
async fn j5_w3_expired_or_cancelled_token_adds_no_phone() {
    let service = Service::start().await;
    let phone = Phone::new(1);
    let token = phone.phone_token(&service).await;
    let suspend = |suspended| {
        service.app.store.global_blocking(|tx| {
            let mut alice = people::find(tx, "alice")?.unwrap();
            alice.suspended = suspended;
            tx.insert_or_update(&alice, |stored| *stored = alice.clone())
        })
    };
    suspend(true).unwrap();
    let refused = phone.add(&service, &phone.add_claims(&service, &token)).await;
    assert_eq!(refused.problem(), "enrollment-cancelled", "accepted the token of a suspended person");
    suspend(false).unwrap();
    service.with_phone(3).await;
    let refused = phone.add(&service, &phone.add_claims(&service, &token)).await;
    assert_eq!(refused.problem(), "enrollment-unknown", "accepted the token after another phone was added");
    let token = phone.phone_token(&service).await;
    service.clock.advance(600);
    assert_eq!(
        phone.add(&service, &phone.add_claims(&service, &token)).await.problem(),
        "enrollment-unknown",
        "accepted an expired token"
    );
}

#[tokio::test]
async fn reused_authorization_code_ends_its_enrollment_token() {
    let service = Service::start().await;
    let phone = Phone::new(1);
    let code = phone.added_code(&service).await;
    let token = phone.redeem(&service, &redemption(&code)).await.json();
    let thief = Phone::new(2);
    assert_eq!(thief.redeem(&service, &redemption(&code)).await.status, 400);
    assert_eq!(phone.add(&service, &phone.add_claims(&service, &token)).await.problem(), "enrollment-unknown");
}
