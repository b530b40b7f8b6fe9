//! Computes the clock offset from the service's responses (protocol section 5). The clock offset is the service's clock
//! minus this phone's.

use crate::authenticator::error::Error;
use crate::authenticator::network::http::Reply;
use crate::authenticator::records::speaker::Speaker;
use crate::authenticator::speaking::connection::Connection;
use crate::base::points::Point;
use crate::protocol::messages::State;

/// A signed state sets the offset only if its request and response together took less than this many seconds. A longer
/// round trip makes the offset too inexact.
const CLOCK_ROUND_TRIP: u64 = 30;
/// The largest offset that is accepted, in seconds: a day. Limits how much a hostile service can shift expiry checks.
const MAX_CLOCK_OFFSET: i64 = 24 * 60 * 60;

/// Sets and stores the clock offset. `state` must be the verified response to the request that was just sent.
///
/// # Errors
/// `Store`. A time that is not accepted is no error: the offset stays as it was.
///
/// # Security
/// Never call this function for pushes or for older states: an attacker could replay an old message to set the clock
/// back, and expired prompts would be valid again.
pub(crate) async fn learn_clock(
    to: Connection<'_>,
    speaker: &mut Speaker,
    state: &State,
    reply: &Reply,
) -> Result<(), Error> {
    let Some(offset) = offset_of_state(to.ports.clock.now().0, state.iat, reply.took.as_secs()) else {
        return Ok(());
    };
    // Rounding and network delay cause differences of up to two seconds, which are not stored.
    if offset.abs_diff(speaker.clock_offset) <= 2 {
        return Ok(());
    }
    speaker.clock_offset = offset;
    let account = speaker.account.clone();
    to.store.write(Point::ClockLearned, move |tables| tables.set_clock_offset(&account, offset)).await
}

/// Returns the offset that a signed state implies, in seconds; `None` when the round trip took too long, or when the
/// offset is more than a day. `phone` and `iat` are Unix times; `round_trip` is in seconds.
pub(crate) fn offset_of_state(phone: u64, iat: u64, round_trip: u64) -> Option<i64> {
    offset_between(phone, iat).filter(|_offset| round_trip < CLOCK_ROUND_TRIP)
}

/// Returns the service's clock minus the phone's, in seconds; `None` when the clocks differ by more than a day.
pub(crate) fn offset_between(phone: u64, service: u64) -> Option<i64> {
    let offset = i64::try_from(service).ok()?.checked_sub(i64::try_from(phone).ok()?)?;
    (offset.abs() <= MAX_CLOCK_OFFSET).then_some(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_offset_is_at_most_a_day() {
        assert_eq!(offset_between(1_000_000, 1_003_600), Some(3_600));
        assert_eq!(offset_between(1_003_600, 1_000_000), Some(-3_600));
        assert_eq!(offset_between(0, 86_400), Some(86_400));
        assert_eq!(offset_between(0, 86_401), None);
        assert_eq!(offset_between(0, u64::MAX), None);
    }
}
