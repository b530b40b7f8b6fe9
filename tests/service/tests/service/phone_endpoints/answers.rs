//! Answers and reports: journey J7 from the phone's side.

use countersign_service::clock::DAY;
use countersign_service::people::person::Person;
use countersign_service::prompts::acts::{self, NotStarted, Wanted};
use countersign_service::prompts::ceremony::{Kind, Outcome, Owner};
use countersign_service::prompts::rules::Refusal;
use countersign_service::sign_in::records::KnownBrowser;
use countersign_service::sign_in::session::{Session, Used};
use serde_json::{Value, json};

use super::phone::{Phone, jti_of, verified, with};
use super::service::{ISSUER, Service};

fn another(number: &str) -> &'static str {
    if number == "10" { "11" } else { "10" }
}

async fn redeem(service: &Service, id: &str, attempt: &str, kind: Kind) -> bool {
    let (id, owner, now) = (id.to_owned(), Owner::Attempt(attempt.to_owned()), service.now());
    service.app.store.run(move |tx| acts::redeem(tx, &id, &owner, kind, now)).await.unwrap().is_some()
}

#[tokio::test]
async fn a_prompt_says_who_asks_and_never_the_number() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let ceremony = service.ask("a").await;
    let claims = verified(&service, &phone.prompt(&service).await, "phone-prompt+jwt");
    let expected = json!({
        "iss": ISSUER, "aud": phone.device_id, "sub": service.account, "jti": claims["jti"],
        "iat": service.now(), "exp": service.now() + 120,
        "kind": "second_factor", "key": "device", "origin": "password_proved",
        "match": {"mode": "enter", "digits": 2},
        "context": {
            "application": "Mail", "browser": "Firefox", "os": "Linux", "address": "192.0.2.7",
            "place": null, "near": null,
        },
    });
    assert_eq!(claims, expected);
    assert_eq!(ceremony.number.len(), 2);
}

#[tokio::test]
async fn the_right_number_is_worth_something_once_to_one_browser() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let ceremony = service.ask("a").await;
    assert!(!redeem(&service, &ceremony.id, "a", Kind::SecondFactor).await);
    let prompt = phone.prompt(&service).await;
    assert_eq!(phone.approve(&service, &prompt, &ceremony.number).await, "approved");
    assert_eq!(phone.fetched(&service).await["prompts"], json!([]));
    assert!(!redeem(&service, &ceremony.id, "b", Kind::SecondFactor).await);
    assert!(!redeem(&service, &ceremony.id, "a", Kind::RemoveMethod).await);
    assert!(redeem(&service, &ceremony.id, "a", Kind::SecondFactor).await);
    assert!(!redeem(&service, &ceremony.id, "a", Kind::SecondFactor).await);
}

#[tokio::test]
async fn an_approval_waits_five_minutes_for_its_browser() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let ceremony = service.ask("a").await;
    phone.approve(&service, &phone.prompt(&service).await, &ceremony.number).await;
    service.clock.advance(300);
    assert!(!redeem(&service, &ceremony.id, "a", Kind::SecondFactor).await);
}

#[tokio::test]
async fn j7_w1_a_wrong_number_ends_it_even_for_the_right_one() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let ceremony = service.ask("a").await;
    let prompt = phone.prompt(&service).await;
    assert_eq!(phone.approve(&service, &prompt, another(&ceremony.number)).await, "wrong_number");
    assert_eq!(phone.approve(&service, &prompt, &ceremony.number).await, "already_answered");
    assert!(!redeem(&service, &ceremony.id, "a", Kind::SecondFactor).await);
}

#[tokio::test]
async fn j7_w1_three_wrong_numbers_block_until_the_phone_unblocks() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    for attempt in ["a", "b", "c"] {
        let ceremony = service.ask(attempt).await;
        phone.approve(&service, &phone.prompt(&service).await, another(&ceremony.number)).await;
        service.clock.advance(60);
    }
    assert_eq!(service.try_ask("d").await.err(), Some(NotStarted::Refused(Refusal::Blocked)));
    assert_eq!(phone.state(&service, "device", json!({"message": "unblock"})).await["status"], "ok");
    assert!(service.try_ask("d").await.is_ok());
}

