//! Checks the guards: lines of code that stop an attack. Each guard is marked in the source with the tests that fail
//! without this guard.
//!
//! `cargo xtask guards` removes each guard (see `marks`) in a copy of the project, and every test that the mark names
//! must fail. This finds tests that pass without the guard that they should test. The command takes an hour.
//! `cargo xtask check` only checks that each mark can be parsed, names existing tests, and is listed in
//! `core/docs/threats.md`.

mod marks;
mod targets;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::report::{cargo, command, root, say};
use marks::Mark;
use targets::Targets;

/// The folders that may contain guards.
const FOLDERS: [&str; 3] = ["core/src", "tests/service/src", "tests/service/templates"];
/// The document that lists all guards.
const LIST: &str = "core/docs/threats.md";
/// Time limit for a build and one test. A test that takes longer counts as hanging, not as failing.
const TIMEOUT: Duration = Duration::from_secs(600);

/// A marked guard and its file.
struct Guard {
    file: String,
    mark: Mark,
}

/// The result of a test without its guard.
#[derive(PartialEq, Eq)]
enum Outcome {
    Fails,
    StillPasses,
    DoesNotCompile,
    Hangs,
}

fn tracked(folders: &[&str]) -> io::Result<Vec<String>> {
    let arguments = ["ls-files", "--cached", "--others", "--exclude-standard", "--"];
    let listed = Command::new("git").args(arguments).args(folders).current_dir(root()).output()?;
    Ok(String::from_utf8_lossy(&listed.stdout).lines().map(str::to_owned).collect())
}

fn guards() -> io::Result<Vec<Guard>> {
    let mut guards = Vec::new();
    for file in tracked(&FOLDERS)? {
        let text = fs::read_to_string(root().join(&file))?;
        let marks = marks::find(&text).map_err(|fault| io::Error::other(format!("{file}, {fault}")))?;
        guards.extend(marks.into_iter().map(|mark| Guard { file: file.clone(), mark }));
    }
    Ok(guards)
}

/// Checks that every mark can be parsed, that its file is valid Rust without the guard, that the tests exist, and that
/// the guard is listed.
pub(crate) fn check() -> io::Result<bool> {
    let (guards, targets) = (guards()?, Targets::read(&tracked(&[])?)?);
    let mut faults = Vec::new();
    let mut names = BTreeSet::new();
    for Guard { file, mark } in &guards {
        let place = format!("{file}, line {}: {}", mark.line, mark.name);
        if !names.insert(mark.name.clone()) {
            faults.push(format!("{place} is marked twice"));
        }
        let changed = marks::without(&fs::read_to_string(root().join(file))?, mark);
        if !changed.is_some_and(|text| !file.ends_with(".rs") || syn::parse_file(&text).is_ok()) {
            faults.push(format!("{place} can't be removed; add an INSTEAD line"));
        }
        faults.extend(mark.tests.iter().filter_map(|test| Some(format!("{place}: {}", targets.of(test).err()?))));
    }
    let listed = listed(&fs::read_to_string(root().join(LIST))?);
    faults.extend(names.difference(&listed).map(|name| format!("{LIST} does not list {name}")));
    faults.extend(listed.difference(&names).map(|name| format!("{LIST} lists {name}, which is not marked anywhere")));
    faults.iter().for_each(|fault| say(fault));
    say(&format!("{} guards marked", guards.len()));
    Ok(faults.is_empty() && !guards.is_empty())
}

/// Returns the first cell of each table row below the heading `Guards`.
fn listed(text: &str) -> BTreeSet<String> {
    let list = text.split_once("\n## Guards\n").map_or("", |(_, list)| list);
    let rows = list.lines().take_while(|line| !line.starts_with("## ")).filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| Some(row.split_once('`')?.0.to_owned())).collect()
}

/// Removes the guards whose name contains `only`, one at a time, and prints the results of the guard's tests.
pub(crate) fn run(only: &str) -> io::Result<bool> {
    if !check()? {
        return Ok(false);
    }
    let (copy, targets) = (root().join("target/guards"), Targets::read(&tracked(&[])?)?);
    copy_project(&copy)?;
    // The copy has its own target folder, so that its builds don't mix with the builds of the project.
    say("Building the copy; the first time this takes some minutes.");
    let build = ["test", "--quiet", "--workspace", "--no-run"];
    if !command(&cargo()).args(build).current_dir(&copy).status()?.success() {
        return Ok(false);
    }
    let guards: Vec<Guard> = guards()?.into_iter().filter(|guard| guard.mark.name.contains(only)).collect();
    let (mut shown, mut tried) = (0_usize, 0_usize);
    for guard in &guards {
        for test in &guard.mark.tests {
            let started = Instant::now();
            let outcome = without(&copy, guard, test, &targets)?;
            let verdict = match outcome {
                Outcome::Fails => "its test fails",
                Outcome::StillPasses => "ITS TEST STILL PASSES",
                Outcome::DoesNotCompile => "DOES NOT COMPILE",
                Outcome::Hangs => "HANGS",
            };
            say(&format!("{verdict} ({} s): {} — {test}", started.elapsed().as_secs(), guard.mark.name));
            shown = shown.saturating_add(usize::from(outcome == Outcome::Fails));
            tried = tried.saturating_add(1);
        }
    }
    say(&format!("{} guards; {shown} of {tried} tests fail without their guard", guards.len()));
    Ok(shown == tried && shown > 0)
}

/// Copies all files of the project that git does not ignore. Unchanged files are not written again, so that cargo
/// rebuilds little.
fn copy_project(copy: &Path) -> io::Result<()> {
    for name in tracked(&[])? {
        let (from, to) = (root().join(&name), copy.join(&name));
        let content = fs::read(&from)?;
        if fs::read(&to).ok().as_ref() != Some(&content) {
            fs::create_dir_all(to.parent().unwrap_or(copy))?;
            fs::write(&to, content)?;
            fs::set_permissions(&to, fs::metadata(&from)?.permissions())?;
        }
    }
    Ok(())
}

fn without(copy: &Path, guard: &Guard, test: &str, targets: &Targets) -> io::Result<Outcome> {
    let file = copy.join(&guard.file);
    let whole = fs::read_to_string(&file)?;
    let Some(changed) = marks::without(&whole, &guard.mark) else {
        return Ok(Outcome::DoesNotCompile);
    };
    fs::write(&file, changed)?;
    let outcome = run_test(copy, &targets.of(test).map_err(io::Error::other)?);
    fs::write(&file, whole)?;
    outcome
}

fn run_test(copy: &Path, arguments: &[String]) -> io::Result<Outcome> {
    let log = log();
    let said = File::create(&log)?;
    let mut test = command(&cargo());
    test.args(["test", "--quiet"]).args(arguments).current_dir(copy);
    let mut child = test.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said).spawn()?;
    let started = Instant::now();
    while child.try_wait()?.is_none() {
        if started.elapsed() > TIMEOUT {
            child.kill()?;
            child.wait()?;
            return Ok(Outcome::Hangs);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let said = fs::read_to_string(&log)?;
    Ok(if said.contains("could not compile") {
        Outcome::DoesNotCompile
    } else if said.contains("test result: FAILED") {
        Outcome::Fails
    } else {
        Outcome::StillPasses
    })
}

/// The file with the output of the last `cargo test`.
fn log() -> PathBuf {
    root().join("target/guards.log")
}
