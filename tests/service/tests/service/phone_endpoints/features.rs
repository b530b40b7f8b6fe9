//! Tests the member `features` (protocol section 12): the service stores what a phone names, names its own features,
//! and sends a prompt of a new kind only to phones that know it.

use countersign_service::devices::device::Device;
use countersign_service::features::Feature;
use countersign_service::people::person::Person;
use countersign_service::prompts::acts::{self, NotStarted, Wanted};
use countersign_service::prompts::ceremony::{Ceremony, Kind, Origin, Owner};
use countersign_service::verdict::Verdict;
use serde_json::{Value, json};

use super::phone::{Phone, verified, with};
use super::service::Service;

const ACTS: [Kind; 13] = [
    Kind::AddPerson,
    Kind::DeletePerson,
    Kind::SuspendPerson,
    Kind::ResumePerson,
    Kind::CreatePassForPerson,
    Kind::UnblockPerson,
    Kind::ChangeGroups,
    Kind::MakeAdministrator,
    Kind::RemoveAdministrator,
    Kind::ReportLostForPerson,
    Kind::ResetPerson,
    Kind::ChangePolicy,
    Kind::CreateApiToken,
];
const STEP_UPS: [Kind; 4] = [Kind::AddMethod, Kind::RemoveMethod, Kind::CreatePass, Kind::ReportLost];

impl Service {
    fn device(&self, phone: &Phone) -> Device {
        self.app.store.global_blocking(|tx| tx.get(&phone.device_id)).unwrap().unwrap()
    }

    fn make_administrator(&self, is_administrator: bool) {
        let change = |person: &mut Person| person.is_administrator = is_administrator;
        let changed = self.app.store.global_blocking(|tx| tx.update(&self.account, change));
        assert_eq!(changed.unwrap(), Verdict::Granted(()));
    }

    fn wanted_act(&self) -> Wanted {
        let mut wanted = self.wanted("a");
        (wanted.kind, wanted.origin) = (Kind::SuspendPerson, Origin::SignedIn);
        wanted.owner = Owner::Session("session".to_owned());
        wanted.context.about = Some("bob".to_owned());
        wanted
    }

    async fn start_act(&self) -> Result<Ceremony, NotStarted> {
        acts::start(&self.app, self.wanted_act()).await.unwrap().into_result()
    }
}

impl Phone {
    async fn fetch_naming(&self, service: &Service, features: Value) -> Value {
        self.state(service, "prompts", with(Self::fetch("ok", &[], 0), "features", features)).await
    }
}

#[tokio::test]
async fn service_stores_the_newest_features_of_a_phone() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    assert_eq!(service.device(&phone).features, Vec::<String>::new(), "the phone named no features in its bind");
    phone.fetch_naming(&service, json!(["later", "administration"])).await;
    assert_eq!(service.device(&phone).features, ["later", "administration"]);
    assert!(service.device(&phone).knows(Feature::Administration));
    phone.state(&service, "device", json!({"message": "unblock"})).await;
    assert!(service.device(&phone).knows(Feature::Administration), "a request without the member changed the list");
    phone.fetched(&service).await;
    assert!(!service.device(&phone).knows(Feature::Administration), "an older app still counts as one that knows more");
}

#[tokio::test]
async fn features_in_a_bind_by_code_or_token_are_stored() {
    let service = Service::start().await;
    let (mut by_code, mut by_token) = (Phone::new(1), Phone::new(2));
    let code = service.scanned().await;
    let claims = with(by_code.bind_claims(&service, &code), "features", json!(["administration"]));
    let bound = service.post("enrollment", by_code.sign(&by_code.bind_header(), &claims)).await;
    by_code.device_id = bound.json()["device_id"].as_str().unwrap().to_owned();
    assert_eq!(service.device(&by_code).features, ["administration"]);

    let token = by_token.phone_token(&service).await;
    let claims = with(by_token.add_claims(&service, &token), "features", json!(["administration"]));
    let added = by_token.add(&service, &claims).await;
    by_token.device_id = added.json()["device_id"].as_str().unwrap().to_owned();
    assert_eq!(service.device(&by_token).features, ["administration"]);
}

#[tokio::test]
async fn malformed_features_change_nothing() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    phone.fetch_naming(&service, json!(["administration"])).await;
    let code = service.scanned_in("another").await;
    let bind = Phone::new(3);
    for malformed in [json!("administration"), json!(["a", "a"]), json!([""]), json!(["A"]), json!([1])] {
        let fetch = with(Phone::fetch("ok", &[], 0), "features", malformed.clone());
        let answer = phone.send(&service, "prompts", fetch).await;
        assert_eq!((answer.status, answer.problem().as_str()), (401, "request-refused"), "{malformed}");
        let claims = with(bind.bind_claims(&service, &code), "features", malformed.clone());
        let answer = service.post("enrollment", bind.sign(&bind.bind_header(), &claims)).await;
        assert_eq!((answer.status, answer.problem().as_str()), (401, "request-refused"), "{malformed}");
    }
    assert_eq!(service.device(&phone).features, ["administration"]);
}

