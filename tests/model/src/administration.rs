//! Scenes with administrative acts. Alice is an administrator.

use countersign_service::passes::pass::Pass;
use countersign_service::people::person::Person;
use countersign_service::policy::records::{ApiToken, PolicyRecord};
use countersign_service::provenance::Given;

use crate::scene::Scene;
use crate::steps::{Act, Browser, Event, Phone, Secret, State, Wish};
use crate::world::{ALICE, MALLORY, START};

const BY_MALLORY: [Browser; 2] = [Browser::Mallory, Browser::Alice];

fn administrator(person: &mut Person) {
    person.give_role(Given::by_operator(START));
}

/// Alice's phone and session, and those of Mallory's own account.
fn both() -> Scene {
    let phones = [(Phone::Alices, ALICE), (Phone::Mallorys, MALLORY)];
    let sessions = [Scene::session(Browser::Alice, ALICE), Scene::session(Browser::Mallory, MALLORY)];
    Scene::new(&phones, &sessions, administrator)
}

fn is_administrator(state: &State, account: &str) -> bool {
    state.rows.one::<Person>(account).is_administrator
}

/// Mallory has the cookie of the administrator's session, and Alice approves one prompt of Mallory by mistake. Mallory
/// wants the role of an administrator and an API token. Alice reports the prompt at any later time.
#[must_use]
pub fn role_in_a_stolen_session() -> Scene {
    let [by, session] = BY_MALLORY;
    both()
        .with_one_mistake()
        .step(1, Event::StepUp(by, session, Wish::Act(Act::MakeAdministrator(MALLORY))))
        .step(1, Event::StepUp(by, by, Wish::Act(Act::MakeApiToken)))
        .step(1, Event::StepUp(by, session, Wish::Act(Act::RemoveAdministrator(ALICE))))
        .step(1, Event::StepUp(Browser::Alice, Browser::Alice, Wish::Act(Act::RemoveAdministrator(MALLORY))))
        .steps([Event::Finish(Browser::Alice), Event::Finish(Browser::Mallory)])
        .goal("Mallory can get the role with an approval", |_, state| is_administrator(state, MALLORY))
        .goal("an administrator can get an API token", |_, state| !state.rows.all::<ApiToken>().is_empty())
        .goal("Alice can take the role from Mallory", |_, state| {
            let taken = Event::StepUp(Browser::Alice, Browser::Alice, Wish::Act(Act::RemoveAdministrator(MALLORY)));
            state.times(&taken) > 0 && is_administrator(state, ALICE) && !is_administrator(state, MALLORY)
        })
}

/// The administrator suspends Mallory and ends the suspension, while Mallory makes a pass and may get the role. An approval of one act may be
/// tried for another, because both browsers finish at any time.
#[must_use]
pub fn suspension() -> Scene {
    let (alice, mallory) = (Browser::Alice, Browser::Mallory);
    both()
        .step(1, Event::StepUp(alice, alice, Wish::Act(Act::Suspend(MALLORY))))
        .step(1, Event::StepUp(alice, alice, Wish::Act(Act::Resume(MALLORY))))
        .step(1, Event::StepUp(alice, alice, Wish::Act(Act::MakeAdministrator(MALLORY))))
        .step(1, Event::StepUp(mallory, mallory, Wish::MakePass))
        .steps([Event::Finish(alice), Event::Finish(mallory)])
        .goal("a suspended person can be resumed", |_, state| {
            let resumed = Event::StepUp(Browser::Alice, Browser::Alice, Wish::Act(Act::Resume(MALLORY)));
            state.times(&resumed) > 0 && !state.rows.one::<Person>(MALLORY).suspended
        })
}

/// The administrator changes the policy, and Alice approves one prompt of Mallory by mistake: a pass for Mallory. The
/// moments are before and after an approval expires.
#[must_use]
pub fn passes_and_policy() -> Scene {
    let alice = Browser::Alice;
    both()
        .with_one_mistake()
        .moments(&[0, 310])
        .step(1, Event::StepUp(Browser::Mallory, alice, Wish::Act(Act::MakePass(MALLORY))))
        .step(1, Event::StepUp(alice, alice, Wish::Act(Act::NeedPass(true))))
        .step(1, Event::Operate(Act::RemoveAdministrator(ALICE)))
        .step(1, Event::Operate(Act::Suspend(MALLORY)))
        .steps([Event::Finish(alice)])
        .goal("an administrator can change the policy", |_, state| !state.rows.all::<PolicyRecord>().is_empty())
        .goal("an administrator can make a pass", |_, state| !state.rows.all::<Pass>().is_empty())
}

/// Mallory has the cookie of the administrator's session. With an approval that Alice gave by mistake, Mallory adds a
/// phone to the administrator's account, and approves acts and a sign-in with it.
#[must_use]
pub fn role_by_a_phone() -> Scene {
    let mallory = Browser::Mallory;
    let scene = Scene::new(&[(Phone::Alices, ALICE)], &[Scene::session(Browser::Alice, ALICE)], administrator);
    scene
        .with_one_mistake()
        .step(1, Event::StepUp(mallory, Browser::Alice, Wish::Add))
        .steps([Event::Wizard(Browser::Alice), Event::Bind(Phone::MallorysNew, Browser::Alice)])
        .steps([Event::Digits(Browser::Alice, Phone::MallorysNew), Event::Finish(Browser::Alice)])
        .step(1, Event::StepUp(mallory, Browser::Alice, Wish::Act(Act::MakeAdministrator(MALLORY))))
        .step(1, Event::Type(mallory, Secret::Password))
        .step(1, Event::Ask(mallory))
        .steps([Event::SignIn(mallory)])
        .goal("Mallory can get the role by a phone", |_, state| is_administrator(state, MALLORY))
}
