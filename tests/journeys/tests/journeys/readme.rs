//! Runs the README's Rust example against the real service.

use std::time::Duration;

use crate::common::scanned;
use countersign::{Authenticator, CodeInput, EnrollmentEnd, Error, Offer, Outcome, Prompt, PromptState, Scanned, Step};
use countersign_journeys::{PageView, Person, World, qr};

/// The parts of an app that the example needs: the camera and the screens.
trait Screen {
    async fn photograph(&self) -> Vec<u8>;
    async fn accepts(&self, offer: &Offer) -> bool;
    async fn show_digits(&self, digits: &str);
    async fn show_end(&self, end: EnrollmentEnd);
    async fn ask_number(&self, prompt: &Prompt) -> Option<String>;
}

// README: begin
async fn add_account(core: &Authenticator, screen: &impl Screen) -> Result<(), Error> {
    let picture = CodeInput::Picture { bytes: screen.photograph().await };
    if let Scanned::Invite(invite) = core.read_code(picture).await? {
        let offer = core.look_up(invite).await?; // who is asking: verified host, claimed user name
        if screen.accepts(&offer).await
            && let Step::ShowDigits { ticket, digits, .. } = core.enroll(offer).await?
        {
            screen.show_digits(&digits).await; // the person types them into the page
            screen.show_end(core.wait_for_activation(ticket).await?).await;
        }
    }
    Ok(())
}
async fn answer_next_prompt(core: &Authenticator, screen: &impl Screen) -> Result<Step, Error> {
    let mut shown = core.snapshot().await?;
    loop {
        if let Some(prompt) = shown.prompts.iter().find(|prompt| prompt.state() == PromptState::Open) {
            return match screen.ask_number(prompt).await {
                Some(number) => core.approve(prompt.id().clone(), number).await,
                None => core.deny(prompt.id().clone()).await,
            };
        }
        shown = core.changed_since(shown.revision, Duration::from_secs(60)).await?;
    }
}
// README: end

/// Ada with a browser. `approves` says whether Ada approves the prompt or denies it.
struct Ada {
    person: Person,
    wizard: PageView,
    approves: bool,
}

impl Screen for Ada {
    async fn photograph(&self) -> Vec<u8> {
        qr::screenshot_of(&scanned(&self.wizard)).unwrap()
    }

    async fn accepts(&self, offer: &Offer) -> bool {
        offer.user_name() == "ada@example.org"
    }

    async fn show_digits(&self, digits: &str) {
        let page = self.person.page_after("/security-info/add/code", "code").await.unwrap();
        self.person.press(&page, "confirm", &[("digits", digits)]).await.unwrap();
    }

    async fn show_end(&self, end: EnrollmentEnd) {
        assert!(matches!(end, EnrollmentEnd::Active { .. }), "{end:?}");
    }

    async fn ask_number(&self, _prompt: &Prompt) -> Option<String> {
        let page = self.person.open("/security-info/add/code").await.unwrap();
        self.approves.then(|| page.number().unwrap())
    }
}

async fn outcome_when(approves: bool) -> Step {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    let ada = Ada { wizard: person.wizard().await.unwrap(), person, approves };
    add_account(phone.core(), &ada).await.unwrap();
    let step = answer_next_prompt(phone.core(), &ada).await.unwrap();
    world.stop().await;
    step
}

#[tokio::test(flavor = "multi_thread")]
async fn readme_example_adds_an_account_and_approves() {
    assert_eq!(outcome_when(true).await, Step::Done { outcome: Outcome::Approved });
}

#[tokio::test(flavor = "multi_thread")]
async fn readme_example_adds_an_account_and_denies() {
    assert_eq!(outcome_when(false).await, Step::Done { outcome: Outcome::Denied });
}
