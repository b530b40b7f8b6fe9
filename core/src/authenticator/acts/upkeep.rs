//! The acts that keep phone and service consistent: outbox, signed states, notices, push addresses, removal, retired
//! keys.

pub(crate) mod notices;
pub(crate) mod outbox;
pub(crate) mod push_address;
pub(crate) mod push_health;
pub(crate) mod removal;
pub(crate) mod retired_keys;
pub(crate) mod standing;
