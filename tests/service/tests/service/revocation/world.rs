//! An account with grants of every kind. For each kind, there are grants that the acts of the table treat differently:
//! given by another approval, held by another grant, or verified by a password alone.

use std::sync::OnceLock;

use countersign_service::clock::{DAY, HOUR, Time};
use countersign_service::devices::device::{Cause, Claimed, Device, SignInKey, State, Subscription};
use countersign_service::grants::{self, Kind};
use countersign_service::jose::{Jwk, SigningKey};
use countersign_service::openid::records::Token;
use countersign_service::openid::request::{AuthorizationRequest, Code};
use countersign_service::passes::pass::Pass;
use countersign_service::people::person::Person;
use countersign_service::people::records as people;
use countersign_service::policy::document::TokenScope;
use countersign_service::policy::records::ApiToken;
use countersign_service::prompts::ceremony::{self, AnsweringKey, Ceremony, Match, Origin, Outcome, Owner};
use countersign_service::prompts::change::{Act, Change};
use countersign_service::prompts::records::Prompt;
use countersign_service::provenance::{ApprovedBy, Given};
use countersign_service::sign_in::attempt::{Attempt, Proven};
use countersign_service::sign_in::records::KnownBrowser;
use countersign_service::sign_in::session::{Session, Used};
use countersign_service::store::{Record, Store};

use super::grants_of_account;

pub const NOW: Time = 1_790_000_000;
/// Since when the lost phone is missing.
pub const SINCE: Time = NOW - HOUR;

/// What gave a grant, directly or through other grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// The approval that is reported.
    Reported,
    /// An approval of the lost phone after it was missing.
    Later,
    /// An approval of the lost phone before it was missing.
    Earlier,
    /// Something else.
    Other,
}

