//! A service with people, phones and browsers in any state. Records are stored directly, and requests are real.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use countersign_service::devices::device::{Claimed, Device, State, Subscription};
use countersign_service::devices::records::DeviceKey;
use countersign_service::enrollment::state::Enrollment;
use countersign_service::openid::records::Token;
use countersign_service::openid::request::{AuthorizationRequest, Code};
use countersign_service::passes::pass::Pass;
use countersign_service::people::person::Person;
use countersign_service::people::records as people;
use countersign_service::phone_sign_in::records::PhoneToken;
use countersign_service::phone_sign_in::registration::{Registration, RegistrationCode, RegistrationToken};
use countersign_service::policy::records::{ApiToken, current, groups};
use countersign_service::prompts::ceremony::{Ceremony, Kind, Match, Origin, Outcome, Owner};
use countersign_service::prompts::change::Change;
use countersign_service::provenance::{Given, Giver};
use countersign_service::secrets::{encode, hashed, random_id};
use countersign_service::sign_in::attempt::{Attempt, Proven};
use countersign_service::sign_in::flow::{Flow, Goal};
use countersign_service::sign_in::records::KnownBrowser;
use countersign_service::sign_in::session::{Session, Used};
use countersign_service::store::{Record, StoreError, Tx};

use crate::phone_endpoints::phone::{PUSH_AUTH, Phone};
use crate::phone_endpoints::service::{ISSUER, Service};
use crate::support::given_by;
use crate::support::{Answer, Browser, PASSWORD, RETURN};

/// The code verifier and the challenge in RFC 7636 appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// A pass that [`World::pass`] stores.
pub const PASS: &str = "ABCDEFGHJKMN";

/// Every stored record of some accounts that allows something, as JSON, by table. Ceremonies and attempts are not in it,
/// because they allow nothing by themselves: the tables show what they gave.
pub type Dump = BTreeMap<&'static str, Vec<String>>;

/// Alice is an administrator with two phones, Bob has one phone, and Carol has none.
pub struct World {
    pub service: Service,
    pub alice: String,
    pub bob: String,
    pub carol: String,
    pub phone: Phone,
    pub second: Phone,
    pub bobs: Phone,
}

impl World {
    pub async fn new() -> Self {
        Self::in_service(&Service::start().await)
    }

