//! "Send me a test": whether a push comes all the way from the service to this phone.

use std::time::{Duration, Instant};

use countersign::{AccountId, PushEffect, PushTest};
use serde_json::json;
use tokio::sync::mpsc;

use super::ending::Ending;
use super::output::Output;
use crate::direct::Message;
use crate::error::PhoneError;
use crate::names;
use crate::phone::Phone;
use crate::render::wrap;

/// A push that takes longer helps nobody who waits at a page.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn test_push(phone: &Phone, name: &str, output: &mut Output) -> Result<Ending, PhoneError> {
    let accounts = phone.authenticator().accounts().await?;
    let account = names::account(&accounts, name)?;
    let mut messages = phone.channel().messages();
    let started = Instant::now();
    match phone.authenticator().test_push(account.id.clone()).await? {
        PushTest::Sent => {}
        PushTest::TooSoon => return Err(PhoneError::TestedLately),
        PushTest::NoAddress => return Err(PhoneError::NoPushAddress),
    }
    output.text(&wrap(&format!("{} sends a test. Waiting for it …", account.host)))?;
    let comes = arrives(phone, &account.id, &mut messages);
    tokio::time::timeout(PATIENCE, comes).await.map_err(|_late| PhoneError::NoPush)??;
    let took = started.elapsed();
    let text = format!("It came, {:.1} seconds after it was asked for. Requests reach this phone.", took.as_secs_f64());
    let event = json!({ "event": "push_came", "account": account.id.0, "milliseconds": took.as_millis() });
    output.tell(&wrap(&text), &event)?;
    Ok(Ending::Done)
}

/// Handles what comes, requests too, until the test is there.
async fn arrives(phone: &Phone, account: &AccountId, messages: &mut mpsc::Receiver<Message>) -> Result<(), PhoneError> {
    while let Some(message) = messages.recv().await {
        let effect = phone.authenticator().push_received(message.slot, message.body).await?;
        if effect == PushEffect::Test(account.clone()) {
            return Ok(());
        }
    }
    Err(PhoneError::NoPush)
}