/// What gave a grant, directly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Password,
    /// The pass with this id.
    Pass(&'static str),
    /// The approval in this ceremony.
    Approval(&'static str),
}

impl By {
    pub fn given(self) -> Given {
        match self {
            Self::Password => Given::by_password(NOW - DAY, NOW),
            Self::Pass("typed reported pass" | "spent reported pass") => self.by_pass_of(REPORTED),
            Self::Pass("typed later pass") => self.by_pass_of(LATER),
            Self::Pass(_) => self.by_pass_of(OTHER),
            Self::Approval(id) => {
                let (_, device, at) = DECIDED.into_iter().find(|(ceremony, _, _)| *ceremony == id).unwrap();
                let (ceremony, device) = (id.to_owned(), device.to_owned());
                Given::by_approval(ApprovedBy { ceremony, device, at, administers: false, acted_at: None }, NOW)
            }
        }
    }

    fn by_pass_of(self, approval: Self) -> Given {
        let Self::Pass(id) = self else { panic!("{self:?} is no pass") };
        Given::by_pass(id, &approval.given(), NOW)
    }

    pub fn root(self) -> Root {
        match self {
            REPORTED
            | BY_NEW_PHONE
            | BY_LATE_NEW_PHONE
            | BY_REMOVED_PHONE
            | Self::Pass("typed reported pass" | "spent reported pass") => Root::Reported,
            LATER | BY_LATE_PHONE | Self::Pass("typed later pass") => Root::Later,
            EARLIER => Root::Earlier,
            Self::Password | Self::Pass(_) | Self::Approval(_) => Root::Other,
        }
    }
}

pub const OTHER: By = By::Approval("other approval");
pub const REPORTED: By = By::Approval("reported approval");
pub const LATER: By = By::Approval("later approval");
pub const EARLIER: By = By::Approval("earlier approval");
/// An approval of a phone that the reported approval added.
const BY_NEW_PHONE: By = By::Approval("approval of the new phone");
/// An approval of a phone that an approval of the new phone added.
const BY_LATE_NEW_PHONE: By = By::Approval("approval of the newest phone");
/// An approval of a phone that the reported approval added, and that was removed since.
const BY_REMOVED_PHONE: By = By::Approval("approval of the removed phone");
/// An approval of a phone that the lost phone added after it was missing.
const BY_LATE_PHONE: By = By::Approval("approval of the late phone");

/// The spent approvals: the id of the ceremony, the device that approved, and when.
const DECIDED: [(&str, &str, Time); 8] = [
    ("reported approval", "other phone", NOW - 100),
    ("other approval", "other phone", NOW - 100),
    ("later approval", "lost phone", SINCE),
    ("earlier approval", "lost phone", SINCE - 1),
    ("approval of the new phone", "new phone", NOW - 100),
    ("approval of the newest phone", "newest phone", NOW - 100),
    ("approval of the removed phone", "removed phone", NOW - 100),
    ("approval of the late phone", "late phone", NOW - 100),
];

/// One grant of the account.
#[derive(Debug, Clone)]
pub struct Instance {
    pub kind: Kind,
    /// The id of its record.
    pub id: &'static str,
    /// Everything that gave it.
    pub roots: Vec<Root>,
    /// What it needs: the ids of grants without which it ends.
    pub holders: Vec<(Kind, &'static str)>,
    /// Whether a password alone has verified it.
    pub by_password: bool,
    /// Whether it is an approval to add a phone.
    pub adds: bool,
    /// Whether it is an approval to turn phone sign-in on.
    pub turns_on: bool,
}

impl Instance {
    pub fn new(kind: Kind, id: &'static str, roots: &[Root]) -> Self {
        Self { kind, id, roots: roots.to_vec(), holders: Vec::new(), by_password: false, adds: false, turns_on: false }
    }

    pub fn held_by(self, kind: Kind, id: &'static str) -> Self {
        Self { holders: vec![(kind, id)], ..self }
    }

    pub fn by_password(self) -> Self {
        Self { by_password: true, ..self }
    }
}

pub struct World {
    pub store: Store,
    pub account: String,
    pub instances: Vec<Instance>,
    keys: usize,
}

fn person() -> Person {
    static PERSON: OnceLock<Person> = OnceLock::new();
    PERSON.get_or_init(|| Person::new("alice", "Alice", "the old password", NOW - DAY).unwrap()).clone()
}

impl World {
    /// Creates the account. `administrator`: what gave the role of an administrator.
    pub fn new(administrator: By) -> Self {
        let mut person = person();
        person.give_role(administrator.given());
        person.must_change_password = true;
        let account = person.account_id.clone();
        let store = Store::memory();
        assert!(store.global_blocking(|tx| people::add(tx, &person)).unwrap());
        let mut world = Self { store, account, instances: Vec::new(), keys: 0 };
        let role = Instance::new(Kind::Administrator, "the role", &[administrator.root()]);
        world.instances.push(role);
        world.add_devices();
        world.add_decided_ceremonies();
        world.add_waiting_ceremonies();
        world.add_attempts();
        world.add_sessions();
        world.add_browsers();
        world.add_registrations();
        world.add_enrollments();
        world.add_passes();
        world.add_api_tokens();
        world
    }

    /// Returns the id of the record: only the role's record has the account's id.
    pub fn id_of<'a>(&'a self, instance: &'a Instance) -> &'a str {
        if instance.kind == Kind::Administrator { &self.account } else { instance.id }
    }

    pub fn grants(&self) -> Vec<(Kind, String)> {
        let listed = self.store.global_blocking(|tx| grants::of(tx, &self.account, NOW)).unwrap();
        grants_of_account(&listed)
    }

    pub fn insert<R: Record>(&self, record: &R) {
        self.store.global_blocking(|tx| tx.insert(record)).unwrap();
    }

    pub fn add<R: Record>(&mut self, record: &R, instance: Instance) {
        self.insert(record);
        self.instances.push(instance);
    }

    fn key(&mut self) -> Jwk {
        static KEYS: OnceLock<Vec<Jwk>> = OnceLock::new();
        let made = |seed: u8| SigningKey::from_scalar(&[seed; 32]).unwrap().public().clone();
        self.keys += 1;
        KEYS.get_or_init(|| (0..=30).map(|seed| made(seed + 1)).collect())[self.keys].clone()
    }

    fn add_devices(&mut self) {
        for (id, by, key_by) in [
            ("lost phone", OTHER, OTHER),
            ("other phone", OTHER, OTHER),
            ("new phone", REPORTED, OTHER),
            ("newest phone", BY_NEW_PHONE, OTHER),
            ("phone by a spent pass", By::Pass("spent reported pass"), OTHER),
            ("late phone", LATER, OTHER),
            ("early phone", EARLIER, OTHER),
            ("phone with a reported key", OTHER, REPORTED),
            ("phone with a later key", OTHER, LATER),
            ("phone of a password", By::Password, By::Password),
            ("phone by a removed phone", BY_REMOVED_PHONE, OTHER),
        ] {
            let mut device = self.device(id, by);
            device.state = State::Active;
            device.sign_in = Some(SignInKey { key: self.key(), given: key_by.given() });
            self.add(&device, Instance::new(Kind::Device, id, &[by.root()]));
            let key = Instance::new(Kind::SignInKey, id, &[key_by.root()]).held_by(Kind::Device, id);
            self.instances.push(key);
        }
        let mut removed = self.device("removed phone", REPORTED);
        removed.state = State::Removed(Cause::RemovedByPhone);
        self.insert(&removed);
    }

    pub fn device(&mut self, id: &str, by: By) -> Device {
        let text = |text: &str| text.to_owned();
        let claimed = Claimed { name: text("Phone"), model: text("M"), os: text("OS"), app_version: text("1") };
        let push = Subscription { endpoint: text("https://127.0.0.1/x"), p256dh: text(""), auth: text("") };
        Device::pending(text(id), self.account.clone(), self.key(), claimed, push, by.given(), NOW)
    }

    fn ceremony(&self, id: &str) -> Ceremony {
        Ceremony {
            id: id.to_owned(),
            account_id: self.account.clone(),
            owner: Owner::Attempt("elsewhere".to_owned()),
            known_browser: None,
            kind: ceremony::Kind::SecondFactor,
            origin: Origin::KnownBrowser,
            number: "42".to_owned(),
            r#match: Match::Enter { digits: 2 },
            network: String::new(),
            quiet: false,
            created_at: NOW - 60,
            expires_at: NOW + 60,
            outcome: None,
            decided_at: None,
            decided_by: None,
            redeemed: false,
            change: None,
            standing: Vec::new(),
            added: None,
        }
    }

    pub fn approved(&self, id: &str, device: &str, at: Time, redeemed: bool) -> Ceremony {
        let (outcome, decided_by) = (Some(Outcome::Approved), Some(device.to_owned()));
        Ceremony { outcome, decided_at: Some(at), decided_by, redeemed, ..self.ceremony(id) }
    }

    /// Approvals that are spent, and one approval of each phone that is not.
    fn add_decided_ceremonies(&mut self) {
        let reported = Ceremony {
            owner: Owner::Attempt("asking".to_owned()),
            known_browser: Some("asking browser".to_owned()),
            ..self.approved("reported approval", "other phone", NOW - 100, true)
        };
        self.insert(&reported);
        self.ask(&reported.id, "other phone", AnsweringKey::Device);
        let asked_in_session = Ceremony {
            owner: Owner::Session("asking session".to_owned()),
            ..self.approved("reported approval in a session", "other phone", NOW - 100, true)
        };
        self.insert(&asked_in_session);
        for (id, device, at) in DECIDED.into_iter().filter(|(id, _, _)| *id != reported.id) {
            self.insert(&self.approved(id, device, at, true));
        }
        for (id, device) in [
            ("unspent of the lost phone", "lost phone"),
            ("unspent of the other phone", "other phone"),
            ("unspent of the new phone", "new phone"),
            ("unspent of the late phone", "late phone"),
        ] {
            let ceremony = self.approved(id, device, NOW - 30, false);
            self.add(&ceremony, Instance::new(Kind::Ceremony, id, &[Root::Other]).held_by(Kind::Device, device));
        }
        let id = "unspent of adding";
        let adding = Ceremony { kind: ceremony::Kind::AddMethod, ..self.approved(id, "other phone", NOW - 30, false) };
        let instance = Instance::new(Kind::Ceremony, id, &[Root::Other]).held_by(Kind::Device, "other phone");
        self.add(&adding, Instance { adds: true, ..instance });
        let id = "unspent of turning on";
        let turning_on =
            Ceremony { kind: ceremony::Kind::RegisterDevice, ..self.approved(id, "lost phone", NOW - 30, false) };
        let instance = Instance::new(Kind::Ceremony, id, &[Root::Other]).held_by(Kind::Device, "lost phone");
        self.add(&turning_on, Instance { turns_on: true, ..instance });
        let id = "unspent of an administrator";
        let change = Some(Change::Administer(Act::AddGroup("a group".to_owned())));
        let act = Ceremony {
            kind: ceremony::Kind::ChangeGroups,
            change,
            ..self.approved(id, "other phone", NOW - 30, false)
        };
        let mut instance = Instance::new(Kind::Ceremony, id, &[Root::Other]).held_by(Kind::Device, "other phone");
        instance.holders.push((Kind::Administrator, "the role"));
        self.add(&act, instance);
    }

    fn add_waiting_ceremonies(&mut self) {
        for id in ["waiting in a known browser", "waiting for the lost phone", "waiting for the lost key"] {
            let instance = Instance::new(Kind::Ceremony, id, &[Root::Other]);
            let (instance, device, key) = match id {
                "waiting for the lost phone" => {
                    (instance.held_by(Kind::Device, "lost phone"), "lost phone", AnsweringKey::Device)
                }
                "waiting for the lost key" => {
                    (instance.held_by(Kind::SignInKey, "lost phone"), "lost phone", AnsweringKey::SignIn)
                }
                _ => (instance, "other phone", AnsweringKey::Device),
            };
            self.add(&self.ceremony(id), instance);
            self.ask(id, device, key);
        }
        let after_password = Ceremony { origin: Origin::PasswordProved, ..self.ceremony("waiting after a password") };
        let instance = Instance::new(Kind::Ceremony, "waiting after a password", &[Root::Other]).by_password();
        self.add(&after_password, instance);
        self.ask("waiting after a password", "other phone", AnsweringKey::Device);
        for (id, session) in HELD_CEREMONIES {
            let ceremony =
                Ceremony { owner: Owner::Session(session.to_owned()), origin: Origin::SignedIn, ..self.ceremony(id) };
            self.add(&ceremony, Instance::new(Kind::Ceremony, id, &[Root::Other]).held_by(Kind::Session, session));
            self.ask(id, "other phone", AnsweringKey::Device);
        }
    }

    /// Creates the prompt of a ceremony for a device.
    fn ask(&self, ceremony: &str, device: &str, answered_with: AnsweringKey) {
        let asked: Device = self.store.global_blocking(|tx| tx.get(device)).unwrap().unwrap();
        let key = match answered_with {
            AnsweringKey::Device => asked.key.thumbprint(),
            AnsweringKey::SignIn => asked.sign_in.unwrap().key.thumbprint(),
        };
        self.insert(&Prompt {
            jti: prompt_of(ceremony),
            ceremony: ceremony.to_owned(),
            device_id: device.to_owned(),
            jws: String::new(),
            answered_with,
            key,
            created_at: NOW - 60,
            answer: None,
        });
    }

    fn add_attempts(&mut self) {
        for (id, by) in [
            ("attempt by password", By::Password),
            ("attempt with a first password", By::Password),
            ("asking attempt", By::Pass("typed pass")),
            ("attempt by pass", By::Pass("typed pass")),
            ("attempt by a reported pass", By::Pass("typed reported pass")),
            ("attempt by a later pass", By::Pass("typed later pass")),
        ] {
            let mut attempt = Attempt::new(id.to_owned(), NOW);
            let proven = Some(Proven { account_id: self.account.clone(), given: by.given() });
            match id {
                "attempt with a first password" => attempt.must_change = proven,
                _ => attempt.proven = proven,
            }
            if id == "asking attempt" {
                "asking".clone_into(&mut attempt.transaction);
            }
            let instance = Instance::new(Kind::Attempt, id, &[by.root()]);
            self.add(&attempt, if matches!(by, By::Password) { instance.by_password() } else { instance });
        }
    }

    fn add_sessions(&mut self) {
        for (id, used, by, raised) in SESSIONS {
            let mut session = Session::new(id.to_owned(), self.account.clone(), used, by.given());
            let mut roots = vec![by.root()];
            if let Some(raised) = raised {
                session.approve(raised.given());
                roots.push(raised.root());
            }
            let by_password = session.used == Used::Password;
            self.add(&session, Instance { by_password, ..Instance::new(Kind::Session, id, &roots) });
        }
        for (code, token, session) in HELD_CODES {
            self.add_code(code, session);
            let issued = Token {
                id: token.to_owned(),
                session: session.to_owned(),
                code: code.to_owned(),
                account_id: self.account.clone(),
                issued_at: NOW,
                expires_at: NOW + 600,
            };
            self.add(&issued, Instance::new(Kind::Token, token, &[]).held_by(Kind::Session, session));
        }
    }

    fn add_code(&mut self, id: &'static str, session: &'static str) {
        let request = AuthorizationRequest {
            client_id: "web".to_owned(),
            application: "Web".to_owned(),
            redirect_uri: String::new(),
            state: None,
            nonce: None,
            code_challenge: String::new(),
        };
        let code = Code {
            id: id.to_owned(),
            request,
            account_id: self.account.clone(),
            session: session.to_owned(),
            issued_at: NOW,
            expires_at: NOW + 60,
            used: true,
        };
        self.add(&code, Instance::new(Kind::Code, id, &[]).held_by(Kind::Session, session));
    }

    fn add_browsers(&mut self) {
        for (id, by) in [
            ("other browser", OTHER),
            ("asking browser", OTHER),
            ("reported browser", REPORTED),
            ("browser of the newest phone", BY_LATE_NEW_PHONE),
            ("later browser", LATER),
            ("earlier browser", EARLIER),
            ("browser of the late phone", BY_LATE_PHONE),
        ] {
            let browser =
                KnownBrowser { id: id.to_owned(), ..KnownBrowser::new("cookie", &self.account, by.given(), None) };
            self.add(&browser, Instance::new(Kind::KnownBrowser, id, &[by.root()]));
        }
    }

    fn add_passes(&mut self) {
        for (id, by, typed, spent) in [
            ("unused pass", OTHER, false, false),
            ("typed pass", OTHER, true, false),
            ("reported pass", REPORTED, false, false),
            ("typed reported pass", REPORTED, true, false),
            ("spent reported pass", REPORTED, true, true),
            ("typed later pass", LATER, true, false),
            ("earlier pass", EARLIER, false, false),
        ] {
            let pass = Pass {
                id: id.to_owned(),
                account_id: self.account.clone(),
                starts_at: NOW - 60,
                ends_at: NOW + HOUR,
                used_at: typed.then_some(NOW),
                spent_at: spent.then_some(NOW),
                given: by.given(),
            };
            self.insert(&pass);
            if !spent {
                self.instances.push(Instance::new(Kind::Pass, id, &[by.root()]));
            }
        }
    }

    fn add_api_tokens(&mut self) {
        for (id, by) in [("other API token", OTHER), ("reported API token", REPORTED), ("later API token", LATER)] {
            let token = ApiToken {
                id: id.to_owned(),
                account_id: self.account.clone(),
                name: id.to_owned(),
                scope: TokenScope::ReadPolicy,
                expires_at: NOW + DAY,
                given: by.given(),
            };
            let instance = Instance::new(Kind::ApiToken, id, &[by.root()]);
            self.add(&token, instance.held_by(Kind::Administrator, "the role"));
        }
    }
}

pub fn prompt_of(ceremony: &str) -> String {
    format!("prompt: {ceremony}")
}

/// Id, how the person signed in, what gave it, and the later approval in it.
const SESSIONS: [(&str, Used, By, Option<By>); 14] = [
    ("session by password", Used::Password, By::Password, None),
    ("wizard's session", Used::Password, By::Password, None),
    ("session by password and phone", Used::Password, By::Password, Some(OTHER)),
    ("session by pass", Used::Pass, By::Pass("typed pass"), None),
    ("session by a reported pass", Used::Pass, By::Pass("typed reported pass"), None),
    ("other session", Used::Phone, OTHER, None),
    ("asking session", Used::Phone, OTHER, None),
    ("reported session", Used::PasswordAndPhone, REPORTED, None),
    ("raised session", Used::PasswordAndPhone, OTHER, Some(REPORTED)),
    ("session of the newest phone", Used::Phone, BY_LATE_NEW_PHONE, None),
    ("session of the removed phone", Used::Phone, BY_REMOVED_PHONE, None),
    ("later session", Used::Phone, LATER, None),
    ("session that reports the loss", Used::Phone, LATER, None),
    ("earlier session", Used::Phone, EARLIER, None),
];

const HELD_CODES: [(&str, &str, &str); 5] = [
    ("code of the other session", "token of the other session", "other session"),
    ("code of the reported session", "token of the reported session", "reported session"),
    ("code of the later session", "token of the later session", "later session"),
    ("code of the session by password", "token of the session by password", "session by password"),
    ("code of the reporting session", "token of the reporting session", "session that reports the loss"),
];

const HELD_CEREMONIES: [(&str, &str); 4] = [
    ("waiting in the other session", "other session"),
    ("waiting in the reported session", "reported session"),
    ("waiting in the session by password", "session by password"),
    ("waiting in the later session", "later session"),
];
