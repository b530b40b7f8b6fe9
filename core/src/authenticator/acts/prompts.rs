//! From signed bytes to a prompt on the phone, and the person's answer.

pub(crate) mod answer;
pub(crate) mod arrival;
pub(crate) mod fetch;
pub(crate) mod push;
