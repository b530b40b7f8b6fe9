//! Tests changes of an account between two related messages (for example, between a prompt and its answer), and after
//! the second message. Two services that share only the database file process the messages.

use std::sync::{Arc, Barrier};

use countersign_service::app::App;
use countersign_service::devices::device::{Cause, Device};
use countersign_service::devices::records as devices;
use countersign_service::effects::approval;
use countersign_service::endings::{self, Ending};
use countersign_service::enrollment::rules::Digits;
use countersign_service::operator;
use countersign_service::people::person::Person;
use countersign_service::prompts::acts::{self, NotStarted, Wanted};
use countersign_service::prompts::ceremony::{Kind, Origin, Owner};
use countersign_service::provenance::Given;
use countersign_service::sign_in::attempt::Proven;
use serde_json::{Value, json};

use super::phone::{Phone, with};
use super::service::Service;

/// A change of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// The policy no longer allows the app.
    Policy,
    /// The phone is removed.
    Removed,
    /// The password is changed.
    Password,
    /// Phone sign-in is turned off.
    Off,
}

const CHANGES: [Change; 4] = [Change::Policy, Change::Removed, Change::Password, Change::Off];

impl Change {
    /// Makes the change at one service, for a phone and its sign-in key.
    async fn happens(self, at: &Service, phone: &Phone, key: &Phone) {
        let now = at.now();
        match self {
            Self::Policy => at.set_policy(&json!({"state": "disabled"})),
            Self::Removed => remove(&at.app, &phone.device_id, now),
            Self::Password => {
                operator::set_password(&at.app.store, "alice", "another password", now).map(drop).unwrap()
            }
            Self::Off => {
                let off = json!({"message": "turn_off", "sign_in_key": key.jwk.thumbprint()});
                assert!(phone.state(at, "device", off).await.get("sign_in_key").is_none());
            }
        }
    }
}

fn remove(app: &App, device_id: &str, now: i64) {
    let removed = app.store.global_blocking(|tx| {
        let device: Device = tx.get(device_id)?.unwrap();
        let ending = Ending::Removed { device: device.id, cause: Cause::RemovedByPerson };
        endings::end(tx, &device.account_id, &ending, now)
    });
    let _ended = removed.unwrap();
}

/// Returns the problem type of a response. If the response is a signed state, returns the first of these members that
/// the state has: result of the outcome, `turn_on`, `status`.
fn said(phone: &Phone, at: &Service, answer: &super::service::Answer) -> String {
    if answer.status != 200 {
        return answer.problem();
    }
    let state = phone.read_state(at, answer);
    let results = [&state["outcome"]["result"], &state["turn_on"], &state["status"]];
    results.into_iter().find_map(Value::as_str).unwrap().to_owned()
}

/// Returns four values: a phone with phone sign-in on, its sign-in key, the signed approval of a prompt, and the id of
/// the prompt's ceremony.
async fn asked(one: &Service, kind: Kind) -> (Phone, Phone, String, String) {
    let phone = one.with_phone(1).await;
    let key = phone.turned_on(one, 50).await;
    let mut wanted = one.wanted("a");
    (wanted.kind, wanted.origin) = match kind {
        Kind::PhoneSignIn => (kind, Origin::Unknown),
        _ => (kind, Origin::PasswordProved),
    };
    let ceremony = acts::start(&one.app, wanted).await.unwrap().into_result().unwrap();
    let prompt = phone.prompt(one).await;
    let (signer, uv) = if kind == Kind::PhoneSignIn { (&key, "credential") } else { (&phone, "none") };
    let claims = with(phone.approval(one, &prompt, &ceremony.number), "uv", json!(uv));
    let header = json!({"alg": "ES256", "typ": "phone-answer+jwt", "kid": signer.jwk.thumbprint()});
    let approval = signer.sign(&header, &claims);
    (phone, key, approval, ceremony.id)
}

/// Returns whether the waiting browser can redeem the approval.
async fn redeems(at: &Service, ceremony: &str, kind: Kind) -> bool {
    let (id, owner, now) = (ceremony.to_owned(), Owner::Attempt("a".to_owned()), at.now());
    at.app.store.global(move |tx| Ok(approval::spend(tx, &id, &owner, kind, now)?.is_some())).await.unwrap()
}

