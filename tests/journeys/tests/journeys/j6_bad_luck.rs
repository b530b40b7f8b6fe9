//! Journey J6: a person signs in with the phone, without a password. Here other phones, attackers, lost messages and
//! restarts interfere.
//!
//! Cases: w5, another phone answers first; w8, the prompt has expired, is answered already or belongs to another
//! account; w9, many attackers start sign-ins; w12, another site starts a sign-in; w14, the answer or its response is
//! lost; w16, the phone restarts in each step.

use std::collections::HashMap;
use std::time::Duration;

use crate::common::{self, two_phones, use_phone, with_phone_sign_in};
use countersign::{
    AccountHealth, Delivery, Error, FetchReason, Origin, Outcome, Prompt, PromptKind, PromptState, RemovalCause, Step,
};
use countersign_journeys::cuts::Cut;
use countersign_journeys::people::USER;
use countersign_journeys::{PageView, Person, TestPhone, World, a_moment};
use countersign_service::devices::device::Cause;
use countersign_service::devices::records as devices;
use countersign_service::endings::{self, Ending};
use countersign_service::people::records as people;

async fn finished(person: &Person) -> String {
    let page = person.open("/sign-in/number").await.unwrap();
    person.press(&page, "finish", &[]).await.unwrap().name()
}

