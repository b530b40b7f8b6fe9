//! How a Countersign sign-in service is spoken to: its metadata, its keys, its messages.
//!
//! Turns bytes from outside into checked types and back; what follows from them is decided by the
//! modules named for what a person does. Other kinds of service will stand beside this one.

#[cfg(feature = "authenticator")]
mod enrollment;
#[cfg(feature = "authenticator")]
mod exchange;
mod keys;
#[cfg(feature = "authenticator")]
pub(crate) mod messages;
#[cfg(feature = "authenticator")]
mod metadata;
#[cfg(feature = "authenticator")]
mod speaker;

#[cfg(all(any(test, feature = "testing"), feature = "authenticator"))]
pub(crate) use exchange::{Addressee, read_state};
#[cfg(all(test, feature = "authenticator"))]
pub(crate) use exchange::{Claims, offset_of_state};
pub(crate) use keys::ServiceKeys;
#[cfg(feature = "authenticator")]
pub(crate) use {
    enrollment::{add, bind, look_up},
    exchange::{exchange, exchange_or_tell, offset_between, refresh_keys},
    keys::UntrustedKeys,
    metadata::{Endpoints, discover},
    speaker::Speaker,
};
#[cfg(all(feature = "testing", feature = "authenticator"))]
pub(crate) use {
    enrollment::{read_added, read_bind, read_look_up},
    metadata::read as read_metadata,
};
