//! J7 with slow answers: a form that is sent twice is acted on once, and the browser gets its answer.

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

/// How a person sends a form twice.
#[derive(Clone, Copy)]
enum Twice {
    /// Clicks twice, on a page that is as it should be.
    Clicks,
    /// In a browser that runs no script of the page: the second request ends the first.
    WithoutScript,
}

impl Twice {
    async fn send(self, browser: &Browser, button: &str) {
        browser.wait_for(button).await.unwrap();
        let send = match self {
            Self::Clicks => "button.click()",
            // As the browser does it without a script: nothing is asked whether it may.
            Self::WithoutScript => "HTMLFormElement.prototype.submit.call(button.form)",
        };
        let script =
            format!("const button = document.getElementById('{button}'); {send}; setTimeout(() => {{ {send} }}, 300)");
        browser.run(&script).await.unwrap();
    }
}

/// Answers to forms come late, after their work was done.
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

/// Requests for a second factor that the account has ever had.
fn asked(world: &World) -> usize {
    let found = world.app.store.run_blocking(|tx| {
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
    assert_eq!(asked(&world), 1, "the phone is asked once");
    let prompt = phone.prompt_of(PromptKind::SecondFactor).await.unwrap();
    phone.core().approve(prompt.id().clone(), browser.number().await.unwrap()).await.unwrap();
    browser.wait_for_page("wiki").await.unwrap();
    assert_eq!(browser.text("user").await.unwrap(), USER);
    no_prompts_left(&phone).await;
    browser.close().await.unwrap();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_two_clicks_on_each_button_with_slow_answers_ask_the_phone_once() {
    if let Some(reason) = browser::missing() {
        return skipped("browser", &reason);
    }
    each_form_twice(Twice::Clicks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_each_form_sent_twice_without_a_script_asks_the_phone_once() {
    if let Some(reason) = browser::missing() {
        return skipped("browser", &reason);
    }
    each_form_twice(Twice::WithoutScript).await;
}

/// The answer that made the session was lost on the way: the form sent again gets the same one.
#[tokio::test(flavor = "multi_thread")]
async fn j7_the_last_form_sent_twice_still_leads_to_the_application() {
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
