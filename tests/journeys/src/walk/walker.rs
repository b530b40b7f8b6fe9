//! Performs the steps that occur several times in the scenario, with one person's browser and phone.

use countersign::{CodeInput, FetchReason, Outcome, Prompt, PromptId, PromptKind, Step};

use crate::browser::Browser;
use crate::people::{PASSWORD, USER};
use crate::person::a_moment;
use crate::phone::TestPhone;
use crate::trouble::Trouble;

/// The claims that the relying party's page shows, in the order of the page.
const CLAIMS: [&str; 7] = ["iss", "aud", "preferred_username", "sub", "amr", "acr", "nonce"];

/// The output of a step.
pub enum Seen<'a> {
    /// A PNG picture of the browser's page.
    Page(&'a [u8]),
    /// The text that the terminal phone shows.
    Phone(String),
}

/// The function that is called at each step, with the step's name and output.
pub type Watcher<'a> = dyn FnMut(&str, Seen<'_>) -> Result<(), Trouble> + Send + 'a;

pub(super) struct Walk<'a, 'b> {
    pub(super) browser: &'a Browser,
    pub(super) phone: &'a TestPhone,
    pub(super) watcher: &'a mut Watcher<'b>,
}

impl Walk<'_, '_> {
    pub(super) async fn page(&mut self, step: &str) -> Result<Vec<u8>, Trouble> {
        let picture = self.browser.picture().await?;
        (self.watcher)(step, Seen::Page(&picture))?;
        Ok(picture)
    }

    /// Types the user name.
    pub(super) async fn name(&mut self, user: &str) -> Result<(), Trouble> {
        self.browser.wait_for_page("user-name").await?;
        self.browser.fill("user-name", user).await?;
        self.browser.click("next").await
    }

    pub(super) async fn sign_in(&mut self) -> Result<(), Trouble> {
        self.name(USER).await?;
        self.browser.wait_for_page("password").await?;
        self.browser.fill("password", PASSWORD).await?;
        self.browser.click("next").await
    }

    /// Signs in with the password that an administrator created, and chooses a new password.
    pub(super) async fn password_changed(&mut self, made: &str, own: &str) -> Result<(), Trouble> {
        self.browser.wait_for_page("password").await?;
        self.browser.fill("password", made).await?;
        self.page("password").await?;
        self.browser.click("next").await?;
        self.browser.wait_for_page("new-password").await?;
        self.browser.fill("password", own).await?;
        self.browser.fill("again", own).await?;
        self.page("new password").await?;
        self.browser.click("next").await
    }

    /// Waits for the prompt on the phone, and approves with the number that the page shows. Unlocks the sign-in key if
    /// the prompt needs it.
    pub(super) async fn approve(&mut self, kind: PromptKind, step: Option<&str>) -> Result<PromptId, Trouble> {
        self.browser.wait_for("number").await?;
        let number = self.browser.number().await?;
        let prompt: Prompt = self.phone.prompt_of(kind).await?;
        if let Some(step) = step {
            (self.watcher)(step, Seen::Phone(self.phone.shows(&prompt).await?))?;
        }
        a_moment().await;
        let answered = match self.phone.core().approve(prompt.id().clone(), number).await? {
            asked @ Step::Sign { .. } => self.phone.unlock(&asked).await?,
            answered => answered,
        };
        match answered {
            Step::Done { outcome: Outcome::Approved } => Ok(prompt.id().clone()),
            other => Err(format!("not approved: {other:?}").into()),
        }
    }

    /// Opens the app on the lost phone again. The phone shows why the account was removed.
    pub(super) async fn found_out(&mut self) -> Result<(), Trouble> {
        self.phone.core().check_for_prompts(FetchReason::Opened).await?;
        (self.watcher)("lost phone after it was removed", Seen::Phone(self.phone.shows_accounts().await?))
    }

    /// The claims on the relying party's page.
    pub(super) async fn signed_in(&self, how: &'static str) -> Result<SignedIn, Trouble> {
        let mut claims = Vec::new();
        for name in CLAIMS {
            claims.push((name.to_owned(), self.browser.text(&format!("claim-{name}")).await?));
        }
        Ok(SignedIn { how, claims })
    }

    pub(super) async fn add_phone(&mut self) -> Result<(), Trouble> {
        self.browser.wait_for_page("more-information").await?;
        self.page("more information required").await?;
        self.browser.click("next").await?;
        self.browser.wait_for_page("security-info").await?;
        self.page("security info").await?;
        self.browser.click("add-method").await?;
        self.browser.wait_for_page("install").await?;
        self.page("wizard install").await?;
        self.browser.click("next").await?;
        self.browser.wait_for("qr").await?;
        // The phone gets only a picture of the screen.
        let screen = self.page("wizard code").await?;
        let (ticket, digits) = self.phone.accept(CodeInput::Picture { bytes: screen }).await?;
        (self.watcher)("phone digits", Seen::Phone(self.phone.shows_digits(&digits).await?))?;
        self.browser.wait_for_page("digits").await?;
        self.browser.fill("digits", &digits).await?;
        self.page("wizard digits").await?;
        self.browser.click("confirm").await?;
        self.phone.activated(ticket).await?;
        self.browser.wait_for_page("confirm").await?;
        self.page("wizard confirmation").await?;
        self.approve(PromptKind::ConfirmEnrollment, Some("phone confirmation")).await?;
        self.browser.wait_for_page("done").await?;
        self.page("wizard done").await?;
        Ok(())
    }
}

/// A way to sign in, and the claims that the relying party has verified for it.
pub struct SignedIn {
    /// The means, for example "password and number".
    pub how: &'static str,
    /// Names and values.
    pub claims: Vec<(String, String)>,
}

/// Deletes the service's cookies. WebDriver deletes only cookies of the open page, so a page of the service is opened
/// first.
pub(super) async fn forget_service(walk: &mut Walk<'_, '_>, issuer: &str) -> Result<(), Trouble> {
    walk.browser.goto(issuer).await?;
    walk.browser.forget().await
}
