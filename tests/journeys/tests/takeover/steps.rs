//! The steps of which the tests consist.

use countersign_journeys::{PageView, Person, qr};
use serde_json::Value;
use url::Url;

use crate::phone::{Code, Phone, encode, random, sha256};
use crate::program::{PASSWORD, Service};

const REDIRECT: &str = "http://127.0.0.1:40000/phone-sign-in";
const DIGITS: &str = "012345";
/// The network of somebody who tries a pass that must not work.
const THIEF: u8 = 99;

/// A browser and a phone of the same person.
pub(crate) struct Owner {
    pub(crate) browser: Person,
    pub(crate) phone: Phone,
}

/// Signs in by password in a fresh browser. Returns the browser and the page after the password.
pub(crate) async fn signed_in(service: &Service, network: u8, user: &str) -> (Person, PageView) {
    let browser = service.browser(network);
    let page = browser.sign_in_as(user, PASSWORD).await.unwrap();
    (browser, page)
}

/// Types a pass on the page that asks for the user name. Returns the page after the pass.
pub(crate) async fn type_pass(browser: &Person, page: &PageView, user: &str, pass: &str) -> PageView {
    let page = browser.press(page, "next", &[("user_name", user)]).await.unwrap();
    let page = browser.open(&page.attribute("#use-pass", "href").unwrap()).await.unwrap();
    browser.press(&page, "next", &[("pass", pass)]).await.unwrap()
}

/// Presses a button. The error is the page without such a button.
pub(crate) async fn press(
    browser: &Person,
    page: &PageView,
    button: &str,
    fields: &[(&str, &str)],
) -> Result<PageView, String> {
    browser.press(page, button, fields).await.map_err(|_no_button| shown(page))
}

/// What a page shows, for messages of failed tests.
pub(crate) fn shown(page: &PageView) -> String {
    let said = page.text("outcome").or_else(|| page.text("problem")).unwrap_or_default();
    format!("page {:?} at {} ({}): {said}", page.name(), page.address, page.status)
}

/// Opens the wizard from the page with the security info. Returns the code that the wizard shows.
pub(crate) async fn open_wizard(browser: &Person, page: &PageView) -> Result<Code, String> {
    let page = press(browser, page, "add-method", &[]).await?;
    code_of_wizard(browser, &page).await
}

/// Continues from the wizard's first page. Returns the code that the wizard shows.
pub(crate) async fn code_of_wizard(browser: &Person, page: &PageView) -> Result<Code, String> {
    let page = press(browser, page, "next", &[]).await?;
    let svg = page.qr_svg().map_err(|_no_code| shown(&page))?;
    Ok(Code::read(&qr::text_of_svg(&svg).unwrap()))
}

/// The phone binds, and its digits are typed into the wizard. Returns the next page.
pub(crate) async fn finish_wizard(browser: &Person, phone: &mut Phone, code: &Code) -> Result<PageView, String> {
    phone.bind(code).await?;
    type_digits(browser, phone, code).await
}

/// Types the digits of a bound phone into the wizard. Returns the next page.
pub(crate) async fn type_digits(browser: &Person, phone: &Phone, code: &Code) -> Result<PageView, String> {
    let page = browser.open("/security-info/add/code").await.unwrap();
    press(browser, &page, "confirm", &[("digits", &phone.digits(code))]).await
}

/// A person signs in by password and adds a first phone in the wizard. At the end the browser is known and its session
/// approved.
pub(crate) async fn with_phone(service: &Service, network: u8, user: &str) -> Owner {
    let (browser, page) = signed_in(service, network, user).await;
    let mut phone = Phone::new(&service.issuer, browser.clone());
    let code = open_wizard(&browser, &page).await.unwrap();
    let page = finish_wizard(&browser, &mut phone, &code).await.unwrap();
    let page = approved(&browser, &page, &phone, "confirm_enrolment").await.1;
    assert_eq!(page.name(), "done", "{}", shown(&page));
    Owner { browser, phone }
}

/// Approves on the phone what the page asks for, and continues on the page. Returns the prompt's id and the next page.
pub(crate) async fn approved(browser: &Person, page: &PageView, phone: &Phone, kind: &str) -> (String, PageView) {
    let prompt = phone.approve(kind, &page.number().unwrap()).await;
    let page = browser.open(&page.address).await.unwrap();
    (prompt, browser.press(&page, "finish", &[]).await.unwrap())
}

/// Somebody who knows the password signs in, and the phone approves it. Returns the browser and its page with the
/// security info.
pub(crate) async fn signed_in_with_approval(
    service: &Service,
    network: u8,
    user: &str,
    phone: &Phone,
) -> (Person, PageView) {
    let (browser, page) = signed_in(service, network, user).await;
    let (_, page) = approved(&browser, &page, phone, "second_factor").await;
    assert_eq!(page.name(), "security-info", "{}", shown(&page));
    (browser, page)
}

