//! Tests guessed passwords, and a password change during a sign-in.

use crate::support::{Answer, Browser, PASSWORD, service};
use countersign_service::clock::HOUR;
use countersign_service::operator;
use countersign_service::people::records::count_password;
use countersign_service::people::rules::accepts_password;

/// Types a name and a password, and returns the resulting page.
async fn types(browser: &mut Browser, name: &str, password: &str) -> Answer {
    browser.get("/sign-in").await;
    let page = browser.post("/sign-in", &[("user_name", name)]).await;
    browser.follow(page).await;
    let page = browser.post("/sign-in/password", &[("password", password)]).await;
    browser.follow(page).await
}

#[test]
fn right_password_is_refused_for_an_hour_after_ten_wrong_ones() {
    let mut wrong = Vec::new();
    for second in 0..10 {
        assert!(
            accepts_password(&mut wrong.clone(), true, second),
            "refused the right password after {second} wrong ones"
        );
        assert!(!accepts_password(&mut wrong, false, second));
    }
    for second in 10..HOUR {
        assert!(!accepts_password(&mut wrong, second % 2 == 0, second));
    }
    assert_eq!(wrong.len(), 10);
    assert!(accepts_password(&mut wrong, true, HOUR), "refused the right password an hour after the first wrong one");
    assert!(wrong.is_empty(), "the right password did not reset the count of wrong ones");
}

#[tokio::test]
async fn known_or_unknown_name_is_refused_after_ten_wrong_passwords() {
    let (app, clock) = service();
    let mut pages = Vec::new();
    for name in ["alice", "nobody"] {
        let mut browser = Browser::new(&app);
        for _time in 0..10 {
            assert_eq!(types(&mut browser, name, "a guess").await.page(), "password");
        }
        let closed = types(&mut browser, name, PASSWORD).await;
        pages.push(browser.words(&closed).replace(name, ""));
        let now = app.clock.now();
        let lets_in = app.store.global_blocking(|tx| count_password(tx, &app.names, name, true, now));
        assert!(!lets_in.unwrap(), "{name}");
    }
    assert_eq!(pages[0], pages[1]);
    clock.advance(HOUR);
    assert_eq!(types(&mut Browser::new(&app), " ALICE", PASSWORD).await.page(), "security-info");
}

/// The operator changes the password. At that time, one browser has a session by the old password. In a second browser,
/// the person has typed the old password, but this browser has no session yet.
#[tokio::test]
async fn password_change_ends_sessions_and_unfinished_sign_ins() {
    let (app, clock) = service();
    let request = "/authorize?response_type=code&client_id=web&redirect_uri=https://web.example/callback&scope=openid\
                   &state=s&nonce=n&code_challenge=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&code_challenge_method=S256";
    let mut signed_in = Browser::new(&app);
    assert_eq!(types(&mut signed_in, "alice", PASSWORD).await.page(), "security-info");
    let mut half_way = Browser::new(&app);
    let page = half_way.get(request).await;
    half_way.follow(page).await;
    let page = half_way.post("/sign-in", &[("user_name", "alice")]).await;
    half_way.follow(page).await;
    let page = half_way.post("/sign-in/password", &[("password", PASSWORD)]).await;
    assert_eq!(half_way.follow(page).await.page(), "more-information");

    clock.advance(1);
    operator::set_password(&app.store, "alice", "another password", app.clock.now()).unwrap();
    assert_eq!(
        signed_in.get("/security-info").await.location(),
        Some("/sign-in"),
        "the session by the old password did not end"
    );
    let page = half_way.post("/more-information", &[]).await;
    assert_eq!(page.location(), Some("/sign-in"), "the sign-in by the old password did not end");
    assert_eq!(
        types(&mut Browser::new(&app), "alice", PASSWORD).await.page(),
        "password",
        "the old password was not refused"
    );
    assert_eq!(types(&mut Browser::new(&app), "alice", "another password").await.page(), "new-password");
}
