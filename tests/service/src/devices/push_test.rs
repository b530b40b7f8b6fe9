//! Creates the test push that a phone requests. A test push only shows whether pushes arrive at the phone (protocol
//! section 8).

use serde::Serialize;

use crate::app::App;
use crate::clock::{MINUTE, Time};
use crate::devices::device::Device;
use crate::push::{Push, Urgency};
use crate::store::{StoreError, Tx};

const TYP: &str = "push-test+jwt";
const LIFE: Time = 5 * MINUTE;
/// In this time, a device gets at most one test push, because each test push costs the push service and the phone some
/// work.
const MIN_INTERVAL: Time = MINUTE;

/// The result of a request for a test push, as the phone receives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PushTest {
    /// The service sends the test push.
    Sent,
    /// A test push was sent within the last minute.
    TooSoon,
    /// The push service has reported the push address as gone.
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

/// Creates the test push for a phone's request. Returns two values: the result for the phone; and the test push. There
/// is no test push if the push address is gone, or if a test push was sent within the last minute. `test`: the `jti` of
/// the request.
pub fn ask(
    tx: &mut Tx<'_>,
    app: &App,
    device: Device,
    test: &str,
    now: Time,
) -> Result<(PushTest, Option<Push>), StoreError> {
    let Some(subscription) = device.reachable_at().cloned() else {
        return Ok((PushTest::NoAddress, None));
    };
    // GUARD(test-push-interval): test_push_names_its_request_and_is_limited_to_one_a_minute
    // INSTEAD: if device.tested_at.is_some_and(|at| at > now) {
    if device.tested_at.is_some_and(|at| now - at < MIN_INTERVAL) {
        return Ok((PushTest::TooSoon, None));
    }
    let claims = Claims { iss: &app.config.issuer, aud: &device.id, iat: now, exp: now + LIFE, test };
    let jws = app.keys.phone(now).sign(TYP, &claims).map_err(|_library| StoreError::Stopped)?;
    tx.update::<Device, _>(&device.id, |stored| stored.tested_at = Some(now))?.granted();
    Ok((PushTest::Sent, Some(Push { device_id: device.id, subscription, jws, urgency: Urgency::High, topic: None })))
}
