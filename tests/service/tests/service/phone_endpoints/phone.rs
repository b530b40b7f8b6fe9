//! A phone implemented from the text of the protocol. Tests can alter each part of its messages.

use countersign_service::jose::{Jwk, SigningKey, Unverified};
use countersign_service::secrets::{decode, encode, hashed, random_id};
use p256::ecdsa::signature::Signer;
use ring::{digest, hmac};
use serde_json::{Value, json};

use super::service::{Answer, Code, Service};

pub const PUSH_AUTH: [u8; 16] = [9; 16];

pub struct Phone {
    scalar: [u8; 32],
    pub jwk: Jwk,
    pub push_scalar: [u8; 32],
    pub push_point: Vec<u8>,
    pub push_endpoint: String,
    pub device_id: String,
}

pub fn mac(key: &[u8], fields: &[&[u8]]) -> String {
    let mut input = Vec::new();
    for field in fields {
        input.extend(u16::try_from(field.len()).unwrap().to_be_bytes());
        input.extend(*field);
    }
    encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), &input).as_ref())
}

pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

/// Returns the JSON with one member replaced. The value null removes the member.
pub fn with(mut value: Value, member: &str, new: Value) -> Value {
    match new {
        Value::Null => {
            value.as_object_mut().unwrap().remove(member);
        }
        new => value[member] = new,
    }
    value
}

impl Phone {
    pub fn new(seed: u8) -> Self {
        let public = |scalar: [u8; 32]| SigningKey::from_scalar(&scalar).unwrap().public().clone();
        let scalar = [seed; 32];
        let push_scalar = [seed.wrapping_add(100); 32];
        let push_point = public(push_scalar).point().unwrap();
        // The service sends no pushes to private network addresses (see the tests in `push_guard.rs`), so this phone
        // gets no pushes.
        let push_endpoint = "https://127.0.0.1/push".to_owned();
        Self { scalar, jwk: public(scalar), push_scalar, push_point, push_endpoint, device_id: String::new() }
    }

    /// A phone with the given key and device id.
    pub fn with_scalar(scalar: [u8; 32], device_id: String) -> Self {
        let jwk = SigningKey::from_scalar(&scalar).unwrap().public().clone();
        Self { scalar, jwk, device_id, ..Self::new(1) }
    }

    pub fn scalar(&self) -> [u8; 32] {
        self.scalar
    }

    /// Returns a phone with the same device key and device id, for another thread.
    pub fn signer(&self) -> Self {
        Self::with_scalar(self.scalar, self.device_id.clone())
    }

    pub fn sign(&self, header: &Value, payload: &Value) -> String {
        let input = format!("{}.{}", encode(header.to_string().as_bytes()), encode(payload.to_string().as_bytes()));
        let key = p256::ecdsa::SigningKey::from_slice(&self.scalar).unwrap();
        let signature: p256::ecdsa::Signature = key.sign(input.as_bytes());
        format!("{input}.{}", encode(&signature.to_bytes()))
    }

    // Adding

    pub fn look_up(&self, code: &Code, nonce: &str) -> Value {
        let nonce_bytes = decode(nonce).unwrap();
        let mac = mac(&code.key, &[b"look-up", code.issuer.as_bytes(), code.id.as_bytes(), &nonce_bytes]);
        json!({"v": 1, "id": code.id, "nonce": nonce, "mac": mac})
    }

    pub fn bind_header(&self) -> Value {
        json!({"alg": "ES256", "typ": "phone-enrollment+jwt", "jwk": self.jwk})
    }

    pub fn bind_claims(&self, service: &Service, code: &Code) -> Value {
        let auth = PUSH_AUTH;
        let (thumbprint, id) = (self.jwk.thumbprint_bytes(), code.id.as_bytes());
        let mac = mac(&code.key, &[b"bind", code.issuer.as_bytes(), id, &thumbprint, &self.push_point, &auth]);
        json!({
            "aud": service.app.config.endpoint("enrollment"), "iat": service.now(), "exp": service.now() + 120,
            "jti": random_id().unwrap(), "v": 1, "enrollment": code.id, "mac": mac,
            "device": {"name": "Alice's phone", "model": "Model", "os": "OS 1", "app_version": "0.1.0"},
                "push": {"endpoint": self.push_endpoint, "p256dh": encode(&self.push_point), "auth": encode(&auth)},
            "attestation": {"format": "none"},
        })
    }

