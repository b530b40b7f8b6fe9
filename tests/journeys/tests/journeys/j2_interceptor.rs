//! Tests journeys J2 (adding an account with a code) and J4 (turning phone sign-in on) with a TLS interceptor that the
//! phone trusts. Phone and service refuse all changes by the interceptor.
//!
//! Case of J2: w15, the MAC of a response is wrong.

use std::sync::{Arc, Mutex};

use crate::common::{agreed, approve, browser_opened, confirmed, scanned, turned_on};
use crate::interceptor::{Asked, DISCOVERY, Reply, Scene, checked, is_fine, keys, payload};
use countersign::{CodeInput, Error, MetadataFault, PhoneSignIn, PromptKind, Reply as CoreReply, Step};
use countersign_journeys::phone::digits_of;
use countersign_service::secrets::random_id;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn j2_w15_an_interceptor_cannot_bind_its_own_device() {
    let scene = Scene::start().await;
    let Scene { between, person, phone, .. } = &scene;
    let page = person.wizard().await.unwrap();
    let code = || CodeInput::Text { text: scanned(&page) };
    let look_up = async || phone.core().look_up(phone.invite(code()).await.unwrap()).await;
    let forged_keys = keys(between, scene.world.issuer());
    for (name, value) in
        [("keys", json!(forged_keys)), ("account_id", json!("attacker")), ("user_name", json!("mallory"))]
    {
        between.alters("/phone/look-up", name, value);
        assert_eq!(look_up().await.err(), Some(Error::Impostor), "{name}");
    }
    between.honest();
    between.requests("/phone/look-up", |body| {
        let mut request: Value = serde_json::from_slice(&body).unwrap();
        request["nonce"] = json!(random_id().unwrap());
        Asked::Changed(request.to_string().into_bytes())
    });
    assert!(look_up().await.is_err(), "a response for another nonce was accepted");
    between.honest();

    // The interceptor withholds the phone's bind, and sends the same claims, signed by the interceptor's key.
    let offer = look_up().await.unwrap();
    let kept = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&kept);
    between.requests("/phone/enrollment", move |body| {
        *kept.lock().unwrap() = body;
        Asked::Answered(Reply::of(503, "text/plain", "later"))
    });
    let interrupted = phone.core().enroll(offer).await;
    between.honest();
    let Step::EnrollmentInterrupted { ticket, .. } = phone.core().pending_steps().await.unwrap().remove(0) else {
        panic!("the enrollment is not interrupted: {interrupted:?}")
    };
    let claims = payload(&heard.lock().unwrap());
    let forged = between.signs("phone-enrollment+jwt", ("jwk", json!(between.jwk())), &claims);
    let refused = between.sends("/phone/enrollment", "application/jose", forged.into_bytes()).await;
    assert_eq!(refused.status, 404, "{}", refused.text());
    assert_eq!(
        person.open("/security-info/add/code").await.unwrap().name(),
        "code",
        "the interceptor's device was bound"
    );

    let (ticket, digits) = digits_of(phone.core().continue_enrollment(ticket).await.unwrap()).unwrap();
    let page = person.page_after("/security-info/add/code", "code").await.unwrap();
    let page = person.press(&page, "confirm", &[("digits", &digits)]).await.unwrap();
    phone.activated(ticket).await.unwrap();
    approve(phone, PromptKind::ConfirmEnrollment, &page).await;
    assert!(is_fine(&checked(phone).await), "unchanged responses were refused");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_w15_an_interceptor_cannot_forge_the_bind_response() {
    let scene = Scene::start().await;
    let Scene { between, person, phone, .. } = &scene;
    let kid = between.key.kid().to_owned();
    for (name, value) in
        [("keys", json!([kid])), ("account_id", json!("attacker")), ("device_id", json!(random_id().unwrap()))]
    {
        let page = person.wizard().await.unwrap();
        between.alters("/phone/enrollment", name, value);
        let accepted = phone.accept(CodeInput::Text { text: scanned(&page) }).await;
        assert_eq!(accepted.err().unwrap().to_string(), Error::Impostor.to_string(), "{name}");
        let snapshot = phone.core().snapshot().await.unwrap();
        assert!(snapshot.accounts.is_empty() && snapshot.pending.is_empty(), "{name}: {snapshot:?}");
    }
    between.honest();
    confirmed(&scene.world, person, phone).await;
    assert!(is_fine(&checked(phone).await));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interceptor_cannot_move_endpoints_to_another_host() {
    let scene = Scene::start().await;
    let Scene { between, person, phone, .. } = &scene;
    let page = person.wizard().await.unwrap();
    let endpoints = ["look_up", "enrollment", "prompts", "answers", "device", "keys"];
    for elsewhere in ["https://localhost:1", "https://evil.test", "http://localhost"] {
        for endpoint in endpoints {
            between.answers(DISCOVERY, move |_, mut reply| {
                let mut document = reply.value();
                document["phone_sign_in"][format!("{endpoint}_endpoint")] = json!(format!("{elsewhere}/phone"));
                reply.body = document.to_string().into_bytes();
                reply
            });
            let invite = phone.invite(CodeInput::Text { text: scanned(&page) }).await.unwrap();
            let expected = Error::NotASignInService(MetadataFault::EndpointElsewhere);
            assert_eq!(phone.core().look_up(invite).await.err(), Some(expected), "{endpoint} at {elsewhere}");
        }
    }
    between.honest();
    confirmed(&scene.world, person, phone).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j4_an_interceptor_cannot_replace_token_or_request() {
    let scene = Scene::start().await;
    let Scene { between, person, phone, world } = &scene;
    confirmed(world, person, phone).await;
    phone.set_lock().unwrap();
    let is_off = async || phone.core().accounts().await.unwrap()[0].phone_sign_in != PhoneSignIn::On;
    // The interceptor replaces the request URI by a URI that the service has not issued. Without the phone's device
    // key, the interceptor can't send a valid pushed authorization request for this phone.
    between.answers("/par", |_, mut reply| {
        let mut answer = reply.value();
        answer["request_uri"] = json!(format!("urn:ietf:params:oauth:request_uri:{}", random_id().unwrap()));
        reply.body = answer.to_string().into_bytes();
        reply
    });
    let (ticket, url) = browser_opened(phone).await;
    assert_eq!(person.open(&url).await.unwrap().name(), "stale-registration");
    phone.core().abandon(ticket).await.unwrap();
    between.honest();

    for (name, value) in
        [("access_token", random_id().unwrap()), ("nonce", random_id().unwrap()), ("sub", "attacker".to_owned())]
    {
        between.alters("/token", name, json!(value));
        let (ticket, url) = browser_opened(phone).await;
        let back = agreed(person, phone, &url).await;
        let mut told = phone
            .core()
            .provide(ticket.clone(), CoreReply::Redirected { url: back })
            .await
            .map_err(|error| error.to_string());
        while let Ok(step @ (Step::MakeKey { .. } | Step::Sign { .. })) = &told {
            told = phone.unlock(step).await.map_err(|error| error.to_string());
        }
        assert!(!matches!(told, Ok(Step::PhoneSignInOn { .. })), "{name}: {told:?}");
        assert!(is_off().await, "{name}");
        assert!(person.open("/security-info").await.unwrap().html.contains("Phone app"), "{name}");
        between.honest();
        assert_eq!(phone.core().pending_steps().await.unwrap(), [], "{name}: a step is still pending");
    }
    turned_on(person, phone).await;
    assert!(!is_off().await, "unchanged responses were refused");
    scene.stop().await;
}
