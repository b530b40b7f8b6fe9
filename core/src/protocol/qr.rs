//! Reading a code from a picture of a screen: bounded in size before decoding, and in time.

use std::io::Cursor;
use std::time::Duration;

use image::imageops::{self, FilterType};
use image::{GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use rxing::{BarcodeFormat, DecodeHints};

use crate::base::clock::{Clock, SystemClock};

/// A screenshot of a large screen has 4 MB; a photograph 12.
const MAX_BYTES: usize = 20 * 1024 * 1024;
const MAX_PIXELS: u64 = 50_000_000;
/// What a decoder may allocate for `MAX_PIXELS` in four channels, with room for its own tables.
const MAX_ALLOCATION: u64 = 256 * 1024 * 1024;
/// The longer side that is searched first and last; more pixels cost time and bring nothing.
const SIDES: [u32; 3] = [1_280, 640, 2_560];
const MAX_TIME: Duration = Duration::from_secs(5);
/// Neighbourhood whose mean tells light from dark in a badly lit picture.
const CONTRAST_BLOCK: u32 = 32;

/// Why a picture gave no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum PictureError {
    /// More bytes or pixels than a screenshot has.
    #[error("the picture is too large")]
    TooLarge,
    /// Neither PNG nor JPEG, or without any pixel.
    #[error("not a PNG or JPEG picture")]
    NotAPicture,
    /// The picture ends too early or is damaged.
    #[error("the picture is damaged")]
    Damaged,
    /// No code was found in it.
    #[error("no code in the picture")]
    NoCode,
    /// Two different codes were found; which one is meant is the person's to say.
    #[error("two codes in the picture")]
    TwoCodes,
    /// Searching took too long.
    #[error("reading the picture took too long")]
    TookTooLong,
}

/// Reads the one QR code in a PNG or JPEG picture.
///
/// # Errors
/// One for each way a picture can fail; nothing is allocated for a picture that claims to be too large.
pub(crate) fn read_picture(bytes: &[u8]) -> Result<String, PictureError> {
    read_within(bytes, MAX_TIME)
}

fn read_within(bytes: &[u8], limit: Duration) -> Result<String, PictureError> {
    let started = SystemClock.since_boot();
    let in_time = || SystemClock.since_boot().saturating_sub(started) < limit;
    let picture = decode(bytes)?;
    for side in SIDES {
        let scaled = fit(&picture, side);
        for prepared in [None, Some(local_contrast(&scaled))] {
            if !in_time() {
                return Err(PictureError::TookTooLong);
            }
            if let Some(text) = search(prepared.as_ref().unwrap_or(&scaled))? {
                return Ok(text);
            }
        }
    }
    Err(PictureError::NoCode)
}

fn decode(bytes: &[u8]) -> Result<GrayImage, PictureError> {
    if bytes.len() > MAX_BYTES {
        return Err(PictureError::TooLarge);
    }
    let mut reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|_io| PictureError::NotAPicture)?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg)) {
        return Err(PictureError::NotAPicture);
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_ALLOCATION);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(|error| cause(&error))?;
    let (width, height) = decoder.dimensions();
    match u64::from(width).saturating_mul(u64::from(height)) {
        0 => return Err(PictureError::NotAPicture),
        pixels if pixels > MAX_PIXELS => return Err(PictureError::TooLarge),
        _ => {}
    }
    let picture = image::DynamicImage::from_decoder(decoder).map_err(|error| cause(&error))?;
    Ok(picture.into_luma8())
}

fn cause(error: &ImageError) -> PictureError {
    match error {
        ImageError::Limits(_) => PictureError::TooLarge,
        ImageError::Unsupported(_) => PictureError::NotAPicture,
        ImageError::Decoding(_) | ImageError::Encoding(_) | ImageError::Parameter(_) | ImageError::IoError(_) => {
            PictureError::Damaged
        }
    }
}

fn fit(picture: &GrayImage, side: u32) -> GrayImage {
    let (width, height) = picture.dimensions();
    let longer = width.max(height);
    if longer <= side {
        return picture.clone();
    }
    let scale = |length: u32| {
        let scaled = u64::from(length).saturating_mul(u64::from(side)).div_euclid(u64::from(longer));
        u32::try_from(scaled).unwrap_or(side).max(1)
    };
    imageops::resize(picture, scale(width), scale(height), FilterType::Triangle)
}

/// Finds the code, and makes sure that there is no second, different one.
fn search(picture: &GrayImage) -> Result<Option<String>, PictureError> {
    let Some(first) = detect(picture) else {
        return Ok(None);
    };
    let rest = without(picture, &first.corners);
    match detect(&rest) {
        Some(second) if second.text != first.text => Err(PictureError::TwoCodes),
        _ => Ok(Some(first.text)),
    }
}

struct Found {
    text: String,
    corners: Vec<(f32, f32)>,
}

fn detect(picture: &GrayImage) -> Option<Found> {
    let (width, height) = picture.dimensions();
    // `TryHarder` is on by itself in this function.
    let mut hints = DecodeHints { AlsoInverted: Some(true), ..DecodeHints::default() };
    let format = Some(BarcodeFormat::QR_CODE);
    let result =
        rxing::helpers::detect_in_luma_slice_with_hints(picture.as_raw(), width, height, format, &mut hints).ok()?;
    let corners = result.getPoints().iter().map(|point| (point.x, point.y)).collect();
    Some(Found { text: result.getText().to_owned(), corners })
}

/// The picture with the code painted over: finder centres lie 3.5 modules inside, so a quarter more is taken.
fn without(picture: &GrayImage, corners: &[(f32, f32)]) -> GrayImage {
    let bounds = |pick: fn(&(f32, f32)) -> f32| {
        let (low, high) =
            corners.iter().map(pick).fold((f32::MAX, f32::MIN), |(low, high), at| (low.min(at), high.max(at)));
        let margin = (high - low) / 4.0;
        (low - margin, high + margin)
    };
    let ((left, right), (top, bottom)) = (bounds(|at| at.0), bounds(|at| at.1));
    let inside = |at: u32, low: f32, high: f32| u16::try_from(at).is_ok_and(|at| (low..=high).contains(&f32::from(at)));
    let mut rest = picture.clone();
    for (x, y, pixel) in rest.enumerate_pixels_mut() {
        if inside(x, left, right) && inside(y, top, bottom) {
            pixel.0 = [u8::MAX];
        }
    }
    rest
}

/// Black and white by the mean of the neighbourhood, after a light blur: helps photographs of screens.
fn local_contrast(picture: &GrayImage) -> GrayImage {
    let blurred = imageops::fast_blur(picture, 1.0);
    let (width, height) = blurred.dimensions();
    let (columns, rows) = (width.div_ceil(CONTRAST_BLOCK).max(1), height.div_ceil(CONTRAST_BLOCK).max(1));
    let means = imageops::resize(&blurred, columns, rows, FilterType::Triangle);
    let background = imageops::resize(&means, width, height, FilterType::Triangle);
    let mut result = blurred;
    for (pixel, mean) in result.pixels_mut().zip(background.pixels()) {
        let ([value], [mean]) = (pixel.0, mean.0);
        pixel.0 = [if value < mean { 0 } else { u8::MAX }];
    }
    result
}

#[cfg(test)]
mod tests;
