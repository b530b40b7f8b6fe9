//! Effects that take several requests, each started until its last request.

use countersign_service::devices::device::{Device, SignInKey};
use countersign_service::enrollment::acts as enrollment;
use countersign_service::enrollment::state::Enrollment;
use countersign_service::people::person::Person;
use countersign_service::policy::records::Group;
use countersign_service::prompts::ceremony::Ceremony;
use countersign_service::provenance::{Given, Giver};
use countersign_service::secrets::{decode, hashed};
use countersign_service::sign_in::attempt::Attempt;
use countersign_service::sign_in::session::{Session, Used};
use serde_json::{Value, json};
use url::Url;

use super::changes::GROUP;
use crate::phone_endpoints::phone::{Phone, with};
use crate::phone_endpoints::phone_sign_in::redemption;
use crate::phone_endpoints::service::{self, Code, ISSUER, Service};
use crate::support::{Answer, Browser, PASSWORD, RETURN, form};
use crate::world::{CHALLENGE, Dump, PASS, VERIFIER, World, changed, new_phone, owned, submit, text_of};

pub(super) const NEW_PASSWORD: &str = "four words in a row";

/// The last request of an effect.
pub(super) enum Last {
    Form(&'static str, Vec<(&'static str, String)>),
    Add(Phone, Value),
    TurnOn(Value, Phone),
    PhoneCode(Phone, String),
    Code(String),
}

/// A function that gets the world and the dump before the last request.
type Done = Box<dyn Fn(&World, &Dump) -> bool>;

/// An effect whose last request is missing.
pub(super) struct Started {
    pub(super) world: World,
    /// The person for whom the effect happens.
    pub(super) account: String,
    /// The browser in which the effect was started.
    pub(super) browser: Option<Browser>,
    /// Whether the browser has a session.
    pub(super) has_session: bool,
    /// The prompt that a phone has approved.
    pub(super) prompt: Option<String>,
    /// The phone that the wizard adds.
    added_phone: Option<Phone>,
    /// The new phone that has approved, if a new phone has.
    pub(super) new_phone: Option<Phone>,
    /// The other person whom an administrative act concerns.
    pub(super) subject: Option<String>,
    /// The user name of the person whom an act adds.
    pub(super) added: Option<String>,
    pub(super) last: Last,
    /// Returns whether the effect has happened.
    pub(super) done: Done,
}

impl Started {
    fn new(world: World, account: &str, last: Last, done: impl Fn(&World, &Dump) -> bool + 'static) -> Self {
        Self {
            world,
            account: account.to_owned(),
            browser: None,
            has_session: false,
            prompt: None,
            added_phone: None,
            new_phone: None,
            subject: None,
            added: None,
            last,
            done: Box::new(done),
        }
    }

    fn of_alice(world: World, last: Last, done: impl Fn(&World, &Dump) -> bool + 'static) -> Self {
        let alice = world.alice.clone();
        Self::new(world, &alice, last, done)
    }

    fn in_browser(self, browser: Browser) -> Self {
        let has_session = browser.cookies.contains_key("__Host-session");
        Self { browser: Some(browser), has_session, ..self }
    }

    fn approved_by(self, prompt: String) -> Self {
        Self { prompt: Some(prompt), ..self }
    }

    /// Returns the phone that has approved, or the phone of the person.
    pub(super) fn phone(&self) -> &Phone {
        let own = if self.account == self.world.alice { &self.world.phone } else { &self.world.bobs };
        self.new_phone.as_ref().unwrap_or(own)
    }

    /// Sends the last request. Returns the status and the text of the response.
    pub(super) async fn finish(&mut self) -> (u16, String) {
        let service = &self.world.service;
        let answer = match &self.last {
            Last::Form(path, fields) => {
                let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let answer = submit(self.browser.as_mut().unwrap(), path, &fields).await;
                return (answer.status, text_of(&answer));
            }
            Last::Add(phone, claims) => phone.add(service, claims).await,
            Last::TurnOn(token, key) => return self.turn_on(token, key).await,
            Last::PhoneCode(phone, code) => phone.redeem(service, &redemption(code)).await,
            Last::Code(code) => redeem(service, code).await,
        };
        (answer.status, answer.body)
    }

