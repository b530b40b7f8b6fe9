//! Tests the OpenID Provider with one valid authorization, and with copies that have one error each.

use crate::support::{Answer, Browser, ISSUER, PASSWORD, RETURN, form, service};
use axum::body::Body;
use axum::http::{Request, header};
use countersign_service::app::App;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;
use url::Url;

/// The code verifier in RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

const AUTHORIZE: [(&str, &str); 8] = [
    ("client_id", "web"),
    ("redirect_uri", RETURN),
    ("response_type", "code"),
    ("scope", "openid"),
    ("state", "the state"),
    ("nonce", "the nonce"),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
];

/// Returns the valid request with some parameters replaced. An empty value removes the parameter.
fn authorize(changes: &[(&str, &str)]) -> String {
    let mut fields: Vec<(&str, &str)> =
        AUTHORIZE.into_iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name)).collect();
    fields.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    format!("/authorize?{}", form(&fields))
}

fn parameter(answer: &Answer, name: &str) -> Option<String> {
    let url = Url::parse(answer.location()?).unwrap();
    url.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

async fn code(app: &App) -> String {
    let answer = Browser::signed_in(app, true).get(&authorize(&[])).await;
    parameter(&answer, "code").unwrap()
}

async fn redeem(app: &App, code: &str, changes: &[(&str, &str)]) -> Answer {
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", RETURN),
        ("code_verifier", VERIFIER),
        ("client_id", "web"),
        ("client_secret", "web-secret"),
    ];
    for (name, value) in changes {
        fields.retain(|(found, _)| found != name);
        fields.push((name, value));
    }
    let request = Request::post("/token").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    Browser::new(app).send(request.body(Body::from(form(&fields))).unwrap()).await
}

#[tokio::test]
async fn published_key_verifies_the_id_token() {
    let (app, _) = service();
    let answer = Browser::signed_in(&app, true).get(&authorize(&[])).await;
    assert!(answer.location().unwrap().starts_with(RETURN));
    assert_eq!(parameter(&answer, "state").as_deref(), Some("the state"));
    assert_eq!(parameter(&answer, "iss").as_deref(), Some(ISSUER));
    let tokens = redeem(&app, &parameter(&answer, "code").unwrap(), &[]).await;
    assert_eq!((tokens.status, &tokens.headers[header::CACHE_CONTROL]), (200, &"no-store".parse().unwrap()));

    let keys = Browser::new(&app).get("/jwks").await.json();
    let key = &keys["keys"][0];
    let key = DecodingKey::from_ec_components(key["x"].as_str().unwrap(), key["y"].as_str().unwrap()).unwrap();
    let mut checks = Validation::new(Algorithm::ES256);
    checks.set_issuer(&[ISSUER]);
    checks.set_audience(&["web"]);
    let tokens = tokens.json();
    let claims = jsonwebtoken::decode::<Value>(tokens["id_token"].as_str().unwrap(), &key, &checks).unwrap().claims;
    assert_eq!(claims["nonce"], "the nonce");
    assert_eq!(claims["acr"], "mfa");
    assert_eq!(claims["amr"], serde_json::json!(["pwd", "pop", "mfa"]));
    assert_eq!(claims["preferred_username"], "alice");

    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let request = Request::get("/userinfo").header(header::AUTHORIZATION, bearer).body(Body::empty()).unwrap();
    assert_eq!(Browser::new(&app).send(request).await.json()["sub"], claims["sub"]);
}

#[tokio::test]
async fn openid_redemption_with_one_wrong_parameter_is_refused() {
    let (app, _) = service();
    let code = code(&app).await;
    for (what, changes, error) in [
        ("no verifier", &[("code_verifier", "")][..], "invalid_grant"),
        ("another verifier", &[("code_verifier", CHALLENGE)], "invalid_grant"),
        ("another client", &[("client_id", "other"), ("client_secret", "other-secret")], "invalid_grant"),
        ("another redirect URI", &[("redirect_uri", "https://web.example/callback/")], "invalid_grant"),
        ("another code", &[("code", "AAAAAAAAAAAAAAAAAAAAAA")], "invalid_grant"),
        ("a wrong secret", &[("client_secret", "other-secret")], "invalid_client"),
        ("an unknown client", &[("client_id", "nobody")], "invalid_client"),
        ("another grant", &[("grant_type", "password")], "unsupported_grant_type"),
    ] {
        let answer = redeem(&app, &code, changes).await;
        assert!(answer.status >= 400, "{what}");
        assert_eq!(answer.json(), serde_json::json!({ "error": error }), "{what}");
    }
    assert_eq!(redeem(&app, &code, &[]).await.status, 200, "a refused redemption made the authorization code invalid");
}

