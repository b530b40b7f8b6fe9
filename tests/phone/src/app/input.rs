//! Reads standard input on its own thread, so that waiting for a line does not block other work.

use std::io::{BufRead, IsTerminal};

use countersign::Secret;
use tokio::sync::mpsc;

use super::output::Output;
use crate::error::PhoneError;
use crate::passphrase;
use crate::render::wrap;

/// Maximum number of lines that are read in advance. When so many lines wait, the reading thread pauses.
const AHEAD: usize = 16;

/// The lines of standard input; the first call of `next` starts the thread that reads them.
pub(crate) struct Lines {
    receiver: Option<mpsc::Receiver<String>>,
    /// File descriptor from which the passphrase of the lock is read, one line for each use. When it is `None`, the
    /// person types the passphrase.
    unlock_fd: Option<u32>,
}

/// Keeps the terminal's echo off; dropping this value restores the echo.
struct EchoOff(rustix::termios::Termios);

impl EchoOff {
    fn start() -> Option<Self> {
        let shown = rustix::termios::tcgetattr(std::io::stdin()).ok()?;
        let mut hidden = shown.clone();
        hidden.local_modes.remove(rustix::termios::LocalModes::ECHO);
        rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, &hidden).ok()?;
        Some(Self(shown))
    }
}

impl Drop for EchoOff {
    fn drop(&mut self) {
        // `tcsetattr` fails only when the terminal has been closed.
        let _gone = rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, &self.0);
    }
}

impl Lines {
    pub(crate) fn new(unlock_fd: Option<u32>) -> Self {
        Self { receiver: None, unlock_fd }
    }

    /// Asks for the passphrase of the lock, or reads it from `unlock_fd`. The question states the purpose.
    ///
    /// The typed passphrase is not shown. It can't be passed as a program argument, because other users can see
    /// the arguments of a program.
    pub(crate) async fn passphrase(
        &mut self,
        purpose: &str,
        output: &mut Output,
    ) -> Result<Secret<String>, PhoneError> {
        if let Some(descriptor) = self.unlock_fd {
            return passphrase::from_descriptor(descriptor);
        }
        if !std::io::stdin().is_terminal() {
            return Err(PhoneError::NoPassphrase);
        }
        output.text(&format!("  Passphrase of the lock, {purpose}: "))?;
        // `next` reads the line, because two readers of standard input could each get a part of the passphrase.
        let echo_off = EchoOff::start().ok_or(PhoneError::NoPassphrase)?;
        let typed = self.next().await;
        drop(echo_off);
        output.text("\n")?;
        typed.filter(|line| !line.is_empty()).map(Secret::new).ok_or(PhoneError::NoPassphrase)
    }

    /// Returns the next line, or `None` at the end of the input. Dropping the future loses no line.
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

/// Asks a yes-or-no question; any reply other than `y` or `yes` means no.
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
    fn only_yes_confirms() {
        assert!(is_yes("y") && is_yes(" YES "));
        for no in ["", "n", "no", "yeah", "ye", "j", "1", "y y"] {
            assert!(!is_yes(no), "{no}");
        }
    }
}
