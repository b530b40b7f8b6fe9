//! Runs the tests of all languages, prints their output as it arrives, and prints one total.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Instant;

use crate::count::Count;
use crate::report::{cargo, command, is_ci, run as run_command, say};
use crate::{bench, bindings, kotlin, python, set_up, swift};

/// One of the parts after the Rust tests: the tests of another language, or the build of the library.
type Part = fn(&mut Count) -> std::io::Result<bool>;

/// Installs the tools, runs every test, and prints the total as the last line.
pub(crate) fn run() -> std::io::Result<bool> {
    let started = Instant::now();
    let missing = set_up::everything()?;
    say(&format!("── set-up ({} s)", started.elapsed().as_secs()));
    let mut count = Count::default();
    for part in &missing {
        say(&format!("SKIPPED {}: {}", part.part, part.reason));
        count.skipped = count.skipped.saturating_add(1);
    }
    let variables: Vec<(&str, &str)> = missing.iter().map(|part| (part.variable, part.reason.as_str())).collect();
    let is_there = |part: &str| missing.iter().all(|missing| missing.part != part);
    let mut good = counted("build", &mut count, |_nothing| build(&variables))?
        && counted("rust, with browser and relying party", &mut count, |count| run_rust(&variables, count))?;
    // Python reads files that the Rust tests have written; Kotlin and Swift need a real browser.
    let others: [(&str, Part); 4] =
        [("python", python::test), ("library", library), ("kotlin", kotlin::test), ("swift", swift::test)];
    for (name, part) in others {
        let needs_browser = matches!(name, "kotlin" | "swift");
        if is_there(name) && (is_there("browser") || !needs_browser) {
            good &= counted(name, &mut count, part)?;
        } else if is_there(name) {
            say(&format!("SKIPPED {name}: it needs the browser"));
            count.skipped = count.skipped.saturating_add(1);
        }
    }
    if is_ci() && missing.is_empty() {
        // The figures mean nothing here: this only shows that the command works.
        good &= counted("bench, short form", &mut count, |_nothing| bench::run_short())?;
    }
    good &= count.failed == 0 && count.passed > 0 && !(is_ci() && count.skipped > 0);
    say(&format!("── everything ({} s)", started.elapsed().as_secs()));
    if is_ci() && count.skipped > 0 {
        say("In CI nothing may be skipped.");
    }
    say(&count.to_string());
    Ok(good)
}

/// Runs a part, and prints its results and its time.
fn counted(
    name: &str,
    count: &mut Count,
    part: impl FnOnce(&mut Count) -> std::io::Result<bool>,
) -> std::io::Result<bool> {
    let (started, before) = (Instant::now(), *count);
    let good = part(count)?;
    if !good && count.failed == before.failed {
        // A failure that no test line reports, for example of a build, counts as one failed test.
        count.failed = count.failed.saturating_add(1);
    }
    say(&format!("── {name}: {} ({} s)", count.since(before), started.elapsed().as_secs()));
    Ok(good)
}

fn library(_nothing_to_count: &mut Count) -> std::io::Result<bool> {
    bindings::build()
}

fn build(variables: &[(&str, &str)]) -> std::io::Result<bool> {
    run_command(&cargo(), &["test", "--quiet", "--workspace", "--no-run"], variables)
}

fn run_rust(variables: &[(&str, &str)], count: &mut Count) -> std::io::Result<bool> {
    let mut child = command(&cargo())
        .args(["test", "--workspace", "--no-fail-fast"])
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            let line = line?;
            add(count, &line);
            say(&line);
        }
    }
    Ok(child.wait()?.success())
}

/// Adds the numbers of a result line of libtest. Counts a line in which a test reports that it was skipped.
fn add(count: &mut Count, line: &str) {
    if line.starts_with("SKIPPED ") {
        count.skipped = count.skipped.saturating_add(1);
    }
    let Some(result) = line.strip_prefix("test result: ") else {
        return;
    };
    for part in result.split([';', '.']) {
        let mut words = part.split_whitespace();
        let (Some(number), Some(what)) = (words.next().and_then(|number| number.parse::<usize>().ok()), words.next())
        else {
            continue;
        };
        match what {
            "passed" => count.passed = count.passed.saturating_add(number),
            "failed" => count.failed = count.failed.saturating_add(number),
            "ignored" => count.skipped = count.skipped.saturating_add(number),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libtest_results_are_summed() {
        let mut count = Count::default();
        for line in [
            "running 3 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.10s",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 5 filtered out; finished in 9.10s",
            "SKIPPED browser: not installed",
        ] {
            add(&mut count, line);
        }
        assert_eq!(count, Count { passed: 4, failed: 2, skipped: 2 });
    }
}
