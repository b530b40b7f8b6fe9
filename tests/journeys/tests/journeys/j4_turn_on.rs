//! Journey J4: a person turns phone sign-in on for an account on the phone.
//!
//! Cases: w1, no device lock; w3, the browser was closed; w4, a redirect with another `state` or `iss`; w5, the
//! authorization code of another registration, or another person's phone; w7, the person refuses; w8, the key store
//! fails; w9, the response to the registration is lost; w10, the device lock is removed; w12, the phone restarts or the
//! network fails in each step.

use crate::common::{
    self, REDIRECT, account_of, agreed, browser_opened, confirmed, consent_page, turned_on, with_phone_sign_in,
};
use countersign::{AccountHealth, Error, KeyGuard, NotAllowed, PhoneSignIn, PlatformError, Reply, Step};
use countersign_journeys::cuts::Cut;
use countersign_journeys::{Person, TestPhone, World};

/// Returns Ada's browser and phone. The phone has a device lock, and phone sign-in is off.
async fn locked_phone(world: &World) -> (Person, TestPhone) {
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    confirmed(world, &person, &phone).await;
    phone.set_lock().unwrap();
    (person, phone)
}

async fn state_of(phone: &TestPhone) -> (AccountHealth, PhoneSignIn) {
    let accounts = phone.core().accounts().await.unwrap();
    (accounts[0].health, accounts[0].phone_sign_in)
}

