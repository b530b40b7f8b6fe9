//! When an account's push address is asked for again, in seconds.

use crate::base::clock::Timestamp;

/// Relays and push services keep an address for months; a phone that comes back in time never loses it.
pub(crate) const RENEW_AFTER: u64 = 30 * 24 * 60 * 60;
/// After the platform has refused one.
pub(crate) const RETRY_AFTER: u64 = 5 * 60;

/// When to renew an address that the service says has ended: now, but never within `RETRY_AFTER` of its last renewal.
/// `due` is the time that was planned.
pub(crate) fn hastened(due: Timestamp, now: Timestamp) -> Timestamp {
    // GUARD(push-address-storm): j9_a_push_address_that_ended_is_replaced_when_the_service_says_so
    // INSTEAD: let earliest = Timestamp(0);
    let earliest = Timestamp(due.0.saturating_sub(RENEW_AFTER - RETRY_AFTER));
    due.min(now.max(earliest))
}
