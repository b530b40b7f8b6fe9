//! Journey J1: the organization's policy decides who may use the app and how. A change of the policy reaches
//! the phones.
//!
//! Case: w2, the policy changes between two steps. This file also tests two cases of J4 (turning phone sign-in on): w2,
//! the policy forbids turning phone sign-in on; w11, another account on the phone has phone sign-in already.

use crate::common::{
    self, REDIRECT, account_of, agreed, browser_opened, confirmed, everybody, set_policy, with_phone_sign_in,
};
use countersign::{
    AccountHealth, FetchReason, KeyGuard, NextStep, NotAllowed, Outcome, PhoneSignIn, PromptKind, Registration, Reply,
    Step,
};
use countersign_journeys::people::USER;
use countersign_journeys::{Person, TestPhone, World};
use serde_json::json;

async fn locked_phone(world: &World) -> (Person, TestPhone) {
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    confirmed(world, &person, &phone).await;
    phone.set_lock().unwrap();
    (person, phone)
}

async fn check(phone: &TestPhone) -> (AccountHealth, PhoneSignIn) {
    phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    let account = phone.core().accounts().await.unwrap().remove(0);
    (account.health, account.phone_sign_in)
}

#[tokio::test(flavor = "multi_thread")]
async fn j1_a_person_outside_all_targets_is_not_offered_the_app() {
    let world = World::start().await.unwrap();
    set_policy(&world, &json!({"includeTargets": []}));
    let person = world.person().unwrap();
    let page = person.sign_in().await.unwrap();
    let page = person.press(&page, "add-method", &[]).await.unwrap();
    assert_eq!(page.name(), "not-offered");
    assert_eq!(person.open("/security-info/add").await.unwrap().name(), "not-offered");
}

#[tokio::test(flavor = "multi_thread")]
async fn j1_a_policy_change_reaches_the_phone_at_its_next_contact() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    assert_eq!(check(&phone).await, (AccountHealth::Active, PhoneSignIn::On));
    set_policy(&world, &everybody("push"));
    assert_eq!(common::use_phone(&person).await.name(), "not-started", "the phone was asked");
    set_policy(&world, &json!({"state": "disabled"}));
    let (health, _) = check(&phone).await;
    assert_eq!((health, health.next_step()), (AccountHealth::LimitedByPolicy, NextStep::AskAdministrator));
    set_policy(&world, &json!({"state": "enabled"}));
    set_policy(&world, &everybody("any"));
    assert_eq!(check(&phone).await, (AccountHealth::Active, PhoneSignIn::On));
}

#[tokio::test(flavor = "multi_thread")]
async fn j4_w2_the_policy_forbids_turning_phone_sign_in_on() {
    let world = World::start().await.unwrap();
    let (_person, phone) = locked_phone(&world).await;
    set_policy(&world, &everybody("push"));
    assert_eq!(check(&phone).await.1, PhoneSignIn::NotAllowed);
    let account = account_of(&phone).await;
    let found = phone.core().requirements(account.clone()).await.unwrap();
    assert_eq!(found.registration, Registration::NotAllowed { why: NotAllowed::Policy });
    let step = phone.core().turn_on_phone_sign_in(account, REDIRECT.to_owned()).await.unwrap();
    assert!(matches!(step, Step::NotAllowed { why: NotAllowed::Policy, .. }), "{step:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn j1_w2_a_policy_change_stops_turning_phone_sign_in_on() {
    let world = World::start().await.unwrap();
    let (person, phone) = locked_phone(&world).await;
    let (ticket, url) = browser_opened(&phone).await;
    let back = agreed(&person, &phone, &url).await;
    let made = phone.core().provide(ticket, Reply::Redirected { url: back }).await.unwrap();
    let sign = phone.unlock(&made).await.unwrap();
    set_policy(&world, &everybody("push"));
    let step = phone.unlock(&sign).await.unwrap();
    assert!(matches!(step, Step::NotAllowed { why: NotAllowed::Policy, .. }), "{step:?}");
    assert_eq!(check(&phone).await, (AccountHealth::Active, PhoneSignIn::NotAllowed));
    assert!(phone.core().pending_steps().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn j1_w2_a_policy_change_before_the_answer_prevents_the_sign_in() {
    let world = World::start().await.unwrap();
    let (_person, phone) = with_phone_sign_in(&world).await;
    let elsewhere = world.person().unwrap();
    let page = common::use_phone(&elsewhere).await;
    let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    set_policy(&world, &everybody("push"));
    let told = phone.approve_unlocked(&prompt, page.number().unwrap()).await;
    assert!(!matches!(told, Ok(Step::Done { outcome: Outcome::Approved })), "{told:?}");
    let page = elsewhere.open("/sign-in/number").await.unwrap();
    if page.name() == "number" {
        elsewhere.press(&page, "finish", &[]).await.unwrap();
    }
    assert_eq!(elsewhere.open("/security-info").await.unwrap().name(), "user-name", "a session was created");
    assert_eq!(check(&phone).await, (AccountHealth::Active, PhoneSignIn::NotAllowed));
}

#[tokio::test(flavor = "multi_thread")]
async fn j1_a_policy_with_biometrics_requires_a_biometric_lock() {
    let world = World::start().await.unwrap();
    let (_person, phone) = locked_phone(&world).await;
    set_policy(&world, &json!({"countersign": {"keyGuard": "biometric_current_set"}}));
    check(&phone).await;
    let step = phone.core().turn_on_phone_sign_in(account_of(&phone).await, REDIRECT.to_owned()).await.unwrap();
    assert!(matches!(step, Step::MissingLock { needs: KeyGuard::BiometricCurrentSet, .. }), "{step:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn j4_w11_the_refusal_names_the_account_with_phone_sign_in() {
    let world = World::start().await.unwrap();
    world.add_person("grace@example.org", "another long password").unwrap();
    let (_person, phone) = with_phone_sign_in(&world).await;
    set_policy(&world, &json!({"countersign": {"accountsOnPhone": 1}}));
    let grace = world.person().unwrap();
    let page = grace.sign_in_as("grace@example.org", "another long password").await.unwrap();
    let page = grace.press(&page, "add-method", &[]).await.unwrap();
    let page = grace.press(&page, "next", &[]).await.unwrap();
    common::added(&grace, &phone, &page).await;
    phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    let accounts = phone.core().accounts().await.unwrap();
    let second = accounts.iter().find(|account| account.user_name != USER).unwrap();
    let step = phone.core().turn_on_phone_sign_in(second.id.clone(), REDIRECT.to_owned()).await.unwrap();
    let Step::NotAllowed { why, .. } = step else { panic!("{step:?}") };
    assert_eq!(why, NotAllowed::AnotherAccount { user_name: USER.to_owned() });
}
