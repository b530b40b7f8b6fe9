//! Opening the authenticator: what it refuses, and that a refusal leaves everything as it was.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use countersign::testing::{FakeClock, FakeKeyStore};
use countersign::{
    Authenticator, CodeInput, DeviceDescription, DeviceLock, Error, Folders, KeyGuard, KeyStore, LockState,
    PlatformError, Ports, PushChannel, PushDelivery, Scanned, StoreFault, Timestamp, TlsTrust,
};

struct NoPush;

impl PushChannel for NoPush {
    fn subscribe(&self, _vapid_key: Vec<u8>, _slot: Vec<u8>) -> Result<String, PlatformError> {
        Err(PlatformError::Transient)
    }

    fn delivery(&self) -> Result<PushDelivery, PlatformError> {
        Ok(PushDelivery::Unknown)
    }
}

struct Locked;

impl DeviceLock for Locked {
    fn state(&self) -> Result<LockState, PlatformError> {
        Ok(LockState::Biometric)
    }
}

struct TrustsNobody;

impl TlsTrust for TrustsNobody {
    fn is_trusted(&self, _host: String, _chain: Vec<Vec<u8>>, _now: u64) -> Result<bool, PlatformError> {
        Ok(false)
    }
}

fn ports(key_store: &Arc<FakeKeyStore>) -> Ports {
    let text = |text: &str| text.to_owned();
    Ports {
        key_store: key_store.clone(),
        device_lock: Arc::new(Locked),
        push_channel: Arc::new(NoPush),
        tls_trust: Arc::new(TrustsNobody),
        clock: Arc::new(FakeClock::new(Timestamp(1_790_000_000))),
        device: DeviceDescription { name: text("Phone"), model: text("Model"), os: text("OS"), app_version: text("1") },
    }
}

async fn open(home: &Path, key_store: &Arc<FakeKeyStore>) -> Result<Authenticator, Error> {
    Authenticator::open(Folders::under(home.to_owned()), ports(key_store)).await
}

#[tokio::test]
async fn it_opens_empty_and_again() {
    let (home, keys) = (tempfile::tempdir().unwrap(), Arc::new(FakeKeyStore::default()));
    for _time in 0..2 {
        let authenticator = open(home.path(), &keys).await.unwrap();
        let snapshot = authenticator.snapshot().await.unwrap();
        assert!(snapshot.accounts.is_empty() && snapshot.prompts.is_empty() && snapshot.pending.is_empty());
    }
}

#[tokio::test]
async fn a_key_store_that_is_not_unlocked_is_not_gone() {
    let (home, keys) = (tempfile::tempdir().unwrap(), Arc::new(FakeKeyStore::default()));
    drop(open(home.path(), &keys).await.unwrap());
    for (told, expected) in [
        (PlatformError::Locked, Error::NotYetUnlocked),
        (PlatformError::Transient, Error::Platform(PlatformError::Transient)),
    ] {
        keys.fail(Some(told));
        assert_eq!(open(home.path(), &keys).await.err(), Some(expected));
        keys.fail(None);
        assert!(open(home.path(), &keys).await.is_ok(), "everything is still there");
    }
}

#[tokio::test]
async fn a_database_restored_on_another_device_says_so() {
    let (home, keys) = (tempfile::tempdir().unwrap(), Arc::new(FakeKeyStore::default()));
    drop(open(home.path(), &keys).await.unwrap());
    let folders = || Folders::under(home.path().to_owned());
    let start_over = || countersign::start_over(folders(), keys.clone());
    assert_eq!(start_over().await, Err(Error::NotFromAnotherDevice));
    keys.fail(Some(PlatformError::Locked));
    assert_eq!(start_over().await, Err(Error::NotYetUnlocked), "not yet unlocked is not gone");
    keys.fail(None);
    assert!(open(home.path(), &keys).await.is_ok());
    keys.forget();
    assert_eq!(open(home.path(), &keys).await.err(), Some(Error::FromAnotherDevice));
    assert_eq!(countersign::restored_accounts(folders()).await, Ok(Vec::new()));
    start_over().await.unwrap();
    start_over().await.unwrap();
    assert!(open(home.path(), &keys).await.is_ok());
    assert_eq!(start_over().await, Err(Error::NotFromAnotherDevice));
}

