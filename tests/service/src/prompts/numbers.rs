//! Numbers for pages of browsers that proved nothing: drawn by the name that was typed, whether somebody has
//! it or not, so that a page tells nothing and no two pages of a name ever show the same.

use std::collections::HashSet;

use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::clock::{MINUTE, Time};
use crate::people::person::keyed;
use crate::secrets::random_below;
use crate::store::{Record, StoreError, Table, Tx};

/// Three digits: they are told apart from every other number of the account at a glance.
pub const DIGITS: u8 = 3;
const SMALLEST: u32 = 100;
const LARGEST: u32 = 999;
/// A number is not used again in this time.
const REST: Time = 10 * MINUTE;

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

/// Draws a number that is not resting, and lays it to rest; none when all of them rest.
///
/// A page without a ceremony must not show a number that a ceremony of the same name waits for: whoever looks at it
/// would type it into a stranger's request.
pub fn fresh<E>(
    resting: &mut Vec<(u32, Time)>,
    now: Time,
    mut draw: impl FnMut(u32) -> Result<u32, E>,
) -> Result<Option<u32>, E> {
    resting.retain(|(_, at)| now - at < REST);
    let taken: HashSet<u32> = resting.iter().map(|(number, _)| *number).collect();
    // GUARD(numbers-apart): j6_w17_numbers_never_collide_in_a_hundred_thousand_overlapping_starts
    // INSTEAD: let free: Vec<u32> = (SMALLEST..=LARGEST).collect();
    let free: Vec<u32> = (SMALLEST..=LARGEST).filter(|number| !taken.contains(number)).collect();
    let Some(count) = u32::try_from(free.len()).ok().filter(|count| *count > 0) else {
        return Ok(None);
    };
    let number = usize::try_from(draw(count)?).ok().and_then(|index| free.get(index).copied());
    resting.extend(number.map(|number| (number, now)));
    Ok(number)
}

/// Draws the next number for a typed name; none when it was asked for so often that every number rests.
pub fn next(tx: &mut Tx<'_>, key: &hmac::Key, typed_name: &str, now: Time) -> Result<Option<String>, StoreError> {
    let id = keyed(key, typed_name);
    let mut numbers = tx.get::<Shown>(&id)?.map(|shown| shown.numbers).unwrap_or_default();
    let number = fresh(&mut numbers, now, random_below)?;
    tx.put(&Shown { id, numbers, expires_at: now + REST })?;
    Ok(number.map(|number| number.to_string()))
}
