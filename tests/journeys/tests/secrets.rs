//! Adds a phone and signs in, with every log at its most detailed level. Then searches everything that was written. The
//! search must not find any of the secrets that were used. The same search must find known public values, which proves
//! that the search works.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

#[path = "journeys/common.rs"]
mod common;
#[path = "journeys/interceptor.rs"]
mod interceptor;
#[path = "journeys/needles.rs"]
mod needles;

use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Params, Version};
use common::{account_of, agreed, approve, browser_opened, scanned, use_phone};
use countersign::{
    CodeInput, Ending, KeyStore, Outcome, PromptKind, Reply as CoreReply, SealedFileKeyStore, Secret, Step,
};
use countersign_journeys::people::{PASSWORD, USER};
use countersign_journeys::phone::PASSPHRASE;
use countersign_journeys::{TestPhone, a_moment};
use countersign_service::admin::acts::Done;
use countersign_service::operator;
use countersign_service::policy::document::TokenScope;
use countersign_service::prompts::change::Act;
use countersign_service::secrets::decode;
use interceptor::{Scene, payload};
use needles::{Needles, check_that_the_search_finds_every_form, files};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde_json::Value;

/// The passphrase of the phone's lock, as the test harness sets it.
const LOCK: &str = "a lock for tests";

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn opened(key: &[u8], label: &[u8], sealed: &[u8]) -> Vec<u8> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap());
    let (nonce, body) = sealed.split_at(12);
    let mut buffer = body.to_vec();
    key.open_in_place(Nonce::try_assume_unique_for_key(nonce).unwrap(), Aad::from(label), &mut buffer).unwrap().to_vec()
}

fn made_of(passphrase: &str, salt: &[u8]) -> Vec<u8> {
    let (params, mut key) = (Params::new(65_536, 3, 1, Some(32)).unwrap(), vec![0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut key)
        .unwrap();
    key
}

/// Reads every private key of the phone from its sealed file, and adds the keys to `needles`.
fn keys_of(home: &Path, needles: &mut Needles) {
    let file = std::fs::read(home.join("keys")).unwrap();
    let (head, sealed) = file.split_at(24);
    let file_key = made_of(PASSPHRASE, &head[8..]);
    let content: Value = serde_json::from_slice(&opened(&file_key, head, sealed)).unwrap();
    needles.add("key of the sealed file", &file_key);
    needles.add("wrapping key", &text_of(&content["wrapping"]));
    for (alias, scalar) in content["keys"].as_object().unwrap() {
        needles.add(&format!("key {alias}"), &text_of(scalar));
    }
    let lock_key = made_of(LOCK, &text_of(&content["guarded"]["lock"]["salt"]));
    needles.add("key of the lock", &lock_key);
    let guarded = content["guarded"]["keys"].as_object().unwrap();
    assert!(!guarded.is_empty(), "the phone has no sign-in key");
    for (alias, key) in guarded {
        needles.add(&format!("sign-in key {alias}"), &opened(&lock_key, alias.as_bytes(), &text_of(&key["scalar"])));
    }
}

/// Decodes base64url.
fn text_of(value: &Value) -> Vec<u8> {
    decode(value.as_str().unwrap()).unwrap()
}

/// Adds to `needles` the secrets that are sealed in the phone's files, and the keys that seal them. Returns two values:
/// the sealed push keys; the decrypted push secret.
fn sealed_of(home: &Path, needles: &mut Needles) -> (Vec<u8>, Vec<u8>) {
    let store = SealedFileKeyStore::open(&home.join("keys"), &Secret::new(PASSPHRASE.to_owned())).unwrap();
    needles.add("relay bearer", &store.unwrap(std::fs::read(home.join("relay-secret")).unwrap()).unwrap());
    let database = database(home);
    let mut wrapped = database.prepare("SELECT value FROM meta").unwrap();
    let wrapped: Vec<Vec<u8>> = wrapped.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let keys: Vec<Vec<u8>> = wrapped.into_iter().filter_map(|wrapped| store.unwrap(wrapped).ok()).collect();
    assert!(!keys.is_empty());
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?));
    let (id, sealed) = database.query_row("SELECT id, push_keys FROM accounts", [], row).unwrap();
    let place = ["accounts", &id, "push_keys"].join("\0");
    let push_keys = opened(&keys[0], place.as_bytes(), &sealed);
    needles.add("push private key", &push_keys[..32]);
    needles.add("push secret", &push_keys[32..]);
    for key in &keys {
        needles.add("key of the database", key);
    }
    (sealed, push_keys[32..].to_vec())
}

fn database(home: &Path) -> rusqlite::Connection {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    rusqlite::Connection::open_with_flags(home.join("countersign.db"), flags).unwrap()
}

