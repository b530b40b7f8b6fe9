//! Stores each message in memory until its phone fetches it, or until it expires. The number of messages is limited.
//!
//! An address is the SHA-256 of a phone's bearer secret; each address has one queue.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

/// Maximum number of messages that wait for one address.
pub const MAX_WAITING: usize = 16;
/// Maximum number of waiting messages in total. With 4,096 bytes each they take 40 MB.
const MAX_TOTAL: usize = 10_000;

/// A message for a phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The phone's random name for the account.
    pub slot: String,
    /// The encrypted body.
    pub body: Vec<u8>,
    /// When the message expires, seconds since 1970.
    pub expires_at: u64,
    /// How urgent the message is.
    pub urgency: Urgency,
    /// The service's name for what the message is about. It replaces a waiting message with the same topic and slot.
    pub topic: Option<String>,
}

/// How urgent a message is (RFC 8030 section 5.3). A more urgent message is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Nobody waits for the message.
    Low,
    /// The service named no urgency.
    Normal,
    /// A person waits for the message.
    High,
}

/// The listeners and the waiting messages.
#[derive(Clone, Default)]
pub struct Queues(Arc<Mutex<Content>>);

#[derive(Default)]
struct Content {
    addresses: HashMap<String, Address>,
    total: usize,
}

#[derive(Default)]
struct Address {
    waiting: VecDeque<Message>,
    listener: Option<mpsc::Sender<Message>>,
}

impl Message {
    fn replaces(&self, waiting: &Self) -> bool {
        self.topic.is_some() && (&self.topic, &self.slot) == (&waiting.topic, &waiting.slot)
    }
}

impl Address {
    /// Drops the oldest of the least urgent messages, if it is less urgent than `urgency`.
    fn make_room(&mut self, urgency: Urgency) {
        let least = self.waiting.iter().enumerate().min_by_key(|(_, waiting)| waiting.urgency);
        if let Some((index, _)) = least.filter(|(_, waiting)| waiting.urgency < urgency) {
            self.waiting.remove(index);
        }
    }
}

/// The queue of the address, or the relay as a whole, is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many messages wait")]
pub struct Full;

impl Queues {
    /// Passes a message to the listener of its address, or stores it.
    ///
    /// # Errors
    /// `Full` when too many messages wait. The message is dropped.
    pub fn push(&self, address: &str, message: Message, now: u64) -> Result<(), Full> {
        let mut content = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let total = content.total;
        let entry = content.addresses.entry(address.to_owned()).or_default();
        let message = match &entry.listener {
            Some(listener) => match listener.try_send(message) {
                Ok(()) => return Ok(()),
                Err(mpsc::error::TrySendError::Full(message) | mpsc::error::TrySendError::Closed(message)) => message,
            },
            None => message,
        };
        let before = entry.waiting.len();
        entry.waiting.retain(|waiting| waiting.expires_at > now && !message.replaces(waiting));
        if entry.waiting.len() >= MAX_WAITING {
            entry.make_room(message.urgency);
        }
        let dropped = before.saturating_sub(entry.waiting.len());
        let total = total.saturating_sub(dropped);
        let full = entry.waiting.len() >= MAX_WAITING || total >= MAX_TOTAL;
        if !full {
            entry.waiting.push_back(message);
        }
        content.total = if full { total } else { total.saturating_add(1) };
        if full { Err(Full) } else { Ok(()) }
    }

    /// Starts to listen for an address. The receiver gets the waiting messages first. An older listener gets no further
    /// messages.
    #[must_use]
    pub fn listen(&self, address: &str, now: u64) -> mpsc::Receiver<Message> {
        let (sender, receiver) = mpsc::channel(MAX_WAITING.saturating_mul(2));
        let mut content = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = content.addresses.entry(address.to_owned()).or_default();
        let waiting = std::mem::take(&mut entry.waiting);
        let count = waiting.len();
        for message in waiting.into_iter().filter(|message| message.expires_at > now) {
            // `try_send` can't fail, because the channel is new and has more than `MAX_WAITING` places.
            let _sent = sender.try_send(message);
        }
        entry.listener = Some(sender);
        content.total = content.total.saturating_sub(count);
        receiver
    }

