//! Tests which redirects are accepted, and that the secrets are fresh and not printed.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
use super::*;

const REDIRECT: &str = "https://app.test/phone-sign-in";

fn sent() -> Sent {
    Sent { redirect_uri: REDIRECT.to_owned(), state: Bearer::new("s1".to_owned()), verifier: Bearer::new("v".into()) }
}

fn read_back(url: &str) -> Result<Result<String, NotAllowed>, Error> {
    let issuer = Issuer::parse("https://login.test").unwrap();
    Ok(match sent().read_redirect(url, &issuer)? {
        Redirect::Code(code) => Ok(code.expose().to_owned()),
        Redirect::NotAllowed(why) => Err(why),
    })
}

#[test]
fn a_matching_redirect_gives_authorization_code_or_reason() {
    let good = format!("{REDIRECT}?code=c1&state=s1&iss=https%3A%2F%2Flogin.test");
    assert_eq!(read_back(&good), Ok(Ok("c1".to_owned())));
    let denied = format!("{REDIRECT}?error=access_denied&state=s1&iss=https%3A%2F%2Flogin.test");
    assert_eq!(read_back(&denied), Ok(Err(NotAllowed::ByPerson)));
    let refused = format!("{REDIRECT}?error=server_error&state=s1&iss=https%3A%2F%2Flogin.test");
    assert_eq!(read_back(&refused), Ok(Err(NotAllowed::Refused)));
}

/// The mix-up attack (another issuer), code injection (another state), and other redirects that do not match.
#[test]
fn j4_w4_a_redirect_that_does_not_match_is_refused() {
    for wrong in [
        "https://app.test/phone-sign-in?code=c1&state=s2&iss=https%3A%2F%2Flogin.test",
        "https://app.test/phone-sign-in?code=c1&iss=https%3A%2F%2Flogin.test",
        "https://app.test/phone-sign-in?code=c1&state=s1&iss=https%3A%2F%2Fevil.test",
        "https://app.test/phone-sign-in?code=c1&state=s1&iss=https%3A%2F%2Flogin.test%2F",
        "https://app.test/phone-sign-in?code=c1&state=s1",
        "https://app.test/phone-sign-in?code=c1&state=s1&state=s1&iss=https%3A%2F%2Flogin.test",
        "https://app.test/phone-sign-in?code=c1&code=c2&state=s1&iss=https%3A%2F%2Flogin.test",
        "https://app.test/phone-sign-in?code=c1&error=x&state=s1&iss=https%3A%2F%2Flogin.test",
        "https://app.test/phone-sign-in?state=s1&iss=https%3A%2F%2Flogin.test",
        "https://app.test/phone-sign-in?code=&state=s1&iss=https%3A%2F%2Flogin.test",
        "https://app.test/other?code=c1&state=s1&iss=https%3A%2F%2Flogin.test",
        "https://evil.test/phone-sign-in?code=c1&state=s1&iss=https%3A%2F%2Flogin.test",
        "http://app.test/phone-sign-in?code=c1&state=s1&iss=https%3A%2F%2Flogin.test",
        "https://app.test:8443/phone-sign-in?code=c1&state=s1&iss=https%3A%2F%2Flogin.test",
        "https://user@app.test/phone-sign-in?code=c1&state=s1&iss=https%3A%2F%2Flogin.test",
        "code=c1&state=s1",
        "",
    ] {
        assert_eq!(read_back(wrong), Err(Error::ForeignRedirect), "{wrong}");
    }
}

#[test]
fn each_pushed_request_has_fresh_secrets_that_are_not_printed() {
    let (one, two) = (Sent::make(REDIRECT.to_owned()).unwrap(), Sent::make(REDIRECT.to_owned()).unwrap());
    let secrets = [&one.state, &one.verifier, &two.state, &two.verifier].map(|secret| secret.expose().to_owned());
    for (index, secret) in secrets.iter().enumerate() {
        assert!(!secrets.iter().skip(index + 1).any(|other| other == secret));
        assert!(!format!("{one:?}{two:?}").contains(secret));
    }
}
