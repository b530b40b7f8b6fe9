//! How far the phone's clock is from the service's: learned from what the service says, within limits.

use crate::authenticator::error::Error;
use crate::authenticator::network::http::Reply;
use crate::authenticator::records::speaker::Speaker;
use crate::authenticator::speaking::connection::Connection;
use crate::base::points::Point;
use crate::protocol::messages::State;

/// A state whose round trip took longer says too little about the service's clock.
const CLOCK_ROUND_TRIP: u64 = 30;
/// A service may move this phone's idea of its clock by a day at most.
const MAX_CLOCK_OFFSET: i64 = 24 * 60 * 60;

/// Sets the clock offset from an answer to the very request just sent (protocol section 5).
pub(crate) async fn learn_clock(
    to: Connection<'_>,
    speaker: &mut Speaker,
    state: &State,
    reply: &Reply,
) -> Result<(), Error> {
    let Some(offset) = offset_of_state(to.ports.clock.now().0, state.iat, reply.took.as_secs()) else {
        return Ok(());
    };
    // Two seconds are the noise of whole seconds and the way; they are not worth a write.
    if offset.abs_diff(speaker.clock_offset) <= 2 {
        return Ok(());
    }
    speaker.clock_offset = offset;
    let account = speaker.account.clone();
    to.store.write(Point::ClockLearned, move |tables| tables.set_clock_offset(&account, offset)).await
}

/// The offset that a state tells, unless its round trip took too long (seconds) or it is more than a day.
pub(crate) fn offset_of_state(phone: u64, iat: u64, round_trip: u64) -> Option<i64> {
    offset_between(phone, iat).filter(|_offset| round_trip < CLOCK_ROUND_TRIP)
}

/// The service's clock minus the phone's, unless it is more than a day.
pub(crate) fn offset_between(phone: u64, service: u64) -> Option<i64> {
    let offset = i64::try_from(service).ok()?.checked_sub(i64::try_from(phone).ok()?)?;
    (offset.abs() <= MAX_CLOCK_OFFSET).then_some(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_follows_the_service_by_a_day_at_most() {
        assert_eq!(offset_between(1_000_000, 1_003_600), Some(3_600));
        assert_eq!(offset_between(1_003_600, 1_000_000), Some(-3_600));
        assert_eq!(offset_between(0, 86_400), Some(86_400));
        assert_eq!(offset_between(0, 86_401), None);
        assert_eq!(offset_between(0, u64::MAX), None);
    }
}
