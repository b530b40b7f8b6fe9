//! Guards: lines that defend against an attack, each marked in place with the tests that fail without it.
//!
//! `cargo xtask guards` makes the change of each mark (see `marks`) in a copy of the project, and every test that the
//! mark names must fail. A test that passes without the line that it is for shows nothing; this finds such tests. It
//! takes an hour, so it is a command of its own; `cargo xtask check` checks that each mark can be read, has tests,
//! and is listed in `core/docs/threats.md`.

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

/// Where guards stand.
const FOLDERS: [&str; 3] = ["core/src", "tests/service/src", "tests/service/templates"];
/// The list of guards for readers.
const LIST: &str = "core/docs/threats.md";
/// A build and one test; more is a test that hangs, and shows nothing.
const PATIENCE: Duration = Duration::from_secs(600);

/// A marked guard and the file that it stands in.
struct Guard {
    file: String,
    mark: Mark,
}

/// What became of a test when the guard was out.
#[derive(PartialEq, Eq)]
enum Told {
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

/// Every mark can be read, its change is Rust, its tests are there, and it is listed.
pub(crate) fn check() -> io::Result<bool> {
    let (guards, targets) = (guards()?, Targets::read(&tracked(&[])?)?);
    let mut faults = Vec::new();
    let mut names = BTreeSet::new();
    for Guard { file, mark } in &guards {
        let place = format!("{file}, line {}: {}", mark.line, mark.name);
        if !names.insert(mark.name.clone()) {
            faults.push(format!("{place} stands twice"));
        }
        let changed = marks::without(&fs::read_to_string(root().join(file))?, mark);
        if !changed.is_some_and(|text| !file.ends_with(".rs") || syn::parse_file(&text).is_ok()) {
            faults.push(format!("{place} can't be taken out; say what stands INSTEAD"));
        }
        faults.extend(mark.tests.iter().filter_map(|test| Some(format!("{place}: {}", targets.of(test).err()?))));
    }
    let listed = listed(&fs::read_to_string(root().join(LIST))?);
    faults.extend(names.difference(&listed).map(|name| format!("{LIST} does not list {name}")));
    faults.extend(listed.difference(&names).map(|name| format!("{LIST} lists {name}, which is no mark")));
    faults.iter().for_each(|fault| say(fault));
    say(&format!("{} guards marked", guards.len()));
    Ok(faults.is_empty() && !guards.is_empty())
}

/// The first cell of each row below the heading `Guards`.
fn listed(text: &str) -> BTreeSet<String> {
    let list = text.split_once("\n## Guards\n").map_or("", |(_, list)| list);
    let rows = list.lines().take_while(|line| !line.starts_with("## ")).filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| Some(row.split_once('`')?.0.to_owned())).collect()
}

/// Takes out each guard whose name contains `only`, and says what its tests do then.
pub(crate) fn run(only: &str) -> io::Result<bool> {
    if !check()? {
        return Ok(false);
    }
    let (copy, targets) = (root().join("target/guards"), Targets::read(&tracked(&[])?)?);
    copy_project(&copy)?;
    // The copy has a target folder of its own: cargo would take its builds for the project's.
    say("Building the copy; the first time that takes minutes.");
    let build = ["test", "--quiet", "--workspace", "--no-run"];
    if !command(&cargo()).args(build).current_dir(&copy).status()?.success() {
        return Ok(false);
    }
    let guards: Vec<Guard> = guards()?.into_iter().filter(|guard| guard.mark.name.contains(only)).collect();
    let (mut shown, mut tried) = (0_usize, 0_usize);
    for guard in &guards {
        for test in &guard.mark.tests {
            let started = Instant::now();
            let told = without(&copy, guard, test, &targets)?;
            let verdict = match told {
                Told::Fails => "its test fails",
                Told::StillPasses => "ITS TEST STILL PASSES",
                Told::DoesNotCompile => "DOES NOT COMPILE",
                Told::Hangs => "HANGS",
            };
            say(&format!("{verdict} ({} s): {} — {test}", started.elapsed().as_secs(), guard.mark.name));
            shown = shown.saturating_add(usize::from(told == Told::Fails));
            tried = tried.saturating_add(1);
        }
    }
    say(&format!("{} guards; {shown} of {tried} tests fail without theirs", guards.len()));
    Ok(shown == tried && shown > 0)
}

/// What git knows and would know, with the files' own content only where it differs, so that little is built again.
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

fn without(copy: &Path, guard: &Guard, test: &str, targets: &Targets) -> io::Result<Told> {
    let file = copy.join(&guard.file);
    let whole = fs::read_to_string(&file)?;
    let Some(changed) = marks::without(&whole, &guard.mark) else {
        return Ok(Told::DoesNotCompile);
    };
    fs::write(&file, changed)?;
    let told = run_test(copy, &targets.of(test).map_err(io::Error::other)?);
    fs::write(&file, whole)?;
    told
}

fn run_test(copy: &Path, arguments: &[String]) -> io::Result<Told> {
    let log = log();
    let said = File::create(&log)?;
    let mut test = command(&cargo());
    test.args(["test", "--quiet"]).args(arguments).current_dir(copy);
    let mut child = test.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said).spawn()?;
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
