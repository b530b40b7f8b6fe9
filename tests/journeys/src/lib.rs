//! What the journeys share: a service and a relay over TLS on loopback, phones over the core's public API,
//! a person at the service's pages, a real browser, a stock relying party.

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
pub mod strangers;
pub mod terminal;
mod trouble;
pub mod walk;
pub mod world;

pub use cuts::{Cut, Cuts};
pub use person::{PageView, Person, a_moment};
pub use phone::TestPhone;
pub use trouble::Trouble;
pub use world::World;

/// Says that a test could not run here, past libtest's capture, so that it is counted.
pub fn skipped(part: &str, reason: &str) {
    use std::io::Write;
    // A closed output has nobody to tell.
    let _closed = writeln!(std::io::stdout(), "SKIPPED {part}: {reason}");
}