/// A phone that is being added by signing in.
pub(crate) struct Adding {
    pub(crate) browser: Person,
    pub(crate) phone: Phone,
    verifier: String,
}

impl Adding {
    /// The phone pushes its request, and the browser opens the sign-in page. Returns also this page.
    pub(crate) async fn start(service: &Service, network: u8) -> (Self, PageView) {
        let browser = service.browser(network);
        let phone = Phone::new(&service.issuer, browser.clone());
        let mut adding = Self { browser, phone, verifier: String::new() };
        let device = [("device_name", "A phone"), ("device_model", "Model"), ("digits", DIGITS)];
        let page = adding.ask("enrollment", &device).await;
        (adding, page)
    }

    /// The phone pushes a request, and the browser opens the sign-in page.
    async fn ask(&mut self, scope: &str, others: &[(&str, &str)]) -> PageView {
        self.verifier = random() + &random();
        let (state, challenge) = (random(), encode(&sha256(self.verifier.as_bytes())));
        let thumbprint = self.phone.thumbprint();
        let fields = [
            ("client_id", "countersign-phone"),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", scope),
            ("state", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("dpop_jkt", &thumbprint),
            ("prompt", "login"),
        ];
        let pushed = self.phone.form("/par", &[&fields, others].concat()).await.unwrap();
        let mut url = Url::parse(&self.phone.address("/authorize")).unwrap();
        url.query_pairs_mut()
            .append_pair("client_id", "countersign-phone")
            .append_pair("request_uri", pushed["request_uri"].as_str().unwrap());
        self.browser.open(url.as_str()).await.unwrap()
    }

    /// The added phone asks to turn phone sign-in on, the password is typed, and the phone approves it. Returns the
    /// page that waits for "Continue".
    pub(crate) async fn turning_on(&mut self, user: &str) -> PageView {
        let page = self.ask("device_registration", &[]).await;
        let page = self.browser.enter_password(&page, user, PASSWORD).await.unwrap();
        self.phone.approve("register_device", &page.number().unwrap()).await;
        self.browser.open(&page.address).await.unwrap()
    }

    /// As [`start`](Self::start), then types the password. Returns the page after the password.
    pub(crate) async fn by_password(service: &Service, network: u8, user: &str) -> (Self, PageView) {
        let (adding, page) = Self::start(service, network).await;
        let page = adding.browser.enter_password(&page, user, PASSWORD).await.unwrap();
        (adding, page)
    }

    /// As [`start`](Self::start), then types a pass. Returns the page after the pass.
    pub(crate) async fn by_pass(service: &Service, network: u8, user: &str, pass: &str) -> (Self, PageView) {
        let (adding, page) = Self::start(service, network).await;
        let page = type_pass(&adding.browser, &page, user, pass).await;
        (adding, page)
    }

    /// Types the digits on the page that names the phone. Returns the authorization code.
    pub(crate) async fn agree(&self, page: &PageView) -> Result<String, String> {
        let page = press(&self.browser, page, "register", &[("digits", DIGITS)]).await?;
        let url = Url::parse(&page.address).unwrap();
        let code = url.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned());
        code.ok_or_else(|| shown(&page))
    }

    /// Redeems the authorization code. Returns the token.
    pub(crate) async fn redeem(&self, code: &str) -> Result<String, String> {
        let tokens = self.tokens(code).await?;
        Ok(tokens["access_token"].as_str().unwrap().to_owned())
    }

    /// Redeems the authorization code. Returns the whole response.
    pub(crate) async fn tokens(&self, code: &str) -> Result<Value, String> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", "countersign-phone"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", &self.verifier),
        ];
        self.phone.form("/token", &fields).await
    }

    /// Everything from the page that names the phone. Returns the response to the registration.
    pub(crate) async fn finish(&mut self, page: &PageView) -> Result<Value, String> {
        let code = self.agree(page).await?;
        let token = self.redeem(&code).await?;
        self.phone.add(&token).await
    }
}

/// Adds a phone by signing in, with an approval of another phone. Returns the new phone and the prompt's id.
pub(crate) async fn added_with_approval(service: &Service, network: u8, user: &str, by: &Phone) -> (Phone, String) {
    let (mut adding, page) = Adding::by_password(service, network, user).await;
    let (prompt, page) = approved(&adding.browser, &page, by, "add_method").await;
    adding.finish(&page).await.unwrap();
    (adding.phone, prompt)
}

