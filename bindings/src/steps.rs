//! What the app does next in an act that needs more than one go, and what it brings back.

use countersign::{
    AccountId, KeyGuard, NotAllowed, Outcome, PromptId, Purpose, Registration, RemovalCause, Requirements, SignedForm,
    Ticket, Timestamp, UserVerification,
};

use crate::ports::PlatformError;
use countersign::LockState;

/// What the app does next in an act that needs more than one go.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
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
    /// Ask whether this device is to be registered to this person; bring `Reply.Confirmed`, or abandon.
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
    /// Open this address in the system browser; bring the address it comes back to as `Reply.Redirected`.
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
    /// Make a P-256 key in the key store under this alias, guarded like this; bring its public point (65 bytes) as
    /// `Reply.KeyMade`. A key that stands under the alias already is the one.
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
    /// Have the person unlock the key and sign; bring the signature as `Reply.Signed`.
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
        /// Which.
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

impl From<countersign::Step> for Step {
    fn from(step: countersign::Step) -> Self {
        use countersign::Step as Core;
        match step {
            Core::ShowDigits { ticket, host, digits, until } => Self::ShowDigits { ticket, host, digits, until },
            Core::EnrollmentInterrupted { ticket, host } => Self::EnrollmentInterrupted { ticket, host },
            Core::EnrollmentEnded { ticket, host, cause } => Self::EnrollmentEnded { ticket, host, cause },
            Core::MissingLock { host, needs } => Self::MissingLock { host, needs },
            Core::NotAllowed { host, why } => Self::NotAllowed { host, why },
            Core::ConfirmDevice { ticket, host, user_name, organization, device } => {
                Self::ConfirmDevice { ticket, host, user_name, organization, device }
            }
            Core::OpenBrowser { ticket, host, url, digits, until } => {
                Self::OpenBrowser { ticket, host, url, digits, until }
            }
            Core::MakeKey { ticket, host, alias, guard, until } => Self::MakeKey { ticket, host, alias, guard, until },
            Core::Sign { ticket, host, alias, purpose, forms, until } => {
                Self::Sign { ticket, host, alias, purpose, forms, until }
            }
            Core::PhoneSignInInterrupted { ticket, host } => Self::PhoneSignInInterrupted { ticket, host },
            Core::AccountAdded { account } => Self::AccountAdded { account },
            Core::PhoneSignInOn { account } => Self::PhoneSignInOn { account },
            Core::Queued { prompt } => Self::Queued { prompt },
            Core::Done { outcome } => Self::Done { outcome },
        }
    }
}

/// Why phone sign-in can't be turned on.
#[uniffi::remote(Enum)]
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
#[uniffi::remote(Enum)]
pub enum Purpose {
    /// To turn phone sign-in on.
    TurnOnPhoneSignIn,
    /// To approve this prompt.
    Approve {
        /// Which one.
        prompt: PromptId,
    },
}

/// What was really verified of the person when a key was used.
#[uniffi::remote(Enum)]
pub enum UserVerification {
    /// Finger or face; no platform tells which.
    Biometric,
    /// PIN, pattern or password.
    Credential,
    /// One of these; the platform doesn't say which.
    Unspecified,
    /// Nobody was asked.
    None,
}

/// Bytes to be signed (ECDSA P-256 with SHA-256), for one way of having verified the person.
#[uniffi::remote(Record)]
pub struct SignedForm {
    /// How the person was verified.
    pub verified: UserVerification,
    /// The exact bytes.
    pub bytes: Vec<u8>,
}

/// What the app brings back for a step.
#[derive(uniffi::Enum)]
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

impl From<Reply> for countersign::Reply {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::Confirmed => Self::Confirmed,
            Reply::Redirected { url } => Self::Redirected { url },
            Reply::KeyMade { point } => Self::KeyMade { point },
            Reply::Signed { signature, verified } => Self::Signed { signature, verified },
            Reply::Failed { cause } => Self::Failed { cause: cause.into() },
        }
    }
}

/// The checklist before phone sign-in is turned on.
#[uniffi::remote(Record)]
pub struct Requirements {
    /// The device lock as it is now.
    pub lock: LockState,
    /// Whether that lock can guard the key.
    pub lock_is_enough: bool,
    /// How the key will be guarded, by the organization's policy.
    pub guard: KeyGuard,
    /// Whether this device is registered.
    pub registration: Registration,
}

/// Whether this device is registered for phone sign-in with an account.
#[uniffi::remote(Enum)]
pub enum Registration {
    /// Not yet.
    Needed,
    /// It is: phone sign-in is on.
    Done,
    /// It can't be.
    NotAllowed {
        /// Why.
        why: NotAllowed,
    },
}
