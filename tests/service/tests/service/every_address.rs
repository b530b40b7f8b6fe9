//! Tests rules that every URL of the service must follow. The list of URLs comes from the router.

use crate::support::{Answer, Browser, ISSUER, form, service};
use axum::body::Body;
use axum::http::{HeaderName, Method, Request, header};
use countersign_service::addresses::{Address, For, all};
use countersign_service::app::App;
use countersign_service::operator;

const EVIL: &str = "evil.example";
/// Parameter names that other websites use for redirect targets.
const LEADING: [&str; 8] = ["return", "next", "url", "redirect", "redirect_uri", "continue", "target_link_uri", "iss"];
const HEADERS: [(&str, &str); 7] = [
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "same-origin"),
    ("cache-control", "no-store"),
    ("strict-transport-security", "max-age=31536000"),
];

/// Returns a service, and the browser of Alice, an administrator. A phone has approved the session in this browser.
fn administrator() -> (App, Browser) {
    let (app, _) = service();
    operator::set_administrator(&app.store, "alice", true, app.clock.now()).unwrap();
    let browser = Browser::signed_in(&app, true);
    (app, browser)
}

fn listed(is_for: For) -> Vec<Address> {
    all().listed().iter().filter(|address| address.is_for == is_for).cloned().collect()
}

fn path(address: &Address) -> String {
    address.path.replace("{user_name}", "alice")
}

/// Returns whether this URL is an event stream. The response of an event stream ends only after an event.
fn waits(address: &Address) -> bool {
    address.path.ends_with("/events")
}

