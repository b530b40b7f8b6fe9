//! A phone that builds its messages itself, as an attacker's phone does.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_journeys::Person;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use ring::{digest, hmac};
use serde_json::{Value, json};
use url::Url;

const PUSH_SECRET: [u8; 16] = [9; 16];

/// A P-256 key with its JWK.
pub(crate) struct Key {
    pair: EcdsaKeyPair,
    jwk: Value,
    thumbprint: [u8; 32],
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().unwrap()
}

pub(crate) fn random() -> String {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).unwrap();
    encode(&bytes)
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// The payload of a JWS. The tests trust the service's signatures.
pub(crate) fn payload(jws: &str) -> Value {
    serde_json::from_slice(&decode(jws.split('.').nth(1).unwrap())).unwrap()
}

impl Key {
    pub(crate) fn new() -> Self {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
        let point = pair.public_key().as_ref().to_vec();
        let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
        let thumbprint = sha256(format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#).as_bytes());
        Self { pair, jwk: json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y }), thumbprint }
    }

    pub(crate) fn thumbprint(&self) -> String {
        encode(&self.thumbprint)
    }

    fn point(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    /// Signs a JWS whose header has `name` with `value` next to `typ`.
    fn sign(&self, typ: &str, (name, value): (&str, Value), claims: &Value) -> String {
        let mut header = json!({ "alg": "ES256", "typ": typ });
        header[name] = value;
        let input = format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
        let signature = self.pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        format!("{input}.{}", encode(signature.as_ref()))
    }

    /// Signs a JWS that brings its own key.
    fn introduce(&self, typ: &str, claims: &Value) -> String {
        self.sign(typ, ("jwk", self.jwk.clone()), claims)
    }
}

/// A code that a phone has scanned.
pub(crate) struct Code {
    id: String,
    key: Vec<u8>,
}

impl Code {
    pub(crate) fn read(text: &str) -> Self {
        let url = Url::parse(text).unwrap();
        let member = |name: &str| url.query_pairs().find(|(found, _)| found == name).unwrap().1.into_owned();
        Self { id: member("id"), key: decode(&member("secret")) }
    }

    fn mac(&self, fields: &[&[u8]]) -> Vec<u8> {
        let mut input = Vec::new();
        for field in fields {
            input.extend(u16::try_from(field.len()).unwrap().to_be_bytes());
            input.extend(*field);
        }
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.key), &input).as_ref().to_vec()
    }
}

/// A phone with the keys of one account.
pub(crate) struct Phone {
    key: Key,
    push: Key,
    device_id: String,
    issuer: String,
    network: Person,
}

impl Phone {
    /// A phone that reaches the service by the network of a browser.
    pub(crate) fn new(issuer: &str, network: Person) -> Self {
        Self { key: Key::new(), push: Key::new(), device_id: String::new(), issuer: issuer.to_owned(), network }
    }

    pub(crate) fn thumbprint(&self) -> String {
        self.key.thumbprint()
    }

    /// The id of the device, which the forms of the pages contain.
    pub(crate) fn id(&self) -> &str {
        &self.device_id
    }

    /// The URL of a path of the service.
    pub(crate) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    async fn post(&self, path: &str, body: String) -> Result<String, String> {
        let response = self.network.client().post(format!("{}{path}", self.issuer)).body(body).send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        if status.is_success() { Ok(text) } else { Err(format!("{path}: {status} {text}")) }
    }

    /// Sends a form with a DPoP proof.
    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Result<Value, String> {
        let url = format!("{}{path}", self.issuer);
        let proof = json!({ "jti": random(), "htm": "POST", "htu": url, "iat": now() });
        let request = self.network.client().post(&url).header("dpop", self.key.introduce("dpop+jwt", &proof));
        let response = request.form(fields).send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        if !status.is_success() {
            return Err(format!("{path}: {status} {text}"));
        }
        Ok(serde_json::from_str(&text).unwrap())
    }

