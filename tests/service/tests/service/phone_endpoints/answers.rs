//! Tests answers and reports: journey J7 from the phone's side.

use countersign_service::clock::DAY;
use countersign_service::effects::approval;
use countersign_service::effects::known_browser::{self, Cookies};
use countersign_service::endings::{Ending, end};
use countersign_service::people::person::Person;
use countersign_service::prompts::acts::{self, NotStarted, Wanted};
use countersign_service::prompts::ceremony::{Kind, Outcome, Owner};
use countersign_service::prompts::rules::Refusal;
use countersign_service::provenance::Given;
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
    service.app.store.global(move |tx| Ok(approval::spend(tx, &id, &owner, kind, now)?.is_some())).await.unwrap()
}

#[tokio::test]
async fn prompt_shows_the_context_and_not_the_number() {
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
async fn approval_is_redeemed_once_by_its_own_browser() {
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
async fn unredeemed_approval_expires_after_five_minutes() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let ceremony = service.ask("a").await;
    phone.approve(&service, &phone.prompt(&service).await, &ceremony.number).await;
    service.clock.advance(300);
    assert!(!redeem(&service, &ceremony.id, "a", Kind::SecondFactor).await);
}

#[tokio::test]
async fn j7_w1_right_number_after_a_wrong_one_is_refused() {
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
async fn j7_w2_denial_ends_the_ceremony() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let ceremony = service.ask("a").await;
    assert_eq!(phone.deny(&service, &phone.prompt(&service).await).await, "denied");
    assert_eq!(service.ceremony(&ceremony.id).outcome, Some(Outcome::Denied));
    assert!(!redeem(&service, &ceremony.id, "a", Kind::SecondFactor).await);
}

#[tokio::test]
async fn j7_w3_report_denies_the_prompt_and_stops_password_sign_ins() {
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
async fn j7_w3_report_ends_the_approved_session_and_browser() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let ceremony = service.ask("a").await;
    let prompt = phone.prompt(&service).await;
    phone.approve(&service, &prompt, &ceremony.number).await;
    let (id, account, now) = (ceremony.id.clone(), service.account.clone(), service.now());
    let by = || service.ceremony(&id).gives(now).unwrap();
    let browser = KnownBrowser::new("cookie", &account, by(), None);
    let browser_id = browser.id.clone();
    let given = by();
    let inserted = service.app.store.global_blocking(|tx| {
        approval::spend(tx, &id, &Owner::Attempt("a".to_owned()), Kind::SecondFactor, now)?.unwrap();
        tx.insert(&Session::new("session".to_owned(), account.clone(), Used::PasswordAndPhone, given.clone()))?;
        tx.insert(&browser)
    });
    inserted.unwrap();
    service.clock.advance(3_600);
    assert_eq!(phone.report(&service, &prompt).await, "reported");
    let left = service.app.store.global_blocking(|tx| {
        Ok((tx.get::<Session>("session")?.is_some(), tx.get::<KnownBrowser>(&browser_id)?.unwrap().is_known(now)))
    });
    assert_eq!(left.unwrap(), (false, false));
    assert!(!redeem(&service, &ceremony.id, "a", Kind::SecondFactor).await);
}

/// Makes a browser with this cookie known, and returns the cookie that it has then, and the approved prompt.
async fn known(service: &Service, phone: &Phone, attempt: &str, cookie: &str) -> (String, String) {
    let ceremony = service.ask(attempt).await;
    let prompt = phone.prompt(service).await;
    phone.approve(service, &prompt, &ceremony.number).await;
    let (owner, now, cookies) = (
        Owner::Attempt(attempt.to_owned()),
        service.now(),
        Cookies { own: Some(cookie.to_owned()), fresh: "fresh".to_owned() },
    );
    let redeemed = service.app.store.global_blocking(|tx| {
        let approval = approval::spend(tx, &ceremony.id, &owner, Kind::SecondFactor, now)?.unwrap();
        let proof = known_browser::by_approval(tx, &approval);
        known_browser::act(tx, proof, cookies.clone(), now)
    });
    (redeemed.unwrap(), prompt)
}

fn is_known(service: &Service, cookie: &str) -> bool {
    let id = KnownBrowser::id_of(cookie, &service.account);
    let stored = service.app.store.global_blocking(|tx| tx.get::<KnownBrowser>(&id)).unwrap();
    stored.is_some_and(|browser| browser.is_known(service.now()))
}

#[tokio::test]
async fn a_report_of_a_replaced_question_ends_the_browser() {
    for attempt in ["a", "b"] {
        let service = Service::start().await;
        let phone = service.with_phone(1).await;
        service.ask("a").await;
        let replaced = phone.prompt(&service).await;
        service.clock.advance(180);
        known(&service, &phone, attempt, "cookie").await;
        assert_eq!(phone.report(&service, &replaced).await, "reported");
        assert_eq!(is_known(&service, "cookie"), attempt == "b");
    }
}

#[tokio::test]
async fn a_browser_that_a_fallen_approval_renewed_is_forgotten() {
    for cookie in ["cookie", "other cookie"] {
        let service = Service::start().await;
        let phone = service.with_phone(1).await;
        known(&service, &phone, "a", "cookie").await;
        let (_, renewal) = known(&service, &phone, "b", cookie).await;
        assert_eq!(phone.report(&service, &renewal).await, "reported");
        assert_eq!(is_known(&service, "cookie"), cookie != "cookie");
    }
}

#[tokio::test]
async fn a_forgotten_browser_gets_a_new_cookie() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    assert_eq!(known(&service, &phone, "a", "copied").await.0, "copied");
    assert_eq!(known(&service, &phone, "b", "copied").await.0, "copied");
    let (id, account, now) = (KnownBrowser::id_of("copied", &service.account), service.account.clone(), service.now());
    let _ended =
        service.app.store.global_blocking(|tx| end(tx, &account, &Ending::BrowserForgotten(id.clone()), now)).unwrap();
    let (fresh, _) = known(&service, &phone, "c", "copied").await;
    assert!(!is_known(&service, "copied"), "a copy of the cookie is known again");
    assert!(is_known(&service, &fresh));
    let now = service.now();
    let mut forgotten = KnownBrowser::new("copied", &service.account, Given::by_operator(now), None);
    forgotten.forget(now);
    forgotten.renew(KnownBrowser::new("copied", &service.account, Given::by_operator(now), None), now);
    assert!(!forgotten.is_known(now), "a forgotten record is known again");
}

