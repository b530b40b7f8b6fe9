//! Tests that a request that is sent twice has one effect: the request is sent to two services at the same time, or
//! again after a restart.

use std::sync::{Arc, Barrier};

use countersign_service::audit::Entry;
use serde_json::json;

use super::phone::jti_of;
use super::service::{Answer, Service};

/// Sends the same bytes to both services at the same moment.
fn to_both(one: &Service, two: &Service, path: &'static str, body: &str) -> [Answer; 2] {
    let barrier = Arc::new(Barrier::new(2));
    let threads = [one, two].map(|service| {
        let (service, body, barrier) = (service.fresh(), body.to_owned(), barrier.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            barrier.wait();
            runtime.block_on(service.post(path, body))
        })
    });
    threads.map(|thread| thread.join().unwrap())
}

fn audited(service: &Service, what: &str) -> usize {
    let entries: Vec<Entry> = service.app.store.global_blocking(|tx| tx.children(&service.account)).unwrap();
    entries.iter().filter(|entry| entry.what == what).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w7_report_sent_to_two_services_counts_once() {
    let (one, two, _folder) = Service::two().await;
    let phone = one.with_phone(1).await;
    for round in 1..=25 {
        one.ask("a").await;
        let prompt = phone.prompt(&one).await;
        let report = json!({"message": "report", "prompt": jti_of(&one, &prompt)});
        let request = phone.sign(&phone.header(), &phone.claims(&one, "answers", report));
        let answers = to_both(&one, &two, "answers", &request);
        let mut statuses = answers.map(|answer| answer.status);
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401], "round {round}");
        assert_eq!(audited(&one, "reported"), round, "round {round}");
        // After a report, password sign-ins are refused. The new password allows them again, for the next round.
        one.clock.advance(600);
        countersign_service::operator::set_password(&one.app.store, "alice", "another password", one.now()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w9_same_answer_at_two_services_decides_once() {
    let (one, two, _folder) = Service::two().await;
    let phone = one.with_phone(1).await;
    for round in 1..=25 {
        let ceremony = one.ask("a").await;
        let prompt = phone.prompt(&one).await;
        let inner = phone.sign(&phone.answer_header(), &phone.approval(&one, &prompt, &ceremony.number));
        let outer = json!({"message": "answer", "answer": inner, "received_by": "fetch"});
        let outers = [(); 2].map(|()| phone.sign(&phone.header(), &phone.claims(&one, "answers", outer.clone())));
        let barrier = Arc::new(Barrier::new(2));
        let [first, second] = outers;
        let threads = [(&one, first), (&two, second)].map(|(service, body)| {
            let (service, barrier) = (service.fresh(), barrier.clone());
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                barrier.wait();
                runtime.block_on(service.post("answers", body))
            })
        });
        for thread in threads {
            let state = phone.read_state(&one, &thread.join().unwrap());
            assert_eq!(state["outcome"]["result"], "approved", "round {round}");
        }
        assert_eq!(audited(&one, "ceremony_decided"), round, "round {round}");
        one.clock.advance(120);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn test_push_requested_at_two_services_is_sent_once() {
    let (one, two, _folder) = Service::two().await;
    let phone = one.with_phone(1).await;
    for round in 0..10 {
        let request = phone.sign(&phone.header(), &phone.claims(&one, "device", json!({"message": "test_push"})));
        let said = to_both(&one, &two, "device", &request)
            .map(|answer| phone.read_state(&one, &answer).get("push_test").is_some());
        assert_eq!(said.iter().filter(|sent| **sent).count(), 1, "round {round}: {said:?}");
        one.clock.advance(60);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn authorization_code_redeemed_at_two_services_gives_one_token() {
    let (one, two, _folder) = Service::two().await;
    let phone = one.with_phone(1).await;
    for round in 0..25 {
        let form = super::phone_sign_in::redemption(&phone.code(&one).await);
        let proofs = [(); 2].map(|()| phone.proof(&one, "/token"));
        let barrier = Arc::new(Barrier::new(2));
        let [first, second] = proofs;
        let threads = [(&one, first), (&two, second)].map(|(service, proof)| {
            let (service, barrier, form) = (service.fresh(), barrier.clone(), form.clone());
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                barrier.wait();
                runtime.block_on(service.form("/token", &form, &[proof])).status
            })
        });
        let mut statuses = threads.map(|thread| thread.join().unwrap());
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400], "round {round}");
    }
}

#[tokio::test]
async fn repeated_request_is_refused_after_a_restart() {
    let (one, two, folder) = Service::two().await;
    let phone = one.with_phone(1).await;
    one.ask("a").await;
    let prompt = phone.prompt(&one).await;
    let report = json!({"message": "report", "prompt": jti_of(&one, &prompt)});
    let request = phone.sign(&phone.header(), &phone.claims(&one, "answers", report));
    assert_eq!(one.post("answers", request.clone()).await.status, 200);
    drop(two);
    let restarted = one.restarted(&folder).await;
    assert_eq!(restarted.post("answers", request).await.problem(), "request-refused");
    assert_eq!(audited(&restarted, "reported"), 1);
}
