//! Runs the Swift tests in a separate Debian root file system with Swift 6.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bindings;
use crate::count::Count;
use crate::report::{output_of, root as project, run, say};
use crate::tools::{cache, is_root};
use crate::world::World;

/// When this number changes, every machine makes a new root file system.
const ROOT_VERSION: &str = "1";

fn script(name: &str) -> String {
    project().join("tests/xtask/swift").join(name).to_string_lossy().into_owned()
}

/// Returns the root file system with Swift, or the reason why it can't be made here. The root file system is made once
/// and cached.
pub(crate) fn root() -> std::io::Result<Result<PathBuf, String>> {
    let needs = "a root file system with Swift needs debootstrap, the user root on Debian, and the right to mount";
    let Some(cache) = cache() else { return Ok(Err("no cache folder".to_owned())) };
    let (folder, ready) =
        (cache.join(format!("swift-root-{ROOT_VERSION}")), cache.join(format!("swift-root-{ROOT_VERSION}.ready")));
    if ready.exists() && folder.exists() && may_mount() {
        return Ok(Ok(folder));
    }
    if !is_root() || !Path::new("/usr/bin/apt-get").exists() || !may_mount() {
        return Ok(Err(needs.to_owned()));
    }
    say("Making a root file system with Swift 6 once (about two minutes, 1.3 GB in the cache folder).");
    fs::create_dir_all(&cache)?;
    let place = folder.to_string_lossy().into_owned();
    if !run(&script("make-root.sh"), &[&place], &[])? {
        return Ok(Err(needs.to_owned()));
    }
    fs::write(ready, "")?;
    Ok(Ok(folder))
}

/// Whether this process may mount file systems; some containers don't allow this.
fn may_mount() -> bool {
    let arguments = ["--mount", "--propagation", "private", "mount", "-t", "tmpfs", "tmpfs", "/mnt"];
    Command::new("unshare").args(arguments).output().is_ok_and(|output| output.status.success())
}

/// Runs the tests against a new `World`, and adds their results to `count`.
pub(crate) fn test(count: &mut Count) -> std::io::Result<bool> {
    let world = World::start(&[])?;
    let lint = ["swift", "format", "lint", "--strict", "--recursive", "Package.swift", "Sources", "Tests"];
    let well_formed = inside(&world, &lint)?.status()?.success();
    let arguments = ["swift", "test", "--quiet", "--disable-swift-testing"];
    let output = inside(&world, &arguments)?.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        say(&format!("{text}\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    text.lines().for_each(|line| add(count, line));
    Ok(well_formed && output.status.success())
}

/// Measures `count` approvals from Swift; returns the milliseconds of each approval, one per line.
pub(crate) fn approvals(world: &World, configuration: &str, count: usize) -> std::io::Result<String> {
    let arguments = ["swift", "run", "-c", configuration, "ApprovalsProcess", &count.to_string()];
    output_of(&mut inside(world, &arguments)?)
}

/// Copies the generated code, and makes a command that runs in the package's folder inside the root file system.
fn inside(world: &World, arguments: &[&str]) -> std::io::Result<Command> {
    let root = root()?.map_err(std::io::Error::other)?;
    place_generated()?;
    let mut command = Command::new(script("run-inside.sh"));
    command
        .args([root.as_path(), &project()])
        .args(["env", "-C", "ios"])
        .args(arguments)
        .env("COUNTERSIGN_WORLD", world.control())
        .env("COUNTERSIGN_LIBRARY_DIR", project().join("target/mobile/app"))
        .env("COUNTERSIGN_VECTORS", project().join("tests/vectors"));
    Ok(command)
}

/// Copies the generated sources into the package, because SwiftPM requires this. The copies are not committed.
fn place_generated() -> std::io::Result<()> {
    let (from, to) = (bindings::generated(), project().join("ios/.build-generated"));
    for (source, target) in [
        ("swift/CountersignCore.swift", "CountersignCore/CountersignCore.swift"),
        ("swift/CountersignCoreFFI.h", "CountersignCoreFFI/CountersignCoreFFI.h"),
        ("swift/module.modulemap", "CountersignCoreFFI/module.modulemap"),
        ("swift-of-another-version/CountersignCore.swift", "CountersignOtherVersion/CountersignCore.swift"),
    ] {
        let (text, target) = (fs::read(from.join(source))?, to.join(target));
        // An unchanged file is not written, so that it is not compiled again.
        if fs::read(&target).is_ok_and(|there| there == text) {
            continue;
        }
        fs::create_dir_all(target.parent().unwrap_or(&to))?;
        fs::write(target, text)?;
    }
    Ok(())
}

/// Adds a line in which XCTest reports the end of a test: `Test Case 'A.testB' passed (0.1 seconds)`.
fn add(count: &mut Count, line: &str) {
    if !line.starts_with("Test Case ") {
        return;
    }
    for (end, number) in
        [("' passed (", &mut count.passed), ("' failed (", &mut count.failed), ("' skipped (", &mut count.skipped)]
    {
        if line.contains(end) {
            *number = number.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xctest_results_are_added() {
        let mut count = Count::default();
        for line in [
            "Test Case 'JourneyTests.testIt' started at 2026-11-23 12:00:00.000",
            "Test Case 'JourneyTests.testIt' passed (4.1 seconds)",
            "Test Case 'StepsTests.testIt' failed (0.1 seconds)",
            "Test Case 'StepsTests.testThat' skipped (0.1 seconds)",
            "Executed 3 tests, with 1 failure (0 unexpected) in 4.2 (4.2) seconds",
        ] {
            add(&mut count, line);
        }
        assert_eq!(count, Count { passed: 1, failed: 1, skipped: 1 });
    }
}
