//! A key store in memory, and the contract tests that every key store must pass.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

use crate::base::jose::{PublicKey, signature_from_der};
use crate::base::secret::random;
use crate::values::platform::{KeyGuard, KeyStore, PlatformError};

/// A key store in memory, which can be set to fail. Ignores the key guard: it never verifies a person.
#[derive(Default)]
pub struct FakeKeyStore(Mutex<State>);

#[derive(Default)]
struct State {
    keys: BTreeMap<String, Vec<u8>>,
    wrapping: Option<Vec<u8>>,
    failing: Option<PlatformError>,
}

impl FakeKeyStore {
    /// Creates a key store with a fixed wrapping key. Two key stores with the same `mark` can unwrap each other's
    /// values.
    #[must_use]
    pub fn wrapping_with(mark: u8) -> Self {
        Self(Mutex::new(State { wrapping: Some(vec![mark]), ..State::default() }))
    }

    /// Makes every call of the key store fail with this error, until `fail` is called with `None`.
    pub fn fail(&self, with: Option<PlatformError>) {
        self.0.lock().unwrap().failing = with;
    }

    /// Deletes all keys and the wrapping key, as after a restore on another device.
    pub fn forget(&self) {
        *self.0.lock().unwrap() = State::default();
    }

    /// Returns the aliases of all keys.
    #[must_use]
    pub fn aliases(&self) -> Vec<String> {
        self.0.lock().unwrap().keys.keys().cloned().collect()
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> Result<T, PlatformError>) -> Result<T, PlatformError> {
        let mut state = self.0.lock().unwrap();
        match state.failing {
            Some(error) => Err(error),
            None => work(&mut state),
        }
    }
}

fn pair(pkcs8: &[u8]) -> EcdsaKeyPair {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8, &SystemRandom::new()).unwrap()
}

impl KeyStore for FakeKeyStore {
    fn make(&self, alias: String, _guard: KeyGuard) -> Result<Vec<u8>, PlatformError> {
        self.with(|state| {
            let pkcs8 = state.keys.entry(alias).or_insert_with(|| {
                let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new());
                made.unwrap().as_ref().to_vec()
            });
            Ok(pair(pkcs8).public_key().as_ref().to_vec())
        })
    }

    fn public_key(&self, alias: String) -> Result<Vec<u8>, PlatformError> {
        self.with(|state| {
            let pkcs8 = state.keys.get(&alias).ok_or(PlatformError::Gone)?;
            Ok(pair(pkcs8).public_key().as_ref().to_vec())
        })
    }

    fn sign(&self, alias: String, message: Vec<u8>) -> Result<Vec<u8>, PlatformError> {
        self.with(|state| {
            let pkcs8 = state.keys.get(&alias).ok_or(PlatformError::Gone)?;
            Ok(pair(pkcs8).sign(&SystemRandom::new(), &message).unwrap().as_ref().to_vec())
        })
    }

    fn delete(&self, alias: String) -> Result<(), PlatformError> {
        self.with(|state| {
            state.keys.remove(&alias);
            Ok(())
        })
    }

    /// Masks with XOR. This is no encryption, but it distinguishes two key stores.
    fn wrap(&self, plain: Vec<u8>) -> Result<Vec<u8>, PlatformError> {
        self.with(|state| {
            let mark = state.wrapping.get_or_insert_with(|| random::<16>().unwrap().to_vec());
            Ok([mark.clone(), masked(&plain, mark)].concat())
        })
    }

    fn unwrap(&self, wrapped: Vec<u8>) -> Result<Vec<u8>, PlatformError> {
        self.with(|state| {
            let mark = state.wrapping.as_ref().ok_or(PlatformError::Gone)?;
            wrapped.strip_prefix(mark.as_slice()).map(|rest| masked(rest, mark)).ok_or(PlatformError::Gone)
        })
    }
}

fn masked(bytes: &[u8], mark: &[u8]) -> Vec<u8> {
    bytes.iter().zip(mark.iter().cycle()).map(|(byte, mark)| byte ^ mark).collect()
}

