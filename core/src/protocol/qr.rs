//! Reads a QR code from a picture of a screen. Apps that only scan with the camera can leave out this code: feature
//! `pictures`.

mod fault;
#[cfg(feature = "pictures")]
mod search;

pub use fault::PictureError;

/// Returns the text of the only QR code in a PNG or JPEG picture. Call it on a blocking thread.
///
/// # Errors
/// See `PictureError`.
pub(crate) fn read_picture(bytes: &[u8]) -> Result<String, PictureError> {
    #[cfg(feature = "pictures")]
    return search::read_picture(bytes);
    #[cfg(not(feature = "pictures"))]
    {
        let _unread = bytes;
        Err(PictureError::NotSupported)
    }
}
