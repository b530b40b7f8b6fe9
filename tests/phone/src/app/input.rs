//! Lines that are typed, read on a thread of their own so that waiting for them stops nothing else.

use std::io::{BufRead, IsTerminal};

use countersign::Secret;
use tokio::sync::mpsc;

use super::output::Output;
use crate::error::PhoneError;
use crate::passphrase;
use crate::render::wrap;

/// Typed ahead at most; a program that drives this one waits longer.
const AHEAD: usize = 16;

/// The lines of standard input; the first call starts reading.
pub(crate) struct Lines {
    receiver: Option<mpsc::Receiver<String>>,
    /// Where a program hands over the passphrase of the lock, one line for each use.
    unlock_fd: Option<u32>,
}

/// Typed text is not shown while this stands.
struct Quiet(rustix::termios::Termios);

impl Quiet {
    fn start() -> Option<Self> {
        let shown = rustix::termios::tcgetattr(std::io::stdin()).ok()?;
        let mut hidden = shown.clone();
        hidden.local_modes.remove(rustix::termios::LocalModes::ECHO);
        rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, &hidden).ok()?;
        Some(Self(shown))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // The terminal is gone when this fails.
        let _gone = rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, &self.0);
    }
}

impl Lines {
    pub(crate) fn new(unlock_fd: Option<u32>) -> Self {
        Self { receiver: None, unlock_fd }
    }

    /// The passphrase of the lock, asked for at each use and saying for what; never shown, never an argument.
    pub(crate) async fn passphrase(
        &mut self,
        what_for: &str,
        output: &mut Output,
    ) -> Result<Secret<String>, PhoneError> {
        if let Some(descriptor) = self.unlock_fd {
            return passphrase::from_descriptor(descriptor);
        }
        if !std::io::stdin().is_terminal() {
            return Err(PhoneError::NoPassphrase);
        }
        output.text(&format!("  Passphrase of the lock, {what_for}: "))?;
        // Read by the one thread that reads: two readers would share the passphrase between them.
        let quiet = Quiet::start().ok_or(PhoneError::NoPassphrase)?;
        let typed = self.next().await;
        drop(quiet);
        output.text("\n")?;
        typed.filter(|line| !line.is_empty()).map(Secret::new).ok_or(PhoneError::NoPassphrase)
    }

    /// The next line, or `None` when the input has ended; no line is lost when the wait is given up.
    pub(crate) async fn next(&mut self) -> Option<String> {
        self.receiver.get_or_insert_with(start).recv().await
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
