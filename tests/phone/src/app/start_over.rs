//! Lists the accounts of a folder that was copied from another phone, and empties the folder.

use countersign::{Clock, SystemClock};
use serde_json::json;

use super::ending::Ending;
use super::input::{Lines, confirmed};
use super::output::Output;
use crate::error::PhoneError;
use crate::json;
use crate::keys::Keys;
use crate::phone::{Phone, Settings};
use crate::render::{self, wrap};

/// Lists the accounts that have to be added again.
pub(super) async fn name_accounts(settings: &Settings, output: &mut Output) -> Result<(), PhoneError> {
    let accounts = Phone::restored_accounts(settings).await?;
    if !accounts.is_empty() {
        output.text(&render::accounts(&accounts, SystemClock.now()))?;
    }
    for account in &accounts {
        output.event(&json::account("account", account))?;
    }
    Ok(())
}

pub(super) async fn start_over(
    settings: &Settings,
    keys: Keys,
    yes: bool,
    output: &mut Output,
    lines: &mut Lines,
) -> Result<Ending, PhoneError> {
    if !yes {
        confirmed(
            "Remove these accounts from this folder, to add them again? The other phone keeps them.",
            output,
            lines,
        )
        .await?;
    }
    Phone::start_over(settings, keys).await?;
    let text = "This phone is empty. Add each account again. If you no longer have the other phone, report it as lost \
                on the security-info page.";
    output.tell(&wrap(text), &json!({ "event": "started_over" }))?;
    Ok(Ending::Done)
}
