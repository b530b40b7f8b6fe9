//! What the app does next in an act that needs more than one go.

use crate::account::RemovalCause;
use crate::clock::Timestamp;
use crate::enrollment::Ticket;
use crate::prompt::{Outcome, PromptId};

/// What the app does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Show these digits, to be typed into the page where the person started, and nowhere else.
    ShowDigits {
        /// To wait for the end, or give it up.
        ticket: Ticket,
        /// Who is asking.
        host: String,
        /// Six ASCII digits.
        digits: String,
        /// When they end, by this phone's clock.
        until: Timestamp,
    },
    /// Adding an account was cut off; it can go on or be given up.
    EnrollmentInterrupted {
        /// To go on, or give it up.
        ticket: Ticket,
        /// Who is asking.
        host: String,
    },
    /// The service ended adding an account; say so, then give the ticket up.
    EnrollmentEnded {
        /// To have it forgotten.
        ticket: Ticket,
        /// Who asked.
        host: String,
        /// Why.
        cause: RemovalCause,
    },
    /// The decision is stored and goes out as soon as the service can be reached; not yet done.
    Queued(PromptId),
    /// The service said what came of it.
    Done(Outcome),
}
