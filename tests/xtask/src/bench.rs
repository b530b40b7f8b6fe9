//! Measures sizes and times in one run on this machine, and writes the results to `target/bench.json`.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::report::{cargo, output_of, part, root, run, say};
use crate::world::World;
use crate::{bindings, kotlin, set_up, swift};

/// Number of measured approvals in each round. The same number of approvals of another person comes before them as a
/// warm-up. The service starts at most twelve sign-ins of a known browser within ten minutes.
const APPROVALS: usize = 10;
/// Number of rounds. Each round measures all languages, so that other load on the machine affects all of them.
const ROUNDS: usize = 6;

struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
    aim: f64,
}

/// Measures everything, prints the results and writes them to a file.
pub(crate) fn run_all() -> io::Result<bool> {
    let missing = set_up::everything()?;
    if let Some(missing) = missing.first() {
        say(&format!("Missing {}: {}", missing.part, missing.reason));
        return Ok(false);
    }
    if !part("library", bindings::build)? {
        return Ok(false);
    }
    let mut figures = vec![library_bytes()?];
    figures.extend(approvals()?);
    figures.push(inbox_peak()?);
    let list: Vec<Value> = figures.iter().map(as_json).collect();
    fs::write(root().join("target/bench.json"), format!("{}\n", serde_json::to_string_pretty(&list)?))?;
    for figure in &figures {
        let met = if is_met(figure) { "met" } else { "NOT met" };
        say(&format!("{:20} {:>12.2} {:8} aim {:>10.1}  {met}", figure.name, figure.value, figure.unit, figure.aim));
    }
    say(&format!("On {}. Written to target/bench.json.", machine()));
    Ok(true)
}

fn is_met(figure: &Figure) -> bool {
    figure.value <= figure.aim
}

fn as_json(figure: &Figure) -> Value {
    json!({ "name": figure.name, "value": figure.value, "unit": figure.unit, "aim": figure.aim, "met": is_met(figure) })
}

/// Measures the size of the library without symbols. Apps contain the library in this form.
fn library_bytes() -> io::Result<Figure> {
    let stripped = root().join("target/mobile/stripped.so");
    let (from, to) = (bindings::library(), stripped.to_string_lossy().into_owned());
    if !run("strip", &["--strip-unneeded", "-o", &to, &from.to_string_lossy()], &[])? {
        return Err(io::Error::other("the library can't be stripped"));
    }
    Ok(Figure { name: "library_bytes", value: number(fs::metadata(stripped)?.len()), unit: "bytes", aim: 4_000_000.0 })
}

fn number(count: u64) -> f64 {
    // The conversion is exact, because the counts are far below 2^53.
    #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "no lossless conversion exists")]
    let value = count as f64;
    value
}

/// Measures the median time of an approval from Kotlin and from Swift, each divided by the time from Rust.
fn approvals() -> io::Result<Vec<Figure>> {
    let profile = ["build", "-q", "--profile", "mobile", "-p", "countersign-journeys", "--bin", "approvals"];
    if !run(&cargo(), &profile, &[])? {
        return Err(io::Error::other("the Rust approvals do not build"));
    }
    let (mut rust, mut kotlin_times, mut swift_times) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        say(&format!("── approvals, round {round} of {ROUNDS}"));
        let world = World::start(&[])?;
        rust.extend(rust_approvals(&world)?);
        kotlin_times.extend(times(&kotlin::approvals(&world, APPROVALS)?)?);
        swift_times.extend(times(&swift::approvals(&world, APPROVALS)?)?);
    }
    let (rust, kotlin_median, swift_median) = (median(rust)?, median(kotlin_times)?, median(swift_times)?);
    say(&format!(
        "An approval takes {rust:.1} ms from Rust, {kotlin_median:.1} from Kotlin, {swift_median:.1} from Swift (medians)."
    ));
    let over = |name, value| Figure { name, value: value / rust, unit: "ratio", aim: 1.1 };
    Ok(vec![over("kotlin_over_rust", kotlin_median), over("swift_over_rust", swift_median)])
}

fn rust_approvals(world: &World) -> io::Result<Vec<f64>> {
    let mut program = Command::new(root().join("target/mobile/approvals"));
    times(&output_of(program.arg(APPROVALS.to_string()).env("COUNTERSIGN_WORLD", world.control()))?)
}

/// Reads the milliseconds of each approval, one per line.
fn times(lines: &str) -> io::Result<Vec<f64>> {
    let times: Vec<f64> = lines.lines().filter_map(|line| line.trim().parse().ok()).collect();
    if times.len() == APPROVALS {
        Ok(times)
    } else {
        Err(io::Error::new(
            ErrorKind::InvalidData,
            format!("only {} of {APPROVALS} approvals were measured", times.len()),
        ))
    }
}

fn median(mut times: Vec<f64>) -> io::Result<f64> {
    times.sort_by(f64::total_cmp);
    let middle = times.len().div_euclid(2);
    times.get(middle).copied().ok_or_else(|| io::Error::other("nothing was measured"))
}

/// Measures the peak memory of a process that contains only the inbox and handles one push of the vectors.
fn inbox_peak() -> io::Result<Figure> {
    let arguments = ["build", "-q", "--profile", "mobile", "-p", "countersign", "--example", "notification"];
    if !run(&cargo(), &[&arguments[..], &["--no-default-features", "--features", "inbox"]].concat(), &[])? {
        return Err(io::Error::other("the inbox alone does not build"));
    }
    let vectors = root().join("tests/vectors");
    let (inbox, pushes) = (read(&vectors.join("inbox.json"))?, read(&vectors.join("push.json"))?);
    let folder = root().join("target/bench-inbox");
    let _absent = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("snapshot"), text(&inbox, "/file")?)?;
    let push = text(&pushes, "/cases/0/message")?;
    let now = pushes.pointer("/now").map(ToString::to_string).unwrap_or_default();
    let mut program = Command::new(root().join("target/mobile/examples/notification"));
    program
        .arg(&folder)
        .args([hexadecimal(text(&inbox, "/wrapped")?)?, hexadecimal(text(&inbox, "/snapshot_key")?)?])
        .args([hexadecimal(text(&pushes, "/slot")?)?, hexadecimal(push)?, now]);
    let said = output_of(&mut program)?;
    let peak = said.lines().find_map(|line| line.strip_prefix("peak ")?.strip_suffix(" kB")?.parse::<u64>().ok());
    match peak {
        Some(kibibytes) if said.contains(" asks ") => Ok(Figure {
            name: "inbox_peak_bytes",
            value: number(kibibytes) * 1_024.0,
            unit: "bytes",
            aim: 12_000_000.0,
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
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bits = String::new();
    for character in base64url.chars() {
        let index = ALPHABET.find(character).ok_or_else(|| io::Error::other("not base64url"))?;
        bits.push_str(&format!("{index:06b}"));
    }
    let digits: Vec<char> = bits.chars().collect();
    let bytes = digits.chunks_exact(8).map(|byte| {
        let value = u8::from_str_radix(&byte.iter().collect::<String>(), 2).unwrap_or(0);
        format!("{value:02x}")
    });
    Ok(bytes.collect())
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
