//! Tests journey J5 (adding an account inside the app) with a TLS interceptor that the phone trusts. The phone refuses
//! all changes by the interceptor, and stores nothing of a refused enrollment.
//!
//! Case: w4, adding is interrupted and continued.

use crate::common::{REDIRECT, account_of};
use crate::interceptor::{Asked, Reply as Interfered, Scene};
use countersign::{Error, Reply, Step};
use countersign_journeys::people::{PASSWORD, USER};
use serde_json::json;

/// Adds the account. Returns the next step, or the error of the phone.
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
async fn j5_responses_changed_by_an_interceptor_are_refused() {
    for (path, name, value, expected) in [
        ("/token", "token_type", json!("Bearer"), Error::InvalidAnswer),
        ("/token", "scope", json!("registration"), Error::InvalidAnswer),
        ("/token", "user_name", json!(""), Error::InvalidAnswer),
        ("/phone/enrollment", "account_id", json!("attacker"), Error::Impostor),
        ("/phone/enrollment", "keys", json!(["attacker"]), Error::Impostor),
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
    assert_eq!(
        step,
        Step::AccountAdded { account: account_of(&scene.phone).await },
        "unchanged responses were refused"
    );
    scene.stop().await;
}

/// The first bind fails. Then the person continues or abandons adding, and the second bind gets a forged response. In
/// both cases the phone refuses this response, and stores nothing of the enrollment.
#[tokio::test(flavor = "multi_thread")]
async fn j5_w4_a_forged_bind_response_leaves_no_data() {
    for continues in [true, false] {
        let scene = Scene::start().await;
        let core = scene.phone.core();
        scene.between.requests("/phone/enrollment", |_| Asked::Answered(Interfered::of(503, "text/plain", "later")));
        assert_eq!(added(&scene).await, Err(Error::Busy));
        let Step::EnrollmentInterrupted { ticket, .. } = core.pending_steps().await.unwrap().remove(0) else {
            panic!("the enrollment is not interrupted")
        };
        scene.between.honest();
        scene.between.alters("/phone/enrollment", "keys", json!(["attacker"]));
        if continues {
            assert_eq!(core.continue_enrollment(ticket).await, Err(Error::Impostor));
        } else {
            assert_eq!(core.abandon(ticket).await, Ok(()));
        }
        let snapshot = core.snapshot().await.unwrap();
        assert!(snapshot.accounts.is_empty() && snapshot.pending.is_empty(), "{snapshot:?}");
        scene.stop().await;
    }
}