/// Adds to `needles` the secrets that were sent over the network: cookies, authorization codes, PKCE verifiers, `state`
/// values, tokens and nonces.
fn sent_of(scene: &Scene, needles: &mut Needles) {
    let mut kinds = std::collections::BTreeSet::new();
    let mut add = |name: &str, text: &str| {
        kinds.insert(name.to_owned());
        needles.add(name, text.as_bytes());
    };
    for (address, request, reply) in scene.between.everything() {
        for cookie in reply.headers.get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if value.len() >= 16 {
                add(&format!("cookie {name}"), value);
            }
        }
        if address == "/par" || address == "/token" {
            for (name, value) in url::form_urlencoded::parse(&request) {
                if ["state", "code", "code_verifier"].contains(&&*name) {
                    add(&name, &value);
                }
            }
        }
        if address == "/token" && reply.status == 200 {
            add("access token", reply.value()["access_token"].as_str().unwrap());
            add("nonce of a token", reply.value()["nonce"].as_str().unwrap());
        }
    }
    for name in
        ["cookie __Host-attempt", "cookie __Host-session", "cookie __Host-browser", "state", "code", "code_verifier"]
    {
        assert!(kinds.contains(name), "no {name} in {kinds:?}");
    }
}

/// Adds a phone with a code, and turns phone sign-in on. Returns the `Debug` text of the values that the core returned.
async fn added_and_turned_on(scene: &Scene, needles: &mut Needles) -> String {
    let Scene { person, phone, .. } = scene;
    let page = person.wizard().await.unwrap();
    let code = scanned(&page);
    let secret =
        url::Url::parse(&code).unwrap().query_pairs().find(|(name, _)| name == "secret").unwrap().1.into_owned();
    needles.add("secret of the code", secret.as_bytes());
    let typed = person.press(&page, "cant-scan", &[]).await.unwrap().text("typed-code").unwrap();
    needles.add("secret of the typed code", &typed.replace('-', "").as_bytes()[4..]);
    needles.add("typed code", typed.as_bytes());
    let invite = phone.invite(CodeInput::Text { text: code }).await.unwrap();
    let mut printed = format!("{invite:?}");
    let offer = phone.core().look_up(invite).await.unwrap();
    let Step::ShowDigits { ticket, digits, .. } = phone.core().enroll(offer).await.unwrap() else {
        panic!("no digits")
    };
    let page = person.page_after("/security-info/add/code", "code").await.unwrap();
    let page = person.press(&page, "confirm", &[("digits", &digits)]).await.unwrap();
    phone.activated(ticket).await.unwrap();
    approve(phone, PromptKind::ConfirmEnrollment, &page).await;
    phone.set_lock().unwrap();
    let (ticket, url) = browser_opened(phone).await;
    let reply = CoreReply::Redirected { url: agreed(person, phone, &url).await };
    printed.push_str(&format!("{reply:?}"));
    let mut step = phone.core().provide(ticket, reply).await.unwrap();
    while let Step::MakeKey { .. } | Step::Sign { .. } = &step {
        printed.push_str(&format!("{step:?}"));
        step = phone.unlock(&step).await.unwrap();
    }
    assert_eq!(step, Step::PhoneSignInOn { account: account_of(phone).await });
    printed + &format!("{:?}", phone.core().snapshot().await.unwrap())
}

