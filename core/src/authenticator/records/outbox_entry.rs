//! A message that waits to be sent to a service, as it is stored.

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

/// A request takes 20 s at most; twice that, and whoever sent it is gone.
pub(crate) const LEASE: u64 = 45;
const DAY: u64 = 24 * 60 * 60;
/// An abandoned enrollment ends by itself after ten minutes.
const ABANDON_LIFE: u64 = 15 * 60;
/// A service that stays silent this long is not coming back.
const UNENROLL_LIFE: u64 = 90 * DAY;

/// Names an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EntryId(pub(crate) String);

/// A message that waits to be sent to a service.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) id: EntryId,
    pub(crate) account: AccountId,
    pub(crate) prompt: Option<PromptId>,
    pub(crate) speaker: Speaker,
    pub(crate) endpoint: String,
    pub(crate) message: Message,
    pub(crate) attempts: u32,
    pub(crate) next_at: Timestamp,
    pub(crate) give_up_at: Timestamp,
    pub(crate) lease_until: Timestamp,
}

impl Entry {
    /// An entry about the account itself, or about one of its prompts (`about`).
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
            // As long as the service may still believe that the key is good.
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
            give_up_at: now.plus(life),
            lease_until: Timestamp(0),
        })
    }

    /// Phone sign-in is off. Names the key, so that a late "off" can't undo a newer "on".
    pub(crate) fn turn_off(account: &AccountRecord, sign_in: &SignInKey, now: Timestamp) -> Result<Self, Error> {
        let message = Message::TurnOff { sign_in_key: sign_in.thumbprint() };
        Self::new(account, account.endpoints.device.clone(), message, now)
    }

    /// The same entry, stored as already taken by whoever stores it: the person waits for what comes of it, so the
    /// loop must not be faster.
    pub(crate) fn sent_by_the_caller(mut self, now: Timestamp) -> Self {
        self.lease_until = now.plus(LEASE);
        self
    }

    /// The same entry, about a prompt; until its first attempt it is worth no more than the prompt is.
    pub(crate) fn about(mut self, prompt: PromptId, worth_until: Timestamp) -> Self {
        self.prompt = Some(prompt);
        self.give_up_at = worth_until;
        self
    }
}