    pub async fn bind(&mut self, service: &Service, code: &Code) -> Value {
        let claims = self.bind_claims(service, code);
        let answer = service.post("enrollment", self.sign(&self.bind_header(), &claims)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let jti = decode(claims["jti"].as_str().unwrap()).unwrap();
        let expected = mac(&code.key, &[b"bind-answer", &jti, &sha256(answer.body.as_bytes())]);
        assert_eq!(answer.mac.as_deref(), Some(expected.as_str()));
        self.device_id = answer.json()["device_id"].as_str().unwrap().to_owned();
        answer.json()
    }

    pub fn digits(&self, code: &Code) -> String {
        let fields: [&[u8]; 4] = [b"digits", code.issuer.as_bytes(), &self.jwk.thumbprint_bytes(), &self.push_point];
        let bytes = decode(&mac(&code.key, &fields)).unwrap();
        let number = u64::from_be_bytes(bytes[..8].try_into().unwrap());
        format!("{:06}", number % 1_000_000)
    }

    // Requests

    pub fn header(&self) -> Value {
        json!({"alg": "ES256", "typ": "phone-request+jwt", "kid": self.device_id})
    }

    /// Returns the claims of a request: the members of the message, and the members that all requests have.
    pub fn claims(&self, service: &Service, endpoint: &str, message: Value) -> Value {
        let mut claims = message;
        claims["aud"] = service.app.config.endpoint(endpoint).into();
        claims["iat"] = service.now().into();
        claims["exp"] = (service.now() + 120).into();
        claims["jti"] = random_id().unwrap().into();
        claims
    }

    pub async fn send(&self, service: &Service, endpoint: &str, message: Value) -> Answer {
        let claims = self.claims(service, endpoint, message);
        service.post(endpoint, self.sign(&self.header(), &claims)).await
    }

    /// Sends a request and returns the verified state.
    pub async fn state(&self, service: &Service, endpoint: &str, message: Value) -> Value {
        let claims = self.claims(service, endpoint, message);
        let answer = service.post(endpoint, self.sign(&self.header(), &claims)).await;
        let state = self.read_state(service, &answer);
        assert_eq!(state["request"], claims["jti"]);
        state
    }

    pub fn read_state(&self, service: &Service, answer: &Answer) -> Value {
        assert_eq!((answer.status, answer.kind.as_str()), (200, "application/jose"), "{}", answer.body);
        let state: Value = verified(service, &answer.body, "phone-state+jwt");
        assert_eq!(state["iss"], service.app.config.issuer);
        assert_eq!(state["aud"], self.device_id);
        assert!(state["iat"].as_i64().unwrap().abs_diff(service.now()) < 60, "{state}");
        state
    }

    pub fn fetch(status: &str, known: &[&str], wait: u64) -> Value {
        json!({"message": "fetch", "reason": "poll", "wait": wait, "known": {"status": status, "prompts": known}})
    }

    pub async fn fetched(&self, service: &Service) -> Value {
        self.state(service, "prompts", Self::fetch("ok", &[], 0)).await
    }

    /// Fetches the only live prompt, and returns its JWS.
    pub async fn prompt(&self, service: &Service) -> String {
        let state = self.fetched(service).await;
        let prompts = state["prompts"].as_array().unwrap();
        assert_eq!(prompts.len(), 1);
        prompts[0].as_str().unwrap().to_owned()
    }

    // Answers

    pub fn answer_header(&self) -> Value {
        json!({"alg": "ES256", "typ": "phone-answer+jwt", "kid": self.jwk.thumbprint()})
    }

    pub fn approval(&self, service: &Service, prompt: &str, number: &str) -> Value {
        json!({
            "aud": service.app.config.issuer, "prompt": jti_of(service, prompt), "prompt_sha256": hashed(prompt.as_bytes()),
            "decision": "approve", "number": number, "uv": "none",
        })
    }

    pub fn denial(&self, service: &Service, prompt: &str) -> Value {
        with(with(self.approval(service, prompt, ""), "number", Value::Null), "decision", json!("deny"))
    }

    /// Sends a signed answer inside a new signed request.
    pub async fn deliver(&self, service: &Service, inner: &str) -> Answer {
        self.send(service, "answers", json!({"message": "answer", "answer": inner, "received_by": "fetch"})).await
    }

    pub async fn outcome(&self, service: &Service, claims: &Value) -> String {
        let answer = self.deliver(service, &self.sign(&self.answer_header(), claims)).await;
        let state = self.read_state(service, &answer);
        assert_eq!(state["outcome"]["prompt"], claims["prompt"]);
        state["outcome"]["result"].as_str().unwrap().to_owned()
    }

    pub async fn approve(&self, service: &Service, prompt: &str, number: &str) -> String {
        self.outcome(service, &self.approval(service, prompt, number)).await
    }

    pub async fn deny(&self, service: &Service, prompt: &str) -> String {
        self.outcome(service, &self.denial(service, prompt)).await
    }

    pub async fn report(&self, service: &Service, prompt: &str) -> String {
        let message = json!({"message": "report", "prompt": jti_of(service, prompt)});
        let state = self.state(service, "answers", message).await;
        state["outcome"]["result"].as_str().unwrap().to_owned()
    }
}

pub fn verified(service: &Service, jws: &str, typ: &str) -> Value {
    let unverified = Unverified::by_kid(jws, typ).unwrap();
    let key = service.app.keys.phone(service.now());
    assert_eq!(unverified.kid(), key.kid());
    unverified.verify(key.public()).unwrap()
}

pub fn jti_of(service: &Service, prompt: &str) -> String {
    verified(service, prompt, "phone-prompt+jwt")["jti"].as_str().unwrap().to_owned()
}
