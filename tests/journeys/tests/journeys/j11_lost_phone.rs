//! Journey J11: a person has two phones, loses one and reports it lost.
//!
//! Cases: w1, the lost phone approves a sign-in just before the report; w2, the lost phone is used again; w3, the lost
//! phone is the only phone. This file also tests case w5 of J7 (second factor): another phone answers first.

use crate::common::{approve, confirmed, two_phones, use_phone};
use countersign::{
    AccountHealth, FetchReason, NoticeKind, Outcome, Prompt, PromptKind, PromptState, RemovalCause, Step,
};
use countersign_journeys::cuts::Cut;
use countersign_journeys::{Person, TestPhone, World, a_moment};

/// Reports the second phone lost on the security-info page, and approves the report on the first phone.
async fn reported(person: &Person, first: &TestPhone) {
    let info = person.open("/security-info").await.unwrap();
    let page = person.press(&info, "lost-2", &[]).await.unwrap();
    let page = person.press(&page, "unknown", &[]).await.unwrap();
    assert_eq!(page.name(), "lost-number", "{}", page.html);
    approve(first, PromptKind::ReportLost, &page).await;
    let page = person.open("/security-info/step-up").await.unwrap();
    let page = person.press(&page, "finish", &[]).await.unwrap();
    assert!(page.text("outcome").unwrap().contains("reported lost"), "{}", page.html);
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w5_an_answer_withdraws_the_prompt_on_the_other_phone() {
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
async fn j11_a_loss_report_ends_sessions_and_notifies_other_phones() {
    let world = World::start().await.unwrap();
    let (person, first, second) = two_phones(&world).await;
    // The second phone approves the sign-in of this browser. Later the second phone is lost.
    let through = world.person().unwrap();
    let page = through.sign_in().await.unwrap();
    approve(&second, PromptKind::SecondFactor, &page).await;
    let page = through.open("/sign-in/number").await.unwrap();
    assert_eq!(through.press(&page, "finish", &[]).await.unwrap().name(), "security-info");
    reported(&person, &first).await;
    assert_eq!(
        through.open("/security-info").await.unwrap().name(),
        "user-name",
        "the report did not end the session that the lost phone had approved"
    );
    assert_eq!(
        person.open("/security-info").await.unwrap().name(),
        "security-info",
        "a session that another phone approved has ended"
    );
    first.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    let notices = first.core().snapshot().await.unwrap().notices;
    let lost = notices.iter().find(|notice| notice.kind == NoticeKind::PhoneLost).unwrap();
    first.core().dismiss_notice(lost.account.clone(), lost.id.clone()).await.unwrap();
    for _try in 0..20 {
        a_moment().await;
    }
    first.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    let notices = first.core().snapshot().await.unwrap().notices;
    assert!(!notices.iter().any(|notice| notice.kind == NoticeKind::PhoneLost), "a dismissed notice is shown again");
}

/// The first phone approves reporting the second phone lost. Then the first phone restarts: in the first run before the
/// service receives the approval, in the second run after the service has processed the approval. In both runs, the
/// lost phone restarts after its removal.
#[tokio::test(flavor = "multi_thread")]
async fn j11_reporting_a_phone_lost_completes_despite_restarts() {
    for cut in [Cut::Before, Cut::Answer] {
        let world = World::start().await.unwrap();
        let (person, first, second) = two_phones(&world).await;
        let info = person.open("/security-info").await.unwrap();
        let page = person.press(&info, "lost-2", &[]).await.unwrap();
        let page = person.press(&page, "unknown", &[]).await.unwrap();
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
async fn j11_w1_a_loss_report_cancels_an_approval_of_the_lost_phone() {
    let world = World::start().await.unwrap();
    let (person, first, second) = two_phones(&world).await;
    let thief = world.person().unwrap();
    let page = thief.sign_in().await.unwrap();
    let prompt = second.prompt_of(PromptKind::SecondFactor).await.unwrap();
    // The lost phone has approved, but the page has not yet used the approval when the phone is reported.
    let step = second.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    reported(&person, &first).await;
    let page = thief.open("/sign-in/number").await.unwrap();
    assert_ne!(page.name(), "number", "the sign-in that the lost phone approved still waits");
    assert_eq!(thief.open("/security-info").await.unwrap().name(), "user-name");
}

#[tokio::test(flavor = "multi_thread")]
async fn j11_w2_the_lost_phone_shows_that_it_was_removed() {
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
async fn j11_w3_reporting_the_only_phone_refers_to_the_administrator() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), world.phone("only").await.unwrap());
    confirmed(&world, &person, &phone).await;
    let info = person.open("/security-info").await.unwrap();
    let page = person.press(&info, "lost-1", &[]).await.unwrap();
    assert_eq!(page.name(), "not-reported");
    assert!(page.text("outcome").unwrap().contains("administrator"), "{}", page.html);
    assert!(phone.open_prompts().await.unwrap().is_empty(), "the lost phone was asked");
    assert_eq!(phone.core().accounts().await.unwrap()[0].health, AccountHealth::Active);
}

/// The person has approved adding a method. An attacker who has the session's cookie can't use this approval to remove
/// a method.
#[tokio::test(flavor = "multi_thread")]
async fn an_approval_to_add_a_method_does_not_allow_a_removal() {
    let world = World::start().await.unwrap();
    let (person, first, _second) = two_phones(&world).await;
    let info = person.open("/security-info").await.unwrap();
    let page = person.press(&info, "add-method", &[]).await.unwrap();
    approve(&first, PromptKind::AddMethod, &page).await;
    // The attacker now asks to remove a phone, and presses the button that redeems an approval.
    let info = person.open("/security-info").await.unwrap();
    let removal = person.press(&info, "remove-1", &[]).await.unwrap();
    assert_eq!(removal.name(), "remove-number");
    let page = person.press(&removal, "finish", &[]).await.unwrap();
    assert_eq!(page.name(), "remove-number", "the removal was allowed without its own approval");
    let info = person.open("/security-info").await.unwrap();
    assert!(info.html.contains("remove-1") && info.html.contains("remove-2"), "a phone is missing");
    let _unused = use_phone(&world.person().unwrap()).await;
}
