//! A TLS interceptor whom the phone's platform trusts, while an account is added by signing in: whatever he changes in
//! the answers, nothing of it is believed and nothing is left.

use crate::common::{REDIRECT, account_of};
use crate::interceptor::{Asked, Reply as Interfered, Scene};
use countersign::{Error, Reply, Step};
use countersign_journeys::people::{PASSWORD, USER};
use serde_json::json;

/// Adds the account, as far as it goes.
async fn added(scene: &Scene) -> Result<Step, Error> {
    let (core, person) = (scene.phone.core(), scene.another_person());
    let step = core.add_by_signing_in(scene.world.issuer().to_owned(), REDIRECT.to_owned()).await?;
    let Step::OpenBrowser { ticket, url, digits: Some(digits), .. } = step else { panic!("{step:?}") };
    let page = person.open(&url).await.unwrap();
    let page = person.enter_password(&page, USER, PASSWORD).await.unwrap();
    let back = person.press(&page, "register", &[("digits", &digits)]).await.unwrap().address;
    core.provide(ticket, Reply::Redirected { url: back }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn j5_an_interceptor_changes_no_answer() {
    for (path, name, value, expected) in [
        ("/token", "token_type", json!("Bearer"), Error::InvalidAnswer),
        ("/token", "scope", json!("registration"), Error::InvalidAnswer),
        ("/token", "user_name", json!(""), Error::InvalidAnswer),
        ("/phone/enrollment", "account_id", json!("his"), Error::Impostor),
        ("/phone/enrollment", "keys", json!(["his"]), Error::Impostor),
    ] {
        let scene = Scene::start().await;
        scene.between.alters(path, name, value);
        assert_eq!(added(&scene).await, Err(expected), "{name} of {path}");
        let snapshot = scene.phone.core().snapshot().await.unwrap();
        assert!(snapshot.accounts.is_empty() && snapshot.pending.is_empty(), "{name} of {path}: {snapshot:?}");
        scene.stop().await;
    }
    let scene = Scene::start().await;
    let step = added(&scene).await.unwrap();
    assert_eq!(step, Step::AccountAdded { account: account_of(&scene.phone).await }, "what he passes on works");
    scene.stop().await;
}

/// What an impostor says to a phone that goes on, or gives up, is not believed either, and nothing is left of it.
#[tokio::test(flavor = "multi_thread")]
async fn j5_w4_an_impostor_at_the_last_step_leaves_nothing() {
    for goes_on in [true, false] {
        let scene = Scene::start().await;
        let core = scene.phone.core();
        scene.between.requests("/phone/enrollment", |_| Asked::Answered(Interfered::of(503, "text/plain", "later")));
        assert_eq!(added(&scene).await, Err(Error::Busy));
        let Step::EnrollmentInterrupted { ticket, .. } = core.pending_steps().await.unwrap().remove(0) else {
            panic!("it waits for the service")
        };
        scene.between.honest();
        scene.between.alters("/phone/enrollment", "keys", json!(["his"]));
        if goes_on {
            assert_eq!(core.continue_enrollment(ticket).await, Err(Error::Impostor));
        } else {
            assert_eq!(core.abandon(ticket).await, Ok(()));
        }
        let snapshot = core.snapshot().await.unwrap();
        assert!(snapshot.accounts.is_empty() && snapshot.pending.is_empty(), "{snapshot:?}");
        scene.stop().await;
    }
}
