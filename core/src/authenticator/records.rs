//! Defines the records that the database stores, the stages of acts, and rules that need only a record.

pub(crate) mod account;
pub(crate) mod digits;
pub(crate) mod enrollment;
pub(crate) mod listed_account;
pub(crate) mod outbox_entry;
pub(crate) mod push_times;
pub(crate) mod sign_in_enrollment;
pub(crate) mod speaker;
pub(crate) mod stage;
pub(crate) mod unlocking;
