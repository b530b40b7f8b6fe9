//! The service, relay and browser driver that tests in other languages run against.

use std::io::{self, BufRead, BufReader, ErrorKind};
use std::process::{Child, Command, Stdio};

use crate::report::{cargo, root, run};

/// A running world; it ends with this value, since its input then ends.
pub(crate) struct World {
    process: Child,
    control: String,
}

impl World {
    /// Builds and starts it.
    pub(crate) fn start(variables: &[(&str, &str)]) -> io::Result<Self> {
        if !run(&cargo(), &["build", "-q", "-p", "countersign-journeys", "--bin", "world"], &[])? {
            return Err(io::Error::other("the world does not build"));
        }
        let mut process = Command::new(root().join("target/debug/world"))
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let facts: serde_json::Value = serde_json::from_str(&line)?;
        let control = facts.get("control").and_then(serde_json::Value::as_str).map(str::to_owned);
        match control {
            Some(control) => Ok(Self { process, control }),
            None => Err(io::Error::new(ErrorKind::InvalidData, "the world says nothing")),
        }
    }

    /// The address that tests find in `COUNTERSIGN_WORLD`.
    pub(crate) fn control(&self) -> &str {
        &self.control
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // It may have ended by itself.
        let _ended = self.process.wait();
    }
}
