//! Where an account's pushes go: asked for anew before the old address ends, and when the platform has another.
//!
//! ```text
//! due ──subscribe──▶ told through the outbox, due again in a month
//!  ▲        └─ refused: due again in five minutes
//!  └── the month is over, or the app says that the address changed
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

/// The loop looks at least this often, since phones sleep through timers.
const LONGEST_SLEEP: Duration = Duration::from_secs(60 * 60);
const MAX_ENDPOINT: usize = 2_048;

/// Asks the platform for the address of an account's pushes.
///
/// # Errors
/// `Platform`.
pub(crate) async fn subscribe(core: &Core, endpoints: &Endpoints, slot: Vec<u8>) -> Result<String, Error> {
    let vapid_key = endpoints.vapid_key()?;
    let address = core.ports.ask(move |ports| ports.push_channel.subscribe(vapid_key, slot)).await?;
    // A port that fails without saying so returns nothing; the next try may bring an address.
    if is_push_endpoint(&address) { Ok(address) } else { Err(Error::Platform(PlatformError::Transient)) }
}

/// RFC 8030 section 5: a push resource is an `https` address; a service takes printable ASCII only (protocol 3.2).
fn is_push_endpoint(address: &str) -> bool {
    let plain = address.len() <= MAX_ENDPOINT && address.bytes().all(|byte| byte.is_ascii_graphic());
    plain && address.starts_with("https://") && Url::parse(address).is_ok()
}

/// The platform has handed out another address: every account's is asked for anew.
///
/// # Errors
/// `Store`.
pub(crate) async fn changed(core: &Core) -> Result<(), Error> {
    core.store.write(Point::AddressDue, |tables| tables.renew_every_push_address()).await?;
    core.wake_push_addresses();
    Ok(())
}

/// Renews what is due, now and whenever something falls due, until the authenticator closes.
pub(crate) async fn run(core: &Core) {
    loop {
        let pause = match renew_due(core).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(%error, "the push addresses could not be looked at");
                LONGEST_SLEEP
            }
        };
        let _woken = tokio::time::timeout(pause, core.push_addresses_woken()).await;
    }
}

/// One look at every account; returns how long nothing more is due.
async fn renew_due(core: &Core) -> Result<Duration, Error> {
    let now = core.ports.clock.now();
    for (account, due_at) in
        core.store.read(move |tables| tables.push_addresses_due(now, now.plus(RENEW_AFTER))).await?
    {
        renew(core, &account, due_at).await?;
    }
    let next = core.store.read(|tables| tables.next_push_renewal()).await?;
    let now = core.ports.clock.now();
    // Sooner only when woken: a record that can't be read stays due.
    let seconds = next.map(|next| next.since(now).max(RETRY_AFTER));
    Ok(seconds.map_or(LONGEST_SLEEP, |seconds| Duration::from_secs(seconds).min(LONGEST_SLEEP)))
}

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

/// The next renewal and what the service is told, together; an older address that still waits is told no more.
fn store(
    tables: &Tables<'_>,
    id: &AccountId,
    due_at: Timestamp,
    next: Timestamp,
    entry: Option<&Entry>,
) -> Result<(), Error> {
    // Changed again while the platform was asked, or removed: then what it said is worth nothing.
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
    fn a_push_endpoint_is_an_https_address_of_bounded_length() {
        assert!(is_push_endpoint("https://push.test/abc"));
        let long = format!("https://push.test/{}", "a".repeat(MAX_ENDPOINT));
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
