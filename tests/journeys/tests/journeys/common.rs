//! Performs the steps with which many journeys begin.
#![allow(clippy::panic, dead_code, reason = "each test file uses some of them")]

use axum::Router;
use countersign::{AccountId, CodeInput, Outcome, PromptKind, Reply, Step, Ticket};
use countersign_journeys::application::{Application, RunningApplication};
use countersign_journeys::people::{PASSWORD, USER};
use countersign_journeys::{PageView, Person, TestPhone, World};
use countersign_service::policy::document::patch;
use countersign_service::policy::records::{current, group_ids, keep};
use countersign_service::provenance::Given;
use serde_json::{Value, json};

/// Reads the QR code on the wizard's page.
pub(crate) fn scanned(page: &PageView) -> String {
    countersign_journeys::qr::text_of_svg(&page.qr_svg().unwrap()).unwrap()
}

/// Starts a world with Ada and with one application for each id and name in `names`. Each application redirects from
/// its redirect URI to another web origin (`src/application.rs`). `between` wraps the service's router.
pub(crate) async fn with_applications<const N: usize>(
    names: [(&'static str, &'static str); N],
    between: impl FnOnce(Router) -> Router,
) -> (World, [RunningApplication; N]) {
    let applications = names.map(|(id, name)| Application::bind(id, name).unwrap());
    let clients = applications.each_ref().map(|application| application.client().unwrap());
    let world = World::start_with_all(|config| config.clients.extend(clients), between).await.unwrap();
    world.add_person(USER, PASSWORD).unwrap();
    let running = applications.map(|application| application.serve(&world).unwrap());
    (world, running)
}

/// Adds the phone with the code on the wizard's page. Returns the page that follows the digits.
pub(crate) async fn added(person: &Person, phone: &TestPhone, page: &PageView) -> PageView {
    let (ticket, digits) = phone.accept(CodeInput::Text { text: scanned(page) }).await.unwrap();
    let page = person.page_after("/security-info/add/code", "code").await.unwrap();
    let page = person.press(&page, "confirm", &[("digits", &digits)]).await.unwrap();
    phone.activated(ticket).await.unwrap();
    page
}

/// Opens the wizard, adds the phone and approves the confirmation prompt, which arrives by push. Returns the wizard's
/// last page.
pub(crate) async fn confirmed(_world: &World, person: &Person, phone: &TestPhone) -> PageView {
    let page = person.wizard().await.unwrap();
    let page = added(person, phone, &page).await;
    let prompt = phone.prompt().await.unwrap();
    countersign_journeys::a_moment().await;
    let step = phone.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    let page = person.open("/security-info/add/code").await.unwrap();
    person.press(&page, "finish", &[]).await.unwrap()
}

/// The phone's redirect URI. No server listens there: the tests read the redirect and give it to the phone.
pub(crate) const REDIRECT: &str = "http://127.0.0.1:40000/phone-sign-in";

/// The id of the phone's only account.
pub(crate) async fn account_of(phone: &TestPhone) -> AccountId {
    phone.core().accounts().await.unwrap().first().unwrap().id.clone()
}

/// Starts turning phone sign-in on. Returns the ticket and the URL that the browser must open.
pub(crate) async fn browser_opened(phone: &TestPhone) -> (Ticket, String) {
    let step = phone.core().turn_on_phone_sign_in(account_of(phone).await, REDIRECT.to_owned()).await.unwrap();
    let Step::ConfirmDevice { ticket, .. } = step else { panic!("{step:?}") };
    match phone.core().provide(ticket.clone(), Reply::Confirmed).await.unwrap() {
        Step::OpenBrowser { url, .. } => (ticket, url),
        other => panic!("{other:?}"),
    }
}

/// Ada opens the URL in the browser, signs in and approves on the phone. Returns the page "Register this phone?".
pub(crate) async fn consent_page(person: &Person, phone: &TestPhone, url: &str) -> PageView {
    let page = person.open(url).await.unwrap();
    let page = person.enter_password(&page, USER, PASSWORD).await.unwrap();
    assert_eq!(page.name(), "number", "{}", page.html);
    let prompt = phone.prompt_of(PromptKind::RegisterDevice).await.unwrap();
    let step = phone.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    let page = person.open("/sign-in/number").await.unwrap();
    let page = person.press(&page, "finish", &[]).await.unwrap();
    assert_eq!(page.name(), "register-phone", "{}", page.html);
    page
}

