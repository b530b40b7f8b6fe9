//! Reads a passphrase from a file descriptor, or from the terminal without echo.

use std::fs::File;
use std::io::{IsTerminal, Read};

use countersign::Secret;

use crate::error::PhoneError;

/// Minimum length of a new passphrase, in characters. An attacker who has copied the file that the passphrase protects
/// can guess passphrases offline.
const SHORTEST: usize = 8;
/// Maximum length in bytes; the rest of a longer line is not read.
const LONGEST: usize = 1_024;

/// Reads the passphrase of the sealed file from the descriptor. Without a descriptor, asks the person at the terminal;
/// at the first start the person types the passphrase twice.
pub(crate) fn obtain(descriptor: Option<u32>, first_start: bool) -> Result<Secret<String>, PhoneError> {
    let passphrase = match descriptor {
        Some(number) => from_descriptor(number)?,
        None if first_start => twice("New passphrase for this phone (8 characters or more): ")?,
        None => ask("Passphrase: ")?,
    };
    check(passphrase, first_start)
}

/// Reads a new passphrase for the lock from one line of the descriptor. Without a descriptor, the person types the
/// passphrase twice.
pub(crate) fn new_lock(descriptor: Option<u32>) -> Result<Secret<String>, PhoneError> {
    let passphrase = match descriptor {
        Some(number) => from_descriptor(number)?,
        None => twice("New passphrase for the lock (8 characters or more): ")?,
    };
    check(passphrase, true)
}

fn check(passphrase: Secret<String>, first_start: bool) -> Result<Secret<String>, PhoneError> {
    // EXPOSE: only its length is checked.
    match passphrase.expose().chars().count() {
        0 => Err(PhoneError::NoPassphrase),
        length if first_start && length < SHORTEST => Err(PhoneError::PassphraseTooShort),
        _ => Ok(passphrase),
    }
}

fn twice(question: &str) -> Result<Secret<String>, PhoneError> {
    let first = ask(question)?;
    let second = ask("The same again: ")?;
    // EXPOSE: the same person has just typed both, so the timing of this comparison reveals nothing.
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

/// Reads one line byte by byte, so that the next reader gets the rest of the input.
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
    fn one_line_is_read_and_the_rest_stays_unread() {
        let mut input = "open sesame\nwatch\n".as_bytes();
        assert_eq!(first_line(&mut input).unwrap().expose(), "open sesame");
        assert_eq!(input, b"watch\n");
    }

    #[test]
    fn every_line_ending_is_accepted() {
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
    fn short_passphrase_is_refused_only_when_new() {
        assert_eq!(given("seven77\n", true), Err(PhoneError::PassphraseTooShort));
        assert_eq!(given("seven77\n", false).unwrap(), "seven77");
    }

    #[test]
    fn closed_descriptor_gives_no_passphrase() {
        assert_eq!(from_descriptor(4_000_000).err(), Some(PhoneError::NoPassphrase));
    }
}
