//! Draws the numbers for the pages of browsers that proved nothing. A number is drawn for every typed user name,
//! whether the name exists or not. A page therefore does not reveal which names exist. All pages that are open for one
//! name show different numbers.

use std::collections::HashSet;

use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::clock::{MINUTE, Time};
use crate::people::person::keyed;
use crate::secrets::random_below;
use crate::store::{Record, StoreError, Table, Tx};

/// How many digits the numbers of this module have. The numbers for all other browsers have two digits.
pub const DIGITS: u8 = 3;
const SMALLEST: u32 = 100;
const LARGEST: u32 = 999;
/// For this long after a number was drawn, it is not drawn again for the same name.
const REST: Time = 10 * MINUTE;

/// The numbers that were shown for a name in the last ten minutes.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Shown {
    /// A keyed hash of the name, because typed names must not be stored in clear text.
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

/// Draws a free number and adds it to `resting`. Returns `None` when all numbers are in use.
///
/// `resting` contains the numbers that were drawn for the same name, with the time of each draw. `draw(n)` returns a
/// random number below n.
///
/// # Security
/// A page without a ceremony must not show the number of another browser's ceremony for the same name. Otherwise the
/// person could type this number on the phone, and approve the attacker's sign-in.
pub fn fresh<E>(
    resting: &mut Vec<(u32, Time)>,
    now: Time,
    mut draw: impl FnMut(u32) -> Result<u32, E>,
) -> Result<Option<u32>, E> {
    resting.retain(|(_, at)| now - at < REST);
    let taken: HashSet<u32> = resting.iter().map(|(number, _)| *number).collect();
    // GUARD(unknown-numbers-distinct): j6_w17_numbers_are_unique_in_100000_overlapping_starts
    // INSTEAD: let free: Vec<u32> = (SMALLEST..=LARGEST).collect();
    let free: Vec<u32> = (SMALLEST..=LARGEST).filter(|number| !taken.contains(number)).collect();
    let Some(count) = u32::try_from(free.len()).ok().filter(|count| *count > 0) else {
        return Ok(None);
    };
    let number = usize::try_from(draw(count)?).ok().and_then(|index| free.get(index).copied());
    resting.extend(number.map(|number| (number, now)));
    Ok(number)
}

/// Draws the next number for a typed name. Returns `None` when the name was typed so often that every number is in use.
pub fn next(tx: &mut Tx<'_>, key: &hmac::Key, typed_name: &str, now: Time) -> Result<Option<String>, StoreError> {
    let id = keyed(key, typed_name);
    let mut numbers = tx.get::<Shown>(&id)?.map(|shown| shown.numbers).unwrap_or_default();
    let number = fresh(&mut numbers, now, random_below)?;
    let shown = Shown { id, numbers, expires_at: now + REST };
    tx.insert_or_update(&shown, |stored| *stored = shown.clone())?;
    Ok(number.map(|number| number.to_string()))
}
