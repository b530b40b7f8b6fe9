//! Measures sizes and times in one run on this machine, and writes the results to `target/bench.json`.

mod crossings;
mod figure;
mod sizes;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::report::{cargo, output_of, part, root, run, say};
use crate::world::World;
use crate::{bindings, kotlin, set_up, swift};
use figure::Figure;

/// How much is measured.
struct Plan {
    /// The cargo profile of the Rust programs, and the folder of its programs in `target`.
    profile: &'static str,
    folder: &'static str,
    /// The configuration of the Swift program.
    swift: &'static str,
    /// Number of measured approvals in each round. The same number of approvals of another person comes before them as a
    /// warm-up. The service starts at most twelve sign-ins of a known browser within ten minutes.
    approvals: usize,
    /// Number of rounds. Each round measures all languages, so that other load on the machine affects all of them.
    rounds: usize,
    /// Number of answers and openings of the core that are measured without a service.
    answers: usize,
}

const FULL: Plan =
    Plan { profile: "mobile", folder: "mobile", swift: "release", approvals: 10, rounds: 6, answers: 100 };
/// Only shows that the command works. Uses the programs that the tests have built.
const SHORT: Plan = Plan { profile: "dev", folder: "debug", swift: "debug", approvals: 2, rounds: 1, answers: 3 };

/// Measures everything, prints the results and writes them to a file. `short`: measures little, to show that the command
/// works.
pub(crate) fn run_all(short: bool) -> io::Result<bool> {
    let missing = set_up::everything()?;
    if let Some(missing) = missing.first() {
        say(&format!("Missing {}: {}", missing.part, missing.reason));
        return Ok(false);
    }
    let mut figures = Vec::new();
    if !short {
        // Built first, because the library with all features is used afterwards.
        if !part("library without pictures", bindings::build_without_pictures)? {
            return Ok(false);
        }
        figures.push(library_bytes("library_without_pictures_bytes")?);
    }
    if !part("library", bindings::build)? {
        return Ok(false);
    }
    figures.push(library_bytes("library_bytes")?);
    say("── symbols of the library by crate, in bytes");
    sizes::by_crate(&bindings::library())?.iter().for_each(|line| say(line));
    measure(if short { &SHORT } else { &FULL }, figures)
}

/// The short form, after the library was built for the tests.
pub(crate) fn run_short() -> io::Result<bool> {
    measure(&SHORT, vec![library_bytes("library_bytes")?])
}

fn measure(plan: &Plan, mut figures: Vec<Figure>) -> io::Result<bool> {
    figures.extend(approvals(plan)?);
    figures.extend(crossings::measure(plan.swift, plan.approvals)?);
    figures.extend(cost(plan)?);
    figures.push(inbox_peak(plan)?);
    let list: Vec<Value> = figures.iter().map(Figure::to_json).collect();
    let file = if plan.profile == FULL.profile { "target/bench.json" } else { "target/bench-short.json" };
    fs::write(root().join(file), format!("{}\n", serde_json::to_string_pretty(&list)?))?;
    for figure in &figures {
        say(&figure.to_line());
    }
    say(&format!("On {}. Written to {file}.", machine()));
    if plan.profile == SHORT.profile {
        say("This was the short form, which only shows that the command works: the figures mean nothing.");
    }
    Ok(true)
}

/// Measures the size of the library for apps.
fn library_bytes(name: &'static str) -> io::Result<Figure> {
    let bytes = number(fs::metadata(bindings::app_library())?.len());
    Ok(Figure { name, value: bytes, unit: "bytes", aim: Some(4_000_000.0) })
}

fn number(count: u64) -> f64 {
    // The conversion is exact, because the counts are far below 2^53.
    #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "no lossless conversion exists")]
    let value = count as f64;
    value
}

/// Measures the median time of an approval from Kotlin and from Swift, each divided by the time from Rust.
fn approvals(plan: &Plan) -> io::Result<Vec<Figure>> {
    build(plan, &["-p", "countersign-journeys", "--bin", "approvals"])?;
    let read = |lines: &str| times(lines, plan.approvals);
    let (mut rust, mut kotlin_times, mut swift_times) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=plan.rounds {
        say(&format!("── approvals, round {round} of {}", plan.rounds));
        let world = World::start(&[])?;
        rust.extend(read(&rust_approvals(plan, &world)?)?);
        kotlin_times.extend(read(&kotlin::approvals(&world, plan.approvals, None)?)?);
        swift_times.extend(read(&swift::approvals(&world, plan.swift, plan.approvals)?)?);
    }
    let (rust, kotlin_median, swift_median) = (median(rust)?, median(kotlin_times)?, median(swift_times)?);
    say(&format!(
        "An approval takes {rust:.1} ms from Rust, {kotlin_median:.1} from Kotlin, {swift_median:.1} from Swift (medians)."
    ));
    let over = |name, value| Figure { name, value: value / rust, unit: "ratio", aim: Some(1.1) };
    Ok(vec![over("kotlin_over_rust", kotlin_median), over("swift_over_rust", swift_median)])
}

fn rust_approvals(plan: &Plan, world: &World) -> io::Result<String> {
    let mut program = plan.program("approvals");
    output_of(program.arg(plan.approvals.to_string()).env("COUNTERSIGN_WORLD", world.control()))
}

/// Reads the milliseconds of each approval, one per line.
fn times(lines: &str, approvals: usize) -> io::Result<Vec<f64>> {
    let times: Vec<f64> = lines.lines().filter_map(|line| line.trim().parse().ok()).collect();
    if times.len() == approvals {
        Ok(times)
    } else {
        let found = format!("only {} of {approvals} approvals were measured", times.len());
        Err(io::Error::new(ErrorKind::InvalidData, found))
    }
}

