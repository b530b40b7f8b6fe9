//! An enrollment: its state and its codes.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::devices::device::Cause;
use crate::provenance::Given;
use crate::secrets::Sealed;
use crate::sign_in::session::Session;

/// The state of an enrollment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The wizard shows the code, and no phone is bound.
    Open,
    /// A phone is bound, and the wizard waits for the digits.
    Bound,
    /// The device is active.
    Active,
    /// The enrollment has ended without an active device.
    Ended(Cause),
}

/// One code of an enrollment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Code {
    /// The id that a phone sends.
    pub id: String,
    /// The enrollment key K, sealed. Erased in each of these cases: five wrong MACs were sent before a bind; the
    /// enrollment ends; the device becomes active.
    pub key: Option<Sealed>,
    /// The number of wrong MACs for this id.
    pub wrong_macs: u8,
}

/// An enrollment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Enrollment {
    /// The scanned code. The code's id is also the enrollment's id. The code's key is the secret that the code
    /// contains.
    pub scanned: Code,
    /// The typed code, created when the person can't scan.
    pub typed: Option<Code>,
    /// The text of the typed code, sealed. Erased when the enrollment ends, and when the device becomes active.
    pub typed_shown: Option<Sealed>,
    /// The account that the phone is added to.
    pub account_id: String,
    /// The wizard's session, by hashed cookie.
    pub session: String,
    /// The approval, the pass or the password that gave the enrollment. It must still allow adding a phone when the
    /// digits are typed.
    pub given: Given,
    /// When the enrollment expires.
    pub expires_at: Time,
    /// The state.
    pub state: State,
    /// The different nonces of the accepted look-ups.
    pub nonces: Vec<String>,
    /// The id in the code with which the phone was bound.
    pub bound_by: Option<String>,
    /// The id of the bound device.
    pub device_id: Option<String>,
    /// How many times wrong digits were typed.
    pub wrong_digits: u8,
    /// Whether a second phone has tried to use this enrollment after the bind.
    pub another_phone: bool,
    /// The id of the ceremony that confirms the new phone. `None` until the ceremony starts.
    pub ceremony: Option<String>,
    /// The number of the key document that the phone gets. Look-up and bind use the same document, even if the service
    /// publishes a new document between the look-up and the bind.
    #[serde(default = "first_document")]
    pub keys_document: usize,
}

impl Enrollment {
    /// Returns whether the enrollment was started in this session. No other session may continue the enrollment.
    #[must_use]
    pub fn is_of(&self, session: &Session) -> bool {
        // GUARD(wizard-session): enrollment_model_has_no_fault_if_an_attacker_saw_the_code
        // INSTEAD: !session.id.is_empty()
        self.session == session.id
    }

    /// Returns a mutable reference to the code with this id.
    pub fn code_mut(&mut self, id: &str) -> Option<&mut Code> {
        if self.scanned.id == id { Some(&mut self.scanned) } else { self.typed.as_mut().filter(|code| code.id == id) }
    }

    /// Returns the code with this id.
    #[must_use]
    pub fn code(&self, id: &str) -> Option<&Code> {
        if self.scanned.id == id { Some(&self.scanned) } else { self.typed.as_ref().filter(|code| code.id == id) }
    }

    /// Erases the keys of the codes, and the text of the typed code.
    pub fn erase(&mut self) {
        self.scanned.key = None;
        self.typed_shown = None;
        if let Some(typed) = &mut self.typed {
            typed.key = None;
        }
    }
}

/// Returns the number of the key document for records that were stored by a version of the service without key
/// rotation.
pub(crate) fn first_document() -> usize {
    1
}
