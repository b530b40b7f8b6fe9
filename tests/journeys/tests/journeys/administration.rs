//! An administrative act, from the service to the phone and back: the phone has named the feature, the prompt arrives
//! by push and says whom the act concerns, and the approval reaches the service (protocol section 12).

use crate::common::confirmed;
use countersign::{Outcome, PromptKind, Step};
use countersign_journeys::World;
use countersign_journeys::people::USER;
use countersign_service::devices::device::Device;
use countersign_service::operator;
use countersign_service::people::records::find;
use countersign_service::prompts::acts::{Only, Wanted, look, start};
use countersign_service::prompts::ceremony::{self, Kind, Origin, Owner};

fn wanted(account_id: String, owner: Owner) -> Wanted {
    let context = ceremony::Context {
        application: "Administration".to_owned(),
        browser: "Firefox".to_owned(),
        os: "Linux".to_owned(),
        address: "127.0.0.1".to_owned(),
        about: Some("grace".to_owned()),
    };
    Wanted {
        account_id,
        owner,
        known_browser: None,
        kind: Kind::SuspendPerson,
        origin: Origin::SignedIn,
        context,
        network: "127.0.0.0/24".to_owned(),
        drawn: None,
        proven: None,
        change: None,
        only: Only::All,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_approves_an_act_on_the_phone() {
    let world = World::start().await.unwrap();
    let phone = world.phone("phone").await.unwrap();
    confirmed(&world, &world.person().unwrap(), &phone).await;
    let (store, now) = (world.app.store.clone(), world.app.clock.now());
    let (account_id, devices) = tokio::task::spawn_blocking(move || {
        operator::set_administrator(&store, USER, true, now).unwrap();
        let account_id = store.global_blocking(|tx| find(tx, USER)).unwrap().unwrap().account_id;
        let devices: Vec<Device> = store.global_blocking(|tx| tx.children(&account_id)).unwrap();
        (account_id, devices)
    })
    .await
    .unwrap();
    let named: Vec<&[String]> = devices.iter().map(|device| device.features.as_slice()).collect();
    assert_eq!(named, [["administration".to_owned()]], "the phone did not name its features");

    let owner = Owner::Session("the session of the administrator".to_owned());
    let started = start(&world.app, wanted(account_id, owner.clone())).await.unwrap().into_result().unwrap();
    let prompt = phone.prompt_of(PromptKind::SuspendPerson).await.unwrap();
    assert_eq!(prompt.context().about.as_deref(), Some("grace"));
    let step = phone.core().approve(prompt.id().clone(), started.number).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    let decided = look(&world.app, started.id, owner).await.unwrap().unwrap();
    assert_eq!(decided.outcome, Some(ceremony::Outcome::Approved));
    world.stop().await;
}
