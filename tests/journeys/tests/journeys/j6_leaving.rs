//! Tests the end of journey J6 (signing in with the phone): the browser returns to the application. The tests use three
//! redirect URIs: the first redirects to another web origin, the second is on `[::1]`, and the third has an app's own
//! scheme.

use crate::browsing::phone_approves;
use crate::common::{with_applications, with_phone_sign_in};
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use countersign_journeys::browser::{self, Browser};
use countersign_journeys::people::USER;
use countersign_journeys::world::CLIENT;
use countersign_journeys::{World, skipped};

const AUTHORIZE: &str = "/authorize?client_id=payroll&response_type=code&scope=openid&state=here\
                         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

fn authorize(world: &World, redirect: &str) -> String {
    let redirect: String = url::form_urlencoded::byte_serialize(redirect.as_bytes()).collect();
    format!("{}{AUTHORIZE}&redirect_uri={redirect}", world.issuer())
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_a_redirect_uri_can_redirect_to_another_web_origin() {
    if let Some(reason) = browser::missing() {
        return skipped("browser", &reason);
    }
    let (world, [wiki]) = with_applications([("wiki", "Wiki")], |router| router).await;
    let (_person, phone) = with_phone_sign_in(&world).await;
    let browser = Browser::start(world.ca()).await.unwrap();
    browser.goto(&wiki.url).await.unwrap();
    assert!(browser.source().await.unwrap().contains("to continue to Wiki"));
    browser.fill("user-name", USER).await.unwrap();
    browser.click("next").await.unwrap();
    browser.click("use-phone").await.unwrap();
    phone_approves(&browser, &phone).await;
    browser.wait_for_page("name-account").await.unwrap();
    browser.click("continue").await.unwrap();
    browser.wait_for_page("wiki").await.unwrap();
    assert_eq!(browser.text("user").await.unwrap(), USER);
    // The browser has a session now, so it returns to the application without a page of the service.
    browser.goto(&wiki.url).await.unwrap();
    browser.wait_for_page("wiki").await.unwrap();
    browser.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_a_redirect_uri_on_the_ipv6_loopback_is_reached() {
    if let Some(reason) = browser::missing() {
        return skipped("browser", &reason);
    }
    let Ok(listener) = tokio::net::TcpListener::bind(("::1", 0)).await else {
        return skipped("IPv6", "this machine has no [::1]");
    };
    let redirect = format!("http://[::1]:{}/callback", listener.local_addr().unwrap().port());
    let page = "<!doctype html><main id=page data-page=callback></main>";
    let router = Router::new().route("/callback", get(async move || Html(page)));
    // The server ends with the test's runtime.
    tokio::spawn(async move { axum::serve(listener, router).await });
    let world = World::start_with(Some(redirect.clone())).await.unwrap();
    let (_person, phone) = with_phone_sign_in(&world).await;
    let browser = Browser::start(world.ca()).await.unwrap();
    browser.goto(&authorize(&world, &redirect)).await.unwrap();
    browser.fill("user-name", USER).await.unwrap();
    browser.click("next").await.unwrap();
    browser.click("use-phone").await.unwrap();
    phone_approves(&browser, &phone).await;
    browser.click("continue").await.unwrap();
    browser.wait_for_page("callback").await.unwrap();
    let address = browser.address().await.unwrap();
    assert!(address.starts_with(&redirect) && address.contains("code=") && address.contains("state=here"), "{address}");
    browser.close().await.unwrap();
}

/// The redirect URI has an app's own scheme. The page can't detect whether the system opens the app, so the page still
/// shows the link.
#[tokio::test(flavor = "multi_thread")]
async fn j6_an_app_with_its_own_scheme_is_offered_as_a_link() {
    if let Some(reason) = browser::missing() {
        return skipped("browser", &reason);
    }
    let redirect = "com.example.app:/callback";
    let world = World::start_with(Some(redirect.to_owned())).await.unwrap();
    let (_person, phone) = with_phone_sign_in(&world).await;
    let browser = Browser::start(world.ca()).await.unwrap();
    browser.goto(&authorize(&world, redirect)).await.unwrap();
    browser.fill("user-name", USER).await.unwrap();
    browser.click("next").await.unwrap();
    browser.click("use-phone").await.unwrap();
    phone_approves(&browser, &phone).await;
    browser.click("continue").await.unwrap();
    browser.wait_for_page("leaving").await.unwrap();
    assert_eq!(browser.text("leave").await.unwrap(), "Continue to Payroll");
    let leads_to = browser.run("return document.getElementById('leave').href").await.unwrap();
    let leads_to = leads_to.as_str().unwrap();
    assert!(leads_to.starts_with("com.example.app:/callback?code="), "{leads_to}");
    assert!(leads_to.contains("state=here"), "{CLIENT}: {leads_to}");
    browser.close().await.unwrap();
}
