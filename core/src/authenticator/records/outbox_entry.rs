//! The record of a message in the outbox. It says how long the message is retried, and who may send it now.

use serde::{Deserialize, Serialize};

use crate::authenticator::error::Error;
use crate::authenticator::records::account::{AccountRecord, SignInKey};
use crate::authenticator::records::speaker::Speaker;
use crate::base::clock::Timestamp;
use crate::base::jose::base64url;
use crate::base::secret::random;
use crate::protocol::messages::Message;
use crate::values::account::AccountId;
use crate::values::prompt::PromptId;

/// How long the lease of an entry lasts, in seconds. An attempt seldom needs more than two HTTP requests, each of
/// at most 20 seconds. So a process that has not finished after 45 seconds has probably ended.
pub(crate) const LEASE: u64 = 45;
const DAY: u64 = 24 * 60 * 60;
/// How long `abandon` is retried, in seconds. The enrollment ends by itself after ten minutes.
const ABANDON_LIFE: u64 = 15 * 60;
/// How long a removal is retried, in seconds: 90 days. A service that is unreachable for longer probably no longer
/// exists.
const UNENROLL_LIFE: u64 = 90 * DAY;

/// The id of an entry: 128 random bits in base64url, unknown to the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EntryId(pub(crate) String);

/// A message that waits to be sent to a service. It can still be sent after the account is deleted: the entry contains
/// everything that is needed, except the device key itself.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) id: EntryId,
    pub(crate) account: AccountId,
    /// The prompt that the message answers or reports; `None` for any other message.
    pub(crate) prompt: Option<PromptId>,
    pub(crate) speaker: Speaker,
    pub(crate) endpoint: String,
    pub(crate) message: Message,
    /// The number of attempts that were started.
    pub(crate) attempts: u32,
    /// When the next attempt is due.
    pub(crate) next_at: Timestamp,
    /// When the entry is deleted even without an acknowledgment.
    pub(crate) abandon_at: Timestamp,
    /// Until this time only the task or process with the lease may send the entry; 0 when there is no lease.
    pub(crate) lease_until: Timestamp,
}

impl Entry {
    /// Makes an entry that is due now and has no lease. The kind of message decides how long it is retried.
    ///
    /// # Errors
    /// `Platform` when the system has no randomness.
    pub(crate) fn new(
        account: &AccountRecord,
        endpoint: String,
        message: Message,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let id: [u8; 16] = random()?;
        let life = match message {
            Message::Abandon => ABANDON_LIFE,
            Message::Unenroll => UNENROLL_LIFE,
            // Until this message arrives, the service may still accept the sign-in key or use the old push address.
            Message::TurnOff { .. } | Message::PushAddress { .. } => UNENROLL_LIFE,
            Message::Answer { .. }
            | Message::Report { .. }
            | Message::Unblock
            | Message::TestPush
            | Message::Fetch { .. }
            | Message::TurnOn { .. }
            | Message::Ack { .. } => DAY,
        };
        Ok(Self {
            id: EntryId(base64url::encode(&id)),
            account: account.id.clone(),
            prompt: None,
            speaker: account.speaker(),
            endpoint,
            message,
            attempts: 0,
            next_at: now,
            abandon_at: now.plus(life),
            lease_until: Timestamp(0),
        })
    }

    /// Makes the entry that deregisters a sign-in key. The message names the key, so a late message can't undo a newer
    /// registration.
    ///
    /// # Errors
    /// `Platform` when the system has no randomness.
    pub(crate) fn turn_off(account: &AccountRecord, sign_in: &SignInKey, now: Timestamp) -> Result<Self, Error> {
        let message = Message::TurnOff { sign_in_key: sign_in.thumbprint() };
        Self::new(account, account.endpoints.device.clone(), message, now)
    }

    /// Adds a lease for the caller. The caller then stores the entry and sends it immediately, because the person waits
    /// for the outcome. While the lease lasts, the outbox loop does not send the entry.
    pub(crate) fn leased_by_caller(mut self, now: Timestamp) -> Self {
        self.lease_until = now.plus(LEASE);
        self
    }

    /// Makes this the entry of an answer to `prompt`, or of a report of `prompt`. If no attempt is started before the
    /// time `abandon_at`, the entry is deleted at that time. The first attempt extends this time (see `lease_outbox`).
    pub(crate) fn about(mut self, prompt: PromptId, abandon_at: Timestamp) -> Self {
        self.prompt = Some(prompt);
        self.abandon_at = abandon_at;
        self
    }
}
