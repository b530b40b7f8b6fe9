//! Journey J7: a person types the password and then approves a number-matching prompt on the phone (second factor).
//!
//! Cases: w1, a wrong number; w2, denied; w3, "It wasn't me"; w4, no answer; w6, cancelled on the page; w7, a prompt of
//! another person, or a malformed push; w8, the push is lost or arrives twice; w9, the answer or its response is lost;
//! w10, a copied page URL.

use crate::common::{self, confirmed};
use countersign::{Error, FetchReason, Outcome, Prompt, PromptKind, Step};
use countersign_journeys::{Cut, PageView, Person, TestPhone, World};
use countersign_service::prompts::ceremony::Ceremony;
use countersign_service::prompts::records::Prompt as PromptRecord;

struct Scene {
    world: World,
    phone: TestPhone,
}

/// Starts a world in which Ada has a phone. The phone was added in a browser that the tests do not use later.
async fn scene() -> Scene {
    let world = World::start().await.unwrap();
    let phone = world.phone("phone").await.unwrap();
    confirmed(&world, &world.person().unwrap(), &phone).await;
    Scene { world, phone }
}

/// Ada enters the password in a fresh browser. Returns the browser, its page, and the prompt on the phone.
async fn asked(scene: &Scene) -> (Person, PageView, Prompt) {
    let person = scene.world.person().unwrap();
    let page = person.sign_in().await.unwrap();
    assert_eq!(page.name(), "number", "{}", page.html);
    let prompt = scene.phone.prompt().await.unwrap();
    (person, page, prompt)
}

