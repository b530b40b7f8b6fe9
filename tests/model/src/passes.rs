//! Scenes with passes: made with an approval or by the operator, typed, used once, and ended.

use countersign_service::clock::MINUTE;
use countersign_service::passes::pass::Pass;

use crate::scene::Scene;
use crate::steps::{Act, Browser, Event, Phone, Secret, State, Wish};
use crate::world::ALICE;

/// Alice's account has no phone, and the policy requires a pass. The operator makes passes for Alice. Mallory knows the
/// password.
#[must_use]
pub fn by_the_operator() -> Scene {
    let (alice, mallory) = (Browser::Alice, Browser::Mallory);
    let need = Event::Operate(Act::NeedPass(true));
    let mut scene = Scene::new(&[], &[], |_alice| {}).moments(&[0, 61 * MINUTE]).step(1, need);
    scene = scene
        .step(2, Event::Operate(Act::MakePass(ALICE)))
        .step(2, Event::Type(alice, Secret::Pass))
        .steps([Event::FirstSession(alice), Event::Wizard(alice)])
        .steps([Event::Bind(Phone::AlicesNew, alice), Event::Digits(alice, Phone::AlicesNew)]);
    scene
        .step(1, Event::Type(mallory, Secret::Password))
        .steps([Event::FirstSession(mallory), Event::Wizard(mallory)])
        .goal("Alice can add a phone with a pass", alice_has_a_new_phone)
        .goal("a new pass can replace an unused pass", |_, state| state.times(&PASS) == 2 && unused(state) == 1)
}

const PASS: Event = Event::Operate(Act::MakePass(ALICE));

fn unused(state: &State) -> usize {
    state.rows.all::<Pass>().iter().filter(|pass| pass.used_at.is_none()).count()
}

fn alice_has_a_new_phone(_: &Scene, state: &State) -> bool {
    Phone::AlicesNew.active(&state.rows).is_some()
}

fn mallory_has_a_phone(_: &Scene, state: &State) -> bool {
    Phone::MallorysNew.active(&state.rows).is_some()
}

/// Mallory has the cookie of Alice's session. Alice approves one prompt of Mallory by mistake: a pass. With this pass,
/// Mallory adds a phone by the wizard, and tries to add a second one. Alice reports the prompt at any later time.
#[must_use]
pub fn in_a_stolen_session() -> Scene {
    let mallory = Browser::Mallory;
    let scene = Scene::new(&[(Phone::Alices, ALICE)], &[Scene::session(Browser::Alice, ALICE)], |_alice| {});
    scene
        .with_one_mistake()
        .step(1, Event::StepUp(mallory, Browser::Alice, Wish::MakePass))
        .steps([Event::Finish(Browser::Alice)])
        .step(2, Event::Type(mallory, Secret::Pass))
        .step(1, Event::FirstSession(mallory))
        .steps([Event::Wizard(mallory), Event::Bind(Phone::MallorysNew, mallory)])
        .steps([Event::Digits(mallory, Phone::MallorysNew)])
        .steps([Event::AnotherWizard(mallory), Event::Bind(Phone::Mallorys, Browser::Alice)])
        .steps([Event::Digits(Browser::Alice, Phone::Mallorys)])
        .goal("Mallory can add a phone with the pass", mallory_has_a_phone)
}

/// As above, but Mallory adds the phone by signing in.
#[must_use]
pub fn by_signing_in() -> Scene {
    let (mallory, phone) = (Browser::Mallory, Phone::MallorysNew);
    let scene = Scene::new(&[(Phone::Alices, ALICE)], &[Scene::session(Browser::Alice, ALICE)], |_alice| {});
    scene
        .with_one_mistake()
        .moments(&[0, 11 * MINUTE])
        .step(1, Event::StepUp(mallory, Browser::Alice, Wish::MakePass))
        .steps([Event::Finish(Browser::Alice)])
        .step(1, Event::Push(phone))
        .steps([Event::Open(mallory, phone), Event::Type(mallory, Secret::Pass), Event::FirstSession(mallory)])
        .steps([Event::Agree(mallory, phone), Event::Redeem(phone), Event::UseToken(phone)])
        .goal("Mallory can add a phone with the pass", mallory_has_a_phone)
}
