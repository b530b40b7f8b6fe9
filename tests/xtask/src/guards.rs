//! Each guard of `tests/guards.json` is taken out of a copy of the project, and its test must fail.
//!
//! A test that passes without the line that it is for shows nothing; this finds such tests. It takes an hour, so it is
//! a command of its own; `cargo xtask check` sees only to it that every guard still stands where the list says.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::report::{cargo, command, root, say};

const LIST: &str = "tests/guards.json";
/// A build and one test; more is a test that hangs, and shows nothing.
const PATIENCE: Duration = Duration::from_secs(600);

/// One line of ours that stands against one attack.
struct Guard {
    attack: String,
    file: String,
    guard: String,
    without: String,
    package: String,
    target: String,
    test: String,
}

/// What became of the test when the guard was out.
#[derive(PartialEq, Eq)]
enum Told {
    Fails,
    StillPasses,
    DoesNotCompile,
    Hangs,
}

fn list() -> io::Result<Vec<Guard>> {
    let entries: Value = serde_json::from_str(&fs::read_to_string(root().join(LIST))?)?;
    entries.as_array().into_iter().flatten().map(read).collect()
}

fn read(entry: &Value) -> io::Result<Guard> {
    let text = |name: &str| {
        let found = entry.get(name).and_then(Value::as_str).map(str::to_owned);
        found.ok_or_else(|| io::Error::other(format!("an entry of {LIST} has no {name}")))
    };
    Ok(Guard {
        attack: text("attack")?,
        file: text("file")?,
        guard: text("guard")?,
        without: text("without")?,
        package: text("package")?,
        target: text("target")?,
        test: text("test")?,
    })
}

/// Every listed guard stands in its file, once.
pub(crate) fn check() -> io::Result<bool> {
    let mut good = true;
    let guards = list()?;
    for guard in &guards {
        let found = fs::read_to_string(root().join(&guard.file))?.matches(&guard.guard).count();
        if found != 1 {
            say(&format!("{}: its guard stands {found} times in {}", guard.attack, guard.file));
            good = false;
        }
    }
    say(&format!("{} guards listed", guards.len()));
    Ok(good && !guards.is_empty())
}

/// Takes out each guard whose attack contains `only`, and says what its test does then.
pub(crate) fn run(only: &str) -> io::Result<bool> {
    if !check()? {
        return Ok(false);
    }
    let copy = root().join("target/guards");
    copy_project(&copy)?;
    // The copy has a target folder of its own: cargo would take its builds for the project's.
    say("Building the copy; the first time that takes minutes.");
    if !command(&cargo()).args(["test", "--quiet", "--workspace", "--no-run"]).current_dir(&copy).status()?.success() {
        return Ok(false);
    }
    let guards: Vec<Guard> = list()?.into_iter().filter(|guard| guard.attack.contains(only)).collect();
    let mut shown = 0_usize;
    for guard in &guards {
        let started = Instant::now();
        let told = without(&copy, guard)?;
        let verdict = match told {
            Told::Fails => "its test fails",
            Told::StillPasses => "ITS TEST STILL PASSES",
            Told::DoesNotCompile => "DOES NOT COMPILE",
            Told::Hangs => "HANGS",
        };
        say(&format!(
            "{verdict} ({} s): {} — {} {}",
            started.elapsed().as_secs(),
            guard.attack,
            guard.file,
            guard.test
        ));
        shown = shown.saturating_add(usize::from(told == Told::Fails));
    }
    say(&format!("{shown} of {} guards shown", guards.len()));
    Ok(shown == guards.len() && shown > 0)
}

/// What git knows and would know, with the files' own content only where it differs, so that little is built again.
fn copy_project(copy: &Path) -> io::Result<()> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()?;
    for name in String::from_utf8_lossy(&listed.stdout).lines() {
        let (from, to) = (root().join(name), copy.join(name));
        let content = fs::read(&from)?;
        if fs::read(&to).ok().as_ref() != Some(&content) {
            fs::create_dir_all(to.parent().unwrap_or(copy))?;
            fs::write(&to, content)?;
            fs::set_permissions(&to, fs::metadata(&from)?.permissions())?;
        }
    }
    Ok(())
}

fn without(copy: &Path, guard: &Guard) -> io::Result<Told> {
    let file = copy.join(&guard.file);
    let whole = fs::read_to_string(&file)?;
    fs::write(&file, whole.replace(&guard.guard, &guard.without))?;
    let told = test(copy, guard);
    fs::write(&file, whole)?;
    told
}

fn test(copy: &Path, guard: &Guard) -> io::Result<Told> {
    let log = log();
    let said = File::create(&log)?;
    let mut test = command(&cargo());
    test.args(["test", "--quiet", "--package", &guard.package]);
    match guard.target.as_str() {
        "lib" => test.arg("--lib"),
        target => test.args(["--test", target]),
    };
    let mut child =
        test.arg(&guard.test).current_dir(copy).stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said).spawn()?;
    let started = Instant::now();
    while child.try_wait()?.is_none() {
        if started.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Ok(Told::Hangs);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let said = fs::read_to_string(&log)?;
    Ok(if said.contains("could not compile") {
        Told::DoesNotCompile
    } else if said.contains("test result: FAILED") {
        Told::Fails
    } else {
        Told::StillPasses
    })
}

/// What cargo said of the last one.
fn log() -> PathBuf {
    root().join("target/guards.log")
}
