//! Journey J5: a person adds an account inside the app, by signing in with the browser.
//!
//! Case: w4, adding is interrupted by a restart, a network failure, the expiry of the enrollment or a policy change.

use crate::common::{REDIRECT, account_of, set_policy};
use crate::j5_inside_app::{
    agreed, back, by_password, fresh_phone, nothing_is_left, opened, phones, started, unlocked,
};
use countersign::{Error, NotAllowed, Step};
use countersign_journeys::cuts::Cut;
use countersign_journeys::{TestPhone, World};
use serde_json::json;

/// The phone restarts at each pending step, and requests or responses are lost. Adding can be completed, and the
/// service gets one device.
#[tokio::test(flavor = "multi_thread")]
async fn j5_w4_adding_continues_after_restarts_and_cuts_in_each_step() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), fresh_phone(&world, "phone").await);
    let address = world.issuer().to_owned();
    world.cuts.cut("/par", Cut::Before, 1);
    let cut = phone.core().add_by_signing_in(address, REDIRECT.to_owned()).await;
    assert_eq!(cut, Err(Error::Offline));
    let phone = phone.restart().await.unwrap();
    let step = phone.core().pending_steps().await.unwrap().remove(0);
    let Step::EnrollmentInterrupted { ticket, .. } = step else { panic!("{step:?}") };
    let (ticket, url, digits) = opened(phone.core().continue_enrollment(ticket).await.unwrap());
    let phone = phone.restart().await.unwrap();
    assert_eq!(
        opened(phone.core().pending_steps().await.unwrap().remove(0)),
        (ticket.clone(), url.clone(), digits.clone())
    );
    let page = by_password(&person, &url).await;
    let to_phone = agreed(&person, &page, &digits).await;
    world.cuts.cut("/phone/enrollment", Cut::Answer, 1);
    assert_eq!(back(&phone, &ticket, to_phone.clone()).await, Err(Error::Offline));
    assert_eq!(phones(&world), 1, "the service did not accept the bind");
    let phone = phone.restart().await.unwrap();
    assert_eq!(
        back(&phone, &ticket, to_phone).await,
        Err(Error::WrongReply),
        "the phone accepted the redirect a second time"
    );
    world.cuts.cut("/phone/prompts", Cut::Before, 1);
    let step = phone.core().continue_enrollment(ticket).await.unwrap();
    assert_eq!(step, Step::AccountAdded { account: account_of(&phone).await });
    assert_eq!(phones(&world), 1, "the service does not have exactly one device");
    let phone = phone.restart().await.unwrap();
    let step = phone.core().pending_steps().await.unwrap().remove(0);
    let Step::PhoneSignInInterrupted { ticket, .. } = step else { panic!("{step:?}") };
    let step = phone.core().continue_phone_sign_in(ticket).await.unwrap();
    let phone = phone.restart().await.unwrap();
    assert_eq!(phone.core().pending_steps().await.unwrap(), vec![step.clone()]);
    assert!(matches!(unlocked(&phone, step).await, Step::PhoneSignInOn { .. }));
    assert!(phone.core().pending_steps().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn j5_w4_a_lost_token_response_ends_adding() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), fresh_phone(&world, "phone").await);
    let (ticket, url, digits) = started(&world, &phone).await;
    let page = by_password(&person, &url).await;
    let to_phone = agreed(&person, &page, &digits).await;
    world.cuts.cut("/token", Cut::Answer, 1);
    assert_eq!(back(&phone, &ticket, to_phone).await, Err(Error::Offline));
    let phone = phone.restart().await.unwrap();
    let step = phone.core().continue_enrollment(ticket).await.unwrap();
    assert!(matches!(step, Step::NotAllowed { why: NotAllowed::TooLate, .. }), "{step:?}");
    nothing_is_left(&phone).await;
    assert_eq!(phones(&world), 0);
}

/// The person abandons adding when the service may already have stored the device. The phone then completes the
/// enrollment to learn the device's id, and removes this device from the service.
#[tokio::test(flavor = "multi_thread")]
async fn j5_w4_abandoning_late_removes_the_device_at_the_service() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), fresh_phone(&world, "phone").await);
    let (ticket, url, digits) = started(&world, &phone).await;
    let page = by_password(&person, &url).await;
    let to_phone = agreed(&person, &page, &digits).await;
    world.cuts.cut("/phone/enrollment", Cut::Answer, 2);
    assert_eq!(back(&phone, &ticket, to_phone).await, Err(Error::Offline));
    assert_eq!(
        phone.core().abandon(ticket.clone()).await,
        Err(Error::Offline),
        "abandoning did not wait for the service's response"
    );
    assert_eq!(phone.core().pending_steps().await.unwrap().len(), 1);
    phone.core().abandon(ticket).await.unwrap();
    nothing_is_left(&phone).await;
    assert_eq!(phones(&world), 0);
}

type Meanwhile = fn(&World, &TestPhone);

fn late(world: &World, phone: &TestPhone) {
    phone.clock.advance(3_600);
    world.clock.advance(3_600);
}

fn forbidden(world: &World, _phone: &TestPhone) {
    set_policy(world, &json!({"state": "disabled"}));
}

/// While the bind can't reach the service, the enrollment expires or the policy forbids the app. Then the person
/// continues or abandons adding. In each of these four cases, phone and service store nothing of the enrollment.
#[tokio::test(flavor = "multi_thread")]
async fn j5_w4_a_refused_enrollment_leaves_no_data() {
    let ways: [(Meanwhile, NotAllowed); 2] = [(late, NotAllowed::TooLate), (forbidden, NotAllowed::Policy)];
    for (happens, expected) in ways {
        for continues in [true, false] {
            let world = World::start().await.unwrap();
            let (person, phone) = (world.person().unwrap(), fresh_phone(&world, "phone").await);
            let (ticket, url, digits) = started(&world, &phone).await;
            let page = by_password(&person, &url).await;
            let to_phone = agreed(&person, &page, &digits).await;
            world.cuts.cut("/phone/enrollment", Cut::Before, 1);
            assert_eq!(back(&phone, &ticket, to_phone).await, Err(Error::Offline));
            happens(&world, &phone);
            if continues {
                let step = phone.core().continue_enrollment(ticket).await.unwrap();
                assert!(matches!(&step, Step::NotAllowed { why, .. } if *why == expected), "{step:?}");
            } else {
                assert_eq!(phone.core().abandon(ticket).await, Ok(()));
            }
            nothing_is_left(&phone).await;
            assert_eq!(phones(&world), 0);
        }
    }
}
