//! Tests journey J6 (signing in with the phone) in a real browser: with planted cookies, with names that contain
//! markup, and with an injected script. Also tests that pages leave no history and no referrer.
//!
//! Case: w12, another site starts or changes a sign-in.

use crate::browsing::{arrived, name_typed, signed_in};
use crate::common::{confirmed, turned_on, with_phone_sign_in};
use crate::hostile::Hostile;
use countersign::{Outcome, PromptKind, Step};
use countersign_journeys::browser::{self, Browser};
use countersign_journeys::people::{PASSWORD, USER};
use countersign_journeys::relying_party::free_port;
use countersign_journeys::world::OTHER_NAME;
use countersign_journeys::{PageView, TestPhone, World, a_moment, skipped};
use countersign_service::operator;
use countersign_service::people::records as people;
use countersign_service::provenance::Given;
use countersign_service::secrets::{hashed, random_id};
use countersign_service::sign_in::session::{Session, Used};

const BOB: &str = "bob@example.org";
/// The service's host. Browsers share cookies between all ports of a host.
const SAME_HOST: &str = "localhost";
const MARKUP: &str =
    "</title></p>\"'><script>window.owned = 1</script><img src=x id=owned onerror=\"window.owned = 1\">";

/// The value of the attempt's cookie, from the header that sets it.
fn attempt_of(page: &PageView) -> String {
    let values = page.headers.iter().map(|(_, value)| value);
    let set = values.filter_map(|value| value.strip_prefix("__Host-attempt=")).next().unwrap();
    set.split(';').next().unwrap().to_owned()
}

/// The attacker plants the cookie of the attacker's own attempt in the victim's browser. When the victim types a name,
/// the service ends that attempt, so the victim's sign-in gives the attacker nothing.
#[tokio::test(flavor = "multi_thread")]
async fn j6_w12_a_planted_cookie_is_replaced_when_a_name_is_typed() {
    if let Some(reason) = browser::missing() {
        return skipped("browser", &reason);
    }
    let world = World::start().await.unwrap();
    let (_person, phone) = with_phone_sign_in(&world).await;
    let (hostile, browser) = (Hostile::start(&world, 0), Browser::start(world.ca()).await.unwrap());
    let attacker = world.person().unwrap();
    let page = attacker.open("/sign-in").await.unwrap();
    let cookie = attempt_of(&attacker.press(&page, "next", &[("user_name", BOB)]).await.unwrap());
    let planted = format!("__Host-attempt={cookie}; Path=/; Secure; HttpOnly; SameSite=Lax");
    let is_stored = || world.stored().unwrap().contains_key(&("attempts", hashed(cookie.as_bytes())));
    browser.goto(&hostile.page_with(SAME_HOST, "planted", &[planted])).await.unwrap();
    assert!(is_stored());

    name_typed(&browser, world.issuer()).await;
    browser.wait_for_page("password").await.unwrap();
    assert!(!is_stored(), "the attempt of the planted cookie has not ended");
    browser.click("use-phone").await.unwrap();
    browser.wait_for_page("number").await.unwrap();
    let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    let step = phone.approve_unlocked(&prompt, browser.number().await.unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    for path in ["/sign-in/number", "/sign-in/continue", "/security-info"] {
        assert_eq!(attacker.open(path).await.unwrap().name(), "user-name", "{path}");
    }
    browser.wait_for_page("name-account").await.unwrap();
    browser.click("continue").await.unwrap();
    browser.wait_for_page("security-info").await.unwrap();
    browser.close().await.unwrap();
    hostile.stop().await;
    world.stop().await;
}

/// A sibling site can set cookies for the common domain. The service accepts none of them as its session cookie.
#[tokio::test(flavor = "multi_thread")]
async fn j6_w12_session_cookies_of_a_sibling_site_are_ignored() {
    if let Some(reason) = browser::missing() {
        return skipped("browser", &reason);
    }
    let world = World::start_as(|config| config.issuer = config.issuer.replace("localhost", OTHER_NAME)).await.unwrap();
    world.add_person(USER, PASSWORD).unwrap();
    operator::add_person(&world.app.store, BOB, "Bob", "a password of Bob's own", world.app.clock.now()).unwrap();
    let (cookie, now) = (random_id().unwrap(), world.app.clock.now());
    let id = hashed(cookie.as_bytes());
    let bobs = move |tx: &mut countersign_service::store::Tx<'_>| {
        let bob = people::find(tx, BOB)?.unwrap();
        tx.insert(&Session::new(
            id.clone(),
            bob.account_id,
            Used::Password,
            Given::by_password(bob.password_changed_at, now),
        ))
    };
    world.app.store.global(bobs).await.unwrap();
    let (hostile, browser) = (Hostile::start(&world, 0), Browser::start_with_names(world.ca()).await.unwrap());
    let tossed: Vec<String> =
        ["tossed", "__Host-session", "__host-session", " __Host-session", "=__Host-session", "session"]
            .iter()
            .flat_map(|name| {
                [
                    format!("{name}={cookie}; Domain=example.test; Path=/; Secure"),
                    format!("{name}={cookie}; Domain=example.test; Path=/security-info; Secure; SameSite=None"),
                ]
            })
            .collect();
    browser.goto(&hostile.page_with("evil.example.test", "tossed", &tossed)).await.unwrap();
    browser.goto(&format!("{}/security-info", world.issuer())).await.unwrap();
    assert_eq!(arrived(&browser, world.issuer()).await, "user-name", "the page accepted a cookie of the sibling site");
    let seen = browser.run("return document.cookie").await.unwrap();
    assert!(seen.as_str().unwrap().contains("tossed="), "the browser has no cookies of the sibling site: {seen}");

    browser.fill("user-name", USER).await.unwrap();
    browser.click("next").await.unwrap();
    browser.wait_for_page("password").await.unwrap();
    browser.fill("password", PASSWORD).await.unwrap();
    browser.click("next").await.unwrap();
    browser.wait_for_page("security-info").await.unwrap();
    assert!(browser.source().await.unwrap().contains("Signed in as Ada Lovelace"));
    browser.forget().await.unwrap();
    browser.run(&format!("document.cookie = '__Host-session={cookie}; Path=/; Secure'")).await.unwrap();
    browser.goto(&format!("{}/security-info", world.issuer())).await.unwrap();
    assert!(browser.source().await.unwrap().contains("Signed in as Bob"), "Bob's session cookie is not valid");
    browser.close().await.unwrap();
    hostile.stop().await;
    world.stop().await;
}

