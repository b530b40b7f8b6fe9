//! Lines that are typed, read on a thread of their own so that waiting for them stops nothing else.

use std::io::BufRead;

use tokio::sync::mpsc;

use super::output::Output;
use crate::error::PhoneError;
use crate::render::wrap;

/// Typed ahead at most; a program that drives this one waits longer.
const AHEAD: usize = 16;

/// The lines of standard input; the first call starts reading.
#[derive(Default)]
pub(crate) struct Lines(Option<mpsc::Receiver<String>>);

impl Lines {
    /// The next line, or `None` when the input has ended; no line is lost when the wait is given up.
    pub(crate) async fn next(&mut self) -> Option<String> {
        self.0.get_or_insert_with(start).recv().await
    }
}

fn start() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Asks a yes-or-no question; anything but yes is no.
pub(crate) async fn confirmed(question: &str, output: &mut Output, lines: &mut Lines) -> Result<(), PhoneError> {
    output.text(&format!("{} ", wrap(&format!("{question} (y/N)")).trim_end()))?;
    output.event(&serde_json::json!({ "event": "confirm", "question": question }))?;
    let answer = lines.next().await.unwrap_or_default();
    if is_yes(&answer) { Ok(()) } else { Err(PhoneError::NotConfirmed) }
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::is_yes;

    #[test]
    fn only_yes_is_yes() {
        assert!(is_yes("y") && is_yes(" YES "));
        for no in ["", "n", "no", "yeah", "ye", "j", "1", "y y"] {
            assert!(!is_yes(no), "{no}");
        }
    }
}
