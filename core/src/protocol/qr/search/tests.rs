//! Tests with pictures of codes on screens, and with pictures that an attacker could make.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use image::{GrayImage, ImageFormat, Luma};

use super::*;

const TEXT: &str =
    "countersign://enroll?v=1&issuer=https%3A%2F%2Flogin.test&id=AAECAwQFBgcICQoLDA0ODw&secret=EBESExQVFhcYGRobHB0eHw";

fn code(text: &str, side: u32, dark: u8, light: u8) -> GrayImage {
    let code = qrcode::QrCode::new(text).unwrap();
    let (modules, quiet) = (u32::try_from(code.width()).unwrap(), 4);
    let colors = code.to_colors();
    let scale = (side / (modules + 2 * quiet)).max(1);
    GrayImage::from_fn((modules + 2 * quiet) * scale, (modules + 2 * quiet) * scale, |x, y| {
        let at = |pixel: u32| (pixel / scale).checked_sub(quiet).filter(|at| *at < modules);
        match (at(x), at(y)) {
            (Some(x), Some(y)) => {
                let color = colors[usize::try_from(y * modules + x).unwrap()];
                Luma([color.select(dark, light)])
            }
            _ => Luma([light]),
        }
    })
}

fn png(picture: &GrayImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn page(codes: &[(&GrayImage, i64, i64)], width: u32, height: u32, ground: u8) -> Vec<u8> {
    let mut page = GrayImage::from_pixel(width, height, Luma([ground]));
    for (code, x, y) in codes {
        imageops::overlay(&mut page, *code, *x, *y);
    }
    png(&page)
}

/// Reads with a long time limit, since the test machine may be busy.
fn read(bytes: &[u8]) -> Result<String, PictureError> {
    read_within(bytes, Duration::from_secs(600))
}

#[test]
fn a_picture_that_takes_too_long_is_abandoned() {
    let picture = page(&[], 640, 480, 255);
    assert_eq!(read_within(&picture, Duration::ZERO), Err(PictureError::TookTooLong));
}

#[test]
fn codes_are_read_from_screens_of_different_sizes_and_colors() {
    let light = code(TEXT, 264, 0, 255);
    let dark = code(TEXT, 264, 255, 20);
    for (name, picture) in [
        ("alone", png(&light)),
        ("small on a page", page(&[(&code(TEXT, 120, 0, 255), 900, 600)], 1_280, 900, 244)),
        ("on a large screen", page(&[(&code(TEXT, 500, 0, 255), 2_000, 900)], 3_840, 2_160, 244)),
        ("light on dark", page(&[(&dark, 500, 300)], 1_280, 900, 20)),
        ("faint", png(&code(TEXT, 264, 110, 160))),
    ] {
        assert_eq!(read(&picture).as_deref(), Ok(TEXT), "{name}");
    }
    let mut jpeg = Cursor::new(Vec::new());
    light.write_to(&mut jpeg, ImageFormat::Jpeg).unwrap();
    assert_eq!(read(&jpeg.into_inner()).as_deref(), Ok(TEXT));
}

#[test]
fn picture_with_two_codes_is_read_only_if_they_are_equal() {
    let (one, two) = (code(TEXT, 264, 0, 255), code("https://example.org/menu", 264, 0, 255));
    let both = page(&[(&one, 100, 300), (&two, 800, 300)], 1_280, 900, 244);
    assert_eq!(read(&both), Err(PictureError::TwoCodes));
    let same = page(&[(&one, 100, 300), (&one, 800, 300)], 1_280, 900, 244);
    assert_eq!(read(&same).as_deref(), Ok(TEXT));
}

#[test]
fn pictures_without_a_code_and_damaged_pictures_are_refused() {
    assert_eq!(read(&page(&[], 640, 480, 255)), Err(PictureError::NoCode));
    assert_eq!(read(b""), Err(PictureError::NotAPicture));
    assert_eq!(read(b"GIF89a"), Err(PictureError::NotAPicture));
    assert_eq!(read(b"<svg/>"), Err(PictureError::NotAPicture));
    let whole = png(&code(TEXT, 264, 0, 255));
    assert_eq!(read(&whole[..whole.len() / 2]), Err(PictureError::Damaged));
    assert_eq!(read(&whole[..20]), Err(PictureError::Damaged));
    assert_eq!(read(&page(&[], 1, 1, 0)), Err(PictureError::NoCode));
}

/// Returns a PNG that claims a size but contains no pixels: signature, a valid header chunk and an empty data chunk.
fn claims(width: u32, height: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend_from_slice(&width.to_be_bytes());
    header.extend_from_slice(&height.to_be_bytes());
    header.extend_from_slice(&[8, 0, 0, 0, 0]);
    let sum = header.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _bit| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 })
    });
    [b"\x89PNG\r\n\x1a\n\0\0\0\x0d".as_slice(), &header, &(!sum).to_be_bytes(), b"\0\0\0\0IDAT\x35\xaf\x06\x1e"]
        .concat()
}

