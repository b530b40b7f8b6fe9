//! Where the passphrase comes from: a file descriptor, or the person at the terminal, without echo.

use std::fs::File;
use std::io::{IsTerminal, Read};

use countersign::Secret;

use crate::error::PhoneError;

/// A new passphrase is refused below this; its key store is a file that can be copied and guessed at.
const SHORTEST: usize = 8;
/// Nobody's passphrase is longer; what follows is not read.
const LONGEST: usize = 1_024;

/// Gets the passphrase; at the first start it is asked for twice.
pub(crate) fn obtain(descriptor: Option<u32>, first_start: bool) -> Result<Secret<String>, PhoneError> {
    let passphrase = match descriptor {
        Some(number) => from_descriptor(number)?,
        None if first_start => twice("New passphrase for this phone (8 characters or more): ")?,
        None => ask("Passphrase: ")?,
    };
    check(passphrase, first_start)
}

/// A new passphrase for the lock: asked for twice, or one line of the descriptor.
pub(crate) fn new_lock(descriptor: Option<u32>) -> Result<Secret<String>, PhoneError> {
    let passphrase = match descriptor {
        Some(number) => from_descriptor(number)?,
        None => twice("New passphrase for the lock (8 characters or more): ")?,
    };
    check(passphrase, true)
}

fn check(passphrase: Secret<String>, first_start: bool) -> Result<Secret<String>, PhoneError> {
    // EXPOSE: only its length is looked at.
    match passphrase.expose().chars().count() {
        0 => Err(PhoneError::NoPassphrase),
        length if first_start && length < SHORTEST => Err(PhoneError::PassphraseTooShort),
        _ => Ok(passphrase),
    }
}

fn twice(question: &str) -> Result<Secret<String>, PhoneError> {
    let first = ask(question)?;
    let second = ask("The same again: ")?;
    // EXPOSE: both were typed by the same person just now; there is nothing to learn from the time this takes.
    if first.expose() == second.expose() { Ok(first) } else { Err(PhoneError::PassphrasesDiffer) }
}

pub(crate) fn ask(question: &str) -> Result<Secret<String>, PhoneError> {
    if !std::io::stdin().is_terminal() {
        return Err(PhoneError::NoPassphrase);
    }
    rpassword::prompt_password(question).map(Secret::new).map_err(|_no_terminal| PhoneError::NoPassphrase)
}

pub(crate) fn from_descriptor(number: u32) -> Result<Secret<String>, PhoneError> {
    let file = File::open(format!("/dev/fd/{number}")).map_err(|_closed| PhoneError::NoPassphrase)?;
    first_line(file)
}

/// Reads one line byte by byte, so that what follows stays for whoever reads next.
fn first_line(mut reader: impl Read) -> Result<Secret<String>, PhoneError> {
    let (mut line, mut byte) = (Vec::with_capacity(LONGEST), [0]);
    while line.len() < LONGEST && reader.read(&mut byte).map_err(|_broken| PhoneError::NoPassphrase)? == 1 {
        if byte == *b"\n" {
            break;
        }
        line.extend_from_slice(&byte);
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map(Secret::new).map_err(|_not_text| PhoneError::NoPassphrase)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn given(text: &str, first_start: bool) -> Result<String, PhoneError> {
        check(first_line(text.as_bytes())?, first_start).map(|secret| secret.expose().clone())
    }

    #[test]
    fn one_line_is_read_and_the_rest_is_left() {
        let mut input = "open sesame\nwatch\n".as_bytes();
        assert_eq!(first_line(&mut input).unwrap().expose(), "open sesame");
        assert_eq!(input, b"watch\n");
    }

    #[test]
    fn a_line_may_end_in_any_way() {
        for text in ["open sesame", "open sesame\n", "open sesame\r\n"] {
            assert_eq!(given(text, true).unwrap(), "open sesame");
        }
    }

    #[test]
    fn an_empty_passphrase_is_refused() {
        assert_eq!(given("\n", false), Err(PhoneError::NoPassphrase));
        assert_eq!(given("", true), Err(PhoneError::NoPassphrase));
    }

    #[test]
    fn a_short_passphrase_is_refused_when_it_is_new_only() {
        assert_eq!(given("seven77\n", true), Err(PhoneError::PassphraseTooShort));
        assert_eq!(given("seven77\n", false).unwrap(), "seven77");
    }

    #[test]
    fn a_closed_descriptor_is_no_passphrase() {
        assert_eq!(from_descriptor(4_000_000).err(), Some(PhoneError::NoPassphrase));
    }
}