/// Starts phone sign-in in Ada's known browser. Returns the page and the prompt.
async fn asked(person: &Person, phone: &TestPhone) -> (PageView, Prompt) {
    let page = use_phone(person).await;
    (page, phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_w5_an_answer_withdraws_the_prompt_on_the_other_phone() {
    let world = World::start().await.unwrap();
    let (person, first, second) = two_phones(&world).await;
    for phone in [&first, &second] {
        phone.set_lock().unwrap();
        common::turned_on(&world.person().unwrap(), phone).await;
    }
    let (page, prompt) = asked(&person, &first).await;
    let late = second.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    let number = page.number().unwrap();
    assert_eq!(
        first.approve_unlocked(&prompt, number.clone()).await.unwrap(),
        Step::Done { outcome: Outcome::Approved }
    );
    second.no_prompt().await.unwrap();
    let shown = second.core().approve(late.id().clone(), number).await;
    assert!(!matches!(shown, Ok(Step::Sign { .. })), "the phone asks to unlock for an ended prompt: {shown:?}");
    assert_eq!(finished(&person).await, "security-info");
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_w8_an_expired_or_foreign_prompt_is_never_shown() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    // Expired: the push is lost, and the phone fetches after the prompt has expired.
    phone.ignore_pushes();
    use_phone(&person).await;
    world.clock.advance(121);
    assert!(phone.core().check_for_prompts(FetchReason::Opened).await.unwrap().prompts.is_empty());
    // Foreign: another person's phone at the same service does not get Ada's prompt, and can't answer it.
    let page = use_phone(&person).await;
    phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    world.add_person("bob@example.org", "another battery staple").unwrap();
    let (bob, others) = (world.person().unwrap(), world.phone("others").await.unwrap());
    let shown = bob.sign_in_as("bob@example.org", "another battery staple").await.unwrap();
    let shown = bob.press(&shown, "add-method", &[]).await.unwrap();
    let shown = bob.press(&shown, "next", &[]).await.unwrap();
    common::added(&bob, &others, &shown).await;
    let checked = others.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    assert!(checked.prompts.iter().all(|prompt| prompt.kind() != PromptKind::PhoneSignIn), "{checked:?}");
    let answered = others.core().approve(prompt.id().clone(), page.number().unwrap()).await;
    assert_eq!(answered.err(), Some(Error::UnknownPrompt));
    // Answered: the prompt is not fetched again.
    phone.approve_unlocked(&prompt, page.number().unwrap()).await.unwrap();
    assert!(phone.core().check_for_prompts(FetchReason::Opened).await.unwrap().prompts.is_empty());
}

/// Thirty attackers start sign-ins from thirty networks. At most three of their prompts are open on the phone, and a
/// prompt of Ada's known browser still alerts.
#[tokio::test(flavor = "multi_thread")]
async fn j6_w9_a_known_browsers_prompt_alerts_during_thirty_attacks() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let mut looked_alike = HashMap::new();
    for number in 1..=30 {
        let page = use_phone(&world.person_in_network(number).unwrap()).await;
        *looked_alike.entry((page.name(), page.number().unwrap().len())).or_insert(0) += 1;
    }
    assert_eq!(
        looked_alike,
        HashMap::from([(("number".to_owned(), 3), 30)]),
        "the pages reveal which browsers caused a prompt on the phone"
    );
    phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    let unknown = phone.open_prompts().await.unwrap();
    assert!(!unknown.is_empty() && unknown.len() <= 3, "{} prompts of attackers are open", unknown.len());
    assert!(unknown.iter().all(|prompt| prompt.origin() == Origin::Unknown));
    let page = use_phone(&person).await;
    let alert = async {
        loop {
            let open = phone.open_prompts().await.unwrap();
            if let Some(known) = open.into_iter().find(|prompt| prompt.origin() == Origin::KnownBrowser) {
                return known;
            }
            a_moment().await;
        }
    };
    let known = tokio::time::timeout(Duration::from_secs(10), alert).await.unwrap();
    let step = phone.approve_unlocked(&known, page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    assert_eq!(finished(&person).await, "security-info");
}

/// Another site can't cause a prompt: the service refuses the site's forms, and opening a page of the service sends no
/// prompt.
#[tokio::test(flavor = "multi_thread")]
async fn j6_w12_another_site_cannot_start_a_sign_in() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    use_phone(&person).await;
    let own = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    phone.approve_unlocked(&own, person.open("/sign-in/number").await.unwrap().number().unwrap()).await.unwrap();
    assert_eq!(finished(&person).await, "security-info");

    let page = person.open("/sign-in").await.unwrap();
    let token = page.attribute("input[name=csrf]", "value").unwrap();
    let action = page.attribute("#next-form", "action").unwrap();
    let name = ("user_name".to_owned(), countersign_journeys::people::USER.to_owned());
    let with_token = HashMap::from([name.clone(), ("csrf".to_owned(), token)]);
    for origin in ["https://evil.example", "null", "https://localhost", "http://localhost:1"] {
        let refused = person.post(&action, &with_token, origin).await.unwrap();
        assert_eq!(refused.status, 403, "{origin}: {}", refused.name());
    }
    let refused = person.post(&action, &HashMap::from([name]), world.issuer()).await.unwrap();
    assert_eq!(refused.status, 403, "a form without its token was accepted");
    for path in ["/sign-in?user_name=ada%40example.org", "/sign-in/phone", "/sign-in/again", "/sign-in/number"] {
        person.open(path).await.unwrap();
    }
    for _try in 0..10 {
        a_moment().await;
    }
    phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    assert_eq!(phone.open_prompts().await.unwrap(), []);
    let page = person.press(&page, "next", &[("user_name", countersign_journeys::people::USER)]).await.unwrap();
    assert_eq!(page.name(), "number", "the service's own form did not start a sign-in");
}

/// The phone restarts while the prompt is shown, while the person unlocks the key, when the answer is stored, and when
/// the service has the answer.
#[tokio::test(flavor = "multi_thread")]
async fn j6_w16_answering_continues_after_a_restart_in_each_step() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let (page, prompt) = asked(&person, &phone).await;
    let number = page.number().unwrap();

    let phone = phone.restart().await.unwrap();
    assert_eq!(phone.open_prompts().await.unwrap(), std::slice::from_ref(&prompt), "the prompt is no longer open");

    let step = phone.core().approve(prompt.id().clone(), number.clone()).await.unwrap();
    assert!(matches!(step, Step::Sign { .. }), "{step:?}");
    let phone = phone.restart().await.unwrap();
    assert_eq!(
        phone.open_prompts().await.unwrap(),
        std::slice::from_ref(&prompt),
        "the prompt is no longer open, although the key has not signed"
    );

    world.cuts.cut("/phone/answers", Cut::Before, 1);
    let step = phone.approve_unlocked(&prompt, number.clone()).await.unwrap();
    assert_eq!(step, Step::Queued { prompt: prompt.id().clone() });
    let phone = phone.restart().await.unwrap();
    let shown = decided(&phone, &prompt).await;
    assert_eq!(
        shown,
        PromptState::Done { outcome: Outcome::Approved },
        "the stored answer was not sent after the restart"
    );
    assert_eq!(finished(&person).await, "security-info");

    let (page, prompt) = asked(&person, &phone).await;
    world.cuts.cut("/phone/answers", Cut::Answer, 1);
    let step = phone.approve_unlocked(&prompt, page.number().unwrap()).await.unwrap();
    assert_eq!(
        step,
        Step::Queued { prompt: prompt.id().clone() },
        "the answer is not queued, although its response was lost"
    );
    let phone = phone.restart().await.unwrap();
    assert_eq!(decided(&phone, &prompt).await, PromptState::Done { outcome: Outcome::Approved });
    assert_eq!(finished(&person).await, "security-info");
    assert_eq!(phone.open_prompts().await.unwrap(), []);
}

