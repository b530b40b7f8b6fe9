//! J5: adding an account from inside the app, with a password or a pass, and everything that can go wrong on the way.

use crate::common::{REDIRECT, account_of, confirmed, everybody, set_policy, turned_on, use_phone};
use countersign::{
    AccountHealth, Clock, Error, FetchReason, NotAllowed, Outcome, PhoneSignIn, PromptKind, Reply, Step, Ticket,
};
use countersign_journeys::people::{PASSWORD, USER};
use countersign_journeys::{PageView, Person, TestPhone, World};
use countersign_service::passes::acts as passes;
use countersign_service::passes::rules::Span;
use countersign_service::people::records as people;
use serde_json::json;

/// An administrator gives Ada a pass.
fn given_pass(world: &World, starts_in: i64) -> String {
    let now = world.app.clock.now();
    let span = Span { starts_at: now + starts_in, life: 600 };
    let made = world.app.store.run_blocking(|tx| {
        let ada = people::find(tx, USER)?.unwrap().account_id;
        passes::make(tx, &ada, span, "administrator", now)
    });
    made.unwrap()
}

/// A phone with a lock and no account.
pub(crate) async fn fresh_phone(world: &World, name: &str) -> TestPhone {
    let phone = world.phone(name).await.unwrap();
    phone.set_lock().unwrap();
    phone
}

/// Starts, up to the address that the browser opens, and the digits that the app shows.
pub(crate) async fn started(world: &World, phone: &TestPhone) -> (Ticket, String, String) {
    let address = world.issuer().trim_start_matches("https://").to_owned();
    opened(phone.core().add_by_signing_in(address, REDIRECT.to_owned()).await.unwrap())
}

pub(crate) fn opened(step: Step) -> (Ticket, String, String) {
    match step {
        Step::OpenBrowser { ticket, url, digits: Some(digits), .. } => (ticket, url, digits),
        other => panic!("{other:?}"),
    }
}

/// Ada signs in with her password, up to the page that asks for the digits.
pub(crate) async fn by_password(person: &Person, url: &str) -> PageView {
    let page = person.open(url).await.unwrap();
    person.enter_password(&page, USER, PASSWORD).await.unwrap()
}

/// Ada signs in with a pass.
async fn by_pass(person: &Person, url: &str, pass: &str) -> PageView {
    let page = person.open(url).await.unwrap();
    person.press(&page, "next", &[("user_name", USER)]).await.unwrap();
    let page = person.open("/sign-in/pass").await.unwrap();
    person.press(&page, "next", &[("pass", pass)]).await.unwrap()
}

/// The digits are typed; the browser's way back, as it would arrive at the phone.
pub(crate) async fn agreed(person: &Person, page: &PageView, digits: &str) -> String {
    assert_eq!(page.name(), "add-phone", "{}", page.html);
    person.press(page, "register", &[("digits", digits)]).await.unwrap().address
}

pub(crate) async fn back(phone: &TestPhone, ticket: &Ticket, url: String) -> Result<Step, Error> {
    phone.core().provide(ticket.clone(), Reply::Redirected { url }).await
}

/// The key is made and signs, with the person asked each time.
pub(crate) async fn unlocked(phone: &TestPhone, step: Step) -> Step {
    assert!(matches!(step, Step::MakeKey { .. }), "{step:?}");
    let step = phone.unlock(&step).await.unwrap();
    phone.unlock(&step).await.unwrap()
}

async fn state_of(phone: &TestPhone) -> (AccountHealth, PhoneSignIn) {
    let accounts = phone.core().accounts().await.unwrap();
    assert_eq!(accounts.len(), 1);
    (accounts[0].health, accounts[0].phone_sign_in)
}

pub(crate) async fn nothing_is_left(phone: &TestPhone) {
    assert!(phone.core().pending_steps().await.unwrap().is_empty());
    assert!(phone.core().accounts().await.unwrap().is_empty());
}

