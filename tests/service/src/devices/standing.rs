//! The standing of a device: the status of the device, and the facts about the account that the phone needs. Every
//! signed state contains the standing (protocol section 5).

use serde::{Deserialize, Serialize};

use crate::devices::device::{Cause, Device, State};
use crate::notices::{self, Notice};
use crate::people::person::Person;
use crate::policy::document::KeyGuard;
use crate::policy::records::effective_for;
use crate::prompts::ceremony::Kind;
use crate::prompts::rules;
use crate::store::{StoreError, Tx};

/// The status of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The device is active, and may answer prompts.
    Ok,
    /// The device is bound, and the wizard waits for the digits.
    Pending,
    /// The device was removed.
    Removed,
    /// The request's time was wrong, so the request had no effect.
    ClockSkew,
    /// The person is suspended.
    Suspended,
    /// The policy does not allow the app for this person now.
    Limited,
}

/// The policy as it applies to a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PolicyClaims {
    phone_sign_in: bool,
    key_guard: KeyGuard,
    accounts_on_phone: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct NoticeClaims {
    id: String,
    kind: notices::Kind,
    at: i64,
}

impl From<Notice> for NoticeClaims {
    fn from(notice: Notice) -> Self {
        Self { id: notice.id, kind: notice.kind, at: notice.at }
    }
}

/// The status of a device, and the facts about the account that the phone needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The status.
    pub status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Cause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<PolicyClaims>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_in_key: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notices: Vec<NoticeClaims>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    push_ended: bool,
}

impl Standing {
    /// Reads the standing of a device, in this transaction.
    pub fn of(tx: &mut Tx<'_>, device: &Device) -> Result<Self, StoreError> {
        let status = match device.state {
            State::Pending => return Ok(Self::bare(Status::Pending)),
            State::Removed(cause) => return Ok(Self { cause: Some(cause), ..Self::bare(Status::Removed) }),
            State::Active => may_answer(tx, &device.account_id)?,
        };
        let policy = match tx.get::<Person>(&device.account_id)? {
            Some(person) => {
                let effective = effective_for(tx, &person)?;
                Some(PolicyClaims {
                    phone_sign_in: effective.allows_phone_sign_in(),
                    key_guard: effective.key_guard,
                    accounts_on_phone: effective.accounts_on_phone,
                })
            }
            None => None,
        };
        Ok(Self {
            policy,
            sign_in_key: device.sign_in.as_ref().map(|sign_in| sign_in.key.thumbprint()),
            notices: notices::waiting(tx, &device.id)?.into_iter().map(NoticeClaims::from).collect(),
            push_ended: device.push_ended,
            ..Self::bare(status)
        })
    }

    /// Removes the newest notice from this standing. Returns false if the standing contains no notice.
    pub fn leave_out_notice(&mut self) -> bool {
        self.notices.pop().is_some()
    }

    /// Returns the standing for a request whose time was wrong.
    #[must_use]
    pub fn clock_skew() -> Self {
        Self::bare(Status::ClockSkew)
    }

    fn bare(status: Status) -> Self {
        Self { status, cause: None, policy: None, sign_in_key: None, notices: Vec::new(), push_ended: false }
    }
}

/// Returns `Ok` if the person's phones may approve prompts now, otherwise `Suspended` or `Limited`. Every transaction
/// that depends on this status reads it again.
pub fn may_answer(tx: &mut Tx<'_>, account_id: &str) -> Result<Status, StoreError> {
    let Some(person) = tx.get::<Person>(account_id)? else {
        return Ok(Status::Suspended);
    };
    if person.suspended {
        return Ok(Status::Suspended);
    }
    Ok(if effective_for(tx, &person)?.mode.is_some() { Status::Ok } else { Status::Limited })
}

/// Returns whether the account may approve ceremonies of this kind: the person is not suspended, and the policy allows
/// it. Called when a ceremony starts, when its prompt is answered, and when the approval is redeemed.
pub fn may_approve(tx: &mut Tx<'_>, account_id: &str, kind: Kind) -> Result<bool, StoreError> {
    if may_answer(tx, account_id)? != Status::Ok {
        return Ok(false);
    }
    let Some(person) = tx.get::<Person>(account_id)? else {
        return Ok(false);
    };
    let effective = effective_for(tx, &person)?;
    Ok(rules::may_approve(kind, &person, &effective))
}
