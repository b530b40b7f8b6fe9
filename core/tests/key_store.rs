//! Every key store keeps the same contract; the sealed file keeps a few promises of its own.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use countersign::testing::{FakeKeyStore, key_store_contract, passphrase_guard_contract};
use countersign::{KeyGuard, KeyStore, PassphraseGuard, PlatformError, SealedFileKeyStore, Secret};

fn passphrase(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn open(path: &Path) -> SealedFileKeyStore {
    SealedFileKeyStore::open(path, &passphrase("open sesame")).unwrap()
}

#[test]
fn the_fake_keeps_the_contract() {
    // Two fakes draw one of 128 marks; a store of its own is told apart by forgetting.
    let store = FakeKeyStore::default();
    let wrapped = store.wrap(b"x".to_vec()).unwrap();
    store.forget();
    assert_eq!(store.unwrap(wrapped), Err(PlatformError::Gone));
    store.fail(Some(PlatformError::Locked));
    assert_eq!(store.make("a".to_owned(), KeyGuard::AfterFirstUnlock), Err(PlatformError::Locked));
}

#[test]
fn the_sealed_file_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let made = AtomicUsize::new(0);
    key_store_contract(&|| {
        let number = made.fetch_add(1, Ordering::SeqCst);
        Arc::new(open(&folder.path().join(format!("keys-{number}"))))
    });
}

#[test]
fn the_sealed_file_keeps_the_contract_of_a_lock() {
    let folder = tempfile::tempdir().unwrap();
    passphrase_guard_contract(&|| Arc::new(open(&folder.path().join("keys"))));
}

#[test]
fn a_lock_and_its_keys_survive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let lock = passphrase("a lock of its own");
    let store = open(&path);
    store.set_lock(&lock, None).unwrap();
    let point = store.make_guarded("sign-in".to_owned(), &lock).unwrap();
    let again = open(&path);
    assert_eq!((again.has_lock(), again.public_key("sign-in".to_owned())), (Ok(true), Ok(point)));
    assert!(again.sign_guarded("sign-in".to_owned(), b"x".to_vec(), &lock).is_ok());
    let opened = again.sign_guarded("sign-in".to_owned(), b"x".to_vec(), &passphrase("open sesame"));
    assert_eq!(opened, Err(PlatformError::WrongPassphrase), "what opens the file is not the lock");
}

#[test]
fn keys_survive_and_only_the_right_passphrase_opens_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let point = open(&path).make("device".to_owned(), KeyGuard::AfterFirstUnlock).unwrap();
    assert_eq!(open(&path).public_key("device".to_owned()).unwrap(), point);
    let wrong = SealedFileKeyStore::open(&path, &passphrase("open barley")).err();
    assert_eq!(wrong, Some(PlatformError::WrongPassphrase));
}

#[test]
fn two_processes_on_one_file_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let (one, two) = (open(&path), open(&path));
    one.make("one".to_owned(), KeyGuard::AfterFirstUnlock).unwrap();
    two.make("two".to_owned(), KeyGuard::AfterFirstUnlock).unwrap();
    for store in [&one, &two] {
        assert!(store.public_key("one".to_owned()).is_ok() && store.public_key("two".to_owned()).is_ok());
    }
}

#[test]
fn an_altered_torn_or_foreign_file_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    drop(open(&path));
    let good = std::fs::read(&path).unwrap();
    let mut altered = good.clone();
    *altered.last_mut().unwrap() ^= 1;
    for bad in [altered, good[..good.len() / 2].to_vec(), b"something else".to_vec(), Vec::new()] {
        std::fs::write(&path, &bad).unwrap();
        assert!(SealedFileKeyStore::open(&path, &passphrase("open sesame")).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), bad, "never \"repaired\"");
    }
}

#[cfg(unix)]
#[test]
fn the_file_is_for_its_owner_alone_and_shows_no_alias() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    open(&path).make("canary-alias".to_owned(), KeyGuard::AfterFirstUnlock).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let content = std::fs::read(&path).unwrap();
    assert!(!content.windows(12).any(|window| window == b"canary-alias"));
}
