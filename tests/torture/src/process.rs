//! A phone's process, as the harness holds it: what it is told, what it says, and how it ended.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::fault::Fault;
use crate::orders::{Aim, Line, Order, Place, Said, State};

const SIGKILL: i32 = 9;
/// Longer than any single order takes, with the core's own time limits.
const PATIENCE: Duration = Duration::from_secs(75);

/// Where a phone lives and what surrounds it.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    /// The program.
    pub program: PathBuf,
    /// Its private folder.
    pub home: PathBuf,
    /// The relay.
    pub relay: String,
    /// The authority's certificate, a file.
    pub ca: PathBuf,
    /// How many seconds its clock is ahead.
    pub ahead: u64,
}

/// What its start leads to.
#[derive(Debug)]
pub(crate) enum Started {
    /// It is open.
    Open(Box<Process>, State),
    /// It says why it can't be.
    Shut(String),
    /// It was killed before.
    Killed(Place),
}

/// What an order leads to.
#[derive(Debug)]
pub(crate) enum Heard {
    /// An answer.
    Said(Said, State),
    /// It was killed.
    Killed(Place),
}

/// The process.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    /// Where it said that it ends. What another thread says in the instant before it does may still follow.
    ends: Option<Place>,
}

impl Process {
    /// Starts a phone; places that it passes are added to `passed`.
    ///
    /// # Errors
    /// `Stuck`; `Broken` when it ends otherwise than by the kill that was asked for.
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
            return Err(Fault::Broken("a process without pipes".to_owned()));
        };
        let mut process = Self { child, input, lines: BufReader::new(output).lines(), ends: None };
        match process.next(passed).await? {
            Next::Line(Line::Open(state)) => Ok(Started::Open(Box::new(process), state)),
            Next::Line(Line::Shut(why)) => Ok(Started::Shut(why)),
            Next::Line(other) => Err(Fault::Broken(format!("a phone that starts says {other:?}"))),
            Next::Killed(place) => Ok(Started::Killed(place)),
        }
    }

    /// Gives an order and waits for what comes of it.
    ///
    /// # Errors
    /// As `start`.
    pub(crate) async fn ask(&mut self, order: &Order, passed: &mut Vec<Place>) -> Result<Heard, Fault> {
        let text = serde_json::to_string(order).map_err(Fault::broken)?;
        // A process that was killed in between takes nothing; what it said last says so.
        let _killed = self.input.write_all(format!("{text}\n").as_bytes()).await;
        match self.next(passed).await? {
            Next::Line(Line::Answer(said, state)) => Ok(Heard::Said(said, state)),
            Next::Line(other) => Err(Fault::Broken(format!("{order:?} is answered by {other:?}"))),
            Next::Killed(place) => Ok(Heard::Killed(place)),
        }
    }

    /// Ends it as a platform ends an app that nobody looks at.
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
            .map_err(|_late| Fault::Stuck("the phone does not answer".to_owned()))?
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
            Some(_) | None => Err(Fault::Broken(format!("the phone ended by itself: {status}"))),
        }
    }
}

enum Next {
    Line(Line),
    Killed(Place),
}

/// What the phone logs, beside its folder.
fn log(home: &Path) -> Result<std::fs::File, Fault> {
    let path = home.with_extension("log");
    std::fs::File::options().create(true).append(true).open(path).map_err(Fault::broken)
}
