//! The demonstration: sets up what it needs and hands over to the journeys' own program.

use crate::report::{cargo, run as run_command, say};
use crate::tools;

/// Sets up, builds and runs the demonstration.
pub(crate) fn run(unattended: bool) -> std::io::Result<bool> {
    say("Setting up a browser and a web server with a stock OpenID module.");
    let missing = tools::set_up_pages()?;
    for part in &missing {
        say(&format!("Missing {}: {}", part.part, part.reason));
    }
    if !missing.is_empty() {
        return Ok(false);
    }
    say("Building; the first time that takes a few minutes.");
    if !run_command(&cargo(), &["build", "--quiet", "--package", "countersign-phone"], &[])? {
        return Ok(false);
    }
    let mut arguments = vec!["run", "--quiet", "--package", "countersign-journeys", "--bin", "demo", "--"];
    if unattended {
        arguments.push("--unattended");
    }
    run_command(&cargo(), &arguments, &[])
}