#[tokio::test]
async fn reused_authorization_code_revokes_its_token_and_session() {
    let (app, _) = service();
    let mut browser = Browser::signed_in(&app, true);
    let code = parameter(&browser.get(&authorize(&[])).await, "code").unwrap();
    let tokens = redeem(&app, &code, &[]).await.json();
    assert_eq!(redeem(&app, &code, &[]).await.json()["error"], "invalid_grant");
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let request = Request::get("/userinfo").header(header::AUTHORIZATION, bearer).body(Body::empty()).unwrap();
    assert_eq!(Browser::new(&app).send(request).await.status, 401);
    assert_eq!(browser.get("/security-info").await.location(), Some("/sign-in"));
}

#[tokio::test]
async fn openid_authorization_code_expires_after_a_minute() {
    let (app, clock) = service();
    let code = code(&app).await;
    clock.advance(60);
    assert_eq!(redeem(&app, &code, &[]).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn no_redirect_to_an_unregistered_uri() {
    let (app, _) = service();
    for (what, changes) in [
        ("unregistered client", &[("client_id", "nobody")][..]),
        ("no client", &[("client_id", "")]),
        ("no redirect URI", &[("redirect_uri", "")]),
        ("an altered redirect URI", &[("redirect_uri", "https://web.example/callback/")]),
        ("a redirect URI with a query", &[("redirect_uri", "https://web.example/callback?next=evil")]),
        ("another host", &[("redirect_uri", "https://web.example.evil/callback")]),
        ("another client's redirect URI", &[("redirect_uri", "https://other.example/callback")]),
    ] {
        let answer = Browser::signed_in(&app, true).get(&authorize(changes)).await;
        assert_eq!((answer.status, answer.location(), answer.page().as_str()), (400, None, "bad-request"), "{what}");
    }
}

#[tokio::test]
async fn request_errors_are_returned_to_a_registered_redirect_uri() {
    let (app, _) = service();
    for (changes, error) in [
        (&[("code_challenge", "")][..], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("scope", "profile")], "invalid_scope"),
        (&[("request", "e30.e30.")], "request_not_supported"),
        (&[("prompt", "none"), ("max_age", "never")], "login_required"),
    ] {
        let answer = Browser::signed_in(&app, true).get(&authorize(changes)).await;
        assert_eq!(parameter(&answer, "error").as_deref(), Some(error), "{changes:?}");
        assert_eq!(parameter(&answer, "code"), None, "{changes:?}");
        assert_eq!(parameter(&answer, "state").as_deref(), Some("the state"), "{changes:?}");
        assert_eq!(parameter(&answer, "iss").as_deref(), Some(ISSUER), "{changes:?}");
    }
}

#[tokio::test]
async fn an_application_may_ask_for_a_fresh_sign_in() {
    let (app, clock) = service();
    let mut browser = Browser::signed_in(&app, true);
    assert!(parameter(&browser.get(&authorize(&[("prompt", "none")])).await, "code").is_some());
    assert!(parameter(&browser.get(&authorize(&[("max_age", "60")])).await, "code").is_some());
    clock.advance(30);
    assert!(parameter(&browser.get(&authorize(&[("max_age", "60")])).await, "code").is_some());
    clock.advance(31);
    assert_eq!(browser.get(&authorize(&[("max_age", "60")])).await.location(), Some("/sign-in"));
    assert_eq!(browser.get(&authorize(&[("prompt", "login")])).await.location(), Some("/sign-in"));
}

#[tokio::test]
async fn a_password_alone_opens_no_application() {
    let (app, _) = service();
    let mut browser = Browser::new(&app);
    let page = browser.get(&authorize(&[])).await;
    assert_eq!(browser.follow(page).await.page(), "user-name");
    let page = browser.post("/sign-in", &[("user_name", "alice")]).await;
    assert_eq!(browser.follow(page).await.page(), "password");
    let page = browser.post("/sign-in/password", &[("password", PASSWORD)]).await;
    assert_eq!(browser.follow(page).await.page(), "more-information");
    let page = browser.post("/more-information", &[]).await;
    assert_eq!(browser.follow(page).await.page(), "security-info");
    let page = browser.post("/security-info/continue", &[]).await;
    assert_eq!((page.location(), page.page().as_str()), (None, "not-started"));
    assert_eq!(browser.get(&authorize(&[])).await.location(), Some("/sign-in"));
    let silent = browser.get(&authorize(&[("prompt", "none")])).await;
    assert_eq!(parameter(&silent, "error").as_deref(), Some("login_required"));
}
