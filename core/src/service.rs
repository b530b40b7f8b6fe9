//! How a Countersign sign-in service is spoken to: its metadata, its keys, its messages.
//!
//! Turns bytes from outside into checked types and back; what follows from them is decided by the
//! modules named for what a person does. Other kinds of service will stand beside this one.

mod enrollment;
mod exchange;
mod keys;
pub(crate) mod messages;
mod metadata;

pub(crate) use enrollment::{bind, look_up};
pub(crate) use exchange::{Speaker, exchange, offset_between, refresh_keys};
pub(crate) use keys::ServiceKeys;
pub(crate) use metadata::{Endpoints, discover};
