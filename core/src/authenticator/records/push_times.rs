//! Computes when an account's push address is renewed. Times are in seconds.

use crate::base::clock::Timestamp;

/// The time from one renewal to the next. Relays and push services keep an address for longer than that.
pub(crate) const RENEW_AFTER: u64 = 30 * 24 * 60 * 60;
/// The time to the next try after the platform gave no push address.
pub(crate) const RETRY_AFTER: u64 = 5 * 60;

/// Returns when to renew a push address that the service reports as ended: now, or at `due` if that is earlier, but at
/// least `RETRY_AFTER` after the last renewal. A hostile service can't make the phone ask its platform all the time.
pub(crate) fn hastened(due: Timestamp, now: Timestamp) -> Timestamp {
    // GUARD(push-address-storm): j9_an_ended_push_address_is_replaced_at_the_services_request
    // INSTEAD: let earliest = Timestamp(0);
    let earliest = Timestamp(due.0.saturating_sub(RENEW_AFTER - RETRY_AFTER));
    due.min(now.max(earliest))
}
