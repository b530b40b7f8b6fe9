//! Approvals that wait for the person to unlock a key.

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
    pub(crate) number: String,
    pub(crate) until: Timestamp,
}

/// Approvals that wait for the person, by ticket. In memory only: nothing has happened yet, and after a restart
/// the prompt is still open.
#[derive(Default)]
pub(crate) struct Unlocking(Mutex<HashMap<String, Waiting>>);

impl Unlocking {
    pub(crate) fn add(&self, waiting: Waiting, now: Timestamp) -> Result<Ticket, Error> {
        let name: [u8; 16] = random()?;
        let ticket = base64url::encode(&name);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_ticket, other| other.until > now && other.id != waiting.id);
        all.insert(ticket.clone(), waiting);
        Ok(Ticket(ticket))
    }

    pub(crate) fn get(&self, ticket: &Ticket) -> Option<(PromptId, String)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&ticket.0).map(|waiting| (waiting.id.clone(), waiting.number.clone()))
    }

    /// Forgets an approval that the person did not go on with; false when there is none.
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
    fn an_approval_waits_for_the_person_once_for_each_prompt_and_no_longer_than_it() {
        let unlocking = Unlocking::default();
        let first = unlocking.add(waiting("p", "47", NOW.plus(60)), NOW).unwrap();
        let other = unlocking.add(waiting("q", "12", NOW.plus(30)), NOW).unwrap();
        assert_eq!(unlocking.get(&first), Some((prompt("p"), "47".to_owned())));
        // Another number for the same prompt: only the last one counts, and the other prompt's stays.
        let again = unlocking.add(waiting("p", "48", NOW.plus(60)), NOW).unwrap();
        assert_eq!(unlocking.get(&first), None);
        assert_eq!(unlocking.get(&again), Some((prompt("p"), "48".to_owned())));
        assert_eq!(unlocking.get(&other), Some((prompt("q"), "12".to_owned())));
        // What has ended goes when the next one comes; not a second before.
        unlocking.add(waiting("r", "33", NOW.plus(90)), NOW.plus(29)).unwrap();
        assert!(unlocking.get(&other).is_some());
        unlocking.add(waiting("s", "34", NOW.plus(90)), NOW.plus(30)).unwrap();
        assert_eq!(unlocking.get(&other), None);
        assert!(unlocking.remove(&again) && !unlocking.remove(&again));
        assert_eq!(unlocking.get(&again), None);
    }
}