    async fn turn_on(&self, token: &Value, key: &Phone) -> (u16, String) {
        let (service, phone) = (&self.world.service, &self.world.phone);
        let header = json!({"alg": "ES256", "typ": "phone-sign-in-key+jwt", "jwk": key.jwk});
        let proof = key.sign(&header, &phone.key_proof(service, token));
        let message = json!({"message": "turn_on", "token": token["access_token"], "proof": proof});
        let answer = phone.send(service, "device", message).await;
        (answer.status, String::new())
    }
}

async fn redeem(service: &Service, code: &str) -> service::Answer {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", RETURN),
        ("code_verifier", VERIFIER),
        ("client_id", "web"),
        ("client_secret", "web-secret"),
    ];
    service.form("/token", &owned(&fields), &[]).await
}

/// Approves Alice's newest live ceremony on the first phone. Returns the prompt and the ceremony's id.
async fn approve(world: &World) -> (String, String) {
    approve_on(world, &world.alice, &world.phone).await
}

async fn approve_on(world: &World, account: &str, phone: &Phone) -> (String, String) {
    // A fetch names the features that the phone knows. Without them, it gets no administrative prompts.
    let fetch = with(Phone::fetch("ok", &[], 0), "features", json!(["administration"]));
    let state = phone.state(&world.service, "prompts", fetch).await;
    let prompt = state["prompts"][0].as_str().unwrap().to_owned();
    let ceremonies: Vec<Ceremony> = world.with(|tx| tx.children(account));
    let live = ceremonies.into_iter().find(|one| one.is_live(world.now())).unwrap();
    assert_eq!(phone.approve(&world.service, &prompt, &live.number).await, "approved");
    (prompt, live.id)
}

/// Opens a path of the sign-in pages, and types a user name and a password or a pass.
async fn signs_in(world: &World, account: &str, path: &str, secret: Option<(&str, &str)>) -> (Browser, Option<Answer>) {
    let mut browser = world.browser();
    let page = browser.get(path).await;
    browser.follow(page).await;
    let page = browser.post("/sign-in", &[("user_name", &world.user_name(account))]).await;
    browser.follow(page).await;
    let Some((kind, text)) = secret else {
        return (browser, None);
    };
    browser.get(&format!("/sign-in/{kind}")).await;
    let page = browser.post(&format!("/sign-in/{kind}"), &[(kind, text)]).await;
    (browser, Some(page))
}

fn has_session(account: &str, by: &Giver, world: &World) -> bool {
    let sessions: Vec<Session> = world.with(|tx| tx.children(account));
    sessions.iter().any(|session| session.given.by == *by)
}

pub(super) async fn password_and_number(world: World) -> Started {
    let (browser, answer) = signs_in(&world, &world.alice, "/sign-in", Some(("password", PASSWORD))).await;
    assert_eq!(answer.unwrap().location(), Some("/sign-in/number"));
    let (prompt, id) = approve(&world).await;
    let (alice, by) = (world.alice.clone(), Giver::Approval(id));
    let done = move |world: &World, _: &Dump| has_session(&alice, &by, world);
    Started::of_alice(world, Last::Form("/sign-in/finish", vec![]), done).in_browser(browser).approved_by(prompt)
}

fn give_sign_in_key(world: &World) -> Phone {
    let key = new_phone();
    let stored = SignInKey { key: key.jwk.clone(), given: Given::by_operator(world.now()) };
    world.change::<Device>(&world.phone.device_id, |device| device.sign_in = Some(stored.clone()));
    key
}

pub(super) async fn phone_sign_in(world: World) -> Started {
    let key = give_sign_in_key(&world);
    let (mut browser, _) = signs_in(&world, &world.alice, "/sign-in", None).await;
    browser.post("/sign-in/phone", &[]).await;
    let attempt = hashed(browser.cookies["__Host-attempt"].as_bytes());
    let id = world.get::<Attempt>(&attempt).unwrap().ceremony.unwrap();
    while world.get::<Ceremony>(&id).is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let (service, phone) = (&world.service, &world.phone);
    let (prompt, number) = (phone.prompt(service).await, world.get::<Ceremony>(&id).unwrap().number);
    let claims = with(phone.approval(service, &prompt, &number), "uv", json!("credential"));
    let header = json!({"alg": "ES256", "typ": "phone-answer+jwt", "kid": key.jwk.thumbprint()});
    let answer = phone.deliver(service, &key.sign(&header, &claims)).await;
    assert_eq!(phone.read_state(service, &answer)["outcome"]["result"], "approved");
    let (alice, by) = (world.alice.clone(), Giver::Approval(id));
    let done = move |world: &World, _: &Dump| has_session(&alice, &by, world);
    Started::of_alice(world, Last::Form("/sign-in/continue", vec![]), done).in_browser(browser).approved_by(prompt)
}

