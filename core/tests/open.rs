//! Tests of opening and closing the authenticator: which errors `open` returns, that a failed `open` changes nothing,
//! and how calls end.
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

struct BiometricLock;

impl DeviceLock for BiometricLock {
    fn state(&self) -> Result<LockState, PlatformError> {
        Ok(LockState::Biometric)
    }
}

struct TrustsNoChain;

impl TlsTrust for TrustsNoChain {
    fn is_trusted(&self, _host: String, _chain: Vec<Vec<u8>>, _now: u64) -> Result<bool, PlatformError> {
        Ok(false)
    }
}

fn ports(key_store: &Arc<FakeKeyStore>) -> Ports {
    let text = |text: &str| text.to_owned();
    Ports {
        key_store: key_store.clone(),
        device_lock: Arc::new(BiometricLock),
        push_channel: Arc::new(NoPush),
        tls_trust: Arc::new(TrustsNoChain),
        clock: Arc::new(FakeClock::new(Timestamp(1_790_000_000))),
        device: DeviceDescription { name: text("Phone"), model: text("Model"), os: text("OS"), app_version: text("1") },
    }
}

async fn open(home: &Path, key_store: &Arc<FakeKeyStore>) -> Result<Authenticator, Error> {
    Authenticator::open(Folders::under(home.to_owned()), ports(key_store)).await
}

#[tokio::test]
async fn new_authenticator_is_empty_and_opens_again() {
    let (home, keys) = (tempfile::tempdir().unwrap(), Arc::new(FakeKeyStore::default()));
    for _time in 0..2 {
        let authenticator = open(home.path(), &keys).await.unwrap();
        let snapshot = authenticator.snapshot().await.unwrap();
        assert!(snapshot.accounts.is_empty() && snapshot.prompts.is_empty() && snapshot.pending.is_empty());
    }
}

#[tokio::test]
async fn a_locked_key_store_is_not_reported_as_gone() {
    let (home, keys) = (tempfile::tempdir().unwrap(), Arc::new(FakeKeyStore::default()));
    drop(open(home.path(), &keys).await.unwrap());
    for (failure, expected) in [
        (PlatformError::Locked, Error::NotYetUnlocked),
        (PlatformError::Transient, Error::Platform(PlatformError::Transient)),
    ] {
        keys.fail(Some(failure));
        assert_eq!(open(home.path(), &keys).await.err(), Some(expected));
        keys.fail(None);
        assert!(open(home.path(), &keys).await.is_ok(), "the folder no longer opens");
    }
}

#[tokio::test]
async fn a_database_of_another_device_is_reported() {
    let (home, keys) = (tempfile::tempdir().unwrap(), Arc::new(FakeKeyStore::default()));
    drop(open(home.path(), &keys).await.unwrap());
    let folders = || Folders::under(home.path().to_owned());
    let start_over = || countersign::start_over(folders(), keys.clone());
    assert_eq!(start_over().await, Err(Error::NotFromAnotherDevice));
    keys.fail(Some(PlatformError::Locked));
    assert_eq!(
        start_over().await,
        Err(Error::NotYetUnlocked),
        "a locked key store was treated as that of another device"
    );
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
async fn j9_w3_a_newer_database_is_refused_and_unchanged() {
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

/// Set in the child process: the folder that is mounted read-only there.
const READ_ONLY: &str = "COUNTERSIGN_TEST_READ_ONLY";

/// Root may write in spite of file modes, so the folder is mounted read-only. Only the child process sees that mount.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn j9_w4_a_read_only_folder_is_reported_and_unchanged() {
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
        .args(["--exact", "j9_w4_a_read_only_folder_is_reported_and_unchanged", "--nocapture"])
        .env(READ_ONLY, home.path())
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && output.contains("1 passed"), "{output}");
    assert!(open(home.path(), &keys).await.is_ok());
}

#[tokio::test]
async fn look_up_of_an_unreachable_service_makes_no_key() {
    let (home, keys) = (tempfile::tempdir().unwrap(), Arc::new(FakeKeyStore::default()));
    let authenticator = open(home.path(), &keys).await.unwrap();
    let typed = CodeInput::Typed { code: "ABCD-EF01-2345".to_owned(), address: "127.0.0.1:1".to_owned() };
    let Scanned::Invite(invite) = authenticator.read_code(typed).await.unwrap() else {
        unreachable!("a typed code is an invite")
    };
    assert_eq!(authenticator.look_up(invite).await.err(), Some(Error::Offline));
    assert!(keys.aliases().is_empty(), "the look-up made a key");
}

