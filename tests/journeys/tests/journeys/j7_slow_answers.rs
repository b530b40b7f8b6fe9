//! Tests journey J7 (second factor after the password) with slow responses. A form that is sent twice takes effect
//! once, and the browser gets the response.

use std::time::Duration;

use crate::browsing::no_prompts_left;
use crate::common::{approve, confirmed, with_applications};
use axum::extract::Request;
use axum::http::Method;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use countersign::PromptKind;
use countersign_journeys::application::RunningApplication;
use countersign_journeys::browser::{self, Browser};
use countersign_journeys::people::{PASSWORD, USER};
use countersign_journeys::{TestPhone, World, skipped};
use countersign_service::prompts::ceremony::Ceremony;

/// How a form is sent twice.
#[derive(Clone, Copy)]
enum Twice {
    /// Two clicks on the normal page.
    Clicks,
    /// As in a browser that runs none of the page's scripts: the second request cancels the first.
    WithoutScript,
}

impl Twice {
    async fn send(self, browser: &Browser, button: &str) {
        browser.wait_for(button).await.unwrap();
        let send = match self {
            Self::Clicks => "button.click()",
            // No submit handler of the page runs.
            Self::WithoutScript => "HTMLFormElement.prototype.submit.call(button.form)",
        };
        let script =
            format!("const button = document.getElementById('{button}'); {send}; setTimeout(() => {{ {send} }}, 300)");
        browser.run(&script).await.unwrap();
    }
}

/// Delays the response to each form of a page by one second, after the service has processed the form.
async fn late(request: Request, next: Next) -> Response {
    let is_form = request.method() == Method::POST && !request.uri().path().starts_with("/phone/");
    let answer = next.run(request).await;
    if is_form {
        tokio::time::sleep(Duration::from_millis(1_000)).await;
    }
    answer
}

async fn scene() -> (World, TestPhone, RunningApplication) {
    let (world, [wiki]) = with_applications([("wiki", "Wiki")], |router| router.layer(from_fn(late))).await;
    let phone = world.phone("phone").await.unwrap();
    confirmed(&world, &world.person().unwrap(), &phone).await;
    (world, phone, wiki)
}

/// The number of second-factor ceremonies of Ada's account so far.
fn asked(world: &World) -> usize {
    let found = world.app.store.global_blocking(|tx| {
        let account = countersign_service::people::records::find(tx, USER)?.unwrap().account_id;
        tx.children::<Ceremony>(&account)
    });
    let is_sign_in = |ceremony: &&Ceremony| ceremony.kind == countersign_service::prompts::ceremony::Kind::SecondFactor;
    found.unwrap().iter().filter(is_sign_in).count()
}

async fn each_form_twice(twice: Twice) {
    let (world, phone, wiki) = scene().await;
    let browser = Browser::start(world.ca()).await.unwrap();
    browser.goto(&wiki.url).await.unwrap();
    browser.fill("user-name", USER).await.unwrap();
    twice.send(&browser, "next").await;
    browser.wait_for_page("password").await.unwrap();
    browser.fill("password", PASSWORD).await.unwrap();
    twice.send(&browser, "next").await;
    browser.wait_for_page("number").await.unwrap();
    assert_eq!(asked(&world), 1, "the service did not start exactly one ceremony");
    let prompt = phone.prompt_of(PromptKind::SecondFactor).await.unwrap();
    phone.core().approve(prompt.id().clone(), browser.number().await.unwrap()).await.unwrap();
    browser.wait_for_page("wiki").await.unwrap();
    assert_eq!(browser.text("user").await.unwrap(), USER);
    no_prompts_left(&phone).await;
    browser.close().await.unwrap();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_two_clicks_on_each_button_send_one_prompt() {
    if let Some(reason) = browser::missing() {
        return skipped("browser", &reason);
    }
    each_form_twice(Twice::Clicks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_each_form_sent_twice_without_a_script_sends_one_prompt() {
    if let Some(reason) = browser::missing() {
        return skipped("browser", &reason);
    }
    each_form_twice(Twice::WithoutScript).await;
}

/// The form that creates the session is sent twice at the same time. Both responses lead to the signed-in page.
#[tokio::test(flavor = "multi_thread")]
async fn j7_both_copies_of_the_last_form_lead_to_the_session() {
    let (world, phone, _wiki) = scene().await;
    let person = world.person().unwrap();
    let page = person.sign_in().await.unwrap();
    approve(&phone, PromptKind::SecondFactor, &page).await;
    let (first, second) = tokio::join!(person.press(&page, "finish", &[]), person.press(&page, "finish", &[]));
    assert_eq!(
        (first.unwrap().name(), second.unwrap().name()),
        ("security-info".to_owned(), "security-info".to_owned())
    );
    world.stop().await;
}