#[test]
fn pictures_that_claim_zero_or_huge_sizes_are_refused() {
    for (width, height) in [(0, 0), (0, 10), (10, 0)] {
        let refused = read(&claims(width, height));
        assert!(matches!(refused, Err(PictureError::NotAPicture | PictureError::Damaged)), "{refused:?}");
    }
    for (width, height) in [(10_000, 10_000), (100_000_000, 1), (u32::MAX >> 1, u32::MAX >> 1)] {
        let refused = read(&claims(width, height));
        assert!(matches!(refused, Err(PictureError::TooLarge | PictureError::Damaged)), "{width}: {refused:?}");
    }
}

#[test]
fn pictures_above_50_megapixels_or_20_mib_are_refused() {
    assert_eq!(
        read(&claims(10_000, 5_000)),
        Err(PictureError::Damaged),
        "a truncated picture of the largest allowed size was not refused as damaged"
    );
    assert_eq!(read(&claims(10_000, 5_001)), Err(PictureError::TooLarge));
    assert_eq!(read(&vec![0; 20 * 1024 * 1024]), Err(PictureError::NotAPicture));
    assert_eq!(read(&vec![0; 20 * 1024 * 1024 + 1]), Err(PictureError::TooLarge));
}

#[test]
fn large_pictures_are_scaled_down_to_at_least_one_pixel() {
    for (size, side, scaled) in [
        ((2_560, 1_280), 1_280, (1_280, 640)),
        ((1_281, 100), 1_280, (1_280, 99)),
        ((1_280, 100), 1_280, (1_280, 100)),
        ((100, 60), 1_280, (100, 60)),
        ((1, 5_000), 640, (1, 640)),
    ] {
        assert_eq!(fit(&GrayImage::new(size.0, size.1), side).dimensions(), scaled, "{size:?} in {side}");
    }
}

#[test]
fn painted_area_extends_a_quarter_beyond_the_pattern_centers() {
    let rest = without(&GrayImage::new(100, 120), &[(40.0, 40.0), (60.0, 40.0), (40.0, 80.0)]);
    for (x, y, pixel) in rest.enumerate_pixels() {
        let painted = (35..=65).contains(&x) && (30..=90).contains(&y);
        assert_eq!(pixel.0, [if painted { 255 } else { 0 }], "{x}, {y}");
    }
}

#[test]
fn local_contrast_separates_dark_from_light() {
    let mut picture = GrayImage::from_pixel(320, 320, Luma([120]));
    imageops::overlay(&mut picture, &GrayImage::from_pixel(8, 8, Luma([60])), 156, 156);
    let contrast = local_contrast(&picture);
    assert_eq!(contrast.get_pixel(160, 160).0, [0]);
    assert_eq!([(0, 0), (319, 0), (10, 300), (319, 319)].map(|(x, y)| contrast.get_pixel(x, y).0), [[255]; 4]);
}
