//! Defines the steps of an act that takes several calls (what the app does next), and the app's replies to them.

pub(crate) mod redirect;
pub(crate) mod scan;

use std::fmt;

use crate::authenticator::error::Error;
use crate::base::clock::Timestamp;
use crate::base::jose;
use crate::base::jose::JoseError;
use crate::protocol::messages::UserVerification;
use crate::values::account::{AccountId, RemovalCause};
use crate::values::platform::{KeyGuard, PlatformError};
use crate::values::prompt::{Outcome, PromptId};
use crate::values::ticket::Ticket;

/// What the app does next in an act that takes several calls.
///
/// Acts are stored, so a step can be shown again after a restart (`pending_steps`). Exception: an approval that waits
/// for user verification is only in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum Step {
    /// Show these digits. The person must type them only into the wizard's page.
    ShowDigits {
        /// For `wait_for_activation` or `abandon`.
        ticket: Ticket,
        /// The verified host of the service that asks.
        host: String,
        /// Six ASCII digits.
        digits: String,
        /// When the digits expire, by this phone's clock.
        until: Timestamp,
    },
    /// Adding an account was interrupted. The enrollment can be continued (`continue_enrollment`) or abandoned.
    EnrollmentInterrupted {
        /// For `continue_enrollment` or `abandon`.
        ticket: Ticket,
        /// The host of the service that asks.
        host: String,
    },
    /// The service ended the enrollment. Show the cause, then call `abandon`.
    EnrollmentEnded {
        /// For `abandon`, which deletes the enrollment from this phone.
        ticket: Ticket,
        /// The host of the service that asked.
        host: String,
        /// The cause, from the service's signed state.
        cause: RemovalCause,
    },
    /// The device has no device lock that can guard the key. The act has ended, and nothing of it is kept. Show how to
    /// set the device lock; then the act can be started again. An account that was added by signing in stays.
    MissingLock {
        /// The host of the account's service.
        host: String,
        /// The guard that the lock must support.
        needs: KeyGuard,
    },
    /// Phone sign-in can't be turned on, or the account can't be added. The act has ended, and nothing of it is kept.
    /// An account that was added before stays.
    NotAllowed {
        /// The host of the service.
        host: String,
        /// The reason.
        why: NotAllowed,
    },
    /// Ask the person whether this device is to be registered for this account. If the person agrees, reply
    /// `Confirmed`; else call `abandon`.
    ConfirmDevice {
        /// For `provide` or `abandon`.
        ticket: Ticket,
        /// The host of the service at which the device is registered.
        host: String,
        /// The account's user name, as the service claims it.
        user_name: String,
        /// The organization, as the service claims it.
        organization: String,
        /// The name under which the service will list this device.
        device: String,
    },
    /// Open this URL in the system browser; reply `Redirected` with the URL with which the browser returns to the app.
    OpenBrowser {
        /// For `provide` or `abandon`.
        ticket: Ticket,
        /// The host of the service at which the person signs in.
        host: String,
        /// The URL to open, unchanged.
        url: String,
        /// Six ASCII digits that the app shows. A page in the browser asks for them; the person must type them only
        /// into this page. Absent when phone sign-in is turned on for an existing account.
        digits: Option<String>,
        /// When the authorization request expires, by this phone's clock.
        until: Timestamp,
    },
    /// Make a P-256 key in the key store under this alias, with this guard; reply `KeyMade` with the key's public point
    /// (65 bytes). If a key with this alias exists already, reply with that key.
    MakeKey {
        /// For `provide` or `abandon`.
        ticket: Ticket,
        /// The host of the account's service.
        host: String,
        /// The key store's name for the key.
        alias: String,
        /// The user verification that each use of the key requires.
        guard: KeyGuard,
        /// When the registration token expires, by this phone's clock.
        until: Timestamp,
    },
    /// Ask the person to unlock the key, and sign with it; reply `Signed` with the signature.
    Sign {
        /// For `provide` or `abandon`.
        ticket: Ticket,
        /// The host of the service that asks.
        host: String,
        /// The key store's name for the key.
        alias: String,
        /// Why the person is asked for verification. The app chooses the text.
        purpose: Purpose,
        /// Sign the bytes of only one `SignedForm`: the one whose `verified` is the method by which the person was
        /// really verified.
        forms: Vec<SignedForm>,
        /// When the prompt or the registration token expires, by this phone's clock.
        until: Timestamp,
    },
    /// Turning phone sign-in on was interrupted. The act can be continued (`continue_phone_sign_in`) or abandoned.
    PhoneSignInInterrupted {
        /// For `continue_phone_sign_in` or `abandon`.
        ticket: Ticket,
        /// The host of the account's service.
        host: String,
    },
    /// The account was added by signing in, and can approve sign-ins after a password. Phone sign-in is not on:
    /// `requirements` returns what is missing, or why it is not allowed.
    AccountAdded {
        /// The new account's id on this phone.
        account: AccountId,
    },
    /// Phone sign-in is on: the service has registered the sign-in key.
    PhoneSignInOn {
        /// The account's id on this phone.
        account: AccountId,
    },
    /// The signed answer or report is stored, and is sent when the service can be reached. Don't show the prompt as
    /// approved.
    Queued {
        /// The prompt that was answered or reported.
        prompt: PromptId,
    },
    /// The service has processed the answer or report.
    Done {
        /// The outcome, from the service's signed state.
        outcome: Outcome,
    },
}

/// Why phone sign-in can't be turned on, or an account can't be added by signing in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum NotAllowed {
    /// The organization's policy does not allow it.
    Policy,
    /// The organization limits how many accounts may use phone sign-in on one phone, and other accounts have reached
    /// the limit.
    AnotherAccount {
        /// The user name of one of those accounts, as the service claims it.
        user_name: String,
    },
    /// The person refused in the browser (OAuth `access_denied`).
    ByPerson,
    /// The authorization code or the token has expired, or the response with the token was lost. Start again.
    TooLate,
    /// The service refused without a reason.
    Refused,
}

