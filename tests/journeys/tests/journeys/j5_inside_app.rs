//! Journey J5: a person adds an account inside the app, by signing in with the browser, with a password or a pass.
//!
//! Cases: w1, the pass has expired, was used, or is not valid yet; w2, wrong digits; w3, the policy forbids adding.

use crate::common::{REDIRECT, account_of, confirmed, everybody, set_policy, turned_on, use_phone};
use countersign::{
    AccountHealth, Clock, Error, FetchReason, NotAllowed, Outcome, PhoneSignIn, PromptKind, Reply, Step, Ticket,
};
use countersign_journeys::people::{PASSWORD, USER};
use countersign_journeys::{PageView, Person, TestPhone, World};
use countersign_service::admin::acts::Done;
use countersign_service::operator;
use countersign_service::passes::pass::Pass;
use countersign_service::people::records as people;
use countersign_service::prompts::change::Act;
use serde_json::json;

/// Creates a pass for Ada, as an administrator does. The pass becomes valid in `starts_in` seconds, and is then valid
/// for ten minutes.
fn given_pass(world: &World, starts_in: i64) -> String {
    let now = world.app.clock.now();
    let Done::Pass(made) = operator::administer(&world.app.store, USER, Act::MakePass, now).unwrap() else {
        panic!("no pass was made")
    };
    // The operator's command makes a pass that is valid immediately.
    let id = Pass::id_of(&made.account_id, &made.text.replace('-', ""));
    let later = |pass: &mut Pass| (pass.starts_at, pass.ends_at) = (now + starts_in, now + starts_in + 600);
    world.app.store.global_blocking(|tx| tx.update(&id, later)).unwrap().granted().unwrap();
    made.text
}

/// Opens a phone that has a device lock and no account.
pub(crate) async fn fresh_phone(world: &World, name: &str) -> TestPhone {
    let phone = world.phone(name).await.unwrap();
    phone.set_lock().unwrap();
    phone
}

/// Starts adding an account. Returns the ticket, the URL for the browser, and the digits that the app shows.
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

/// Ada opens the URL and signs in with the password. Returns the next page, which asks for the digits if the account
/// may be added.
pub(crate) async fn by_password(person: &Person, url: &str) -> PageView {
    let page = person.open(url).await.unwrap();
    person.enter_password(&page, USER, PASSWORD).await.unwrap()
}

/// Ada opens the URL and signs in with a pass. Returns the next page.
async fn by_pass(person: &Person, url: &str, pass: &str) -> PageView {
    let page = person.open(url).await.unwrap();
    person.press(&page, "next", &[("user_name", USER)]).await.unwrap();
    let page = person.open("/sign-in/pass").await.unwrap();
    person.press(&page, "next", &[("pass", pass)]).await.unwrap()
}

/// Types the digits and agrees. Returns the URL to which the browser is redirected.
pub(crate) async fn agreed(person: &Person, page: &PageView, digits: &str) -> String {
    assert_eq!(page.name(), "add-phone", "{}", page.html);
    person.press(page, "register", &[("digits", digits)]).await.unwrap().address
}

pub(crate) async fn back(phone: &TestPhone, ticket: &Ticket, url: String) -> Result<Step, Error> {
    phone.core().provide(ticket.clone(), Reply::Redirected { url }).await
}

/// Makes the sign-in key, and signs with this key. The person unlocks the phone each time.
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

