//! What the harness and the phone's process say to each other: one line of JSON each.

use serde::{Deserialize, Serialize};

/// On which side of a stored step.
pub use countersign::testing::Side;

/// A place where a process is ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The point's name.
    pub point: String,
    /// Whether the step is stored.
    pub stored: bool,
}

impl Place {
    /// The place at a point.
    #[must_use]
    pub fn at(point: countersign::testing::Point, side: Side) -> Self {
        Self { point: point.name().to_owned(), stored: side == Side::After }
    }
}

/// When the process ends itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Aim {
    /// At this place, the so-and-so-manieth time (from 1).
    At(Place, u32),
    /// At whatever place comes so-and-so-manieth (from 1).
    Nth(u32),
}

/// What the person does on the phone. There is one account at most, and the first step that waits is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Looks at it.
    Look,
    /// From now on the process ends there, or nowhere.
    Arm(Option<Aim>),
    /// Sets the lock, unless there is one.
    SetLock,
    /// Removes it.
    RemoveLock,
    /// Scans a code and accepts.
    Enroll(String),
    /// Types the service's address.
    SignIn(String),
    /// Turns phone sign-in on.
    TurnOn,
    /// Goes on with what was cut off.
    GoOn,
    /// Agrees to register this device.
    Confirm,
    /// The browser comes back.
    Redirected(String),
    /// Makes a key or signs with it.
    Unlock,
    /// Approves a request, with the number.
    Approve(String, String),
    /// Approves a request with the number, while the platform hands out another push address.
    ApproveMeanwhile(String, String),
    /// Denies a request.
    Deny(String),
    /// "It wasn't me."
    Report(String),
    /// Turns phone sign-in off.
    TurnOff,
    /// Takes the account off.
    Remove,
    /// Gives up what waits.
    GiveUp,
    /// Reads how it ended.
    ReadEnd,
    /// The platform hands out another push address.
    NewAddress,
    /// "Send me a test."
    TestPush,
    /// Opens the app and looks for requests.
    Check,
    /// A push that nobody can read arrives.
    Garbage,
    /// Takes the first notice off the screen.
    Dismiss,
    /// Mutes the account for an hour.
    Mute,
    /// Lets it alert again.
    Unmute,
}

/// What came of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Said {
    /// It was done, as far as it goes.
    Done,
    /// What the service said of a request.
    Outcome(String),
    /// It waits for the network.
    Queued,
    /// Not this time, or never.
    Refused {
        /// Why.
        why: String,
        /// Whether it may pass.
        passes: bool,
    },
    /// The process was killed, and another one has started.
    Killed,
}

/// A request on the phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Its id.
    pub id: String,
    /// What is asked for.
    pub kind: String,
    /// `Open`, `Answering`, or what came of it.
    pub state: String,
}

/// What waits for the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Waiting {
    /// Digits to be typed into the page.
    Digits(String),
    /// Adding an account was cut off.
    Interrupted,
    /// The service ended it.
    Ended,
    /// Is this device to be registered?
    Confirm,
    /// The browser is to be opened here, with these digits.
    Browser(String, Option<String>),
    /// A key is to be made, or to sign.
    Unlock,
    /// Turning phone sign-in on was cut off.
    SignInInterrupted,
}

/// What the phone shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Each account's health, and whether phone sign-in is on.
    pub accounts: Vec<(String, bool)>,
    /// The requests.
    pub requests: Vec<Shown>,
    /// The steps that wait.
    pub waiting: Vec<Waiting>,
    /// How many notices are shown.
    pub notices: usize,
    /// Whether the first account is muted.
    pub muted: bool,
}

/// What the phone's process says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Line {
    /// It has passed a place.
    Passed(Place),
    /// It ends itself here.
    Ends(Place),
    /// It is open.
    Open(State),
    /// It could not be opened.
    Shut(String),
    /// What came of an order.
    Answer(Said, State),
}
