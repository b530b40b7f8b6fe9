//! Tests look-up, bind and digits: journey J2 from the phone's side.

use countersign_service::devices::device::Cause;
use countersign_service::effects::add_method;
use countersign_service::enrollment::acts::{self, current, end};
use countersign_service::enrollment::proofs::typed_key;
use countersign_service::enrollment::rules::{Digits, LIFE};
use countersign_service::enrollment::state::State;
use countersign_service::passes::pass::Pass;
use countersign_service::people::person::Person;
use countersign_service::provenance::Given;
use countersign_service::secrets::{encode, random_id};
use serde_json::{Value, json};

use super::phone::{Phone, mac, sha256, verified, with};
use super::service::{Code, ISSUER, Service};

const NONCE: &str = "AAAAAAAAAAAAAAAAAAAAAA";

fn wrong_digits(phone: &Phone, code: &Code) -> String {
    let right: u32 = phone.digits(code).parse().unwrap();
    format!("{:06}", (right + 1) % 1_000_000)
}

async fn type_digits(service: &Service, code: &Code, digits: String) -> Digits {
    service.digits(code, digits).await
}

/// Returns the phone's status, and the cause if the phone was removed, as the service reports them.
async fn standing(service: &Service, phone: &Phone) -> (String, Value) {
    let state = phone.state(service, "prompts", Phone::fetch("pending", &[], 0)).await;
    (state["status"].as_str().unwrap().to_owned(), state["cause"].clone())
}

#[tokio::test]
async fn a_phone_is_added_by_scanning() {
    let (service, mut phone) = (Service::start().await, Phone::new(1));
    let code = service.scanned().await;
    let answer = service.post("look-up", phone.look_up(&code, NONCE).to_string()).await;
    let expected = mac(&code.key, &[b"look-up-answer", &[0; 16], &sha256(answer.body.as_bytes())]);
    assert_eq!((answer.status, answer.mac.as_deref()), (200, Some(expected.as_str())));
    let offer = answer.json();
    assert_eq!((offer["issuer"].as_str(), offer["user_name"].as_str()), (Some(ISSUER), Some("alice")));
    assert_eq!((&offer["organization"], &offer["time"]), (&json!("Example"), &json!(service.now())));
    let keys = verified(&service, offer["keys"].as_str().unwrap(), "phone-keys+jwt");
    assert_eq!((&keys["iss"], &keys["seq"]), (&json!(ISSUER), &json!(1)));

    let bound = phone.bind(&service, &code).await;
    assert_eq!(bound["account_id"], offer["account_id"]);
    assert_eq!(bound["keys"], json!([service.app.keys.phone(service.now()).kid()]));
    assert_eq!(standing(&service, &phone).await.0, "pending");

    assert_eq!(type_digits(&service, &code, phone.digits(&code)).await, Digits::Right);
    let state = phone.fetched(&service).await;
    assert_eq!((&state["status"], &state["prompts"]), (&json!("ok"), &json!([])));
}

#[tokio::test]
async fn digits_may_be_typed_with_spaces() {
    let (service, mut phone) = (Service::start().await, Phone::new(1));
    let code = service.scanned().await;
    phone.bind(&service, &code).await;
    let digits = phone.digits(&code);
    let (first, second) = digits.split_at(3);
    let spaced = format!(" {first} {second} ");
    assert_eq!(type_digits(&service, &code, spaced).await, Digits::Right);
}

#[tokio::test]
async fn typed_code_adds_a_phone() {
    let (service, mut phone) = (Service::start().await, Phone::new(1));
    let scanned = service.scanned().await;
    acts::add_typed(&service.app, scanned.enrollment.clone()).await.unwrap();
    let record = current(&service.app, scanned.enrollment.clone()).await.unwrap().unwrap();
    let shown = acts::typed_text(&service.app, &record).unwrap();
    assert_eq!(shown.split('-').map(str::len).collect::<Vec<_>>(), [4, 4, 4]);
    let canonical = shown.replace('-', "");
    let (id, secret) = canonical.split_at(4);
    let key = typed_key(ISSUER, id, secret).unwrap().to_vec();
    let code = Code { id: id.to_owned(), key, ..scanned.clone() };
    phone.bind(&service, &code).await;
    assert_eq!(type_digits(&service, &code, phone.digits(&code)).await, Digits::Right);
    assert_eq!(phone.fetched(&service).await["status"], "ok");
}

