//! Mutes and unmutes an account.

use serde_json::json;

use super::ending::Ending;
use super::output::Output;
use crate::error::PhoneError;
use crate::phone::Phone;
use crate::render::wrap;
use crate::{names, times};

const HOUR: u64 = 60 * 60;

pub(super) async fn mute(phone: &Phone, name: &str, hours: u8, output: &mut Output) -> Result<Ending, PhoneError> {
    let accounts = phone.authenticator().accounts().await?;
    let account = names::account(&accounts, name)?;
    let now = phone.now();
    let until = phone.authenticator().mute(account.id.clone(), now.plus(u64::from(hours) * HOUR)).await?;
    let text = format!(
        "Muted: requests for {} at {} do not alert for {}. They are still listed: countersign-phone requests. \
         To end the mute: countersign-phone unmute {name}",
        account.user_name,
        account.host,
        times::left(until.since(now)),
    );
    output.tell(&wrap(&text), &json!({ "event": "muted", "account": account.id.0, "until": until.0 }))?;
    Ok(Ending::Done)
}

pub(super) async fn unmute(phone: &Phone, name: &str, output: &mut Output) -> Result<Ending, PhoneError> {
    let accounts = phone.authenticator().accounts().await?;
    let account = names::account(&accounts, name)?;
    phone.authenticator().unmute(account.id.clone()).await?;
    let text = format!("Requests for {} at {} alert again.", account.user_name, account.host);
    output.tell(&wrap(&text), &json!({ "event": "unmuted", "account": account.id.0 }))?;
    Ok(Ending::Done)
}