#[tokio::test]
async fn j7_w2_a_denial_is_a_denial() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let ceremony = service.ask("a").await;
    assert_eq!(phone.deny(&service, &phone.prompt(&service).await).await, "denied");
    assert_eq!(service.ceremony(&ceremony.id).outcome, Some(Outcome::Denied));
    assert!(!redeem(&service, &ceremony.id, "a", Kind::SecondFactor).await);
}

#[tokio::test]
async fn j7_w3_a_report_denies_what_waits_and_closes_the_way() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let ceremony = service.ask("a").await;
    let prompt = phone.prompt(&service).await;
    assert_eq!(phone.report(&service, &prompt).await, "reported");
    assert_eq!(service.ceremony(&ceremony.id).outcome, Some(Outcome::Reported));
    assert_eq!(phone.report(&service, &prompt).await, "reported");
    assert_eq!(phone.approve(&service, &prompt, &ceremony.number).await, "already_answered");
    assert_eq!(service.try_ask("b").await.err(), Some(NotStarted::Refused(Refusal::Reported)));
}

#[tokio::test]
async fn j7_w3_a_report_takes_back_what_an_approval_gave() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let ceremony = service.ask("a").await;
    let prompt = phone.prompt(&service).await;
    phone.approve(&service, &prompt, &ceremony.number).await;
    let (id, account, now) = (ceremony.id.clone(), service.account.clone(), service.now());
    let browser = KnownBrowser::new("cookie", &account, now);
    let browser_id = browser.id.clone();
    let given = service.app.store.run_blocking(|tx| {
        let approved = acts::redeem(tx, &id, &Owner::Attempt("a".to_owned()), Kind::SecondFactor, now)?;
        let session = Session::new("session".to_owned(), account, Used::PasswordAndPhone, now);
        tx.put(&session)?;
        tx.put(&browser)?;
        acts::gave(tx, approved.unwrap(), &session, Some(browser.id.clone()))
    });
    given.unwrap();
    service.clock.advance(3_600);
    assert_eq!(phone.report(&service, &prompt).await, "reported");
    let left = service.app.store.run_blocking(|tx| {
        Ok((tx.get::<Session>("session")?.is_some(), tx.get::<KnownBrowser>(&browser_id)?.is_some()))
    });
    assert_eq!(left.unwrap(), (false, false));
    assert!(!redeem(&service, &ceremony.id, "a", Kind::SecondFactor).await);
}

#[tokio::test]
async fn j7_w3_an_approval_that_is_reported_before_its_browser_comes_opens_nothing() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let ceremony = service.ask("a").await;
    let prompt = phone.prompt(&service).await;
    assert_eq!(phone.approve(&service, &prompt, &ceremony.number).await, "approved");
    assert_eq!(phone.report(&service, &prompt).await, "reported");
    assert!(!redeem(&service, &ceremony.id, "a", Kind::SecondFactor).await);
}

#[tokio::test]
async fn j7_w3_a_report_said_twice_undoes_nothing_that_came_between() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    service.ask("a").await;
    let prompt = phone.prompt(&service).await;
    phone.report(&service, &prompt).await;
    service.clock.advance(600);
    let (account, now) = (service.account.clone(), service.now());
    let changed = service.app.store.run_blocking(|tx| {
        let mut person: Person = tx.get(&account)?.unwrap();
        person.password_changed_at = now;
        tx.put(&person)
    });
    changed.unwrap();
    service.clock.advance(600);
    assert_eq!(phone.report(&service, &prompt).await, "reported");
    assert!(service.try_ask("b").await.is_ok());
}