#[tokio::test]
async fn unknown_id_and_wrong_mac_get_the_same_response() {
    let (service, phone) = (Service::start().await, Phone::new(1));
    let code = service.scanned().await;
    let good = phone.look_up(&code, NONCE);
    let other_key = Code { key: vec![0; 16], ..code.clone() };
    let mut bodies = Vec::new();
    for wrong in [
        with(good.clone(), "id", json!(random_id().unwrap())),
        with(good.clone(), "mac", json!(encode(&[0; 32]))),
        with(good.clone(), "mac", json!("")),
        phone.look_up(&other_key, NONCE),
    ] {
        let answer = service.post("look-up", wrong.to_string()).await;
        assert_eq!((answer.status, answer.problem().as_str(), &answer.mac), (404, "enrollment-unknown", &None));
        bodies.push(answer.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    assert_eq!(service.post("look-up", good.to_string()).await.status, 200);
}

#[tokio::test]
async fn malformed_look_up_is_refused() {
    let (service, phone) = (Service::start().await, Phone::new(1));
    let good = phone.look_up(&service.scanned().await, NONCE);
    let newer = service.post("look-up", with(good.clone(), "v", json!(2)).to_string()).await;
    assert_eq!((newer.status, newer.problem().as_str()), (400, "unsupported-version"));
    let doubled = good.to_string().replacen('{', r#"{"v":1,"#, 1);
    for wrong in [String::new(), "[]".to_owned(), doubled, with(good, "mac", Value::Null).to_string()] {
        assert_eq!(service.post("look-up", wrong.clone()).await.problem(), "request-refused", "{wrong}");
    }
}

#[tokio::test]
async fn look_up_is_refused_after_five_phones_or_a_bind() {
    let (service, mut phone) = (Service::start().await, Phone::new(1));
    let code = service.scanned().await;
    for _phone in 0..5 {
        let look = phone.look_up(&code, &random_id().unwrap());
        assert_eq!(service.post("look-up", look.to_string()).await.status, 200);
    }
    let sixth = service.post("look-up", phone.look_up(&code, &random_id().unwrap()).to_string()).await;
    assert_eq!((sixth.status, sixth.problem().as_str()), (429, "too-many-look-ups"));
    phone.bind(&service, &code).await;
    let late = service.post("look-up", phone.look_up(&code, &random_id().unwrap()).to_string()).await;
    assert_eq!((late.status, late.problem().as_str()), (409, "enrollment-used"));
}

#[tokio::test]
async fn malformed_binds_are_refused() {
    let (service, mut phone) = (Service::start().await, Phone::new(1));
    let code = service.scanned().await;
    let (header, good, now) = (phone.bind_header(), phone.bind_claims(&service, &code), service.now());
    let device = |member: &str, value: Value| with(good["device"].clone(), member, value);
    let push = |member: &str, value: Value| with(good["push"].clone(), member, value);
    for (member, value) in [
        ("aud", json!(format!("{ISSUER}/phone/answers"))),
        ("aud", json!("https://login.example.org/phone/enrollment")),
        ("exp", json!(now)),
        ("exp", json!(now + 121)),
        ("iat", json!(now + 61)),
        ("iat", json!(i64::MIN)),
        ("jti", json!("AAAA")),
        ("mac", Value::Null),
        ("attestation", json!({"format": "android-key"})),
        ("attestation", Value::Null),
        ("device", device("name", json!("x".repeat(129)))),
        ("device", device("model", json!("a\nb"))),
        ("device", device("os", Value::Null)),
        ("push", push("endpoint", json!("http://push.example.com/x"))),
        ("push", push("endpoint", json!(format!("https://push.example.com/{}", "x".repeat(1_024))))),
        ("push", push("p256dh", json!(encode(&[4; 65])))),
        ("push", push("p256dh", json!(encode(&phone.push_point[1..])))),
        ("push", push("auth", json!(encode(&[9; 15])))),
    ] {
        let wrong = phone.sign(&header, &with(good.clone(), member, value.clone()));
        assert_eq!(service.post("enrollment", wrong).await.problem(), "request-refused", "{member} {value}");
    }
    let newer = phone.sign(&header, &with(good.clone(), "v", json!(2)));
    assert_eq!(service.post("enrollment", newer).await.problem(), "unsupported-version");
    let unproven = phone.sign(&header, &with(good.clone(), "mac", json!(encode(&[0; 32]))));
    assert_eq!(service.post("enrollment", unproven).await.problem(), "enrollment-unknown");
    let foreign = Phone::new(2).sign(&header, &good);
    assert_eq!(service.post("enrollment", foreign).await.problem(), "request-refused");
    for (member, value) in [("typ", json!("phone-request+jwt")), ("kid", json!("x")), ("alg", json!("none"))] {
        let wrong = phone.sign(&with(header.clone(), member, value), &good);
        assert_eq!(service.post("enrollment", wrong).await.problem(), "request-refused", "{member}");
    }
    let record = current(&service.app, code.enrollment.clone()).await.unwrap().unwrap();
    assert_eq!((record.state, record.device_id), (State::Open, None));
    phone.bind(&service, &code).await;
}

#[tokio::test]
async fn j2_w1_expiry_is_reported_to_look_ups_and_the_bound_phone() {
    let (service, mut phone) = (Service::start().await, Phone::new(1));
    let code = service.scanned().await;
    phone.bind(&service, &code).await;
    service.clock.advance(LIFE);
    assert_eq!(standing(&service, &phone).await, ("removed".to_owned(), json!("expired")));
    let late = service.post("look-up", Phone::new(2).look_up(&code, NONCE).to_string()).await;
    assert_eq!((late.status, late.problem().as_str()), (410, "enrollment-expired"));
}

#[tokio::test]
async fn j2_w1_bound_phone_learns_of_expiry_after_a_late_look_up() {
    let (service, mut phone) = (Service::start().await, Phone::new(1));
    let code = service.scanned().await;
    phone.bind(&service, &code).await;
    service.clock.advance(LIFE);
    let late = service.post("look-up", Phone::new(2).look_up(&code, NONCE).to_string()).await;
    assert_eq!(late.problem(), "enrollment-expired");
    assert_eq!(standing(&service, &phone).await, ("removed".to_owned(), json!("expired")));
}

#[tokio::test]
async fn j2_w2_a_used_code_adds_no_second_phone() {
    let (service, mut phone) = (Service::start().await, Phone::new(1));
    let code = service.scanned().await;
    phone.bind(&service, &code).await;
    type_digits(&service, &code, phone.digits(&code)).await;
    let second = Phone::new(2);
    let look = service.post("look-up", second.look_up(&code, NONCE).to_string()).await;
    assert_eq!((look.status, look.problem().as_str()), (409, "enrollment-used"));
    let bind = second.sign(&second.bind_header(), &second.bind_claims(&service, &code));
    assert_eq!(service.post("enrollment", bind).await.problem(), "enrollment-used");
}

#[tokio::test]
async fn j2_w3_cancelled_code_is_refused_for_all_phones() {
    let (service, mut phone) = (Service::start().await, Phone::new(1));
    let code = service.scanned().await;
    phone.bind(&service, &code).await;
    end(&service.app, code.enrollment.clone(), Cause::Cancelled).await.unwrap();
    assert_eq!(standing(&service, &phone).await, ("removed".to_owned(), json!("cancelled")));
    let late = service.post("look-up", phone.look_up(&code, NONCE).to_string()).await;
    assert_eq!((late.status, late.problem().as_str()), (410, "enrollment-cancelled"));
}

#[tokio::test]
async fn j2_w4_second_phone_is_refused_and_shown_in_the_wizard() {
    let (service, mut phone) = (Service::start().await, Phone::new(1));
    let code = service.scanned().await;
    phone.bind(&service, &code).await;
    let other = Phone::new(2);
    let bind = other.sign(&other.bind_header(), &other.bind_claims(&service, &code));
    let refused = service.post("enrollment", bind).await;
    assert_eq!((refused.status, refused.problem().as_str()), (409, "enrollment-used"));
    assert!(current(&service.app, code.enrollment.clone()).await.unwrap().unwrap().another_phone);
    assert_eq!(type_digits(&service, &code, other.digits(&code)).await, Digits::Wrong(2));
    assert_eq!(type_digits(&service, &code, phone.digits(&code)).await, Digits::Right);
}

#[tokio::test]
async fn j2_w5_third_wrong_entry_of_digits_leaves_a_tombstone() {
    let (service, mut phone) = (Service::start().await, Phone::new(1));
    let code = service.scanned().await;
    phone.bind(&service, &code).await;
    for left in [Digits::Wrong(2), Digits::Wrong(1), Digits::Over] {
        assert_eq!(type_digits(&service, &code, wrong_digits(&phone, &code)).await, left);
    }
    assert_eq!(standing(&service, &phone).await, ("removed".to_owned(), json!("wrong_digits")));
    assert_eq!(type_digits(&service, &code, phone.digits(&code)).await, Digits::Over);
}

#[tokio::test]
async fn j2_w6_resent_bind_gets_the_same_response() {
    let (service, mut phone) = (Service::start().await, Phone::new(1));
    let code = service.scanned().await;
    let first = phone.bind(&service, &code).await;
    service.clock.advance(30);
    assert_eq!(phone.bind(&service, &code).await, first);
}

#[tokio::test]
async fn j2_w13_new_code_works_after_not_my_phone() {
    let (service, mut other_phone) = (Service::start().await, Phone::new(1));
    let code = service.scanned().await;
    other_phone.bind(&service, &code).await;
    end(&service.app, code.enrollment.clone(), Cause::NotMyPhone).await.unwrap();
    assert_eq!(standing(&service, &other_phone).await, ("removed".to_owned(), json!("not_my_phone")));
    let mine = service.with_phone(2).await;
    assert_eq!(mine.fetched(&service).await["status"], "ok");
}

#[tokio::test]
async fn wrong_macs_do_not_affect_a_bound_phone() {
    let (service, mut phone) = (Service::start().await, Phone::new(1));
    let code = service.scanned().await;
    phone.bind(&service, &code).await;
    let guesses = Code { key: vec![0; 16], ..code.clone() };
    for _guess in 0..6 {
        let guess = service.post("look-up", phone.look_up(&guesses, &random_id().unwrap()).to_string()).await;
        assert_eq!(guess.problem(), "enrollment-unknown");
    }
    assert_eq!(type_digits(&service, &code, phone.digits(&code)).await, Digits::Right);
}

#[tokio::test]
async fn new_code_of_a_session_ends_the_older_one() {
    let (service, mut phone) = (Service::start().await, Phone::new(1));
    let older = service.scanned().await;
    phone.bind(&service, &older).await;
    let newer = service.scanned().await;
    assert_eq!(standing(&service, &phone).await, ("removed".to_owned(), json!("cancelled")));
    Phone::new(2).bind(&service, &newer).await;
}

#[tokio::test]
async fn the_first_activation_ends_every_other_open_enrollment() {
    let service = Service::start().await;
    let elsewhere = service.start_enrollment("another session");
    service.with_phone(1).await;
    let record = current(&service.app, elsewhere).await.unwrap().unwrap();
    assert_eq!(record.state, State::Ended(Cause::Cancelled));
}

#[tokio::test]
async fn pending_phone_may_abandon_the_enrollment() {
    let (service, mut phone) = (Service::start().await, Phone::new(1));
    let code = service.scanned().await;
    phone.bind(&service, &code).await;
    let state = phone.state(&service, "device", json!({"message": "abandon"})).await;
    assert_eq!((&state["status"], &state["cause"]), (&json!("removed"), &json!("abandoned")));
    let record = current(&service.app, code.enrollment.clone()).await.unwrap().unwrap();
    assert_eq!(record.state, State::Ended(Cause::Abandoned));
}

#[tokio::test]
async fn pass_adds_one_phone() {
    let service = Service::start().await;
    let (id, now) = ("typed pass".to_owned(), service.now());
    let pass = Pass {
        id: id.clone(),
        account_id: service.account.clone(),
        starts_at: now,
        ends_at: now + 600,
        used_at: Some(now),
        spent_at: None,
        given: Given::by_operator(now),
    };
    service.app.store.global_blocking(|tx| tx.insert(&pass)).unwrap();
    let given = Given::by_pass(&id, &pass.given, now);
    let may_add =
        || service.app.store.global_blocking(|tx| add_method::may_add(tx, &service.account, &given.by, now)).unwrap();
    let enrollment = service.start_enrollment_by("first", given.clone());
    let (code, mut phone) = (service.code_of(enrollment, "first").await, Phone::new(1));
    phone.bind(&service, &code).await;
    assert!(may_add(), "the pass was spent before a phone was added");
    assert_eq!(service.digits(&code, phone.digits(&code)).await, Digits::Right);
    assert!(!may_add(), "the pass adds a second phone");
}

#[tokio::test]
async fn a_reported_password_adds_no_first_phone() {
    let service = Service::start().await;
    let (account, given, now) = (service.account.clone(), service.may_add(), service.now());
    let may_add = || service.app.store.global_blocking(|tx| add_method::may_add(tx, &account, &given.by, now)).unwrap();
    assert!(may_add());
    let report = |person: &mut Person| person.reported_at = Some(now);
    service.app.store.global_blocking(|tx| tx.update(&account, report)).unwrap().granted().unwrap();
    assert!(!may_add());
}
