//! A frozen database, opened by today's service, and the browsers and phones whose secrets `phone.json` contains.

use std::path::{Path, PathBuf};

use countersign_service::devices::device::Device;
use countersign_service::devices::records as devices;
use countersign_service::people::person::Person;
use countersign_service::people::records as people;
use countersign_service::prompts::records::Prompt;
use countersign_service::secrets::{decode, hashed};
use countersign_service::store::Record;
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use crate::phone_endpoints::phone::{Phone, verified, with};
use crate::phone_endpoints::service::{Code, ISSUER, Service};
use crate::support::{Answer, Browser};

const SESSION: &str = "__Host-session";

fn files(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/databases").join(version)
}

/// Writes the frozen files of a version into a new folder, as a service of that version has left them.
pub fn unpacked(version: &str) -> TempDir {
    let (folder, files) = (tempfile::tempdir().unwrap(), files(version));
    let sql = std::fs::read_to_string(files.join("service.sql")).unwrap();
    Connection::open(database(&folder)).unwrap().execute_batch(&sql).unwrap();
    let key = std::fs::read_to_string(files.join("data.key")).unwrap();
    let bytes: Vec<u8> = key.trim().as_bytes().chunks(2).map(hex_byte).collect();
    std::fs::write(folder.path().join("data.key"), bytes).unwrap();
    folder
}

fn hex_byte(digits: &[u8]) -> u8 {
    u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap()
}

pub fn database(folder: &TempDir) -> PathBuf {
    folder.path().join("service.db")
}

pub fn user_version(database: &Path) -> u32 {
    let connection = Connection::open(database).unwrap();
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

/// A service on the database of an older version.
pub struct Frozen {
    pub service: Service,
    /// The content of `phone.json`.
    pub facts: Value,
    _folder: TempDir,
}

impl Frozen {
    pub async fn opened(version: &str) -> Self {
        let folder = unpacked(version);
        let facts = std::fs::read_to_string(files(version).join("phone.json")).unwrap();
        let facts: Value = serde_json::from_str(&facts).unwrap();
        let service = Service::at(folder.path(), facts["now"].as_i64().unwrap()).await;
        Self { service, facts, _folder: folder }
    }

    pub fn text(&self, pointer: &str) -> String {
        self.facts.pointer(pointer).unwrap().as_str().unwrap().to_owned()
    }

    pub fn person(&self, name: &str) -> Person {
        self.service.app.store.global_blocking(|tx| people::find(tx, name)).unwrap().unwrap()
    }

    pub fn phones(&self, name: &str) -> Vec<Device> {
        let account = self.person(name).account_id;
        self.service.app.store.global_blocking(|tx| devices::active(tx, &account)).unwrap()
    }

    pub fn stored<R: Record>(&self, id: &str) -> Option<R> {
        self.service.app.store.global_blocking(|tx| tx.get(id)).unwrap()
    }

    /// Returns a browser without cookies.
    pub fn browser(&self) -> Browser {
        let mut browser = Browser::new(&self.service.app);
        browser.origin = Some(ISSUER);
        browser
    }

    /// Returns a browser with its cookies of the older version.
    pub fn browser_of(&self, name: &str) -> Browser {
        let mut browser = self.browser();
        for (cookie, value) in self.facts["browsers"][name].as_object().unwrap() {
            browser.cookies.insert(cookie.clone(), value.as_str().unwrap().to_owned());
        }
        browser
    }

    /// Returns this browser after its person has signed out.
    pub fn without_session(mut browser: Browser) -> Browser {
        browser.cookies.remove(SESSION);
        browser
    }

    fn facts_of_phone(&self, name: &str) -> &Value {
        let phones = self.facts["phones"].as_array().unwrap();
        phones.iter().find(|phone| phone["user_name"] == name && phone["state"] != "removed").unwrap()
    }

    pub fn phone(&self, name: &str) -> Phone {
        let facts = self.facts_of_phone(name);
        Phone::with_scalar(scalar(&facts["device_key"]), facts["device_id"].as_str().unwrap().to_owned())
    }

    pub fn sign_in_key(&self, name: &str) -> Phone {
        Phone::with_scalar(scalar(&self.facts_of_phone(name)["sign_in_key"]), String::new())
    }

    /// Returns the code of an enrollment of the older version.
    pub fn code(&self, name: &str) -> Code {
        let facts = &self.facts["enrollments"][name];
        let (id, key) = (facts["id"].as_str().unwrap().to_owned(), decode(facts["key"].as_str().unwrap()).unwrap());
        Code { enrollment: id.clone(), id, key, session: String::new(), issuer: ISSUER.to_owned() }
    }

    /// Returns the only prompt of a ceremony.
    pub fn prompt_of(&self, ceremony: &str) -> String {
        let prompts = self.service.app.store.global_blocking(|tx| tx.children::<Prompt>(ceremony)).unwrap();
        assert_eq!(prompts.len(), 1);
        prompts[0].jws.clone()
    }

    /// Approves the only live prompt of this kind with the number of the page, as the phone's app does.
    pub async fn approve(&self, name: &str, kind: &str, page: &Answer) -> String {
        let (phone, service) = (self.phone(name), &self.service);
        let state = phone.fetched(service).await;
        let mut prompts = state["prompts"].as_array().unwrap().iter().map(|prompt| prompt.as_str().unwrap());
        let is_asked = |jws: &&str| verified(service, jws, "phone-prompt+jwt")["kind"] == kind;
        let prompt = prompts.rfind(is_asked).unwrap();
        let claims = phone.approval(service, prompt, &page.after("data-number=\""));
        if kind != "phone_sign_in" {
            return phone.outcome(service, &claims).await;
        }
        let key = self.sign_in_key(name);
        let answer = key.sign(&key.answer_header(), &with(claims, "uv", "credential".into()));
        let state = phone.read_state(service, &phone.deliver(service, &answer).await);
        state["outcome"]["result"].as_str().unwrap().to_owned()
    }
}

/// Returns the record id of a browser's session.
pub fn session_of(browser: &Browser) -> String {
    hashed(browser.cookies[SESSION].as_bytes())
}

fn scalar(key: &Value) -> [u8; 32] {
    decode(key.as_str().unwrap()).unwrap().try_into().unwrap()
}
