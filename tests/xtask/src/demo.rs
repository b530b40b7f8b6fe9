//! Installs the tools of the demonstration, and runs the program `demo` of the package `countersign-journeys`.

use crate::report::{cargo, run as run_command, say};
use crate::tools;

/// Builds and runs the demonstration; with `unattended` it runs without a person.
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
