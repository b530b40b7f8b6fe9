//! Journey J6: a person signs in with the phone, without a password.
//!
//! Cases: w1, a wrong number; w2, denied; w3, "It wasn't me" after approving; w4, no answer; w6, cancelled on the page;
//! w7, replaced by a newer sign-in; w10, all refusals look the same; w11, the push is lost; w13, a copied page URL;
//! w14, the response to the answer is lost; w15, unlocking fails; w17, two browsers in parallel.

use crate::common::{use_phone, with_phone_sign_in};
use countersign::{Error, Matching, Origin, Outcome, PlatformError, PromptKind, PromptState, Reply, Step};
use countersign_journeys::cuts::Cut;
use countersign_journeys::people::USER;
use countersign_journeys::person::without_flows;
use countersign_journeys::{Person, World, a_moment};

/// Finishes the sign-in on the number page. Returns the name of the next page.
async fn finished(person: &Person) -> String {
    let page = person.open("/sign-in/number").await.unwrap();
    person.press(&page, "finish", &[]).await.unwrap().name()
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_a_known_browser_lets_the_person_choose_the_number() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let page = use_phone(&person).await;
    let number = page.number().unwrap();
    let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    assert_eq!((prompt.origin(), prompt.needs_unlock()), (Origin::KnownBrowser, true));
    let Matching::Choose { options } = prompt.matching() else { panic!("{:?}", prompt.matching()) };
    assert!(options.contains(&number));
    let step = phone.approve_unlocked(&prompt, number).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    assert_eq!(finished(&person).await, "security-info");
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_an_unknown_browser_shows_three_digits_and_the_account() {
    let world = World::start().await.unwrap();
    let (_person, phone) = with_phone_sign_in(&world).await;
    let unknown_browser = world.person().unwrap();
    let page = use_phone(&unknown_browser).await;
    let number = page.number().unwrap();
    assert_eq!(number.len(), 3, "{number}");
    let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    assert_eq!((prompt.origin(), prompt.matching()), (Origin::Unknown, &Matching::Enter { digits: 3 }));
    assert_eq!(phone.approve_unlocked(&prompt, number).await.unwrap(), Step::Done { outcome: Outcome::Approved });
    assert_eq!(finished(&unknown_browser).await, "name-account");
    assert_eq!(
        unknown_browser.open("/security-info").await.unwrap().name(),
        "user-name",
        "a session exists before the person continues"
    );
    let page = unknown_browser.open("/sign-in/continue").await.unwrap();
    assert!(page.html.contains(USER));
    assert_eq!(unknown_browser.press(&page, "continue", &[]).await.unwrap().name(), "security-info");
    phone.core().check_for_prompts(countersign::FetchReason::Opened).await.unwrap();
    let notices = phone.core().snapshot().await.unwrap().notices;
    assert!(notices.iter().any(|notice| notice.kind == countersign::NoticeKind::NewBrowser), "{notices:?}");
    let next = use_phone(&unknown_browser).await;
    assert_eq!(next.number().unwrap().len(), 2, "the browser did not become a known browser");
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_w1_w2_a_wrong_number_or_a_denial_ends_the_sign_in() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let page = use_phone(&person).await;
    let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    let Matching::Choose { options } = prompt.matching() else { panic!("{:?}", prompt.matching()) };
    let wrong = options.iter().find(|option| **option != page.number().unwrap()).unwrap().clone();
    assert_eq!(phone.approve_unlocked(&prompt, wrong).await.unwrap(), Step::Done { outcome: Outcome::WrongNumber });
    assert_eq!(person.page_after("/sign-in/number", "number").await.unwrap().name(), "outcome");

    use_phone(&person).await;
    let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    phone.remove_lock().unwrap();
    let denied = phone.core().deny(prompt.id().clone()).await.unwrap();
    assert_eq!(denied, Step::Done { outcome: Outcome::Denied }, "denying does not work without a device lock");
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_w3_a_report_after_approving_ends_the_session() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let page = use_phone(&person).await;
    let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    phone.approve_unlocked(&prompt, page.number().unwrap()).await.unwrap();
    assert_eq!(finished(&person).await, "security-info");
    assert_eq!(phone.core().report(prompt.id().clone()).await.unwrap(), Step::Done { outcome: Outcome::Reported });
    assert_eq!(person.open("/security-info").await.unwrap().name(), "user-name");
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_w4_an_unanswered_prompt_ends_the_sign_in() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    use_phone(&person).await;
    phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    world.clock.advance(121);
    assert_eq!(person.page_after("/sign-in/number", "number").await.unwrap().name(), "outcome");
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_w6_w7_a_cancelled_or_replaced_prompt_is_withdrawn() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let page = use_phone(&person).await;
    phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    person.press(&page, "cancel", &[]).await.unwrap();
    phone.no_prompt().await.unwrap();
    let page = person.open("/sign-in/number").await.unwrap();
    let page = person.press(&page, "again", &[]).await.unwrap();
    let first = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    let newer = use_phone(&person).await;
    assert_ne!(newer.number().unwrap(), page.number().unwrap());
    let late = phone.core().approve(first.id().clone(), page.number().unwrap()).await;
    let late = match late {
        Ok(step) => phone.unlock(&step).await.map_err(|trouble| trouble.to_string()),
        Err(error) => Err(error.to_string()),
    };
    assert!(!matches!(late, Ok(Step::Done { outcome: Outcome::Approved })), "{late:?}");
}

/// Three unknown browsers are refused for different reasons: the prompt is denied, the user name is unknown, or the
/// account has no phone. All three browsers show the same page for one minute, and then the same next page.
#[tokio::test(flavor = "multi_thread")]
async fn j6_w10_an_unknown_browser_does_not_see_why_it_is_refused() {
    let world = World::start().await.unwrap();
    world.add_person("no-phone@example.org", "another long password").unwrap();
    let (_person, phone) = with_phone_sign_in(&world).await;
    let mut pages = Vec::new();
    for name in [USER, "nobody@example.org", "no-phone@example.org"] {
        let unknown_browser = world.person().unwrap();
        let page = unknown_browser.open("/sign-in").await.unwrap();
        let page = unknown_browser.press(&page, "next", &[("user_name", name)]).await.unwrap();
        let page = unknown_browser.press(&page, "use-phone", &[]).await.unwrap();
        assert_eq!((page.name().as_str(), page.number().unwrap().len()), ("number", 3), "{name}");
        pages.push((unknown_browser, page));
    }
    let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    phone.core().deny(prompt.id().clone()).await.unwrap();
    for (unknown_browser, page) in &pages {
        let still = unknown_browser.open("/sign-in/number").await.unwrap();
        assert_eq!((still.name(), still.number().unwrap()), (page.name(), page.number().unwrap()));
        assert_eq!(plain(&still.html), plain(&page.html));
    }
    world.clock.advance(61);
    let mut ends = Vec::new();
    for (unknown_browser, _) in &pages {
        ends.push(plain(&unknown_browser.open("/sign-in/number").await.unwrap().html));
    }
    assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "{ends:#?}");
}