#[tokio::test]
async fn j9_w3_a_newer_database_is_refused_and_left_alone() {
    let (home, keys) = (tempfile::tempdir().unwrap(), Arc::new(FakeKeyStore::default()));
    drop(open(home.path(), &keys).await.unwrap());
    let path = home.path().join("countersign.db");
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let before = std::fs::read(&path).unwrap();
    assert_eq!(open(home.path(), &keys).await.err(), Some(Error::NewerSchema(99)));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

/// The folder that is mounted read only, in the process that was started to see it.
const READ_ONLY: &str = "COUNTERSIGN_TEST_READ_ONLY";

/// Root writes wherever a mode forbids it, so the folder is mounted read only; only the process started here sees that.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn j9_w4_a_read_only_folder_is_said_and_left_alone() {
    let keys = Arc::new(FakeKeyStore::default());
    if let Some(home) = std::env::var_os(READ_ONLY) {
        assert_eq!(open(Path::new(&home), &keys).await.err(), Some(Error::Store(StoreFault::ReadOnly)));
        return;
    }
    let home = tempfile::tempdir().unwrap();
    drop(open(home.path(), &keys).await.unwrap());
    let mount = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" && shift && exec \"$@\"";
    let ran = std::process::Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", mount, "sh"])
        .arg(home.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "j9_w4_a_read_only_folder_is_said_and_left_alone", "--nocapture"])
        .env(READ_ONLY, home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
    assert!(open(home.path(), &keys).await.is_ok());
}

#[tokio::test]
async fn a_service_that_nobody_trusts_or_reaches_is_never_asked() {
    let (home, keys) = (tempfile::tempdir().unwrap(), Arc::new(FakeKeyStore::default()));
    let authenticator = open(home.path(), &keys).await.unwrap();
    let typed = CodeInput::Typed { code: "ABCD-EF01-2345".to_owned(), address: "127.0.0.1:1".to_owned() };
    let Scanned::Invite(invite) = authenticator.read_code(typed).await.unwrap() else {
        unreachable!("a typed code is an invitation")
    };
    assert_eq!(authenticator.look_up(invite).await.err(), Some(Error::Offline));
    assert!(keys.aliases().is_empty(), "no key was made for it");
}

#[tokio::test]
async fn a_dropped_wait_leaves_the_authenticator_working() {
    let (home, keys) = (tempfile::tempdir().unwrap(), Arc::new(FakeKeyStore::default()));
    let authenticator = open(home.path(), &keys).await.unwrap();
    let revision = authenticator.snapshot().await.unwrap().revision;
    let waiting = authenticator.changed_since(revision, Duration::from_secs(60));
    assert!(tokio::time::timeout(Duration::from_millis(50), waiting).await.is_err());
    assert!(authenticator.accounts().await.is_ok());
}

#[tokio::test]
async fn a_wait_has_an_end_even_when_nothing_changes() {
    let (home, keys) = (tempfile::tempdir().unwrap(), Arc::new(FakeKeyStore::default()));
    let authenticator = open(home.path(), &keys).await.unwrap();
    let snapshot = authenticator.snapshot().await.unwrap();
    let waited = authenticator.changed_since(snapshot.revision, Duration::from_millis(30)).await.unwrap();
    assert_eq!(waited, snapshot);
}

