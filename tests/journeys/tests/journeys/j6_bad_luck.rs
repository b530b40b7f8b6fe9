//! J6 with others about: a second phone, another person, strangers who knock, and a phone that is ended.

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
use countersign_service::endings;
use countersign_service::people::records as people;

async fn finished(person: &Person) -> String {
    let page = person.open("/sign-in/number").await.unwrap();
    person.press(&page, "finish", &[]).await.unwrap().name()
}

/// A request of Ada's known browser, on its page and on the phone.
async fn asked(person: &Person, phone: &TestPhone) -> (PageView, Prompt) {
    let page = use_phone(person).await;
    (page, phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_w5_answered_on_one_phone_the_other_withdraws() {
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
    let told = second.core().approve(late.id().clone(), number).await;
    assert!(!matches!(told, Ok(Step::Sign { .. })), "nobody unlocks for what is over: {told:?}");
    assert_eq!(finished(&person).await, "security-info");
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_w8_late_or_for_somebody_else_is_never_shown() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    // Late: the push is lost, and the phone looks when the time is over.
    phone.deaf();
    use_phone(&person).await;
    world.clock.advance(121);
    assert!(phone.core().check_for_prompts(FetchReason::Opened).await.unwrap().prompts.is_empty());
    // Somebody else's phone at the same service sees nothing, and can't answer what it was not asked.
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
    // Replayed: what was answered is not shown again.
    phone.approve_unlocked(&prompt, page.number().unwrap()).await.unwrap();
    assert!(phone.core().check_for_prompts(FetchReason::Opened).await.unwrap().prompts.is_empty());
}

/// Thirty strangers from thirty networks knock; the phone rings once for them, and for Ada's browser all the same.
#[tokio::test(flavor = "multi_thread")]
async fn j6_w9_while_thirty_strangers_knock_a_known_browser_rings_the_first_time() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let mut looked_alike = HashMap::new();
    for number in 1..=30 {
        let page = use_phone(&world.person_in_network(number).unwrap()).await;
        *looked_alike.entry((page.name(), page.number().unwrap().len())).or_insert(0) += 1;
    }
    assert_eq!(looked_alike, HashMap::from([(("number".to_owned(), 3), 30)]), "nobody learns who was let through");
    phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    let strangers = phone.open_prompts().await.unwrap();
    assert!(!strangers.is_empty() && strangers.len() <= 3, "{} requests of strangers wait", strangers.len());
    assert!(strangers.iter().all(|prompt| prompt.origin() == Origin::Unknown));
    let page = use_phone(&person).await;
    let rings = async {
        loop {
            let open = phone.open_prompts().await.unwrap();
            if let Some(known) = open.into_iter().find(|prompt| prompt.origin() == Origin::KnownBrowser) {
                return known;
            }
            a_moment().await;
        }
    };
    let known = tokio::time::timeout(Duration::from_secs(10), rings).await.unwrap();
    let step = phone.approve_unlocked(&known, page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    assert_eq!(finished(&person).await, "security-info");
}

/// Another site can neither send the form nor open an address that asks the phone.
#[tokio::test(flavor = "multi_thread")]
async fn j6_w12_started_from_another_site_nothing_is_asked() {
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
    assert_eq!(refused.status, 403, "without the form's own token");
    for path in ["/sign-in?user_name=ada%40example.org", "/sign-in/phone", "/sign-in/again", "/sign-in/number"] {
        person.open(path).await.unwrap();
    }
    for _try in 0..10 {
        a_moment().await;
    }
    phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    assert_eq!(phone.open_prompts().await.unwrap(), []);
    let page = person.press(&page, "next", &[("user_name", countersign_journeys::people::USER)]).await.unwrap();
    assert_eq!(page.name(), "number", "the same form from the page itself asks the phone");
}

/// Ended where it shows, where it waits for the unlocking, where the answer is stored, and where it was taken.
#[tokio::test(flavor = "multi_thread")]
async fn j6_w16_ended_in_each_step_of_answering() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let (page, prompt) = asked(&person, &phone).await;
    let number = page.number().unwrap();

    let phone = phone.restart().await.unwrap();
    assert_eq!(phone.open_prompts().await.unwrap(), std::slice::from_ref(&prompt), "shown, and still there");

    let step = phone.core().approve(prompt.id().clone(), number.clone()).await.unwrap();
    assert!(matches!(step, Step::Sign { .. }), "{step:?}");
    let phone = phone.restart().await.unwrap();
    assert_eq!(
        phone.open_prompts().await.unwrap(),
        std::slice::from_ref(&prompt),
        "nothing was decided without the key"
    );

    world.cuts.cut("/phone/answers", Cut::Before, 1);
    let step = phone.approve_unlocked(&prompt, number.clone()).await.unwrap();
    assert_eq!(step, Step::Queued { prompt: prompt.id().clone() });
    let phone = phone.restart().await.unwrap();
    let told = decided(&phone, &prompt).await;
    assert_eq!(told, PromptState::Done { outcome: Outcome::Approved }, "sent after the restart, unlocked once");
    assert_eq!(finished(&person).await, "security-info");

    let (page, prompt) = asked(&person, &phone).await;
    world.cuts.cut("/phone/answers", Cut::Answer, 1);
    let step = phone.approve_unlocked(&prompt, page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Queued { prompt: prompt.id().clone() }, "the service took it, and the phone does not know");
    let phone = phone.restart().await.unwrap();
    assert_eq!(decided(&phone, &prompt).await, PromptState::Done { outcome: Outcome::Approved });
    assert_eq!(finished(&person).await, "security-info");
    assert_eq!(phone.open_prompts().await.unwrap(), []);
}

/// What the person reads of an answer that the service has not confirmed, at each place where the network can be cut.
#[tokio::test(flavor = "multi_thread")]
async fn j6_w14_what_is_on_its_way_is_told_as_it_is_and_never_as_approved() {
    let mut world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let (page, prompt) = asked(&person, &phone).await;
    world.stop_service().await;
    let step = phone.approve_unlocked(&prompt, page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Queued { prompt: prompt.id().clone() });
    assert_eq!(on_its_way(&phone, &prompt).await, Delivery::WaitingForNetwork, "it has not left this phone");
    world.start_service().unwrap();
    assert_eq!(decided(&phone, &prompt).await, PromptState::Done { outcome: Outcome::Approved });
    assert_eq!(phone.core().delivery(prompt.id().clone()).await.unwrap(), None);
    assert_eq!(finished(&person).await, "security-info");

    for cut in [Cut::Before, Cut::Answer] {
        let (page, prompt) = asked(&person, &phone).await;
        world.cuts.cut("/phone/answers", cut, 1);
        let step = phone.approve_unlocked(&prompt, page.number().unwrap()).await.unwrap();
        assert_eq!(step, Step::Queued { prompt: prompt.id().clone() });
        assert_eq!(on_its_way(&phone, &prompt).await, Delivery::Sent, "{cut:?}: this phone can't know more");
        assert_eq!(decided(&phone, &prompt).await, PromptState::Done { outcome: Outcome::Approved });
        assert_eq!(finished(&person).await, "security-info");
    }

    // A report of what was approved is on its way, and the approval is all that is certain so far.
    world.stop_service().await;
    assert_eq!(phone.core().report(prompt.id().clone()).await.unwrap(), Step::Queued { prompt: prompt.id().clone() });
    let told = phone.core().delivery(prompt.id().clone()).await.unwrap();
    assert_eq!(told, Some(Delivery::WaitingForNetwork));
    world.start_service().unwrap();
}

/// An answer that can't help any more is neither sent for ever nor told as something that it is not.
#[tokio::test(flavor = "multi_thread")]
async fn j6_w14_an_answer_that_got_nowhere_in_time_has_expired() {
    let mut world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let (page, prompt) = asked(&person, &phone).await;
    world.stop_service().await;
    let step = phone.approve_unlocked(&prompt, page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Queued { prompt: prompt.id().clone() });
    // So long the phone asks what became of it.
    phone.clock.advance(24 * 3_600);
    let phone = phone.restart().await.unwrap();
    assert_eq!(decided(&phone, &prompt).await, PromptState::Done { outcome: Outcome::Expired });
    assert_eq!(phone.core().delivery(prompt.id().clone()).await.unwrap(), None);
    world.start_service().unwrap();
    assert_eq!(finished(&person).await, "number", "nobody was signed in by it");
}

/// An answer to a service that has removed this phone brings that news: nobody has to look for it.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_learns_that_the_phone_was_removed() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let (_page, prompt) = asked(&person, &phone).await;
    let removed = world.app.store.run_blocking(|tx| {
        let ada = people::find(tx, USER)?.unwrap().account_id;
        let mut device = devices::active(tx, &ada)?.remove(0);
        endings::remove_device(tx, &mut device, Cause::RemovedByPerson, world.app.clock.now())
    });
    removed.unwrap();
    assert_eq!(phone.core().deny(prompt.id().clone()).await.unwrap(), Step::Done { outcome: Outcome::Expired });
    let account = phone.core().accounts().await.unwrap().remove(0);
    let cause = RemovalCause::RemovedByPerson;
    assert_eq!(account.health, AccountHealth::RemovedByService { cause });
}

/// How far the answer has got, as every screen is told.
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
    panic!("never decided");
}
