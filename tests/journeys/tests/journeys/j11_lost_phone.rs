//! J11: a lost phone, and a second phone of the same person.

use crate::common::{approve, confirmed, two_phones, use_phone};
use countersign::{
    AccountHealth, FetchReason, NoticeKind, Outcome, Prompt, PromptKind, PromptState, RemovalCause, Step,
};
use countersign_journeys::cuts::Cut;
use countersign_journeys::{Person, TestPhone, World, a_moment};

/// Says on the security-info page that the second phone is lost, and approves it on the first.
async fn reported(person: &Person, first: &TestPhone) {
    let info = person.open("/security-info").await.unwrap();
    let page = person.press(&info, "lost-2", &[]).await.unwrap();
    assert_eq!(page.name(), "lost-number", "{}", page.html);
    approve(first, PromptKind::ReportLost, &page).await;
    let page = person.open("/security-info/step-up").await.unwrap();
    let page = person.press(&page, "finish", &[]).await.unwrap();
    assert!(page.text("outcome").unwrap().contains("reported lost"), "{}", page.html);
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w5_answered_on_one_phone_the_other_withdraws() {
    let world = World::start().await.unwrap();
    let (_person, first, second) = two_phones(&world).await;
    let page = world.person().unwrap().sign_in().await.unwrap();
    let prompt: Prompt = first.prompt_of(PromptKind::SecondFactor).await.unwrap();
    second.prompt_of(PromptKind::SecondFactor).await.unwrap();
    let step = first.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    second.no_prompt().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn j11_a_lost_phone_never_counts_again_and_the_others_are_told() {
    let world = World::start().await.unwrap();
    let (person, first, second) = two_phones(&world).await;
    // Somebody signed in through the phone that is about to be lost.
    let through = world.person().unwrap();
    let page = through.sign_in().await.unwrap();
    approve(&second, PromptKind::SecondFactor, &page).await;
    let page = through.open("/sign-in/number").await.unwrap();
    assert_eq!(through.press(&page, "finish", &[]).await.unwrap().name(), "security-info");
    reported(&person, &first).await;
    assert_eq!(through.open("/security-info").await.unwrap().name(), "user-name", "its sessions have ended");
    assert_eq!(person.open("/security-info").await.unwrap().name(), "security-info", "the others go on");
    first.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    let notices = first.core().snapshot().await.unwrap().notices;
    let lost = notices.iter().find(|notice| notice.kind == NoticeKind::PhoneLost).unwrap();
    first.core().dismiss_notice(lost.account.clone(), lost.id.clone()).await.unwrap();
    for _try in 0..20 {
        a_moment().await;
    }
    first.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    let notices = first.core().snapshot().await.unwrap().notices;
    assert!(!notices.iter().any(|notice| notice.kind == NoticeKind::PhoneLost), "dismissed stays dismissed");
}

/// Ended where the approval of the report is stored, and where the service took it; the lost phone where it has heard it.
#[tokio::test(flavor = "multi_thread")]
async fn j11_ended_in_each_step_of_a_report_it_comes_to_its_end() {
    for cut in [Cut::Before, Cut::Answer] {
        let world = World::start().await.unwrap();
        let (person, first, second) = two_phones(&world).await;
        let info = person.open("/security-info").await.unwrap();
        let page = person.press(&info, "lost-2", &[]).await.unwrap();
        let prompt = first.prompt_of(PromptKind::ReportLost).await.unwrap();
        world.cuts.cut("/phone/answers", cut, 1);
        let step = first.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
        assert_eq!(step, Step::Queued { prompt: prompt.id().clone() }, "{cut:?}");
        let first = first.restart().await.unwrap();
        let mut page = page;
        for _try in 0..100 {
            page = person.press(&page, "finish", &[]).await.unwrap();
            if page.name() != "lost-number" {
                break;
            }
            a_moment().await;
        }
        assert!(page.text("outcome").unwrap().contains("reported lost"), "{cut:?}: {}", page.html);
        second.core().check_for_prompts(FetchReason::Opened).await.unwrap();
        let second = second.restart().await.unwrap();
        let lost = second.core().accounts().await.unwrap().remove(0);
        assert_eq!(lost.health, AccountHealth::RemovedByService { cause: RemovalCause::Lost }, "{cut:?}");
        assert_eq!(first.core().accounts().await.unwrap()[0].health, AccountHealth::Active, "{cut:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn j11_w1_the_lost_phone_answers_at_that_moment() {
    let world = World::start().await.unwrap();
    let (person, first, second) = two_phones(&world).await;
    let thief = world.person().unwrap();
    let page = thief.sign_in().await.unwrap();
    let prompt = second.prompt_of(PromptKind::SecondFactor).await.unwrap();
    // Approved on the lost phone, and not yet used by the page when the report comes.
    let step = second.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    reported(&person, &first).await;
    let page = thief.open("/sign-in/number").await.unwrap();
    assert_ne!(page.name(), "number", "the approval is worth nothing any more");
    assert_eq!(thief.open("/security-info").await.unwrap().name(), "user-name");
}

#[tokio::test(flavor = "multi_thread")]
async fn j11_w2_the_lost_phone_comes_back_and_says_what_happened() {
    let world = World::start().await.unwrap();
    let (person, first, second) = two_phones(&world).await;
    let thief = world.person().unwrap();
    let page = thief.sign_in().await.unwrap();
    let prompt = second.prompt_of(PromptKind::SecondFactor).await.unwrap();
    reported(&person, &first).await;
    let late = second.core().approve(prompt.id().clone(), page.number().unwrap()).await;
    assert!(!matches!(late, Ok(Step::Done { outcome: Outcome::Approved })), "{late:?}");
    second.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    let snapshot = second.core().snapshot().await.unwrap();
    assert_eq!(snapshot.accounts[0].health, AccountHealth::RemovedByService { cause: RemovalCause::Lost });
    assert!(!snapshot.prompts.iter().any(|prompt| prompt.state() == PromptState::Open));
}

#[tokio::test(flavor = "multi_thread")]
async fn j11_w3_the_last_phone_says_who_helps() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), world.phone("only").await.unwrap());
    confirmed(&world, &person, &phone).await;
    let info = person.open("/security-info").await.unwrap();
    let page = person.press(&info, "lost-1", &[]).await.unwrap();
    assert_eq!(page.name(), "not-reported");
    assert!(page.text("outcome").unwrap().contains("administrator"), "{}", page.html);
    assert!(phone.open_prompts().await.unwrap().is_empty(), "the lost phone is not asked");
    assert_eq!(phone.core().accounts().await.unwrap()[0].health, AccountHealth::Active);
}

/// A session that somebody took over can't add or remove a method: the kinds of approval are not each other's.
#[tokio::test(flavor = "multi_thread")]
async fn a_hijacked_session_adds_and_removes_nothing_without_an_approval_of_that_kind() {
    let world = World::start().await.unwrap();
    let (person, first, _second) = two_phones(&world).await;
    let info = person.open("/security-info").await.unwrap();
    let page = person.press(&info, "add-method", &[]).await.unwrap();
    approve(&first, PromptKind::AddMethod, &page).await;
    // Approved was adding; the hijacker asks for a removal instead and presses on.
    let info = person.open("/security-info").await.unwrap();
    let removal = person.press(&info, "remove-1", &[]).await.unwrap();
    assert_eq!(removal.name(), "remove-number");
    let page = person.press(&removal, "finish", &[]).await.unwrap();
    assert_eq!(page.name(), "remove-number", "still waits for its own");
    let info = person.open("/security-info").await.unwrap();
    assert!(info.html.contains("remove-1") && info.html.contains("remove-2"), "both phones are still there");
    let _unused = use_phone(&world.person().unwrap()).await;
}
