//! The Countersign core: everything an open companion authenticator does.
//!
//! A shell (Kotlin, Swift, a terminal) opens one [`Authenticator`], hands it what its platform can do
//! ([`Ports`]) and shows what it says. The map:
//!
//! | module | what it decides |
//! | --- | --- |
//! | `authenticator` | the one door: a method for each thing a person does |
//! | `context` | what every act is given: store, ports, network |
//! | `enrollment` | from a code, or from signing in, to an active account |
//! | `prompt` | from signed bytes to a verified prompt, and the person's answer |
//! | `fatigue` | which prompts alert the person, and which wait quietly |
//! | `authorization` | the trip to the system browser and back |
//! | `phone_sign_in` | signing in without a password: on and off |
//! | `standing` | what a signed state changes on an account |
//! | `restored` | a database that another device's keys belong to |
//! | `account`, `removal` | what is remembered of an account, and how it ends |
//! | `inbox` | what a notification extension may do, in a process of its own |
//! | `outbox` | what must still be told to a service |
//! | `push_address` | where pushes go, and that every service knows |
//! | `service` | the messages of `docs/protocol.md`, both ways |
//! | `platform`, `keystore` | the ports, and the key store for desktops |
//! | `points` | each stored step by its name, where tests end the process |
//! | `ticket`, `step` | names of acts that need more than one call, and what the app does next in them |
//! | `store`, `http`, `jose`, `push_message`, `seal`, `secret`, `clock`, `tasks`, `text` | database, network, signatures, push decryption, sealing, secrets, time, threads, claimed names |
//!
//! Which of them may import which is drawn in `docs/architecture.md`.
//!
//! The feature `authenticator` is everything that phones need, `desktop` (on by default) adds key store and
//! certificate trust for desktops; `inbox` alone is the extension's part, without
//! database, network and runtime. `uniffi` makes the public types and ports known to Kotlin and Swift, texts included.
//!
//! Errors are `Error`, one variant for each cause; none carries a secret, a name or an address.

#![cfg_attr(
    not(feature = "authenticator"),
    allow(dead_code, unused_imports, reason = "an extension's build leaves out what signs, stores and speaks")
)]

mod account;
#[cfg(feature = "authenticator")]
mod authenticator;
#[cfg(feature = "authenticator")]
mod authorization;
mod clock;
#[cfg(feature = "authenticator")]
mod context;
#[cfg(feature = "authenticator")]
mod enrollment;
#[cfg(feature = "authenticator")]
mod error;
mod fatigue;
#[cfg(feature = "authenticator")]
mod http;
mod inbox;
mod issuer;
mod jose;
#[cfg(feature = "desktop")]
mod keystore;
#[cfg(feature = "authenticator")]
mod notices;
#[cfg(feature = "authenticator")]
mod outbox;
#[cfg(feature = "authenticator")]
mod phone_sign_in;
mod platform;
#[cfg(feature = "authenticator")]
mod points;
mod prompt;
#[cfg(feature = "authenticator")]
mod push_address;
#[cfg(feature = "authenticator")]
mod push_health;
mod push_message;
#[cfg(feature = "authenticator")]
mod removal;
#[cfg(feature = "authenticator")]
mod restored;
#[cfg(feature = "authenticator")]
mod retired_keys;
mod seal;
mod secret;
mod service;
#[cfg(feature = "authenticator")]
mod standing;
#[cfg(feature = "authenticator")]
mod step;
#[cfg(feature = "authenticator")]
mod store;
#[cfg(feature = "authenticator")]
mod tasks;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
#[cfg(feature = "authenticator")]
mod ticket;
#[cfg(all(test, feature = "authenticator"))]
mod vectors;

pub use account::{Account, AccountHealth, AccountId, NextStep, Notice, NoticeKind, PhoneSignIn, RemovalCause};
pub use clock::{Clock, SystemClock, Timestamp};
pub use fatigue::{Quiet, QuietOrigin};
pub use inbox::{Inbox, InboxError};
pub use issuer::{Issuer, NotAnIssuer};
pub use platform::{
    DeviceDescription, DeviceLock, KeyGuard, KeyStore, LockState, PlatformError, PushChannel, PushDelivery, TlsTrust,
};
pub use prompt::{
    Context, Delivery, Matching, Origin, Outcome, Place, Prompt, PromptId, PromptKind, PromptState, PushEffect,
    WithdrawalReason,
};
pub use secret::Secret;
#[cfg(feature = "authenticator")]
pub use {
    authenticator::{Authenticator, Checked, Snapshot},
    context::{Folders, Ports},
    enrollment::code::{CodeError, CodeInput, Invite, OtherCode, Scanned},
    enrollment::qr::PictureError,
    enrollment::{EnrollmentEnd, Offer},
    error::{EnrollmentFault, Error, MetadataFault, StoreFault},
    http::PrivateCa,
    phone_sign_in::{Registration, Requirements},
    push_health::{PushHealth, PushTest},
    removal::Ending,
    restored::{restored_accounts, start_over},
    service::messages::{FetchReason, UserVerification},
    step::{NotAllowed, Purpose, Reply, SignedForm, Step},
    ticket::Ticket,
};
#[cfg(feature = "uniffi")]
uniffi::setup_scaffolding!();
#[cfg(feature = "desktop")]
pub use {
    http::PlatformTrust,
    keystore::{DesktopKeyStore, PassphraseGuard, PlatformKeyStore, SealedFileKeyStore},
};
