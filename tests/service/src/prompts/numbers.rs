//! Numbers for pages of browsers that proved nothing: drawn by the name that was typed, whether somebody has
//! it or not, so that a page tells nothing and no two pages of a name ever show the same.

use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::clock::{MINUTE, Time};
use crate::people::folded;
use crate::secrets::{encode, random_below};
use crate::store::{Record, StoreError, Table, Tx};

/// Three digits: they are told apart from every other number of the account at a glance.
pub const DIGITS: u8 = 3;
const SMALLEST: u32 = 100;
const LARGEST: u32 = 999;
/// A number is not used again in this time.
const REST: Time = 10 * MINUTE;
/// So many at most are set aside, so that there is always one to draw.
const MAX_RESTING: usize = 800;

/// The numbers of a name that were shown lately.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Shown {
    /// A keyed hash of the name: names that were only tried must not be kept.
    id: String,
    numbers: Vec<(u32, Time)>,
    expires_at: Time,
}

impl Record for Shown {
    const TABLE: Table = Table::NumberSequences;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        ""
    }

    fn expires_at(&self) -> Option<Time> {
        Some(self.expires_at)
    }
}

/// Draws the next number for a typed name.
pub fn next(tx: &mut Tx<'_>, key: &hmac::Key, typed_name: &str, now: Time) -> Result<String, StoreError> {
    let id = encode(hmac::sign(key, folded(typed_name).as_bytes()).as_ref());
    let mut numbers = tx.get::<Shown>(&id)?.map(|shown| shown.numbers).unwrap_or_default();
    numbers.retain(|(_, at)| now - at < REST);
    if numbers.len() >= MAX_RESTING {
        numbers.remove(0);
    }
    let mut free: Vec<u32> = (SMALLEST..=LARGEST).collect();
    free.retain(|number| !numbers.iter().any(|(resting, _)| resting == number));
    let count = u32::try_from(free.len()).unwrap_or(1);
    let index = random_below(count).map_err(|_none| StoreError::Stopped)?;
    let number = usize::try_from(index).ok().and_then(|index| free.get(index).copied()).ok_or(StoreError::Stopped)?;
    numbers.push((number, now));
    tx.put(&Shown { id, numbers, expires_at: now + REST })?;
    Ok(number.to_string())
}
