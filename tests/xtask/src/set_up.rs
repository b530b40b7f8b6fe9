//! Installs everything that tests and benchmarks need.

use crate::swift;
use crate::tools::{Missing, set_up_packages};

/// Installs the tools for the browser, the relying party, Kotlin, the keyring and Swift. Returns the parts whose tools
/// are still missing.
pub(crate) fn everything() -> std::io::Result<Vec<Missing>> {
    let mut missing = set_up_packages()?;
    if let Err(reason) = swift::root()? {
        missing.push(Missing { part: "swift", variable: "COUNTERSIGN_NO_SWIFT", reason });
    }
    Ok(missing)
}
