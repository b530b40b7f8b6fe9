//! Tests that each sign-in page and form keeps the flow of its own tab when other tabs of the browser have other flows.

use crate::support::{Answer, Browser, ISSUER, PASSWORD, RETURN, form, service};
use axum::body::Body;
use axum::http::{Request, header};
use countersign_service::addresses::{For, all};
use countersign_service::app::App;
use countersign_service::clock::{DAY, HOUR};
use countersign_service::openid::request::AuthorizationRequest;
use countersign_service::people::records as people;
use countersign_service::provenance::Given;
use countersign_service::secrets::{hashed, random_id};
use countersign_service::sign_in::attempt::Attempt;
use countersign_service::sign_in::flow::{Flow, Goal};
use countersign_service::sign_in::session::{Session, Used};

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn authorize(client: &str, redirect: &str, more: &[(&str, &str)]) -> String {
    let fields = [
        ("client_id", client),
        ("redirect_uri", redirect),
        ("response_type", "code"),
        ("scope", "openid"),
        ("state", "the state"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    format!("/authorize?{}", form(&[&fields, more].concat()))
}

fn web() -> String {
    authorize("web", RETURN, &[])
}

fn other() -> String {
    authorize("other", "https://other.example/callback", &[])
}

/// Opens a link in a new tab and follows redirects.
async fn opens(browser: &mut Browser, link: &str) -> Answer {
    browser.flow = None;
    let answer = browser.get(link).await;
    browser.follow(answer).await
}

async fn types(browser: &mut Browser, name: &str) -> Answer {
    let answer = browser.post("/sign-in", &[("user_name", name)]).await;
    browser.follow(answer).await
}

/// Returns the attempt that the browser's cookie names.
fn attempt(app: &App, browser: &Browser) -> Attempt {
    let id = hashed(browser.cookies["__Host-attempt"].as_bytes());
    app.store.global_blocking(|tx| tx.get::<Attempt>(&id)).unwrap().unwrap()
}

#[tokio::test]
async fn each_tab_signs_in_to_its_own_application() {
    let (app, _) = service();
    let mut browser = Browser::new(&app);
    opens(&mut browser, &web()).await;
    let first = browser.flow.clone();
    assert!(opens(&mut browser, &other()).await.body.contains("to continue to other"));
    let second = browser.flow.clone();

    browser.flow = first.clone();
    assert_eq!(types(&mut browser, "alice").await.page(), "password");
    assert_eq!(attempt(&app, &browser).flow.application(), Some("web"));

    browser.flow = second.clone();
    assert_eq!(types(&mut browser, "alice").await.page(), "password");
    assert_eq!(attempt(&app, &browser).flow.application(), Some("other"));

    // The second tab has replaced the attempt of the first tab. Each form of the first tab reports this, and does not
    // change the attempt of the second tab.
    for path in ["/sign-in/password", "/sign-in/phone", "/sign-in/again", "/sign-in/finish", "/more-information"] {
        browser.flow = first.clone();
        let page = browser.post(path, &[("password", PASSWORD)]).await;
        assert_eq!(page.page(), "other-tab", "{path}");
        assert!(page.body.contains("Sign in to web here"), "{path}");
    }
    assert_eq!(browser.get("/sign-in/number").await.page(), "other-tab");
    browser.flow = second;
    browser.get("/sign-in/password").await;
    let page = browser.post("/sign-in/password", &[("password", PASSWORD)]).await;
    assert_eq!(browser.follow(page).await.page(), "more-information");

    browser.flow = first;
    assert_eq!(browser.get("/sign-in").await.page(), "user-name", "the first tab can not start again");
    assert_eq!(types(&mut browser, "alice").await.page(), "password");
    assert_eq!(attempt(&app, &browser).flow.application(), Some("web"));
}

/// Before a name is typed, the flow is only in the URL. Unauthenticated requests therefore do not fill the database,
/// and a page that stays open does not lose its authorization request.
#[tokio::test]
async fn nothing_is_stored_before_a_name_is_typed() {
    let (app, clock) = service();
    let mut browser = Browser::new(&app);
    assert_eq!(opens(&mut browser, &web()).await.page(), "user-name");
    assert!(!browser.cookies.contains_key("__Host-attempt"));
    clock.advance(DAY);
    let now = app.clock.now();
    app.store.global_blocking(|tx| tx.sweep(now)).unwrap();
    assert_eq!(types(&mut browser, "alice").await.page(), "password");
    assert_eq!(attempt(&app, &browser).flow.application(), Some("web"));
}

#[tokio::test]
async fn expired_attempt_restarts_for_the_same_application() {
    let (app, clock) = service();
    for path in ["/sign-in/password", "/sign-in/phone", "/sign-in/again", "/sign-in/cancel", "/sign-in/finish"] {
        let mut browser = Browser::new(&app);
        opens(&mut browser, &web()).await;
        types(&mut browser, "alice").await;
        clock.advance(HOUR);
        let answer = browser.post(path, &[("password", PASSWORD)]).await;
        let page = browser.follow(answer).await;
        assert_eq!(page.page(), "user-name", "{path}");
        assert!(page.body.contains("to continue to web"), "{path}");
        assert!(page.body.contains("This sign-in took too long"), "{path}");
    }
}

#[tokio::test]
async fn session_of_another_tab_is_used_unless_login_is_required() {
    let (app, _) = service();
    let mut browser = Browser::new(&app);
    for (link, is_used) in [
        (web(), true),
        (authorize("web", RETURN, &[("prompt", "login")]), false),
        (authorize("web", RETURN, &[("max_age", "60")]), false),
    ] {
        assert_eq!(opens(&mut browser, &link).await.page(), "user-name");
        let session = Browser::signed_in(&app, true).cookies["__Host-session"].clone();
        browser.cookies.insert("__Host-session".to_owned(), session);
        let page = browser.get("/sign-in").await;
        assert_eq!(page.page(), if is_used { "leaving" } else { "user-name" }, "{link}");
        assert!(!is_used || page.leads_to().starts_with(RETURN) && page.leads_to().contains("code="), "{link}");
        browser.cookies.remove("__Host-session");
    }
}

#[tokio::test]
async fn leaving_page_returns_the_state_parameter() {
    let (app, _) = service();
    let mut browser = Browser::signed_in(&app, false);
    let (cookie, now) = (random_id().unwrap(), app.clock.now());
    let request = AuthorizationRequest {
        client_id: "web".to_owned(),
        application: "Web & more".to_owned(),
        redirect_uri: RETURN.to_owned(),
        state: Some("\"><script>alert(1)</script>".to_owned()),
        nonce: None,
        code_challenge: CHALLENGE.to_owned(),
    };
    app.store
        .global_blocking(|tx| {
            let account = people::find(tx, "alice")?.unwrap().account_id;
            let session =
                Session::new(hashed(cookie.as_bytes()), account, Used::PasswordAndPhone, Given::unrecorded(now));
            tx.insert(&Session { request: Some(request.clone()), ..session })
        })
        .unwrap();
    browser.cookies.insert("__Host-session".to_owned(), cookie);
    browser.get("/security-info").await;
    let page = browser.post("/security-info/continue", &[]).await;
    let to = url::Url::parse(&page.leads_to()).unwrap();
    assert_eq!(to.as_str().split('?').next(), Some(RETURN));
    let given = |name: &str| to.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned());
    assert_eq!(given("state").as_deref(), Some("\"><script>alert(1)</script>"));
    assert_eq!(given("iss").as_deref(), Some(ISSUER));
    assert_eq!(given("code").map(|code| code.len()), Some(22));
    assert_eq!(
        page.headers[header::REFERRER_POLICY],
        "same-origin",
        "the authorization code may be sent to another site as a referrer"
    );
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    assert!(page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("form-action 'self';"));
}

/// When the response to a form is a redirect, browsers check its target against `form-action`. The pages allow only the
/// service itself as a target.
#[tokio::test]
async fn no_form_redirects_to_another_web_origin() {
    let (app, _) = service();
    let mut leaving = 0;
    for address in all().listed().iter().filter(|address| address.is_for == For::Form) {
        for link in [web(), authorize("web", RETURN, &[("prompt", "login")])] {
            let mut browser = Browser::new(&app);
            opens(&mut browser, &link).await;
            let session = Browser::signed_in(&app, true).cookies["__Host-session"].clone();
            browser.cookies.insert("__Host-session".to_owned(), session);
            let flow = browser.flow.clone();
            browser.get("/security-info").await;
            browser.flow = flow;
            let answer = browser.post(address.path, &[("user_name", "alice")]).await;
            let page = browser.follow(answer).await;
            assert_eq!(page.location(), None, "{}", address.path);
            leaving += usize::from(page.page() == "leaving");
        }
    }
    assert!(leaving > 5, "only {leaving} forms led to the leaving page");
}

#[tokio::test]
async fn altered_or_unregistered_flow_is_refused() {
    let (app, _) = service();
    let request = AuthorizationRequest {
        client_id: "web".to_owned(),
        application: "web".to_owned(),
        redirect_uri: RETURN.to_owned(),
        state: None,
        nonce: None,
        code_challenge: CHALLENGE.to_owned(),
    };
    let flow = |request: AuthorizationRequest| {
        let flow = Flow::new(Goal::Application { request, sign_in_now: false }).unwrap();
        flow.sealed(&app.sealer)
    };
    let good = flow(request.clone()).unwrap();
    let altered = format!("{}{}", if good.starts_with('A') { "B" } else { "A" }, good.get(1..).unwrap());
    let elsewhere = service().0;
    let foreign = Flow::new(Goal::SecurityInfo).unwrap().sealed(&elsewhere.sealer).unwrap();
    let unregistered = AuthorizationRequest { redirect_uri: "https://web.example/other".to_owned(), ..request.clone() };
    let unknown = AuthorizationRequest { client_id: "gone".to_owned(), ..request.clone() };
    for (what, text, status) in [
        ("a valid one", good.clone(), 200),
        ("altered", altered, 400),
        ("cut off", good.get(2..).unwrap().to_owned(), 400),
        ("of another service", foreign, 400),
        ("with a redirect URI that is not registered", flow(unregistered).unwrap(), 400),
        ("for a client that is not registered", flow(unknown).unwrap(), 400),
        ("nothing", String::new(), 400),
        ("of the maximum length", "A".repeat(8_192), 400),
        ("too long", "A".repeat(8_193), 400),
    ] {
        let answer = Browser::new(&app).get(&format!("/sign-in?flow={text}")).await;
        assert_eq!(answer.status, status, "{what}");
    }
    let long = AuthorizationRequest { state: Some("s".repeat(8_000)), ..request };
    assert_eq!(flow(long), None, "sealed a flow that is too long for a URL");
    let state = "s".repeat(8_000);
    let refused = Browser::new(&app).get(&authorize("web", RETURN, &[("state", &state)])).await;
    assert!(refused.location().unwrap().contains("error=invalid_request"));
}

#[tokio::test]
async fn page_for_a_refused_form_states_the_reason() {
    let (app, _) = service();
    let mut browser = Browser::new(&app);
    opens(&mut browser, &web()).await;
    let flow = browser.flow.clone().unwrap();
    let large = form(&[("csrf", &browser.csrf), ("user_name", &"a".repeat(17 * 1024))]);
    let request = Request::post(format!("/sign-in?flow={flow}"));
    let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = browser.send(request.header(header::ORIGIN, ISSUER).body(Body::from(large)).unwrap()).await;
    assert_eq!((answer.status, answer.page().as_str()), (413, "too-large"));

    browser.cookies.clear();
    let answer = browser.post("/sign-in", &[("user_name", "alice")]).await;
    assert_eq!((answer.status, answer.page().as_str()), (403, "cookies"));
    assert!(answer.body.contains("Allow cookies for localhost:8443"));
    assert!(answer.body.contains("href=\"/sign-in?flow="), "the link does not return to the same application");

    browser.get("/sign-in").await;
    browser.flow = None;
    let request = Request::post("/sign-in").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let fields = form(&[("csrf", &browser.csrf), ("user_name", "alice")]);
    let answer = browser.send(request.header(header::ORIGIN, ISSUER).body(Body::from(fields)).unwrap()).await;
    assert_eq!((answer.status, answer.page().as_str()), (403, "stale"), "accepted a sign-in form without a flow");
}

#[tokio::test]
async fn every_page_reports_an_ended_session() {
    let (app, clock) = service();
    let mut browser = Browser::signed_in(&app, true);
    browser.get("/security-info").await;
    clock.advance(9 * HOUR);
    for path in ["/security-info", "/security-info/add", "/security-info/add/code", "/admin", "/admin/policy"] {
        let answer = browser.get(path).await;
        let page = browser.follow(answer).await;
        assert!(page.body.contains("Your session has ended."), "{path}: {}", page.body);
    }
    for path in [
        "/security-info/add",
        "/security-info/remove",
        "/security-info/pass",
        "/security-info/continue",
        "/security-info/step-up/finish",
        "/admin/people",
    ] {
        browser.get("/sign-in").await;
        let answer = browser.post(path, &[("user_name", "bob"), ("name", "Bob")]).await;
        let page = browser.follow(answer).await;
        assert!(page.body.contains("Your session has ended."), "{path}: {}", page.body);
    }
    let answer = Browser::new(&app).get("/security-info").await;
    assert!(
        !Browser::new(&app).follow(answer).await.body.contains("has ended"),
        "reported an ended session to a browser that had none"
    );
}