    fn enrollment(&self, proof: &[(&str, &str)]) -> String {
        let mut claims = json!({
            "aud": format!("{}/phone/enrollment", self.issuer), "iat": now(), "exp": now() + 100, "jti": random(), "v": 1,
            "device": { "name": "A phone", "model": "Model", "os": "OS 1", "app_version": "0.1.0" },
            "push": { "endpoint": "https://127.0.0.1/push", "p256dh": encode(&self.push.point()),
                "auth": encode(&PUSH_SECRET) },
            "attestation": { "format": "none" },
            "features": ["administration"],
        });
        for (name, value) in proof {
            claims[*name] = (*value).into();
        }
        self.key.introduce("phone-enrollment+jwt", &claims)
    }

    /// Looks up and binds with a scanned code.
    pub(crate) async fn bind(&mut self, code: &Code) -> Result<(), String> {
        let (nonce, issuer) = (random(), self.issuer.as_bytes().to_vec());
        let mac = code.mac(&[b"look-up", &issuer, code.id.as_bytes(), &decode(&nonce)]);
        let look_up = json!({ "v": 1, "id": code.id, "nonce": nonce, "mac": encode(&mac) });
        self.post("/phone/look-up", look_up.to_string()).await?;
        let (id, point) = (code.id.as_bytes(), self.push.point());
        let mac = encode(&code.mac(&[b"bind", &issuer, id, &self.key.thumbprint, &point, &PUSH_SECRET]));
        let bound = self.post("/phone/enrollment", self.enrollment(&[("enrollment", &code.id), ("mac", &mac)])).await?;
        self.accepted(&serde_json::from_str(&bound).unwrap());
        Ok(())
    }

    /// The digits that this phone shows after a bind.
    pub(crate) fn digits(&self, code: &Code) -> String {
        let mac = code.mac(&[b"digits", self.issuer.as_bytes(), &self.key.thumbprint, &self.push.point()]);
        format!("{:06}", u64::from_be_bytes(mac[..8].try_into().unwrap()) % 1_000_000)
    }

    /// Adds this phone with a token (adding by signing in).
    pub(crate) async fn add(&mut self, token: &str) -> Result<Value, String> {
        let added = self.post("/phone/enrollment", self.enrollment(&[("token", token)])).await?;
        let added: Value = serde_json::from_str(&added).unwrap();
        self.accepted(&added);
        Ok(added)
    }

    fn accepted(&mut self, response: &Value) {
        response["device_id"].as_str().unwrap().clone_into(&mut self.device_id);
    }

    async fn send(&self, endpoint: &str, mut message: Value) -> Result<Value, String> {
        let path = format!("/phone/{endpoint}");
        message["aud"] = format!("{}{path}", self.issuer).into();
        (message["iat"], message["exp"], message["jti"]) = (now().into(), (now() + 100).into(), random().into());
        let request = self.key.sign("phone-request+jwt", ("kid", self.device_id.clone().into()), &message);
        Ok(payload(&self.post(&path, request).await?))
    }

    async fn fetch(&self) -> Result<Value, String> {
        let known = json!({ "status": "ok", "prompts": [] });
        self.send(
            "prompts",
            json!({ "message": "fetch", "reason": "poll", "wait": 0, "known": known, "features": ["administration"] }),
        )
        .await
    }

    /// Whether the service treats this phone as an active device.
    pub(crate) async fn is_active(&self) -> bool {
        self.fetch().await.is_ok_and(|state| state["status"] == "ok")
    }

    /// The newest open prompt that fits, as a JWS.
    async fn prompt(&self, fits: impl Fn(&Value) -> bool) -> Option<String> {
        let state = self.fetch().await.unwrap();
        let prompts = state["prompts"].as_array().cloned().unwrap_or_default();
        let mut jws = prompts.iter().map(|jws| jws.as_str().unwrap());
        jws.rfind(|jws| fits(&payload(jws)["kind"])).map(str::to_owned)
    }

