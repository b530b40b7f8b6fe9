//! A sign-in that waits for the person: from signed bytes to a *verified* prompt, the only thing that
//! can be shown, and what the person may answer.
//!
//! Pure: takes the account's facts, the service's time and bytes, and decides. `answer` and `inbox`
//! act on what is decided here.

#[cfg(feature = "authenticator")]
pub(crate) mod answer;
#[cfg(feature = "authenticator")]
pub(crate) mod arrival;
mod claims;
#[cfg(feature = "authenticator")]
pub(crate) mod fetch;
pub(crate) mod origin;
#[cfg(feature = "authenticator")]
pub(crate) mod push;
mod shown;
#[cfg(feature = "authenticator")]
pub(crate) mod unlocking;
mod verify;

pub use origin::Origin;
pub use shown::{
    Context, Delivery, Matching, Outcome, Place, Prompt, PromptId, PromptKind, PromptState, PushEffect,
    WithdrawalReason,
};
#[cfg(feature = "authenticator")]
pub(crate) use verify::verify_prompt;
pub(crate) use verify::{Audience, PushContent, read_verified, verify_push};
