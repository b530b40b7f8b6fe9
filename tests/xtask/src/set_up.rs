//! Everything that tests and figures need, set up before they begin.

use crate::swift;
use crate::tools::{Missing, set_up_packages};

/// Sets up what every part needs; returns what can't be had.
pub(crate) fn everything() -> std::io::Result<Vec<Missing>> {
    let mut missing = set_up_packages()?;
    if let Err(reason) = swift::root()? {
        missing.push(Missing { part: "swift", variable: "COUNTERSIGN_NO_SWIFT", reason });
    }
    Ok(missing)
}
