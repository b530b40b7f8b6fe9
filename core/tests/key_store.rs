//! Tests the sealed file with the contract tests that every key store must pass. Also tests the fake key store.
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
fn fake_key_store_forgets_its_keys_and_fails_on_demand() {
    // After `forget`, the fake key store no longer has the wrapping key with which the value was wrapped.
    let store = FakeKeyStore::default();
    let wrapped = store.wrap(b"x".to_vec()).unwrap();
    store.forget();
    assert_eq!(store.unwrap(wrapped), Err(PlatformError::Gone));
    store.fail(Some(PlatformError::Locked));
    assert_eq!(store.make("a".to_owned(), KeyGuard::AfterFirstUnlock), Err(PlatformError::Locked));
}

#[test]
fn sealed_file_passes_the_key_store_contract() {
    let folder = tempfile::tempdir().unwrap();
    let made = AtomicUsize::new(0);
    key_store_contract(&|| {
        let number = made.fetch_add(1, Ordering::SeqCst);
        Arc::new(open(&folder.path().join(format!("keys-{number}"))))
    });
}

#[test]
fn sealed_file_needs_the_passphrase_for_guarded_keys() {
    let folder = tempfile::tempdir().unwrap();
    passphrase_guard_contract(&|| Arc::new(open(&folder.path().join("keys"))));
}

#[test]
fn passphrase_lock_and_guarded_keys_survive_reopening() {
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
    assert_eq!(opened, Err(PlatformError::WrongPassphrase), "the file's passphrase opened the lock");
}

#[test]
fn keys_survive_reopening_with_the_right_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let point = open(&path).make("device".to_owned(), KeyGuard::AfterFirstUnlock).unwrap();
    assert_eq!(open(&path).public_key("device".to_owned()).unwrap(), point);
    let wrong = SealedFileKeyStore::open(&path, &passphrase("open barley")).err();
    assert_eq!(wrong, Some(PlatformError::WrongPassphrase));
}

#[test]
fn two_open_stores_on_one_file_keep_both_keys() {
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
fn a_damaged_or_foreign_file_is_refused_and_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    drop(open(&path));
    let good = std::fs::read(&path).unwrap();
    let mut altered = good.clone();
    *altered.last_mut().unwrap() ^= 1;
    for bad in [altered, good[..good.len() / 2].to_vec(), b"something else".to_vec(), Vec::new()] {
        std::fs::write(&path, &bad).unwrap();
        assert!(SealedFileKeyStore::open(&path, &passphrase("open sesame")).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), bad, "a refused file was changed");
    }
}

#[cfg(unix)]
#[test]
fn sealed_file_is_owner_only_and_hides_aliases() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    open(&path).make("canary-alias".to_owned(), KeyGuard::AfterFirstUnlock).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let content = std::fs::read(&path).unwrap();
    assert!(!content.windows(12).any(|window| window == b"canary-alias"));
}
