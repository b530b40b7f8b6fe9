//! Tests the headers and the cookies of pages, and that forms of other sites are refused.

use crate::support::{Browser, PASSWORD, service};
use axum::http::header;
use countersign_service::pages::Page;

#[tokio::test]
async fn every_page_has_a_strict_content_security_policy() {
    let (app, _) = service();
    let mut browser = Browser::signed_in(&app, true);
    for path in ["/", "/sign-in", "/security-info", "/security-info/add", "/nowhere", "/authorize"] {
        let answer = browser.get(path).await;
        let answer = browser.follow(answer).await;
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        for part in ["default-src 'none'", "script-src 'self';", "style-src 'self';", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store", "{path}");
        assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        // With `no-referrer`, browsers would send the service's own forms with `Origin: null`.
        assert_eq!(answer.headers[header::REFERRER_POLICY], "same-origin", "{path}");
        assert!(answer.headers.contains_key(header::STRICT_TRANSPORT_SECURITY), "{path}");
        for inline in ["<style", " style=", " onclick=", "<script>", "javascript:"] {
            assert!(!answer.body.contains(inline), "{path}: {inline}");
        }
    }
}

#[tokio::test]
async fn forms_of_other_web_origins_are_refused() {
    let (app, _) = service();
    let other_token = {
        let mut other = Browser::new(&app);
        other.get("/sign-in").await;
        other.csrf
    };
    let mut browser = Browser::signed_in(&app, true);
    browser.get("/security-info").await;
    let (good, origin) = (browser.csrf.clone(), browser.origin);
    for (what, csrf, origin) in [
        ("no token", "", origin),
        ("another browser's token", other_token.as_str(), origin),
        ("another site", good.as_str(), Some("https://evil.example")),
        ("another port", good.as_str(), Some("https://localhost:8444")),
        ("an opaque origin", good.as_str(), Some("null")),
        ("no origin", good.as_str(), None),
    ] {
        (browser.csrf, browser.origin) = (csrf.to_owned(), origin);
        let answer = browser.post("/sign-out", &[]).await;
        assert_eq!((answer.status, answer.page().as_str()), (403, "stale"), "{what}");
        assert_eq!(browser.get("/security-info").await.page(), "security-info", "{what}");
    }
    (browser.csrf, browser.origin) = (good, origin);
    assert_eq!(browser.post("/sign-out", &[]).await.page(), "signed-out");
    assert_eq!(browser.get("/security-info").await.location(), Some("/sign-in"));
}

#[tokio::test]
async fn changes_require_post() {
    let (app, _) = service();
    for path in ["/sign-out", "/sign-in/finish", "/security-info/continue", "/security-info/add/start", "/token"] {
        assert_eq!(Browser::signed_in(&app, true).get(path).await.status, 405, "{path}");
    }
    let mut browser = Browser::signed_in(&app, true);
    browser.get("/sign-in").await;
    assert_eq!(
        browser.get("/security-info").await.page(),
        "security-info",
        "opening the sign-in page ended the session"
    );
}

#[tokio::test]
async fn cookies_are_host_only_and_http_only() {
    let (app, _) = service();
    let answer = Browser::new(&app).get("/sign-in").await;
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-form="));
    for part in ["; HttpOnly", "; Secure", "; SameSite=Lax", "; Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"));
}

#[tokio::test]
async fn each_sign_in_step_gets_a_new_cookie() {
    let (app, _) = service();
    let mut browser = Browser::new(&app);
    browser.get("/sign-in").await;
    let page = browser.post("/sign-in", &[("user_name", "alice")]).await;
    let before = browser.cookies["__Host-attempt"].clone();
    browser.follow(page).await;
    let page = browser.post("/sign-in/password", &[("password", PASSWORD)]).await;
    assert_eq!(browser.follow(page).await.page(), "security-info");
    let mut planted = Browser::new(&app);
    planted.cookies.insert("__Host-attempt".to_owned(), before);
    assert_eq!(planted.get("/more-information").await.location(), Some("/sign-in"));
    assert_eq!(planted.get("/security-info").await.location(), Some("/sign-in"));
}

#[tokio::test]
async fn unknown_name_looks_like_a_wrong_password() {
    let (app, _) = service();
    let mut said = Vec::new();
    for name in ["alice", "nobody"] {
        let mut browser = Browser::new(&app);
        browser.get("/sign-in").await;
        let page = browser.post("/sign-in", &[("user_name", name)]).await;
        assert_eq!(browser.follow(page).await.page(), "password");
        let answer = browser.post("/sign-in/password", &[("password", "wrong")]).await;
        said.push((answer.status, browser.words(&answer).replace(name, "")));
    }
    assert_eq!(said.first(), said.last());
}

#[tokio::test]
async fn right_password_is_refused_after_ten_wrong_ones() {
    let (app, _) = service();
    let mut browser = Browser::new(&app);
    browser.get("/sign-in").await;
    let page = browser.post("/sign-in", &[("user_name", "alice")]).await;
    browser.follow(page).await;
    for _wrong in 0..10 {
        browser.post("/sign-in/password", &[("password", "wrong")]).await;
    }
    assert_eq!(browser.post("/sign-in/password", &[("password", PASSWORD)]).await.page(), "password");
}

#[tokio::test]
async fn user_input_is_escaped_on_pages() {
    let (app, _) = service();
    let mut browser = Browser::new(&app);
    browser.get("/sign-in").await;
    let page = browser.post("/sign-in", &[("user_name", "<b>\"alice\"")]).await;
    let page = browser.follow(page).await;
    assert!(!page.body.contains("<b>") && page.body.contains("&#60;b&#62;"));
}

#[tokio::test]
async fn script_and_page_have_the_same_texts_for_the_remaining_time() {
    let (app, _) = service();
    let script = Browser::new(&app).get("/static/page.js").await;
    assert_eq!(script.headers[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
    let page = Page::new("any", "Any");
    for seconds in [0, 1, 59, 60, 61, 119, 120, 300] {
        let said = page.left(&seconds);
        let words = said.split_once(' ').unwrap().1;
        assert!(script.body.contains(words), "{said}");
    }
    assert_eq!(
        [page.left(&1), page.left(&119), page.left(&121)],
        ["1 second left", "2 minutes left", "3 minutes left"]
    );
}
