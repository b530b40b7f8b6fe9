//! A session or an attempt is ended while another form of the same browser is being processed. The other form must not
//! bring it back. Each test sends both requests at the same time, for a bounded number of accounts.

use countersign_journeys::{PageView, Person};

use crate::phone::Phone;
use crate::program::{PASSWORD, Service};
use crate::steps::{
    Adding, approved, assert_not_added, code_of_wizard, finish_wizard, open_wizard, press, shown, signed_in, with_phone,
};

/// Starts a service with one person for each round.
fn service_with(rounds: u8) -> (Service, Vec<(u8, String)>) {
    let people: Vec<(u8, String)> = (1..=rounds).map(|round| (round, format!("person-{round}"))).collect();
    (Service::start(&people.iter().map(|(_, user)| user.as_str()).collect::<Vec<_>>()), people)
}

/// The session's cookie, which a page or a redirect to it has set.
fn session_cookie(page: &PageView) -> String {
    let cookies = page.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, cookie)| cookie);
    let cookie = cookies.rev().find(|cookie| cookie.starts_with("__Host-session=")).unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

/// Fails if the service still shows the security info to a browser that has kept the session's cookie.
async fn assert_ended(service: &Service, cookie: &str, round: u8) {
    let request = service.browser(250).client().get(format!("{}/security-info", service.issuer));
    let page = request.header("cookie", cookie).send().await.unwrap().text().await.unwrap();
    assert!(!page.contains("data-page=\"security-info\""), "round {round}: the ended session shows the security info");
}

/// A browser with a session, at a page.
struct Tab {
    browser: Person,
    cookie: String,
    page: PageView,
}

impl Tab {
    /// Presses a button and signs out at the same time. Then the session must be ended.
    async fn sign_out_during(&self, service: &Service, round: u8, button: &str, fields: &[(&str, &str)]) {
        // Two requests at the same time leave two open connections, so that neither of the next two has to connect.
        let (list, _) = tokio::join!(self.browser.open("/security-info"), self.browser.open("/security-info"));
        let list = list.unwrap();
        let (_, out) = tokio::join!(
            press(&self.browser, &self.page, button, fields),
            press(&self.browser, &list, "sign-out", &[])
        );
        let out = out.unwrap();
        assert_eq!(out.name(), "signed-out", "{}", shown(&out));
        assert_ended(service, &self.cookie, round).await;
    }
}

/// Adds a phone and approves its confirmation, but does not press "Continue".
async fn confirmation(service: &Service, round: u8, user: &str) -> Tab {
    let (browser, page) = signed_in(service, round, user).await;
    let cookie = session_cookie(&page);
    let mut phone = Phone::new(&service.issuer, browser.clone());
    let code = open_wizard(&browser, &page).await.unwrap();
    let page = finish_wizard(&browser, &mut phone, &code).await.unwrap();
    phone.approve("confirm_enrolment", &page.number().unwrap()).await;
    let page = browser.open("/security-info/add/code").await.unwrap();
    Tab { browser, cookie, page }
}