    /// Returns new people in the same service.
    pub fn in_service(service: &Service) -> Self {
        let mut service = service.clone();
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| add_person(&service, name));
        let [phone, second] = [(); 2].map(|()| add_device(&service, &alice));
        let bobs = add_device(&service, &bob);
        service.account.clone_from(&alice);
        let world = Self { service, alice, bob, carol, phone, second, bobs };
        let given = Given::by_operator(world.now());
        world.change::<Person>(&world.alice, |person| person.give_role(given.clone()));
        world
    }

    pub fn now(&self) -> i64 {
        self.service.now()
    }

    pub fn with<T>(&self, work: impl Fn(&mut Tx<'_>) -> Result<T, StoreError>) -> T {
        self.service.app.store.global_blocking(work).unwrap()
    }

    pub fn put<R: Record>(&self, record: &R) {
        self.with(|tx| tx.insert(record));
    }

    pub fn get<R: Record>(&self, id: &str) -> Option<R> {
        self.with(|tx| tx.get(id))
    }

    pub fn change<R: Record>(&self, id: &str, change: impl Fn(&mut R)) {
        self.with(|tx| Ok(tx.update(id, &change)?.granted())).unwrap();
    }

    pub fn person(&self, account: &str) -> Person {
        self.get(account).unwrap()
    }

    pub fn user_name(&self, account: &str) -> String {
        self.person(account).user_name
    }

    /// Returns the account's current password as what gives a grant.
    pub fn password(&self, account: &str) -> Giver {
        Giver::Password(self.person(account).password_changed_at)
    }

    pub fn proof(&self, account: &str, by: Giver) -> Proven {
        Proven { account_id: account.to_owned(), given: given_by(by, self.now()) }
    }

    /// A browser of this service without cookies.
    pub fn browser(&self) -> Browser {
        let mut browser = Browser::new(&self.service.app);
        browser.origin = Some(ISSUER);
        browser
    }

    /// Returns a browser with a session, and the session's id.
    pub fn session(&self, account: &str, used: Used, by: Giver) -> (Browser, String) {
        let (cookie, mut browser) = (random_id().unwrap(), self.browser());
        let id = hashed(cookie.as_bytes());
        self.put(&Session::new(id.clone(), account.to_owned(), used, given_by(by, self.now())));
        browser.cookies.insert("__Host-session".to_owned(), cookie);
        (browser, id)
    }

    /// Returns a browser with a session that a phone has approved, and the session's id.
    pub fn approved_session(&self, account: &str) -> (Browser, String) {
        self.session(account, Used::PasswordAndPhone, Giver::Approval("an earlier sign-in".to_owned()))
    }

    /// Returns a browser with an attempt, and the attempt's id. `change` changes the attempt before it is stored.
    pub fn attempt(&self, change: impl FnOnce(&mut Attempt)) -> (Browser, String) {
        let (cookie, mut browser) = (random_id().unwrap(), self.browser());
        let id = hashed(cookie.as_bytes());
        let mut attempt = Attempt::new(id.clone(), self.now());
        attempt.flow = Flow::new(Goal::SecurityInfo).unwrap();
        change(&mut attempt);
        self.put(&attempt);
        browser.flow = attempt.flow.sealed(&self.service.app.sealer);
        browser.cookies.insert("__Host-attempt".to_owned(), cookie);
        (browser, id)
    }

    /// Returns an approval by Alice's first phone that is not stored.
    pub fn approval(&self, owner: Owner, kind: Kind, change: Option<Change>) -> Ceremony {
        let now = self.now();
        Ceremony {
            id: random_id().unwrap(),
            account_id: self.alice.clone(),
            owner,
            known_browser: None,
            kind,
            origin: Origin::SignedIn,
            number: "12".to_owned(),
            r#match: Match::Enter { digits: 2 },
            network: String::new(),
            quiet: false,
            created_at: now,
            expires_at: now + 60,
            outcome: Some(Outcome::Approved),
            decided_at: Some(now),
            decided_by: Some(self.phone.device_id.clone()),
            redeemed: false,
            change,
            standing: Vec::new(),
            added: None,
        }
    }

    /// Stores a pass for an account. The pass was typed if `typed` is true.
    pub fn pass(&self, account: &str, typed: bool) -> Giver {
        let (id, now) = (Pass::id_of(account, PASS), self.now());
        self.put(&Pass {
            id: id.clone(),
            account_id: account.to_owned(),
            starts_at: now,
            ends_at: now + 3_600,
            used_at: typed.then_some(now),
            spent_at: None,
            given: Given::by_operator(now),
        });
        Giver::Pass(id)
    }

    pub fn dump(&self) -> Dump {
        self.dump_of(&[&self.alice, &self.bob, &self.carol, ""])
    }

    pub fn dump_of(&self, accounts: &[&str]) -> Dump {
        self.with(|tx| {
            let mut dump = Dump::new();
            dump.insert("people", texts(people::everybody(tx)?));
            dump.insert("groups", texts(groups(tx)?));
            dump.insert("policy", texts(vec![current(tx)?]));
            for account in accounts {
                add_account(tx, &mut dump, account)?;
            }
            Ok(dump)
        })
    }

    /// Returns the number of active devices of all three people.
    pub fn active(&self) -> usize {
        let accounts = [&self.alice, &self.bob, &self.carol];
        let active = |account: &&String| {
            let devices: Vec<Device> = self.with(|tx| tx.children(account));
            devices.iter().filter(|device| device.is_active()).count()
        };
        accounts.iter().map(active).sum()
    }
}

fn texts<R: serde::Serialize>(records: Vec<R>) -> Vec<String> {
    records.iter().map(|record| serde_json::to_string(record).unwrap()).collect()
}

fn add_account(tx: &mut Tx<'_>, dump: &mut Dump, account: &str) -> Result<(), StoreError> {
    fn add<R: Record>(
        tx: &mut Tx<'_>,
        dump: &mut Dump,
        table: &'static str,
        parent: &str,
    ) -> Result<Vec<R>, StoreError> {
        let found: Vec<R> = tx.children(parent)?;
        let lines = found.iter().map(|record| serde_json::to_string(record).unwrap());
        dump.entry(table).or_default().extend(lines);
        Ok(found)
    }
    add::<Device>(tx, dump, "devices", account)?;
    for session in add::<Session>(tx, dump, "sessions", account)? {
        add::<Code>(tx, dump, "codes", &session.id)?;
        add::<Token>(tx, dump, "tokens", &session.id)?;
    }
    add::<KnownBrowser>(tx, dump, "known_browsers", account)?;
    add::<Pass>(tx, dump, "passes", account)?;
    add::<ApiToken>(tx, dump, "api_tokens", account)?;
    add::<Registration>(tx, dump, "registrations", account)?;
    add::<RegistrationCode>(tx, dump, "registration_codes", account)?;
    add::<RegistrationToken>(tx, dump, "registration_tokens", account)?;
    add::<PhoneToken>(tx, dump, "phone_tokens", account)?;
    add::<Enrollment>(tx, dump, "enrollments", account)?;
    Ok(())
}

