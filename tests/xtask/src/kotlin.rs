//! The Kotlin tests, by Maven.

use std::fs;
use std::path::PathBuf;

use crate::bench;
use crate::count::Count;
use crate::report::{root, run};
use crate::world::World;

fn reports() -> PathBuf {
    root().join("target/android/authenticator/surefire-reports")
}

/// Runs them against a world of their own.
pub(crate) fn test(count: &mut Count) -> std::io::Result<bool> {
    // Reports of an earlier run would be counted as this one's.
    let _absent = fs::remove_dir_all(reports());
    let world = World::start(&[])?;
    // Warnings of JNA's loader and of Maven's own start are not about the tests.
    let arguments =
        ["-q", "-B", "-Dstyle.color=never", "-f", "android/pom.xml", "-Dkotlin.compiler.daemon=false", "test"];
    let good = run("mvn", &arguments, &[("COUNTERSIGN_WORLD", world.control())])?;
    add_reports(count)?;
    Ok(good)
}

/// Milliseconds of approvals, as an app in Kotlin has them.
pub(crate) fn approvals(world: &World, count: usize) -> std::io::Result<Vec<f64>> {
    let output = root().join("target/android/approvals.txt").to_string_lossy().into_owned();
    let properties = [format!("-Dapprovals.count={count}"), format!("-Dapprovals.output={output}")];
    let arguments = [
        "-q",
        "-B",
        "-Dstyle.color=never",
        "-f",
        "android/pom.xml",
        "-Dkotlin.compiler.daemon=false",
        "-Dtest=Approvals",
    ];
    let optional = ["-Dsurefire.failIfNoSpecifiedTests=false", "test"];
    let all: Vec<&str> = arguments.into_iter().chain(properties.iter().map(String::as_str)).chain(optional).collect();
    if !run("mvn", &all, &[("COUNTERSIGN_WORLD", world.control())])? {
        return Err(std::io::Error::other("the Kotlin approvals failed"));
    }
    bench::times(&fs::read_to_string(output)?)
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

/// Adds one suite's numbers: attributes of the first element of Surefire's report.
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
    fn a_report_is_added() {
        let mut count = Count::default();
        let report =
            r#"<?xml version="1.0"?><testsuite name="A" time="1" tests="7" errors="1" skipped="2" failures="1"><x/>"#;
        add_report(&mut count, report);
        assert_eq!(count, Count { passed: 3, failed: 2, skipped: 2 });
    }
}