fn another(number: &str) -> String {
    if number == "10" { "11".to_owned() } else { "10".to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_the_right_number_signs_in_and_makes_the_browser_known() {
    let scene = scene().await;
    let (person, page, prompt) = asked(&scene).await;
    assert_eq!(prompt.kind(), PromptKind::SecondFactor);
    assert_eq!(prompt.context().browser, "Firefox");
    // Ada's keyboard types Arabic digits.
    let number: String =
        page.number().unwrap().bytes().map(|digit| "٠١٢٣٤٥٦٧٨٩".chars().nth((digit - b'0').into()).unwrap()).collect();
    let step = scene.phone.core().approve(prompt.id().clone(), number).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    let page = person.press(&page, "finish", &[]).await.unwrap();
    assert_eq!(page.name(), "security-info");
    // Ada signs out and in again. The browser is known now, so the phone offers three numbers to choose from.
    person.press(&page, "sign-out", &[]).await.unwrap();
    let page = person.sign_in().await.unwrap();
    let prompt = scene.phone.prompt().await.unwrap();
    let countersign::Matching::Choose { options } = prompt.matching() else { panic!("{prompt:?}") };
    let number = page.number().unwrap();
    assert!(options.contains(&number));
    let step = scene.phone.core().approve(prompt.id().clone(), number).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w1_a_wrong_number_ends_the_sign_in() {
    let scene = scene().await;
    let (person, page, prompt) = asked(&scene).await;
    let number = page.number().unwrap();
    let core = scene.phone.core();
    assert_eq!(core.approve(prompt.id().clone(), "1".to_owned()).await, Err(Error::NumberForm));
    assert_eq!(core.approve(prompt.id().clone(), "٤x".to_owned()).await, Err(Error::NumberForm));
    let step = core.approve(prompt.id().clone(), another(&number)).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::WrongNumber });
    assert_eq!(core.approve(prompt.id().clone(), number).await, Err(Error::AlreadyAnswered));
    let page = person.open("/sign-in/number").await.unwrap();
    assert!(page.text("outcome").unwrap().contains("different number"), "{}", page.html);
    let over = person.press(&page, "again", &[]).await.unwrap();
    assert_eq!(over.name(), "number");
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w2_a_denial_on_the_phone_ends_the_sign_in() {
    let scene = scene().await;
    let (person, _, prompt) = asked(&scene).await;
    assert_eq!(scene.phone.core().deny(prompt.id().clone()).await.unwrap(), Step::Done { outcome: Outcome::Denied });
    let page = person.open("/sign-in/number").await.unwrap();
    assert!(page.text("outcome").unwrap().contains("You denied"), "{}", page.html);
    assert_eq!(person.open("/security-info").await.unwrap().name(), "user-name", "a session was created");
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w3_a_report_ends_the_session_and_blocks_the_password() {
    let scene = scene().await;
    let (person, page, prompt) = asked(&scene).await;
    let core = scene.phone.core();
    core.approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    let page = person.press(&page, "finish", &[]).await.unwrap();
    assert_eq!(page.name(), "security-info");
    assert_eq!(core.report(prompt.id().clone()).await.unwrap(), Step::Done { outcome: Outcome::Reported });
    assert_eq!(
        person.open("/security-info").await.unwrap().name(),
        "user-name",
        "the session continues after the report"
    );
    assert_eq!(
        core.report(prompt.id().clone()).await.unwrap(),
        Step::Done { outcome: Outcome::Reported },
        "a repeated report has another outcome"
    );
    // The thief tries the same password again. The service refuses the password until it is changed.
    let thief = scene.world.person().unwrap();
    let refused = thief.sign_in().await.unwrap();
    assert!(refused.text("outcome").unwrap().contains("reported as not yours"), "{}", refused.html);
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w4_an_unanswered_prompt_expires() {
    let scene = scene().await;
    let (person, _, prompt) = asked(&scene).await;
    scene.world.clock.advance(121);
    let page = person.open("/sign-in/number").await.unwrap();
    assert!(page.text("outcome").unwrap().contains("time for this request is over"), "{}", page.html);
    let late = scene.phone.core().approve(prompt.id().clone(), "10".to_owned()).await;
    assert!(matches!(late, Ok(Step::Done { outcome: Outcome::Expired }) | Err(Error::PromptExpired)), "{late:?}");
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w6_cancelling_on_the_page_withdraws_the_prompt() {
    let scene = scene().await;
    let (person, page, prompt) = asked(&scene).await;
    let number = page.number().unwrap();
    let cancelled = person.press(&page, "cancel", &[]).await.unwrap();
    assert!(cancelled.text("outcome").unwrap().contains("cancelled"));
    scene.phone.no_prompt().await.unwrap();
    assert_eq!(scene.phone.core().approve(prompt.id().clone(), number).await, Err(Error::UnknownPrompt));
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w7_foreign_or_malformed_prompts_are_never_shown() {
    let scene = scene().await;
    // Bob's phone at the same service does not get Ada's prompt, and can't answer it.
    scene.world.add_person("bob@example.org", "another battery staple").unwrap();
    let bobs_phone = scene.world.phone("bobs phone").await.unwrap();
    let bob = scene.world.person().unwrap();
    let page = bob.open("/sign-in").await.unwrap();
    let page = bob.enter_password(&page, "bob@example.org", "another battery staple").await.unwrap();
    let page = bob.press(&page, "add-method", &[]).await.unwrap();
    let page = bob.press(&page, "next", &[]).await.unwrap();
    common::added(&bob, &bobs_phone, &page).await;
    let own = bobs_phone.prompt().await.unwrap();
    bobs_phone.core().deny(own.id().clone()).await.unwrap();
    let (_, _, prompt) = asked(&scene).await;
    bobs_phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    assert!(bobs_phone.open_prompts().await.unwrap().is_empty());
    let answered = bobs_phone.core().deny(prompt.id().clone()).await;
    assert_eq!(answered, Err(Error::UnknownPrompt));
    // Pushes with malformed content, an unknown slot or a wrong size have no effect.
    for (slot, message) in [(vec![0; 16], vec![0; 100]), (Vec::new(), Vec::new()), (vec![1; 16], vec![0; 1 << 20])] {
        let effect = scene.phone.core().push_received(slot, message).await.unwrap();
        assert_eq!(effect, countersign::PushEffect::Nothing);
    }
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w8_a_lost_prompt_is_fetched_and_a_doubled_push_is_ignored() {
    let scene = scene().await;
    let relay = scene.world.relay.as_ref().unwrap();
    relay.faults.lose_one_in(1);
    let person = scene.world.person().unwrap();
    let page = person.sign_in().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert!(
        scene.phone.open_prompts().await.unwrap().is_empty(),
        "the push arrived, although the relay loses all pushes"
    );
    let checked = scene.phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    assert_eq!(checked.prompts.len(), 1);
    relay.faults.lose_one_in(0);
    relay.faults.double_one_in(1);
    let again = person.press(&page, "cancel", &[]).await.unwrap();
    let page = person.press(&again, "again", &[]).await.unwrap();
    scene.phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    let prompts = scene.phone.open_prompts().await.unwrap();
    assert_eq!(prompts.len(), 1, "a prompt that came by fetch and twice by push is not shown exactly once");
    let step = scene.phone.core().approve(prompts[0].id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w9_an_answer_with_a_lost_response_is_queued_and_resent() {
    let scene = scene().await;
    let (person, page, prompt) = asked(&scene).await;
    scene.world.cuts.cut("/phone/answers", Cut::Answer, 1);
    let step = scene.phone.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(
        step,
        Step::Queued { prompt: prompt.id().clone() },
        "the answer is not queued, although the service has not confirmed it"
    );
    scene.phone.no_prompt().await.unwrap();
    let done = person.press(&page, "finish", &[]).await.unwrap();
    assert_eq!(done.name(), "security-info");
    let again = scene.phone.core().approve(prompt.id().clone(), page.number().unwrap()).await;
    assert_eq!(again, Err(Error::AlreadyAnswered));
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w9_a_queued_answer_is_sent_after_a_restart() {
    let Scene { world, phone } = scene().await;
    let person = world.person().unwrap();
    let page = person.sign_in().await.unwrap();
    let prompt = phone.prompt().await.unwrap();
    world.cuts.cut("/phone/answers", Cut::Before, 1);
    let step = phone.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Queued { prompt: prompt.id().clone() });
    let phone = phone.restart().await.unwrap();
    phone.no_prompt().await.unwrap();
    assert_eq!(person.press(&page, "finish", &[]).await.unwrap().name(), "security-info");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w10_a_copied_page_url_gives_no_session() {
    let scene = scene().await;
    let (person, page, prompt) = asked(&scene).await;
    scene.phone.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    let thief = scene.world.person().unwrap();
    for path in ["/sign-in/number", "/security-info", "/sign-in/events"] {
        let seen = thief.open(path).await.unwrap();
        assert!(seen.number().is_err(), "{path} shows the number to another browser");
    }
    let stolen = thief.press(&page, "finish", &[]).await.unwrap();
    assert_eq!(stolen.status.as_u16(), 403);
    let done = person.press(&page, "finish", &[]).await.unwrap();
    assert_eq!(done.name(), "security-info");
    let twice = person.press(&page, "finish", &[]).await.unwrap();
    assert_ne!(twice.name(), "security-info", "the approval was used twice");
    scene.world.stop().await;
}

/// Whether the service has recorded that a push reached the phone.
async fn push_was_seen(world: &World) -> bool {
    let app = world.app.clone();
    let person = app
        .store
        .global_blocking(|tx| countersign_service::people::records::find(tx, "ada@example.org"))
        .unwrap()
        .unwrap();
    let devices =
        app.store.global_blocking(|tx| countersign_service::devices::records::active(tx, &person.account_id)).unwrap();
    devices[0].push_seen
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_a_prompt_arrives_by_push_with_fetching_blocked() {
    let mut world = World::start().await.unwrap();
    let phone = world.phone("phone").await.unwrap();
    let person = world.person().unwrap();
    let page = person.wizard().await.unwrap();
    let page = common::added(&person, &phone, &page).await;
    person.press(&page, "skip", &[]).await.unwrap();
    assert!(!push_was_seen(&world).await);
    world.cuts.cut("/phone/prompts", Cut::Before, usize::MAX);
    world.restart_relay().await.unwrap();
    let browser = world.person().unwrap();
    let page = browser.sign_in().await.unwrap();
    let prompt = phone.prompt_of(PromptKind::SecondFactor).await.unwrap();
    let step = phone.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    assert!(push_was_seen(&world).await, "the service has not recorded that the prompt came by push");
    assert_eq!(browser.press(&page, "finish", &[]).await.unwrap().name(), "security-info");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_fetching_a_prompt_does_not_record_a_push() {
    let mut world = World::start().await.unwrap();
    let phone = world.phone("phone").await.unwrap();
    let person = world.person().unwrap();
    let page = person.wizard().await.unwrap();
    let page = common::added(&person, &phone, &page).await;
    person.press(&page, "skip", &[]).await.unwrap();
    world.stop_relay().await;
    let browser = world.person().unwrap();
    let page = browser.sign_in().await.unwrap();
    let checked = phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    let step = phone.core().approve(checked.prompts[0].id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    assert!(!push_was_seen(&world).await, "the service has recorded a push, but the prompt was fetched");
    assert_eq!(browser.press(&page, "finish", &[]).await.unwrap().name(), "security-info");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w8_a_push_that_arrives_after_the_fetch_is_recorded() {
    let world = World::start().await.unwrap();
    let phone = world.phone("phone").await.unwrap();
    let person = world.person().unwrap();
    let page = person.wizard().await.unwrap();
    let page = common::added(&person, &phone, &page).await;
    person.press(&page, "skip", &[]).await.unwrap();
    world.relay.as_ref().unwrap().faults.delay(std::time::Duration::from_secs(1));
    let browser = world.person().unwrap();
    let page = browser.sign_in().await.unwrap();
    let checked = phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    assert_eq!(checked.prompts.len(), 1, "the fetch did not return the prompt");
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(phone.open_prompts().await.unwrap().len(), 1, "the push changed the number of open prompts");
    let step = phone.core().approve(checked.prompts[0].id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    assert!(push_was_seen(&world).await);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_two_browsers_in_parallel_have_their_own_numbers() {
    let scene = scene().await;
    let (first, second) = (scene.world.person().unwrap(), scene.world.person().unwrap());
    let (one, two) = (first.sign_in().await.unwrap(), second.sign_in().await.unwrap());
    assert_ne!(one.number().unwrap(), two.number().unwrap());
    // The second prompt is quiet, so the service does not push it. Opening the app fetches it.
    scene.phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    let prompts = scene.phone.open_prompts().await.unwrap();
    assert_eq!(prompts.len(), 2);
    let of = |page: &PageView| {
        let number = page.number().unwrap();
        let ceremonies = scene.world.app.store.global_blocking(|tx| {
            let person = countersign_service::people::records::find(tx, "ada@example.org")?.unwrap();
            let all: Vec<Ceremony> = tx.children(&person.account_id)?;
            let ceremony = all.into_iter().find(|ceremony| ceremony.number == number).unwrap();
            tx.children::<PromptRecord>(&ceremony.id)
        });
        ceremonies.unwrap()[0].jti.clone()
    };
    let (of_one, of_two) = (of(&one), of(&two));
    let prompt = prompts.iter().find(|prompt| prompt.id().jti == of_one).unwrap();
    let crossed = scene.phone.core().approve(prompt.id().clone(), two.number().unwrap()).await.unwrap();
    assert_eq!(crossed, Step::Done { outcome: Outcome::WrongNumber }, "the number of another page was accepted");
    let prompt = prompts.iter().find(|prompt| prompt.id().jti == of_two).unwrap();
    let right = scene.phone.core().approve(prompt.id().clone(), two.number().unwrap()).await.unwrap();
    assert_eq!(right, Step::Done { outcome: Outcome::Approved });
    assert_eq!(second.press(&two, "finish", &[]).await.unwrap().name(), "security-info");
    assert_eq!(first.press(&one, "finish", &[]).await.unwrap().name(), "outcome");
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn phone_removal_needs_approval_and_updates_account_health() {
    let scene = scene().await;
    let (person, page, prompt) = asked(&scene).await;
    scene.phone.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    let info = person.press(&page, "finish", &[]).await.unwrap();
    let page = person.press(&info, "remove-1", &[]).await.unwrap();
    assert_eq!(page.name(), "remove-number", "the removal did not ask for its own approval");
    scene.phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    let prompt = scene.phone.prompt().await.unwrap();
    assert_eq!(prompt.kind(), PromptKind::RemoveMethod);
    scene.phone.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    let page = person.press(&page, "finish", &[]).await.unwrap();
    assert!(page.text("outcome").unwrap().contains("was removed"), "{}", page.html);
    scene.phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    let account = scene.phone.core().accounts().await.unwrap().remove(0);
    let removed = countersign::AccountHealth::RemovedByService { cause: countersign::RemovalCause::RemovedByPerson };
    assert_eq!(account.health, removed);
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_the_account_on_the_phone_removes_the_device() {
    let scene = scene().await;
    let account = scene.phone.core().accounts().await.unwrap().remove(0);
    assert_eq!(scene.phone.core().remove(account.id).await.unwrap(), countersign::Ending::Done);
    assert!(scene.phone.core().accounts().await.unwrap().is_empty());
    let person = scene.world.person().unwrap();
    let page = person.sign_in().await.unwrap();
    assert_eq!(page.name(), "security-info", "the account still has a method: {}", page.html);
    assert!(page.html.contains("no sign-in methods yet"));
    scene.world.stop().await;
}
