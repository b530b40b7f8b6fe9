//! Tests journey J6 (signing in with the phone) with pages that were open for a long time, and with cookies blocked.
//! The page shows what happened and how to continue.

use crate::browsing::{no_prompts_left, phone_approves, signed_in};
use crate::common::{with_applications, with_phone_sign_in};
use countersign_journeys::browser::{self, Browser};
use countersign_journeys::people::{PASSWORD, USER};
use countersign_journeys::{World, skipped};
use countersign_service::clock::{HOUR, MINUTE};

#[tokio::test(flavor = "multi_thread")]
async fn j6_a_page_open_for_long_still_leads_to_its_application() {
    if let Some(reason) = browser::missing() {
        return skipped("browser", &reason);
    }
    let (world, [wiki]) = with_applications([("wiki", "Wiki")], |router| router).await;
    let (_person, phone) = with_phone_sign_in(&world).await;
    let browser = Browser::start(world.ca()).await.unwrap();
    let forget = || {
        world.clock.advance(31 * MINUTE);
        let now = world.app.clock.now();
        world.app.store.global_blocking(|tx| tx.sweep(now)).unwrap();
    };
    browser.goto(&wiki.url).await.unwrap();
    browser.wait_for_page("user-name").await.unwrap();
    world.clock.advance(12 * HOUR);
    browser.fill("user-name", USER).await.unwrap();
    browser.click("next").await.unwrap();

    browser.wait_for_page("password").await.unwrap();
    forget();
    browser.fill("password", PASSWORD).await.unwrap();
    browser.click("next").await.unwrap();
    browser.wait_for_page("user-name").await.unwrap();
    assert!(browser.text("outcome").await.unwrap().starts_with("This sign-in took too long"));
    assert!(browser.source().await.unwrap().contains("to continue to Wiki"));
    browser.fill("user-name", USER).await.unwrap();
    browser.click("next").await.unwrap();

    browser.click("use-phone").await.unwrap();
    browser.wait_for_page("number").await.unwrap();
    world.clock.advance(2 * MINUTE);
    browser.wait_for_page("outcome").await.unwrap();
    no_prompts_left(&phone).await;
    forget();
    browser.click("again").await.unwrap();
    browser.wait_for_page("user-name").await.unwrap();
    browser.fill("user-name", USER).await.unwrap();
    browser.click("next").await.unwrap();

    browser.click("use-phone").await.unwrap();
    phone_approves(&browser, &phone).await;
    browser.wait_for_page("name-account").await.unwrap();
    browser.click("continue").await.unwrap();
    browser.wait_for_page("wiki").await.unwrap();
    browser.close().await.unwrap();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_a_page_reports_that_its_session_has_ended() {
    if let Some(reason) = browser::missing() {
        return skipped("browser", &reason);
    }
    let world = World::start().await.unwrap();
    let (_person, phone) = with_phone_sign_in(&world).await;
    let browser = Browser::start(world.ca()).await.unwrap();
    signed_in(&browser, world.issuer(), &phone).await;
    world.clock.advance(9 * HOUR);
    browser.click("make-pass").await.unwrap();
    browser.wait_for_page("user-name").await.unwrap();
    assert_eq!(browser.text("outcome").await.unwrap(), "Your session has ended. Sign in again to continue.");
    browser.close().await.unwrap();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_with_cookies_blocked_the_page_asks_to_allow_them() {
    if let Some(reason) = browser::missing() {
        return skipped("browser", &reason);
    }
    let world = World::start().await.unwrap();
    let browser = Browser::start_without_cookies(world.ca()).await.unwrap();
    browser.goto(&format!("{}/sign-in", world.issuer())).await.unwrap();
    for _round in 0..2 {
        browser.fill("user-name", USER).await.unwrap();
        browser.click("next").await.unwrap();
        browser.wait_for_page("cookies").await.unwrap();
        let host = world.issuer().trim_start_matches("https://");
        assert!(browser.source().await.unwrap().contains(&format!("Allow cookies for {host}")));
        browser.click("sign-in").await.unwrap();
        browser.wait_for_page("user-name").await.unwrap();
    }
    browser.close().await.unwrap();
    world.stop().await;
}