/// The phones on Ada's account, as the service sees them.
pub(crate) fn phones(world: &World) -> usize {
    let count = world.app.store.run_blocking(|tx| {
        let ada = people::find(tx, USER)?.unwrap().account_id;
        Ok(countersign_service::devices::records::active(tx, &ada)?.len())
    });
    count.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn j5_with_the_password_the_account_is_added_and_signs_in_without_one() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), fresh_phone(&world, "phone").await);
    let (ticket, url, digits) = started(&world, &phone).await;
    let page = by_password(&person, &url).await;
    assert_eq!(page.text("phone-name").as_deref(), Some("phone"));
    let step = back(&phone, &ticket, agreed(&person, &page, &digits).await).await.unwrap();
    assert_eq!(unlocked(&phone, step).await, Step::PhoneSignInOn { account: account_of(&phone).await });
    assert_eq!(state_of(&phone).await, (AccountHealth::Active, PhoneSignIn::On));
    assert!(phone.core().pending_steps().await.unwrap().is_empty());
    let browser = world.person().unwrap();
    let page = use_phone(&browser).await;
    let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    let step = phone.approve_unlocked(&prompt, page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
}

#[tokio::test(flavor = "multi_thread")]
async fn j5_with_a_pass_no_password_is_ever_needed() {
    let world = World::start().await.unwrap();
    set_policy(&world, &json!({"countersign": {"bootstrap": "pass"}}));
    let (person, phone) = (world.person().unwrap(), fresh_phone(&world, "phone").await);
    let (ticket, url, digits) = started(&world, &phone).await;
    assert_eq!(by_password(&person, &url).await.name(), "pass-needed");
    let person = world.person().unwrap();
    phone.core().abandon(ticket).await.unwrap();
    nothing_is_left(&phone).await;
    let (ticket, url, digits_2) = started(&world, &phone).await;
    assert_ne!(digits, digits_2, "drawn anew (one chance in a million that this fails)");
    let page = by_pass(&person, &url, &given_pass(&world, 0)).await;
    let step = back(&phone, &ticket, agreed(&person, &page, &digits_2).await).await.unwrap();
    assert!(matches!(unlocked(&phone, step).await, Step::PhoneSignInOn { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn j5_without_a_lock_the_account_is_added_and_phone_sign_in_follows_later() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    let (ticket, url, digits) = started(&world, &phone).await;
    let page = by_password(&person, &url).await;
    let step = back(&phone, &ticket, agreed(&person, &page, &digits).await).await.unwrap();
    assert_eq!(step, Step::AccountAdded { account: account_of(&phone).await });
    assert_eq!(state_of(&phone).await, (AccountHealth::Active, PhoneSignIn::Off));
    assert!(phone.core().pending_steps().await.unwrap().is_empty());
    phone.set_lock().unwrap();
    turned_on(&person, &phone).await;
}

/// A second phone: the first one is asked, for adding a method and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn j5_another_phone_of_the_account_approves_it_after_a_password() {
    let world = World::start().await.unwrap();
    let (person, first) = (world.person().unwrap(), world.phone("first").await.unwrap());
    confirmed(&world, &person, &first).await;
    let (browser, second) = (world.person().unwrap(), fresh_phone(&world, "second").await);
    let (ticket, url, digits) = started(&world, &second).await;
    let page = by_password(&browser, &url).await;
    assert_eq!(page.name(), "number", "{}", page.html);
    let early = browser.open("/register-phone").await.unwrap();
    assert_eq!(early.name(), "user-name", "not before the approval");
    let prompt = first.prompt_of(PromptKind::AddMethod).await.unwrap();
    let step = first.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    let page = browser.open("/sign-in/number").await.unwrap();
    let page = browser.press(&page, "finish", &[]).await.unwrap();
    let step = back(&second, &ticket, agreed(&browser, &page, &digits).await).await.unwrap();
    assert!(matches!(unlocked(&second, step).await, Step::PhoneSignInOn { .. }));
    assert_eq!(phones(&world), 2);
    first.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    assert!(!first.core().snapshot().await.unwrap().notices.is_empty(), "the first phone is told");
}

/// Whoever starts again with the same service has left the older browser: one is under way, not two.
#[tokio::test(flavor = "multi_thread")]
async fn j5_started_again_the_older_one_is_given_up() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), fresh_phone(&world, "phone").await);
    let (older, url, digits) = started(&world, &phone).await;
    let (ticket, newer, newer_digits) = started(&world, &phone).await;
    assert_eq!(phone.core().pending_steps().await.unwrap().len(), 1);
    let page = by_password(&person, &url).await;
    let told = back(&phone, &older, agreed(&person, &page, &digits).await).await;
    assert_eq!(told, Err(Error::UnknownTicket));
    let page = by_password(&world.person().unwrap(), &newer).await;
    assert_eq!(page.name(), "add-phone");
    let browser = world.person().unwrap();
    phone.core().abandon(ticket).await.unwrap();
    let (ticket, newest, digits) = started(&world, &phone).await;
    assert_ne!((newest.as_str(), digits.as_str()), (newer.as_str(), newer_digits.as_str()));
    let page = by_password(&browser, &newest).await;
    let step = back(&phone, &ticket, agreed(&browser, &page, &digits).await).await.unwrap();
    assert!(matches!(step, Step::MakeKey { .. }), "{step:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn j5_with_two_services_at_once_neither_ends_the_other() {
    let (one, other) = (World::start().await.unwrap(), World::start().await.unwrap());
    let both = [one.ca(), other.ca()].concat();
    let home = tempfile::tempdir().unwrap().keep();
    let phone = TestPhone::open(home, &one.relay_url(), &both, "phone").await.unwrap();
    started(&one, &phone).await;
    let (ticket, url, digits) = started(&other, &phone).await;
    started(&one, &phone).await;
    assert_eq!(phone.core().pending_steps().await.unwrap().len(), 2);
    let page = by_password(&other.person().unwrap(), &url).await;
    assert_eq!(page.name(), "add-phone");
    assert_eq!(opened(phone.core().continue_enrollment(ticket.clone()).await.unwrap()), (ticket, url, digits));
}

