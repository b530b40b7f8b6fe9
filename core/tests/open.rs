//! Opening the authenticator: what it refuses, and that a refusal leaves everything as it was.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use countersign::testing::{FakeClock, FakeKeyStore};
use countersign::{
    Authenticator, CodeInput, DeviceDescription, DeviceLock, Error, Folders, LockState, PlatformError, Ports,
    PushChannel, Scanned, Timestamp, TlsTrust,
};

struct NoPush;

impl PushChannel for NoPush {
    fn subscribe(&self, _vapid_key: Vec<u8>, _slot: Vec<u8>) -> Result<String, PlatformError> {
        Err(PlatformError::Transient)
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
        push: Arc::new(NoPush),
        trust: Arc::new(TrustsNobody),
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
    keys.forget();
    assert_eq!(open(home.path(), &keys).await.err(), Some(Error::FromAnotherDevice));
}

#[tokio::test]
async fn a_newer_database_is_refused_and_left_alone() {
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