#[tokio::test]
async fn authenticator_works_after_a_waiting_call_is_dropped() {
    let (home, keys) = (tempfile::tempdir().unwrap(), Arc::new(FakeKeyStore::default()));
    let authenticator = open(home.path(), &keys).await.unwrap();
    let revision = authenticator.snapshot().await.unwrap().revision;
    let waiting = authenticator.changed_since(revision, Duration::from_secs(60));
    assert!(tokio::time::timeout(Duration::from_millis(50), waiting).await.is_err());
    assert!(authenticator.accounts().await.is_ok());
}

#[tokio::test]
async fn changed_since_ends_after_its_time_limit() {
    let (home, keys) = (tempfile::tempdir().unwrap(), Arc::new(FakeKeyStore::default()));
    let authenticator = open(home.path(), &keys).await.unwrap();
    let snapshot = authenticator.snapshot().await.unwrap();
    let waited = authenticator.changed_since(snapshot.revision, Duration::from_millis(30)).await.unwrap();
    assert_eq!(waited, snapshot);
}

#[tokio::test]
async fn shut_down_ends_waiting_calls_and_the_folder_opens_again() {
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

/// A key store whose `wrap` is slow, or whose `unwrap` returns a key other than the wrapped key.
#[derive(Default)]
struct Faulty {
    keys: FakeKeyStore,
    pause: Duration,
    forgets: bool,
}

impl KeyStore for Faulty {
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
async fn open_fails_when_unwrap_returns_another_key() {
    let (home, keys) = (tempfile::tempdir().unwrap(), Arc::new(FakeKeyStore::default()));
    let forgetful = Ports { key_store: Arc::new(Faulty { forgets: true, ..Faulty::default() }), ..ports(&keys) };
    let opened = Authenticator::open(Folders::under(home.path().to_owned()), forgetful).await;
    assert_eq!(opened.err(), Some(Error::Platform(PlatformError::Unusable)));
    // Nothing was stored: a correct key store can open the folder.
    assert!(open(home.path(), &keys).await.is_ok());
}

#[tokio::test]
async fn device_lock_returns_the_lock_of_the_port() {
    let (home, keys) = (tempfile::tempdir().unwrap(), Arc::new(FakeKeyStore::default()));
    let authenticator = open(home.path(), &keys).await.unwrap();
    assert_eq!(authenticator.device_lock().await, Ok(LockState::Biometric));
}

#[test]
fn dropping_open_while_it_runs_does_not_block() {
    let (home, keys) = (tempfile::tempdir().unwrap(), Arc::new(FakeKeyStore::default()));
    let slow =
        Ports { key_store: Arc::new(Faulty { pause: Duration::from_secs(3), ..Faulty::default() }), ..ports(&keys) };
    let mut opening = Box::pin(Authenticator::open(Folders::under(home.path().to_owned()), slow));
    // As Kotlin does, the future is polled once on a thread outside any runtime, and then dropped.
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(opening.as_mut().poll(&mut context).is_pending());
    // Wait until the core is inside the slow call of the key store.
    std::thread::sleep(Duration::from_millis(300));
    let started = std::time::Instant::now();
    drop(opening);
    assert!(started.elapsed() < Duration::from_secs(1), "the drop blocked for {:?}", started.elapsed());
}

/// Environment variables, current folder and cryptography provider of the process belong to the app.
#[tokio::test]
async fn the_core_does_not_change_process_wide_state() {
    let process = || {
        let variables: std::collections::BTreeMap<_, _> = std::env::vars_os().collect();
        (variables, std::env::current_dir().unwrap(), rustls::crypto::CryptoProvider::get_default().is_some())
    };
    let before = process();
    assert!(!before.2, "a default cryptography provider is set");
    let (home, keys) = (tempfile::tempdir().unwrap(), Arc::new(FakeKeyStore::default()));
    let authenticator = open(home.path(), &keys).await.unwrap();
    let refused = authenticator.add_by_signing_in("127.0.0.1:1".to_owned(), "https://app.example/".to_owned()).await;
    assert_eq!(refused.err(), Some(Error::Offline));
    authenticator.shut_down().await;
    assert_eq!(process(), before);
}
