//! Tests a TLS interceptor that the phone trusts, after the account was added. One test also changes the metadata while
//! the account is added. The interceptor can delay requests, but phone and service refuse all its changes. The tests
//! belong to J7 (second factor), J8 (turning phone sign-in off) and J9 (the phone's situation changes).
//!
//! Case of J9: w5, the service's identity was replaced.

use std::time::Duration;

use crate::common::{self, account_of, approve, confirmed, turned_on};
use crate::interceptor::{Asked, DISCOVERY, Interceptor, PROMPTS, Reply, Scene, checked, is_fine, keys, payload};
use countersign::{AccountHealth, Ending, Error, FetchReason, PhoneSignIn, PromptKind, PushEffect, Step};
use countersign_journeys::a_moment;
use countersign_journeys::people::USER;
use countersign_service::people::records as people;
use countersign_service::secrets::{decode, encode, random_id};
use serde_json::{Value, json};

const DEVICE: &str = "/phone/device";
const PATIENCE: Duration = Duration::from_secs(15);

fn suspended(scene: &Scene, suspended: bool) {
    let changed = scene.world.app.store.global_blocking(|tx| {
        let mut person = people::find(tx, USER)?.unwrap();
        person.suspended = suspended;
        tx.insert_or_update(&person, |stored| *stored = person.clone())
    });
    changed.unwrap();
}

