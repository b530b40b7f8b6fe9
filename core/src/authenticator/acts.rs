//! What is done, around store, ports and network.

pub(crate) mod enrollment;
pub(crate) mod phone_sign_in;
pub(crate) mod prompts;
pub(crate) mod upkeep;
