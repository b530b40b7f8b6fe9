//! An enrollment: where it stands, and its codes.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::devices::device::Cause;
use crate::secrets::Sealed;
use crate::sign_in::session::Session;

/// Where an enrollment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The code is shown.
    Open,
    /// A phone is bound; the wizard waits for the digits.
    Bound,
    /// Done.
    Active,
    /// Over.
    Ended(Cause),
}

/// One way in: its id, its key, and how often somebody guessed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Code {
    /// What the phone names it by.
    pub id: String,
    /// K, sealed; gone when the enrollment or this id is over.
    pub key: Option<Sealed>,
    /// Wrong MACs so far.
    pub wrong_macs: u8,
}

/// An enrollment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Enrollment {
    /// Its own id: that of the scanned code.
    pub scanned: Code,
    /// The typed code, made when somebody can't scan.
    pub typed: Option<Code>,
    /// The typed code as shown, sealed; gone when it is over.
    pub typed_shown: Option<Sealed>,
    /// The secret of the scanned code as shown is its key.
    pub account_id: String,
    /// The wizard's session, hashed.
    pub session: String,
    /// When it was made.
    pub created_at: Time,
    /// When it ends.
    pub expires_at: Time,
    /// Where it stands.
    pub state: State,
    /// Nonces of the look-ups so far.
    pub nonces: Vec<String>,
    /// Which of its codes was bound.
    pub bound_by: Option<String>,
    /// The device that was bound.
    pub device_id: Option<String>,
    /// Wrong digits so far.
    pub wrong_digits: u8,
    /// Another phone tried to use the same code.
    pub another_phone: bool,
    /// The confirmation, once started.
    pub ceremony: Option<String>,
    /// Which document of the service's keys its phone is given: the same at look-up and bind, whatever is published
    /// between them.
    #[serde(default = "first_document")]
    pub keys_document: usize,
}

impl Enrollment {
    /// Whether it is the wizard of this session; no other may go on with it.
    #[must_use]
    pub fn is_of(&self, session: &Session) -> bool {
        // GUARD(wizard-session): adding_a_phone_while_somebody_looks_on
        // INSTEAD: !session.id.is_empty()
        self.session == session.id
    }

    /// The code with this id.
    pub fn code_mut(&mut self, id: &str) -> Option<&mut Code> {
        if self.scanned.id == id { Some(&mut self.scanned) } else { self.typed.as_mut().filter(|code| code.id == id) }
    }

    /// The code with this id.
    #[must_use]
    pub fn code(&self, id: &str) -> Option<&Code> {
        if self.scanned.id == id { Some(&self.scanned) } else { self.typed.as_ref().filter(|code| code.id == id) }
    }

    /// Forgets every secret.
    pub fn erase(&mut self) {
        self.scanned.key = None;
        self.typed_shown = None;
        if let Some(typed) = &mut self.typed {
            typed.key = None;
        }
    }
}

/// Before keys were replaced there was one.
pub(crate) fn first_document() -> usize {
    1
}
