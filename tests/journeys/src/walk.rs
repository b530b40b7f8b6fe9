//! Runs the main scenario from end to end, in real browsers, with an unmodified relying party. The administrator saves
//! the policy. Then Ada adds a phone, signs in with a number, signs in without a password, and replaces the lost phone.
//! The demonstration shows this scenario, and a test checks its results.

mod administrator;
mod from_the_app;
mod walker;
mod without_password;

use countersign::PromptKind;

use crate::browser::Browser;
use crate::people::{PASSWORD, USER};
use crate::relying_party::{RelyingParty, free_port, return_address};
use crate::trouble::Trouble;
use crate::world::World;
pub use walker::{Seen, SignedIn, Watcher};
use walker::{Walk, forget_service};

/// Runs the whole scenario. Returns the claims that the relying party has verified, for each way to sign in.
///
/// # Errors
/// The error of the first step that fails, with the relying party's log.
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

/// Runs the administrator's and Ada's steps in turn. Each of the two has their own browser and phone.
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

/// Ada chooses a password and adds a phone. Then all cookies are deleted, so that the browser is like a new one, and
/// Ada signs in with the password and the phone.
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
    // Delete every cookie, so that the browser is like a new one.
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