#[tokio::test]
async fn j1_w2_j7_w7_change_between_prompt_and_answer_takes_effect() {
    for (kind, change, after_it, and_before_it) in [
        (Kind::SecondFactor, Change::Policy, "cancelled", false),
        (Kind::SecondFactor, Change::Removed, "removed", false),
        (Kind::SecondFactor, Change::Password, "cancelled", false),
        (Kind::SecondFactor, Change::Off, "approved", true),
        (Kind::PhoneSignIn, Change::Policy, "cancelled", false),
        (Kind::PhoneSignIn, Change::Removed, "removed", false),
        (Kind::PhoneSignIn, Change::Password, "cancelled", false),
        (Kind::PhoneSignIn, Change::Off, "request-refused", true),
    ] {
        let (one, two, _folder) = Service::two().await;
        let (phone, key, approval, ceremony) = asked(&one, kind).await;
        change.happens(&one, &phone, &key).await;
        let result = said(&phone, &two, &phone.deliver(&two, &approval).await);
        assert_eq!(result, after_it, "{kind:?}: {change:?}, then the answer");
        assert_eq!(
            redeems(&one, &ceremony, kind).await,
            after_it == "approved",
            "{kind:?}: {change:?}, then the answer, then the redemption"
        );

        let (one, two, _folder) = Service::two().await;
        let (phone, key, approval, ceremony) = asked(&one, kind).await;
        assert_eq!(said(&phone, &two, &phone.deliver(&two, &approval).await), "approved", "{kind:?} before {change:?}");
        change.happens(&one, &phone, &key).await;
        assert_eq!(redeems(&two, &ceremony, kind).await, and_before_it, "{kind:?}: the answer, then {change:?}");
        // A repeated answer gets the same result, unless the phone or the key was removed.
        let again = said(&phone, &one, &phone.deliver(&one, &approval).await);
        let expected = match (kind, change) {
            (_, Change::Removed) => "removed",
            (Kind::PhoneSignIn, Change::Off) => "request-refused",
            _ => "approved",
        };
        assert_eq!(again, expected, "{kind:?}: repeated after {change:?}");
    }
}

#[tokio::test]
async fn j1_w2_change_between_token_and_sign_in_key_takes_effect() {
    for (change, after_it) in [
        (Change::Policy, "not_allowed"),
        (Change::Removed, "removed"),
        (Change::Password, "expired"),
        (Change::Off, "expired"),
    ] {
        let (one, two, _folder) = Service::two().await;
        let phone = one.with_phone(1).await;
        let old = phone.turned_on(&one, 50).await;
        let (token, new) = (phone.token(&one).await, Phone::new(51));
        let proof = phone.key_proof(&one, &token);
        change.happens(&one, &phone, &old).await;
        let state = phone.turn_on(&two, &token, &new, &proof).await;
        let result = [&state["turn_on"], &state["status"]].into_iter().find_map(Value::as_str).unwrap();
        assert_eq!(result, after_it, "{change:?}, then the key");

        let (one, two, _folder) = Service::two().await;
        let phone = one.with_phone(1).await;
        let (token, new) = (phone.token(&one).await, Phone::new(51));
        let state = phone.turn_on(&two, &token, &new, &phone.key_proof(&one, &token)).await;
        assert_eq!(state["turn_on"], "done", "the key, then {change:?}");
        change.happens(&one, &phone, &new).await;
        let on = phone.fetched(&two).await.get("sign_in_key").is_some();
        assert_eq!(on, matches!(change, Change::Policy | Change::Password), "the key, then {change:?}");
    }
}

#[tokio::test]
async fn j1_w2_change_between_token_and_new_phone_takes_effect() {
    for change in CHANGES {
        let (one, two, _folder) = Service::two().await;
        let other = one.with_phone(2).await;
        let key = other.turned_on(&one, 50).await;
        let phone = Phone::new(1);
        let token = phone.phone_token(&one).await;
        let claims = phone.add_claims(&one, &token);
        change.happens(&one, &other, &key).await;
        let answer = phone.add(&two, &claims).await;
        let result = if answer.status == 200 { "added".to_owned() } else { answer.problem() };
        let expected = match change {
            Change::Policy => "enrollment-cancelled",
            Change::Removed | Change::Password => "enrollment-unknown",
            Change::Off => "added",
        };
        assert_eq!(result, expected, "{change:?}, then the phone");

        let (one, two, _folder) = Service::two().await;
        let other = one.with_phone(2).await;
        let key = other.turned_on(&one, 50).await;
        let mut phone = Phone::new(1);
        let token = phone.phone_token(&one).await;
        let added = phone.add(&two, &phone.add_claims(&one, &token)).await.json();
        phone.device_id = added["device_id"].as_str().unwrap().to_owned();
        change.happens(&one, &other, &key).await;
        let status = phone.fetched(&two).await["status"].clone();
        assert_eq!(status, if change == Change::Policy { "limited" } else { "ok" }, "the phone, then {change:?}");
    }
}

#[tokio::test]
async fn j1_w2_change_between_digits_and_activation_takes_effect() {
    for change in CHANGES {
        let (one, two, _folder) = Service::two().await;
        let other = one.with_phone(2).await;
        let key = other.turned_on(&one, 50).await;
        let (code, mut phone) = (one.scanned().await, Phone::new(1));
        phone.bind(&one, &code).await;
        let digits = phone.digits(&code);
        change.happens(&one, &other, &key).await;
        let result = two.digits(&code, digits).await;
        assert_eq!(result == Digits::Right, change == Change::Off, "{change:?}, then the digits");
        let status = phone.fetched(&one).await["status"].clone();
        assert_eq!(status, if change == Change::Off { "ok" } else { "removed" }, "{change:?}, then the digits");

        let (one, two, _folder) = Service::two().await;
        let other = one.with_phone(2).await;
        let key = other.turned_on(&one, 50).await;
        let phone = two.with_phone(1).await;
        change.happens(&one, &other, &key).await;
        let status = phone.fetched(&two).await["status"].clone();
        assert_eq!(status, if change == Change::Policy { "limited" } else { "ok" }, "the digits, then {change:?}");
    }
}

