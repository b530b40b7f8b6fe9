//! Computes when an account's push address is renewed. Times are in seconds.

use crate::base::clock::Timestamp;

/// The time from one renewal to the next. Relays and push services keep an address for longer than this.
pub(crate) const RENEW_AFTER: u64 = 30 * 24 * 60 * 60;
/// The time from a failed renewal to the next try.
pub(crate) const RETRY_AFTER: u64 = 5 * 60;

/// Returns the new time of a renewal after the service has reported that the push address has ended. `due` is the time
/// for which the renewal was planned.
///
/// The renewal becomes due now, or `RETRY_AFTER` after the last renewal if that is later. It never becomes due later
/// than planned. Without the pause of `RETRY_AFTER`, a hostile service could make the phone renew its address all the
/// time.
pub(crate) fn hastened(due: Timestamp, now: Timestamp) -> Timestamp {
    // GUARD(push-address-storm): j9_an_ended_push_address_is_replaced_at_the_services_request
    // INSTEAD: let earliest = Timestamp(0);
    let earliest = Timestamp(due.0.saturating_sub(RENEW_AFTER - RETRY_AFTER));
    due.min(now.max(earliest))
}