    /// Approves the newest open prompt of a kind with the device key. Returns the prompt's id.
    pub(crate) async fn approve(&self, kind: &str, number: &str) -> String {
        let prompt = self.prompt(|found| found == kind).await.unwrap_or_else(|| panic!("no prompt {kind}"));
        self.answer(&prompt, number).await
    }

    /// Approves the newest open prompt of any kind. Returns the prompt's id.
    pub(crate) async fn approve_any(&self, number: &str) -> String {
        let prompt = self.prompt(|_any| true).await.expect("no prompt");
        self.answer(&prompt, number).await
    }

    async fn answer(&self, prompt: &str, number: &str) -> String {
        let id = payload(prompt)["jti"].as_str().unwrap().to_owned();
        let claims = json!({
            "aud": self.issuer, "prompt": id, "prompt_sha256": encode(&sha256(prompt.as_bytes())),
            "decision": "approve", "number": number, "uv": "none",
        });
        let answer = self.key.sign("phone-answer+jwt", ("kid", self.thumbprint().into()), &claims);
        let message = json!({ "message": "answer", "answer": answer, "received_by": "fetch" });
        let state = self.send("answers", message).await.unwrap();
        assert_eq!(state["outcome"]["result"], "approved", "{state}");
        id
    }

    /// Reports a prompt: "It wasn't me".
    pub(crate) async fn report(&self, prompt: &str) {
        let state = self.send("answers", json!({ "message": "report", "prompt": prompt })).await.unwrap();
        assert_eq!(state["outcome"]["result"], "reported", "{state}");
    }

    /// Reports the newest open prompt of a kind, which nobody has answered.
    pub(crate) async fn report_unanswered(&self, kind: &str) {
        self.report(&self.open_prompt(kind).await).await;
    }

    /// Returns the id of the newest open prompt of a kind.
    pub(crate) async fn open_prompt(&self, kind: &str) -> String {
        let prompt = self.prompt(|found| found == kind).await.unwrap_or_else(|| panic!("no prompt {kind}"));
        payload(&prompt)["jti"].as_str().unwrap().to_owned()
    }

    /// Returns whether the phone has an open prompt of a kind.
    pub(crate) async fn is_asked(&self, kind: &str) -> bool {
        self.prompt(|found| found == kind).await.is_some()
    }

    /// Returns the origin that the newest open prompt of a kind names.
    pub(crate) async fn origin_of(&self, kind: &str) -> String {
        let prompt = self.prompt(|found| found == kind).await.unwrap_or_else(|| panic!("no prompt {kind}"));
        payload(&prompt)["origin"].as_str().unwrap().to_owned()
    }

    /// The phone removes itself from the account.
    pub(crate) async fn unenroll(&self) {
        let state = self.send("device", json!({ "message": "unenroll" })).await.unwrap();
        assert_eq!(state["status"], "removed", "{state}");
    }

    /// Turns phone sign-in on with a token. Returns the result.
    pub(crate) async fn turn_on(&self, token: &Value, key: &Key) -> String {
        let claims = json!({
            "aud": self.issuer, "sub": token["sub"], "device": self.device_id, "device_key": self.thumbprint(),
            "nonce": token["nonce"], "purpose": "turn_on", "uv": "credential", "attestation": { "format": "none" },
        });
        let proof = key.introduce("phone-sign-in-key+jwt", &claims);
        let message = json!({ "message": "turn_on", "token": token["access_token"], "proof": proof });
        let state = self.send("device", message).await.unwrap();
        state["turn_on"].as_str().unwrap_or_default().to_owned()
    }

    /// Turns phone sign-in off.
    pub(crate) async fn turn_off(&self, key: &Key) {
        let message = json!({ "message": "turn_off", "sign_in_key": key.thumbprint() });
        let state = self.send("device", message).await.unwrap();
        assert!(state.get("sign_in_key").is_none(), "{state}");
    }
}
