//! Tests what a signed state omits when not all prompts and notices fit into it. Later states contain the omitted
//! prompts and notices (protocol section 5).

use std::time::{Duration, Instant};

use countersign_service::notices;
use countersign_service::prompts::acts;
use countersign_service::prompts::ceremony::{Context, Kind, Origin, Owner};
use serde_json::{Value, json};

use super::phone::{Phone, verified};
use super::service::{ISSUER, Service};

/// Maximum length of a JWS that phones accept, in bytes.
const MAX_JWS: usize = 8_192;
const NOTICES: usize = 20;
/// All origins, from the strongest to the weakest.
const RANKED: [Origin; 4] = [Origin::SignedIn, Origin::KnownBrowser, Origin::PasswordProved, Origin::Unknown];

/// A signed state, and the length of its JWS in bytes.
struct Fetched {
    length: usize,
    state: Value,
}

impl Fetched {
    fn notices(&self) -> Vec<String> {
        let notices = self.state["notices"].as_array().cloned().unwrap_or_default();
        notices.iter().map(|notice| notice["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Returns three facts about each prompt: the rank of its origin, its negated creation time, and its id.
    fn prompts(&self, service: &Service) -> Vec<(usize, i64, String)> {
        let read = |jws: &Value| {
            assert!(jws.as_str().unwrap().len() <= 2_700, "a prompt does not fit a push");
            let claims = verified(service, jws.as_str().unwrap(), "phone-prompt+jwt");
            let origin: Origin = serde_json::from_value(claims["origin"].clone()).unwrap();
            let rank = RANKED.iter().position(|one| *one == origin).unwrap();
            (rank, -claims["iat"].as_i64().unwrap(), claims["jti"].as_str().unwrap().to_owned())
        };
        self.state["prompts"].as_array().unwrap().iter().map(read).collect()
    }
}

async fn fetched(service: &Service, phone: &Phone, message: Value) -> Fetched {
    let answer = phone.send(service, "prompts", message).await;
    let state = phone.read_state(service, &answer);
    Fetched { length: answer.body.len(), state }
}

/// Starts a service and adds a phone. Then starts ten prompts from all origins, with `text` as the application's name,
/// and creates more notices than fit into a state.
async fn crowded(issuer: &str, text: &str) -> (Service, Phone) {
    let service = Service::called(issuer, Vec::new(), String::new()).await;
    let phone = service.with_phone(1).await;
    for (number, origin) in RANKED.iter().rev().chain(&RANKED).chain(&RANKED[..2]).enumerate() {
        let mut wanted = service.wanted(&number.to_string());
        wanted.origin = *origin;
        wanted.network = format!("192.0.{number}.0/24");
        wanted.context = Context {
            application: text.to_owned(),
            browser: "b".repeat(40),
            os: "o".repeat(40),
            address: "2001:db8:1234:5678:9abc:def0:1234:5678".to_owned(),
            about: None,
        };
        match origin {
            Origin::SignedIn => {
                (wanted.kind, wanted.owner) = (Kind::AddMethod, Owner::Session(number.to_string()));
            }
            Origin::KnownBrowser => wanted.known_browser = Some(number.to_string()),
            Origin::PasswordProved | Origin::Unknown => {}
        }
        acts::start(&service.app, wanted).await.unwrap().into_result().unwrap();
        service.clock.advance(1);
    }
    for _time in 0..NOTICES {
        let (account, now) = (service.account.clone(), service.now());
        let notify = move |tx: &mut countersign_service::store::Tx<'_>| {
            notices::notify(tx, &account, None, notices::Kind::PhoneSignInOff, now)
        };
        service.app.store.global_blocking(notify).unwrap();
    }
    (service, phone)
}

/// An issuer with a host of 253 characters.
fn longest_issuer() -> String {
    let label = "a".repeat(63);
    format!("https://{label}.{label}.{label}.{}", "b".repeat(61))
}

#[tokio::test]
async fn full_state_omits_newest_notices_then_weakest_prompts() {
    let longest = "\u{1F600}".repeat(128);
    for (issuer, text) in [(ISSUER, "Mail"), (ISSUER, longest.as_str()), (longest_issuer().as_str(), longest.as_str())]
    {
        let (service, phone) = crowded(issuer, text).await;
        let all = fetched(&service, &phone, Phone::fetch("ok", &[], 0)).await;
        assert!(all.length <= MAX_JWS, "{} bytes", all.length);
        let prompts = all.prompts(&service);
        assert!((2..10).contains(&prompts.len()), "{} prompts of 10", prompts.len());
        assert!(prompts.is_sorted(), "not sorted by origin and age: {prompts:?}");
        let longest_prompt = all.state["prompts"][0].as_str().unwrap().len();
        assert!(MAX_JWS - all.length < longest_prompt * 4 / 3 + 8, "the state omitted a prompt for which it had room");

        // A fetch waits if its member `known` contains all listed prompts.
        let known: Vec<&str> = prompts.iter().map(|(_, _, jti)| jti.as_str()).collect();
        let started = Instant::now();
        let waited = fetched(&service, &phone, Phone::fetch("ok", &known, 1)).await;
        assert!(
            started.elapsed() >= Duration::from_millis(900),
            "the fetch did not wait, although it knows all listed prompts"
        );
        assert_eq!(waited.prompts(&service), prompts);

        let acknowledged = acknowledge_all(&service, &phone).await;
        assert_eq!(acknowledged.len(), NOTICES, "not every notice was listed");
    }
}

/// Acknowledges the listed notices until none are left.
async fn acknowledge_all(service: &Service, phone: &Phone) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    loop {
        // The response to an acknowledgment lists no prompts, so there is room for notices.
        let state = phone
            .state(
                service,
                "device",
                json!({"message": "ack", "notices": seen.last_chunk::<16>().map_or(seen.as_slice(), |last| last)}),
            )
            .await;
        let listed = Fetched { length: 0, state }.notices();
        if listed.is_empty() {
            return seen;
        }
        assert!(listed.len() <= 16 && listed.iter().all(|id| !seen.contains(id)));
        seen.extend(listed);
    }
}

#[tokio::test]
async fn next_prompt_is_listed_when_a_listed_one_ends() {
    let (service, phone) = crowded(ISSUER, &"\u{1F600}".repeat(128)).await;
    let mut seen = Vec::new();
    for _request in 0..10 {
        let state = fetched(&service, &phone, Phone::fetch("ok", &[], 0)).await;
        let jws = state.state["prompts"][0].as_str().unwrap().to_owned();
        let denial = phone.sign(&phone.answer_header(), &phone.denial(&service, &jws));
        let message = json!({"message": "answer", "answer": denial, "received_by": "fetch"});
        assert_eq!(phone.state(&service, "answers", message).await["outcome"]["result"], "denied");
        seen.push(state.prompts(&service).remove(0));
    }
    assert!(seen.is_sorted(), "not sorted by origin and age: {seen:?}");
    assert_eq!(fetched(&service, &phone, Phone::fetch("ok", &[], 0)).await.prompts(&service), []);
}
