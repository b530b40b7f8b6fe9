//! Makes or uses a sign-in key for a step of the core. The passphrase of the lock unlocks the key.

use std::sync::Arc;

use countersign::{Error, KeyGuard, PassphraseGuard, PlatformError, Reply, Secret, Step, UserVerification};

use crate::error::PhoneError;
use crate::phone::Phone;

/// Carries out a `MakeKey` or `Sign` step and passes the reply to the core.
///
/// # Errors
/// `WrongReply` for any other step, and for a `Sign` step that offers no `SignedForm` for user verification by a
/// credential. After `Platform(WrongPassphrase)` the step is still valid: call this function again with another
/// passphrase.
pub async fn unlock(phone: &Phone, step: &Step, passphrase: Secret<String>) -> Result<Step, PhoneError> {
    let guard = Arc::clone(phone.guard());
    let (ticket, reply) = match step.clone() {
        Step::MakeKey { ticket, alias, guard: wanted, .. } => {
            (ticket, made(blocking(move || make(guard.as_ref(), alias, wanted, &passphrase)).await?))
        }
        Step::Sign { ticket, alias, forms, .. } => {
            // A passphrase is a credential. Any other `SignedForm` would state a user verification that did not happen.
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
        // This program has no biometrics, and a sign-in key must not be usable without user verification.
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

/// Runs `work` on a blocking thread, because Argon2id would delay the other tasks of the caller's thread.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, PhoneError> {
    Ok(tokio::task::spawn_blocking(work).await.map_err(|_stopped| Error::Closed)?)
}
