//! The Countersign core: everything an open companion authenticator does.
//!
//! A shell (Kotlin, Swift, a terminal) opens one [`Authenticator`], hands it what its platform can do
//! ([`Ports`]) and shows what it says. The map:
//!
//! | module | what it decides |
//! | --- | --- |
//! | `authenticator` | the one door: a method for each thing a person does |
//! | `enrollment` | from a code to who is asking to an active account |
//! | `prompt` | from signed bytes to a verified prompt, and the person's answer |
//! | `account`, `removal` | what is remembered of an account, and how it ends |
//! | `outbox` | what must still be told to a service |
//! | `service` | the messages of `docs/protocol.md`, both ways |
//! | `platform`, `keystore` | the ports, and the key store for desktops |
//! | `store`, `http`, `jose`, `push_message`, `secret`, `clock` | database, network, signatures, push decryption, secrets, time |
//!
//! Errors are [`Error`], one variant for each cause; none carries a secret, a name or an address.

mod account;
mod authenticator;
mod clock;
mod enrollment;
mod error;
mod http;
mod jose;
mod keystore;
mod outbox;
mod platform;
mod prompt;
mod push_message;
mod removal;
mod secret;
mod service;
mod step;
mod store;
#[cfg(feature = "testing")]
pub mod testing;

pub use account::{Account, AccountId, AccountState, RemovalCause};
pub use authenticator::{Authenticator, Checked, CodeInput, Ports, Snapshot};
pub use clock::{Clock, SystemClock, Timestamp};
pub use enrollment::code::{CodeError, Invite, Issuer, OtherCode, Scanned};
pub use enrollment::qr::PictureError;
pub use enrollment::{EnrollmentEnd, Offer, Ticket};
pub use error::{EnrollmentFault, Error, MetadataFault, StoreFault};
pub use http::{PlatformTrust, PrivateCa};
pub use keystore::SealedFileKeyStore;
pub use platform::{DeviceDescription, KeyGuard, KeyStore, PlatformError, PushChannel, TlsTrust};
pub use prompt::{
    Context, Matching, Origin, Outcome, Place, Prompt, PromptId, PromptKind, PromptState, PushEffect, WithdrawalReason,
};
pub use removal::Removal;
pub use secret::Secret;
pub use service::messages::FetchReason;
pub use step::Step;