#[tokio::test]
async fn shut_down_ends_what_waits_and_the_store_opens_again() {
    let (home, keys) = (tempfile::tempdir().unwrap(), Arc::new(FakeKeyStore::default()));
    let authenticator = open(home.path(), &keys).await.unwrap();
    let revision = authenticator.snapshot().await.unwrap().revision;
    let waiting = tokio::spawn({
        let authenticator = authenticator.clone();
        async move { authenticator.changed_since(revision, Duration::from_secs(600)).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    authenticator.shut_down().await;
    assert_eq!(waiting.await.unwrap(), Err(Error::Closed));
    assert_eq!(authenticator.accounts().await, Err(Error::Closed));
    authenticator.shut_down().await;
    assert!(open(home.path(), &keys).await.unwrap().accounts().await.unwrap().is_empty());
}

/// A key store that takes its time, or gives back another key than it took.
#[derive(Default)]
struct Spoiled {
    keys: FakeKeyStore,
    pause: Duration,
    forgets: bool,
}

impl KeyStore for Spoiled {
    fn make(&self, alias: String, guard: KeyGuard) -> Result<Vec<u8>, PlatformError> {
        self.keys.make(alias, guard)
    }

    fn public_key(&self, alias: String) -> Result<Vec<u8>, PlatformError> {
        self.keys.public_key(alias)
    }

    fn sign(&self, alias: String, message: Vec<u8>) -> Result<Vec<u8>, PlatformError> {
        self.keys.sign(alias, message)
    }

    fn delete(&self, alias: String) -> Result<(), PlatformError> {
        self.keys.delete(alias)
    }

    fn wrap(&self, plain: Vec<u8>) -> Result<Vec<u8>, PlatformError> {
        std::thread::sleep(self.pause);
        self.keys.wrap(plain)
    }

    fn unwrap(&self, wrapped: Vec<u8>) -> Result<Vec<u8>, PlatformError> {
        let plain = self.keys.unwrap(wrapped)?;
        Ok(if self.forgets { vec![7; plain.len()] } else { plain })
    }
}

#[tokio::test]
async fn a_key_store_that_gives_back_something_else_is_found_out_before_it_is_relied_on() {
    let (home, keys) = (tempfile::tempdir().unwrap(), Arc::new(FakeKeyStore::default()));
    let forgetful = Ports { key_store: Arc::new(Spoiled { forgets: true, ..Spoiled::default() }), ..ports(&keys) };
    let opened = Authenticator::open(Folders::under(home.path().to_owned()), forgetful).await;
    assert_eq!(opened.err(), Some(Error::Platform(PlatformError::Unusable)));
    // Nothing was kept: a key store that remembers starts anew.
    assert!(open(home.path(), &keys).await.is_ok());
}

#[tokio::test]
async fn the_lock_is_asked_anew_each_time() {
    let (home, keys) = (tempfile::tempdir().unwrap(), Arc::new(FakeKeyStore::default()));
    let authenticator = open(home.path(), &keys).await.unwrap();
    assert_eq!(authenticator.device_lock().await, Ok(LockState::Biometric));
}

#[test]
fn a_caller_that_turns_away_from_opening_is_not_held() {
    let (home, keys) = (tempfile::tempdir().unwrap(), Arc::new(FakeKeyStore::default()));
    let slow =
        Ports { key_store: Arc::new(Spoiled { pause: Duration::from_secs(3), ..Spoiled::default() }), ..ports(&keys) };
    let mut opening = Box::pin(Authenticator::open(Folders::under(home.path().to_owned()), slow));
    // As Kotlin does it: polled once on a thread that belongs to nobody's runtime, then dropped.
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(opening.as_mut().poll(&mut context).is_pending());
    // By now the key store is in the middle of its answer.
    std::thread::sleep(Duration::from_millis(300));
    let started = std::time::Instant::now();
    drop(opening);
    assert!(started.elapsed() < Duration::from_secs(1), "held for {:?}", started.elapsed());
}

/// An app is more than its authenticator: nothing that belongs to the whole process is touched.
#[tokio::test]
async fn it_changes_nothing_of_the_process_that_it_lives_in() {
    let process = || {
        let variables: std::collections::BTreeMap<_, _> = std::env::vars_os().collect();
        (variables, std::env::current_dir().unwrap(), rustls::crypto::CryptoProvider::get_default().is_some())
    };
    let before = process();
    assert!(!before.2, "nobody has chosen the app's cryptography");
    let (home, keys) = (tempfile::tempdir().unwrap(), Arc::new(FakeKeyStore::default()));
    let authenticator = open(home.path(), &keys).await.unwrap();
    let refused = authenticator.add_by_signing_in("127.0.0.1:1".to_owned(), "https://app.example/".to_owned()).await;
    assert_eq!(refused.err(), Some(Error::Offline));
    authenticator.shut_down().await;
    assert_eq!(process(), before);
}
