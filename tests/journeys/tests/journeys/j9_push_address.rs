//! J9: the address of pushes changes or ends; the service learns it, whatever happens in between.

use crate::common::confirmed;
use countersign::{FetchReason, Outcome, PromptKind, Step};
use countersign_journeys::cuts::Cut;
use countersign_journeys::people::USER;
use countersign_journeys::{TestPhone, World, a_moment};
use countersign_service::devices::device::Device;
use countersign_service::devices::records;
use countersign_service::people::records as people;

const DAY: u64 = 24 * 60 * 60;
/// The service's word counts at most once in this many seconds.
const REST: u64 = 5 * 60;

fn device(world: &World) -> Device {
    let found = world.app.store.run_blocking(|tx| {
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
    panic!("the service still has the old address")
}

async fn with_phone(world: &World) -> TestPhone {
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    confirmed(world, &person, &phone).await;
    phone
}

/// Time passes for everybody.
fn pass(world: &World, phone: &TestPhone, seconds: u64) {
    world.clock.advance(i64::try_from(seconds).unwrap());
    phone.clock.advance(seconds);
}

/// A request that nothing but a push can bring.
async fn a_push_arrives(world: &World, phone: &TestPhone) {
    world.cuts.cut("/phone/prompts", Cut::Before, usize::MAX);
    let page = world.person().unwrap().sign_in().await.unwrap();
    let prompt = phone.prompt_of(PromptKind::SecondFactor).await.unwrap();
    let step = phone.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    world.cuts.heal();
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_a_new_push_address_is_told_and_pushes_come_there() {
    let mut world = World::start().await.unwrap();
    let phone = with_phone(&world).await;
    let before = address(&world);
    world.replace_relay().await.unwrap();
    phone.core().push_address_changed().await.unwrap();
    another_address(&world, &before).await;
    a_push_arrives(&world, &phone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_a_push_address_that_ended_is_replaced_when_the_service_says_so() {
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
    assert!(device(&world).reachable_at().is_none(), "the relay knows the address no more");
    // Soon after the last one it is not renewed at the service's word, or a service could keep a phone busy.
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
    assert_eq!(address(&world), before, "not before the month is over");
    pass(&world, &phone, 2 * DAY);
    let phone = phone.restart().await.unwrap();
    let renewed = another_address(&world, &before).await;
    let phone = phone.restart().await.unwrap();
    a_moment().await;
    assert_eq!(address(&world), renewed, "and then not for another month");
    a_push_arrives(&world, &phone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_a_new_push_address_is_told_after_a_restart_and_once_for_all() {
    let mut world = World::start().await.unwrap();
    let phone = with_phone(&world).await;
    let before = address(&world);
    // No relay: the platform has no address yet; killed, and asked again when its pause is over.
    world.stop_relay().await;
    phone.core().push_address_changed().await.unwrap();
    a_moment().await;
    let phone = phone.restart().await.unwrap();
    a_moment().await;
    assert_eq!(address(&world), before);
    // No service: the address waits in the outbox; a newer one takes its place.
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

/// How many addresses wait to be told.
fn waiting(phone: &TestPhone) -> i64 {
    let database = rusqlite::Connection::open(phone.home().join("countersign.db")).unwrap();
    database.query_row("SELECT count(*) FROM outbox WHERE body LIKE '%push_address%'", [], |row| row.get(0)).unwrap()
}
