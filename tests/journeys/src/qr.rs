//! Makes a picture of a screen with a QR code, and reads the QR code of a page.

use image::{GrayImage, ImageFormat, Luma};

use crate::trouble::Trouble;

/// Makes a PNG picture of a screen with the text as a QR code.
///
/// # Errors
/// When the text does not fit into a QR code.
pub fn screenshot_of(text: &str) -> Result<Vec<u8>, Trouble> {
    let code = qrcode::QrCode::new(text)?.render::<Luma<u8>>().min_dimensions(264, 264).build();
    let mut page = GrayImage::from_pixel(1_280, 900, Luma([244]));
    image::imageops::overlay(&mut page, &code, 500, 300);
    let mut png = std::io::Cursor::new(Vec::new());
    page.write_to(&mut png, ImageFormat::Png)?;
    Ok(png.into_inner())
}

/// Reads the QR code of a page of the service. Its SVG picture is one path of equal squares.
///
/// # Errors
/// When the picture has another format, or contains no QR code.
pub fn text_of_svg(svg: &str) -> Result<String, Trouble> {
    let side: u32 = between(svg, "width=\"", "\"").ok_or("the picture has no width")?.parse()?;
    let path = between(svg, " d=\"", "\"").ok_or("the picture has no path")?;
    let mut picture = GrayImage::from_pixel(side, side, Luma([255]));
    for square in path.split('M').skip(1) {
        let numbers: Vec<u32> = square
            .split(|character: char| !character.is_ascii_digit())
            .filter(|part| !part.is_empty())
            .filter_map(|part| part.parse().ok())
            .collect();
        let [x, y, width, height, ..] = numbers.as_slice() else {
            return Err("the picture's path does not consist of squares".into());
        };
        for (dx, dy) in (0..*width).flat_map(|dx| (0..*height).map(move |dy| (dx, dy))) {
            if let Some(pixel) = picture.get_pixel_mut_checked(x + dx, y + dy) {
                pixel.0 = [0];
            }
        }
    }
    let hints = &mut rxing::DecodeHints::default();
    let found = rxing::helpers::detect_in_luma_with_hints(
        picture.into_raw(),
        side,
        side,
        Some(rxing::BarcodeFormat::QR_CODE),
        hints,
    )?;
    Ok(found.getText().to_owned())
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    text.split_once(start)?.1.split_once(end).map(|(found, _)| found)
}
