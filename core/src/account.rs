//! What is remembered of each account, and what the person is shown of it.

#[cfg(feature = "authenticator")]
mod record;
mod shown;

#[cfg(feature = "authenticator")]
pub(crate) use record::{AccountRecord, SignInKey, StoredState, Trouble, device_key_alias};
pub use shown::{Account, AccountHealth, AccountId, NextStep, Notice, NoticeKind, PhoneSignIn, RemovalCause};
