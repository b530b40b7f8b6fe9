//! Limits the rate of requests from each network. A request is counted before it takes effect. The counts are in the
//! database, so several processes that use one database share one limit.

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::clock::Time;
use crate::config::Limit;
use crate::peer::Peer;
use crate::problem::Problem;
use crate::store::{Record, StoreError, Table, Tx};

/// The remaining requests of a network at a given time.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Bucket {
    id: String,
    left: f64,
    at: Time,
    /// A time at which the bucket is full again. From then on, the record is no longer needed.
    full_at: Time,
}

impl Record for Bucket {
    const TABLE: Table = Table::Limits;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        ""
    }

    fn expires_at(&self) -> Option<Time> {
        Some(self.full_at)
    }
}

/// Returns how many requests remain after one more request, or `None` if the limit is reached. `before`: how many
/// requests remained after the last counted request, and the time of that request.
#[must_use]
pub fn remaining_after_one(limit: Limit, before: Option<(f64, Time)>, now: Time) -> Option<f64> {
    let burst = f64::from(limit.burst);
    let left = before.map_or(burst, |(left, at)| {
        // If the clock was set back, the remaining requests don't increase.
        let seconds = u32::try_from(now.saturating_sub(at).max(0)).unwrap_or(u32::MAX);
        (left + f64::from(seconds) * f64::from(limit.per_second)).min(burst)
    });
    // GUARD(network-limit): two_services_on_one_database_share_limits
    // INSTEAD: Some(left - 1.0)
    (left >= 1.0).then_some(left - 1.0)
}

/// Counts one request in the bucket with this name, for example `phone 192.0.2.0/24`. Returns false, and does not count
/// the request, if the limit is reached.
pub fn counts(tx: &mut Tx<'_>, limit: Limit, name: &str, now: Time) -> Result<bool, StoreError> {
    let before = tx.get::<Bucket>(name)?.map(|bucket| (bucket.left, bucket.at));
    let Some(left) = remaining_after_one(limit, before, now) else {
        return Ok(false);
    };
    let refill = Time::from(limit.burst.div_ceil(limit.per_second.max(1)));
    let bucket = Bucket { id: name.to_owned(), left, at: now, full_at: now.saturating_add(refill).saturating_add(1) };
    tx.insert_or_update(&bucket, |stored| *stored = bucket.clone())?;
    Ok(true)
}

/// Counts one request of a phone, in the bucket of the phone's network.
///
/// # Errors
/// `too-many-requests` if the limit is reached, or `unavailable` if the database failed.
pub async fn phone(app: &App, peer: &Peer) -> Result<(), Problem> {
    let counted = network(app, format!("phone {}", peer.network())).await?;
    counted.then_some(()).ok_or(Problem::TooManyRequests)
}

/// Counts one form that a browser posted, in the bucket of the browser's network. Returns false if the limit is
/// reached.
pub async fn page(app: &App, peer: &Peer) -> Result<bool, StoreError> {
    network(app, format!("page {}", peer.network())).await
}

async fn network(app: &App, name: String) -> Result<bool, StoreError> {
    let (limit, now) = (app.config.limits, app.clock.now());
    app.store.count(move |tx| counts(tx, limit, &name, now)).await
}
