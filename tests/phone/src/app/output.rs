//! Where words and lines of JSON go; a program gets only JSON, a person only words.

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
    faults: Box<dyn Write + Send>,
}

impl Output {
    pub(crate) fn standard(json: bool) -> Self {
        Self { json, sink: Box::new(io::stdout()), faults: Box::new(io::stderr()) }
    }

    /// The same thing for a person and for a program.
    pub(crate) fn tell(&mut self, text: &str, value: &Value) -> io::Result<()> {
        if self.json { self.line(value) } else { self.text(text) }
    }

    /// Something that only a person needs.
    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        self.sink.write_all(text.as_bytes())?;
        self.sink.flush()
    }

    /// Something that only a program needs.
    pub(crate) fn event(&mut self, value: &Value) -> io::Result<()> {
        if self.json { self.line(value) } else { Ok(()) }
    }

    /// What went wrong, what is still fine, what to do now.
    pub(crate) fn error(
        &mut self,
        error: &PhoneError,
        prompt: Option<&PromptId>,
        account: Option<&str>,
    ) -> io::Result<()> {
        if self.json {
            return self.line(&json::error(error, prompt, account));
        }
        self.faults.write_all(fault(error, account).as_bytes())?;
        self.faults.flush()
    }

    fn line(&mut self, value: &Value) -> io::Result<()> {
        writeln!(self.sink, "{value}")?;
        self.sink.flush()
    }
}

fn fault(error: &PhoneError, account: Option<&str>) -> String {
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
    fn an_error_says_what_happened_what_is_fine_and_what_to_do() {
        let expected = "  That is not the passphrase of this phone.
  Nothing was changed; your accounts are still here.
  Try again. Mind the keyboard layout and Caps Lock.
";
        assert_eq!(fault(&PhoneError::Core(Error::Platform(PlatformError::WrongPassphrase)), None), expected);
    }

    #[test]
    fn an_ended_enrollment_says_why() {
        let text = fault(&PhoneError::Ended(RemovalCause::WrongDigits), None);
        assert!(text.contains("Wrong digits were typed three times"), "{text}");
    }
}