#[tokio::test]
async fn j7_w3_reported_approval_can_not_be_redeemed() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let ceremony = service.ask("a").await;
    let prompt = phone.prompt(&service).await;
    assert_eq!(phone.approve(&service, &prompt, &ceremony.number).await, "approved");
    assert_eq!(phone.report(&service, &prompt).await, "reported");
    assert!(!redeem(&service, &ceremony.id, "a", Kind::SecondFactor).await);
}

#[tokio::test]
async fn j7_w3_repeated_report_does_not_concern_a_new_password() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    service.ask("a").await;
    let prompt = phone.prompt(&service).await;
    phone.report(&service, &prompt).await;
    service.clock.advance(600);
    let (account, now) = (service.account.clone(), service.now());
    let changed = service.app.store.global_blocking(|tx| {
        let mut person: Person = tx.get(&account)?.unwrap();
        person.password_changed_at = now;
        tx.insert_or_update(&person, |stored| *stored = person.clone())
    });
    changed.unwrap();
    service.clock.advance(600);
    assert_eq!(phone.report(&service, &prompt).await, "reported");
    assert!(service.try_ask("b").await.is_ok());
}

#[tokio::test]
async fn report_is_accepted_for_a_day() {
    for (after, result) in [(DAY, "reported"), (DAY + 1, "expired")] {
        let service = Service::start().await;
        let phone = service.with_phone(1).await;
        let ceremony = service.ask("a").await;
        let prompt = phone.prompt(&service).await;
        service.clock.advance(after);
        assert_eq!(phone.report(&service, &prompt).await, result);
        let reported = service.ceremony(&ceremony.id).outcome == Some(Outcome::Reported);
        assert_eq!(reported, result == "reported");
    }
}

