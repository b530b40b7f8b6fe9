//! Scenes in which rights are revoked at every moment while Mallory and Alice get and use them.

use countersign_service::people::person::Person;
use countersign_service::sign_in::session::Session;

use crate::scene::Scene;
use crate::steps::{Act, Browser, Event, Phone, Secret, State, Wish};
use crate::world::ALICE;

const MALLORY: Browser = Browser::Mallory;

/// What the operator does to Alice's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoking {
    /// Sets the password, which Alice then changes.
    Password,
    /// Suspends Alice, and ends the suspension.
    Suspension,
    /// Removes every phone.
    Reset,
    /// Reports Alice's phone lost.
    Loss,
    /// Turns the policy off. This ends nothing, but nobody may use the app.
    Policy,
}

fn revoked(scene: Scene, how: Revoking) -> Scene {
    match how {
        Revoking::Password => scene
            .step(1, Event::SetPassword)
            .step(1, Event::Type(Browser::Alice, Secret::Password))
            .steps([Event::ChangePassword(Browser::Alice), Event::ChangePassword(MALLORY)]),
        Revoking::Suspension => {
            scene.step(1, Event::Operate(Act::Suspend(ALICE))).step(1, Event::Operate(Act::Resume(ALICE)))
        }
        Revoking::Reset => scene.step(1, Event::Operate(Act::Reset(ALICE))),
        Revoking::Policy => scene.step(1, Event::Operate(Act::TurnOff)),
        Revoking::Loss => scene.step(1, Event::Operate(Act::Lose(ALICE, Phone::Alices))),
    }
}

/// Mallory knows the password, and Alice has approved one prompt of Mallory by mistake: a sign-in, or adding a phone by
/// signing in. Alice reports the prompt, or the operator revokes, at any later time.
#[must_use]
pub fn of_a_password_thief(how: Revoking) -> Scene {
    let scene = Scene::new(&[(Phone::Alices, ALICE)], &[], |_alice| {}).with_one_mistake();
    let scene = scene
        .step(1, Event::Push(Phone::MallorysNew))
        .step(2, Event::Type(MALLORY, Secret::Password))
        .step(2, Event::Ask(MALLORY))
        .steps([Event::Open(MALLORY, Phone::MallorysNew), Event::Agree(MALLORY, Phone::MallorysNew)])
        .steps([Event::Redeem(Phone::MallorysNew), Event::UseToken(Phone::MallorysNew), Event::SignIn(MALLORY)]);
    revoked(scene, how)
        .goal("Mallory can sign in with an approval", |_, state| {
            state.rows.maybe::<Session>(&MALLORY.session()).is_some()
        })
        .goal("Mallory can add a phone with an approval", mallory_has_a_phone)
}

/// Mallory has the cookie of Alice's session, and Alice has approved one prompt of Mallory by mistake: adding a phone, or
/// a pass.
#[must_use]
pub fn of_a_stolen_session(how: Revoking) -> Scene {
    let stolen = Browser::Alice;
    let scene = Scene::new(&[(Phone::Alices, ALICE)], &[Scene::session(stolen, ALICE)], |_alice| {}).with_one_mistake();
    let scene = scene
        .step(1, Event::StepUp(MALLORY, stolen, Wish::Add))
        .step(1, Event::StepUp(MALLORY, stolen, Wish::MakePass))
        .steps([Event::Finish(stolen), Event::Wizard(stolen), Event::Bind(Phone::MallorysNew, stolen)])
        .steps([Event::Digits(stolen, Phone::MallorysNew), Event::Type(MALLORY, Secret::Pass)])
        .steps([Event::FirstSession(MALLORY)]);
    revoked(scene, how).goal("Mallory can add a phone with an approval", mallory_has_a_phone)
}

fn mallory_has_a_phone(_: &Scene, state: &State) -> bool {
    Phone::MallorysNew.active(&state.rows).is_some()
}

/// Alice has two phones. In Alice's session, Alice removes one of them or reports it lost while Mallory, who has the
/// cookie of this session, adds a phone with an approval that Alice gave by mistake.
#[must_use]
pub fn by_the_owner() -> Scene {
    let alice = Browser::Alice;
    let phones = [(Phone::Alices, ALICE), (Phone::AlicesNew, ALICE)];
    let scene = Scene::new(&phones, &[Scene::session(alice, ALICE)], |_alice| {}).with_one_mistake();
    scene
        .step(1, Event::StepUp(MALLORY, alice, Wish::Add))
        .steps([Event::Wizard(alice), Event::Bind(Phone::MallorysNew, alice), Event::Digits(alice, Phone::MallorysNew)])
        .step(1, Event::StepUp(alice, alice, Wish::Remove(Phone::AlicesNew)))
        .step(1, Event::StepUp(alice, alice, Wish::Lose(Phone::AlicesNew)))
        .steps([Event::Finish(alice)])
        .goal("Alice can remove a phone", |_, state| Phone::AlicesNew.active(&state.rows).is_none())
        .goal("Alice can stay signed in", |_, state| state.rows.one::<Person>(ALICE).reported_at.is_none())
}
