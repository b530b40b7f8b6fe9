//! Counts the calls across the language border for each approval, and measures the time of one call.

use std::{fs, io};

use super::figure::Figure;
use crate::report::say;
use crate::world::World;
use crate::{bindings, kotlin, swift};

const SOURCE: &str = "dev/countersign/core/countersign.kt";
/// Counts calls in both directions. `Approvals.kt` finds it by its name.
const COUNTER: &str = r"
object Crossings {
    private val count = java.util.concurrent.atomic.AtomicLong()
    @JvmStatic fun add() { count.incrementAndGet() }
    @JvmStatic fun soFar(): Long = count.get()
    internal fun lib(): UniffiLib { add(); return UniffiLib }
    @JvmStatic fun microseconds(): Double = List(3) {
        val started = System.nanoTime()
        repeat(100_000) { IntegrityCheckingUniffiLib.ffi_countersign_uniffi_contract_version() }
        (System.nanoTime() - started) / 1e3 / 100_000
    }.last()
}
";

/// Measures with a copy of the generated Kotlin code that counts its calls. Swift makes the same calls, because both
/// languages run the same futures.
pub(super) fn measure(configuration: &str, approvals: usize) -> io::Result<Vec<Figure>> {
    say("── calls across the language border");
    let folder = bindings::generated().join("kotlin-counted");
    let file = folder.join(SOURCE);
    let counted = counting(&fs::read_to_string(bindings::generated().join("kotlin").join(SOURCE))?);
    fs::create_dir_all(file.parent().unwrap_or(&folder))?;
    fs::write(file, counted)?;
    let world = World::start(&[])?;
    let kotlin = kotlin::approvals(&world, approvals, Some(&folder))?;
    let swift = swift::approvals(&world, configuration, approvals)?;
    Ok(vec![
        Figure { name: "crossings_per_approval", value: number(&kotlin, "crossings")?, unit: "calls", aim: None },
        Figure { name: "kotlin_crossing", value: number(&kotlin, "crossing")?, unit: "µs", aim: None },
        Figure { name: "kotlin_signing", value: number(&kotlin, "signing")?, unit: "µs", aim: None },
        Figure { name: "swift_crossing", value: number(&swift, "crossing")?, unit: "µs", aim: None },
    ])
}

/// Returns the generated code with a counter in each call to the library, and in each call from it.
fn counting(generated: &str) -> String {
    let to_rust = generated.replace(" UniffiLib.uniffi_", " Crossings.lib().uniffi_");
    let to_rust = to_rust.replace(" UniffiLib.ffi_", " Crossings.lib().ffi_");
    let from_rust = to_rust.lines().map(|line| {
        let is_callback = line.trim_start().starts_with("override fun callback(") && line.ends_with('{');
        if is_callback { format!("{line} Crossings.add()\n") } else { format!("{line}\n") }
    });
    from_rust.chain([COUNTER.to_owned()]).collect()
}

/// Reads a line with a name and a number.
fn number(lines: &str, name: &str) -> io::Result<f64> {
    let value = lines.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(' '));
    value.and_then(|value| value.parse().ok()).ok_or_else(|| io::Error::other(format!("no {name} in: {lines}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_in_both_directions_are_counted() {
        let code =
            "    UniffiLib.uniffi_f(\n { future -> UniffiLib.ffi_g(future) }\n  override fun callback(a: Long) {\n";
        let counted = counting(code);
        assert_eq!(counted.matches("Crossings.lib().").count(), 2);
        assert_eq!(counted.matches("callback(a: Long) { Crossings.add()").count(), 1);
        assert!(!counted.contains(" UniffiLib."));
    }

    #[test]
    fn number_has_its_own_line() {
        assert_eq!(number("12.5\ncrossings 27\ncrossing 0.25\n", "crossing").ok(), Some(0.25));
        assert!(number("crossings 27", "crossing").is_err());
    }
}
