//! The Countersign core: the phone's side of an open companion authenticator.
//!
//! The core adds accounts by an enrollment code or by signing in, keeps keys in the platform's key store, decrypts and
//! verifies prompts, and signs answers with number matching. An app implements the [`Ports`], opens one
//! [`Authenticator`], and shows the snapshots and steps that its methods return. Start with the [manual].
//!
//! | module | contents |
//! | --- | --- |
//! | `authenticator` | the public entry point, with one method for each action of the person or the system |
//! | `authenticator/acts` | the operations: enrollment, phone sign-in, prompts, and upkeep (outbox, push addresses, removal) |
//! | `authenticator/speaking`, `authenticator/network` | signed exchanges with services; HTTP and TLS |
//! | `authenticator/records`, `authenticator/store` | stored records; the database |
//! | `authenticator/step` | what the app has to do next in an operation that takes several calls |
//! | `inbox` | the only part that a notification extension uses; the extension is a separate process |
//! | `protocol` | messages of `docs/protocol.md`, codes, keys, verification and push decryption; pure functions |
//! | `keystore` | key stores for desktops |
//! | `values` | types that screens and ports use; the fatigue guard |
//! | `base` | JOSE, sealing, secrets, time |
//!
//! `docs/architecture.md` shows which module may import which other module.
//!
//! # Features
//!
//! - `desktop` (default): `authenticator`, and a key store and certificate trust for desktops.
//! - `authenticator`: everything that a phone needs.
//! - `inbox`: only what a notification extension needs, without database, network and runtime.
//! - `uniffi`: the public types for Kotlin and Swift; the crate in `bindings/` builds the library.
//! - `testing`: fakes of the ports, which keep state, and entry points for tests.
//!
//! # Security
//!
//! Parsing fails closed: an unknown value is refused. No error and no log line contains a secret, a user name or a URL.
//! There is no `unsafe` code in this crate.

#[cfg(feature = "authenticator")]
mod authenticator;
mod base;
mod inbox;
#[cfg(feature = "desktop")]
mod keystore;
#[cfg(feature = "authenticator")]
pub mod manual;
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
