//! J8: turning phone sign-in off, here and on the page.

use crate::common::{self, account_of, use_phone, with_phone_sign_in};
use countersign::{AccountHealth, Ending, Error, Outcome, PhoneSignIn, PromptKind, Step};
use countersign_journeys::cuts::Cut;
use countersign_journeys::{World, a_moment};

#[tokio::test(flavor = "multi_thread")]
async fn j8_off_destroys_the_key_tells_the_service_and_leaves_second_factor_working() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let told = phone.core().turn_off_phone_sign_in(account_of(&phone).await).await.unwrap();
    assert_eq!((told, phone.core().accounts().await.unwrap()[0].phone_sign_in), (Ending::Done, PhoneSignIn::Off));
    let info = person.open("/security-info").await.unwrap();
    assert!(info.html.contains("Phone app"), "{}", info.html);
    let again = phone.core().turn_off_phone_sign_in(account_of(&phone).await).await;
    assert_eq!(again, Err(Error::PhoneSignInOff));
}

#[tokio::test(flavor = "multi_thread")]
async fn j8_w1_off_without_a_network_then_killed_is_told_later() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    world.cuts.cut("/phone/device", Cut::Before, 1);
    let told = phone.core().turn_off_phone_sign_in(account_of(&phone).await).await.unwrap();
    assert_eq!(told, Ending::ServiceToldLater);
    let phone = phone.restart().await.unwrap();
    for _try in 0..80 {
        if person.open("/security-info").await.unwrap().html.contains("Phone app") {
            break;
        }
        a_moment().await;
    }
    assert!(person.open("/security-info").await.unwrap().html.contains("Phone app"), "the service was told");
    assert_eq!(phone.core().accounts().await.unwrap()[0].phone_sign_in, PhoneSignIn::Off);
}

/// Ended where the off is stored, and where the service took it: the key is gone in each, and the service is told once.
#[tokio::test(flavor = "multi_thread")]
async fn j8_w1_ended_in_each_step_it_stays_off_and_the_service_knows() {
    let world = World::start().await.unwrap();
    let (person, mut phone) = with_phone_sign_in(&world).await;
    for cut in [Cut::Before, Cut::Answer] {
        world.cuts.cut("/phone/device", cut, 1);
        let off = phone.core().turn_off_phone_sign_in(account_of(&phone).await).await.unwrap();
        assert_eq!(off, Ending::ServiceToldLater, "{cut:?}");
        phone = phone.restart().await.unwrap();
        assert_eq!(phone.core().accounts().await.unwrap()[0].phone_sign_in, PhoneSignIn::Off, "{cut:?}");
        let told = async {
            while !person.open("/security-info").await.unwrap().html.contains("Phone app") {
                a_moment().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), told).await.unwrap();
        let again = phone.core().turn_off_phone_sign_in(account_of(&phone).await).await;
        assert_eq!(again, Err(Error::PhoneSignInOff), "{cut:?}");
        // Nothing of it comes back over a key that was made since.
        common::turned_on(&world.person().unwrap(), &phone).await;
        for _try in 0..20 {
            a_moment().await;
        }
        phone.core().check_for_prompts(countersign::FetchReason::Opened).await.unwrap();
        assert_eq!(phone.core().accounts().await.unwrap()[0].phone_sign_in, PhoneSignIn::On, "{cut:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn j8_w2_a_late_off_does_not_undo_a_newer_on() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    // The off is stored and can't be sent; meanwhile it is turned on again with another key.
    world.cuts.cut("/phone/device", Cut::Before, 1);
    phone.core().turn_off_phone_sign_in(account_of(&phone).await).await.unwrap();
    common::turned_on(&person, &phone).await;
    for _try in 0..60 {
        a_moment().await;
    }
    phone.core().check_for_prompts(countersign::FetchReason::Opened).await.unwrap();
    assert_eq!(phone.core().accounts().await.unwrap()[0].phone_sign_in, PhoneSignIn::On);
    assert!(person.open("/security-info").await.unwrap().html.contains("Phone sign-in"));
}

#[tokio::test(flavor = "multi_thread")]
async fn j8_w3_removed_on_the_page_while_a_request_is_open() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let stranger = world.person().unwrap();
    let waiting = use_phone(&stranger).await;
    let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    let info = person.open("/security-info").await.unwrap();
    let page = person.press(&info, "remove-1", &[]).await.unwrap();
    assert_eq!(page.name(), "remove-number", "{}", page.html);
    let removal = phone.prompt_of(PromptKind::RemoveMethod).await.unwrap();
    assert!(removal.needs_unlock(), "step-up takes the sign-in key where there is one");
    assert_eq!(
        phone.approve_unlocked(&removal, page.number().unwrap()).await.unwrap(),
        Step::Done { outcome: Outcome::Approved }
    );
    let page = person.open("/security-info/step-up").await.unwrap();
    person.press(&page, "finish", &[]).await.unwrap();
    let late = phone.core().approve(prompt.id().clone(), waiting.number().unwrap()).await;
    if let Ok(step) = late {
        let told = phone.unlock(&step).await;
        assert!(!matches!(told, Ok(Step::Done { outcome: Outcome::Approved })), "{told:?}");
    }
    phone.core().check_for_prompts(countersign::FetchReason::Opened).await.unwrap();
    let account = phone.core().accounts().await.unwrap()[0].clone();
    let cause = countersign::RemovalCause::RemovedByPerson;
    assert_eq!(account.health, AccountHealth::RemovedByService { cause });
    assert_eq!(account.phone_sign_in, PhoneSignIn::Off);
}

#[tokio::test(flavor = "multi_thread")]
async fn j8_w4_a_service_silent_for_days_is_told_when_it_comes_back() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    world.cuts.cut("/phone/device", Cut::Before, 3);
    phone.core().turn_off_phone_sign_in(account_of(&phone).await).await.unwrap();
    // Three times in vain, with growing pauses; nothing is forgotten.
    for _try in 0..400 {
        if world.cuts.waiting() == 0 {
            break;
        }
        a_moment().await;
    }
    assert_eq!(world.cuts.waiting(), 0, "it was tried again and again");
    for _try in 0..400 {
        if person.open("/security-info").await.unwrap().html.contains("Phone app") {
            return;
        }
        a_moment().await;
    }
    panic!("the service was never told");
}