/// Why the person is asked to unlock a key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum Purpose {
    /// The new key signs its own registration (`phone-sign-in-key+jwt`, protocol section 10.1).
    TurnOnPhoneSignIn,
    /// The sign-in key signs the approval of a prompt (`phone-answer+jwt`, protocol section 7).
    Approve {
        /// The prompt to approve.
        prompt: PromptId,
    },
}

/// The bytes to sign (ECDSA P-256 with SHA-256) for one method of user verification.
///
/// The signed claims contain the method (`uv`), but the platform reports the method only after the verification. So the
/// app gets one `SignedForm` for each possible method.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct SignedForm {
    /// The method of user verification that the signed claims name.
    pub verified: UserVerification,
    /// The JWS signing input, in ASCII. Hash and sign it unchanged.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for SignedForm {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The bytes contain the number, or the nonce of a registration.
        write!(formatter, "SignedForm({:?})", self.verified)
    }
}

impl SignedForm {
    /// Makes one `SignedForm` for each method of user verification that can unlock a key with this guard. `input`
    /// returns the signing input for a method.
    ///
    /// # Errors
    /// `Platform(Unusable)` when `input` can't serialize the claims.
    pub(crate) fn each(
        guard: KeyGuard,
        input: impl Fn(UserVerification) -> Result<String, JoseError>,
    ) -> Result<Vec<Self>, Error> {
        let ways: &[UserVerification] = match guard {
            // A key with this guard can't prove user verification.
            KeyGuard::AfterFirstUnlock => &[],
            KeyGuard::BiometricCurrentSet => &[UserVerification::Biometric],
            KeyGuard::BiometricOrCredential => {
                &[UserVerification::Biometric, UserVerification::Credential, UserVerification::Unspecified]
            }
        };
        let form = |verified: &UserVerification| {
            let bytes = input(*verified).map_err(|_unserializable| Error::Platform(PlatformError::Unusable))?;
            Ok(Self { verified: *verified, bytes: bytes.into_bytes() })
        };
        ways.iter().map(form).collect()
    }

    /// Returns the `SignedForm` for the method of user verification that the app reports.
    ///
    /// # Errors
    /// `WrongReply` for a method that the key's guard does not allow.
    pub(crate) fn find(forms: Vec<Self>, verified: UserVerification) -> Result<Self, Error> {
        // GUARD(verification-as-signed): j6_w15_unlocking_can_be_repeated_after_a_failure
        // INSTEAD: Ok(forms.into_iter().find(|form| form.verified == verified || true).ok_or(Error::WrongReply)?)
        forms.into_iter().find(|form| form.verified == verified).ok_or(Error::WrongReply)
    }

    /// Returns the compact JWS with the platform's signature, converted from ASN.1 DER to the 64 bytes of ES256. Does
    /// not verify the signature.
    ///
    /// # Errors
    /// `Platform(Unusable)` when `signature` is not the DER encoding of a P-256 signature.
    pub(crate) fn attach(&self, signature: &[u8]) -> Result<String, Error> {
        let unusable = || Error::Platform(PlatformError::Unusable);
        let input = std::str::from_utf8(&self.bytes).map_err(|_never| unusable())?;
        let signature = jose::signature_from_der(signature).map_err(|_malformed| unusable())?;
        Ok(jose::attach(input, &signature))
    }
}

/// The app's reply to a step, for `provide`.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum Reply {
    /// The reply to `ConfirmDevice`: the person agreed.
    Confirmed,
    /// The reply to `OpenBrowser`: the browser returned to the app.
    Redirected {
        /// The full URL of the redirect, with its query. It contains an authorization code: don't log it.
        url: String,
    },
    /// The reply to `MakeKey`: the key store made the key.
    KeyMade {
        /// The public point of the key (65 bytes, uncompressed).
        point: Vec<u8>,
    },
    /// The reply to `Sign`: the person unlocked the key, and the key signed.
    Signed {
        /// The ECDSA signature, ASN.1 DER.
        signature: Vec<u8>,
        /// How the person was really verified; must be `verified` of the `SignedForm` that was signed.
        verified: UserVerification,
    },
    /// The reply to `MakeKey` or `Sign`: the platform failed, or the person cancelled.
    Failed {
        /// The platform's error. After `Locked`, `Transient` and `WrongPassphrase` the step can be repeated. While a
        /// key is being registered, the step can be repeated after `Cancelled`, too. Any other error ends the act.
        cause: PlatformError,
    },
}

impl fmt::Debug for Reply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL of the redirect contains an authorization code.
        match self {
            Self::Confirmed => formatter.write_str("Confirmed"),
            // GUARD(redirect-not-printed): secrets_are_not_written_to_logs_files_or_urls
            // INSTEAD: Self::Redirected { url } => formatter.write_str(url),
            Self::Redirected { .. } => formatter.write_str("Redirected(…)"),
            Self::KeyMade { .. } => formatter.write_str("KeyMade(…)"),
            Self::Signed { verified, .. } => write!(formatter, "Signed({verified:?})"),
            Self::Failed { cause } => write!(formatter, "Failed({cause:?})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_of_a_reply_hides_the_redirect() {
        let back = Reply::Redirected { url: "http://127.0.0.1:1/phone-sign-in?code=canary&state=canary".to_owned() };
        assert_eq!(format!("{back:?}"), "Redirected(…)");
        assert_eq!(format!("{:?}", Reply::Failed { cause: PlatformError::Gone }), "Failed(Gone)");
    }
}