/// While the service has not confirmed an answer, the phone shows only the answer's delivery state. The network fails
/// in three ways: the service is stopped, the answer is lost, or the response to the answer is lost.
#[tokio::test(flavor = "multi_thread")]
async fn j6_w14_an_unconfirmed_answer_is_not_shown_as_approved() {
    let mut world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let (page, prompt) = asked(&person, &phone).await;
    world.stop_service().await;
    let step = phone.approve_unlocked(&prompt, page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Queued { prompt: prompt.id().clone() });
    assert_eq!(
        on_its_way(&phone, &prompt).await,
        Delivery::WaitingForNetwork,
        "the phone reports a sent answer, although the service was stopped"
    );
    world.start_service().unwrap();
    assert_eq!(decided(&phone, &prompt).await, PromptState::Done { outcome: Outcome::Approved });
    assert_eq!(phone.core().delivery(prompt.id().clone()).await.unwrap(), None);
    assert_eq!(finished(&person).await, "security-info");

    for cut in [Cut::Before, Cut::Answer] {
        let (page, prompt) = asked(&person, &phone).await;
        world.cuts.cut("/phone/answers", cut, 1);
        let step = phone.approve_unlocked(&prompt, page.number().unwrap()).await.unwrap();
        assert_eq!(step, Step::Queued { prompt: prompt.id().clone() });
        assert_eq!(
            on_its_way(&phone, &prompt).await,
            Delivery::Sent,
            "{cut:?}: the phone does not report that the answer was sent"
        );
        assert_eq!(decided(&phone, &prompt).await, PromptState::Done { outcome: Outcome::Approved });
        assert_eq!(finished(&person).await, "security-info");
    }

    // Now the service can't be reached. The phone queues a report of the approved prompt, and shows that the report
    // waits for the network.
    world.stop_service().await;
    assert_eq!(phone.core().report(prompt.id().clone()).await.unwrap(), Step::Queued { prompt: prompt.id().clone() });
    let shown = phone.core().delivery(prompt.id().clone()).await.unwrap();
    assert_eq!(shown, Some(Delivery::WaitingForNetwork));
    world.start_service().unwrap();
}

/// An answer that can't be delivered for a day is no longer sent, and the phone shows the prompt as expired.
#[tokio::test(flavor = "multi_thread")]
async fn j6_w14_an_undelivered_answer_expires() {
    let mut world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let (page, prompt) = asked(&person, &phone).await;
    world.stop_service().await;
    let step = phone.approve_unlocked(&prompt, page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Queued { prompt: prompt.id().clone() });
    // The phone retries for a day. After that it shows the prompt as expired.
    phone.clock.advance(24 * 3_600);
    let phone = phone.restart().await.unwrap();
    assert_eq!(decided(&phone, &prompt).await, PromptState::Done { outcome: Outcome::Expired });
    assert_eq!(phone.core().delivery(prompt.id().clone()).await.unwrap(), None);
    world.start_service().unwrap();
    assert_eq!(finished(&person).await, "number", "the undelivered answer has signed the browser in");
}

/// The service has removed the device. The phone learns this from the response to an answer, without a fetch.
#[tokio::test(flavor = "multi_thread")]
async fn the_response_to_an_answer_reports_a_removed_device() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let (_page, prompt) = asked(&person, &phone).await;
    let removed = world.app.store.global_blocking(|tx| {
        let ada = people::find(tx, USER)?.unwrap().account_id;
        let device = devices::active(tx, &ada)?.remove(0);
        let ending = Ending::Removed { device: device.id, cause: Cause::RemovedByPerson };
        endings::end(tx, &ada, &ending, world.app.clock.now())
    });
    let _ended = removed.unwrap();
    assert_eq!(phone.core().deny(prompt.id().clone()).await.unwrap(), Step::Done { outcome: Outcome::Expired });
    let account = phone.core().accounts().await.unwrap().remove(0);
    let cause = RemovalCause::RemovedByPerson;
    assert_eq!(account.health, AccountHealth::RemovedByService { cause });
}

/// The delivery state of the prompt's answer, as the snapshot shows it.
async fn on_its_way(phone: &TestPhone, prompt: &Prompt) -> Delivery {
    let snapshot = phone.core().snapshot().await.unwrap();
    let state = snapshot.prompts.iter().find(|shown| shown.id() == prompt.id()).unwrap().state();
    let PromptState::Answering { delivery } = state else { panic!("{state:?}") };
    delivery
}

async fn decided(phone: &TestPhone, prompt: &Prompt) -> PromptState {
    for _try in 0..100 {
        let snapshot = phone.core().snapshot().await.unwrap();
        let found = snapshot.prompts.iter().find(|shown| shown.id() == prompt.id()).unwrap();
        if matches!(found.state(), PromptState::Done { .. }) {
            return found.state();
        }
        a_moment().await;
    }
    panic!("the prompt has no outcome");
}