/// After the password was changed, a browser that proved only the old password can't start a prompt.
#[tokio::test]
async fn j1_w2_replaced_password_starts_no_prompt() {
    let (one, two, _folder) = Service::two().await;
    let phone = one.with_phone(1).await;
    let since = |service: &Service| {
        let person: Option<Person> = service.app.store.global_blocking(|tx| tx.get(&service.account)).unwrap();
        person.unwrap().password_changed_at
    };
    let proven = |service: &Service, password_since| Proven {
        account_id: service.account.clone(),
        given: Given::by_password(password_since, service.now()),
    };
    let start = async |service: &Service, password_since| {
        let wanted = Wanted { proven: Some(proven(service, password_since)), ..service.wanted("a") };
        acts::start(&service.app, wanted).await.unwrap().into_result().map(|ceremony| ceremony.id)
    };
    let old = since(&one);
    one.clock.advance(1);
    Change::Password.happens(&one, &phone, &phone).await;
    assert_eq!(start(&two, old).await.err(), Some(NotStarted::PasswordChanged));
    assert!(start(&two, since(&one)).await.is_ok(), "a proof by the new password started no prompt");
}

/// Runs two closures on two threads at the same moment.
fn in_parallel<A, B>(one: impl FnOnce() -> A + Send + 'static, two: impl FnOnce() -> B + Send + 'static) -> (A, B)
where
    A: Send + 'static,
    B: Send + 'static,
{
    let barrier = Arc::new(Barrier::new(2));
    let (first, second) = (barrier.clone(), barrier);
    let one = std::thread::spawn(move || {
        first.wait();
        one()
    });
    let two = std::thread::spawn(move || {
        second.wait();
        two()
    });
    (one.join().unwrap(), two.join().unwrap())
}

/// Runs a future on the current thread.
fn blocking<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// The person and an attacker who knows the password both add a first phone, at the same moment.
#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_parallel_first_enrollments_succeeds() {
    let (one, two, _folder) = Service::two().await;
    for round in 0..20_u8 {
        let mut halves = Vec::new();
        for (at, session, seed) in [(&one, "person", 1), (&two, "thief", 101)] {
            let code = at.scanned_in(session).await;
            let mut phone = Phone::new(seed + round);
            phone.bind(at, &code).await;
            halves.push((at.fresh(), code.clone(), phone.digits(&code), phone));
        }
        let [(here, code, digits, phone), (there, other_code, other_digits, other)] = halves.try_into().ok().unwrap();
        let results = in_parallel(
            move || blocking(here.digits(&code, digits)),
            move || blocking(there.digits(&other_code, other_digits)),
        );
        let right = [results.0, results.1].into_iter().filter(|result| *result == Digits::Right).count();
        assert_eq!(right, 1, "round {round}: {results:?}");
        let active = one.app.store.global_blocking(|tx| devices::active(tx, &one.account)).unwrap();
        assert_eq!(active.len(), 1, "round {round}");
        let states = [phone.fetched(&two).await, other.fetched(&one).await];
        let removed = states.iter().find(|state| state["status"] == "removed").unwrap();
        assert_eq!(removed["cause"], "cancelled", "the refused phone learned another cause, round {round}");
        remove(&one.app, &active[0].id, one.now());
    }
}

/// A phone answers while it is removed. The approval can not be redeemed, whether the answer or the removal comes
/// first.
#[tokio::test(flavor = "multi_thread")]
async fn parallel_answer_and_removal_leave_no_approval() {
    let (one, two, _folder) = Service::two().await;
    for round in 0..20_u8 {
        one.clock.advance(600);
        let phone = one.with_phone(1 + round).await;
        let ceremony = one.ask("a").await;
        let prompt = phone.prompt(&one).await;
        let approval = phone.sign(&phone.answer_header(), &phone.approval(&one, &prompt, &ceremony.number));
        let (app, id, now) = (one.app.clone(), phone.device_id.clone(), one.now());
        let (at, sender) = (two.fresh(), phone.signer());
        let ((), answer) = in_parallel(
            move || remove(&app, &id, now),
            move || blocking(async move { sender.deliver(&at, &approval).await }),
        );
        let result = said(&phone, &two, &answer);
        assert!(["approved", "removed"].contains(&result.as_str()), "round {round}: {result}");
        assert!(
            !redeems(&one, &ceremony.id, Kind::SecondFactor).await,
            "redeemed an approval of a removed phone, round {round}: {result}"
        );
        assert_eq!(phone.fetched(&one).await["status"], "removed", "round {round}");
    }
}