/// The number of active devices of Ada's account at the service.
pub(crate) fn phones(world: &World) -> usize {
    let count = world.app.store.global_blocking(|tx| {
        let ada = people::find(tx, USER)?.unwrap().account_id;
        Ok(countersign_service::devices::records::active(tx, &ada)?.len())
    });
    count.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn j5_after_a_password_the_account_is_added_with_phone_sign_in() {
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
async fn j5_the_policy_may_require_a_pass_instead_of_a_password() {
    let world = World::start().await.unwrap();
    set_policy(&world, &json!({"countersign": {"bootstrap": "pass"}}));
    let (person, phone) = (world.person().unwrap(), fresh_phone(&world, "phone").await);
    let (ticket, url, digits) = started(&world, &phone).await;
    assert_eq!(by_password(&person, &url).await.name(), "pass-needed");
    let person = world.person().unwrap();
    phone.core().abandon(ticket).await.unwrap();
    nothing_is_left(&phone).await;
    let (ticket, url, digits_2) = started(&world, &phone).await;
    assert_ne!(digits, digits_2, "the digits are not new (this fails by chance once in a million runs)");
    let page = by_pass(&person, &url, &given_pass(&world, 0)).await;
    let step = back(&phone, &ticket, agreed(&person, &page, &digits_2).await).await.unwrap();
    assert!(matches!(unlocked(&phone, step).await, Step::PhoneSignInOn { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn j5_without_a_lock_the_account_is_added_without_phone_sign_in() {
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

/// The account has a phone already. That phone must approve adding the second phone.
#[tokio::test(flavor = "multi_thread")]
async fn j5_another_phone_of_the_account_approves_adding() {
    let world = World::start().await.unwrap();
    let (person, first) = (world.person().unwrap(), world.phone("first").await.unwrap());
    confirmed(&world, &person, &first).await;
    let (browser, second) = (world.person().unwrap(), fresh_phone(&world, "second").await);
    let (ticket, url, digits) = started(&world, &second).await;
    let page = by_password(&browser, &url).await;
    assert_eq!(page.name(), "number", "{}", page.html);
    let early = browser.open("/register-phone").await.unwrap();
    assert_eq!(early.name(), "user-name", "the page can be opened before the approval");
    let prompt = first.prompt_of(PromptKind::AddMethod).await.unwrap();
    let step = first.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    let page = browser.open("/sign-in/number").await.unwrap();
    let page = browser.press(&page, "finish", &[]).await.unwrap();
    let step = back(&second, &ticket, agreed(&browser, &page, &digits).await).await.unwrap();
    assert!(matches!(unlocked(&second, step).await, Step::PhoneSignInOn { .. }));
    assert_eq!(phones(&world), 2);
    first.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    assert!(!first.core().snapshot().await.unwrap().notices.is_empty(), "the first phone got no notice");
}

/// If the person starts again at the same service, the core abandons the older enrollment. Only one enrollment is
/// pending.
#[tokio::test(flavor = "multi_thread")]
async fn j5_starting_again_abandons_the_older_enrollment() {
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
async fn j5_adding_at_two_services_in_parallel_works() {
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

/// The pushed authorization request has expired. When the person continues, the core sends a new one and returns new
/// digits.
#[tokio::test(flavor = "multi_thread")]
async fn j5_continuing_after_expiry_shows_new_digits() {
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
async fn j5_w1_an_invalid_pass_is_refused_with_its_reason() {
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
    let (second, browser) = (fresh_phone(&world, "second").await, world.person().unwrap());
    let (_ticket, url, _digits) = started(&world, &second).await;
    let page = by_pass(&browser, &url, &early).await;
    assert!(page.text("problem").unwrap().contains("already used"), "{}", page.html);
    let late = given_pass(&world, 0);
    world.clock.advance(600);
    let (_ticket, url, _digits) = started(&world, &second).await;
    let page = by_pass(&browser, &url, &late).await;
    assert!(page.text("problem").unwrap().contains("expired"), "{}", page.html);
    assert_eq!(phones(&world), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn j5_w2_the_third_wrong_entry_of_digits_ends_adding() {
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
    assert_ne!(
        person.press(&page, "register", &[("digits", &digits)]).await.unwrap().name(),
        "",
        "the right digits were accepted after three wrong entries"
    );
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
async fn j5_w3_a_policy_refusal_is_reported_on_phone_and_page() {
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
    // The policy changes while the page is open.
    set_policy(&world, &everybody("any"));
    let (ticket, url, digits) = started(&world, &phone).await;
    let page = by_password(&person, &url).await;
    set_policy(&world, &json!({"state": "disabled"}));
    let step = back(&phone, &ticket, agreed(&person, &page, &digits).await).await.unwrap();
    assert!(refused(&step), "{step:?}");
    assert_eq!(phones(&world), 0);
    // The policy allows the phone only as a second factor, so the account is added without phone sign-in.
    set_policy(&world, &json!({"state": "enabled"}));
    set_policy(&world, &everybody("push"));
    let (ticket, url, digits) = started(&world, &phone).await;
    let page = by_password(&person, &url).await;
    let step = back(&phone, &ticket, agreed(&person, &page, &digits).await).await.unwrap();
    assert_eq!(step, Step::AccountAdded { account: account_of(&phone).await });
    phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    assert_eq!(state_of(&phone).await, (AccountHealth::Active, PhoneSignIn::NotAllowed));
}

/// The policy allows only phone sign-in. A phone can't be added on the security-info page, but it can be added inside
/// the app.
#[tokio::test(flavor = "multi_thread")]
async fn j1_passwordless_policy_requires_adding_inside_the_app() {
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

/// A redirect with another `state` or another issuer is refused, and has no effect on the pending step.
#[tokio::test(flavor = "multi_thread")]
async fn j5_a_foreign_redirect_is_refused_and_the_real_one_works() {
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
async fn j5_a_phone_whose_clock_is_an_hour_off_is_still_added() {
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
async fn j5_an_account_on_the_phone_is_not_added_twice() {
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
    assert!(
        matches!(pending.as_slice(), [Step::MakeKey { .. }]),
        "expected one pending step, which makes the account's sign-in key, but found {pending:?}"
    );
    assert_eq!((phone.core().accounts().await.unwrap().len(), phones(&world)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn j5_an_invalid_or_wrong_service_address_is_refused() {
    let world = World::start().await.unwrap();
    let phone = fresh_phone(&world, "phone").await;
    let ask = |address: &str| phone.core().add_by_signing_in(address.to_owned(), REDIRECT.to_owned());
    for wrong in ["", "http://login.test", "login.test/path", "ada@login.test", "login test"] {
        assert!(matches!(ask(wrong).await, Err(Error::Code(_))), "{wrong}");
    }
    assert_eq!(ask("127.0.0.1:9").await, Err(Error::Offline));
    let relay = world.relay_url();
    assert!(
        matches!(ask(&relay).await, Err(Error::NotASignInService(_))),
        "the relay was accepted as a sign-in service"
    );
    nothing_is_left(&phone).await;
}
