//! What a person has of an invitation: the text of a code, a picture of one, or a code to be typed.

use crate::authenticator::error::Error;
use crate::protocol::code::{CodeInput, Scanned, read_text, read_typed};
use crate::protocol::qr;

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
