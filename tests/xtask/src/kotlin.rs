//! Runs the Kotlin tests with Maven.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::count::Count;
use crate::report::{root, say};
use crate::world::World;

fn reports() -> PathBuf {
    root().join("target/android/authenticator/surefire-reports")
}

/// Runs the tests against a new `World`, and adds their results to `count`.
pub(crate) fn test(count: &mut Count) -> std::io::Result<bool> {
    // Reports of an earlier run must not be counted.
    let _absent = fs::remove_dir_all(reports());
    let world = World::start(&[])?;
    let good = maven(&world, &["test"])?;
    add_reports(count)?;
    Ok(good)
}

/// Measures `count` approvals from Kotlin; returns the milliseconds of each approval, one per line. `generated`: another
/// folder with the generated code; see `bench::crossings`.
pub(crate) fn approvals(world: &World, count: usize, generated: Option<&Path>) -> std::io::Result<String> {
    let output = root().join("target/android/approvals.txt").to_string_lossy().into_owned();
    let generated = generated.map(|folder| format!("-Dgenerated.dir={}", folder.to_string_lossy()));
    let properties = [format!("-Dapprovals.count={count}"), format!("-Dapprovals.output={output}")];
    let properties: Vec<String> = properties.into_iter().chain(generated).collect();
    let named = ["-Dtest=Approvals", "-Dsurefire.failIfNoSpecifiedTests=false", "test"];
    let all: Vec<&str> = properties.iter().map(String::as_str).chain(named).collect();
    if !maven(world, &all)? {
        return Err(std::io::Error::other("the Kotlin approvals failed"));
    }
    fs::read_to_string(output)
}

/// Runs Maven against a `World`; prints Maven's output when Maven fails.
fn maven(world: &World, arguments: &[&str]) -> std::io::Result<bool> {
    let output = Command::new("mvn")
        .args(["-q", "-B", "-f", "android/pom.xml", "-Dkotlin.compiler.daemon=false"])
        .args(arguments)
        .current_dir(root())
        .env("COUNTERSIGN_WORLD", world.control())
        .output()?;
    if !output.status.success() {
        say(&format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)));
    }
    Ok(output.status.success())
}

fn add_reports(count: &mut Count) -> std::io::Result<()> {
    let Ok(entries) = fs::read_dir(reports()) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "xml") {
            add_report(count, &fs::read_to_string(path)?);
        }
    }
    Ok(())
}

/// Adds the numbers of one suite, which are attributes of the element `testsuite` in Surefire's report.
fn add_report(count: &mut Count, report: &str) {
    let suite =
        report.split_once("<testsuite ").and_then(|(_, rest)| rest.split_once('>')).map_or("", |(suite, _)| suite);
    let number = |name: &str| {
        let value = suite.split_once(&format!(" {name}=\"")).and_then(|(_, rest)| rest.split_once('"'));
        value.and_then(|(number, _)| number.parse::<usize>().ok()).unwrap_or(0)
    };
    let (failed, skipped) = (number("failures").saturating_add(number("errors")), number("skipped"));
    count.failed = count.failed.saturating_add(failed);
    count.skipped = count.skipped.saturating_add(skipped);
    count.passed = count.passed.saturating_add(number("tests").saturating_sub(failed).saturating_sub(skipped));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surefire_report_is_added() {
        let mut count = Count::default();
        let report =
            r#"<?xml version="1.0"?><testsuite name="A" time="1" tests="7" errors="1" skipped="2" failures="1"><x/>"#;
        add_report(&mut count, report);
        assert_eq!(count, Count { passed: 3, failed: 2, skipped: 2 });
    }
}