/// Signs in from other browsers, with the phone and then with the password. Sends an unreadable push, and loses a push.
/// Returns the `Debug` text of a prompt and of the accounts.
async fn signed_in(scene: &Scene) -> String {
    let Scene { phone, world, .. } = scene;
    let browser = scene.another_person();
    let page = use_phone(&browser).await;
    let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    let step = phone.approve_unlocked(&prompt, page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    let page = browser.open("/sign-in/continue").await.unwrap();
    browser.press(&page, "continue", &[]).await.unwrap();
    let browser = scene.another_person();
    let page = browser.sign_in().await.unwrap();
    approve(phone, PromptKind::SecondFactor, &page).await;
    let page = browser.open("/sign-in/number").await.unwrap();
    browser.press(&page, "finish", &[]).await.unwrap();
    phone.core().push_received(slot_of(phone), vec![7; 3_000]).await.unwrap();
    let relay = world.relay.as_ref().unwrap();
    relay.faults.lose_one_in(1);
    scene.another_person().sign_in().await.unwrap();
    a_moment().await;
    relay.faults.lose_one_in(0);
    format!("{prompt:?} {:?}", phone.core().accounts().await.unwrap())
}

fn slot_of(phone: &TestPhone) -> Vec<u8> {
    let database = database(phone.home());
    database.query_row("SELECT slot FROM accounts", [], |row| row.get(0)).unwrap()
}

/// Checks that the same search finds known public values where they must be.
fn canaries_are_found(scene: &Scene, log: &[u8]) {
    let found_under = |text: &str, folder: &Path| {
        let mut canary = Needles::default();
        canary.add(text, text.as_bytes());
        assert!(!canary.found_under(folder).is_empty(), "{text} was not found in {}", folder.display());
    };
    found_under(USER, scene.phone.home());
    found_under(scene.world.issuer(), scene.phone.home());
    found_under("Countersign phone in a terminal", &scene.world.folder().join("service"));
    found_under("phone_sign_in", &scene.world.folder().join("service"));
    let mut said = Needles::default();
    let words = ["ceremony_started", "a push could not be decrypted", "a message is lost on purpose"];
    words.iter().for_each(|word| said.add(word, word.as_bytes()));
    assert_eq!(said.found_in(log), words, "the log lacks a text of the service, the core or the relay");
    let mut walked = Needles::default();
    walked.add("an address", b"/security-info/add/code");
    assert_eq!(walked.found_in(addresses(scene).as_bytes()), ["an address"]);
    assert!(files(&scene.world.folder().join("relay")).iter().any(|(_, bytes)| !bytes.is_empty()));
}

/// The path and query of every request to the service. URLs of the application and of the phone are not included.
fn addresses(scene: &Scene) -> String {
    scene.between.everything().into_iter().map(|(address, _, _)| address + "\n").collect()
}

/// Secrets that the service must store unencrypted: to send pushes, to open its sealed data, and to return `state` with
/// the authorization code.
const KEPT_BY_SERVICE: [&str; 3] = ["push secret in", "data key in", "state in"];

/// Checks that no secret is in the logs, the `Debug` text, the requested URLs or the files.
fn nothing_is_found(scene: &Scene, needles: &Needles, printed: &str) {
    let log = LOG.lock().unwrap().clone();
    assert_eq!(needles.found_in(&log), [""; 0], "a secret is in a log");
    assert_eq!(needles.found_in(printed.as_bytes()), [""; 0], "a secret is in `Debug` text");
    assert_eq!(needles.found_in(addresses(scene).as_bytes()), [""; 0], "a secret is in a request's path or query");
    assert_eq!(needles.found_under(scene.phone.home()), [""; 0], "a secret is in the phone's folder");
    assert_eq!(needles.found_under(&scene.world.folder().join("relay")), [""; 0], "a secret is in the relay's folder");
    let mut kept = needles.found_under(&scene.world.folder().join("service"));
    kept.retain(|found| !KEPT_BY_SERVICE.iter().any(|name| found.starts_with(name)));
    assert_eq!(kept, [""; 0], "a secret is in the service's folder");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_not_written_to_logs_files_or_urls() {
    check_that_the_search_finds_every_form();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::TRACE);
    subscriber.with_ansi(false).with_writer(|| Log).init();
    let (scene, mut needles) = (Scene::start().await, Needles::default());
    for (name, text) in [("password", PASSWORD), ("passphrase", PASSPHRASE), ("lock", LOCK)] {
        needles.add(name, text.as_bytes());
    }
    let mut printed = added_and_turned_on(&scene, &mut needles).await;
    printed.push_str(&signed_in(&scene).await);
    let (store, now) = (&scene.world.app.store, scene.world.app.clock.now());
    let Done::Pass(made) = operator::administer(store, USER, Act::MakePass, now).unwrap() else { panic!("no pass") };
    needles.add("pass", made.text.as_bytes());
    operator::set_administrator(store, USER, true, now).unwrap();
    let token = operator::make_api_token(store, USER, "test", TokenScope::ReadPolicy, now).unwrap();
    needles.add("token of an administrator", token.as_bytes());
    needles.add("key for pushes", scene.world.app.keys.vapid_scalar());
    needles.add("data key", &std::fs::read(scene.world.folder().join("service/data.key")).unwrap());
    keys_of(scene.phone.home(), &mut needles);
    let (sealed, push_secret) = sealed_of(scene.phone.home(), &mut needles);
    sent_of(&scene, &mut needles);
    let bound = payload(&scene.between.last("/phone/enrollment").0);
    assert_eq!(text_of(&bound["push"]["auth"]), push_secret, "service and phone have different push secrets");
    assert!(needles.len() > 25, "only {} secrets were collected", needles.len());
    canaries_are_found(&scene, &LOG.lock().unwrap().clone());
    nothing_is_found(&scene, &needles, &printed);

    let account = account_of(&scene.phone).await;
    scene.phone.core().turn_off_phone_sign_in(account.clone()).await.unwrap();
    assert_eq!(scene.phone.core().remove(account).await.unwrap(), Ending::Done);
    nothing_is_found(&scene, &needles, &printed);
    scene.phone.core().shut_down().await;
    let mut freed = Needles::default();
    freed.add("push keys, sealed", &sealed);
    freed.add("name", USER.as_bytes());
    assert_eq!(freed.found_under(scene.phone.home()), [""; 0], "deleted data is still in the phone's files");
    scene.stop().await;
}
