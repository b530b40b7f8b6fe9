//! Journey J9: the phone's situation changes. The account's health shows what has changed, and what the person can do.
//!
//! Case: w1, the key store is not yet unlocked.

use crate::common::{self, account_of, confirmed, use_phone, with_phone_sign_in};
use countersign::{
    Account, AccountHealth, Error, FetchReason, Matching, NextStep, Outcome, PhoneSignIn, PlatformError, PromptKind,
    Reply, Step,
};
use countersign_journeys::people::USER;
use countersign_journeys::{TestPhone, World, a_moment};
use countersign_service::people::records as people;

async fn account(phone: &TestPhone) -> Account {
    phone.core().accounts().await.unwrap().remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_a_removed_lock_ends_phone_sign_in_until_turned_on_again() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    phone.remove_lock().unwrap();
    phone.core().foregrounded().await.unwrap();
    let account = phone.core().accounts().await.unwrap()[0].clone();
    assert_eq!((account.health, account.phone_sign_in), (AccountHealth::Paused, PhoneSignIn::On));
    use_phone(&person).await;
    let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    let Matching::Choose { options } = prompt.matching().clone() else { panic!("{:?}", prompt.matching()) };
    let step = phone.core().approve(prompt.id().clone(), options[0].clone()).await.unwrap();
    assert!(matches!(step, Step::MissingLock { .. }), "{step:?}");
    // Removing the lock has deleted the sign-in key. The account's health shows this after the next start.
    let phone = phone.restart().await.unwrap();
    let mut account = phone.core().accounts().await.unwrap()[0].clone();
    for _try in 0..50 {
        if account.health == AccountHealth::SignInKeyLost {
            break;
        }
        a_moment().await;
        account = phone.core().accounts().await.unwrap()[0].clone();
    }
    assert_eq!((account.health, account.phone_sign_in), (AccountHealth::SignInKeyLost, PhoneSignIn::Off));
    phone.set_lock().unwrap();
    let fresh = world.person().unwrap();
    common::turned_on(&fresh, &phone).await;
    let account = phone.core().accounts().await.unwrap()[0].clone();
    assert_eq!((account.health, account.phone_sign_in), (AccountHealth::Active, PhoneSignIn::On));
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_an_invalidated_sign_in_key_is_reported_and_replaced() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let page = use_phone(&person).await;
    let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    let step = phone.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    let Step::Sign { ticket, .. } = step else { panic!("{step:?}") };
    let told = phone.core().provide(ticket, Reply::Failed { cause: PlatformError::Invalidated }).await;
    assert!(told.is_err());
    let after = account(&phone).await;
    assert_eq!((after.health, after.phone_sign_in), (AccountHealth::SignInKeyInvalidated, PhoneSignIn::Off));
    assert_eq!(after.health.next_step(), NextStep::TurnOnPhoneSignIn);
    for _try in 0..100 {
        if person.open("/security-info").await.unwrap().html.contains("Phone app") {
            break;
        }
        a_moment().await;
    }
    common::turned_on(&person, &phone).await;
    assert_eq!(account(&phone).await.health, AccountHealth::Active);
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_a_suspended_person_cannot_approve() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let page = use_phone(&person).await;
    let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    suspend(&world, true);
    let told = phone.approve_unlocked(&prompt, page.number().unwrap()).await.unwrap();
    assert!(matches!(told, Step::Done { outcome: countersign::Outcome::Cancelled }), "{told:?}");
    assert_ne!(person.page_after("/sign-in/number", "number").await.unwrap().name(), "security-info");
    phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    let now = account(&phone).await;
    assert_eq!((now.health, now.health.next_step()), (AccountHealth::Suspended, NextStep::AskAdministrator));
    suspend(&world, false);
    phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    assert_eq!(account(&phone).await.health, AccountHealth::Active);
}

fn suspend(world: &World, suspended: bool) {
    let done = world.app.store.global_blocking(|tx| {
        let mut ada = people::find(tx, USER)?.unwrap();
        ada.suspended = suspended;
        tx.insert_or_update(&ada, |stored| *stored = ada.clone())
    });
    done.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_w1_a_locked_key_store_is_not_treated_as_lost() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    confirmed(&world, &person, &phone).await;
    phone.set_lock().unwrap();
    common::turned_on(&person, &phone).await;
    let page = use_phone(&person).await;
    let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    let step = phone.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    let Step::Sign { ticket, .. } = &step else { panic!("{step:?}") };
    assert!(phone.core().provide(ticket.clone(), Reply::Failed { cause: PlatformError::Locked }).await.is_err());
    let now = account(&phone).await;
    assert_eq!((now.health, now.phone_sign_in), (AccountHealth::Active, PhoneSignIn::On));
    assert!(matches!(phone.unlock(&step).await.unwrap(), Step::Done { outcome: countersign::Outcome::Approved }));
    assert!(phone.core().requirements(account_of(&phone).await).await.unwrap().lock_is_enough);
}

/// The phone's clock is some hours wrong. The phone uses the service's time, without an error.
#[tokio::test(flavor = "multi_thread")]
async fn j9_a_wrong_clock_is_corrected_by_the_services_time() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    for hours in [1, 20] {
        phone.clock.advance(hours * 3_600);
        let checked = phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
        assert_eq!(checked.unreachable, [], "{hours} hours");
        let page = use_phone(&person).await;
        let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
        let step = phone.approve_unlocked(&prompt, page.number().unwrap()).await.unwrap();
        assert_eq!(step, Step::Done { outcome: Outcome::Approved }, "{hours} hours");
    }
    // The clock is wrong by more than a day now. The phone reports an error, because the person must correct the clock.
    // The account is kept.
    phone.clock.advance(10 * 3_600);
    let checked = phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    assert_eq!(checked.unreachable.into_iter().map(|(_, why)| why).collect::<Vec<_>>(), [Error::ClockWrong]);
    assert_eq!(account(&phone).await.phone_sign_in, PhoneSignIn::On);
}