#[tokio::test]
async fn a_report_counts_for_a_day() {
    for (after, told) in [(DAY, "reported"), (DAY + 1, "expired")] {
        let service = Service::start().await;
        let phone = service.with_phone(1).await;
        let ceremony = service.ask("a").await;
        let prompt = phone.prompt(&service).await;
        service.clock.advance(after);
        assert_eq!(phone.report(&service, &prompt).await, told);
        let reported = service.ceremony(&ceremony.id).outcome == Some(Outcome::Reported);
        assert_eq!(reported, told == "reported");
    }
}

#[tokio::test]
async fn j7_w4_after_two_minutes_it_is_too_late() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let ceremony = service.ask("a").await;
    let prompt = phone.prompt(&service).await;
    service.clock.advance(120);
    assert_eq!(phone.fetched(&service).await["prompts"], json!([]));
    assert_eq!(phone.approve(&service, &prompt, &ceremony.number).await, "expired");
    assert!(!redeem(&service, &ceremony.id, "a", Kind::SecondFactor).await);
}

#[tokio::test]
async fn j7_w5_the_first_phone_decides_and_the_other_is_told() {
    let service = Service::start().await;
    let first = service.with_phone(1).await;
    let second = service.with_phone(2).await;
    let ceremony = service.ask("a").await;
    let (mine, other) = (first.prompt(&service).await, second.prompt(&service).await);
    assert_ne!(jti_of(&service, &mine), jti_of(&service, &other));
    assert_eq!(first.approve(&service, &mine, &ceremony.number).await, "approved");
    assert_eq!(second.fetched(&service).await["prompts"], json!([]));
    assert_eq!(second.deny(&service, &other).await, "already_answered");
    assert_eq!(service.ceremony(&ceremony.id).outcome, Some(Outcome::Approved));
}

#[tokio::test]
async fn j7_w6_cancelled_on_the_page_by_its_own_browser_only() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let ceremony = service.ask("a").await;
    let prompt = phone.prompt(&service).await;
    acts::cancel(&service.app, ceremony.id.clone(), Owner::Attempt("b".to_owned())).await.unwrap();
    assert_eq!(service.ceremony(&ceremony.id).outcome, None);
    acts::cancel(&service.app, ceremony.id.clone(), Owner::Attempt("a".to_owned())).await.unwrap();
    assert_eq!(phone.approve(&service, &prompt, &ceremony.number).await, "cancelled");
}

#[tokio::test]
async fn the_same_browser_that_starts_anew_replaces_its_own_only() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let first = service.ask("a").await;
    let prompt = phone.prompt(&service).await;
    let second = service.ask("a").await;
    assert_ne!(first.number, second.number);
    assert_eq!(phone.approve(&service, &prompt, &first.number).await, "superseded");
    let other = service.ask("b").await;
    assert_eq!(service.ceremony(&second.id).outcome, None);
    assert_eq!(phone.fetched(&service).await["prompts"].as_array().unwrap().len(), 2);
    assert!(other.silent);
}

