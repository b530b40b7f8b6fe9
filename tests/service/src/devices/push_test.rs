//! "Send me a test": one push that means nothing but that it came (protocol section 8).

use serde::Serialize;

use crate::app::App;
use crate::clock::{MINUTE, Time};
use crate::devices::device::Device;
use crate::push::Push;
use crate::store::{StoreError, Tx};

const TYP: &str = "push-test+jwt";
const LIFE: Time = 5 * MINUTE;
/// One in this time; a test is cheap to ask for and costs a push.
const REST: Time = MINUTE;

/// What the phone is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PushTest {
    /// It is on its way.
    Sent,
    /// There was one within the last minute.
    TooSoon,
    /// The push service has said that the address is no more.
    NoAddress,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: Time,
    exp: Time,
    test: &'a str,
}

/// The push for the request `test`, unless there was one lately.
pub fn ask(
    tx: &mut Tx<'_>,
    app: &App,
    mut device: Device,
    test: &str,
    now: Time,
) -> Result<(PushTest, Option<Push>), StoreError> {
    let Some(subscription) = device.reachable_at().cloned() else {
        return Ok((PushTest::NoAddress, None));
    };
    // GUARD(test-push-rest): a_test_push_names_its_request_and_comes_once_a_minute
    // INSTEAD: if device.tested_at.is_some_and(|at| at > now) {
    if device.tested_at.is_some_and(|at| now - at < REST) {
        return Ok((PushTest::TooSoon, None));
    }
    let claims = Claims { iss: &app.config.issuer, aud: &device.id, iat: now, exp: now + LIFE, test };
    let jws = app.keys.phone(now).sign(TYP, &claims).map_err(|_library| StoreError::Stopped)?;
    device.tested_at = Some(now);
    tx.put(&device)?;
    Ok((PushTest::Sent, Some(Push { device_id: device.id, subscription, jws })))
}
