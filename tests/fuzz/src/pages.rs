//! Targets for requests of browsers, applications and administrators to the reference service.

use axum::body::Body;
use axum::http::{Request, header};
use countersign_service::agent::Agent;
use countersign_service::policy::document::Policy;
use countersign_service::secrets::crockford_read;
use serde_json::json;

use crate::scene::{self, COOKIE, RETURN};
use crate::signed::Lines;
use crate::strict::{assert_unique_names, is_shown};
use crate::vectors::ISSUER;

/// Sends a change of the policy. The service applies the change completely or not at all. The response to an applied
/// change is the new policy.
pub(crate) fn policy(input: &[u8]) -> bool {
    scene::with(|scene| {
        let send = |method: &str, body: Vec<u8>| {
            let request = Request::builder().method(method).uri("/api/policy");
            let request = request.header(header::AUTHORIZATION, format!("Bearer {COOKIE}"));
            scene.answered(request.body(Body::from(body)).unwrap())
        };
        let before = send("GET", Vec::new()).json();
        let changed = send("PATCH", input.to_vec());
        let after = send("GET", Vec::new()).json();
        if changed.status != 200 {
            assert!(matches!(changed.status, 400 | 413), "refused with status {}", changed.status);
            assert_eq!(before, after, "a refused change was applied");
            return false;
        }
        assert_unique_names(input);
        assert_eq!(changed.json(), after);
        for list in ["includeTargets", "excludeTargets"] {
            assert!(after[list].as_array().unwrap().len() <= 200);
        }
        assert_ne!(after["countersign"]["accountsOnPhone"], 0);
        let again = send("PATCH", after.to_string().into_bytes());
        assert_eq!(
            (again.status, again.json()),
            (200, after),
            "sending the current policy as a change was refused, or changed the policy"
        );
        true
    })
}

pub(crate) fn policy_seeds() -> Vec<Vec<u8>> {
    let everybody = json!({ "targetType": "group", "id": "all_users" });
    let feature = json!({ "state": "enabled", "includeTarget": everybody });
    let usual = Policy::usual().to_json().unwrap();
    let target = json!({ "targetType": "user", "id": "x", "authenticationMode": "push" });
    let changes = [
        usual,
        json!({ "state": "disabled", "includeTargets": [target] }),
        json!({ "excludeTargets": [everybody], "featureSettings": { "numberMatchingRequiredState": feature } }),
        json!({ "countersign": { "proximity": "require", "accountsOnPhone": 3, "keyGuard": "biometric_current_set" } }),
        json!({ "countersign": { "accountsOnPhone": 0 }, "another": 1 }),
    ];
    let doubled = br#"{"state":"enabled","st\u0061te":"disabled"}"#.to_vec();
    changes.iter().map(|change| change.to_string().into_bytes()).chain([doubled]).collect()
}

/// Sends a request for any page. The input is the line `METHOD path`, a line with the user agent, and a form. The
/// request has an administrator's session, so that it is not refused early.
///
/// The service must not fail. It may redirect only within its own web origin or to the application's redirect URI.
/// Every page must have the security headers.
pub(crate) fn page(input: &[u8]) -> bool {
    let Some((first, rest)) = input.split_once_line() else { return false };
    let (agent, form) = rest.split_once_line().unwrap_or((rest, b""));
    let Some((method, path)) = std::str::from_utf8(first).ok().and_then(|line| line.split_once(' ')) else {
        return false;
    };
    scene::with(|scene| {
        let form = [form, b"&csrf=", scene.csrf().as_bytes()].concat();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::USER_AGENT, agent)
            .header(header::COOKIE, format!("__Host-form={COOKIE}; __Host-session={COOKIE}"))
            .header(header::ORIGIN, ISSUER)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let Ok(request) = request.body(Body::from(form)) else { return false };
        let Some(answer) = scene.send(request) else { return false };
        let to = answer.header("location");
        let stays = to.starts_with('/') && !to.starts_with("//") && !to.contains('\\');
        assert!(to.is_empty() || stays || to.split('?').next() == Some(RETURN), "redirected to {to}");
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let guarded = ["__Host-", "Secure", "HttpOnly", "Path=/"].iter().all(|word| cookie.contains(word));
            assert!(guarded && !cookie.contains("Domain"), "set the cookie {cookie}");
        }
        if answer.header("content-type").starts_with("text/html") {
            let policy = answer.header("content-security-policy");
            assert!(
                policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
                "sent the content security policy {policy}"
            );
            let html = String::from_utf8(answer.body.clone()).expect("sent a page that is not UTF-8");
            assert!(!html.contains("<x>"), "the page contains typed text without escaping");
        }
        scene.names().iter().for_each(|name| is_shown(name));
        (200..400).contains(&answer.status)
    })
}

pub(crate) fn page_seeds() -> Vec<Vec<u8>> {
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let authorize = format!(
        "GET /authorize?client_id=web&redirect_uri=https%3A%2F%2Fweb.example%2Fcallback&response_type=code&\
         scope=openid&state=x&code_challenge={challenge}&code_challenge_method=S256&max_age=3600&prompt=login"
    );
    let lines = [
        "GET /\n",
        "GET /sign-in?login_hint=%3Cx%3E\n",
        "POST /sign-in\nuser_name=%3Cx%3E",
        "GET /security-info\n",
        "POST /security-info/add\n",
        "POST /security-info/add/start\n",
        "POST /security-info/remove\ndevice=%3Cx%3E",
        "POST /security-info/lost\ndevice=x",
        "GET /admin\n",
        "POST /admin/people\nuser_name=%3Cx%3E&name=%E2%80%AEx",
        "GET /admin/person?account=%3Cx%3E\n",
        "POST /admin/groups\nname=%3Cx%3E",
        "GET /admin/groups\n",
        "POST /admin/policy\npolicy=%7B%22state%22%3A%22enabled%22%7D",
        "GET /admin/policy\n",
        "GET /sign-in/number\n",
        "GET /register-phone?request_uri=x&client_id=countersign-phone\n",
        "POST /sign-out\n",
        "GET /jwks\n",
        "POST /token\ngrant_type=authorization_code&code=x&client_id=web&client_secret=web-secret",
        "GET /.well-known/openid-configuration\n",
        "GET /api/people/%3Cx%3E/policy\n",
        "GET /userinfo\n",
    ];
    let whole = |line: &str| {
        let (first, form) = line.split_once('\n').unwrap_or((line, ""));
        format!("{first}\n{agent}\n{form}").into_bytes()
    };
    lines.into_iter().chain([authorize.as_str()]).map(whole).collect()
}

/// Reads a text as a user agent, and as a pass or a typed code.
pub(crate) fn typed_texts(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let agent = Agent::read(text);
    for shown in [&agent.browser, &agent.os] {
        assert!(
            (1..=40).contains(&shown.len()) && shown.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
            "{shown:?}"
        );
    }
    let Some(read) = crockford_read(text) else { return false };
    assert!(read.bytes().all(|byte| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&byte)), "{read}");
    assert_eq!(crockford_read(&read).as_ref(), Some(&read));
    true
}

pub(crate) fn typed_texts_seeds() -> Vec<Vec<u8>> {
    [
        "7K2M-9QXV-4R8T",
        "o1lI abcd wxyz",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
        "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1; U; en) Presto/2.12 Version/12.16",
        "DoCoMo/2.0 P900i(c100;TB;W24H11)",
        "",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}
