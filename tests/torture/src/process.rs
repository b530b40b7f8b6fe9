//! Starts a phone's process for the harness, sends orders to it, and reads its output and its exit status.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::fault::Fault;
use crate::orders::{Aim, Line, Order, Place, Said, State};

const SIGKILL: i32 = 9;
/// The time limit for the result of an order. Every order ends earlier, even if the core waits for its own time limits.
const PATIENCE: Duration = Duration::from_secs(75);

/// The environment of a phone's process.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    /// The program.
    pub program: PathBuf,
    /// The phone's private folder.
    pub home: PathBuf,
    /// The relay's URL.
    pub relay: String,
    /// The file with the certificate of the private certificate authority.
    pub ca: PathBuf,
    /// How many seconds the phone's clock is ahead of the service's clock.
    pub ahead: u64,
}

/// The result of a start.
#[derive(Debug)]
pub(crate) enum Started {
    /// The phone is open.
    Open(Box<Process>, State),
    /// The phone can't be opened, with the reason.
    Shut(String),
    /// The process was killed before the phone was open.
    Killed(Place),
}

/// The result of an order.
#[derive(Debug)]
pub(crate) enum Heard {
    /// The order's result, and the phone's screen after it.
    Said(Said, State),
    /// The process was killed.
    Killed(Place),
}

/// A running process.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    /// The place at which the process kills itself, if the process has reported one. Another thread may write a line
    /// between this report and the kill.
    ends: Option<Place>,
}

impl Process {
    /// Starts a phone's process. Records in `passed` which places the process has passed.
    ///
    /// # Errors
    /// `Stuck` when the process does not respond in time. `Broken` when the process can't be started, ends without the
    /// kill that `aim` sets, or reports something unexpected.
    pub(crate) async fn start(
        phone: &Surroundings,
        aim: Option<&Aim>,
        further: &[&str],
        passed: &mut Vec<Place>,
    ) -> Result<Started, Fault> {
        let mut command = Command::new(&phone.program);
        command.arg("phone").arg("--home").arg(&phone.home).arg("--relay").arg(&phone.relay);
        command.arg("--ca").arg(&phone.ca).arg("--ahead").arg(phone.ahead.to_string()).args(further);
        if let Some(aim) = aim {
            command.arg("--aim").arg(serde_json::to_string(aim).map_err(Fault::broken)?);
        }
        let log = log(&phone.home)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true);
        let mut child = command.spawn().map_err(Fault::broken)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Fault::Broken("the phone's process has no pipes".to_owned()));
        };
        let mut process = Self { child, input, lines: BufReader::new(output).lines(), ends: None };
        match process.next(passed).await? {
            Next::Line(Line::Open(state)) => Ok(Started::Open(Box::new(process), state)),
            Next::Line(Line::Shut(why)) => Ok(Started::Shut(why)),
            Next::Line(other) => Err(Fault::Broken(format!("the phone's process first reported {other:?}"))),
            Next::Killed(place) => Ok(Started::Killed(place)),
        }
    }

    /// Gives an order and waits for its result.
    ///
    /// # Errors
    /// `Stuck` when the process does not respond in time. `Broken` when the process ends without a planned kill, or
    /// reports something unexpected.
    pub(crate) async fn ask(&mut self, order: &Order, passed: &mut Vec<Place>) -> Result<Heard, Fault> {
        let text = serde_json::to_string(order).map_err(Fault::broken)?;
        // The write fails if the process was just killed. The last line of the process then reports the kill.
        let _killed = self.input.write_all(format!("{text}\n").as_bytes()).await;
        match self.next(passed).await? {
            Next::Line(Line::Answer(said, state)) => Ok(Heard::Said(said, state)),
            Next::Line(other) => Err(Fault::Broken(format!("the phone's process replied to {order:?} with {other:?}"))),
            Next::Killed(place) => Ok(Heard::Killed(place)),
        }
    }

    /// Kills the process from outside, as the platform does with an app in the background.
    pub(crate) async fn end(mut self, passed: &mut Vec<Place>) {
        let _ended = self.child.kill().await;
        while let Ok(Some(line)) = self.lines.next_line().await {
            if let Ok(Line::Passed(place)) = serde_json::from_str(&line) {
                passed.push(place);
            }
        }
    }

    async fn next(&mut self, passed: &mut Vec<Place>) -> Result<Next, Fault> {
        tokio::time::timeout(PATIENCE, self.read(passed))
            .await
            .map_err(|_late| Fault::Stuck("the phone's process does not respond".to_owned()))?
    }

    async fn read(&mut self, passed: &mut Vec<Place>) -> Result<Next, Fault> {
        while let Some(line) = self.lines.next_line().await.map_err(Fault::broken)? {
            match serde_json::from_str(&line).map_err(Fault::broken)? {
                Line::Passed(place) => passed.push(place),
                Line::Ends(place) => self.ends = Some(place),
                other => return Ok(Next::Line(other)),
            }
        }
        let status = self.child.wait().await.map_err(Fault::broken)?;
        match self.ends.take() {
            Some(place) if status.signal() == Some(SIGKILL) => Ok(Next::Killed(place)),
            Some(_) | None => {
                Err(Fault::Broken(format!("the phone's process ended without the planned kill: {status}")))
            }
        }
    }
}

enum Next {
    Line(Line),
    Killed(Place),
}

/// Opens the phone's log file, which is next to the phone's folder.
fn log(home: &Path) -> Result<std::fs::File, Fault> {
    let path = home.with_extension("log");
    std::fs::File::options().create(true).append(true).open(path).map_err(Fault::broken)
}