fn authorize() -> String {
    let fields = [
        ("client_id", "web"),
        ("redirect_uri", RETURN),
        ("response_type", "code"),
        ("scope", "openid"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    format!("/authorize?{}", form(&fields))
}

pub(super) async fn first_session(world: World, by_pass: bool) -> Started {
    let account = if by_pass { world.bob.clone() } else { world.carol.clone() };
    let (secret, by) = match by_pass {
        true => (("pass", PASS), world.pass(&account, false)),
        false => (("password", PASSWORD), world.password(&account)),
    };
    let (browser, answer) = signs_in(&world, &account, &authorize(), Some(secret)).await;
    assert_eq!(answer.unwrap().location(), Some("/more-information"));
    let done = {
        let account = account.clone();
        move |world: &World, _: &Dump| has_session(&account, &by, world)
    };
    Started::new(world, &account, Last::Form("/more-information", vec![]), done).in_browser(browser)
}

pub(super) async fn new_password(world: World) -> Started {
    world.change::<Person>(&world.carol, |person| person.must_change_password = true);
    let (browser, answer) = signs_in(&world, &world.carol, "/sign-in", Some(("password", PASSWORD))).await;
    assert_eq!(answer.unwrap().location(), Some("/new-password"));
    let fields = vec![("password", NEW_PASSWORD.to_owned()), ("again", NEW_PASSWORD.to_owned())];
    let carol = world.carol.clone();
    let done = {
        let carol = carol.clone();
        move |world: &World, _: &Dump| world.get::<Person>(&carol).is_some_and(|one| one.has_password(NEW_PASSWORD))
    };
    Started::new(world, &carol, Last::Form("/new-password", fields), done).in_browser(browser)
}

/// Returns whether a phone is an active device.
fn is_device(phone: &Phone, world: &World) -> bool {
    let accounts = [&world.alice, &world.bob, &world.carol];
    let devices = accounts.iter().flat_map(|account| world.with(|tx| tx.children::<Device>(account)));
    devices.into_iter().any(|device| device.key == phone.jwk && device.is_active())
}

/// Why a phone may be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Password,
    Approval,
    Pass,
}

fn adder(world: &World, by: By) -> String {
    match by {
        By::Password => world.carol.clone(),
        By::Approval => world.alice.clone(),
        By::Pass => world.bob.clone(),
    }
}

/// Returns the code of the enrollment in the wizard of a session.
fn code_of(world: &World, session: &str) -> Code {
    let id = world.get::<Session>(session).unwrap().enrollment.unwrap();
    let record: Enrollment = world.get(&id).unwrap();
    let text = Url::parse(&enrollment::scanned_text(&world.service.app, &record).unwrap()).unwrap();
    let secret = text.query_pairs().find(|(name, _)| name == "secret").unwrap().1.into_owned();
    let (key, session) = (decode(&secret).unwrap(), session.to_owned());
    Code { enrollment: id.clone(), id, key, session, issuer: ISSUER.to_owned() }
}

/// The wizard waits for the digits of a bound phone.
pub(super) async fn wizard(world: World, by: By) -> Started {
    let account = adder(&world, by);
    let (mut browser, session) = match by {
        By::Password => world.session(&account, Used::Password, world.password(&account)),
        By::Approval => world.approved_session(&account),
        By::Pass => world.session(&account, Used::Pass, world.pass(&account, true)),
    };
    let mut prompt = None;
    if by == By::Approval {
        submit(&mut browser, "/security-info/add", &[]).await;
        prompt = Some(approve(&world).await.0);
        submit(&mut browser, "/security-info/step-up/finish", &[]).await;
    }
    let answer = submit(&mut browser, "/security-info/add/start", &[]).await;
    assert_eq!(answer.location(), Some("/security-info/add/code"), "{}", answer.body);
    let (mut phone, code) = (new_phone(), code_of(&world, &session));
    phone.bind(&world.service, &code).await;
    let last = Last::Form("/security-info/add/digits", vec![("digits", phone.digits(&code))]);
    let signer = phone.signer();
    let started = Started::new(world, &account, last, move |world, _| is_device(&phone, world)).in_browser(browser);
    Started { prompt, added_phone: Some(signer), ..started }
}

/// The new phone has approved the first prompt. The browser is not yet known, and its session is not yet raised.
pub(super) async fn confirmation(world: World) -> Started {
    let mut added = wizard(world, By::Password).await;
    let (status, text) = added.finish().await;
    assert_eq!(status, 303, "{text}");
    let carol = added.account.clone();
    let devices: Vec<Device> = added.world.with(|tx| tx.children(&carol));
    let device = devices.into_iter().find(Device::is_active).unwrap();
    let mut phone = added.added_phone.take().unwrap();
    phone.device_id = device.id;
    let (prompt, _) = approve_on(&added.world, &carol, &phone).await;
    let Started { world, browser, .. } = added;
    let last = Last::Form("/security-info/add/finish", vec![]);
    let started = Started::new(world, &carol, last, wrote("known_browsers")).in_browser(browser.unwrap());
    Started { new_phone: Some(phone), ..started.approved_by(prompt) }
}

/// How far adding a phone by signing in, or turning phone sign-in on, has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    Consent,
    Code,
    Token,
}

