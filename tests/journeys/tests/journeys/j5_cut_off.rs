//! J5.w4: ended, cut off, overtaken by time or policy in each step of adding an account from inside the app.

use crate::common::{REDIRECT, account_of, set_policy};
use crate::j5_inside_app::{
    agreed, back, by_password, fresh_phone, nothing_is_left, opened, phones, started, unlocked,
};
use countersign::{Error, NotAllowed, Step};
use countersign_journeys::cuts::Cut;
use countersign_journeys::{TestPhone, World};
use serde_json::json;

/// Ended and started again at each stored step, and cut off on each way: it goes on where it was, once.
#[tokio::test(flavor = "multi_thread")]
async fn j5_w4_ended_and_cut_off_in_each_step() {
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
    assert_eq!(phones(&world), 1, "the service took it");
    let phone = phone.restart().await.unwrap();
    assert_eq!(back(&phone, &ticket, to_phone).await, Err(Error::WrongReply), "that is behind it");
    world.cuts.cut("/phone/prompts", Cut::Before, 1);
    let step = phone.core().continue_enrollment(ticket).await.unwrap();
    assert_eq!(step, Step::AccountAdded { account: account_of(&phone).await });
    assert_eq!(phones(&world), 1, "and not twice");
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
async fn j5_w4_a_lost_token_answer_leaves_nothing_half_done() {
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

/// Given up when the service may know this phone already: it is asked first, and told.
#[tokio::test(flavor = "multi_thread")]
async fn j5_w4_given_up_late_it_leaves_no_phone_behind_at_the_service() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), fresh_phone(&world, "phone").await);
    let (ticket, url, digits) = started(&world, &phone).await;
    let page = by_password(&person, &url).await;
    let to_phone = agreed(&person, &page, &digits).await;
    world.cuts.cut("/phone/enrollment", Cut::Answer, 2);
    assert_eq!(back(&phone, &ticket, to_phone).await, Err(Error::Offline));
    assert_eq!(phone.core().abandon(ticket.clone()).await, Err(Error::Offline), "nothing can be given up unasked");
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

/// Too late, or against the policy by now, while there was no network: whether gone on with or given up, it is over on
/// both sides.
#[tokio::test(flavor = "multi_thread")]
async fn j5_w4_what_the_service_takes_no_more_leaves_nothing() {
    let ways: [(Meanwhile, NotAllowed); 2] = [(late, NotAllowed::TooLate), (forbidden, NotAllowed::Policy)];
    for (happens, expected) in ways {
        for goes_on in [true, false] {
            let world = World::start().await.unwrap();
            let (person, phone) = (world.person().unwrap(), fresh_phone(&world, "phone").await);
            let (ticket, url, digits) = started(&world, &phone).await;
            let page = by_password(&person, &url).await;
            let to_phone = agreed(&person, &page, &digits).await;
            world.cuts.cut("/phone/enrollment", Cut::Before, 1);
            assert_eq!(back(&phone, &ticket, to_phone).await, Err(Error::Offline));
            happens(&world, &phone);
            if goes_on {
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
