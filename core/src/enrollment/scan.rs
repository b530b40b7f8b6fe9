//! What a person has of an invitation: the text of a code, a picture of one, or a code to be typed.

use crate::enrollment::code::{CodeInput, Scanned, read_text, read_typed};
use crate::enrollment::qr;
use crate::error::Error;

/// Reads what the person has.
///
/// # Errors
/// `Code` and `Picture` say what is wrong with it.
pub(crate) fn read(input: CodeInput) -> Result<Scanned, Error> {
    match input {
        CodeInput::Text { text } => Ok(read_text(&text)?),
        CodeInput::Picture { bytes } => Ok(read_text(&qr::read_picture(&bytes)?)?),
        CodeInput::Typed { code, address } => Ok(Scanned::Invite(read_typed(&code, &address)?)),
    }
}
