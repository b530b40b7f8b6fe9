//! Unlocking a key of phone sign-in with the passphrase of the lock, on behalf of a step of the core.

use std::sync::Arc;

use countersign::{Error, KeyGuard, PassphraseGuard, PlatformError, Reply, Secret, Step, UserVerification};

use crate::error::PhoneError;
use crate::phone::Phone;

/// Does what a `MakeKey` or `Sign` step asks, and brings the reply to the core.
///
/// # Errors
/// `Platform(WrongPassphrase)` keeps the step: ask again with another passphrase.
pub async fn unlock(phone: &Phone, step: &Step, passphrase: Secret<String>) -> Result<Step, PhoneError> {
    let guard = Arc::clone(phone.guard());
    let (ticket, reply) = match step.clone() {
        Step::MakeKey { ticket, alias, guard: wanted, .. } => {
            (ticket, made(blocking(move || make(guard.as_ref(), alias, wanted, &passphrase)).await?))
        }
        Step::Sign { ticket, alias, forms, .. } => {
            // A passphrase is a credential; no other form would be true.
            let form = forms.into_iter().find(|form| form.verified == UserVerification::Credential);
            let bytes = form.ok_or(Error::WrongReply)?.bytes;
            (ticket, signed(blocking(move || guard.sign_guarded(alias, bytes, &passphrase)).await?))
        }
        _ => return Err(Error::WrongReply.into()),
    };
    Ok(phone.authenticator().provide(ticket, reply).await?)
}

fn make(
    guard: &dyn PassphraseGuard,
    alias: String,
    wanted: KeyGuard,
    passphrase: &Secret<String>,
) -> Result<Vec<u8>, PlatformError> {
    match wanted {
        KeyGuard::BiometricOrCredential => guard.make_guarded(alias, passphrase),
        // A desktop has no biometrics of ours, and a key that asks nobody is not what was wanted.
        KeyGuard::BiometricCurrentSet | KeyGuard::AfterFirstUnlock => Err(PlatformError::Unusable),
    }
}

fn made(made: Result<Vec<u8>, PlatformError>) -> Reply {
    made.map_or_else(failed, |point| Reply::KeyMade { point })
}

fn signed(signed: Result<Vec<u8>, PlatformError>) -> Reply {
    signed.map_or_else(failed, |signature| Reply::Signed { signature, verified: UserVerification::Credential })
}

fn failed(cause: PlatformError) -> Reply {
    Reply::Failed { cause }
}

/// Argon2id takes a moment; it must not stop the other tasks of the caller's thread.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, PhoneError> {
    Ok(tokio::task::spawn_blocking(work).await.map_err(|_stopped| Error::Closed)?)
}