async fn ask(browser: &mut Browser, method: &Method, path: &str, headers: &[(HeaderName, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    browser.send(request.body(Body::empty()).unwrap()).await
}

fn has_all_headers(answer: &Answer, what: &str) {
    for (name, value) in HEADERS {
        let found: Vec<_> = answer.headers.get_all(name).iter().collect();
        assert_eq!(found, [value], "{what}: {name}");
    }
    let shared = |name: &HeaderName| name.as_str().starts_with("access-control-");
    assert!(!answer.headers.keys().any(shared), "{what} is readable by other sites");
    let policies: Vec<_> = answer.headers.get_all(header::CONTENT_SECURITY_POLICY).iter().collect();
    assert_eq!(policies.len(), 1, "{what}");
    let policy = policies[0].to_str().unwrap();
    let is_page = answer.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/html; charset=utf-8");
    let expected = if is_page {
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    } else {
        "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    };
    assert_eq!(policy, expected, "{what}");
    assert_eq!(answer.body.starts_with("<!doctype html>"), is_page, "{what}");
}

#[tokio::test]
async fn every_response_has_the_security_headers() {
    let (app, mut alice) = administrator();
    let mut nobody = Browser::new(&app);
    for address in all().listed() {
        for browser in [&mut alice, &mut nobody] {
            let what = format!("{} {}", address.method, address.path);
            // Event streams are opened without a session, so that they end immediately.
            let answer = match (waits(address), address.method == Method::GET) {
                (true, _) => Browser::new(&app).get(&path(address)).await,
                (false, true) => browser.get(&path(address)).await,
                (false, false) => ask(browser, &address.method, &path(address), &[]).await,
            };
            has_all_headers(&answer, &what);
            has_all_headers(&ask(browser, &Method::TRACE, &path(address), &[]).await, "another method");
        }
    }
    has_all_headers(&alice.get("/nowhere").await, "an unknown URL");
    let large = Request::post("/phone/look-up").body(Body::from(vec![b' '; 1 << 20])).unwrap();
    let large = alice.send(large).await;
    assert_eq!(large.status, 413);
    has_all_headers(&large, "a body that is too large");
    let page = alice.get("/admin/policy").await;
    assert_eq!(page.page(), "admin-policy", "Alice has no access to the administrator's pages");
}

#[tokio::test]
async fn forms_need_the_csrf_token_and_the_services_web_origin() {
    let forms = listed(For::Form);
    assert!(forms.len() > 30);
    let (app, _) = administrator();
    for address in forms {
        for (what, csrf, origin, counts) in [
            ("our own page", true, Some(ISSUER), true),
            ("a page without the token", false, Some(ISSUER), false),
            ("another site", true, Some("https://evil.example"), false),
            ("another port", true, Some("https://localhost:8444"), false),
            ("an opaque origin", true, Some("null"), false),
            ("no origin", true, None, false),
        ] {
            let mut browser = Browser::signed_in(&app, true);
            browser.get("/sign-in").await;
            browser.origin = origin;
            if !csrf {
                browser.csrf.clear();
            }
            let answer = browser.post(address.path, &[]).await;
            let taken = (answer.status, answer.page().as_str()) != (403, "stale");
            assert_eq!(taken, counts, "{}: {what}", address.path);
        }
    }
}

/// No parameter of a link or form makes the service redirect to another site.
#[tokio::test]
async fn no_url_redirects_to_another_site() {
    let (_app, mut alice) = administrator();
    let mut led = 0;
    for address in all().listed().iter().filter(|address| !waits(address)) {
        for to in ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"] {
            let fields: Vec<(&str, &str)> = LEADING.iter().map(|name| (*name, to)).collect();
            let query = format!("{}?{}", path(address), form(&fields));
            let answer = if address.is_for == For::Form {
                alice.get("/sign-in").await;
                alice.post(&query, &fields).await
            } else {
                ask(&mut alice, &address.method, &query, &[]).await
            };
            if let Some(location) = answer.location() {
                led += 1;
                let stays = location.strip_prefix('/').is_some_and(|rest| !rest.starts_with(['/', '\\']));
                assert!(stays, "{query}: {location}");
                assert!(!location.contains("evil"), "{query}: {location}");
            }
        }
    }
    for path in ["//evil.example", "//evil.example/%2e%2e", "/%2f%2fevil.example", "/sign-in//evil.example"] {
        assert_eq!(alice.get(path).await.status, 404, "{path}");
    }
    assert!(led > 50, "only {led} responses were redirects");
}

/// No response repeats the host or the forwarding headers of its request. No response header contains a line break from
/// a parameter of the request.
#[tokio::test]
async fn request_headers_are_not_reflected() {
    let (_app, mut alice) = administrator();
    let lies = [
        (header::HOST, EVIL),
        (HeaderName::from_static("x-forwarded-host"), EVIL),
        (HeaderName::from_static("x-forwarded-proto"), "http"),
        (HeaderName::from_static("x-forwarded-for"), "203.0.113.66"),
        (header::FORWARDED, "for=203.0.113.66;host=evil.example;proto=http"),
        (HeaderName::from_static("x-original-url"), "/evil.example"),
        (header::REFERER, "https://evil.example/"),
        (header::USER_AGENT, "evil.example <script>"),
    ];
    for address in all().listed().iter().filter(|address| !waits(address) && address.method == Method::GET) {
        let honest = ask(&mut alice, &Method::GET, &path(address), &[]).await;
        let lied = ask(&mut alice, &Method::GET, &path(address), &lies).await;
        let said = format!("{:?} {}", lied.headers, lied.body);
        for word in [EVIL, "203.0.113.66", "http://"] {
            assert!(!said.contains(word), "{}: {word}", address.path);
        }
        assert_eq!((honest.status, honest.location()), (lied.status, lied.location()), "{}", address.path);
    }
    let broken = "/authorize?client_id=web&redirect_uri=https%3A%2F%2Fweb.example%2Fcallback&response_type=none\
                  &state=%0d%0aSet-Cookie:%20__Host-session=evil%0d%0a%0d%0a%3Cscript%3E";
    let answer = alice.get(broken).await;
    assert!(answer.location().unwrap().contains("state=%0D%0ASet-Cookie"), "the line break in `state` was not encoded");
    assert!(!answer.headers.contains_key(header::SET_COOKIE));
}

#[tokio::test]
async fn forms_refuse_get_and_machine_endpoints_ignore_cookies() {
    let (app, mut alice) = administrator();
    for address in listed(For::Form) {
        if !all().listed().iter().any(|page| page.path == address.path && page.method == Method::GET) {
            assert_eq!(alice.get(address.path).await.status, 405, "{}", address.path);
        }
    }
    for address in listed(For::Machine) {
        let of_alice = ask(&mut alice, &address.method, &path(&address), &[]).await;
        let of_nobody = ask(&mut Browser::new(&app), &address.method, &path(&address), &[]).await;
        assert_eq!((of_alice.status, &of_alice.body), (of_nobody.status, &of_nobody.body), "{}", address.path);
        assert!(!of_alice.headers.contains_key(header::SET_COOKIE), "{}", address.path);
    }
}
