//! Scenes in which Alice adds a phone, by signing in and by the wizard, while Mallory tries to add a phone too.

use countersign_service::clock::MINUTE;

use crate::scene::Scene;
use crate::steps::{Act, Browser, Event, Phone, Secret, State, Wish};
use crate::world::ALICE;

const MALLORY: Browser = Browser::Mallory;

/// The steps that a browser and its new phone need to add the phone by signing in.
fn by_signing_in(browser: Browser, phone: Phone) -> [Event; 4] {
    [Event::Open(browser, phone), Event::Agree(browser, phone), Event::Redeem(phone), Event::UseToken(phone)]
}

/// The steps that a session and its new phone need to add the phone by the wizard.
fn by_wizard(browser: Browser, phone: Phone) -> [Event; 3] {
    [Event::Wizard(browser), Event::Bind(phone, browser), Event::Digits(browser, phone)]
}

fn has(phone: Phone) -> impl Fn(&State) -> bool {
    move |state| phone.active(&state.rows).is_some_and(|device| device.account_id == ALICE)
}

fn alice_has_a_new_phone(_: &Scene, state: &State) -> bool {
    has(Phone::AlicesNew)(state)
}

fn mallory_has_a_phone(_: &Scene, state: &State) -> bool {
    has(Phone::MallorysNew)(state)
}

/// Alice's account has no phone, and Mallory knows the password. Both add a phone by signing in. The operator may require
/// a pass, or turn the policy off, at any time.
#[must_use]
pub fn first_by_signing_in() -> Scene {
    let (alice, mallory) = ((Browser::Alice, Phone::AlicesNew), (MALLORY, Phone::MallorysNew));
    let mut scene = Scene::new(&[], &[], |_alice| {}).moments(&[0, 11 * MINUTE]);
    for (browser, phone) in [alice, mallory] {
        scene = scene.step(1, Event::Push(phone)).step(1, Event::Type(browser, Secret::Password));
        scene = scene.steps(by_signing_in(browser, phone));
    }
    scene
        .step(1, Event::Operate(Act::NeedPass(true)))
        .step(1, Event::Operate(Act::TurnOff))
        .goal("Alice can add a first phone by signing in", alice_has_a_new_phone)
        .goal("Mallory can be first with the password", mallory_has_a_phone)
}

/// Alice's account has no phone, and Mallory knows the password. Both add a phone by the wizard.
#[must_use]
pub fn first_by_wizard() -> Scene {
    let mut scene = Scene::new(&[], &[], |_alice| {}).moments(&[0, 11 * MINUTE]);
    for (browser, phone) in [(Browser::Alice, Phone::AlicesNew), (MALLORY, Phone::MallorysNew)] {
        scene = scene.step(1, Event::Type(browser, Secret::Password)).step(1, Event::FirstSession(browser));
        scene = scene.steps(by_wizard(browser, phone));
    }
    scene
        .step(1, Event::Operate(Act::NeedPass(true)))
        .step(1, Event::Operate(Act::TurnOff))
        .goal("Alice can add a first phone by the wizard", alice_has_a_new_phone)
        .goal("Mallory can be first with the password", mallory_has_a_phone)
}

/// Alice has a phone and adds another one by signing in. Mallory knows the password, and Alice approves one prompt of
/// Mallory by mistake. Alice may report that prompt at any later time.
#[must_use]
pub fn another_by_signing_in() -> Scene {
    let mut scene = Scene::new(&[(Phone::Alices, ALICE)], &[], |_alice| {}).with_one_mistake();
    for (browser, phone) in [(Browser::Alice, Phone::AlicesNew), (MALLORY, Phone::MallorysNew)] {
        scene = scene.step(1, Event::Push(phone)).step(1, Event::Type(browser, Secret::Password));
        scene = scene.step(1, Event::Ask(browser)).steps(by_signing_in(browser, phone));
    }
    scene
        .goal("Alice can add another phone by signing in", alice_has_a_new_phone)
        .goal("Mallory can add a phone with an approval", mallory_has_a_phone)
}

/// Alice has a phone and adds another one by the wizard. Mallory has the cookie of Alice's session, and Alice approves
/// one prompt of Mallory by mistake.
#[must_use]
pub fn another_in_a_stolen_session() -> Scene {
    let stolen = Scene::session(Browser::Alice, ALICE);
    let scene = Scene::new(&[(Phone::Alices, ALICE)], &[stolen], |_alice| {}).with_one_mistake();
    scene
        .moments(&[0, 11 * MINUTE])
        .step(1, Event::StepUp(Browser::Alice, Browser::Alice, Wish::Add))
        .step(1, Event::StepUp(MALLORY, Browser::Alice, Wish::MakePass))
        .steps([Event::Finish(Browser::Alice)])
        .steps(by_wizard(Browser::Alice, Phone::AlicesNew))
        .steps([Event::Bind(Phone::MallorysNew, Browser::Alice)])
        .goal("Alice can add another phone by the wizard", alice_has_a_new_phone)
}

/// Mallory has the cookie of Alice's session, and Alice approves one prompt of Mallory by mistake: adding a phone.
/// Mallory tries to add two phones with this approval, by two wizards of this session. Alice may be suspended meanwhile.
#[must_use]
pub fn twice_with_one_approval() -> Scene {
    let stolen = Browser::Alice;
    let scene = Scene::new(&[(Phone::Alices, ALICE)], &[Scene::session(stolen, ALICE)], |_alice| {}).with_one_mistake();
    scene
        .step(1, Event::StepUp(MALLORY, stolen, Wish::Add))
        .steps(by_wizard(stolen, Phone::MallorysNew))
        .steps([Event::AnotherWizard(stolen), Event::Bind(Phone::Mallorys, MALLORY)])
        .steps([Event::Digits(MALLORY, Phone::Mallorys)])
        .step(1, Event::Operate(Act::Suspend(ALICE)))
        .step(1, Event::Operate(Act::Resume(ALICE)))
        .goal("Mallory can add a phone with an approval", mallory_has_a_phone)
}
