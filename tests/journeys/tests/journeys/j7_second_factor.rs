//! J7: password, then a number-matching prompt; and what push really is.

use crate::common::{self, confirmed};
use countersign::{Error, FetchReason, Outcome, Prompt, PromptKind, Step};
use countersign_journeys::{Cut, PageView, Person, TestPhone, World};
use countersign_service::prompts::ceremony::Ceremony;
use countersign_service::prompts::records::Prompt as PromptRecord;

struct Scene {
    world: World,
    phone: TestPhone,
}

/// Ada has a phone; the browser she added it with is not the one she uses now.
async fn scene() -> Scene {
    let world = World::start().await.unwrap();
    let phone = world.phone("phone").await.unwrap();
    confirmed(&world, &world.person().unwrap(), &phone).await;
    Scene { world, phone }
}

/// Ada enters her password and her phone shows a prompt.
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
async fn j7_the_right_number_signs_in_and_the_next_time_the_browser_is_known() {
    let scene = scene().await;
    let (person, page, prompt) = asked(&scene).await;
    assert_eq!(prompt.kind(), PromptKind::SecondFactor);
    assert_eq!(prompt.context().browser, "Firefox");
    let step = scene.phone.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    let page = person.press(&page, "finish", &[]).await.unwrap();
    assert_eq!(page.name(), "security-info");
    // Signed out and in again from the same browser: three numbers to choose from.
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
async fn j7_w1_a_wrong_number_ends_the_request() {
    let scene = scene().await;
    let (person, page, prompt) = asked(&scene).await;
    let number = page.number().unwrap();
    let core = scene.phone.core();
    assert_eq!(core.approve(prompt.id().clone(), "1".to_owned()).await, Err(Error::NumberForm));
    assert_eq!(core.approve(prompt.id().clone(), "٤٧".to_owned()).await, Err(Error::NumberForm));
    let step = core.approve(prompt.id().clone(), another(&number)).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::WrongNumber });
    assert_eq!(core.approve(prompt.id().clone(), number).await, Err(Error::AlreadyAnswered));
    let page = person.open("/sign-in/number").await.unwrap();
    assert!(page.text("outcome").unwrap().contains("Another number"), "{}", page.html);
    let over = person.press(&page, "again", &[]).await.unwrap();
    assert_eq!(over.name(), "number");
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w2_denied_on_the_phone() {
    let scene = scene().await;
    let (person, _, prompt) = asked(&scene).await;
    assert_eq!(scene.phone.core().deny(prompt.id().clone()).await.unwrap(), Step::Done { outcome: Outcome::Denied });
    let page = person.open("/sign-in/number").await.unwrap();
    assert!(page.text("outcome").unwrap().contains("You denied"), "{}", page.html);
    assert_eq!(person.open("/security-info").await.unwrap().name(), "user-name", "nobody is signed in");
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w3_it_was_not_me_before_and_after_approving() {
    let scene = scene().await;
    let (person, page, prompt) = asked(&scene).await;
    let core = scene.phone.core();
    core.approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    let page = person.press(&page, "finish", &[]).await.unwrap();
    assert_eq!(page.name(), "security-info");
    assert_eq!(core.report(prompt.id().clone()).await.unwrap(), Step::Done { outcome: Outcome::Reported });
    assert_eq!(person.open("/security-info").await.unwrap().name(), "user-name", "the session has ended");
    assert_eq!(
        core.report(prompt.id().clone()).await.unwrap(),
        Step::Done { outcome: Outcome::Reported },
        "said twice"
    );
    // The thief comes back with the same password: refused until it changes.
    let thief = scene.world.person().unwrap();
    let refused = thief.sign_in().await.unwrap();
    assert!(refused.text("outcome").unwrap().contains("reported as not yours"), "{}", refused.html);
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w4_nobody_answers() {
    let scene = scene().await;
    let (person, _, prompt) = asked(&scene).await;
    scene.world.clock.advance(121);
    let page = person.open("/sign-in/number").await.unwrap();
    assert!(page.text("outcome").unwrap().contains("Nobody answered"), "{}", page.html);
    let late = scene.phone.core().approve(prompt.id().clone(), "10".to_owned()).await;
    assert!(matches!(late, Ok(Step::Done { outcome: Outcome::Expired }) | Err(Error::PromptExpired)), "{late:?}");
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w6_cancelled_on_the_page() {
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
async fn j7_w7_late_or_for_somebody_else_is_never_shown() {
    let scene = scene().await;
    // Another person's phone at the same service, and this one's: each sees only its own.
    scene.world.add_person("bob@example.org", "another battery staple").unwrap();
    let stranger = scene.world.phone("stranger").await.unwrap();
    let bob = scene.world.person().unwrap();
    let page = bob.open("/sign-in").await.unwrap();
    let page = bob.enter_password(&page, "bob@example.org", "another battery staple").await.unwrap();
    let page = bob.press(&page, "add-method", &[]).await.unwrap();
    let page = bob.press(&page, "next", &[]).await.unwrap();
    common::added(&bob, &stranger, &page).await;
    let own = stranger.prompt().await.unwrap();
    stranger.core().deny(own.id().clone()).await.unwrap();
    let (_, _, prompt) = asked(&scene).await;
    stranger.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    assert!(stranger.open_prompts().await.unwrap().is_empty());
    let answered = stranger.core().deny(prompt.id().clone()).await;
    assert_eq!(answered, Err(Error::UnknownPrompt));
    // Garbage at the right slot, the wrong slot, and of the wrong size is dropped without a word.
    for (slot, message) in [(vec![0; 16], vec![0; 100]), (Vec::new(), Vec::new()), (vec![1; 16], vec![0; 1 << 20])] {
        let effect = scene.phone.core().push_received(slot, message).await.unwrap();
        assert_eq!(effect, countersign::PushEffect::Nothing);
    }
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w8_a_lost_push_is_found_by_checking_and_a_doubled_one_changes_nothing() {
    let scene = scene().await;
    let relay = scene.world.relay.as_ref().unwrap();
    relay.faults.lose_one_in(1);
    let person = scene.world.person().unwrap();
    let page = person.sign_in().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert!(scene.phone.open_prompts().await.unwrap().is_empty(), "the push is lost");
    let checked = scene.phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    assert_eq!(checked.prompts.len(), 1);
    relay.faults.lose_one_in(0);
    relay.faults.double_one_in(1);
    let again = person.press(&page, "cancel", &[]).await.unwrap();
    let page = person.press(&again, "again", &[]).await.unwrap();
    scene.phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    let prompts = scene.phone.open_prompts().await.unwrap();
    assert_eq!(prompts.len(), 1, "once, by push and by fetch and doubled");
    let step = scene.phone.core().approve(prompts[0].id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w9_an_answer_cut_off_after_the_service_took_it_tells_the_truth() {
    let scene = scene().await;
    let (person, page, prompt) = asked(&scene).await;
    scene.world.cuts.cut("/phone/answers", Cut::Answer, 1);
    let step = scene.phone.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Queued { prompt: prompt.id().clone() }, "never \"approved\" before the service says so");
    scene.phone.no_prompt().await.unwrap();
    let done = person.press(&page, "finish", &[]).await.unwrap();
    assert_eq!(done.name(), "security-info");
    let again = scene.phone.core().approve(prompt.id().clone(), page.number().unwrap()).await;
    assert_eq!(again, Err(Error::AlreadyAnswered));
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w9_a_phone_ended_while_its_answer_waits_sends_it_after_the_restart() {
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
async fn j7_w10_a_copied_waiting_address_redeems_nothing() {
    let scene = scene().await;
    let (person, page, prompt) = asked(&scene).await;
    scene.phone.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    let thief = scene.world.person().unwrap();
    for path in ["/sign-in/number", "/security-info", "/sign-in/events"] {
        let seen = thief.open(path).await.unwrap();
        assert!(seen.number().is_err(), "{path} shows nothing to another browser");
    }
    let stolen = thief.press(&page, "finish", &[]).await.unwrap();
    assert_eq!(stolen.status.as_u16(), 403);
    let done = person.press(&page, "finish", &[]).await.unwrap();
    assert_eq!(done.name(), "security-info");
    let twice = person.press(&page, "finish", &[]).await.unwrap();
    assert_ne!(twice.name(), "security-info", "an approval is used once");
    scene.world.stop().await;
}

/// How the answer of the last decided ceremony said the prompt had come.
async fn push_was_seen(world: &World) -> bool {
    let app = world.app.clone();
    let person = app
        .store
        .run_blocking(|tx| countersign_service::people::records::find(tx, "ada@example.org"))
        .unwrap()
        .unwrap();
    let devices =
        app.store.run_blocking(|tx| countersign_service::devices::records::active(tx, &person.account_id)).unwrap();
    devices[0].push_seen
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_push_is_really_push_with_the_prompts_endpoint_blocked_and_the_relay_restarted() {
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
    assert!(push_was_seen(&world).await, "the answer says received_by: push");
    assert_eq!(browser.press(&page, "finish", &[]).await.unwrap().name(), "security-info");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_with_the_relay_dead_checking_for_requests_does_it_and_says_fetch() {
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
    assert!(!push_was_seen(&world).await, "the answer says received_by: fetch");
    assert_eq!(browser.press(&page, "finish", &[]).await.unwrap().name(), "security-info");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w8_a_push_that_comes_after_the_fetch_still_counts_as_push() {
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
    assert_eq!(checked.prompts.len(), 1, "the fetch was faster");
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(phone.open_prompts().await.unwrap().len(), 1, "the push changes nothing that is shown");
    let step = phone.core().approve(checked.prompts[0].id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    assert!(push_was_seen(&world).await);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_two_browsers_at_once_have_numbers_of_their_own() {
    let scene = scene().await;
    let (first, second) = (scene.world.person().unwrap(), scene.world.person().unwrap());
    let (one, two) = (first.sign_in().await.unwrap(), second.sign_in().await.unwrap());
    assert_ne!(one.number().unwrap(), two.number().unwrap());
    // The second rang silently; opening the app finds it.
    scene.phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    let prompts = scene.phone.open_prompts().await.unwrap();
    assert_eq!(prompts.len(), 2);
    let of = |page: &PageView| {
        let number = page.number().unwrap();
        let ceremonies = scene.world.app.store.run_blocking(|tx| {
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
    assert_eq!(crossed, Step::Done { outcome: Outcome::WrongNumber }, "neither number fits the other");
    let prompt = prompts.iter().find(|prompt| prompt.id().jti == of_two).unwrap();
    let right = scene.phone.core().approve(prompt.id().clone(), two.number().unwrap()).await.unwrap();
    assert_eq!(right, Step::Done { outcome: Outcome::Approved });
    assert_eq!(second.press(&two, "finish", &[]).await.unwrap().name(), "security-info");
    assert_eq!(first.press(&one, "finish", &[]).await.unwrap().name(), "outcome");
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_a_phone_needs_a_fresh_number_and_shows_on_the_phone() {
    let scene = scene().await;
    let (person, page, prompt) = asked(&scene).await;
    scene.phone.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    let info = person.press(&page, "finish", &[]).await.unwrap();
    let page = person.press(&info, "remove-1", &[]).await.unwrap();
    assert_eq!(page.name(), "remove-number", "a fresh sign-in is not an approval of this kind");
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
async fn an_account_removed_on_the_phone_is_gone_at_the_service() {
    let scene = scene().await;
    let account = scene.phone.core().accounts().await.unwrap().remove(0);
    assert_eq!(scene.phone.core().remove(account.id).await.unwrap(), countersign::Ending::Done);
    assert!(scene.phone.core().accounts().await.unwrap().is_empty());
    let person = scene.world.person().unwrap();
    let page = person.sign_in().await.unwrap();
    assert_eq!(page.name(), "security-info", "the first method again: {}", page.html);
    assert!(page.html.contains("no sign-in methods yet"));
    scene.world.stop().await;
}
