//! What the app does next in an act that needs more than one go, and what it brings back.

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

/// What the app does next in an act that needs more than one go.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum Step {
    /// Show these digits, to be typed into the page where the person started, and nowhere else.
    ShowDigits {
        /// To wait for the end, or give it up.
        ticket: Ticket,
        /// Who is asking.
        host: String,
        /// Six ASCII digits.
        digits: String,
        /// When they end, by this phone's clock.
        until: Timestamp,
    },
    /// Adding an account was cut off; it can go on or be given up.
    EnrollmentInterrupted {
        /// To go on, or give it up.
        ticket: Ticket,
        /// Who is asking.
        host: String,
    },
    /// The service ended adding an account; say so, then give the ticket up.
    EnrollmentEnded {
        /// To have it forgotten.
        ticket: Ticket,
        /// Who asked.
        host: String,
        /// Why.
        cause: RemovalCause,
    },
    /// The device has no lock that could guard the key; nothing was kept. Say how to set one, then start again.
    MissingLock {
        /// For which service.
        host: String,
        /// What the lock must be able to guard.
        needs: KeyGuard,
    },
    /// It can't be; nothing was kept.
    NotAllowed {
        /// By which service.
        host: String,
        /// Why.
        why: NotAllowed,
    },
    /// Ask whether this device is to be registered to this person; reply `Confirmed`, or abandon.
    ConfirmDevice {
        /// To go on, or give it up.
        ticket: Ticket,
        /// With whom.
        host: String,
        /// Whose it will be, as the service claims.
        user_name: String,
        /// The organization, as the service claims.
        organization: String,
        /// The name under which this device will be seen there.
        device: String,
    },
    /// Open this address in the system browser; reply `Redirected` with the address it comes back to.
    OpenBrowser {
        /// To go on, or give it up.
        ticket: Ticket,
        /// Where the person signs in.
        host: String,
        /// What to open, exactly.
        url: String,
        /// Six ASCII digits to be shown beside, when the page there asks for them; to be typed nowhere else.
        digits: Option<String>,
        /// When it ends, by this phone's clock.
        until: Timestamp,
    },
    /// Make a P-256 key in the key store under this alias, guarded like this; reply `KeyMade` with its public point
    /// (65 bytes). A key that stands under the alias already is the one.
    MakeKey {
        /// To go on, or give it up.
        ticket: Ticket,
        /// For which service.
        host: String,
        /// The key store's name for the key.
        alias: String,
        /// Who must be there for each use.
        guard: KeyGuard,
        /// When it ends, by this phone's clock.
        until: Timestamp,
    },
    /// Have the person unlock the key and sign; reply `Signed` with the signature.
    Sign {
        /// To go on, or give it up.
        ticket: Ticket,
        /// Which service asks.
        host: String,
        /// The key store's name for the key.
        alias: String,
        /// What the unlocking is for; the words are the app's own.
        purpose: Purpose,
        /// What to sign: exactly one of these, the one that says how the person was really verified.
        forms: Vec<SignedForm>,
        /// When it ends, by this phone's clock.
        until: Timestamp,
    },
    /// Turning phone sign-in on was cut off; it can go on (`continue_phone_sign_in`) or be given up.
    PhoneSignInInterrupted {
        /// To go on, or give it up.
        ticket: Ticket,
        /// With whom.
        host: String,
    },
    /// The account was added by signing in, and approves requests after a password. Phone sign-in is not on:
    /// `requirements` say what it needs, or why it can't be.
    AccountAdded {
        /// Which one.
        account: AccountId,
    },
    /// Phone sign-in is on for this account.
    PhoneSignInOn {
        /// Which one.
        account: AccountId,
    },
    /// The decision is stored and goes out as soon as the service can be reached; not yet done.
    Queued {
        /// What was decided about.
        prompt: PromptId,
    },
    /// The service said what came of it.
    Done {
        /// What came of it.
        outcome: Outcome,
    },
}

/// Why phone sign-in can't be turned on, or an account can't be added by signing in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum NotAllowed {
    /// The organization's policy says no.
    Policy,
    /// The organization allows fewer accounts on one phone, and this one holds the place.
    AnotherAccount {
        /// Whose account holds it, as the service claims.
        user_name: String,
    },
    /// The person chose not to, in the browser.
    ByPerson,
    /// It took too long, or an answer was lost; start again.
    TooLate,
    /// The service refused without saying why.
    Refused,
}

/// What the person unlocks a key for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum Purpose {
    /// To turn phone sign-in on.
    TurnOnPhoneSignIn,
    /// To approve this prompt.
    Approve {
        /// Which one.
        prompt: PromptId,
    },
}

/// Bytes to be signed (ECDSA P-256 with SHA-256), for one way of having verified the person.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct SignedForm {
    /// How the person was verified.
    pub verified: UserVerification,
    /// The exact bytes.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for SignedForm {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The bytes hold the number, or the nonce of a registration.
        write!(formatter, "SignedForm({:?})", self.verified)
    }
}

impl SignedForm {
    /// One form for each way of verifying that a key with this guard can have meant.
    pub(crate) fn each(
        guard: KeyGuard,
        input: impl Fn(UserVerification) -> Result<String, JoseError>,
    ) -> Result<Vec<Self>, Error> {
        let ways: &[UserVerification] = match guard {
            // Nobody is asked for such a key.
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

    /// The form that the app says was signed.
    pub(crate) fn find(forms: Vec<Self>, verified: UserVerification) -> Result<Self, Error> {
        // GUARD(verification-as-signed): j6_w15_unlocking_fails_is_cancelled_or_takes_too_long
        // INSTEAD: Ok(forms.into_iter().find(|form| form.verified == verified || true).ok_or(Error::WrongReply)?)
        forms.into_iter().find(|form| form.verified == verified).ok_or(Error::WrongReply)
    }

    /// The finished JWS with the platform's signature (ASN.1 DER).
    pub(crate) fn attach(&self, signature: &[u8]) -> Result<String, Error> {
        let unusable = || Error::Platform(PlatformError::Unusable);
        let input = std::str::from_utf8(&self.bytes).map_err(|_never| unusable())?;
        let signature = jose::signature_from_der(signature).map_err(|_garbage| unusable())?;
        Ok(jose::attach(input, &signature))
    }
}

/// What the app brings back for a step.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum Reply {
    /// The person agreed.
    Confirmed,
    /// The browser came back.
    Redirected {
        /// The address that it came back to, whole.
        url: String,
    },
    /// The key was made.
    KeyMade {
        /// Its public point (65 bytes, uncompressed).
        point: Vec<u8>,
    },
    /// The person unlocked the key and it signed.
    Signed {
        /// ASN.1 DER.
        signature: Vec<u8>,
        /// How the person was verified, as it really was.
        verified: UserVerification,
    },
    /// The platform could not do it, or the person turned it away.
    Failed {
        /// Why.
        cause: PlatformError,
    },
}

impl fmt::Debug for Reply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The browser's address holds a code.
        match self {
            Self::Confirmed => formatter.write_str("Confirmed"),
            // GUARD(redirect-not-printed): no_secret_of_a_whole_journey_is_written_down
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
    fn a_reply_prints_nothing_that_the_browser_brought() {
        let back = Reply::Redirected { url: "http://127.0.0.1:1/phone-sign-in?code=canary&state=canary".to_owned() };
        assert_eq!(format!("{back:?}"), "Redirected(…)");
        assert_eq!(format!("{:?}", Reply::Failed { cause: PlatformError::Gone }), "Failed(Gone)");
    }
}