/// Tests the contract of `PassphraseGuard`; `make` returns a new, empty store at each call. Panics on a violation.
#[cfg(feature = "desktop")]
pub fn passphrase_guard_contract(make: &dyn Fn() -> Arc<dyn crate::DesktopKeyStore>) {
    use crate::Secret;
    let secret = |text: &str| Secret::new(text.to_owned());
    let (right, wrong, newer) = (secret("right passphrase"), secret("wrong passphrase"), secret("newer passphrase"));
    let store = make();
    let alias = || "sign-in".to_owned();
    assert_eq!(store.has_lock(), Ok(false));
    assert_eq!(
        store.make_guarded(alias(), &right),
        Err(PlatformError::Unusable),
        "made a guarded key although no lock is set"
    );
    store.set_lock(&right, None).unwrap();
    assert_eq!(store.has_lock(), Ok(true));
    assert_eq!(store.make_guarded(alias(), &wrong), Err(PlatformError::WrongPassphrase));
    let point = store.make_guarded(alias(), &right).unwrap();
    assert_eq!(store.make_guarded(alias(), &right).unwrap(), point, "a second call replaced the key");
    assert_eq!(store.public_key(alias()).unwrap(), point, "the public key can't be read without the passphrase");
    assert_eq!(store.sign(alias(), b"x".to_vec()), Err(PlatformError::Unusable), "signed without the passphrase");
    assert_eq!(store.sign_guarded(alias(), b"x".to_vec(), &wrong), Err(PlatformError::WrongPassphrase));
    assert_eq!(store.sign_guarded("none".to_owned(), b"x".to_vec(), &right), Err(PlatformError::Gone));
    let signs = |passphrase: &Secret<String>| {
        let der = store.sign_guarded(alias(), b"message".to_vec(), passphrase).unwrap();
        let key = PublicKey::from_sec1(&point).unwrap();
        assert_eq!(key.verify(b"message", &signature_from_der(&der).unwrap()), Ok(()));
    };
    signs(&right);
    assert_eq!(
        store.set_lock(&newer, None),
        Err(PlatformError::WrongPassphrase),
        "changed the lock without the old passphrase"
    );
    assert_eq!(store.set_lock(&newer, Some(&wrong)), Err(PlatformError::WrongPassphrase));
    store.set_lock(&newer, Some(&right)).unwrap();
    assert_eq!(store.sign_guarded(alias(), b"x".to_vec(), &right), Err(PlatformError::WrongPassphrase));
    signs(&newer);
    let device = store.make("device".to_owned(), KeyGuard::AfterFirstUnlock).unwrap();
    for guard in [KeyGuard::BiometricCurrentSet, KeyGuard::BiometricOrCredential] {
        assert_eq!(store.make("another".to_owned(), guard), Err(PlatformError::Unusable));
    }
    assert_eq!(store.remove_lock(&right), Err(PlatformError::WrongPassphrase));
    store.remove_lock(&newer).unwrap();
    assert_eq!(
        (store.has_lock(), store.public_key(alias())),
        (Ok(false), Err(PlatformError::Gone)),
        "removing the lock left the lock or a guarded key"
    );
    assert_eq!(store.public_key("device".to_owned()).unwrap(), device, "removing the lock deleted the device key");
    store.set_lock(&right, None).unwrap();
    store.make_guarded(alias(), &right).unwrap();
    store.delete(alias()).unwrap();
    assert_eq!(store.public_key(alias()), Err(PlatformError::Gone));
}

/// Tests the contract of `KeyStore`; `make` returns a new, empty key store at each call. Panics on a violation.
pub fn key_store_contract(make: &dyn Fn() -> Arc<dyn KeyStore>) {
    let store = make();
    let alias = || "device".to_owned();
    assert_eq!(store.public_key(alias()), Err(PlatformError::Gone), "returned a key that was not made");
    assert_eq!(store.sign(alias(), b"x".to_vec()), Err(PlatformError::Gone));
    let point = store.make(alias(), KeyGuard::AfterFirstUnlock).unwrap();
    let key = PublicKey::from_sec1(&point).expect("the public key is not a point on the curve");
    assert_eq!(store.make(alias(), KeyGuard::AfterFirstUnlock).unwrap(), point, "a second call replaced the key");
    assert_eq!(store.public_key(alias()).unwrap(), point);
    let signature = signature_from_der(&store.sign(alias(), b"message".to_vec()).unwrap()).unwrap();
    assert_eq!(key.verify(b"message", &signature), Ok(()));
    assert!(key.verify(b"another", &signature).is_err());
    let other = store.make("other".to_owned(), KeyGuard::AfterFirstUnlock).unwrap();
    assert_ne!(other, point, "two aliases have the same key");
    store.delete(alias()).unwrap();
    store.delete(alias()).expect("deleting a missing key failed");
    assert_eq!(store.public_key(alias()), Err(PlatformError::Gone));
    assert_eq!(store.public_key("other".to_owned()).unwrap(), other, "deleting one key deleted another key");
    let wrapped = store.wrap(b"store key".to_vec()).unwrap();
    assert_ne!(wrapped, b"store key");
    assert_eq!(store.unwrap(wrapped.clone()).unwrap(), b"store key");
    let another = make();
    another.wrap(b"its own".to_vec()).unwrap();
    assert_eq!(another.unwrap(wrapped), Err(PlatformError::Gone), "unwrapped a value of another key store");
    assert!(store.unwrap(Vec::new()).is_err());
}

/// A key store that can only unwrap one key. A notification extension needs nothing else.
pub struct OneWrappedKey {
    /// The only value that can be unwrapped.
    pub wrapped: Vec<u8>,
    /// The result of unwrapping.
    pub key: Vec<u8>,
}

impl KeyStore for OneWrappedKey {
    fn make(&self, _alias: String, _guard: KeyGuard) -> Result<Vec<u8>, PlatformError> {
        Err(PlatformError::Unusable)
    }

    fn public_key(&self, _alias: String) -> Result<Vec<u8>, PlatformError> {
        Err(PlatformError::Gone)
    }

    fn sign(&self, _alias: String, _message: Vec<u8>) -> Result<Vec<u8>, PlatformError> {
        Err(PlatformError::Gone)
    }

    fn delete(&self, _alias: String) -> Result<(), PlatformError> {
        Ok(())
    }

    fn wrap(&self, _plain: Vec<u8>) -> Result<Vec<u8>, PlatformError> {
        Err(PlatformError::Unusable)
    }

    fn unwrap(&self, wrapped: Vec<u8>) -> Result<Vec<u8>, PlatformError> {
        if wrapped == self.wrapped { Ok(self.key.clone()) } else { Err(PlatformError::Gone) }
    }
}