const DIGITS: &str = "012345";

/// Signs in and opens the consent page in the browser to which a phone has sent the person.
async fn consents(world: &World, account: &str, by: By, pushed: &str) -> (Browser, Option<String>) {
    let query = form(&[("client_id", "countersign-phone"), ("request_uri", pushed)]);
    let secret = match by {
        By::Pass => {
            world.pass(account, false);
            ("pass", PASS)
        }
        By::Password | By::Approval => ("password", PASSWORD),
    };
    let (mut browser, _) = signs_in(world, account, &format!("/authorize?{query}"), Some(secret)).await;
    let mut prompt = None;
    if by == By::Approval {
        prompt = Some(approve(world).await.0);
        let answer = submit(&mut browser, "/sign-in/finish", &[]).await;
        assert_eq!(answer.location(), Some("/register-phone"), "{}", answer.body);
    }
    (browser, prompt)
}

/// Returns the authorization code in the link of the page that leads back to the phone.
async fn agrees(browser: &mut Browser) -> String {
    let answer = submit(browser, "/register-phone", &[("digits", DIGITS)]).await;
    let link = Url::parse(&answer.leads_to()).unwrap();
    link.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
}

fn wrote(table: &'static str) -> impl Fn(&World, &Dump) -> bool + 'static {
    move |world, before| {
        let after = world.dump();
        changed(before, &after).contains(&table) && after[table].len() > before[table].len()
    }
}

pub(super) async fn by_sign_in(world: World, by: By, until: Until) -> Started {
    let (account, phone) = (adder(&world, by), new_phone());
    let pushed = phone.push(&world.service, &phone.introduced()).await.json();
    let (mut browser, prompt) = consents(&world, &account, by, pushed["request_uri"].as_str().unwrap()).await;
    if until == Until::Consent {
        let last = Last::Form("/register-phone", vec![("digits", DIGITS.to_owned())]);
        let started = Started::new(world, &account, last, wrote("registration_codes")).in_browser(browser);
        return Started { prompt, ..started };
    }
    let code = agrees(&mut browser).await;
    let started = if until == Until::Code {
        Started::new(world, &account, Last::PhoneCode(phone, code), wrote("phone_tokens"))
    } else {
        let token = phone.redeem(&world.service, &redemption(&code)).await.json();
        let claims = phone.add_claims(&world.service, &token);
        let signer = phone.signer();
        Started::new(world, &account, Last::Add(phone, claims), move |world, _| is_device(&signer, world))
    };
    Started { prompt, ..started }
}

pub(super) async fn turn_on(world: World, until: Until) -> Started {
    let phone = world.phone.signer();
    let pushed = phone.push(&world.service, &phone.pushed()).await.json();
    let uri = pushed["request_uri"].as_str().unwrap();
    let (mut browser, prompt) = consents(&world, &world.alice, By::Approval, uri).await;
    if until == Until::Consent {
        let started = Started::of_alice(world, Last::Form("/register-phone", vec![]), wrote("registration_codes"));
        return Started { prompt, ..started.in_browser(browser) };
    }
    let code = agrees(&mut browser).await;
    let started = if until == Until::Code {
        Started::of_alice(world, Last::PhoneCode(phone, code), wrote("registration_tokens"))
    } else {
        let token = phone.redeem(&world.service, &redemption(&code)).await.json();
        let done = |world: &World, _: &Dump| {
            world.get::<Device>(&world.phone.device_id).is_some_and(|device| device.sign_in.is_some())
        };
        Started::of_alice(world, Last::TurnOn(token, new_phone()), done)
    };
    Started { prompt, ..started }
}

pub(super) async fn code(world: World) -> Started {
    let mut signed_in = password_and_number(world).await;
    signed_in.finish().await;
    let Started { world, browser, prompt, .. } = signed_in;
    let mut browser = browser.unwrap();
    let answer = browser.get(&authorize()).await;
    let link = Url::parse(answer.location().unwrap()).unwrap();
    let code = link.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let started = Started::of_alice(world, Last::Code(code), wrote("tokens")).in_browser(browser);
    Started { prompt, ..started }
}

/// A form that asks a phone, the person whom it concerns, and the table that its effect changes.
struct Form {
    path: &'static str,
    fields: Vec<(&'static str, String)>,
    subject: Option<String>,
    table: &'static str,
}

async fn step_up(world: World, form: Form) -> Started {
    if world.get::<Group>(GROUP).is_none() {
        world.put(&Group { id: GROUP.to_owned(), name: "Group".to_owned() });
    }
    let (mut browser, _) = world.approved_session(&world.alice);
    let fields: Vec<(&str, &str)> = form.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = submit(&mut browser, form.path, &fields).await;
    let last = match answer.location() {
        Some("/admin/approve") => "/admin/approve/finish",
        Some("/security-info/step-up") => "/security-info/step-up/finish",
        other => panic!("{} {:?}: {other:?} {}", form.path, form.fields, answer.body),
    };
    let (prompt, _) = approve(&world).await;
    let table = form.table;
    let done = move |world: &World, before: &Dump| changed(before, &world.dump()).contains(&table);
    let started = Started::of_alice(world, Last::Form(last, vec![]), done).in_browser(browser).approved_by(prompt);
    let added = form.fields.iter().find(|(name, _)| *name == "user_name").map(|(_, name)| name.clone());
    Started { subject: form.subject, added, ..started }
}

fn of_bob(world: &World, act: &str, table: &'static str) -> Form {
    let about = if act == "report-lost" { world.bobs.device_id.clone() } else { GROUP.to_owned() };
    let fields = vec![("account", world.bob.clone()), ("act", act.to_owned()), ("about", about)];
    Form { path: "/admin/person", fields, subject: Some(world.bob.clone()), table }
}

/// An administrative act about Bob, who is prepared so that the act is possible.
pub(super) async fn act(world: World, act: &str, table: &'static str) -> Started {
    let given = Given::by_operator(world.now());
    match act {
        "resume" => world.change::<Person>(&world.bob, |bob| bob.suspended = true),
        "leave" => world.change::<Person>(&world.bob, |bob| bob.join(GROUP, &Given::by_operator(0))),
        "no-administrator" => world.change::<Person>(&world.bob, |bob| bob.give_role(given.clone())),
        _ => {}
    }
    let form = of_bob(&world, act, table);
    step_up(world, form).await
}

/// An administrative act that concerns no existing person.
pub(super) async fn page(world: World, path: &'static str, table: &'static str) -> Started {
    let new = format!("new-{}", world.alice);
    let policy = "{\"isSoftwareOathEnabled\": false}".to_owned();
    let fields = match path {
        "/admin/people" => vec![("user_name", new.clone()), ("name", new)],
        "/admin/policy" => vec![("policy", policy)],
        _ => vec![("name", new), ("scope", "change".to_owned())],
    };
    step_up(world, Form { path, fields, subject: None, table }).await
}

/// A change of Alice's own account.
pub(super) async fn own_change(world: World, path: &'static str, table: &'static str) -> Started {
    let fields = match path {
        "/security-info/pass" => vec![],
        _ => vec![("device", world.second.device_id.clone())],
    };
    step_up(world, Form { path, fields, subject: None, table }).await
}
