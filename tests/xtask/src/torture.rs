//! Builds and runs the program `torture`, which needs no other tools.

use crate::report::{cargo, run as run_command};

pub(crate) fn run(options: &[(&str, &str)]) -> std::io::Result<bool> {
    let mut arguments = vec!["run", "--quiet", "--package", "countersign-torture", "--bin", "torture", "--"];
    arguments.extend(options.iter().flat_map(|(name, value)| [*name, *value]));
    run_command(&cargo(), &arguments, &[])
}