#[tokio::test]
async fn signing_out_ends_the_session_and_nothing_else_does() {
    let (service, people) = service_with(1);
    let (round, user) = &people[0];
    let Tab { browser, cookie, page } = confirmation(&service, *round, user).await;
    let page = browser.press(&page, "finish", &[]).await.unwrap();
    assert_eq!(page.name(), "done", "{}", shown(&page));
    let request = service.browser(250).client().get(format!("{}/security-info", service.issuer));
    let shows = request.header("cookie", &cookie).send().await.unwrap().text().await.unwrap();
    assert!(shows.contains("data-page=\"security-info\""), "{shows}");
    let list = browser.open("/security-info").await.unwrap();
    browser.press(&list, "sign-out", &[]).await.unwrap();
    assert_ended(&service, &cookie, *round).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn session_signed_out_during_the_confirmation_stays_ended() {
    let (service, people) = service_with(20);
    for (round, user) in people {
        confirmation(&service, round, &user).await.sign_out_during(&service, round, "finish", &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn session_signed_out_while_the_confirmation_is_skipped_stays_ended() {
    let (service, people) = service_with(6);
    for (round, user) in people {
        confirmation(&service, round, &user).await.sign_out_during(&service, round, "skip", &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn session_signed_out_during_the_digits_stays_ended() {
    let (service, people) = service_with(6);
    for (round, user) in people {
        let (browser, page) = signed_in(&service, round, &user).await;
        let cookie = session_cookie(&page);
        let mut phone = Phone::new(&service.issuer, browser.clone());
        let code = open_wizard(&browser, &page).await.unwrap();
        phone.bind(&code).await.unwrap();
        let page = browser.open("/security-info/add/code").await.unwrap();
        let digits = phone.digits(&code);
        let tab = Tab { browser, cookie, page };
        tab.sign_out_during(&service, round, "confirm", &[("digits", &digits)]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn session_signed_out_during_a_step_up_stays_ended() {
    let (service, people) = service_with(6);
    for (round, user) in people {
        let owner = with_phone(&service, round, &user).await;
        let page = owner.browser.sign_in_as(&user, PASSWORD).await.unwrap();
        let (_, page) = approved(&owner.browser, &page, &owner.phone, "second_factor").await;
        let cookie = session_cookie(&page);
        let page = owner.browser.press(&page, "add-method", &[]).await.unwrap();
        owner.phone.approve("add_method", &page.number().unwrap()).await;
        let page = owner.browser.open(&page.address).await.unwrap();
        Tab { browser: owner.browser, cookie, page }.sign_out_during(&service, round, "finish", &[]).await;
    }
}

/// The owner was talked into letting an intruder in and into adding the intruder's phone, and reports the sign-in while
/// the intruder's wizard ends.
#[tokio::test(flavor = "multi_thread")]
async fn session_reported_during_the_confirmation_stays_ended() {
    let (service, people) = service_with(10);
    for (round, user) in people {
        let owner = with_phone(&service, round, &user).await;
        let (browser, page) = signed_in(&service, 100 + round, &user).await;
        let (sign_in, page) = approved(&browser, &page, &owner.phone, "second_factor").await;
        let cookie = session_cookie(&page);
        let page = browser.press(&page, "add-method", &[]).await.unwrap();
        let (_, page) = approved(&browser, &page, &owner.phone, "add_method").await;
        let code = code_of_wizard(&browser, &page).await.unwrap();
        let mut phone = Phone::new(&service.issuer, browser.clone());
        let page = finish_wizard(&browser, &mut phone, &code).await.unwrap();
        phone.approve("confirm_enrolment", &page.number().unwrap()).await;
        let page = browser.open("/security-info/add/code").await.unwrap();
        let _both = tokio::join!(press(&browser, &page, "finish", &[]), owner.phone.report(&sign_in));
        assert_ended(&service, &cookie, round).await;
    }
}

/// In one tab the person refuses to add the phone, while in another tab the password is being checked.
#[tokio::test(flavor = "multi_thread")]
async fn adding_refused_while_a_password_is_checked_stays_ended() {
    let (service, people) = service_with(5);
    let mut refusals = 0;
    for (round, user) in people {
        let (mut adding, page) = Adding::start(&service, round).await;
        let password = adding.browser.press(&page, "next", &[("user_name", &user)]).await.unwrap();
        let consent = adding.browser.press(&password, "next", &[("password", PASSWORD)]).await.unwrap();
        assert_eq!(consent.name(), "add-phone", "{}", shown(&consent));
        let password = adding.browser.open(&password.address).await.unwrap();
        let fields = [("password", PASSWORD)];
        let (proved, refused) = tokio::join!(press(&adding.browser, &password, "next", &fields), async {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            press(&adding.browser, &consent, "cancel", &[]).await
        });
        let told = refused.is_ok_and(|page| page.address.contains("error=access_denied"));
        if told {
            refusals += 1;
            let outcome = match proved {
                Ok(page) => adding.finish(&page).await,
                Err(refused) => Err(refused),
            };
            assert_not_added(outcome, &adding.phone).await;
        }
    }
    assert_ne!(refusals, 0, "no refusal reached the phone");
}
