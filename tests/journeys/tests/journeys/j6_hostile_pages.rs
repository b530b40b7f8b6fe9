//! Tests journey J6 (signing in with the phone) with hostile pages in the victim's browser. No attack has an effect,
//! and the same action from the service's own page works.
//!
//! Case: w12, another site starts a sign-in.

use std::collections::{BTreeMap, BTreeSet};

use crate::browsing::{arrived, name_typed, signed_in};
use crate::common::with_phone_sign_in;
use crate::hostile::{Hostile, form};
use axum::http::Method;
use countersign::PromptKind;
use countersign_journeys::browser::{self, Browser};
use countersign_journeys::people::{PASSWORD, USER};
use countersign_journeys::{TestPhone, World, a_moment, skipped};
use countersign_service::addresses::{Address, For, all};
use countersign_service::operator;
use countersign_service::sign_in::flow::with_flow;

/// The hosts of the hostile pages: another site, and the service's own host at another port. Browsers send the
/// service's cookies with requests from the second host, because that host is the same site.
const HOSTS: [&str; 2] = ["127.0.0.1", "localhost"];
const BOB: &str = "bob@example.org";

/// Starts a world in which Ada is an administrator and is signed in in a real browser. Bob is another person.
async fn victim() -> (World, Hostile, Browser, TestPhone) {
    let world = World::start().await.unwrap();
    let (_person, phone) = with_phone_sign_in(&world).await;
    operator::set_administrator(&world.app.store, USER, true, world.app.clock.now()).unwrap();
    operator::add_person(&world.app.store, BOB, "Bob", "a password of Bob's own", world.app.clock.now()).unwrap();
    let browser = Browser::start(world.ca()).await.unwrap();
    signed_in(&browser, world.issuer(), &phone).await;
    // Let the phone finish its pending requests.
    a_moment().await;
    let hostile = Hostile::start(&world, 0);
    (world, hostile, browser, phone)
}

fn listed(fits: impl Fn(&Address) -> bool) -> Vec<Address> {
    all().listed().iter().filter(|address| fits(address)).cloned().collect()
}

/// A value for every field of the service's forms.
fn filled(world: &World) -> Vec<(&'static str, String)> {
    let stored = world.stored().unwrap();
    let id_of = |table: &str, marks: &str| {
        let mut rows = stored.iter().filter(|((in_table, _), body)| *in_table == table && body.contains(marks));
        rows.next().map(|((_, id), _)| id.clone()).unwrap()
    };
    let policy = r#"{"countersign": {"keyGuard": "biometric_current_set"}}"#;
    vec![
        ("user_name", "mallory@example.org".to_owned()),
        ("password", PASSWORD.to_owned()),
        ("again", PASSWORD.to_owned()),
        ("pass", "0000-0000-0000".to_owned()),
        ("digits", "000000".to_owned()),
        ("device", id_of("devices", "")),
        ("account", id_of("people", BOB)),
        ("act", "suspend".to_owned()),
        ("name", "Mallory".to_owned()),
        ("policy", policy.to_owned()),
    ]
}

fn with_token<'a>(token: &'a str, fields: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    let fields = fields.iter().map(|(name, value)| (*name, value.as_str()));
    std::iter::once(("csrf", token)).chain(fields).collect()
}

const FLOW: &str = "return new URL(document.forms[0].action).searchParams.get('flow')";
const TOKEN: &str = "return document.querySelector('[name=csrf]').value";

#[tokio::test(flavor = "multi_thread")]
async fn j6_w12_forms_of_another_site_have_no_effect_at_any_address() {
    if let Some(reason) = browser::missing() {
        return skipped("browser", &reason);
    }
    let (world, hostile, browser, _phone) = victim().await;
    let attackers_page = world.person().unwrap().open("/sign-in").await.unwrap();
    let attackers = attackers_page.attribute("[name=csrf]", "value").unwrap();
    let issuer = world.issuer().to_owned();
    browser.goto(&format!("{issuer}/sign-in")).await.unwrap();
    let own = browser.run(TOKEN).await.unwrap().as_str().unwrap().to_owned();
    let (fields, before) = (filled(&world), world.stored().unwrap());
    for address in listed(|address| address.method == Method::POST) {
        // Each form is sent with the attacker's form token from both hosts. From the second host it is also sent with
        // the victim's token, which other sites can't read.
        for (host, token) in [(HOSTS[0], &attackers), (HOSTS[1], &attackers), (HOSTS[1], &own)] {
            let to = format!("{issuer}{}", address.path);
            browser.goto(&hostile.form(host, &to, &with_token(token, &fields))).await.unwrap();
            let shown = arrived(&browser, &issuer).await;
            let expected = if address.is_for == For::Form { "stale" } else { "" };
            assert_eq!(shown, expected, "{} from {host}", address.path);
            assert_eq!(world.stored().unwrap(), before, "{} from {host} changed stored data", address.path);
        }
    }
    let changed = changed_from_our_own_page(&world, &browser, &fields).await;
    for path in [
        "/sign-in",
        "/sign-out",
        "/security-info/add",
        "/security-info/remove",
        "/security-info/pass",
        "/admin/people",
        "/admin/person",
        "/admin/groups",
        "/admin/policy",
    ] {
        assert!(changed.contains(path), "{path} from the service's own page had no effect: {changed:?}");
    }
    browser.close().await.unwrap();
    hostile.stop().await;
    world.stop().await;
}

