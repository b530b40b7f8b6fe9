//! The test harness of the journeys. It has a service and a relay over TLS on loopback, phones that use the core's
//! public API, a person at the service's pages, a real browser, and an unmodified relying party.

pub mod apart;
pub mod application;
pub mod attended;
pub mod browser;
pub mod cuts;
pub mod people;
pub mod person;
pub mod phone;
pub mod qr;
pub mod relying_party;
pub mod stall;
pub mod terminal;
mod trouble;
pub mod unknown_browsers;
pub mod walk;
pub mod world;

pub use cuts::{Cut, Cuts};
pub use person::{PageView, Person, a_moment};
pub use phone::TestPhone;
pub use trouble::Trouble;
pub use world::World;

/// Reports that a test could not run on this machine. Writes directly to standard output, which libtest does not
/// capture, so that `xtask` can count the skipped tests.
pub fn skipped(part: &str, reason: &str) {
    use std::io::Write;
    // If the output is closed, there is no place to report to.
    let _closed = writeln!(std::io::stdout(), "SKIPPED {part}: {reason}");
}