#[tokio::test]
async fn j7_w4_answer_after_two_minutes_is_expired() {
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
async fn j7_w5_answer_of_the_second_phone_is_refused() {
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
async fn j7_w6_only_its_own_browser_cancels_a_ceremony() {
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
async fn new_ceremony_replaces_the_older_one_of_its_browser() {
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
    assert!(other.quiet);
}

#[tokio::test]
async fn j7_w7_malformed_answers_are_refused() {
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
    let unknown_channel = json!({"message": "answer", "answer": inner, "received_by": "pigeon"});
    assert_eq!(phone.send(&service, "answers", unknown_channel).await.problem(), "request-refused");
    let answer = phone.deliver(&service, &inner).await;
    assert_eq!(phone.read_state(&service, &answer)["outcome"]["result"], "approved");
}

#[tokio::test]
async fn j7_w7_phone_can_not_report_another_phones_prompt() {
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
async fn j7_w9_repeated_answer_gets_the_same_result() {
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
async fn j7_w9_one_of_two_parallel_answers_decides() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let ceremony = service.ask("a").await;
    let prompt = phone.prompt(&service).await;
    let (approved, denied) =
        tokio::join!(phone.approve(&service, &prompt, &ceremony.number), phone.deny(&service, &prompt));
    let mut results = [approved, denied];
    results.sort();
    assert_eq!(results[0], "already_answered");
    let expected = if results[1] == "approved" { Outcome::Approved } else { Outcome::Denied };
    assert_eq!(service.ceremony(&ceremony.id).outcome, Some(expected));
}

#[tokio::test]
async fn j7_w10_copied_ceremony_id_redeems_nothing() {
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
async fn opening_the_app_restores_alerts() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    for attempt in ["a", "b"] {
        service.ask(attempt).await;
        phone.deny(&service, &phone.prompt(&service).await).await;
        service.clock.advance(150);
    }
    assert!(service.ask("c").await.quiet);
    service.clock.advance(150);
    phone.state(&service, "prompts", with(Phone::fetch("ok", &[], 0), "reason", json!("push"))).await;
    assert!(service.ask("d").await.quiet);
    service.clock.advance(150);
    phone.state(&service, "prompts", with(Phone::fetch("ok", &[], 0), "reason", json!("opened"))).await;
    assert!(!service.ask("e").await.quiet);
}

#[tokio::test]
async fn phone_on_the_same_network_is_near() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let here = Wanted { network: "127.0.0.0/24".to_owned(), ..service.wanted("a") };
    acts::start(&service.app, here).await.unwrap().into_result().unwrap();
    let claims = verified(&service, &phone.prompt(&service).await, "phone-prompt+jwt");
    assert_eq!(claims["context"]["near"], true);
}

#[tokio::test]
async fn j1_w2_denial_stays_after_a_policy_change() {
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
async fn j1_proximity_policy_applies_to_prompts_and_answers() {
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
    for (proximity, wanted, near, result) in cases {
        service.set_policy(&json!({"countersign": {"proximity": proximity}}));
        service.clock.advance(3_600);
        phone.fetched(&service).await;
        let Owner::Attempt(attempt) = wanted.owner.clone() else {
            unreachable!("expected a sign-in attempt as the owner")
        };
        let ceremony = acts::start(&service.app, wanted).await.unwrap().into_result().unwrap();
        let prompt = phone.prompt(&service).await;
        assert_eq!(verified(&service, &prompt, "phone-prompt+jwt")["context"]["near"], near, "{proximity}");
        assert_eq!(phone.approve(&service, &prompt, &ceremony.number).await, result, "{proximity}");
        assert_eq!(redeem(&service, &ceremony.id, &attempt, Kind::SecondFactor).await, result == "approved");
    }
}

#[tokio::test]
async fn j2_w12_first_answer_to_a_pushed_prompt_is_recorded() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let push_seen = || {
        let device: Option<countersign_service::devices::device::Device> =
            service.app.store.global_blocking(|tx| tx.get(&phone.device_id)).unwrap();
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