    /// Drops expired messages, and each address that has neither messages nor a listener.
    pub fn sweep(&self, now: u64) {
        let mut content = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        content.addresses.retain(|_, entry| {
            entry.waiting.retain(|message| message.expires_at > now);
            if entry.listener.as_ref().is_some_and(mpsc::Sender::is_closed) {
                entry.listener = None;
            }
            entry.listener.is_some() || !entry.waiting.is_empty()
        });
        content.total = content.addresses.values().map(|entry| entry.waiting.len()).sum();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::*;

    fn message(number: u8, expires_at: u64) -> Message {
        Message { slot: "slot".to_owned(), body: vec![number], expires_at, urgency: Urgency::Normal, topic: None }
    }

    fn about(topic: &str, number: u8, slot: &str) -> Message {
        Message { slot: slot.to_owned(), topic: Some(topic.to_owned()), ..message(number, 10) }
    }

    fn waiting(queues: &Queues) -> Vec<u8> {
        let mut heard = queues.listen("a", 0);
        std::iter::from_fn(|| heard.try_recv().ok()).map(|message| message.body[0]).collect()
    }

    #[test]
    fn message_replaces_a_waiting_one_with_its_topic_and_slot() {
        let queues = Queues::default();
        let messages = [about("x", 1, "slot"), about("y", 2, "slot"), about("x", 3, "other"), message(4, 10)];
        for message in messages.into_iter().chain([about("x", 5, "slot"), message(6, 10)]) {
            queues.push("a", message, 0).unwrap();
        }
        assert_eq!(waiting(&queues), [2, 3, 4, 5, 6]);
    }

    #[test]
    fn urgent_message_takes_the_place_of_a_less_urgent_one() {
        let queues = Queues::default();
        let of = |number, urgency| Message { urgency, ..message(number, 10) };
        for number in 0..16 {
            let urgency = if number < 14 { Urgency::High } else { Urgency::Low };
            queues.push("a", of(number, urgency), 0).unwrap();
        }
        assert_eq!(queues.push("a", of(16, Urgency::Low), 0), Err(Full));
        assert_eq!(queues.push("a", of(17, Urgency::High), 0), Ok(()));
        assert_eq!(queues.push("a", of(18, Urgency::Normal), 0), Ok(()));
        assert_eq!(queues.push("a", of(19, Urgency::Normal), 0), Err(Full));
        assert_eq!(queues.push("a", of(20, Urgency::High), 0), Ok(()));
        assert_eq!(queues.push("a", of(21, Urgency::High), 0), Err(Full));
        assert_eq!(waiting(&queues)[14..], [17, 20]);
    }

    #[test]
    fn seventeenth_waiting_message_is_refused() {
        let queues = Queues::default();
        for number in 0..16 {
            assert_eq!(queues.push("a", message(number, 10), 0), Ok(()));
        }
        assert_eq!(queues.push("a", message(16, 10), 0), Err(Full));
        assert_eq!(queues.push("b", message(0, 10), 0), Ok(()));
        let mut heard = queues.listen("a", 0);
        for number in 0..16 {
            assert_eq!(heard.try_recv().unwrap(), message(number, 10));
        }
        assert!(heard.try_recv().is_err());
    }

    #[test]
    fn expired_messages_are_dropped() {
        let queues = Queues::default();
        for number in 0..16 {
            queues.push("a", message(number, 10), 0).unwrap();
        }
        assert_eq!(queues.push("a", message(16, 30), 20), Ok(()));
        let mut heard = queues.listen("a", 20);
        assert_eq!(heard.try_recv().unwrap(), message(16, 30));
        assert!(heard.try_recv().is_err());
    }

    #[test]
    fn newest_listener_gets_the_messages() {
        let queues = Queues::default();
        let mut older = queues.listen("a", 0);
        let mut newer = queues.listen("a", 0);
        queues.push("a", message(1, 10), 0).unwrap();
        assert_eq!(newer.try_recv().unwrap(), message(1, 10));
        assert!(older.try_recv().is_err());
    }

    #[test]
    fn message_for_a_closed_listener_is_stored() {
        let queues = Queues::default();
        drop(queues.listen("a", 0));
        queues.push("a", message(1, 10), 0).unwrap();
        assert_eq!(queues.listen("a", 0).try_recv().unwrap(), message(1, 10));
    }
}
