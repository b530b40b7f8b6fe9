//! Keeps approvals that wait for user verification.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::authenticator::error::Error;
use crate::base::clock::Timestamp;
use crate::base::jose::base64url;
use crate::base::secret::random;
use crate::values::prompt::PromptId;
use crate::values::ticket::Ticket;

/// An approval whose key the person has not unlocked yet.
pub(crate) struct Waiting {
    pub(crate) id: PromptId,
    /// The number that the person entered.
    pub(crate) number: String,
    /// When the prompt expires, by this phone's clock.
    pub(crate) until: Timestamp,
}

/// The approvals that wait for user verification, by ticket. They are only in memory, because nothing is decided yet:
/// after a restart the prompts are still open.
#[derive(Default)]
pub(crate) struct Unlocking(Mutex<HashMap<String, Waiting>>);

impl Unlocking {
    /// Adds an approval and returns its ticket. Drops an earlier approval of the same prompt, and expired approvals.
    ///
    /// # Errors
    /// `Platform` when the system has no randomness.
    pub(crate) fn add(&self, waiting: Waiting, now: Timestamp) -> Result<Ticket, Error> {
        let name: [u8; 16] = random()?;
        let ticket = base64url::encode(&name);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_ticket, other| other.until > now && other.id != waiting.id);
        all.insert(ticket.clone(), waiting);
        Ok(Ticket(ticket))
    }

    /// Returns the prompt and the number of a waiting approval.
    pub(crate) fn get(&self, ticket: &Ticket) -> Option<(PromptId, String)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&ticket.0).map(|waiting| (waiting.id.clone(), waiting.number.clone()))
    }

    /// Removes an approval that was completed or abandoned. Returns false when the ticket is unknown.
    pub(crate) fn remove(&self, ticket: &Ticket) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&ticket.0).is_some()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::values::account::AccountId;

    const NOW: Timestamp = Timestamp(1_790_000_000);

    fn prompt(jti: &str) -> PromptId {
        PromptId { account: AccountId("anna".to_owned()), jti: jti.to_owned() }
    }

    fn waiting(jti: &str, number: &str, until: Timestamp) -> Waiting {
        Waiting { id: prompt(jti), number: number.to_owned(), until }
    }

    #[test]
    fn each_prompt_has_one_waiting_approval_until_it_expires() {
        let unlocking = Unlocking::default();
        let first = unlocking.add(waiting("p", "47", NOW.plus(60)), NOW).unwrap();
        let other = unlocking.add(waiting("q", "12", NOW.plus(30)), NOW).unwrap();
        assert_eq!(unlocking.get(&first), Some((prompt("p"), "47".to_owned())));
        // A second approval of the same prompt replaces the first approval; the approval of the prompt `q` stays.
        let again = unlocking.add(waiting("p", "48", NOW.plus(60)), NOW).unwrap();
        assert_eq!(unlocking.get(&first), None);
        assert_eq!(unlocking.get(&again), Some((prompt("p"), "48".to_owned())));
        assert_eq!(unlocking.get(&other), Some((prompt("q"), "12".to_owned())));
        // Adding an approval drops the approvals that have expired, and keeps an approval that expires a second later.
        unlocking.add(waiting("r", "33", NOW.plus(90)), NOW.plus(29)).unwrap();
        assert!(unlocking.get(&other).is_some());
        unlocking.add(waiting("s", "34", NOW.plus(90)), NOW.plus(30)).unwrap();
        assert_eq!(unlocking.get(&other), None);
        assert!(unlocking.remove(&again) && !unlocking.remove(&again));
        assert_eq!(unlocking.get(&again), None);
    }
}
