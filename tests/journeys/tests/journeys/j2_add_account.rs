//! Journey J2: a person adds a work account with a code, which is scanned, typed, or read from a picture.
//!
//! Cases: w1, the code has expired; w2, the code was used; w3, the wizard was cancelled; w4, another phone has the same
//! code; w5, wrong digits; w6, the bind response is lost; w8, no network; w9, the phone restarts in each step; w11, a
//! code of another kind; w12, push is blocked; w13, "That's not my phone"; w14, an attacker has photographed the code.

use crate::common::{added, confirmed, scanned};
use countersign::{Clock, CodeInput, EnrollmentFault, Error, PlatformError, PromptKind, RemovalCause};
use countersign_journeys::{Cut, PageView, World, qr};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn j2_a_code_as_text_adds_a_confirmed_and_listed_account() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    let done = confirmed(&world, &person, &phone).await;
    assert_eq!(done.name(), "done");
    assert!(
        done.text("outcome").unwrap().contains("Requests appear on it by themselves"),
        "the page does not say that push works"
    );
    let list = person.open("/security-info").await.unwrap();
    assert!(list.html.contains("Phone app") && list.html.contains("push works"), "{}", list.html);
    let accounts = phone.core().accounts().await.unwrap();
    assert_eq!(accounts.len(), 1);
    assert_eq!((accounts[0].organization.as_str(), accounts[0].user_name.as_str()), ("Example Ltd", "ada@example.org"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_look_up_shows_service_and_account_and_stores_nothing() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    let issuer = world.issuer();
    let offered = async |page: &PageView, already_here: bool| {
        let invite = phone.invite(CodeInput::Text { text: scanned(page) }).await.unwrap();
        let offer = phone.core().look_up(invite).await.unwrap();
        assert_eq!((offer.issuer(), offer.host()), (issuer, issuer.strip_prefix("https://").unwrap()));
        assert_eq!((offer.organization(), offer.user_name()), ("Example Ltd", "ada@example.org"));
        assert_eq!(offer.already_here(), already_here);
        assert_eq!(
            phone.core().accounts().await.unwrap().len(),
            usize::from(already_here),
            "the look-up stored an account"
        );
    };
    offered(&person.wizard().await.unwrap(), false).await;
    confirmed(&world, &person, &phone).await;
    let page = person.open("/security-info").await.unwrap();
    let page = person.press(&page, "add-method", &[]).await.unwrap();
    let prompt = phone.prompt_of(PromptKind::AddMethod).await.unwrap();
    phone.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    let page = person.open("/security-info/step-up").await.unwrap();
    let page = person.press(&page, "finish", &[]).await.unwrap();
    let page = person.press(&page, "next", &[]).await.unwrap();
    offered(&page, true).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_a_code_in_a_picture_adds_the_phone() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    let page = person.wizard().await.unwrap();
    let picture = qr::screenshot_of(&scanned(&page)).unwrap();
    let (_, digits) = phone.accept(CodeInput::Picture { bytes: picture }).await.unwrap();
    let page = person.page_after("/security-info/add/code", "code").await.unwrap();
    assert_eq!(page.text("phone-name").as_deref(), Some("phone"));
    let page = person.press(&page, "confirm", &[("digits", &digits)]).await.unwrap();
    assert_eq!(page.name(), "confirm");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_a_typed_code_and_address_add_the_phone() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    let page = person.wizard().await.unwrap();
    let page = person.press(&page, "cant-scan", &[]).await.unwrap();
    let (code, address) = (page.text("typed-code").unwrap(), page.text("typed-address").unwrap());
    // People may type the code in lower case, with spaces instead of hyphens.
    let code = code.to_lowercase().replace('-', " ");
    let (ticket, digits) = phone.accept(CodeInput::Typed { code, address }).await.unwrap();
    let page = person.page_after("/security-info/add/code", "code").await.unwrap();
    person.press(&page, "confirm", &[("digits", &digits)]).await.unwrap();
    phone.activated(ticket).await.unwrap();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_w1_an_expired_code_is_reported_on_phone_and_page() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    let page = person.wizard().await.unwrap();
    let invite = phone.invite(CodeInput::Text { text: scanned(&page) }).await.unwrap();
    world.clock.advance(601);
    let refused = phone.core().look_up(invite).await.err();
    assert_eq!(refused, Some(Error::Enrollment(EnrollmentFault::Expired)));
    assert!(person.open("/security-info/add/code").await.unwrap().text("outcome").unwrap().contains("ten minutes"));
    assert!(phone.core().accounts().await.unwrap().is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_w2_a_used_code_is_refused_on_another_phone() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    let page = person.wizard().await.unwrap();
    let code = scanned(&page);
    added(&person, &phone, &page).await;
    let other = world.phone("other").await.unwrap();
    let invite = other.invite(CodeInput::Text { text: code }).await.unwrap();
    assert_eq!(other.core().look_up(invite).await.err(), Some(Error::Enrollment(EnrollmentFault::Used)));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_w3_cancelling_the_wizard_ends_the_enrollment_on_the_phone() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    let page = person.wizard().await.unwrap();
    let code = scanned(&page);
    let (ticket, _) = phone.accept(CodeInput::Text { text: code.clone() }).await.unwrap();
    person.press(&page, "cancel", &[]).await.unwrap();
    let ended = phone.core().wait_for_activation(ticket).await.unwrap();
    assert_eq!(ended, countersign::EnrollmentEnd::Ended { cause: RemovalCause::Cancelled });
    assert!(phone.core().snapshot().await.unwrap().pending.is_empty(), "an unfinished enrollment is left");
    let invite = phone.invite(CodeInput::Text { text: code }).await.unwrap();
    assert_eq!(phone.core().look_up(invite).await.err(), Some(Error::Enrollment(EnrollmentFault::Cancelled)));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_w4_the_same_code_on_another_phone_is_refused_and_reported() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    let other = world.phone("other").await.unwrap();
    let page = person.wizard().await.unwrap();
    let code = scanned(&page);
    let early =
        other.core().look_up(other.invite(CodeInput::Text { text: code.clone() }).await.unwrap()).await.unwrap();
    phone.accept(CodeInput::Text { text: code.clone() }).await.unwrap();
    assert_eq!(other.core().enroll(early).await, Err(Error::Enrollment(EnrollmentFault::Used)));
    let late = other.invite(CodeInput::Text { text: code }).await.unwrap();
    assert_eq!(other.core().look_up(late).await.err(), Some(Error::Enrollment(EnrollmentFault::Used)));
    let snapshot = other.core().snapshot().await.unwrap();
    assert!(snapshot.accounts.is_empty() && snapshot.pending.is_empty(), "the other phone has stored something");
    let page = person.open("/security-info/add/code").await.unwrap();
    assert!(page.text("outcome").unwrap().contains("Another phone tried"), "{}", page.html);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_w5_the_third_wrong_entry_of_digits_ends_the_enrollment() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    let page = person.wizard().await.unwrap();
    let (ticket, digits) = phone.accept(CodeInput::Text { text: scanned(&page) }).await.unwrap();
    let wrong = if digits == "000000" { "000001" } else { "000000" };
    let mut page = person.page_after("/security-info/add/code", "code").await.unwrap();
    for left in ["two more tries", "one more try"] {
        page = person.press(&page, "confirm", &[("digits", wrong)]).await.unwrap();
        assert!(page.text("problem").unwrap().contains(left), "{}", page.html);
    }
    let over = person.press(&page, "confirm", &[("digits", wrong)]).await.unwrap();
    assert!(over.text("outcome").unwrap().contains("three times"));
    let ended = phone.core().wait_for_activation(ticket).await.unwrap();
    assert_eq!(ended, countersign::EnrollmentEnd::Ended { cause: RemovalCause::WrongDigits });
    let late = person.press(&page, "confirm", &[("digits", &digits)]).await.unwrap();
    assert_eq!(late.name(), "over", "the right digits were accepted after three wrong ones");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_w6_a_bind_resent_after_a_lost_response_adds_one_account() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    let page = person.wizard().await.unwrap();
    let invite = phone.invite(CodeInput::Text { text: scanned(&page) }).await.unwrap();
    let offer = phone.core().look_up(invite).await.unwrap();
    world.cuts.cut("/phone/enrollment", Cut::Answer, 1);
    assert_eq!(phone.core().enroll(offer).await, Err(Error::Offline));
    let pending = phone.core().pending_steps().await.unwrap();
    let [countersign::Step::EnrollmentInterrupted { ticket, .. }] = pending.as_slice() else {
        panic!("{pending:?}");
    };
    let step = phone.core().continue_enrollment(ticket.clone()).await.unwrap();
    let (ticket, digits) = countersign_journeys::phone::digits_of(step).unwrap();
    let page = person.page_after("/security-info/add/code", "code").await.unwrap();
    assert!(page.text("outcome").is_none(), "the repeated bind is reported as another phone");
    person.press(&page, "confirm", &[("digits", &digits)]).await.unwrap();
    phone.activated(ticket).await.unwrap();
    assert_eq!(phone.core().accounts().await.unwrap().len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_w8_a_network_failure_in_each_step_loses_nothing() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    let page = person.wizard().await.unwrap();
    let code = scanned(&page);
    for path in ["/.well-known", "/phone/look-up"] {
        for cut in [Cut::Before, Cut::Answer] {
            world.cuts.cut(path, cut, 1);
            let invite = phone.invite(CodeInput::Text { text: code.clone() }).await.unwrap();
            assert_eq!(phone.core().look_up(invite).await.err(), Some(Error::Offline), "{path} {cut:?}");
            assert!(phone.core().pending_steps().await.unwrap().is_empty(), "the look-up stored a pending step");
        }
    }
    let invite = phone.invite(CodeInput::Text { text: code }).await.unwrap();
    let offer = phone.core().look_up(invite).await.unwrap();
    world.cuts.cut("/phone/enrollment", Cut::Before, 1);
    assert_eq!(phone.core().enroll(offer).await, Err(Error::Offline));
    world.cuts.cut("/phone/prompts", Cut::Before, 1);
    let step = phone.core().pending_steps().await.unwrap().remove(0);
    let countersign::Step::EnrollmentInterrupted { ticket, .. } = step else { panic!("{step:?}") };
    let step = phone.core().continue_enrollment(ticket).await.unwrap();
    let (ticket, digits) = countersign_journeys::phone::digits_of(step).unwrap();
    let page = person.page_after("/security-info/add/code", "code").await.unwrap();
    person.press(&page, "confirm", &[("digits", &digits)]).await.unwrap();
    phone.activated(ticket).await.unwrap();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_w8_waiting_times_out_and_the_result_is_fetched_later() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    let page = person.wizard().await.unwrap();
    let (ticket, _) = phone.accept(CodeInput::Text { text: scanned(&page) }).await.unwrap();
    let step = phone.core().pending_steps().await.unwrap().remove(0);
    let countersign::Step::ShowDigits { until, .. } = step else { panic!("{step:?}") };
    world.cuts.cut("/phone", Cut::Before, 1_000);
    let to_the_end = until.plus(120).since(phone.clock.now());
    phone.clock.advance(to_the_end - 60);
    let mut waiting = std::pin::pin!(phone.core().wait_for_activation(ticket.clone()));
    let early = tokio::time::timeout(Duration::from_secs(1), &mut waiting).await;
    assert!(early.is_err(), "the phone stopped waiting too early: {early:?}");
    phone.clock.advance(61);
    let late = tokio::time::timeout(Duration::from_secs(15), waiting).await.expect("the phone did not stop waiting");
    assert_eq!(late, Err(Error::Offline));
    // The enrollment expires at the service. The service reports this at the phone's next request.
    world.clock.advance(601);
    world.cuts.heal();
    phone.core().check_for_prompts(countersign::FetchReason::Opened).await.unwrap();
    let ended = phone.core().wait_for_activation(ticket).await.unwrap();
    assert_eq!(ended, countersign::EnrollmentEnd::Ended { cause: RemovalCause::Expired });
    assert!(phone.core().pending_steps().await.unwrap().is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_w8_enrollment_continues_when_the_relay_is_back() {
    let mut world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    let page = person.wizard().await.unwrap();
    let invite = phone.invite(CodeInput::Text { text: scanned(&page) }).await.unwrap();
    let offer = phone.core().look_up(invite).await.unwrap();
    world.stop_relay().await;
    assert_eq!(phone.core().enroll(offer).await, Err(Error::Platform(PlatformError::Transient)));
    world.restart_relay().await.unwrap();
    let step = phone.core().pending_steps().await.unwrap().remove(0);
    let countersign::Step::EnrollmentInterrupted { ticket, .. } = step else { panic!("{step:?}") };
    let step = phone.core().continue_enrollment(ticket).await.unwrap();
    let (ticket, digits) = countersign_journeys::phone::digits_of(step).unwrap();
    let page = person.page_after("/security-info/add/code", "code").await.unwrap();
    person.press(&page, "confirm", &[("digits", &digits)]).await.unwrap();
    phone.activated(ticket).await.unwrap();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_enrollment_can_be_abandoned_before_and_after_the_bind() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    let page = person.wizard().await.unwrap();
    let code = scanned(&page);
    let offer =
        phone.core().look_up(phone.invite(CodeInput::Text { text: code.clone() }).await.unwrap()).await.unwrap();
    world.cuts.cut("/phone/enrollment", Cut::Before, 1);
    assert_eq!(phone.core().enroll(offer).await, Err(Error::Offline));
    let step = phone.core().pending_steps().await.unwrap().remove(0);
    let countersign::Step::EnrollmentInterrupted { ticket, .. } = step else { panic!("{step:?}") };
    phone.core().abandon(ticket.clone()).await.unwrap();
    assert_eq!(phone.core().abandon(ticket).await, Err(Error::UnknownTicket));
    assert!(phone.core().pending_steps().await.unwrap().is_empty());
    // The code is still valid. After the bind, abandoning notifies the service.
    let (ticket, _) = phone.accept(CodeInput::Text { text: code }).await.unwrap();
    phone.core().abandon(ticket).await.unwrap();
    assert!(phone.core().pending_steps().await.unwrap().is_empty());
    let over = person.page_after("/security-info/add/code", "digits").await.unwrap();
    assert!(over.name() == "over" || over.name() == "code", "{}", over.name());
    let over = person.page_after("/security-info/add/code", "code").await.unwrap();
    assert!(over.text("outcome").unwrap().contains("stopped adding"), "{}", over.html);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_w9_enrollment_continues_after_a_restart_in_each_step() {
    let world = World::start().await.unwrap();
    let person = world.person().unwrap();
    let phone = world.phone("phone").await.unwrap();
    let page = person.wizard().await.unwrap();
    let invite = phone.invite(CodeInput::Text { text: scanned(&page) }).await.unwrap();
    let offer = phone.core().look_up(invite).await.unwrap();
    // The phone restarts before the service has received the bind.
    world.cuts.cut("/phone/enrollment", Cut::Before, 1);
    assert_eq!(phone.core().enroll(offer).await, Err(Error::Offline));
    let phone = phone.restart().await.unwrap();
    // The phone restarts after the service has accepted the bind.
    world.cuts.cut("/phone/enrollment", Cut::Answer, 1);
    let step = phone.core().pending_steps().await.unwrap().remove(0);
    let countersign::Step::EnrollmentInterrupted { ticket, .. } = step else { panic!("{step:?}") };
    assert_eq!(phone.core().continue_enrollment(ticket.clone()).await, Err(Error::Offline));
    let phone = phone.restart().await.unwrap();
    let step = phone.core().continue_enrollment(ticket).await.unwrap();
    let (_, digits) = countersign_journeys::phone::digits_of(step).unwrap();
    // The phone restarts while it shows the digits. It shows the same digits again.
    let phone = phone.restart().await.unwrap();
    let step = phone.core().pending_steps().await.unwrap().remove(0);
    let (ticket, again) = countersign_journeys::phone::digits_of(step).unwrap();
    assert_eq!(digits, again);
    let page = person.page_after("/security-info/add/code", "code").await.unwrap();
    let page = person.press(&page, "confirm", &[("digits", &digits)]).await.unwrap();
    phone.activated(ticket).await.unwrap();
    let phone = phone.restart().await.unwrap();
    phone.core().check_for_prompts(countersign::FetchReason::Opened).await.unwrap();
    let prompt = phone.prompt().await.unwrap();
    phone.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(phone.core().accounts().await.unwrap().len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_w11_a_code_of_another_kind_is_identified() {
    use countersign::{OtherCode, Scanned};
    let world = World::start().await.unwrap();
    let phone = world.phone("phone").await.unwrap();
    for (text, looks_like) in [
        ("otpauth://totp/Shop:ada?secret=JBSWY3DPEHPK3PXP", OtherCode::OneTimeCode),
        ("https://example.org/menu", OtherCode::WebAddress),
        ("WIFI:T:WPA;S:guest;P:welcome;;", OtherCode::Wifi),
        ("BEGIN:VCARD", OtherCode::Contact),
        ("phonefactor://activate_account?code=1", OtherCode::OtherAuthenticator),
        ("FIDO:/123", OtherCode::Passkey),
        ("countersign://enroll?v=2&issuer=x&more=y", OtherCode::NewerVersion),
        ("", OtherCode::Unknown),
    ] {
        match phone.core().read_code(CodeInput::Text { text: text.to_owned() }).await.unwrap() {
            Scanned::Other(found) => assert_eq!(found, looks_like, "{text}"),
            Scanned::Invite(_) => panic!("{text} was read as an invite"),
        }
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_w12_without_push_the_confirmation_is_fetched() {
    let mut world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    let page = person.wizard().await.unwrap();
    let page = added(&person, &phone, &page).await;
    world.stop_relay().await;
    // The service may already have pushed a prompt before the relay stopped. The test therefore fetches the prompts and
    // answers the last one, which belongs to the page that is shown now.
    let page = if page.name() == "confirm" { page } else { person.open("/security-info/add/code").await.unwrap() };
    let checked = phone.core().check_for_prompts(countersign::FetchReason::Opened).await.unwrap();
    let prompt = checked.prompts.last().unwrap().clone();
    phone.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    let page = person.open("/security-info/add/code").await.unwrap();
    let done = person.press(&page, "finish", &[]).await.unwrap();
    assert_eq!(done.name(), "done");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_w13_not_my_phone_ends_the_other_phones_enrollment() {
    let world = World::start().await.unwrap();
    let (person, thief) = (world.person().unwrap(), world.phone("thief").await.unwrap());
    let page = person.wizard().await.unwrap();
    let (ticket, _) = thief.accept(CodeInput::Text { text: scanned(&page) }).await.unwrap();
    let page = person.page_after("/security-info/add/code", "code").await.unwrap();
    let over = person.press(&page, "not-my-phone", &[]).await.unwrap();
    assert!(over.text("outcome").unwrap().contains("was refused"));
    let ended = thief.core().wait_for_activation(ticket).await.unwrap();
    assert_eq!(ended, countersign::EnrollmentEnd::Ended { cause: RemovalCause::NotMyPhone });
    // A fresh code works for the person's own phone.
    let page = person.press(&over, "again", &[]).await.unwrap();
    let phone = world.phone("own").await.unwrap();
    added(&person, &phone, &page).await;
    assert!(thief.core().accounts().await.unwrap().is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_w14_a_photographed_code_activates_no_phone() {
    let world = World::start().await.unwrap();
    let (person, thief) = (world.person().unwrap(), world.phone("thief").await.unwrap());
    let page = person.wizard().await.unwrap();
    assert!(page.text("outcome").is_none());
    let invite = thief.invite(CodeInput::Text { text: scanned(&page) }).await.unwrap();
    thief.core().look_up(invite).await.unwrap();
    let looked = person.open("/security-info/add/code").await.unwrap();
    assert!(looked.text("outcome").unwrap().contains("A phone has read this code"), "{}", looked.html);
    let (_, digits) = thief.accept(CodeInput::Text { text: scanned(&page) }).await.unwrap();
    // The thief's phone shows digits, but only the wizard's own session can submit them.
    let other = world.person().unwrap();
    let refused = other.open("/security-info/add/code").await.unwrap();
    assert_eq!(refused.name(), "user-name");
    let wizard = person.page_after("/security-info/add/code", "code").await.unwrap();
    let stolen = other.press(&wizard, "confirm", &[("digits", &digits)]).await.unwrap();
    assert_eq!(stolen.status.as_u16(), 403);
    assert_eq!(
        person.open("/security-info/add/code").await.unwrap().name(),
        "digits",
        "the wizard no longer waits for the digits"
    );
    world.stop().await;
}
