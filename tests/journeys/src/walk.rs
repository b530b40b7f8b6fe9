//! The main job in one walk: from the web application to an added phone to a sign-in with a number, then without a
//! password, in a real browser, with a stock relying party. The demonstration shows it, a test asserts it.

mod without_password;

use countersign::{CodeInput, Outcome, Prompt, PromptKind, Step};

use crate::Trouble;
use crate::browser::Browser;
use crate::phone::TestPhone;
use crate::relying_party::{RelyingParty, free_port, return_address};
use crate::world::{PASSWORD, USER, World};

/// Claims that the relying party shows, in its order.
const CLAIMS: [&str; 7] = ["iss", "aud", "preferred_username", "sub", "amr", "acr", "nonce"];

/// What happened, and what it looked like.
pub enum Seen<'a> {
    /// A picture of the browser, PNG.
    Page(&'a [u8]),
    /// The terminal phone's words.
    Phone(String),
}

/// Called at each step with its name and what was seen.
pub type Watcher<'a> = dyn FnMut(&str, Seen<'_>) -> Result<(), Trouble> + Send + 'a;

struct Walk<'a, 'b> {
    browser: &'a Browser,
    phone: &'a TestPhone,
    watcher: &'a mut Watcher<'b>,
}

impl Walk<'_, '_> {
    async fn page(&mut self, step: &str) -> Result<Vec<u8>, Trouble> {
        let picture = self.browser.picture().await?;
        (self.watcher)(step, Seen::Page(&picture))?;
        Ok(picture)
    }

    async fn sign_in(&mut self, pictures: bool) -> Result<(), Trouble> {
        self.browser.wait_for_page("user-name").await?;
        self.browser.fill("user-name", USER).await?;
        if pictures {
            self.page("02 sign in").await?;
        }
        self.browser.click("next").await?;
        self.browser.wait_for_page("password").await?;
        self.browser.fill("password", PASSWORD).await?;
        if pictures {
            self.page("03 password").await?;
        }
        self.browser.click("next").await
    }

    /// The phone answers what it was asked, with the number that the page shows.
    async fn answer(&mut self, kind: PromptKind, step: &str) -> Result<(), Trouble> {
        let number = self.browser.number().await?;
        let prompt: Prompt = self.phone.prompt_of(kind).await?;
        (self.watcher)(step, Seen::Phone(self.phone.shows(&prompt).await?))?;
        crate::a_moment().await;
        match self.phone.core().approve(prompt.id().clone(), number).await? {
            Step::Done(Outcome::Approved) => Ok(()),
            other => Err(format!("not approved: {other:?}").into()),
        }
    }

    /// The claims on the relying party's page.
    async fn signed_in(&self, how: &'static str) -> Result<SignedIn, Trouble> {
        let mut claims = Vec::new();
        for name in CLAIMS {
            claims.push((name.to_owned(), self.browser.text(&format!("claim-{name}")).await?));
        }
        Ok(SignedIn { how, claims })
    }

    async fn add_phone(&mut self) -> Result<(), Trouble> {
        self.browser.wait_for_page("more-information").await?;
        self.page("04 more information required").await?;
        self.browser.click("next").await?;
        self.browser.wait_for_page("security-info").await?;
        self.page("05 security info").await?;
        self.browser.click("add-method").await?;
        self.browser.wait_for_page("install").await?;
        self.page("06 wizard install").await?;
        self.browser.click("next").await?;
        self.browser.wait_for("qr").await?;
        // All that the phone gets: a picture of the screen.
        let screen = self.page("07 wizard code").await?;
        let (ticket, digits) = self.phone.accept(CodeInput::Picture(screen)).await?;
        (self.watcher)("08 phone digits", Seen::Phone(self.phone.shows_digits(&digits).await?))?;
        self.browser.wait_for_page("digits").await?;
        self.browser.fill("digits", &digits).await?;
        self.page("09 wizard digits").await?;
        self.browser.click("confirm").await?;
        self.phone.activated(ticket).await?;
        self.browser.wait_for_page("confirm").await?;
        self.page("10 wizard confirmation").await?;
        self.answer(PromptKind::ConfirmEnrollment, "11 phone confirmation").await?;
        self.browser.wait_for_page("done").await?;
        self.page("12 wizard done").await?;
        Ok(())
    }
}

/// A way to sign in, and the claims that the relying party has then checked.
pub struct SignedIn {
    /// What was used.
    pub how: &'static str,
    /// Names and values.
    pub claims: Vec<(String, String)>,
}

/// Walks the whole way and returns the claims that the relying party has checked, for each way to sign in.
///
/// # Errors
/// The first thing that is not as it should be.
pub async fn whole_journey(watcher: &mut Watcher<'_>) -> Result<Vec<SignedIn>, Trouble> {
    let port = free_port()?;
    let world = World::start_with(Some(return_address(port))).await?;
    let relying_party = RelyingParty::start(port, world.issuer(), &world.authority).await?;
    let browser = Browser::start(world.ca()).await?;
    let phone = world.phone("Ada's phone").await?;
    let mut walk = Walk { browser: &browser, phone: &phone, watcher };
    let claims = steps(&mut walk, &relying_party)
        .await
        .map_err(|error| -> Trouble { format!("{error}\n{}", relying_party.log()).into() })?;
    browser.close().await?;
    drop(relying_party);
    world.stop().await;
    Ok(claims)
}

async fn steps(walk: &mut Walk<'_, '_>, relying_party: &RelyingParty) -> Result<Vec<SignedIn>, Trouble> {
    walk.browser.goto(&format!("{}/welcome.html", relying_party.url)).await?;
    walk.browser.wait_for_page("welcome").await?;
    walk.page("01 relying party").await?;
    walk.browser.click("sign-in").await?;
    walk.sign_in(true).await?;
    walk.add_phone().await?;
    walk.browser.click("continue").await?;
    walk.browser.wait_for_page("signed-in").await?;
    walk.page("13 signed in the first time").await?;
    // Another day, another browser: everything it knew is gone.
    walk.browser.forget().await?;
    forget_service(walk).await?;
    walk.browser.goto(&format!("{}/welcome.html", relying_party.url)).await?;
    walk.browser.click("sign-in").await?;
    walk.sign_in(false).await?;
    walk.browser.wait_for_page("number").await?;
    walk.page("14 sign-in number").await?;
    walk.answer(PromptKind::SecondFactor, "15 phone sign-in").await?;
    walk.browser.wait_for_page("signed-in").await?;
    walk.page("16 signed in").await?;
    let mut ways = vec![walk.signed_in("password and number").await?];
    ways.extend(without_password::steps(walk, relying_party).await?);
    Ok(ways)
}

/// WebDriver deletes cookies of the open page only, so a page of the service is opened first.
async fn forget_service(walk: &mut Walk<'_, '_>) -> Result<(), Trouble> {
    walk.browser.goto(walk.phone.issuer().await?.as_str()).await?;
    walk.browser.forget().await
}