/// Past the request's time the app shows digits that count, not those that don't any more.
#[tokio::test(flavor = "multi_thread")]
async fn j5_when_its_time_is_over_it_goes_on_with_other_digits() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), fresh_phone(&world, "phone").await);
    let (ticket, url, digits) = started(&world, &phone).await;
    phone.clock.advance(3_600);
    world.clock.advance(3_600);
    let step = phone.core().pending_steps().await.unwrap().remove(0);
    assert!(matches!(step, Step::EnrollmentInterrupted { .. }), "{step:?}");
    let (ticket, newer, newer_digits) = opened(phone.core().continue_enrollment(ticket).await.unwrap());
    assert_ne!((&newer, &newer_digits), (&url, &digits));
    let page = by_password(&person, &newer).await;
    let step = back(&phone, &ticket, agreed(&person, &page, &newer_digits).await).await.unwrap();
    assert!(matches!(step, Step::MakeKey { .. }), "{step:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn j5_w1_a_pass_that_is_early_used_or_late_adds_nothing_and_says_so() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), fresh_phone(&world, "phone").await);
    let (ticket, url, digits) = started(&world, &phone).await;
    let early = given_pass(&world, 60);
    let page = by_pass(&person, &url, &early).await;
    assert!(page.text("problem").unwrap().contains("not valid yet"), "{}", page.html);
    world.clock.advance(60);
    let page = person.press(&page, "next", &[("pass", &early)]).await.unwrap();
    let step = back(&phone, &ticket, agreed(&person, &page, &digits).await).await.unwrap();
    assert!(matches!(step, Step::MakeKey { .. }), "{step:?}");
    let (second, stranger) = (fresh_phone(&world, "second").await, world.person().unwrap());
    let (_ticket, url, _digits) = started(&world, &second).await;
    let page = by_pass(&stranger, &url, &early).await;
    assert!(page.text("problem").unwrap().contains("used already"), "{}", page.html);
    let late = given_pass(&world, 0);
    world.clock.advance(600);
    let (_ticket, url, _digits) = started(&world, &second).await;
    let page = by_pass(&stranger, &url, &late).await;
    assert!(page.text("problem").unwrap().contains("expired"), "{}", page.html);
    assert_eq!(phones(&world), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn j5_w2_wrong_digits_three_times_end_it_and_twice_do_not() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), fresh_phone(&world, "phone").await);
    let (ticket, url, digits) = started(&world, &phone).await;
    let wrong = if digits == "000000" { "000001" } else { "000000" };
    let mut page = by_password(&person, &url).await;
    for _try in 0..2 {
        page = person.press(&page, "register", &[("digits", wrong)]).await.unwrap();
        assert!(page.text("problem").unwrap().contains("not the digits"), "{}", page.html);
    }
    let third = person.press(&page, "register", &[("digits", wrong)]).await.unwrap();
    assert_eq!(third.name(), "too-many-digits");
    assert_ne!(person.press(&page, "register", &[("digits", &digits)]).await.unwrap().name(), "", "it is over");
    assert_eq!(phones(&world), 0);
    phone.core().abandon(ticket).await.unwrap();
    nothing_is_left(&phone).await;
    let (ticket, url, digits) = started(&world, &phone).await;
    let mut page = by_password(&person, &url).await;
    for _try in 0..2 {
        page = person.press(&page, "register", &[("digits", wrong)]).await.unwrap();
    }
    let step = back(&phone, &ticket, agreed(&person, &page, &digits).await).await.unwrap();
    assert!(matches!(step, Step::MakeKey { .. }), "{step:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn j5_w3_the_policy_says_no_and_both_sides_say_so() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), fresh_phone(&world, "phone").await);
    let refused = |step: &Step| matches!(step, Step::NotAllowed { why: NotAllowed::Policy, .. });
    set_policy(&world, &json!({"includeTargets": []}));
    let (ticket, url, _digits) = started(&world, &phone).await;
    let page = by_password(&person, &url).await;
    assert_eq!(page.name(), "not-offered");
    let to_phone = person.press(&page, "back", &[]).await.unwrap().address;
    let step = back(&phone, &ticket, to_phone).await.unwrap();
    assert!(refused(&step), "{step:?}");
    nothing_is_left(&phone).await;
    // Changed while the page was open.
    set_policy(&world, &everybody("any"));
    let (ticket, url, digits) = started(&world, &phone).await;
    let page = by_password(&person, &url).await;
    set_policy(&world, &json!({"state": "disabled"}));
    let step = back(&phone, &ticket, agreed(&person, &page, &digits).await).await.unwrap();
    assert!(refused(&step), "{step:?}");
    assert_eq!(phones(&world), 0);
    // Only after a password: the account is added, and no more.
    set_policy(&world, &json!({"state": "enabled"}));
    set_policy(&world, &everybody("push"));
    let (ticket, url, digits) = started(&world, &phone).await;
    let page = by_password(&person, &url).await;
    let step = back(&phone, &ticket, agreed(&person, &page, &digits).await).await.unwrap();
    assert_eq!(step, Step::AccountAdded { account: account_of(&phone).await });
    phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    assert_eq!(state_of(&phone).await, (AccountHealth::Active, PhoneSignIn::NotAllowed));
}

