//! Journey J9: the phone's situation changes. Here the push address changes or ends, and the service gets the new push
//! address, also after failures.

use crate::common::confirmed;
use countersign::{FetchReason, Outcome, PromptKind, Step};
use countersign_journeys::cuts::Cut;
use countersign_journeys::people::USER;
use countersign_journeys::{TestPhone, World, a_moment};
use countersign_service::devices::device::Device;
use countersign_service::devices::records;
use countersign_service::people::records as people;

const DAY: u64 = 24 * 60 * 60;
/// The phone replaces its push address at the service's request at most once in this many seconds.
const REST: u64 = 5 * 60;

fn device(world: &World) -> Device {
    let found = world.app.store.global_blocking(|tx| {
        let ada = people::find(tx, USER)?.unwrap();
        records::active(tx, &ada.account_id)
    });
    found.unwrap().remove(0)
}

fn address(world: &World) -> String {
    device(world).push.unwrap().endpoint
}

async fn another_address(world: &World, before: &str) -> String {
    for _try in 0..100 {
        let now = address(world);
        if now != before {
            return now;
        }
        a_moment().await;
    }
    panic!("the service still has the old push address")
}

async fn with_phone(world: &World) -> TestPhone {
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    confirmed(world, &person, &phone).await;
    phone
}

/// Advances the clocks of service and phone.
fn pass(world: &World, phone: &TestPhone, seconds: u64) {
    world.clock.advance(i64::try_from(seconds).unwrap());
    phone.clock.advance(seconds);
}

/// Checks that a prompt arrives by push, with fetching blocked.
async fn a_push_arrives(world: &World, phone: &TestPhone) {
    world.cuts.cut("/phone/prompts", Cut::Before, usize::MAX);
    let page = world.person().unwrap().sign_in().await.unwrap();
    let prompt = phone.prompt_of(PromptKind::SecondFactor).await.unwrap();
    let step = phone.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    world.cuts.heal();
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_a_new_push_address_is_sent_to_the_service_and_used() {
    let mut world = World::start().await.unwrap();
    let phone = with_phone(&world).await;
    let before = address(&world);
    world.replace_relay().await.unwrap();
    phone.core().push_address_changed().await.unwrap();
    another_address(&world, &before).await;
    a_push_arrives(&world, &phone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_an_ended_push_address_is_replaced_at_the_services_request() {
    let mut world = World::start().await.unwrap();
    let phone = with_phone(&world).await;
    let before = address(&world);
    world.replace_relay().await.unwrap();
    let browser = world.person().unwrap();
    browser.sign_in().await.unwrap();
    for _try in 0..100 {
        if device(&world).reachable_at().is_none() {
            break;
        }
        a_moment().await;
    }
    assert!(device(&world).reachable_at().is_none(), "the service has not noticed that the push address ended");
    // The phone's push address is less than five minutes old, so the phone does not replace the address yet. Otherwise
    // a service could keep the phone busy.
    phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    a_moment().await;
    assert_eq!(address(&world), before);
    pass(&world, &phone, REST + 60);
    phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    another_address(&world, &before).await;
    assert!(device(&world).reachable_at().is_some());
    a_push_arrives(&world, &phone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_push_addresses_are_renewed_each_month() {
    let world = World::start().await.unwrap();
    let phone = with_phone(&world).await;
    let before = address(&world);
    pass(&world, &phone, 29 * DAY);
    let phone = phone.restart().await.unwrap();
    a_moment().await;
    assert_eq!(address(&world), before, "the push address was renewed before the month was over");
    pass(&world, &phone, 2 * DAY);
    let phone = phone.restart().await.unwrap();
    let renewed = another_address(&world, &before).await;
    let phone = phone.restart().await.unwrap();
    a_moment().await;
    assert_eq!(address(&world), renewed, "the push address was renewed twice in a month");
    a_push_arrives(&world, &phone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_only_the_newest_push_address_is_sent_after_a_restart() {
    let mut world = World::start().await.unwrap();
    let phone = with_phone(&world).await;
    let before = address(&world);
    // The relay is stopped, so the phone gets no new push address. The phone restarts, and asks again after a pause.
    world.stop_relay().await;
    phone.core().push_address_changed().await.unwrap();
    a_moment().await;
    let phone = phone.restart().await.unwrap();
    a_moment().await;
    assert_eq!(address(&world), before);
    // The service can't be reached, so the new push address waits in the outbox. A newer push address replaces the
    // waiting one.
    world.cuts.cut("/phone/device", Cut::Before, usize::MAX);
    world.restart_relay().await.unwrap();
    pass(&world, &phone, REST + 60);
    let phone = phone.restart().await.unwrap();
    a_moment().await;
    phone.core().push_address_changed().await.unwrap();
    a_moment().await;
    assert_eq!(waiting(&phone), 1);
    world.cuts.heal();
    pass(&world, &phone, 120);
    let phone = phone.restart().await.unwrap();
    another_address(&world, &before).await;
    a_push_arrives(&world, &phone).await;
    assert_eq!(waiting(&phone), 0);
}

/// The number of new push addresses that wait in the outbox.
fn waiting(phone: &TestPhone) -> i64 {
    let database = rusqlite::Connection::open(phone.home().join("countersign.db")).unwrap();
    database.query_row("SELECT count(*) FROM outbox WHERE body LIKE '%push_address%'", [], |row| row.get(0)).unwrap()
}
