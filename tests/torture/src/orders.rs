//! Defines the messages between the harness and the phone's process. Each message is one line of JSON.

use serde::{Deserialize, Serialize};

/// Before or after the core stores at a point.
pub use countersign::testing::Side;

/// A place where a process can be killed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The point's name.
    pub point: String,
    /// True for the moment after the core stores, false for the moment before.
    pub stored: bool,
}

impl Place {
    /// The place at a point.
    #[must_use]
    pub fn at(point: countersign::testing::Point, side: Side) -> Self {
        Self { point: point.name().to_owned(), stored: side == Side::After }
    }
}

/// When the process kills itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Aim {
    /// At this place, when it is passed for the n-th time (from 1).
    At(Place, u32),
    /// At the n-th place that is passed (from 1).
    Nth(u32),
}

/// An action of the person or an event on the phone. It applies to the phone's only account, or to its first pending
/// step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Reads the screen.
    Look,
    /// Sets when the process kills itself. `None` cancels the kill.
    Arm(Option<Aim>),
    /// Sets a device lock, unless the phone has one already.
    SetLock,
    /// Removes the device lock.
    RemoveLock,
    /// Scans a code and accepts the offer.
    Enroll(String),
    /// Types the service's address, to add an account by signing in.
    SignIn(String),
    /// Turns phone sign-in on.
    TurnOn,
    /// Continues an interrupted step.
    Continue,
    /// Agrees to register this device.
    Confirm,
    /// The browser redirects to this URL.
    Redirected(String),
    /// Unlocks the phone, to make a sign-in key or to sign with the sign-in key.
    Unlock,
    /// Approves the prompt with this id (first value) with this number (second value).
    Approve(String, String),
    /// Approves a prompt like `Approve`. During the approval the platform assigns a new push address.
    ApproveMeanwhile(String, String),
    /// Denies a prompt.
    Deny(String),
    /// Reports a prompt: "It wasn't me."
    Report(String),
    /// Turns phone sign-in off.
    TurnOff,
    /// Removes the account.
    Remove,
    /// Abandons the pending step.
    Abandon,
    /// Reads how the enrollment ended.
    ReadEnd,
    /// The platform assigns a new push address.
    NewAddress,
    /// Requests a test push from the service.
    TestPush,
    /// Fetches prompts, as the app does when it is opened.
    Check,
    /// An unreadable push arrives.
    Garbage,
    /// Dismisses the first notice.
    Dismiss,
    /// Mutes the account for an hour.
    Mute,
    /// Unmutes the account.
    Unmute,
}

/// The result of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Said {
    /// The order was performed.
    Done,
    /// The prompt has this outcome.
    Outcome(String),
    /// The answer is queued until the network works.
    Queued,
    /// The order failed.
    Refused {
        /// The reason.
        why: String,
        /// Whether a retry may succeed.
        passes: bool,
    },
    /// The process was killed, and another process has started.
    Killed,
}

/// A prompt on the phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The prompt's id.
    pub id: String,
    /// The prompt's kind.
    pub kind: String,
    /// `Open`, `Answering`, or the outcome.
    pub state: String,
}

/// A pending step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Waiting {
    /// The person must type these digits into the page.
    Digits(String),
    /// Adding an account was interrupted.
    Interrupted,
    /// The service ended the enrollment.
    Ended,
    /// The person must agree to register this device.
    Confirm,
    /// The person must open this URL in the browser. If there are digits, the person must type them there.
    Browser(String, Option<String>),
    /// The person must unlock the phone. The unlock makes a sign-in key, or signs with the sign-in key.
    Unlock,
    /// Turning phone sign-in on was interrupted.
    SignInInterrupted,
}

/// The phone's screen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Each account's health, and whether phone sign-in is on.
    pub accounts: Vec<(String, bool)>,
    /// The prompts.
    pub requests: Vec<Shown>,
    /// The pending steps.
    pub waiting: Vec<Waiting>,
    /// The number of notices.
    pub notices: usize,
    /// Whether the first account is muted.
    pub muted: bool,
}

/// A line of output of the phone's process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Line {
    /// The process has passed a place.
    Passed(Place),
    /// The process kills itself at this place.
    Ends(Place),
    /// The phone is open.
    Open(State),
    /// The phone could not be opened, with the reason.
    Shut(String),
    /// The result of an order, and the screen after it.
    Answer(Said, State),
}