/// Sends each form of the service from the service's own page; the form that signs out is the last one. Returns the
/// paths of the forms that changed stored data.
async fn changed_from_our_own_page(
    world: &World,
    browser: &Browser,
    fields: &[(&'static str, String)],
) -> BTreeSet<&'static str> {
    let (issuer, mut changed) = (world.issuer().to_owned(), BTreeSet::new());
    let mut forms = listed(|address| address.is_for == For::Form);
    forms.sort_by_key(|address| address.path == "/sign-out");
    for address in forms {
        browser.goto(&format!("{issuer}/sign-in")).await.unwrap();
        let token = browser.run(TOKEN).await.unwrap().as_str().unwrap().to_owned();
        let flow = browser.run(FLOW).await.unwrap();
        let action = with_flow(address.path, flow.as_str());
        let (html, before) = (form(&action, &with_token(&token, fields)), world.stored().unwrap());
        let html = serde_json::Value::from(html);
        let send = format!(
            "document.getElementById('page').remove(); document.body.insertAdjacentHTML('afterbegin', {html}); \
             document.forms[0].submit()"
        );
        browser.run(&send).await.unwrap();
        browser.wait_for("page").await.unwrap();
        assert_ne!(
            arrived(browser, &issuer).await,
            "stale",
            "{} from the service's own page was refused",
            address.path
        );
        if world.stored().unwrap() != before {
            changed.insert(address.path);
        }
    }
    changed
}

/// The service's pages, without event streams.
fn pages() -> Vec<Address> {
    listed(|address| address.is_for == For::Page && !address.path.ends_with("/events"))
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_w12_another_site_cannot_frame_read_or_control_pages() {
    if let Some(reason) = browser::missing() {
        return skipped("browser", &reason);
    }
    let (world, hostile, browser, _phone) = victim().await;
    let issuer = world.issuer().to_owned();
    for host in HOSTS {
        let own = hostile.page(host, "<p id=page data-page=own>own</p>");
        let pages = pages();
        let frames: String =
            pages.iter().map(|page| format!("<iframe src=\"{issuer}{}\"></iframe>", page.path)).collect();
        browser.goto(&hostile.page(host, &format!("<iframe src=\"{own}\"></iframe>{frames}"))).await.unwrap();
        assert_eq!(
            browser.framed(0).await.unwrap().as_deref(),
            Some("own"),
            "the test can't read the frame of the hostile site's own page"
        );
        for (number, page) in (1..).zip(&pages) {
            assert_eq!(browser.framed(number).await.unwrap(), None, "{} is shown in a frame at {host}", page.path);
        }
        let read = read_from(&browser, &issuer).await;
        assert_eq!(read, BTreeMap::new(), "{host} can read pages of the service");
        let loads = format!(
            "const [done] = arguments; let told = []; const loaded = (tag, name, value) => new Promise((end) => {{ \
             const one = document.createElement(tag); one.rel = 'stylesheet'; one[name] = value; \
             one.onload = () => {{ told.push(value); end() }}; one.onerror = end; document.head.append(one) }}); \
             Promise.all([loaded('script', 'src', '{issuer}/static/page.js'), \
             loaded('link', 'href', '{issuer}/static/page.css')]).then(() => done(told)); // arguments[0]"
        );
        assert_eq!(browser.run(&loads).await.unwrap(), serde_json::json!([]), "{host} can load files of the service");
        loses_the_window(&browser, &issuer, &own, host).await;
    }
    browser.goto(&format!("{issuer}/security-info")).await.unwrap();
    let read = read_from(&browser, &issuer).await;
    for address in listed(|address| address.method == Method::GET && !address.path.ends_with("/events")) {
        assert!(read.contains_key(address.path), "{} can't be read by the service's own page", address.path);
    }
    assert!(read["/admin"].contains(BOB), "the page was not read with Ada's session");
    browser.close().await.unwrap();
    hostile.stop().await;
    world.stop().await;
}

/// The responses that a script of the open page can read, by path, with the victim's cookies.
async fn read_from(browser: &Browser, issuer: &str) -> BTreeMap<String, String> {
    let gets = listed(|address| address.method == Method::GET);
    let paths: Vec<&str> = gets.iter().map(|address| address.path).collect();
    let script = format!(
        "const done = arguments[0]; const read = {{}}; Promise.all({}.map(async (path) => {{ try {{ \
         const end = AbortSignal.timeout(3000); \
         const answer = await fetch('{issuer}' + path, {{ credentials: 'include', signal: end }}); \
         read[path] = await answer.text() }} catch {{}} }})).then(() => done(read))",
        serde_json::json!(paths)
    );
    serde_json::from_value(browser.run(&script).await.unwrap()).unwrap()
}

/// A hostile page opens a window. When the window loads a page of the service, the hostile page can no longer control
/// the window.
async fn loses_the_window(browser: &Browser, issuer: &str, own: &str, host: &str) {
    let open = |address: &str| format!("window.held = window.open('{address}')");
    browser.run(&open(own)).await.unwrap();
    a_moment().await;
    assert_eq!(
        browser.run("return held.closed").await.unwrap(),
        false,
        "the hostile page does not control a window with its own page"
    );
    browser.run(&format!("{}; held.close()", open(own))).await.unwrap();
    browser.run(&open(&format!("{issuer}/security-info"))).await.unwrap();
    a_moment().await;
    assert_eq!(browser.run("return held.closed").await.unwrap(), true, "{host} controls a window of the service");
    browser.run(&format!("held.location = '{own}'")).await.unwrap();
    a_moment().await;
    let windows = browser.other_windows().await.unwrap();
    assert!(windows.iter().any(|address| *address == format!("{issuer}/security-info")), "{host}: {windows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_w12_a_link_cannot_start_a_sign_in_or_foreign_redirect() {
    if let Some(reason) = browser::missing() {
        return skipped("browser", &reason);
    }
    let (world, hostile, browser, phone) = victim().await;
    let issuer = world.issuer().to_owned();
    let count = |table: &str| world.stored().unwrap().keys().filter(|(found, _)| *found == table).count();
    let before = count("ceremonies");
    let name = USER.replace('@', "%40");
    let authorize = "/authorize?client_id=payroll&response_type=code&scope=openid&prompt=login\
                     &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
    let hint = format!("{authorize}&redirect_uri=https%3A%2F%2F127.0.0.1%3A1%2Fcallback&login_hint={name}");
    for path in [
        hint.clone(),
        format!("/sign-in?user_name={name}&login_hint={name}&way=phone"),
        format!("/sign-in/password?user_name={name}&password={PASSWORD}"),
        format!("/sign-in/number?user_name={name}"),
        format!("/sign-in/phone?user_name={name}"),
        format!("/sign-in/again?user_name={name}"),
    ] {
        let link = format!("<a href=\"{issuer}{path}\">look</a><script>document.links[0].click()</script>");
        browser.goto(&hostile.page(HOSTS[0], &link)).await.unwrap();
        arrived(&browser, &issuer).await;
        let filled = "return document.getElementById('user-name')?.value ?? ''";
        assert_eq!(browser.run(filled).await.unwrap(), "", "{path}");
        assert_eq!(count("ceremonies"), before, "{path} started a ceremony");
    }
    for elsewhere in ["https://127.0.0.1:1/callback/", "https://127.0.0.1:1@evil.test/callback", "//evil.test/callback"]
    {
        let address: String = url::form_urlencoded::byte_serialize(elsewhere.as_bytes()).collect();
        browser.goto(&format!("{issuer}{authorize}&redirect_uri={address}")).await.unwrap();
        assert_eq!(arrived(&browser, &issuer).await, "bad-request", "{elsewhere}");
    }
    assert!(phone.open_prompts().await.unwrap().is_empty());
    name_typed(&browser, &issuer).await;
    browser.wait_for_page("number").await.unwrap();
    assert_eq!(count("ceremonies"), before + 1, "typing a name did not start a ceremony");
    phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    browser.close().await.unwrap();
    hostile.stop().await;
    world.stop().await;
}