/// The interceptor sends false states of four kinds: without a signature, with the signature of another state, signed
/// by the interceptor's key, and signed by the service for another request. The interceptor also sends HTTP errors.
#[tokio::test(flavor = "multi_thread")]
async fn j9_forged_states_of_an_interceptor_are_refused() {
    let scene = Scene::start().await;
    let Scene { between, person, phone, world } = &scene;
    confirmed(world, person, phone).await;
    suspended(&scene, true);
    assert_eq!(checked(phone).await, (None, AccountHealth::Suspended), "the service's own state was refused");
    let old = between.last(PROMPTS).1;
    suspended(&scene, false);
    assert!(is_fine(&checked(phone).await));

    let state = |between: &Interceptor, status: &'static str, request: &[u8]| {
        let (asked, said) = (payload(request), payload(&between.last(PROMPTS).1.body));
        json!({"iss": said["iss"], "aud": said["aud"], "iat": asked["iat"], "request": asked["jti"],
            "status": status, "cause": "removed_by_operator"})
    };
    for status in ["removed", "suspended", "limited", "ok"] {
        let (last, kid) = (between.last(PROMPTS).1, payload(&between.last(PROMPTS).1.body));
        let unsigned = move |request: &[u8], _: Reply| {
            let mut claims = kid.clone();
            claims["status"] = json!(status);
            claims["request"] = payload(request)["jti"].clone();
            Reply::json(&claims)
        };
        between.answers(PROMPTS, unsigned);
        let told = checked(phone).await;
        assert!(told.0.is_some() && told.1 == AccountHealth::Active, "{status} without a signature: {told:?}");
        // A state that the service has signed, with a changed payload.
        between.answers(PROMPTS, move |request, honest| {
            let [header, _, signature] = split(&honest);
            let mut claims = payload(&last.body);
            claims["status"] = json!(status);
            claims["request"] = payload(request)["jti"].clone();
            Reply::signed(&format!("{header}.{}.{signature}", encode(claims.to_string().as_bytes())))
        });
        let told = checked(phone).await;
        assert!(
            told.0.is_some() && told.1 == AccountHealth::Active,
            "{status} with the signature of another state: {told:?}"
        );
        let request = between.last(PROMPTS).0;
        let signed = between.key.sign("phone-state+jwt", &state(between, status, &request)).unwrap();
        between.answers(PROMPTS, move |_, _| Reply::signed(&signed));
        let told = checked(phone).await;
        assert!(told.0.is_some() && told.1 == AccountHealth::Active, "{status} signed by the interceptor: {told:?}");
    }
    for instead in [
        old,
        Reply::of(410, "application/problem+json", r#"{"type":"https://countersign.dev/problems/removed"}"#),
        Reply::of(401, "application/problem+json", r#"{"type":"https://countersign.dev/problems/request-refused"}"#),
        Reply::of(404, "text/html", "gone"),
        Reply::of(200, "application/jose", ""),
    ] {
        let said = format!("{instead:?}");
        between.answers(PROMPTS, move |_, _| instead.clone());
        let told = checked(phone).await;
        assert!(told.0.is_some() && told.1 == AccountHealth::Active, "{said}: {told:?}");
    }
    between.honest();
    assert!(is_fine(&checked(phone).await), "a forged state had an effect");
    scene.stop().await;
}

fn split(reply: &Reply) -> [String; 3] {
    let parts: Vec<String> = reply.text().split('.').map(str::to_owned).collect();
    parts.try_into().unwrap()
}

/// The difference between the phone's time and the service's time, in seconds, for each fetch after the first `count`
/// fetches.
fn offs(scene: &Scene, count: usize) -> Vec<i64> {
    let requests = scene.between.heard(PROMPTS).into_iter().skip(count);
    requests.map(|(request, _)| payload(&request)["iat"].as_i64().unwrap() - scene.world.app.clock.now()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_an_interceptor_cannot_change_the_phones_clock() {
    let scene = Scene::start().await;
    let Scene { between, person, phone, world } = &scene;
    confirmed(world, person, phone).await;
    phone.clock.advance(3_600);
    assert!(is_fine(&checked(phone).await));
    let is_right = |off: &i64| off.abs() <= 30;
    assert!(is_right(offs(&scene, 0).last().unwrap()), "the phone did not use the service's signed time");
    let skewed = between.heard(PROMPTS).into_iter().map(|(_, reply)| reply);
    let skewed = skewed.filter(|reply| payload(&reply.body)["status"] == "clock_skew").last().unwrap();
    // If the phone accepted this old state two hours later, the phone's time would be wrong by two hours.
    phone.clock.advance(7_200);
    world.clock.advance(7_200);
    assert!(is_fine(&checked(phone).await));
    let before = between.heard(PROMPTS).len();

    let unsigned = |request: &[u8], honest: Reply| {
        let (asked, said) = (payload(request), payload(&honest.body));
        Reply::json(&json!({"iss": said["iss"], "aud": said["aud"], "iat": 1_000_000_000, "request": asked["jti"],
            "status": "clock_skew"}))
    };
    between.answers(PROMPTS, unsigned);
    assert!(checked(phone).await.0.is_some());
    let replayed = skewed.clone();
    between.answers(PROMPTS, move |_, _| replayed.clone());
    assert!(checked(phone).await.0.is_some());
    let signed = between.key.sign("phone-state+jwt", &payload(&skewed.body)).unwrap();
    between.answers(PROMPTS, move |_, _| Reply::signed(&signed));
    assert!(checked(phone).await.0.is_some());
    between.answers(PROMPTS, |_, mut honest| {
        honest.headers.insert("date", "Sat, 01 Jan 2000 00:00:00 GMT".parse().unwrap());
        honest
    });
    assert!(is_fine(&checked(phone).await), "the unsigned `date` header had an effect");
    between.honest();
    assert!(is_fine(&checked(phone).await));
    let offs = offs(&scene, before);
    assert!(offs.len() > 4 && offs.iter().all(is_right), "{offs:?}");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_w5_key_documents_of_an_interceptor_are_refused() {
    let scene = Scene::start().await;
    let Scene { between, person, phone, world } = &scene;
    confirmed(world, person, phone).await;
    let issuer = world.issuer().to_owned();
    let real = world.app.store.global(countersign_service::keys::chain).await.unwrap();
    let next = json!({"iss": issuer, "iat": 1_790_000_000, "seq": 2, "keys": [between.jwk()]});
    let next = between.key.sign("phone-keys+jwt", &next).unwrap();
    for chain in [vec![keys(between, &issuer)], [real.clone(), vec![next]].concat()] {
        // The phone fetches the service's keys at most once in five minutes.
        phone.clock.advance(301);
        world.clock.advance(301);
        let (request, said) = (json!({"chain": chain}), payload(&between.last(PROMPTS).1.body));
        let key = countersign_service::jose::SigningKey::from_scalar(&between.scalar).unwrap();
        between.requests("/phone/keys", move |_| Asked::Answered(Reply::json(&request)));
        between.answers(PROMPTS, move |request, _| {
            let mut claims = said.clone();
            claims["request"] = payload(request)["jti"].clone();
            claims["status"] = json!("removed");
            claims["cause"] = json!("removed_by_operator");
            Reply::signed(&key.sign("phone-state+jwt", &claims).unwrap())
        });
        let told = checked(phone).await;
        assert_eq!(told, (Some(Error::IdentityChanged), AccountHealth::IdentityChanged), "{chain:?}");
        between.honest();
        assert!(is_fine(&checked(phone).await), "the service was refused, although its pinned keys are back");
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j8_an_interceptor_can_only_delay_turning_off() {
    let scene = Scene::start().await;
    let Scene { between, person, phone, world } = &scene;
    confirmed(world, person, phone).await;
    phone.set_lock().unwrap();
    turned_on(person, phone).await;
    let (old, said) = (between.last(DEVICE).1, payload(&between.last(DEVICE).1.body));
    for (number, instead) in [Some(old), None].into_iter().enumerate() {
        if number > 0 {
            turned_on(person, phone).await;
        }
        let said = said.clone();
        between.requests(DEVICE, move |request| {
            let mut claims = said.clone();
            claims["request"] = payload(&request)["jti"].clone();
            Asked::Answered(instead.clone().unwrap_or_else(|| Reply::json(&claims)))
        });
        let told = phone.core().turn_off_phone_sign_in(account_of(phone).await).await.unwrap();
        assert_eq!(told, Ending::ServiceInformedLater, "a forged response has confirmed the request");
        assert_eq!(phone.core().accounts().await.unwrap()[0].phone_sign_in, PhoneSignIn::Off);
        assert!(person.open("/security-info").await.unwrap().html.contains("Phone sign-in"));
        between.honest();
        phone.core().foregrounded().await.unwrap();
        let told = async {
            while !person.open("/security-info").await.unwrap().html.contains("Phone app") {
                a_moment().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), told).await.unwrap();
    }
    scene.stop().await;
}

/// The interceptor replaces the service's VAPID key in the metadata by the interceptor's key, and can therefore push to
/// the phone. The phone shows a pushed prompt only if the service has signed the prompt for this phone and the prompt
/// has not expired.
#[tokio::test(flavor = "multi_thread")]
async fn j7_forged_and_old_prompts_of_an_interceptor_are_not_shown() {
    let scene = Scene::start().await;
    let Scene { between, person, phone, world } = &scene;
    let point = encode(&between.jwk().point().unwrap());
    between.answers(DISCOVERY, move |_, mut reply| {
        let mut document = reply.value();
        document["phone_sign_in"]["vapid_key"] = json!(point);
        reply.body = document.to_string().into_bytes();
        reply
    });
    let page = person.wizard().await.unwrap();
    let page = common::added(person, phone, &page).await;
    between.honest();
    let subscription = payload(&between.last("/phone/enrollment").0)["push"].clone();
    phone.core().check_for_prompts(FetchReason::Poll).await.unwrap();
    let genuine = payload(&between.last(PROMPTS).1.body)["prompts"][0].as_str().unwrap().to_owned();
    approve(phone, PromptKind::ConfirmEnrollment, &page).await;
    let mut pushes = phone.take_pushes();
    let mut shown = async |jws: &str| {
        between.pushes(world, &subscription, jws).await;
        let pushed = tokio::time::timeout(PATIENCE, pushes.recv()).await.unwrap().unwrap();
        phone.core().push_received(pushed.slot, pushed.body).await.unwrap()
    };
    let mut claims = payload(genuine.as_bytes());
    claims["jti"] = json!(random_id().unwrap());
    claims["iat"] = json!(world.app.clock.now());
    claims["exp"] = json!(world.app.clock.now() + 120);
    claims["kind"] = json!("second_factor");
    let kid = claims_kid(&genuine);
    for (what, jws) in [
        ("an old prompt", genuine.clone()),
        ("a forged prompt", between.key.sign("phone-prompt+jwt", &claims).unwrap()),
        ("a forged prompt with the service's key id", between.signs("phone-prompt+jwt", ("kid", kid), &claims)),
        (
            "a forged prompt with a key in its header",
            between.signs("phone-prompt+jwt", ("jwk", json!(between.jwk())), &claims),
        ),
    ] {
        assert_eq!(shown(&jws).await, PushEffect::Nothing, "{what}");
    }
    assert!(phone.open_prompts().await.unwrap().is_empty());

    // The phone shows a genuine prompt, even if the interceptor blocks the fetch and pushes the prompt.
    let browser = scene.another_person();
    let page = browser.sign_in().await.unwrap();
    between.answers(PROMPTS, |_, _| Reply::of(503, "text/plain", "later"));
    phone.core().check_for_prompts(FetchReason::Poll).await.unwrap();
    let live = payload(&between.last(PROMPTS).1.body)["prompts"][0].as_str().unwrap().to_owned();
    assert!(matches!(shown(&live).await, PushEffect::Alert(_)));
    between.honest();
    approve(phone, PromptKind::SecondFactor, &page).await;
    scene.stop().await;
}

/// The `kid` in the header of a JWS.
fn claims_kid(jws: &str) -> Value {
    let header: Value = serde_json::from_slice(&decode(jws.split('.').next().unwrap()).unwrap()).unwrap();
    header["kid"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_an_interceptor_cannot_forge_an_answer_or_its_outcome() {
    let scene = Scene::start().await;
    let Scene { between, person, phone, world } = &scene;
    confirmed(world, person, phone).await;
    let browser = scene.another_person();
    let page = browser.sign_in().await.unwrap();
    let prompt = phone.prompt().await.unwrap();
    let said = payload(&between.last(PROMPTS).1.body);
    let id = prompt.id().clone();
    between.requests("/phone/answers", move |request| {
        let mut claims = said.clone();
        claims["request"] = payload(&request)["jti"].clone();
        claims["outcome"] = json!({"prompt": payload(&request)["prompt"], "result": "approved"});
        Asked::Answered(Reply::json(&claims))
    });
    let step = phone.core().approve(id, page.number().unwrap()).await;
    assert!(!matches!(step, Ok(Step::Done { .. })), "a forged response has confirmed the answer: {step:?}");
    assert_eq!(browser.open("/sign-in/number").await.unwrap().name(), "number");
    between.honest();
    phone.core().foregrounded().await.unwrap();
    phone.no_prompt().await.unwrap();
    let page = browser.open("/sign-in/number").await.unwrap();
    let page = browser.press(&page, "finish", &[]).await.unwrap();
    assert_eq!(page.name(), "security-info", "the answer did not arrive after the interceptor stopped");
    // The interceptor sends the same answer again. The service does not process it a second time.
    let (again, _) = between.last("/phone/answers");
    let ceremonies = || world.stored().unwrap().into_iter().filter(|((table, _), _)| *table == "ceremonies");
    let before: Vec<_> = ceremonies().collect();
    between.sends("/phone/answers", "application/jose", again).await;
    assert_eq!(ceremonies().collect::<Vec<_>>(), before);
    scene.stop().await;
}
