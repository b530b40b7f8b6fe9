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
pub mod torture;
pub mod walk;
pub mod world;

pub use cuts::{Cut, Cuts};
pub use person::{PageView, Person};
pub use phone::TestPhone;
pub use world::World;

/// Anything that goes wrong in the harness itself.
pub type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// Says that a test could not run here, past libtest's capture, so that it is counted.
pub fn skipped(part: &str, reason: &str) {
    use std::io::Write;
    // A closed output has nobody to tell.
    let _closed = writeln!(std::io::stdout(), "SKIPPED {part}: {reason}");
}

/// As long as a person takes at the very least to read a number: by then a push has come, even where a fetch was
/// faster and has shown the prompt first.
pub async fn a_moment() {
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
}