/// The page's HTML without the parts that differ each time: number, form token, flow and remaining seconds.
fn plain(html: &str) -> String {
    let mut plain = String::new();
    for line in without_flows(html).lines() {
        let differs = ["csrf", "id=\"number\"", "id=\"left\""].iter().any(|mark| line.contains(mark));
        plain.push_str(if differs { "…" } else { line });
    }
    plain
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_w11_opening_the_app_fetches_a_prompt_whose_push_was_lost() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    phone.ignore_pushes();
    let page = use_phone(&person).await;
    a_moment().await;
    let checked = phone.core().check_for_prompts(countersign::FetchReason::Opened).await.unwrap();
    let prompt = checked.prompts.iter().find(|prompt| prompt.kind() == PromptKind::PhoneSignIn).unwrap();
    assert_eq!(
        phone.approve_unlocked(prompt, page.number().unwrap()).await.unwrap(),
        Step::Done { outcome: Outcome::Approved }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_w13_a_copied_page_url_gives_no_sign_in() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let page = use_phone(&person).await;
    let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    phone.approve_unlocked(&prompt, page.number().unwrap()).await.unwrap();
    let thief = world.person().unwrap();
    assert_eq!(thief.open("/sign-in/number").await.unwrap().name(), "user-name");
    assert_eq!(thief.open("/sign-in/continue").await.unwrap().name(), "user-name");
    assert_eq!(finished(&person).await, "security-info");
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_w14_an_interrupted_answer_is_resent_without_unlocking() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let page = use_phone(&person).await;
    let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    world.cuts.cut("/phone/answers", Cut::Answer, 1);
    let step = phone.approve_unlocked(&prompt, page.number().unwrap()).await.unwrap();
    assert_eq!(
        step,
        Step::Queued { prompt: prompt.id().clone() },
        "the answer is not queued, although the service has not confirmed it"
    );
    phone.no_prompt().await.unwrap();
    let snapshot = phone.core().snapshot().await.unwrap();
    let told = snapshot.prompts.iter().find(|shown| shown.id() == prompt.id()).unwrap();
    assert_eq!(told.state(), PromptState::Done { outcome: Outcome::Approved });
    assert_eq!(finished(&person).await, "security-info");
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_w15_unlocking_can_be_repeated_after_a_failure() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let page = use_phone(&person).await;
    let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    let number = page.number().unwrap();
    let ticket_of = |step: &Step| match step {
        Step::Sign { ticket, .. } => ticket.clone(),
        other => panic!("{other:?}"),
    };
    let step = phone.core().approve(prompt.id().clone(), number.clone()).await.unwrap();
    for error in
        [PlatformError::WrongPassphrase, PlatformError::Locked, PlatformError::Transient, PlatformError::Cancelled]
    {
        let told = phone.core().provide(ticket_of(&step), Reply::Failed { cause: error }).await;
        assert_eq!(told, Err(Error::Platform(error)));
    }
    let gone = phone.core().provide(ticket_of(&step), Reply::Failed { cause: PlatformError::Transient }).await;
    assert_eq!(gone, Err(Error::UnknownTicket), "the act has not ended after it was cancelled");
    assert_eq!(phone.open_prompts().await.unwrap().len(), 1, "the prompt is no longer open");
    let step = phone.core().approve(prompt.id().clone(), number.clone()).await.unwrap();
    let Step::Sign { ticket, forms, .. } = &step else { panic!("{step:?}") };
    let verified = forms[0].verified;
    let garbage = phone.core().provide(ticket.clone(), Reply::Signed { signature: vec![1; 70], verified }).await;
    assert_eq!(garbage, Err(Error::Platform(PlatformError::Unusable)));
    let wrong_form = Reply::Signed { signature: vec![1; 70], verified: countersign::UserVerification::None };
    assert_eq!(phone.core().provide(ticket.clone(), wrong_form).await, Err(Error::WrongReply));
    assert_eq!(
        phone.unlock(&step).await.unwrap(),
        Step::Done { outcome: Outcome::Approved },
        "the key can't be unlocked after failures"
    );
    assert_eq!(finished(&person).await, "security-info");
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_w17_a_number_is_refused_for_another_browsers_prompt() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let unknown_browser = world.person().unwrap();
    let (mine, theirs) = (use_phone(&person).await, use_phone(&unknown_browser).await);
    assert_ne!(mine.number().unwrap(), theirs.number().unwrap());
    let mut prompts = Vec::new();
    for _try in 0..50 {
        prompts = phone.open_prompts().await.unwrap();
        if prompts.len() == 2 {
            break;
        }
        a_moment().await;
    }
    let unknown = prompts.iter().find(|prompt| prompt.origin() == Origin::Unknown).unwrap();
    let refused = phone.core().approve(unknown.id().clone(), mine.number().unwrap()).await;
    assert_eq!(refused, Err(Error::NumberForm), "a two-digit number was accepted for a prompt that needs three digits");
    let known = prompts.iter().find(|prompt| prompt.origin() == Origin::KnownBrowser).unwrap();
    let refused = phone.core().approve(known.id().clone(), theirs.number().unwrap()).await;
    assert_eq!(refused, Err(Error::NumberForm));
}