#[tokio::test]
async fn j7_w7_an_answer_with_one_thing_wrong_decides_nothing() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let other = service.with_phone(2).await;
    let ceremony = service.ask("a").await;
    let (prompt, others_prompt) = (phone.prompt(&service).await, other.prompt(&service).await);
    let (header, good) = (phone.answer_header(), phone.approval(&service, &prompt, &ceremony.number));
    let mut wrong: Vec<String> = [
        ("aud", json!("https://login.example.org")),
        ("aud", json!(format!("{ISSUER}/phone/answers"))),
        ("prompt", json!("AAAAAAAAAAAAAAAAAAAAAA")),
        ("prompt", json!(jti_of(&service, &others_prompt))),
        ("prompt_sha256", json!(countersign_service::secrets::hashed(others_prompt.as_bytes()))),
        ("prompt_sha256", Value::Null),
        ("decision", json!("maybe")),
        ("decision", json!("deny")),
        ("number", Value::Null),
        ("number", json!(47)),
        ("uv", json!("biometric")),
        ("uv", json!("retina")),
        ("uv", Value::Null),
    ]
    .into_iter()
    .map(|(member, value)| phone.sign(&header, &with(good.clone(), member, value)))
    .collect();
    wrong.extend([
        other.sign(&other.answer_header(), &good),
        other.sign(&header, &good),
        other.sign(&other.answer_header(), &other.approval(&service, &others_prompt, &ceremony.number)),
        phone.sign(&with(header.clone(), "typ", json!("phone-request+jwt")), &good),
        phone.sign(&with(header.clone(), "kid", json!(phone.device_id)), &good),
        phone.sign(&with(header.clone(), "alg", json!("none")), &good),
        prompt.clone(),
        String::new(),
    ]);
    for inner in wrong {
        let answer = phone.deliver(&service, &inner).await;
        assert_eq!((answer.status, answer.problem().as_str()), (401, "request-refused"), "{inner}");
    }
    assert_eq!(service.ceremony(&ceremony.id).outcome, None);
    let inner = phone.sign(&header, &good);
    let by_nobody = json!({"message": "answer", "answer": inner, "received_by": "pigeon"});
    assert_eq!(phone.send(&service, "answers", by_nobody).await.problem(), "request-refused");
    let answer = phone.deliver(&service, &inner).await;
    assert_eq!(phone.read_state(&service, &answer)["outcome"]["result"], "approved");
}

#[tokio::test]
async fn j7_w7_another_phone_can_not_report_what_it_was_not_asked() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let ceremony = service.ask("a").await;
    let jti = jti_of(&service, &phone.prompt(&service).await);
    let later = service.with_phone(2).await;
    let report = later.send(&service, "answers", json!({"message": "report", "prompt": jti})).await;
    assert_eq!(report.problem(), "request-refused");
    assert_eq!(service.ceremony(&ceremony.id).outcome, None);
}

#[tokio::test]
async fn j7_w9_the_same_answer_again_gets_the_same_outcome() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let ceremony = service.ask("a").await;
    let prompt = phone.prompt(&service).await;
    let inner = phone.sign(&phone.answer_header(), &phone.approval(&service, &prompt, &ceremony.number));
    for wait in [0, 60, 23 * 3_600] {
        service.clock.advance(wait);
        let answer = phone.deliver(&service, &inner).await;
        assert_eq!(phone.read_state(&service, &answer)["outcome"]["result"], "approved", "{wait}");
    }
    assert_eq!(phone.deny(&service, &prompt).await, "already_answered");
}

#[tokio::test]
async fn j7_w9_of_two_answers_at_once_one_decides() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let ceremony = service.ask("a").await;
    let prompt = phone.prompt(&service).await;
    let (approved, denied) =
        tokio::join!(phone.approve(&service, &prompt, &ceremony.number), phone.deny(&service, &prompt));
    let mut told = [approved, denied];
    told.sort();
    assert_eq!(told[0], "already_answered");
    let expected = if told[1] == "approved" { Outcome::Approved } else { Outcome::Denied };
    assert_eq!(service.ceremony(&ceremony.id).outcome, Some(expected));
}

#[tokio::test]
async fn j7_w10_a_copied_id_shows_and_redeems_nothing() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let ceremony = service.ask("a").await;
    phone.approve(&service, &phone.prompt(&service).await, &ceremony.number).await;
    let thief = Owner::Attempt("thief".to_owned());
    assert!(acts::look(&service.app, ceremony.id.clone(), thief).await.unwrap().is_none());
    let session = Owner::Session("a".to_owned());
    assert!(acts::look(&service.app, ceremony.id.clone(), session).await.unwrap().is_none());
    assert!(!redeem(&service, &ceremony.id, "thief", Kind::SecondFactor).await);
}