/// An intruder adds a phone with an approval of the owner's phone, and signs in with it. Returns the intruder's browser
/// and phone, and the id of the prompt that the owner has approved.
pub(crate) async fn intruder_with_phone(service: &Service, network: u8, user: &str, owner: &Phone) -> (Owner, String) {
    let (phone, prompt) = added_with_approval(service, network, user, owner).await;
    let (browser, _) = signed_in_with_approval(service, network, user, &phone).await;
    (Owner { browser, phone }, prompt)
}

/// The owner adds a second phone with a pass of the operator, so that the first phone has not approved it, and signs in
/// with it.
pub(crate) async fn with_second_phone(service: &Service, network: u8, user: &str) -> Owner {
    let pass = pass_of_operator(service, user);
    let (mut adding, page) = Adding::by_pass(service, network, user, &pass).await;
    adding.finish(&page).await.unwrap();
    let (browser, _) = signed_in_with_approval(service, network, user, &adding.phone).await;
    Owner { browser, phone: adding.phone }
}

/// Fails if the attacker has added the phone. `outcome` is the result of the attacker's steps.
pub(crate) async fn assert_not_added<T>(outcome: Result<T, String>, phone: &Phone) {
    let refused = outcome.err().unwrap_or_else(|| "every step of the attacker worked".to_owned());
    assert!(!phone.is_active().await, "the attacker's phone is active: {refused}");
}

/// A session asks for a pass, and the phone approves it. Returns the prompt's id and the pass.
pub(crate) async fn pass_by_approval(browser: &Person, phone: &Phone) -> (String, String) {
    let page = browser.open("/security-info").await.unwrap();
    let page = browser.press(&page, "make-pass", &[]).await.unwrap();
    let (prompt, page) = approved(browser, &page, phone, "create_pass").await;
    let pass = page.text("pass-text").unwrap_or_else(|| panic!("no pass on {}", shown(&page)));
    (prompt, pass)
}

/// Adds a phone with a pass, in the wizard and by signing in. Both must fail.
pub(crate) async fn assert_pass_is_worth_nothing(service: &Service, user: &str, pass: &str) {
    let browser = service.browser(THIEF);
    let page = browser.open("/sign-in").await.unwrap();
    let page = type_pass(&browser, &page, user, pass).await;
    let mut phone = Phone::new(&service.issuer, browser.clone());
    let outcome = match open_wizard(&browser, &page).await {
        Ok(code) => finish_wizard(&browser, &mut phone, &code).await,
        Err(refused) => Err(refused),
    };
    assert_not_added(outcome, &phone).await;
    let (mut adding, page) = Adding::by_pass(service, THIEF, user, pass).await;
    assert_not_added(adding.finish(&page).await, &adding.phone).await;
}

/// Makes a pass as the operator. Returns its text.
pub(crate) fn pass_of_operator(service: &Service, user: &str) -> String {
    let printed = service.operator(&["make-pass", user], "");
    printed.split_whitespace().next().unwrap().to_owned()
}

/// Makes a pass as the administrator. Returns its text.
pub(crate) async fn pass_for(administrator: &Owner, user: &str) -> String {
    let page = administrator_does(administrator, user, "make-pass").await;
    page.text("pass-text").unwrap_or_else(|| panic!("no pass on {}", shown(&page)))
}

/// Opens the administrator's page about a person.
pub(crate) async fn page_about(administrator: &Person, user: &str) -> PageView {
    let people = administrator.open("/admin").await.unwrap();
    let listed = scraper::Html::parse_document(&people.html);
    let links = scraper::Selector::parse("a[href^='/admin/person']").unwrap();
    let mut links = listed.select(&links);
    let link = links.find(|link| link.text().any(|text| text.contains(user))).unwrap();
    administrator.open(link.value().attr("href").unwrap()).await.unwrap()
}

/// The administrator presses a button on the page about a person, and approves it where the service asks for that.
/// Returns the next page.
pub(crate) async fn administrator_does(administrator: &Owner, user: &str, button: &str) -> PageView {
    let page = asked(administrator, user, button).await;
    approved_if_asked(administrator, page).await
}

/// The administrator presses a button on the page about a person, and approves it. Returns the prompt's id and the next
/// page.
pub(crate) async fn decided(administrator: &Owner, user: &str, button: &str) -> (String, PageView) {
    let page = asked(administrator, user, button).await;
    approved_act(administrator, &page).await
}

async fn asked(Owner { browser, .. }: &Owner, user: &str, button: &str) -> PageView {
    let page = page_about(browser, user).await;
    let page = browser.press(&page, button, &[]).await.unwrap();
    since_unknown(browser, page).await
}

