//! Tests journey J6 (signing in with the phone) in two tabs of one browser. Each tab signs in to its own application,
//! and at most one prompt is open on the phone.

use crate::browsing::{no_prompts_left, phone_approves};
use crate::common::{with_applications, with_phone_sign_in};
use countersign::PromptKind;
use countersign_journeys::application::RunningApplication;
use countersign_journeys::browser::{self, Browser};
use countersign_journeys::people::USER;
use countersign_journeys::{TestPhone, World, skipped};

struct Scene {
    world: World,
    phone: TestPhone,
    browser: Browser,
    mail: RunningApplication,
    wiki: RunningApplication,
}

/// Starts a world with two applications, Ada's phone and a fresh browser.
async fn scene() -> Scene {
    let (world, [mail, wiki]) = with_applications([("mail", "Mail"), ("wiki", "Wiki")], |router| router).await;
    let (_person, phone) = with_phone_sign_in(&world).await;
    let browser = Browser::start(world.ca()).await.unwrap();
    Scene { world, phone, browser, mail, wiki }
}

/// Types Ada's user name on the open page, and chooses the phone.
async fn chooses_phone(browser: &Browser) {
    browser.fill("user-name", USER).await.unwrap();
    browser.click("next").await.unwrap();
    browser.wait_for_page("password").await.unwrap();
    browser.click("use-phone").await.unwrap();
    browser.wait_for_page("number").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_two_tabs_sign_in_to_their_own_applications() {
    if let Some(reason) = browser::missing() {
        return skipped("browser", &reason);
    }
    let Scene { world, phone, browser, mail, wiki } = scene().await;
    browser.goto(&mail.url).await.unwrap();
    browser.wait_for_page("user-name").await.unwrap();
    let (first, second) = browser.new_tab().await.unwrap();
    browser.goto(&wiki.url).await.unwrap();
    browser.wait_for_page("user-name").await.unwrap();

    browser.go_to_tab(&first).await.unwrap();
    chooses_phone(&browser).await;
    phone_approves(&browser, &phone).await;
    browser.click("continue").await.unwrap();
    browser.wait_for_page("mail").await.unwrap();

    // The page in the second tab is older than the session. The page reports this, and then leads to the application of
    // this tab.
    browser.go_to_tab(&second).await.unwrap();
    browser.fill("user-name", USER).await.unwrap();
    browser.click("next").await.unwrap();
    browser.wait_for_page("stale").await.unwrap();
    let said = "You signed in or out after this page was opened. Nothing was changed.";
    assert_eq!(browser.text("outcome").await.unwrap(), said);
    browser.click("sign-in").await.unwrap();
    browser.wait_for_page("wiki").await.unwrap();
    assert_eq!(browser.text("user").await.unwrap(), USER);
    browser.close().await.unwrap();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_a_sign_in_in_another_tab_withdraws_the_older_prompt() {
    if let Some(reason) = browser::missing() {
        return skipped("browser", &reason);
    }
    let Scene { world, phone, browser, mail, wiki } = scene().await;
    browser.goto(&mail.url).await.unwrap();
    browser.wait_for_page("user-name").await.unwrap();
    let (first, second) = browser.new_tab().await.unwrap();
    browser.goto(&wiki.url).await.unwrap();
    chooses_phone(&browser).await;
    phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();

    browser.go_to_tab(&first).await.unwrap();
    browser.fill("user-name", USER).await.unwrap();
    browser.click("next").await.unwrap();
    browser.wait_for_page("password").await.unwrap();
    no_prompts_left(&phone).await;

    browser.go_to_tab(&second).await.unwrap();
    browser.wait_for_page("other-tab").await.unwrap();
    browser.go_to_tab(&first).await.unwrap();
    browser.click("use-phone").await.unwrap();
    phone_approves(&browser, &phone).await;
    browser.click("continue").await.unwrap();
    browser.wait_for_page("mail").await.unwrap();
    no_prompts_left(&phone).await;

    browser.go_to_tab(&second).await.unwrap();
    assert_eq!(browser.text("sign-in").await.unwrap(), "Sign in to Wiki here");
    browser.click("sign-in").await.unwrap();
    browser.wait_for_page("wiki").await.unwrap();
    browser.close().await.unwrap();
    world.stop().await;
}