/// Returns the tables whose records differ.
pub fn changed(before: &Dump, after: &Dump) -> Vec<&'static str> {
    let tables: BTreeSet<&'static str> = before.keys().chain(after.keys()).copied().collect();
    tables.into_iter().filter(|table| lines(before, table) != lines(after, table)).collect()
}

fn lines<'a>(dump: &'a Dump, table: &str) -> &'a [String] {
    dump.get(table).map_or(&[], Vec::as_slice)
}

/// Adds a person without hashing a password: all people have the same password.
fn add_person(service: &Service, name: &str) -> String {
    static TEMPLATE: OnceLock<Person> = OnceLock::new();
    let template = TEMPLATE.get_or_init(|| Person::new("template", "Template", PASSWORD, 1_790_000_000).unwrap());
    let account_id = random_id().unwrap();
    let mut person = template.clone();
    person.user_name = format!("{name}-{account_id}");
    person.display_name = name.to_owned();
    person.account_id.clone_from(&account_id);
    assert!(service.app.store.global_blocking(|tx| people::add(tx, &person)).unwrap());
    account_id
}

/// Returns a phone with new keys. It is no device.
pub fn new_phone() -> Phone {
    let scalar = countersign_service::secrets::random::<32>().unwrap();
    Phone::with_scalar(scalar, String::new())
}

/// Adds an active device that knows every feature.
pub fn add_device(service: &Service, account: &str) -> Phone {
    let (mut phone, now) = (new_phone(), service.now());
    phone.device_id = random_id().unwrap();
    let text = |text: &str| text.to_owned();
    let claimed = Claimed { name: text("Phone"), model: text("M"), os: text("OS"), app_version: text("1") };
    let (endpoint, p256dh) = (phone.push_endpoint.clone(), encode(&phone.push_point));
    let push = Subscription { endpoint, p256dh, auth: encode(&PUSH_AUTH) };
    let (id, account, given) = (phone.device_id.clone(), account.to_owned(), Given::by_operator(now));
    let mut device = Device::pending(id, account, phone.jwk.clone(), claimed, push, given, now);
    (device.state, device.features) = (State::Active, vec![text("administration")]);
    let key = DeviceKey { thumbprint: device.key.thumbprint(), device_id: device.id.clone() };
    let stored = service.app.store.global_blocking(|tx| {
        tx.insert(&key)?;
        tx.insert(&device)
    });
    stored.unwrap();
    phone
}

/// The goal of a flow that an application has started.
pub fn application() -> Goal {
    Goal::Application { request: authorization(), sign_in_now: false }
}

pub fn authorization() -> AuthorizationRequest {
    AuthorizationRequest {
        client_id: "web".to_owned(),
        application: "Web".to_owned(),
        redirect_uri: RETURN.to_owned(),
        state: None,
        nonce: None,
        code_challenge: CHALLENGE.to_owned(),
    }
}

/// Sends a form of a new page. Two forms of one page would be one form that was sent twice.
pub async fn submit(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
    let flow = browser.flow.take();
    browser.get("/sign-in").await;
    browser.flow = flow;
    browser.post(path, fields).await
}

/// Checks that a response is no server error, and that it contains no secret.
pub fn assert_clean(what: &str, status: u16, text: &str) {
    assert!(status < 500, "{what}: {status} {text}");
    for secret in [
        "access_token",
        "made-password",
        "pass-text",
        "made-token",
        "\"code=",
        "?code=",
        "&code=",
        "countersign://enroll",
    ] {
        assert!(!text.contains(secret), "{what}: the response contains {secret}: {text}");
    }
}

/// Returns the location and the body of a response.
pub fn text_of(answer: &Answer) -> String {
    format!("{} {}", answer.location().unwrap_or_default(), answer.body)
}

/// A form's fields for [`Service::form`].
pub fn owned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
