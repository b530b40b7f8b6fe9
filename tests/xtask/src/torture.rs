//! Kills: hands over to a program of its own, which needs nothing beside it.

use crate::report::{cargo, run as run_command};

/// Builds and runs it.
pub(crate) fn run(options: &[(&str, &str)]) -> std::io::Result<bool> {
    let mut arguments = vec!["run", "--quiet", "--package", "countersign-torture", "--bin", "torture", "--"];
    arguments.extend(options.iter().flat_map(|(name, value)| [*name, *value]));
    run_command(&cargo(), &arguments, &[])
}
