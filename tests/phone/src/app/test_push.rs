//! Asks the service for a test push, and checks that it reaches this phone.

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

/// Maximum time until the test push arrives. A person at a sign-in page does not wait longer for a request.
const TIMEOUT: Duration = Duration::from_secs(20);

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
    output.text(&wrap(&format!("{} sends a test push. Waiting for it…", account.host)))?;
    let comes = arrives(phone, &account.id, &mut messages);
    tokio::time::timeout(TIMEOUT, comes).await.map_err(|_late| PhoneError::NoPush)??;
    let took = started.elapsed();
    let text = format!("The test arrived after {:.1} seconds. Requests reach this phone.", took.as_secs_f64());
    let event = json!({ "event": "push_came", "account": account.id.0, "milliseconds": took.as_millis() });
    output.tell(&wrap(&text), &event)?;
    Ok(Ending::Done)
}

/// Handles every push, including the pushes of requests, until the test push arrives.
async fn arrives(phone: &Phone, account: &AccountId, messages: &mut mpsc::Receiver<Message>) -> Result<(), PhoneError> {
    while let Some(message) = messages.recv().await {
        let effect = phone.authenticator().push_received(message.slot, message.body).await?;
        if effect == PushEffect::Test(account.clone()) {
            return Ok(());
        }
    }
    Err(PhoneError::NoPush)
}