#[tokio::test]
async fn service_names_its_features() {
    let service = Service::start().await;
    let known = json!(["administration"]);
    let (mut phone, mut by_token) = (Phone::new(1), Phone::new(2));
    let code = service.scanned().await;
    let looked_up = service.post("look-up", phone.look_up(&code, "AAAAAAAAAAAAAAAAAAAAAA").to_string()).await;
    assert_eq!(looked_up.json()["features"], known);
    phone.bind(&service, &code).await;
    let pending = phone.state(&service, "prompts", Phone::fetch("pending", &[], 0)).await;
    assert_eq!((&pending["status"], &pending["features"]), (&json!("pending"), &known));

    let token = by_token.phone_token(&service).await;
    assert_eq!(token["features"], known);
    let added = by_token.add(&service, &by_token.add_claims(&service, &token)).await.json();
    assert_eq!(added["turn_on"]["features"], known);
    by_token.device_id = added["device_id"].as_str().unwrap().to_owned();
    assert_eq!(by_token.fetched(&service).await["features"], known);
    let removed = by_token.state(&service, "device", json!({"message": "unenroll"})).await;
    assert_eq!((&removed["status"], &removed["features"]), (&json!("removed"), &known));
}

#[tokio::test]
async fn removed_phone_has_no_features() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    phone.fetch_naming(&service, json!(["administration"])).await;
    phone.state(&service, "device", json!({"message": "unenroll"})).await;
    phone.fetch_naming(&service, json!(["administration"])).await;
    assert_eq!(service.device(&phone).features, Vec::<String>::new());
}

#[tokio::test]
async fn a_phone_gets_only_prompts_of_kinds_that_it_knows() {
    let service = Service::start().await;
    let (old, new) = (service.with_phone(1).await, service.with_phone(2).await);
    new.fetch_naming(&service, json!(["administration"])).await;
    let (old_device, new_device, now) = (service.device(&old), service.device(&new), service.now());
    for kind in ACTS {
        assert_eq!(kind.feature(), Some(Feature::Administration), "{kind:?}");
        assert_eq!(old_device.answers(kind, now), None, "{kind:?}");
        assert_eq!(new_device.answers(kind, now), new_device.answers(Kind::AddMethod, now), "{kind:?}");
    }
    for kind in STEP_UPS {
        assert_eq!(kind.feature(), None, "{kind:?}");
        assert!(old_device.answers(kind, now).is_some(), "{kind:?}");
    }

    service.make_administrator(true);
    service.start_act().await.unwrap();
    assert_eq!(old.fetched(&service).await["prompts"], json!([]));
    let listed = new.fetch_naming(&service, json!(["administration"])).await;
    let claims = verified(&service, listed["prompts"][0].as_str().unwrap(), "phone-prompt+jwt");
    assert_eq!((&claims["kind"], &claims["context"]["about"]), (&json!("suspend_person"), &json!("bob")));
    // The person has installed an older app, which does not know the kind.
    assert_eq!(new.fetched(&service).await["prompts"], json!([]));
}

#[tokio::test]
async fn without_a_phone_that_knows_the_kind_no_ceremony_starts() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    service.make_administrator(true);
    assert_eq!(service.start_act().await.err(), Some(NotStarted::OldApp));
    phone.fetch_naming(&service, json!(["administration"])).await;
    assert!(service.start_act().await.is_ok());
}

#[tokio::test]
async fn only_an_administrator_approves_administrative_acts() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let fetch = || phone.fetch_naming(&service, json!(["administration"]));
    fetch().await;
    assert_eq!(service.start_act().await.err(), Some(NotStarted::NoPhone));
    service.make_administrator(true);
    let ceremony = service.start_act().await.unwrap();
    let prompt = fetch().await["prompts"][0].as_str().unwrap().to_owned();
    service.make_administrator(false);
    assert_eq!(phone.approve(&service, &prompt, &ceremony.number).await, "cancelled");
}

#[tokio::test]
async fn other_prompts_have_no_about() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    service.ask("a").await;
    let claims = verified(&service, &phone.prompt(&service).await, "phone-prompt+jwt");
    assert_eq!(claims["context"].get("about"), None);
}

/// The longest prompt of an administrative act fits into a push.
#[tokio::test]
async fn longest_administrative_act_fits_a_push() {
    let label = "a".repeat(63);
    let issuer = format!("https://{label}.{label}.{label}.{}", "b".repeat(61));
    let service = Service::called(&issuer, Vec::new(), String::new()).await;
    let phone = service.with_phone(1).await;
    phone.fetch_naming(&service, json!(["administration"])).await;
    service.make_administrator(true);
    let mut wanted = service.wanted_act();
    wanted.kind = Kind::ReportLostForPerson;
    wanted.context.application = "\u{1F600}".repeat(128);
    wanted.context.about = Some("\u{1F600}".repeat(128));
    (wanted.context.browser, wanted.context.os) = ("b".repeat(40), "o".repeat(40));
    wanted.context.address = "2001:db8:1234:5678:9abc:def0:1234:5678".to_owned();
    acts::start(&service.app, wanted).await.unwrap().into_result().unwrap();
    let listed = phone.fetch_naming(&service, json!(["administration"])).await;
    let length = listed["prompts"][0].as_str().unwrap().len();
    assert!(length <= 2_700, "{length} bytes");
}
