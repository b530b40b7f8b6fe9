//! The acts: each module implements operations of the API, with the store, the ports and the network.

pub(crate) mod enrollment;
pub(crate) mod phone_sign_in;
pub(crate) mod prompts;
pub(crate) mod upkeep;
