//! Runs the interop tests in a virtual environment: stock libraries read our messages, and a phone that is written with
//! these libraries uses the real service.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::process::Command;

use crate::count::Count;
use crate::report::{root, run, say};
use crate::tools::{cache, install};
use crate::world::World;

/// Runs the tests. The Rust tests must run first, because they write files that these tests read.
pub(crate) fn test(count: &mut Count) -> std::io::Result<bool> {
    let Some(python) = environment()? else {
        say("No virtual environment can be made here; on Debian: apt-get install python3-venv");
        return Ok(false);
    };
    let arguments = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/interop"];
    let world = World::start(&[])?;
    let output = Command::new(python)
        .args(arguments)
        .current_dir(root())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("COUNTERSIGN_WORLD", world.control())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let closing = text.lines().last().unwrap_or_default();
    if !output.status.success() {
        say(&text);
    }
    say(closing);
    add(count, closing);
    Ok(output.status.success())
}

/// Returns the Python interpreter of a virtual environment with the pinned packages. The environment is made once and
/// cached.
fn environment() -> std::io::Result<Option<PathBuf>> {
    let pins = root().join("tests/interop/requirements.txt");
    let mut hasher = DefaultHasher::new();
    fs::read(&pins)?.hash(&mut hasher);
    let folder = cache().unwrap_or_else(|| root().join("target")).join(format!("interop-{:016x}", hasher.finish()));
    let (python, ready) = (folder.join("bin/python"), folder.join("ready"));
    if !ready.exists() {
        let _absent = fs::remove_dir_all(&folder);
        let place = folder.to_string_lossy().into_owned();
        let make = || run("python3", &["-m", "venv", "--clear", &place], &[]).unwrap_or(false);
        if !make() {
            install(&["python3", "python3-venv"])?;
            if !make() {
                return Ok(None);
            }
        }
        let (program, pins) = (python.to_string_lossy().into_owned(), pins.to_string_lossy().into_owned());
        let arguments = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", &pins];
        if !run(&program, &arguments, &[])? {
            return Ok(None);
        }
        fs::write(ready, "")?;
    }
    Ok(Some(python))
}

/// Adds the numbers of pytest's last line: `3 failed, 1177 passed, 1 skipped in 1.03s`.
fn add(count: &mut Count, closing: &str) {
    for part in closing.split(" in ").next().unwrap_or_default().split(", ") {
        let Some((number, what)) = part.trim().split_once(' ') else { continue };
        let number = number.parse::<usize>().unwrap_or(0);
        match what {
            "passed" => count.passed = count.passed.saturating_add(number),
            "failed" | "error" | "errors" => count.failed = count.failed.saturating_add(number),
            "skipped" => count.skipped = count.skipped.saturating_add(number),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pytest_summary_is_added() {
        let mut count = Count::default();
        add(&mut count, "2 failed, 1177 passed, 1 skipped, 3 warnings, 1 error in 1.03s");
        assert_eq!(count, Count { passed: 1177, failed: 3, skipped: 1 });
    }
}