/// Only without a password: never from the security-info page, and inside the app all the same.
#[tokio::test(flavor = "multi_thread")]
async fn j1_passwordless_only_registers_inside_the_app_alone() {
    let world = World::start().await.unwrap();
    set_policy(
        &world,
        &json!({"includeTargets": [{"targetType": "group", "id": "all_users", "authenticationMode": "deviceBasedPush"}]}),
    );
    let (person, phone) = (world.person().unwrap(), fresh_phone(&world, "phone").await);
    let page = person.sign_in().await.unwrap();
    let page = person.press(&page, "add-method", &[]).await.unwrap();
    assert_eq!(page.name(), "not-offered");
    let (ticket, url, digits) = started(&world, &phone).await;
    let page = by_password(&person, &url).await;
    let step = back(&phone, &ticket, agreed(&person, &page, &digits).await).await.unwrap();
    assert!(matches!(unlocked(&phone, step).await, Step::PhoneSignInOn { .. }));
}

/// A browser that comes back for somebody else's act, or with somebody else's answer, changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn j5_a_foreign_redirect_is_not_taken_and_the_real_one_still_works() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), fresh_phone(&world, "phone").await);
    let (ticket, url, digits) = started(&world, &phone).await;
    let page = by_password(&person, &url).await;
    let to_phone = agreed(&person, &page, &digits).await;
    for foreign in [to_phone.replace("state=", "state=AAAA"), to_phone.replace("iss=https", "iss=http")] {
        assert_eq!(back(&phone, &ticket, foreign).await, Err(Error::ForeignRedirect));
    }
    let step = back(&phone, &ticket, to_phone).await.unwrap();
    assert!(matches!(step, Step::MakeKey { .. }), "{step:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn j5_a_phone_whose_clock_is_an_hour_off_is_added_all_the_same() {
    let world = World::start().await.unwrap();
    world.clock.advance(3_600);
    let (person, phone) = (world.person().unwrap(), fresh_phone(&world, "phone").await);
    assert!(world.app.clock.now() > i64::try_from(countersign::SystemClock.now().0).unwrap() + 3_000);
    let (ticket, url, digits) = started(&world, &phone).await;
    let page = by_password(&person, &url).await;
    let step = back(&phone, &ticket, agreed(&person, &page, &digits).await).await.unwrap();
    assert!(matches!(unlocked(&phone, step).await, Step::PhoneSignInOn { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn j5_an_account_that_is_on_the_phone_already_is_not_added_twice() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), fresh_phone(&world, "phone").await);
    let (ticket, url, digits) = started(&world, &phone).await;
    let page = by_password(&person, &url).await;
    back(&phone, &ticket, agreed(&person, &page, &digits).await).await.unwrap();
    let (ticket, url, digits) = started(&world, &phone).await;
    let page = by_pass(&world.person().unwrap(), &url, "wrong").await;
    assert_eq!(page.name(), "pass");
    let browser = world.person().unwrap();
    let (ticket, url, digits) = match phone.core().abandon(ticket).await {
        Ok(()) => started(&world, &phone).await,
        Err(error) => panic!("{error:?} {digits}"),
    };
    let page = by_pass(&browser, &url, &given_pass(&world, 0)).await;
    let told = back(&phone, &ticket, agreed(&browser, &page, &digits).await).await;
    assert_eq!(told, Err(Error::AlreadyHere));
    let pending = phone.core().pending_steps().await.unwrap();
    assert!(matches!(pending.as_slice(), [Step::MakeKey { .. }]), "only the first one's phone sign-in: {pending:?}");
    assert_eq!((phone.core().accounts().await.unwrap().len(), phones(&world)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn j5_an_address_that_is_none_or_of_another_kind_is_refused_before_anything_is_made() {
    let world = World::start().await.unwrap();
    let phone = fresh_phone(&world, "phone").await;
    let ask = |address: &str| phone.core().add_by_signing_in(address.to_owned(), REDIRECT.to_owned());
    for wrong in ["", "http://login.test", "login.test/path", "ada@login.test", "login test"] {
        assert!(matches!(ask(wrong).await, Err(Error::Code(_))), "{wrong}");
    }
    assert_eq!(ask("127.0.0.1:9").await, Err(Error::Offline));
    let relay = world.relay_url();
    assert!(matches!(ask(&relay).await, Err(Error::NotASignInService(_))), "the relay is no sign-in service");
    nothing_is_left(&phone).await;
}
