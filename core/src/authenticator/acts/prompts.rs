//! Handles prompts: how they arrive (fetch, push), whether they alert, and the person's answer.

pub(crate) mod answer;
pub(crate) mod arrival;
pub(crate) mod fetch;
pub(crate) mod push;