impl Plan {
    fn program(&self, name: &str) -> Command {
        Command::new(root().join("target").join(self.folder).join(name))
    }
}

fn build(plan: &Plan, what: &[&str]) -> io::Result<()> {
    if run(&cargo(), &[&["build", "-q", "--profile", plan.profile], what].concat(), &[])? {
        Ok(())
    } else {
        Err(io::Error::other(format!("{what:?} does not build")))
    }
}

/// Measures what an answer and an opening cost in the core, each divided by the cost of the same cryptography and the
/// same database operations alone. `core/src/testing/cost.rs` defines them.
fn cost(plan: &Plan) -> io::Result<Vec<Figure>> {
    build(plan, &["-p", "countersign", "--example", "cost"])?;
    let (few, many) = (costs(plan, 1)?, costs(plan, 1_000)?);
    let over = |name, value: &[f64; 2], aim| Figure { name, value: value[0] / value[1], unit: "ratio", aim: Some(aim) };
    Ok(vec![
        over("answer_over_bare_1", &few.answer, 1.3),
        over("answer_over_bare_1000", &many.answer, 1.4),
        over("open_over_bare_1000", &many.open, 2.0),
    ])
}

/// Microseconds: in the core, and of the operations alone.
struct Costs {
    answer: [f64; 2],
    open: [f64; 2],
}

fn costs(plan: &Plan, accounts: usize) -> io::Result<Costs> {
    let folder = root().join("target/bench-cost");
    let _absent = fs::remove_dir_all(&folder);
    let mut program = plan.program("examples/cost");
    program.arg(root().join("tests/vectors")).arg(&folder).args([accounts.to_string(), plan.answers.to_string()]);
    let said = output_of(&mut program)?;
    say(&format!("{accounts} accounts, in microseconds: {}", said.trim().replace('\n', ", ")));
    let time = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).ok_or_else(|| io::Error::other(format!("no {name} in: {said}")))
    };
    let costs = Costs { answer: [time("answer")?, time("bare_answer")?], open: [time("open")?, time("bare_open")?] };
    fs::remove_dir_all(folder)?;
    Ok(costs)
}

fn median(mut times: Vec<f64>) -> io::Result<f64> {
    times.sort_by(f64::total_cmp);
    let middle = times.len().div_euclid(2);
    times.get(middle).copied().ok_or_else(|| io::Error::other("nothing was measured"))
}

/// Measures the peak memory of a process that contains only the inbox and handles one push of the vectors.
fn inbox_peak(plan: &Plan) -> io::Result<Figure> {
    build(plan, &["-p", "countersign", "--example", "notification", "--no-default-features", "--features", "inbox"])?;
    let vectors = root().join("tests/vectors");
    let (inbox, pushes) = (read(&vectors.join("inbox-account.json"))?, read(&vectors.join("push.json"))?);
    let folder = root().join("target/bench-inbox");
    let _absent = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("accounts"))?;
    fs::write(folder.join("accounts/key"), text(&inbox, "/key_file")?)?;
    fs::write(folder.join(text(&inbox, "/name")?), bytes(text(&inbox, "/files/0/file")?)?)?;
    let push = text(&pushes, "/cases/0/message")?;
    let now = pushes.pointer("/now").map(ToString::to_string).unwrap_or_default();
    let mut program = plan.program("examples/notification");
    program
        .arg(&folder)
        .args([hexadecimal(text(&inbox, "/wrapped")?)?, hexadecimal(text(&inbox, "/inbox_key")?)?])
        .args([hexadecimal(text(&pushes, "/slot")?)?, hexadecimal(push)?, now]);
    let said = output_of(&mut program)?;
    let peak = said.lines().find_map(|line| line.strip_prefix("peak ")?.strip_suffix(" kB")?.parse::<u64>().ok());
    match peak {
        Some(kibibytes) if said.contains(" asks ") => Ok(Figure {
            name: "inbox_peak_bytes",
            value: number(kibibytes) * 1_024.0,
            unit: "bytes",
            aim: Some(2_800_000.0),
        }),
        _ => Err(io::Error::new(
            ErrorKind::InvalidData,
            format!("the example `notification` printed unexpected output: {said}"),
        )),
    }
}

fn read(path: &Path) -> io::Result<Value> {
    Ok(serde_json::from_str(&fs::read_to_string(path)?)?)
}

fn text<'a>(value: &'a Value, pointer: &str) -> io::Result<&'a str> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, format!("the vectors contain no {pointer}")))
}

/// Converts base64url to hexadecimal.
fn hexadecimal(base64url: &str) -> io::Result<String> {
    Ok(bytes(base64url)?.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn bytes(base64url: &str) -> io::Result<Vec<u8>> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bits = String::new();
    for character in base64url.chars() {
        let index = ALPHABET.find(character).ok_or_else(|| io::Error::other("not base64url"))?;
        bits.push_str(&format!("{index:06b}"));
    }
    let digits: Vec<char> = bits.chars().collect();
    let byte = |bits: &[char]| u8::from_str_radix(&bits.iter().collect::<String>(), 2).map_err(io::Error::other);
    digits.chunks_exact(8).map(byte).collect()
}

fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("?", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!("{cores} cores of {model}, {}", std::env::consts::OS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64url_becomes_hexadecimal() {
        assert_eq!(hexadecimal("_-8").ok().as_deref(), Some("ffef"));
        assert_eq!(hexadecimal("AAEC").ok().as_deref(), Some("000102"));
        assert!(hexadecimal("=").is_err());
    }

    #[test]
    fn median_is_the_middle_value() {
        assert_eq!(median(vec![9.0, 1.0, 5.0]).ok(), Some(5.0));
        assert!(median(Vec::new()).is_err());
    }
}