/// Checks that the page shows the markup as text, and that the markup created no element and ran no script.
async fn shows_as_text(browser: &Browser, what: &str, times: usize) {
    let script = "return [window.owned ?? 0, document.querySelectorAll('#owned, [onerror]').length, \
                  document.scripts.length, document.title, document.documentElement.textContent]";
    let seen = browser.run(script).await.unwrap();
    let [owned, made, scripts, title, text] = seen.as_array().unwrap().as_slice() else { panic!("{seen}") };
    assert_eq!((owned.as_u64(), made.as_u64(), scripts.as_u64()), (Some(0), Some(0), Some(1)), "{what}");
    assert!(title.as_str().unwrap().ends_with(MARKUP), "{what}: {title}");
    // The organization's name consists of the markup too, and the title and the heading of each page contain this name.
    let found = text.as_str().unwrap().matches(MARKUP).count();
    let typed = browser.source().await.unwrap().matches("&lt;script&gt;").count();
    assert!(found.max(typed) >= 2 + times, "{what}: {found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_with_markup_are_shown_as_text() {
    if let Some(reason) = browser::missing() {
        return skipped("browser", &reason);
    }
    let world = World::start_as(|config| {
        config.organization = MARKUP.to_owned();
        for client in &mut config.clients {
            client.name = MARKUP.to_owned();
            client.redirect_uris = vec!["https://127.0.0.1:1/callback".to_owned()];
        }
    })
    .await
    .unwrap();
    operator::add_person(&world.app.store, USER, MARKUP, PASSWORD, world.app.clock.now()).unwrap();
    operator::add_person(&world.app.store, MARKUP, MARKUP, PASSWORD, world.app.clock.now()).unwrap();
    let home = tempfile::tempdir().unwrap();
    let (person, phone) = (world.person().unwrap(), world.phone_in(home.path().to_owned(), MARKUP).await.unwrap());
    confirmed(&world, &person, &phone).await;
    phone.set_lock().unwrap();
    turned_on(&person, &phone).await;
    operator::set_administrator(&world.app.store, USER, true, world.app.clock.now()).unwrap();
    let browser = Browser::start(world.ca()).await.unwrap();
    let issuer = world.issuer().to_owned();

    browser.goto(&format!("{issuer}/sign-in")).await.unwrap();
    browser.fill("user-name", MARKUP).await.unwrap();
    browser.click("next").await.unwrap();
    browser.wait_for_page("password").await.unwrap();
    shows_as_text(&browser, "a typed name", 1).await;
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let application = "redirect_uri=https%3A%2F%2F127.0.0.1%3A1%2Fcallback";
    let authorize = format!("/authorize?client_id=payroll&response_type=code&scope=openid&{application}");
    let authorize = format!("{authorize}&code_challenge={challenge}&code_challenge_method=S256");
    browser.goto(&format!("{issuer}{authorize}")).await.unwrap();
    browser.wait_for_page("user-name").await.unwrap();
    shows_as_text(&browser, "an application", 1).await;
    browser.forget().await.unwrap();
    signed_in(&browser, &issuer, &phone).await;
    shows_as_text(&browser, "a person and a phone", 2).await;
    browser.goto(&format!("{issuer}/admin")).await.unwrap();
    shows_as_text(&browser, "people", 3).await;
    browser.open_link("</title>").await.unwrap();
    browser.wait_for_page("admin-person").await.unwrap();
    shows_as_text(&browser, "one person", 1).await;
    browser.goto(&format!("{issuer}/admin/groups")).await.unwrap();
    browser.fill("name", MARKUP).await.unwrap();
    browser.click("add-group").await.unwrap();
    approves(&browser, &phone, PromptKind::ChangeGroups).await;
    browser.wait_for_page("act-done").await.unwrap();
    browser.goto(&format!("{issuer}/admin/groups")).await.unwrap();
    browser.wait_for("group").await.unwrap();
    shows_as_text(&browser, "a group", 1).await;
    browser.goto(&format!("{issuer}/admin/policy")).await.unwrap();
    browser.run(&format!("document.querySelector('textarea').value = {}", serde_json::json!(MARKUP))).await.unwrap();
    browser.run("document.querySelector('textarea').form.submit()").await.unwrap();
    browser.wait_for("problem").await.unwrap();
    shows_as_text(&browser, "a malformed policy", 1).await;
    browser.close().await.unwrap();
    world.stop().await;
}

/// An injected script does not run. The browser sends no referrer to the application. After sign-out, going back shows
/// no page of the session.
#[tokio::test(flavor = "multi_thread")]
async fn pages_run_no_injected_script_and_leave_no_history() {
    if let Some(reason) = browser::missing() {
        return skipped("browser", &reason);
    }
    let port = free_port().unwrap();
    let world = World::start_with(Some(format!("https://127.0.0.1:{port}/callback"))).await.unwrap();
    let (_person, phone) = with_phone_sign_in(&world).await;
    let (hostile, browser) = (Hostile::start(&world, port), Browser::start(world.ca()).await.unwrap());
    let inject = "const script = document.createElement('script'); script.textContent = 'window.owned = 1'; \
                  document.body.append(script); return window.owned ?? 0";
    let own = hostile.page(SAME_HOST, "<a href=\"/linked\">on</a>");
    browser.goto(&own).await.unwrap();
    assert_eq!(
        browser.run(inject).await.unwrap(),
        1,
        "a page without a content security policy did not run the injected script"
    );
    browser.open_link("on").await.unwrap();
    browser.wait_for_page("elsewhere").await.unwrap();

    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let authorize = format!(
        "{}/authorize?client_id=payroll&response_type=code&scope=openid&code_challenge={challenge}\
         &code_challenge_method=S256&state=kept&redirect_uri=https%3A%2F%2F127.0.0.1%3A{port}%2Fcallback",
        world.issuer()
    );
    browser.goto(&authorize).await.unwrap();
    browser.wait_for_page("user-name").await.unwrap();
    assert_eq!(browser.run(inject).await.unwrap(), 0, "the service's page ran the injected script");
    browser.fill("user-name", USER).await.unwrap();
    browser.click("next").await.unwrap();
    browser.wait_for_page("password").await.unwrap();
    browser.click("use-phone").await.unwrap();
    browser.wait_for_page("number").await.unwrap();
    let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    phone.approve_unlocked(&prompt, browser.number().await.unwrap()).await.unwrap();
    browser.wait_for_page("name-account").await.unwrap();
    browser.click("continue").await.unwrap();
    browser.wait_for_page("elsewhere").await.unwrap();
    let heard = hostile.heard();
    let referrer = |start: &str| {
        let found = heard.iter().find(|(path, _)| path.starts_with(start)).unwrap();
        found.1.get("referer").map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(referrer("/callback?code="), None, "the application got a referrer");
    assert!(
        referrer("/linked").is_some_and(|from| own.starts_with(&from)),
        "the page of another site sent no referrer"
    );

    browser.goto(&format!("{}/security-info", world.issuer())).await.unwrap();
    browser.wait_for_page("security-info").await.unwrap();
    browser.click("sign-out").await.unwrap();
    browser.wait_for_page("signed-out").await.unwrap();
    browser.back().await.unwrap();
    a_moment().await;
    assert_eq!(arrived(&browser, world.issuer()).await, "user-name", "going back shows a page of the ended session");
    browser.close().await.unwrap();
    hostile.stop().await;
    world.stop().await;
}

/// Approves what the number page asks for, with the sign-in key.
async fn approves(browser: &Browser, phone: &TestPhone, kind: PromptKind) {
    browser.wait_for("number").await.unwrap();
    let number = browser.number().await.unwrap();
    let prompt = phone.prompt_of(kind).await.unwrap();
    let step = phone.core().approve(prompt.id().clone(), number).await.unwrap();
    assert_eq!(phone.unlock(&step).await.unwrap(), Step::Done { outcome: Outcome::Approved });
}
