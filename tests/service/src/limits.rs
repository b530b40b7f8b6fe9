//! Limits by network: how often one may ask before anything is looked up. Counted in the database, so that a second
//! process on it does not double them.

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::clock::Time;
use crate::config::Limit;
use crate::peer::Peer;
use crate::problem::Problem;
use crate::store::{Record, StoreError, Table, Tx};

/// What a network has left, as of a time.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Bucket {
    id: String,
    left: f64,
    at: Time,
    /// Then it is full again, as if it had never been.
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

/// What is left after one more, from what was left at a time; none when nothing is.
#[must_use]
pub fn one_more(limit: Limit, before: Option<(f64, Time)>, now: Time) -> Option<f64> {
    let burst = f64::from(limit.burst);
    let left = before.map_or(burst, |(left, at)| {
        // A clock that was set back gives nothing.
        let seconds = u32::try_from(now.saturating_sub(at).max(0)).unwrap_or(u32::MAX);
        (left + f64::from(seconds) * f64::from(limit.per_second)).min(burst)
    });
    // GUARD(network-limit): two_services_on_one_database_count_together
    // INSTEAD: Some(left - 1.0)
    (left >= 1.0).then_some(left - 1.0)
}

/// Counts one of this name; false when there were too many. What is refused is not counted.
pub fn counts(tx: &mut Tx<'_>, limit: Limit, name: &str, now: Time) -> Result<bool, StoreError> {
    let before = tx.get::<Bucket>(name)?.map(|bucket| (bucket.left, bucket.at));
    let Some(left) = one_more(limit, before, now) else {
        return Ok(false);
    };
    let refill = Time::from(limit.burst.div_ceil(limit.per_second.max(1)));
    tx.put(&Bucket { id: name.to_owned(), left, at: now, full_at: now.saturating_add(refill).saturating_add(1) })?;
    Ok(true)
}

/// Counts a phone's request.
pub async fn phone(app: &App, peer: &Peer) -> Result<(), Problem> {
    let counted = network(app, format!("phone {}", peer.network())).await?;
    counted.then_some(()).ok_or(Problem::TooManyRequests)
}

/// Counts a page's form; false when there were too many.
pub async fn page(app: &App, peer: &Peer) -> Result<bool, StoreError> {
    network(app, format!("page {}", peer.network())).await
}

async fn network(app: &App, name: String) -> Result<bool, StoreError> {
    let (limit, now) = (app.config.limits, app.clock.now());
    app.store.count(move |tx| counts(tx, limit, &name, now)).await
}