#[tokio::test]
async fn opening_the_app_ends_the_silence() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    for attempt in ["a", "b"] {
        service.ask(attempt).await;
        phone.deny(&service, &phone.prompt(&service).await).await;
        service.clock.advance(150);
    }
    assert!(service.ask("c").await.silent);
    service.clock.advance(150);
    phone.state(&service, "prompts", with(Phone::fetch("ok", &[], 0), "reason", json!("push"))).await;
    assert!(service.ask("d").await.silent);
    service.clock.advance(150);
    phone.state(&service, "prompts", with(Phone::fetch("ok", &[], 0), "reason", json!("opened"))).await;
    assert!(!service.ask("e").await.silent);
}

#[tokio::test]
async fn a_phone_in_the_same_network_is_near() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let here = Wanted { network: "127.0.0.0/24".to_owned(), ..service.wanted("a") };
    acts::start(&service.app, here).await.unwrap().into_result().unwrap();
    let claims = verified(&service, &phone.prompt(&service).await, "phone-prompt+jwt");
    assert_eq!(claims["context"]["near"], true);
}

#[tokio::test]
async fn j1_w2_what_one_phone_denied_stays_denied_whatever_the_policy_says_when_another_approves() {
    let service = Service::start().await;
    let (first, second) = (service.with_phone(1).await, service.with_phone(2).await);
    let ceremony = service.ask("a").await;
    let (mine, other) = (first.prompt(&service).await, second.prompt(&service).await);
    assert_eq!(first.deny(&service, &mine).await, "denied");
    service.set_policy(&json!({"state": "disabled"}));
    assert_eq!(second.approve(&service, &other, &ceremony.number).await, "already_answered");
    assert_eq!(service.ceremony(&ceremony.id).outcome, Some(Outcome::Denied));
}

#[tokio::test]
async fn j1_of_different_networks_a_phone_is_told_as_the_policy_says_and_required_ones_must_agree() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let there = |attempt: &str| service.wanted(attempt);
    let here = |attempt: &str| Wanted { network: "127.0.0.0/24".to_owned(), ..service.wanted(attempt) };
    let cases = [
        ("off", there("a"), json!(null), "approved"),
        ("warn", there("b"), json!(false), "approved"),
        ("require", there("c"), json!(false), "refused_place"),
        ("require", here("d"), json!(true), "approved"),
    ];
    for (proximity, wanted, near, told) in cases {
        service.set_policy(&json!({"countersign": {"proximity": proximity}}));
        service.clock.advance(3_600);
        phone.fetched(&service).await;
        let Owner::Attempt(attempt) = wanted.owner.clone() else { unreachable!("a sign-in page") };
        let ceremony = acts::start(&service.app, wanted).await.unwrap().into_result().unwrap();
        let prompt = phone.prompt(&service).await;
        assert_eq!(verified(&service, &prompt, "phone-prompt+jwt")["context"]["near"], near, "{proximity}");
        assert_eq!(phone.approve(&service, &prompt, &ceremony.number).await, told, "{proximity}");
        assert_eq!(redeem(&service, &ceremony.id, &attempt, Kind::SecondFactor).await, told == "approved");
    }
}

#[tokio::test]
async fn j2_w12_what_came_by_push_is_noted_once_it_did() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let push_seen = || {
        let device: Option<countersign_service::devices::device::Device> =
            service.app.store.run_blocking(|tx| tx.get(&phone.device_id)).unwrap();
        device.unwrap().push_seen
    };
    let ceremony = service.ask("a").await;
    phone.approve(&service, &phone.prompt(&service).await, &ceremony.number).await;
    assert!(!push_seen());
    let ceremony = service.ask("b").await;
    let prompt = phone.prompt(&service).await;
    let inner = phone.sign(&phone.answer_header(), &phone.approval(&service, &prompt, &ceremony.number));
    let message = json!({"message": "answer", "answer": inner, "received_by": "push"});
    assert_eq!(phone.state(&service, "answers", message).await["outcome"]["result"], "approved");
    assert!(push_seen());
}
