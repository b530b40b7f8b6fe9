//! Starts a world for tests in other languages: the service, the relay and a browser driver.

use std::io::{self, BufRead, BufReader, ErrorKind};
use std::process::{Child, Command, Stdio};

use crate::report::{cargo, root, run};

/// A running world. Dropping this value closes the standard input of its process, and the process then ends.
pub(crate) struct World {
    process: Child,
    control: String,
}

impl World {
    /// Builds the world's program and starts it.
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
            None => Err(io::Error::new(ErrorKind::InvalidData, "the world printed no control URL")),
        }
    }

    /// Returns the URL at which tests control the world. Tests get this URL in the variable `COUNTERSIGN_WORLD`.
    pub(crate) fn control(&self) -> &str {
        &self.control
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // `wait` may fail. The result does not matter, because the process ends when its standard input is closed.
        let _ended = self.process.wait();
    }
}