/// Agrees in the browser to register the phone. Returns the URL to which the browser is redirected.
pub(crate) async fn agreed(person: &Person, phone: &TestPhone, url: &str) -> String {
    let page = consent_page(person, phone, url).await;
    person.press(&page, "register", &[]).await.unwrap().address
}

/// Turns phone sign-in on completely, from the browser to the registered sign-in key.
pub(crate) async fn turned_on(person: &Person, phone: &TestPhone) {
    let (ticket, url) = browser_opened(phone).await;
    let back = agreed(person, phone, &url).await;
    let step = phone.core().provide(ticket, Reply::Redirected { url: back }).await.unwrap();
    assert!(matches!(step, Step::MakeKey { .. }), "{step:?}");
    let step = phone.unlock(&step).await.unwrap();
    assert!(matches!(step, Step::Sign { .. }), "{step:?}");
    assert_eq!(phone.unlock(&step).await.unwrap(), Step::PhoneSignInOn { account: account_of(phone).await });
}

/// Adds a phone to Ada's account and turns phone sign-in on. Returns Ada's browser and phone.
pub(crate) async fn with_phone_sign_in(world: &World) -> (Person, TestPhone) {
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    confirmed(world, &person, &phone).await;
    phone.set_lock().unwrap();
    turned_on(&person, &phone).await;
    (person, phone)
}

/// Types Ada's user name, and chooses the phone if the page asks for the password.
pub(crate) async fn use_phone(person: &Person) -> PageView {
    let page = person.open("/sign-in").await.unwrap();
    let page = person.press(&page, "next", &[("user_name", USER)]).await.unwrap();
    if page.name() == "password" { person.press(&page, "use-phone", &[]).await.unwrap() } else { page }
}

/// Adds two phones to Ada's account. The first phone approves adding the second one.
pub(crate) async fn two_phones(world: &World) -> (Person, TestPhone, TestPhone) {
    let (person, first) = (world.person().unwrap(), world.phone("first").await.unwrap());
    confirmed(world, &person, &first).await;
    let second = world.phone("second").await.unwrap();
    let page = person.open("/security-info").await.unwrap();
    let page = person.press(&page, "add-method", &[]).await.unwrap();
    assert_eq!(page.name(), "add-number", "adding the second phone did not ask for an approval");
    approve(&first, PromptKind::AddMethod, &page).await;
    let page = person.open("/security-info/step-up").await.unwrap();
    let page = person.press(&page, "finish", &[]).await.unwrap();
    let page = person.press(&page, "next", &[]).await.unwrap();
    let page = added(&person, &second, &page).await;
    approve(&second, PromptKind::ConfirmEnrollment, &page).await;
    let page = person.open("/security-info/add/code").await.unwrap();
    person.press(&page, "finish", &[]).await.unwrap();
    (person, first, second)
}

/// Approves the open prompt of the given kind. Uses the device key and the number on the page.
pub(crate) async fn approve(phone: &TestPhone, kind: PromptKind, page: &PageView) {
    let prompt = phone.prompt_of(kind).await.unwrap();
    let step = phone.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved }, "{kind:?}");
}

/// Changes the policy in the service's database, as an administrator does. `change` contains the changed members.
pub(crate) fn set_policy(world: &World, change: &Value) {
    let kept = world.app.store.global_blocking(|tx| {
        let (before, groups) = (current(tx)?, group_ids(tx)?);
        keep(tx, patch(&before, change, &groups).unwrap(), Given::by_operator(0), "administrator", 0)
    });
    kept.unwrap();
}

/// A policy change that allows the app for all users, in the authentication mode `mode`.
pub(crate) fn everybody(mode: &str) -> Value {
    json!({"includeTargets": [{"targetType": "group", "id": "all_users", "authenticationMode": mode}]})
}
