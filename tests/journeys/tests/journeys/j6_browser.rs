//! Tests journey J6 (signing in with the phone, without a password) in a real browser.
//!
//! Case: w12, another site starts a sign-in. Also tests a browser and the app on the same phone.

use crate::browsing::signed_in;
use crate::common::{use_phone, with_phone_sign_in};
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use countersign::{FetchReason, Outcome, PromptKind, Step};
use countersign_journeys::browser::Browser;
use countersign_journeys::people::USER;
use countersign_journeys::world::APP_LINK;
use countersign_journeys::{World, a_moment, browser, skipped};

/// Serves a page of another site that submits three sign-in forms to the service. Submitting starts when the page is
/// loaded. Each form's target is a frame, so that the page can detect when the form was sent. Returns the page's URL.
async fn hostile_page(issuer: &str) -> String {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let mut forms = String::new();
    for (number, path) in ["/sign-in", "/sign-in/phone", "/sign-in/again"].into_iter().enumerate() {
        forms.push_str(&format!(
            "<form method=post action=\"{issuer}{path}\" target=frame{number}><input name=user_name value=\"{USER}\">\
             <input name=csrf value=x></form><iframe name=frame{number}></iframe>",
        ));
    }
    let html = format!(
        "<!doctype html><main id=page data-page=waiting>{forms}</main><script>let left = 3;\
         for (const frame of document.querySelectorAll('iframe')) frame.addEventListener('load', () => {{\
         if (--left <= 0) document.getElementById('page').dataset.page = 'sent' }});\
         for (const form of document.forms) form.submit();</script>"
    );
    let router = Router::new().route("/", get(|| async move { Html(html) }));
    // The server ends with the test's runtime.
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_w12_a_hostile_page_in_a_known_browser_causes_no_prompt() {
    if let Some(reason) = browser::missing() {
        return skipped("browser", &reason);
    }
    let world = World::start().await.unwrap();
    let (_person, phone) = with_phone_sign_in(&world).await;
    let browser = Browser::start(world.ca()).await.unwrap();
    signed_in(&browser, world.issuer(), &phone).await;

    let page = hostile_page(world.issuer()).await;
    browser.goto(&page).await.unwrap();
    browser.wait_for_page("sent").await.unwrap();
    for path in ["/sign-in?user_name=ada%40example.org", "/sign-in/number", "/sign-in/phone"] {
        browser.goto(&format!("{}{path}", world.issuer())).await.unwrap();
    }
    for _try in 0..10 {
        a_moment().await;
    }
    phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    assert_eq!(phone.open_prompts().await.unwrap(), [], "a form of another site caused a prompt");

    browser.goto(&format!("{}/sign-in", world.issuer())).await.unwrap();
    browser.fill("user-name", USER).await.unwrap();
    browser.click("next").await.unwrap();
    browser.wait_for_page("number").await.unwrap();
    phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    browser.close().await.unwrap();
}

/// The browser runs on the phone that has the app. When the person returns from the app, the page still shows the
/// same number, and continues by itself after the approval.
#[tokio::test(flavor = "multi_thread")]
async fn j6_on_the_same_phone_the_page_opens_the_app() {
    if let Some(reason) = browser::missing() {
        return skipped("browser", &reason);
    }
    let world = World::start().await.unwrap();
    let (_person, phone) = with_phone_sign_in(&world).await;
    let browser = Browser::start_on_phone(world.ca()).await.unwrap();
    browser.goto(&format!("{}/sign-in", world.issuer())).await.unwrap();
    browser.fill("user-name", USER).await.unwrap();
    browser.click("next").await.unwrap();
    browser.wait_for_page("password").await.unwrap();
    browser.click("use-phone").await.unwrap();
    browser.wait_for_page("number").await.unwrap();
    let link = format!("href=\"{APP_LINK}\"");
    assert!(
        browser.source().await.unwrap().contains(&link),
        "the page has no link to the app, or the link contains data"
    );
    let number = browser.number().await.unwrap();
    browser.click("open-app").await.unwrap();
    browser.come_back().await.unwrap();
    assert_eq!(browser.number().await.unwrap(), number, "the page shows another number");
    let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    assert_eq!(phone.approve_unlocked(&prompt, number).await.unwrap(), Step::Done { outcome: Outcome::Approved });
    browser.wait_for_page("name-account").await.unwrap();
    browser.close().await.unwrap();

    let desktop = use_phone(&world.person().unwrap()).await;
    assert!(desktop.name() == "number" && !desktop.html.contains(APP_LINK), "a desktop page offers a link to the app");
}
