//! Carries out a device's signed requests. Each request is processed inside one transaction.

use serde::Deserialize;

use crate::app::App;
use crate::clock::Time;
use crate::devices::device::{self, Cause, Device};
use crate::devices::push_test;
use crate::devices::standing::{Standing, Status, may_answer};
use crate::devices::state::News;
use crate::effects::{push_address, remove_method, turn_off, unblock};
use crate::endings::end_enrollment;
use crate::enrollment::state::Enrollment;
use crate::notices;
use crate::phone_sign_in::acts as phone_sign_in;
use crate::prompts::acts::first_time;
use crate::push::Push;
use crate::store::{StoreError, Tx};

/// The content of a request to the device endpoint.
#[derive(Clone, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
pub(super) enum Message {
    Unblock,
    Abandon,
    Unenroll,
    TurnOn { token: String, proof: String },
    TurnOff { sign_in_key: String },
    PushAddress { endpoint: String },
    TestPush,
    Ack { notices: Vec<String> },
}

/// Processes a device's request once. A request with a repeated `jti` has no effect. Returns three values: the device's
/// standing after the request; the other parts of the signed state; and the test push to send, if there is one.
pub(super) fn take(
    tx: &mut Tx<'_>,
    app: &App,
    device_id: &str,
    jti: &str,
    message: &Message,
    now: Time,
) -> Result<(Standing, News, Option<Push>), StoreError> {
    // The device is read again inside the transaction, because it may have been removed after the signature of its
    // request was checked.
    let device = tx.get::<Device>(device_id)?.ok_or(StoreError::Stopped)?;
    let (news, push) = match first_time(tx, &device, jti, now)? {
        true => act(tx, app, device, message, jti, now)?,
        false => (News::default(), None),
    };
    let device = tx.get::<Device>(device_id)?.ok_or(StoreError::Stopped)?;
    Ok((Standing::of(tx, &device)?, news, push))
}

fn act(
    tx: &mut Tx<'_>,
    app: &App,
    device: Device,
    message: &Message,
    jti: &str,
    now: Time,
) -> Result<(News, Option<Push>), StoreError> {
    let mut news = News::default();
    match message {
        Message::Abandon => abandon(tx, &device, now)?,
        Message::Unenroll if device.state == device::State::Pending => abandon(tx, &device, now)?,
        Message::Unenroll => {
            if let Some(proof) = remove_method::by_device(tx, &device.id, now)? {
                remove_method::act(tx, proof, now)?;
            }
        }
        // The following requests have no effect for a tombstone or a pending device.
        Message::Unblock
        | Message::TurnOn { .. }
        | Message::TurnOff { .. }
        | Message::PushAddress { .. }
        | Message::TestPush
        | Message::Ack { .. }
            if !device.is_active() => {}
        Message::Unblock => {
            if let Some(proof) = unblock::by_device(tx, &device.id)? {
                unblock::act(tx, proof, now)?;
            }
        }
        Message::TurnOn { token, proof } => {
            news.turn_on = Some(phone_sign_in::turn_on(tx, app, &device.id, token, proof, now)?);
        }
        Message::TurnOff { sign_in_key } => {
            if let Some(proof) = turn_off::by_device(tx, &device.id, sign_in_key)? {
                turn_off::act(tx, proof, now)?;
            }
        }
        Message::PushAddress { endpoint } => {
            if let Some(proof) = push_address::by_device(tx, &device.id, endpoint)? {
                push_address::act(tx, proof, now)?;
            }
        }
        // A phone that may not answer prompts, because of a suspension or the policy, gets no test push.
        // GUARD(test-push-suspended): j9_a_refused_test_push_reports_the_reason
        // INSTEAD: Message::TestPush if may_answer(tx, &device.account_id)? != Status::Ok && now < 0 => {}
        Message::TestPush if may_answer(tx, &device.account_id)? != Status::Ok => {}
        Message::TestPush => {
            let (test, push) = push_test::ask(tx, app, device, jti, now)?;
            news.push_test = Some(test);
            return Ok((news, push));
        }
        Message::Ack { notices: shown } => notices::acknowledge(tx, &device.id, shown)?,
    }
    Ok((news, None))
}

/// Ends the enrollment that a pending device abandons.
fn abandon(tx: &mut Tx<'_>, device: &Device, now: Time) -> Result<(), StoreError> {
    for enrollment in tx.children::<Enrollment>(&device.account_id)? {
        if enrollment.device_id.as_deref() == Some(device.id.as_str()) {
            end_enrollment(tx, &enrollment, Cause::Abandoned, now)?;
        }
    }
    Ok(())
}