#[tokio::test(flavor = "multi_thread")]
async fn j4_phone_sign_in_is_turned_on() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    assert_eq!(state_of(&phone).await, (AccountHealth::Active, PhoneSignIn::On));
    let info = person.open("/security-info").await.unwrap();
    assert!(info.html.contains("Phone sign-in"), "{}", info.html);
    assert!(phone.core().pending_steps().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn j4_w1_turning_on_needs_a_device_lock() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    confirmed(&world, &person, &phone).await;
    let account = account_of(&phone).await;
    let before = phone.core().requirements(account.clone()).await.unwrap();
    assert!(!before.lock_is_enough);
    let step = phone.core().turn_on_phone_sign_in(account.clone(), REDIRECT.to_owned()).await.unwrap();
    assert!(matches!(step, Step::MissingLock { needs: KeyGuard::BiometricOrCredential, .. }), "{step:?}");
    assert!(phone.core().pending_steps().await.unwrap().is_empty(), "a step was stored without a lock");
    phone.set_lock().unwrap();
    assert!(
        phone.core().requirements(account).await.unwrap().lock_is_enough,
        "the requirements do not show the new lock"
    );
    turned_on(&person, &phone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j4_w3_turning_on_can_continue_after_the_browser_closed() {
    let world = World::start().await.unwrap();
    let (person, phone) = locked_phone(&world).await;
    let (_ticket, url) = browser_opened(&phone).await;
    let phone = phone.restart().await.unwrap();
    let pending = phone.core().pending_steps().await.unwrap();
    let Some(Step::OpenBrowser { ticket, url: again, .. }) = pending.first() else { panic!("{pending:?}") };
    assert_eq!(*again, url);
    let back = agreed(&person, &phone, again).await;
    let step = phone.core().provide(ticket.clone(), Reply::Redirected { url: back }).await.unwrap();
    let step = phone.unlock(&phone.unlock(&step).await.unwrap()).await.unwrap();
    assert!(matches!(step, Step::PhoneSignInOn { .. }), "{step:?}");

    phone.core().turn_off_phone_sign_in(account_of(&phone).await).await.unwrap();
    let (ticket, _url) = browser_opened(&phone).await;
    phone.core().abandon(ticket.clone()).await.unwrap();
    assert!(phone.core().pending_steps().await.unwrap().is_empty());
    assert_eq!(phone.core().provide(ticket, Reply::Confirmed).await, Err(Error::UnknownTicket));
}

/// Tests redirects with another `state`, another issuer or another port, and a redirect without `state`. The real
/// redirect still works afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn j4_w4_a_redirect_with_another_state_or_issuer_is_refused() {
    let world = World::start().await.unwrap();
    let (person, phone) = locked_phone(&world).await;
    let (ticket, url) = browser_opened(&phone).await;
    let back = agreed(&person, &phone, &url).await;
    for foreign in [
        back.replace("state=", "state=AAAA"),
        back.replace("iss=https", "iss=https%3A%2F%2Fevil.test&was=https"),
        back.replace("127.0.0.1:40000", "127.0.0.1:40001"),
        format!("{REDIRECT}?error=access_denied"),
    ] {
        let told = phone.core().provide(ticket.clone(), Reply::Redirected { url: foreign.clone() }).await;
        assert_eq!(told, Err(Error::ForeignRedirect), "{foreign}");
    }
    let step = phone.core().provide(ticket, Reply::Redirected { url: back }).await.unwrap();
    assert!(matches!(step, Step::MakeKey { .. }), "{step:?}");
}

/// An attacker starts to turn phone sign-in on at the attacker's own phone, and persuades the victim to open that
/// phone's URL and to sign in. The service refuses, because the phone belongs to another person.
#[tokio::test(flavor = "multi_thread")]
async fn j4_w5_another_persons_phone_cannot_be_registered() {
    let world = World::start().await.unwrap();
    world.add_person("mallory@example.org", "another long password").unwrap();
    let (_person, _phone) = locked_phone(&world).await;
    let (mallory, attackers) = (world.person().unwrap(), world.phone("mallory").await.unwrap());
    let page = mallory.sign_in_as("mallory@example.org", "another long password").await.unwrap();
    let page = mallory.press(&page, "add-method", &[]).await.unwrap();
    let page = mallory.press(&page, "next", &[]).await.unwrap();
    common::added(&mallory, &attackers, &page).await;
    attackers.set_lock().unwrap();
    let (_ticket, url) = browser_opened(&attackers).await;
    let victim = world.person().unwrap();
    let page = victim.open(&url).await.unwrap();
    let page = victim
        .enter_password(&page, countersign_journeys::people::USER, countersign_journeys::people::PASSWORD)
        .await
        .unwrap();
    assert_eq!(page.name(), "other-persons-phone", "{}", page.html);
    assert_eq!(victim.open("/register-phone").await.unwrap().name(), "user-name");
}

/// The authorization code of another registration of the same phone is refused, because the PKCE verifier does not
/// match.
#[tokio::test(flavor = "multi_thread")]
async fn j4_w5_another_registrations_authorization_code_is_refused() {
    let world = World::start().await.unwrap();
    let (person, phone) = locked_phone(&world).await;
    let (first, url) = browser_opened(&phone).await;
    let stolen = agreed(&person, &phone, &url).await;
    phone.core().abandon(first).await.unwrap();
    let (ticket, second) = browser_opened(&phone).await;
    let own = agreed(&person, &phone, &second).await;
    let part = |address: &str, name: &str| {
        let query = address.split_once('?').unwrap().1.to_owned();
        query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")).map(str::to_owned)).unwrap()
    };
    let injected = own.replace(&part(&own, "code"), &part(&stolen, "code"));
    let step = phone.core().provide(ticket, Reply::Redirected { url: injected }).await.unwrap();
    assert!(matches!(step, Step::NotAllowed { why: NotAllowed::TooLate, .. }), "{step:?}");
    assert_eq!(state_of(&phone).await.1, PhoneSignIn::Off);
}

#[tokio::test(flavor = "multi_thread")]
async fn j4_w7_a_refusal_in_the_browser_ends_turning_on() {
    let world = World::start().await.unwrap();
    let (person, phone) = locked_phone(&world).await;
    let (ticket, url) = browser_opened(&phone).await;
    let page = consent_page(&person, &phone, &url).await;
    assert!(page.text("phone-name").is_some_and(|name| name == "phone"), "{}", page.html);
    let back = person.press(&page, "cancel", &[]).await.unwrap().address;
    let step = phone.core().provide(ticket, Reply::Redirected { url: back }).await.unwrap();
    assert!(matches!(step, Step::NotAllowed { why: NotAllowed::ByPerson, .. }), "{step:?}");
    assert!(phone.core().pending_steps().await.unwrap().is_empty());
    turned_on(&person, &phone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j4_w8_only_permanent_key_errors_end_the_step() {
    let world = World::start().await.unwrap();
    let (person, phone) = locked_phone(&world).await;
    let (ticket, url) = browser_opened(&phone).await;
    let back = agreed(&person, &phone, &url).await;
    let made = phone.core().provide(ticket.clone(), Reply::Redirected { url: back }).await.unwrap();
    let passing = [PlatformError::Cancelled, PlatformError::Locked, PlatformError::Transient];
    for error in passing {
        let told = phone.core().provide(ticket.clone(), Reply::Failed { cause: error }).await;
        assert_eq!(told, Err(Error::Platform(error)));
        assert_eq!(phone.core().pending_steps().await.unwrap(), vec![made.clone()], "{error:?} ended the step");
    }
    // The app returns bytes that are not a public key.
    let point = phone.core().provide(ticket.clone(), Reply::KeyMade { point: vec![4; 65] }).await;
    assert_eq!(point, Err(Error::Platform(PlatformError::Unusable)));
    let step = phone.unlock(&made).await.unwrap();
    let gone = phone.core().provide(ticket.clone(), Reply::Failed { cause: PlatformError::Gone }).await;
    assert_eq!(gone, Err(Error::Platform(PlatformError::Gone)));
    assert!(phone.core().pending_steps().await.unwrap().is_empty(), "a step that can't continue is still pending");
    assert!(phone.unlock(&step).await.is_err());
    // The app returns the valid public key of another key than the one that the app had to make.
    let (ticket, url) = browser_opened(&phone).await;
    let back = agreed(&person, &phone, &url).await;
    let made = phone.core().provide(ticket.clone(), Reply::Redirected { url: back }).await.unwrap();
    let Step::MakeKey { alias, .. } = made else { panic!("{made:?}") };
    let (_held, other) = (phone.make_guarded(&alias).unwrap(), phone.make_guarded("another").unwrap());
    let lied = phone.core().provide(ticket, Reply::KeyMade { point: other }).await;
    assert_eq!(lied, Err(Error::Platform(PlatformError::Unusable)));
    assert!(phone.core().pending_steps().await.unwrap().is_empty());
    turned_on(&person, &phone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j4_w9_turning_on_completes_after_a_lost_last_response() {
    let world = World::start().await.unwrap();
    let (person, phone) = locked_phone(&world).await;
    let (ticket, url) = browser_opened(&phone).await;
    let back = agreed(&person, &phone, &url).await;
    let made = phone.core().provide(ticket.clone(), Reply::Redirected { url: back }).await.unwrap();
    let sign = phone.unlock(&made).await.unwrap();
    world.cuts.cut("/phone/device", Cut::Answer, 1);
    assert!(phone.unlock(&sign).await.is_err(), "the response was not lost");
    let pending = phone.core().pending_steps().await.unwrap();
    assert!(matches!(pending.first(), Some(Step::PhoneSignInInterrupted { .. })), "{pending:?}");
    let phone = phone.restart().await.unwrap();
    let step = phone.core().continue_phone_sign_in(ticket).await.unwrap();
    assert!(matches!(step, Step::PhoneSignInOn { .. }), "{step:?}");
    assert_eq!(state_of(&phone).await.1, PhoneSignIn::On);
}

#[tokio::test(flavor = "multi_thread")]
async fn j4_w10_removing_the_device_lock_stops_turning_on() {
    let world = World::start().await.unwrap();
    let (person, phone) = locked_phone(&world).await;
    let (ticket, url) = browser_opened(&phone).await;
    let back = agreed(&person, &phone, &url).await;
    phone.remove_lock().unwrap();
    let step = phone.core().provide(ticket, Reply::Redirected { url: back }).await.unwrap();
    assert!(matches!(step, Step::MissingLock { .. }), "{step:?}");
    assert!(phone.core().pending_steps().await.unwrap().is_empty());
    assert_eq!(state_of(&phone).await.1, PhoneSignIn::Off);
}

/// The phone restarts at each pending step. The same step is still pending, and turning on can be completed.
#[tokio::test(flavor = "multi_thread")]
async fn j4_w12_turning_on_continues_after_a_restart_in_each_step() {
    let world = World::start().await.unwrap();
    let (person, phone) = locked_phone(&world).await;
    let step = phone.core().turn_on_phone_sign_in(account_of(&phone).await, REDIRECT.to_owned()).await.unwrap();
    let phone = same_after_restart(phone, &step).await;
    let Step::ConfirmDevice { ticket, .. } = step else { panic!("{step:?}") };
    let step = phone.core().provide(ticket.clone(), Reply::Confirmed).await.unwrap();
    let phone = same_after_restart(phone, &step).await;
    let Step::OpenBrowser { url, .. } = step else { panic!("{step:?}") };
    let back = agreed(&person, &phone, &url).await;
    let step = phone.core().provide(ticket, Reply::Redirected { url: back }).await.unwrap();
    let phone = same_after_restart(phone, &step).await;
    let step = phone.unlock(&step).await.unwrap();
    let phone = same_after_restart(phone, &step).await;
    assert!(matches!(phone.unlock(&step).await.unwrap(), Step::PhoneSignInOn { .. }));
    let phone = phone.restart().await.unwrap();
    assert_eq!(state_of(&phone).await, (AccountHealth::Active, PhoneSignIn::On));
    assert!(phone.core().pending_steps().await.unwrap().is_empty());
}

async fn same_after_restart(phone: TestPhone, step: &Step) -> TestPhone {
    let phone = phone.restart().await.unwrap();
    assert_eq!(phone.core().pending_steps().await.unwrap(), vec![step.clone()]);
    phone
}

#[tokio::test(flavor = "multi_thread")]
async fn j4_w12_a_lost_token_response_ends_turning_on() {
    let world = World::start().await.unwrap();
    let (person, phone) = locked_phone(&world).await;
    let (ticket, url) = browser_opened(&phone).await;
    let back = agreed(&person, &phone, &url).await;
    world.cuts.cut("/token", Cut::Answer, 1);
    assert_eq!(phone.core().provide(ticket.clone(), Reply::Redirected { url: back }).await, Err(Error::Offline));
    let phone = phone.restart().await.unwrap();
    let step = phone.core().continue_phone_sign_in(ticket).await.unwrap();
    assert!(matches!(step, Step::NotAllowed { why: NotAllowed::TooLate, .. }), "{step:?}");
    assert!(phone.core().pending_steps().await.unwrap().is_empty());
    turned_on(&person, &phone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j4_w12_a_lost_pushed_authorization_request_is_sent_again() {
    let world = World::start().await.unwrap();
    let (_person, phone) = locked_phone(&world).await;
    let step = phone.core().turn_on_phone_sign_in(account_of(&phone).await, REDIRECT.to_owned()).await.unwrap();
    let Step::ConfirmDevice { ticket, .. } = step else { panic!("{step:?}") };
    world.cuts.cut("/par", Cut::Before, 1);
    assert_eq!(phone.core().provide(ticket.clone(), Reply::Confirmed).await, Err(Error::Offline));
    let phone = phone.restart().await.unwrap();
    let step = phone.core().continue_phone_sign_in(ticket).await.unwrap();
    assert!(matches!(step, Step::OpenBrowser { .. }), "{step:?}");
}