/// Some versions ask since when a lost phone has been missing. Answers that everything ends.
async fn since_unknown(browser: &Person, page: PageView) -> PageView {
    match page.name().as_str() {
        "lost-since" => browser.press(&page, "unknown", &[]).await.unwrap(),
        _ => page,
    }
}

/// If the page shows a number, approves it on the phone and continues. Returns the page after that.
pub(crate) async fn approved_if_asked(owner: &Owner, page: PageView) -> PageView {
    match page.number() {
        Ok(_number) => approved_act(owner, &page).await.1,
        Err(_not_asked) => page,
    }
}

/// Approves on the phone what the page asks for, whatever it is, and continues. Returns the prompt's id and the next
/// page.
pub(crate) async fn approved_act(Owner { browser, phone }: &Owner, page: &PageView) -> (String, PageView) {
    let number = page.number().unwrap_or_else(|_no_number| panic!("{}", shown(page)));
    let prompt = phone.approve_any(&number).await;
    let page = browser.open(&page.address).await.unwrap();
    (prompt, browser.press(&page, "finish", &[]).await.unwrap())
}

/// The owner removes a phone of the account.
pub(crate) async fn remove(owner: &Owner, phone: &Phone) {
    let page = owner.browser.open("/security-info").await.unwrap();
    let page = owner.browser.press(&page, "remove-1", &[("device", phone.id())]).await.unwrap();
    approved(&owner.browser, &page, &owner.phone, "remove_method").await;
    assert!(!phone.is_active().await);
}

/// The owner asks to report a phone of the account lost. Returns the page with the number.
pub(crate) async fn ask_to_report_lost(owner: &Owner, phone: &Phone) -> PageView {
    let page = owner.browser.open("/security-info").await.unwrap();
    let page = owner.browser.press(&page, "lost-1", &[("device", phone.id())]).await.unwrap();
    since_unknown(&owner.browser, page).await
}

/// The owner reports a phone of the account lost.
pub(crate) async fn report_lost(owner: &Owner, phone: &Phone) {
    let page = ask_to_report_lost(owner, phone).await;
    approved(&owner.browser, &page, &owner.phone, "report_lost").await;
    assert!(!phone.is_active().await);
}

/// Makes an API token that changes the policy, as the administrator. Returns its text.
pub(crate) async fn api_token(administrator: &Owner) -> String {
    let page = administrator.browser.open("/admin/api-tokens").await.unwrap();
    let fields = [("name", "A token")];
    let page = administrator.browser.press(&page, "make-changing-token", &fields).await.unwrap();
    let page = approved_act(administrator, &page).await.1;
    page.text("made-token").unwrap_or_else(|| panic!("no token on {}", shown(&page)))
}

/// The administrator saves a policy that names what adds a first phone. Returns the prompt's id.
pub(crate) async fn save_policy(administrator: &Owner, bootstrap: &str) -> String {
    let page = ask_to_save_policy(administrator, bootstrap).await;
    approved_act(administrator, &page).await.0
}

/// The administrator asks to change the policy. Returns the page with the number.
pub(crate) async fn ask_to_save_policy(administrator: &Owner, bootstrap: &str) -> PageView {
    let policy = serde_json::json!({ "countersign": { "bootstrap": bootstrap } }).to_string();
    let page = administrator.browser.open("/admin/policy").await.unwrap();
    administrator.browser.press(&page, "save", &[("policy", &policy)]).await.unwrap()
}

/// Adds a person as the administrator. Returns the prompt's id and the password for the first sign-in.
pub(crate) async fn add_person(administrator: &Owner, user: &str) -> (String, String) {
    let page = administrator.browser.open("/admin").await.unwrap();
    let fields = [("user_name", user), ("name", user)];
    let page = administrator.browser.press(&page, "add-person", &fields).await.unwrap();
    let (prompt, page) = approved_act(administrator, &page).await;
    let password = page.text("made-password");
    (prompt, password.unwrap_or_else(|| panic!("no password on {}", shown(&page))))
}

/// Fails if the session has ended, or if the person is no administrator.
pub(crate) async fn assert_administrator(browser: &Person) {
    let page = browser.open("/admin").await.unwrap();
    assert_eq!(page.name(), "admin-people", "{}", shown(&page));
}

/// Fails if the session has ended, or if the person is an administrator.
pub(crate) async fn assert_no_administrator(browser: &Person) {
    let page = browser.open("/admin").await.unwrap();
    assert_eq!(page.name(), "no-administrator", "{}", shown(&page));
}

/// Whether the browser still has a session.
pub(crate) async fn has_session(browser: &Person) -> bool {
    browser.open("/security-info").await.unwrap().name() == "security-info"
}
