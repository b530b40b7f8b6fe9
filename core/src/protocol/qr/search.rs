//! Decodes a picture and searches it for a QR code.
//!
//! The picture may come from an attacker: its size is checked before decoding, and the search has a time limit.

use std::io::Cursor;
use std::time::Duration;

use image::imageops::{self, FilterType};
use image::{GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use rxing::{BarcodeFormat, DecodeHints};

use super::fault::PictureError;
use crate::base::clock::{Clock, SystemClock};

/// Largest file, in bytes. A screenshot of a large screen has 4 MB, a photograph 12 MB.
const MAX_BYTES: usize = 20 * 1024 * 1024;
const MAX_PIXELS: u64 = 50_000_000;
/// Most memory that a decoder may allocate, in bytes: enough for `MAX_PIXELS` pixels of four bytes, and for the
/// decoder's tables.
const MAX_ALLOCATION: u64 = 256 * 1024 * 1024;
/// The picture is scaled to these sizes and searched, in this order. A size is the length of the longer side in pixels.
/// Larger sizes take longer and find no further codes.
const SIDES: [u32; 3] = [1_280, 640, 2_560];
const MAX_TIME: Duration = Duration::from_secs(5);
/// Side of a block, in pixels. In a badly lit picture, the mean brightness of a block separates light from dark.
const CONTRAST_BLOCK: u32 = 32;

/// Returns the text of the only QR code in a PNG or JPEG picture. Call it on a blocking thread. It can take longer than
/// `MAX_TIME`, because this limit is checked only between two searches.
///
/// # Errors
/// See `PictureError`. A picture that claims to be too large is refused before memory for its pixels is allocated.
pub(super) fn read_picture(bytes: &[u8]) -> Result<String, PictureError> {
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

/// Checks the format and the claimed size, and then decodes to gray.
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

/// Returns the picture scaled down so that its longer side has at most `side` pixels.
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

/// Finds a code. Fails with `TwoCodes` when the picture also contains a code with another text.
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

/// A code, with the points that the detector found: the centers of its finder patterns.
struct Found {
    text: String,
    corners: Vec<(f32, f32)>,
}

fn detect(picture: &GrayImage) -> Option<Found> {
    let (width, height) = picture.dimensions();
    // `detect_in_luma_slice_with_hints` sets the hint `TryHarder` itself.
    let mut hints = DecodeHints { AlsoInverted: Some(true), ..DecodeHints::default() };
    let format = Some(BarcodeFormat::QR_CODE);
    let result =
        rxing::helpers::detect_in_luma_slice_with_hints(picture.as_raw(), width, height, format, &mut hints).ok()?;
    let corners = result.getPoints().iter().map(|point| (point.x, point.y)).collect();
    Some(Found { text: result.getText().to_owned(), corners })
}

/// Returns the picture with the code painted over. The centers of the finder patterns are 3.5 modules inside the code.
/// Therefore the painted area extends beyond the centers on each side, by a quarter of the distance between them.
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

/// Blurs the picture lightly, and returns it in black and white: a pixel becomes black when it is darker than the mean
/// of its neighborhood. This helps with photographs of screens.
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
