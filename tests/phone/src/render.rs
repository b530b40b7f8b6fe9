//! Renders screens as text of at most 80 columns, with pure functions.
//!
//! The verified host is in a frame. Below the frame are texts that the service chooses freely, in quotation marks:
//! organization, user name and application.

mod layout;
mod offer;
mod prompt;

use countersign::{Account, AccountHealth, Timestamp};

pub use offer::{digits, offer};
#[cfg(test)]
pub(crate) use prompt::tests::good_view;
pub use prompt::{PromptView, ask, prompt, prompt_line};

use crate::names::short;
use crate::times;
use crate::words;
pub(crate) use layout::{field, frame, quoted, whose, wrap};

/// Renders the accounts on this phone, one block per account.
#[must_use]
pub fn accounts(accounts: &[Account], now: Timestamp) -> String {
    if accounts.is_empty() {
        return wrap("No accounts yet. To add one, start on the sign-in service's page and run: countersign-phone add");
    }
    let blocks: Vec<String> = accounts.iter().map(|account| one_account(account, now)).collect();
    blocks.join("\n")
}

fn one_account(account: &Account, now: Timestamp) -> String {
    let mut text = frame(&account.host);
    text.push_str(&field("Account", &whose(account)));
    text.push_str(&field("State", &words::health(account.health)));
    if !matches!(account.health, AccountHealth::RemovedByService { .. } | AccountHealth::RestoredElsewhere) {
        text.push_str(&field("Sign-in", words::phone_sign_in(account.phone_sign_in)));
    }
    if let Some(alerts) = words::alerts(account, now) {
        text.push_str(&field("Alerts", &alerts));
    }
    text.push_str(&field("Added", &times::ago(now.since(account.added_at))));
    text.push_str(&field("Name", &short(&account.id.0)));
    text
}
