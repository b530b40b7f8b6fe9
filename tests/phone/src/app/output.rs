//! Writes the output: JSON lines for a program, or text for a person.

use std::io::{self, Write};

use countersign::PromptId;
use serde_json::Value;

use crate::error::PhoneError;
use crate::render::wrap;
use crate::{json, words};

/// The output of one run.
pub(crate) struct Output {
    json: bool,
    sink: Box<dyn Write + Send>,
    errors: Box<dyn Write + Send>,
}

impl Output {
    pub(crate) fn standard(json: bool) -> Self {
        Self { json, sink: Box::new(io::stdout()), errors: Box::new(io::stderr()) }
    }

    /// Writes the text for a person, or the value for a program.
    pub(crate) fn tell(&mut self, text: &str, value: &Value) -> io::Result<()> {
        if self.json { self.line(value) } else { self.text(text) }
    }

    /// Writes a text that only a person needs.
    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        self.sink.write_all(text.as_bytes())?;
        self.sink.flush()
    }

    /// Writes a value that only a program needs.
    pub(crate) fn event(&mut self, value: &Value) -> io::Result<()> {
        if self.json { self.line(value) } else { Ok(()) }
    }

    /// Writes an error: what happened, what is not affected, and what to do next.
    pub(crate) fn error(
        &mut self,
        error: &PhoneError,
        prompt: Option<&PromptId>,
        account: Option<&str>,
    ) -> io::Result<()> {
        if self.json {
            return self.line(&json::error(error, prompt, account));
        }
        self.errors.write_all(error_text(error, account).as_bytes())?;
        self.errors.flush()
    }

    fn line(&mut self, value: &Value) -> io::Result<()> {
        writeln!(self.sink, "{value}")?;
        self.sink.flush()
    }
}

fn error_text(error: &PhoneError, account: Option<&str>) -> String {
    let words = words::of(error);
    let mut text = String::new();
    if let Some(account) = account {
        text.push_str(&wrap(&format!("{account}:")));
    }
    text.push_str(&wrap(words.happened));
    if let PhoneError::Ended(cause) = error {
        text.push_str(&wrap(words::cause(*cause)));
    }
    text.push_str(&wrap(words.fine));
    text.push_str(&wrap(words.next));
    text
}

#[cfg(test)]
mod tests {
    use countersign::{Error, PlatformError, RemovalCause};

    use super::*;

    #[test]
    fn error_text_has_three_parts() {
        let expected = "  That is not the passphrase of this phone.
  Nothing was changed; your accounts are still here.
  Try again. Check the keyboard layout and Caps Lock.
";
        assert_eq!(error_text(&PhoneError::Core(Error::Platform(PlatformError::WrongPassphrase)), None), expected);
    }

    #[test]
    fn ended_enrollment_shows_its_cause() {
        let text = error_text(&PhoneError::Ended(RemovalCause::WrongDigits), None);
        assert!(text.contains("Wrong digits were typed three times"), "{text}");
    }
}
