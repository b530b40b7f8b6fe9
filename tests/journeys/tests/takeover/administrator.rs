//! A thief has the session of an administrator, but not the administrator's phone. What an administrator decides must
//! take effect only with an approval on the phone.

use std::collections::HashMap;

use countersign_journeys::{PageView, Person};
use serde_json::json;

use crate::program::{ADMINISTRATOR, Service};
use crate::steps::{
    Adding, Owner, administrator_does, approved_if_asked, page_about, pass_for, press, shown, with_phone,
};

const OWNER: &str = "ada";
const GROUP: &str = "Staff";

/// The thief presses a button on the page about a person, and also sends the form that this button had in version 0.1.
/// Then the thief continues without an approval. Returns all pages that the thief saw.
async fn stolen(thief: &Person, user: &str, button: &str, act: &str) -> Vec<PageView> {
    let page = page_about(thief, user).await;
    let about = page.attribute(&format!("#{button}-form input[name=about]"), "value").unwrap_or_default();
    let mut seen = Vec::new();
    seen.extend(press(thief, &page, button, &[]).await);
    let fields = [
        ("csrf", page.attribute("input[name=csrf]", "value").unwrap()),
        ("account", page.text("account-id").unwrap()),
        ("act", act.to_owned()),
        ("about", about),
    ];
    let fields: HashMap<String, String> = fields.map(|(name, value)| (name.to_owned(), value)).into();
    let issuer = page.address.split("/admin").next().unwrap();
    seen.push(thief.post("/admin/person", &fields, issuer).await.unwrap());
    seen.extend(continued(thief, &seen).await);
    seen
}

/// The thief presses "Continue" where the service waits for an approval.
async fn continued(thief: &Person, seen: &[PageView]) -> Vec<PageView> {
    let mut next = Vec::new();
    for page in seen {
        next.extend(press(thief, page, "finish", &[]).await);
    }
    next
}

fn assert_no_pass(seen: &[PageView]) {
    let pass = seen.iter().find_map(|page| page.text("pass-text"));
    assert_eq!(pass, None, "the thief was shown a pass");
}

async fn standing(browser: &Person, user: &str) -> String {
    page_about(browser, user).await.text("standing").unwrap()
}

/// What the first group's form on the page about a person would do: `join` or `leave`.
async fn group_offers(browser: &Person, user: &str) -> String {
    let page = page_about(browser, user).await;
    page.attribute("#group-1-form input[name=act]", "value").unwrap_or_else(|| panic!("no group on {}", page.html))
}

async fn add_group(administrator: &Owner) {
    let page = administrator.browser.open("/admin/groups").await.unwrap();
    let page = administrator.browser.press(&page, "add-group", &[("name", GROUP)]).await.unwrap();
    approved_if_asked(administrator, page).await;
}

fn changed_policy() -> String {
    json!({ "countersign": { "bootstrap": "pass" } }).to_string()
}

#[tokio::test]
async fn pass_that_an_administrator_gives_adds_a_phone() {
    let service = Service::start(&[OWNER]);
    let administrator = with_phone(&service, 2, ADMINISTRATOR).await;
    let pass = pass_for(&administrator, OWNER).await;
    let (mut adding, page) = Adding::by_pass(&service, 1, OWNER, &pass).await;
    adding.finish(&page).await.unwrap();
    assert!(adding.phone.is_active().await);
}

#[tokio::test]
async fn administrator_decides_with_an_approval() {
    let service = Service::start(&[OWNER]);
    let administrator = with_phone(&service, 2, ADMINISTRATOR).await;
    let owner = with_phone(&service, 1, OWNER).await;
    let browser = &administrator.browser;
    administrator_does(&administrator, OWNER, "administrator").await;
    assert!(standing(browser, OWNER).await.contains("administrator"));
    add_group(&administrator).await;
    administrator_does(&administrator, OWNER, "group-1").await;
    assert_eq!(group_offers(browser, OWNER).await, "leave");
    administrator_does(&administrator, OWNER, "lost-1").await;
    assert!(!owner.phone.is_active().await);
    let page = browser.open("/admin/policy").await.unwrap();
    let page = browser.press(&page, "save", &[("policy", &changed_policy())]).await.unwrap();
    let page = approved_if_asked(&administrator, page).await;
    assert_eq!(service.policy().await["countersign"]["bootstrap"], "pass", "{}", shown(&page));
}

#[tokio::test]
async fn stolen_session_makes_no_pass_for_the_administrators_own_account() {
    let service = Service::start(&[]);
    let administrator = with_phone(&service, 2, ADMINISTRATOR).await;
    assert_no_pass(&stolen(&administrator.browser, ADMINISTRATOR, "make-pass", "pass").await);
}

#[tokio::test]
async fn stolen_session_makes_no_pass_for_another_account() {
    let service = Service::start(&[OWNER]);
    let administrator = with_phone(&service, 2, ADMINISTRATOR).await;
    assert_no_pass(&stolen(&administrator.browser, OWNER, "make-pass", "pass").await);
}

#[tokio::test]
async fn stolen_session_makes_no_administrator() {
    let service = Service::start(&[OWNER]);
    let administrator = with_phone(&service, 2, ADMINISTRATOR).await;
    stolen(&administrator.browser, OWNER, "administrator", "administrator").await;
    let standing = standing(&administrator.browser, OWNER).await;
    assert!(!standing.contains("administrator"), "the thief has made an administrator: {standing}");
}

#[tokio::test]
async fn stolen_session_reports_no_phone_lost() {
    let service = Service::start(&[OWNER]);
    let administrator = with_phone(&service, 2, ADMINISTRATOR).await;
    let owner = with_phone(&service, 1, OWNER).await;
    stolen(&administrator.browser, OWNER, "lost-1", "lost").await;
    stolen(&administrator.browser, OWNER, "lost-1", "report-lost").await;
    assert!(owner.phone.is_active().await, "the thief has removed the owner's phone");
}

#[tokio::test]
async fn stolen_session_moves_nobody_into_a_group() {
    let service = Service::start(&[OWNER]);
    let administrator = with_phone(&service, 2, ADMINISTRATOR).await;
    add_group(&administrator).await;
    stolen(&administrator.browser, OWNER, "group-1", "join").await;
    assert_eq!(group_offers(&administrator.browser, OWNER).await, "join", "the thief has changed a group");
}

#[tokio::test]
async fn stolen_session_changes_no_policy() {
    let service = Service::start(&[]);
    let administrator = with_phone(&service, 2, ADMINISTRATOR).await;
    let (thief, before) = (&administrator.browser, service.policy().await);
    let page = thief.open("/admin/policy").await.unwrap();
    let page = press(thief, &page, "save", &[("policy", &changed_policy())]).await.unwrap();
    continued(thief, &[page]).await;
    assert_eq!(service.policy().await, before, "the thief has changed the policy");
}
