//! Reads an enrollment code from scanned text, from a picture, or from typed characters.

use crate::authenticator::error::Error;
use crate::protocol::code::{CodeInput, Scanned, read_text, read_typed};
use crate::protocol::qr;

/// Reads a code. Decoding a picture takes CPU time, so call this function on a blocking thread.
///
/// # Errors
/// `Code` when an invite or a typed code is malformed; `Picture` when the picture can't be decoded or shows no QR code.
pub(crate) fn read(input: CodeInput) -> Result<Scanned, Error> {
    match input {
        CodeInput::Text { text } => Ok(read_text(&text)?),
        CodeInput::Picture { bytes } => Ok(read_text(&qr::read_picture(&bytes)?)?),
        CodeInput::Typed { code, address } => Ok(Scanned::Invite(read_typed(&code, &address)?)),
    }
}
