//! The Countersign core: everything an open companion authenticator does.
//!
//! A shell (Kotlin, Swift, a terminal) opens one [`Authenticator`], hands it what its platform can do
//! ([`Ports`]) and shows what it says. The map:
//!
//! | folder | what is there |
//! | --- | --- |
//! | `authenticator` | the one door, a method for each thing a person does, and everything that phones need |
//! | `authenticator/acts` | from a code, or from signing in, to an active account; phone sign-in on and off; prompts and answers; what keeps accounts in step with their services |
//! | `authenticator/speaking`, `authenticator/network` | signed exchanges, the trip to the system browser; connections |
//! | `authenticator/records`, `authenticator/store` | what is stored; the database |
//! | `authenticator/step` | what the app does next in acts that need more than one call |
//! | `inbox` | what a notification extension may do, in a process of its own |
//! | `protocol` | the messages of `docs/protocol.md` and their rules, pure: codes, keys, prompts, push decryption |
//! | `keystore` | the key store for desktops |
//! | `values` | what screens and ports show and take; which prompts alert the person (`fatigue`) |
//! | `base` | signatures, sealing, secrets, time |
//!
//! Which of them may import which is drawn in `docs/architecture.md`.
//!
//! The feature `authenticator` is everything that phones need, `desktop` (on by default) adds key store and
//! certificate trust for desktops; `inbox` alone is the extension's part, without
//! database, network and runtime. `uniffi` makes the public types and ports known to Kotlin and Swift, texts included.
//!
//! Errors are `Error`, one variant for each cause; none carries a secret, a name or an address.

#[cfg(feature = "authenticator")]
mod authenticator;
mod base;
mod inbox;
#[cfg(feature = "desktop")]
mod keystore;
mod protocol;
#[cfg(feature = "testing")]
pub mod testing;
mod values;
#[cfg(all(test, feature = "authenticator"))]
mod vectors;

pub use base::clock::{Clock, SystemClock, Timestamp};
pub use base::secret::Secret;
pub use inbox::{Inbox, InboxError};
pub use values::account::{Account, AccountHealth, AccountId, NextStep, Notice, NoticeKind, PhoneSignIn, RemovalCause};
pub use values::fatigue::{Quiet, QuietOrigin};
pub use values::issuer::{Issuer, NotAnIssuer};
pub use values::origin::Origin;
pub use values::platform::{
    DeviceDescription, DeviceLock, KeyGuard, KeyStore, LockState, PlatformError, PushChannel, PushDelivery, TlsTrust,
};
pub use values::prompt::{
    Context, Delivery, Matching, Outcome, Place, Prompt, PromptId, PromptKind, PromptState, PushEffect,
    WithdrawalReason,
};
#[cfg(feature = "authenticator")]
pub use {
    authenticator::acts::enrollment::{EnrollmentEnd, Offer},
    authenticator::acts::phone_sign_in::{Registration, Requirements},
    authenticator::acts::upkeep::push_health::{PushHealth, PushTest},
    authenticator::acts::upkeep::removal::Ending,
    authenticator::context::Folders,
    authenticator::error::{EnrollmentFault, Error, MetadataFault, StoreFault},
    authenticator::network::http::PrivateCa,
    authenticator::ports::Ports,
    authenticator::restored::{restored_accounts, start_over},
    authenticator::step::{NotAllowed, Purpose, Reply, SignedForm, Step},
    authenticator::{Authenticator, Checked, Snapshot},
    protocol::code::{CodeError, CodeInput, Invite, OtherCode, Scanned},
    protocol::messages::{FetchReason, UserVerification},
    protocol::qr::PictureError,
    values::ticket::Ticket,
};
#[cfg(feature = "uniffi")]
uniffi::setup_scaffolding!();
#[cfg(feature = "desktop")]
pub use {
    authenticator::network::http::PlatformTrust,
    keystore::{DesktopKeyStore, PassphraseGuard, PlatformKeyStore, SealedFileKeyStore},
};
