//! Renews push addresses: before they expire, when the platform has a new address, and when the service reports that an
//! address has ended.
//!
//! ```text
//! due ──subscribe──▶ sent through the outbox, due again in 30 days
//!  ▲        └─ failed: due again in five minutes
//!  └── 30 days have passed, the app reports a new address, or the service reports that the address has ended
//! ```

use std::time::Duration;

use url::Url;

use crate::authenticator::context::Core;
use crate::authenticator::error::Error;
use crate::authenticator::network::metadata::Endpoints;
use crate::authenticator::records::account::AccountRecord;
use crate::authenticator::records::outbox_entry::Entry;
use crate::authenticator::records::push_times::{RENEW_AFTER, RETRY_AFTER};
use crate::authenticator::store::Tables;
use crate::base::clock::Timestamp;
use crate::base::points::Point;
use crate::protocol::messages::Message;
use crate::values::account::AccountId;
use crate::values::platform::PlatformError;

/// The longest pause of the loop. A sleeping phone stops timers, so a longer pause could end much too late.
const LONGEST_SLEEP: Duration = Duration::from_secs(60 * 60);
/// The longest push address that the protocol allows (section 3.2), in bytes.
const MAX_ENDPOINT: usize = 1_024;

/// Gets a push address for a slot from the platform.
///
/// # Errors
/// `Platform` with the port's error; `Platform(Transient)` when the port returns no valid address; `NotASignInService`
/// when the service's VAPID key is invalid.
pub(crate) async fn subscribe(core: &Core, endpoints: &Endpoints, slot: Vec<u8>) -> Result<String, Error> {
    let vapid_key = endpoints.vapid_key()?;
    let address = core.ports.ask(move |ports| ports.push_channel.subscribe(vapid_key, slot)).await?;
    // A failing port may return an empty address instead of an error; the next try may return a valid address.
    if is_push_endpoint(&address) { Ok(address) } else { Err(Error::Platform(PlatformError::Transient)) }
}

/// Whether a push address is accepted. It must be an `https` URL (RFC 8030 section 5), only printable ASCII (protocol
/// section 3.2), and at most `MAX_ENDPOINT` bytes long.
fn is_push_endpoint(address: &str) -> bool {
    let plain = address.len() <= MAX_ENDPOINT && address.bytes().all(|byte| byte.is_ascii_graphic());
    plain && address.starts_with("https://") && Url::parse(address).is_ok()
}

/// Makes the renewal of every account's push address due now, and wakes the renewal loop. Called when the platform has
/// reported a new address.
///
/// # Errors
/// `Store`.
pub(crate) async fn changed(core: &Core) -> Result<(), Error> {
    core.store.write(Point::AddressDue, |tables| tables.renew_every_push_address()).await?;
    core.wake_push_addresses();
    Ok(())
}

/// Renews each push address when it is due, until the authenticator closes. Only one task may run this loop.
pub(crate) async fn run(core: &Core) {
    loop {
        let pause = match renew_due(core).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(%error, "the push addresses could not be read");
                LONGEST_SLEEP
            }
        };
        let _woken = tokio::time::timeout(pause, core.push_addresses_woken()).await;
    }
}

/// Renews each due push address; returns the time until the next renewal is due.
async fn renew_due(core: &Core) -> Result<Duration, Error> {
    let now = core.ports.clock.now();
    for (account, due_at) in
        core.store.read(move |tables| tables.push_addresses_due(now, now.plus(RENEW_AFTER))).await?
    {
        renew(core, &account, due_at).await?;
    }
    let next = core.store.read(|tables| tables.next_push_renewal()).await?;
    let now = core.ports.clock.now();
    // The pause is at least `RETRY_AFTER`: a record that can't be read stays due, and must not keep the loop busy.
    let seconds = next.map(|next| next.since(now).max(RETRY_AFTER));
    Ok(seconds.map_or(LONGEST_SLEEP, |seconds| Duration::from_secs(seconds).min(LONGEST_SLEEP)))
}

/// Gets a new push address for an account, and stores the message for the service. If the platform gives no address,
/// only the time of the next try is stored.
async fn renew(core: &Core, account: &AccountRecord, due_at: Timestamp) -> Result<(), Error> {
    let entry = match subscribe(core, &account.endpoints, account.slot.clone()).await {
        Ok(endpoint) => {
            let message = Message::PushAddress { endpoint };
            Some(Entry::new(account, account.endpoints.device.clone(), message, core.ports.clock.now())?)
        }
        Err(error) => {
            tracing::info!(%error, "a push address could not be renewed yet");
            None
        }
    };
    let now = core.ports.clock.now();
    let next = now.plus(if entry.is_some() { RENEW_AFTER } else { RETRY_AFTER });
    let id = account.id.clone();
    core.store.write(Point::AddressMade, move |tables| store(tables, &id, due_at, next, entry.as_ref())).await?;
    core.wake_outbox();
    Ok(())
}

/// Stores the time of the next renewal, and the message with the new push address (`entry`). Deletes a waiting message
/// with an older address.
fn store(
    tables: &Tables<'_>,
    id: &AccountId,
    due_at: Timestamp,
    next: Timestamp,
    entry: Option<&Entry>,
) -> Result<(), Error> {
    // Returns false when the address became due again in the meantime, or the account was removed. The new address is
    // then outdated.
    if !tables.set_push_renewal(id, due_at, next)? {
        return Ok(());
    }
    match entry {
        Some(entry) => tables.replace_push_address(entry),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_valid_https_push_address_is_accepted() {
        assert!(is_push_endpoint("https://push.test/abc"));
        let of_length = |bytes: usize| format!("https://push.test/{}", "a".repeat(bytes - "https://push.test/".len()));
        assert!(is_push_endpoint(&of_length(1_024)));
        let long = of_length(1_025);
        for other in [
            "",
            "http://push.test/abc",
            "push.test",
            "file:///etc/passwd",
            "https://push.test/a\nb",
            "https:push.test",
            &long,
        ] {
            assert!(!is_push_endpoint(other), "{other}");
        }
    }
}
