//! The main job in one walk: from the administrator's policy to an added phone to a sign-in with a number, then
//! without a password, to a lost phone and a new one, in real browsers, with a stock relying party. The demonstration
//! shows it, a test asserts it.

mod administrator;
mod from_the_app;
mod without_password;

use countersign::{CodeInput, FetchReason, Outcome, Prompt, PromptId, PromptKind, Step};

use crate::Trouble;
use crate::browser::Browser;
use crate::people::{PASSWORD, USER};
use crate::phone::TestPhone;
use crate::relying_party::{RelyingParty, free_port, return_address};
use crate::world::World;

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

    /// The person says who they are.
    async fn name(&mut self, user: &str) -> Result<(), Trouble> {
        self.browser.wait_for_page("user-name").await?;
        self.browser.fill("user-name", user).await?;
        self.browser.click("next").await
    }

    async fn sign_in(&mut self) -> Result<(), Trouble> {
        self.name(USER).await?;
        self.browser.wait_for_page("password").await?;
        self.browser.fill("password", PASSWORD).await?;
        self.browser.click("next").await
    }

    /// The password that was made for somebody is good for choosing another.
    async fn password_changed(&mut self, made: &str, own: &str) -> Result<(), Trouble> {
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

    /// The phone is asked, shows what, and the person approves with the number that the page shows; a key that
    /// asks the person is unlocked.
    async fn approve(&mut self, kind: PromptKind, step: Option<&str>) -> Result<PromptId, Trouble> {
        self.browser.wait_for("number").await?;
        let number = self.browser.number().await?;
        let prompt: Prompt = self.phone.prompt_of(kind).await?;
        if let Some(step) = step {
            (self.watcher)(step, Seen::Phone(self.phone.shows(&prompt).await?))?;
        }
        crate::a_moment().await;
        let answered = match self.phone.core().approve(prompt.id().clone(), number).await? {
            asked @ Step::Sign { .. } => self.phone.unlock(&asked).await?,
            answered => answered,
        };
        match answered {
            Step::Done(Outcome::Approved) => Ok(prompt.id().clone()),
            other => Err(format!("not approved: {other:?}").into()),
        }
    }

    /// The lost phone is switched on once more: it says what happened.
    async fn found_out(&mut self) -> Result<(), Trouble> {
        self.phone.core().check_for_prompts(FetchReason::Opened).await?;
        (self.watcher)("phone that was lost", Seen::Phone(self.phone.shows_accounts().await?))
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
        self.page("more information required").await?;
        self.browser.click("next").await?;
        self.browser.wait_for_page("security-info").await?;
        self.page("security info").await?;
        self.browser.click("add-method").await?;
        self.browser.wait_for_page("install").await?;
        self.page("wizard install").await?;
        self.browser.click("next").await?;
        self.browser.wait_for("qr").await?;
        // All that the phone gets: a picture of the screen.
        let screen = self.page("wizard code").await?;
        let (ticket, digits) = self.phone.accept(CodeInput::Picture(screen)).await?;
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
    let world = World::start_empty(Some(return_address(port))).await?;
    let relying_party = RelyingParty::start(port, world.issuer(), &world.authority).await?;
    let claims = scenes(&world, &relying_party, watcher)
        .await
        .map_err(|error| -> Trouble { format!("{error}\n{}", relying_party.log()).into() })?;
    drop(relying_party);
    world.stop().await;
    Ok(claims)
}

/// The administrator's desk and phone, and Ada's, turn by turn.
async fn scenes(
    world: &World,
    relying_party: &RelyingParty,
    watcher: &mut Watcher<'_>,
) -> Result<Vec<SignedIn>, Trouble> {
    let (office, desk) = (Browser::start(world.ca()).await?, Browser::start(world.ca()).await?);
    let (admins_phone, phone) = (world.phone("Office phone").await?, world.phone("Ada's phone").await?);
    let printed = world.first_administrator().await?;
    let mut admin = Walk { browser: &office, phone: &admins_phone, watcher: &mut *watcher };
    let made = administrator::prepare(&mut admin, world.issuer(), &printed).await?;

    let mut walk = Walk { browser: &desk, phone: &phone, watcher: &mut *watcher };
    let mut ways = vec![first_steps(&mut walk, relying_party, &made).await?];
    ways.extend(without_password::steps(&mut walk, relying_party).await?);

    let mut admin = Walk { browser: &office, phone: &admins_phone, watcher: &mut *watcher };
    let pass = administrator::help(&mut admin, world.issuer()).await?;
    let mut walk = Walk { browser: &desk, phone: &phone, watcher: &mut *watcher };
    walk.found_out().await?;
    let new_phone = world.phone("Ada's new phone").await?;
    let mut walk = Walk { browser: &desk, phone: &new_phone, watcher };
    forget_service(&mut walk, world.issuer()).await?;
    from_the_app::add(&mut walk, world.issuer(), USER, from_the_app::Secret::Pass(&pass)).await?;
    desk.close().await?;
    office.close().await?;
    Ok(ways)
}

/// Ada's first day: a password of her own, a phone, and the first sign-in with it.
async fn first_steps(walk: &mut Walk<'_, '_>, relying_party: &RelyingParty, made: &str) -> Result<SignedIn, Trouble> {
    walk.browser.goto(&format!("{}/welcome.html", relying_party.url)).await?;
    walk.browser.wait_for_page("welcome").await?;
    walk.page("relying party").await?;
    walk.browser.click("sign-in").await?;
    walk.browser.wait_for_page("user-name").await?;
    walk.page("sign in").await?;
    walk.name(USER).await?;
    walk.password_changed(made, PASSWORD).await?;
    walk.add_phone().await?;
    walk.browser.click("continue").await?;
    walk.browser.wait_for_page("signed-in").await?;
    walk.page("signed in the first time").await?;
    // Another day, another browser: everything it knew is gone.
    walk.browser.forget().await?;
    forget_service(walk, &walk.phone.issuer().await?).await?;
    walk.browser.goto(&format!("{}/welcome.html", relying_party.url)).await?;
    walk.browser.click("sign-in").await?;
    walk.sign_in().await?;
    walk.browser.wait_for_page("number").await?;
    walk.page("sign-in number").await?;
    walk.approve(PromptKind::SecondFactor, Some("phone sign-in")).await?;
    walk.browser.wait_for_page("signed-in").await?;
    walk.page("signed in").await?;
    walk.signed_in("password and number").await
}

/// WebDriver deletes cookies of the open page only, so a page of the service is opened first.
async fn forget_service(walk: &mut Walk<'_, '_>, issuer: &str) -> Result<(), Trouble> {
    walk.browser.goto(issuer).await?;
    walk.browser.forget().await
}
