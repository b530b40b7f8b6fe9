//! When an account's push address is asked for again, in seconds.

/// Relays and push services keep an address for months; a phone that comes back in time never loses it.
pub(crate) const RENEW_AFTER: u64 = 30 * 24 * 60 * 60;
/// After the platform has refused one.
pub(crate) const RETRY_AFTER: u64 = 5 * 60;
