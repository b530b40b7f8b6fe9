//! Why a picture can't be read.

/// Why no code could be read from a picture.
///
/// The limits prevent a hostile picture from using up the phone's memory or time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum PictureError {
    /// More than 20 MiB, or more than 50 million pixels.
    #[error("the picture is too large")]
    TooLarge,
    /// Neither PNG nor JPEG, or without pixels.
    #[error("not a PNG or JPEG picture")]
    NotAPicture,
    /// The picture ends too early or is damaged.
    #[error("the picture is damaged")]
    Damaged,
    /// No QR code was found.
    #[error("no code in the picture")]
    NoCode,
    /// Two different QR codes were found. Ask the person for a picture of one code.
    #[error("two codes in the picture")]
    TwoCodes,
    /// Searching took longer than five seconds.
    #[error("reading the picture took too long")]
    TookTooLong,
    /// The app was built without the feature `pictures`.
    #[error("this app does not read pictures")]
    NotSupported,
}
