//! Targets for scanned, typed and photographed codes, and for redirects of a browser.

use std::io::Cursor;

use countersign::testing::readers;
use countersign::{CodeInput, Invite, Issuer, Scanned};
use image::{GrayImage, ImageFormat, Luma};
use qrcode::{Color, QrCode};
use url::Url;

use crate::strict::{canonical, is_id};
use crate::vectors::ISSUER;

const GOOD: &str = "countersign://enroll?v=1&issuer=https%3A%2F%2Flogin.example&id=wM-5F6NOcKwagTuUQYJIzg&secret=vJ8Pa9JLo4-47QoslH01WQ";
const CROCKFORD: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const HOME: &str = "http://127.0.0.1:40000/phone-sign-in";
const STATE: &str = "t4Xh0fX0bB7p3cXcQmQw3tXyYc8m0u0gE2mJm1p0A1E";

/// Checks an accepted issuer: `https`, a lower-case ASCII host, optionally a port, and only one spelling.
fn is_issuer(issuer: &Issuer) {
    let text = issuer.as_str();
    let host = text.strip_prefix("https://").expect("accepted an issuer without https");
    assert_eq!(host, issuer.host());
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.:[]".contains(&byte);
    assert!(host.bytes().all(known), "accepted an issuer with characters that DNS does not allow: {text}");
    assert!(
        !host.is_empty() && !host.contains(['/', '?', '#', '@', '\\', '%']),
        "accepted an issuer with more than a host: {text}"
    );
    assert!(
        !host.ends_with(":443") && !host.ends_with(['.', ':']),
        "accepted an issuer that has another spelling: {text}"
    );
    assert!(text.len() <= "https://".len() + 253 + ":65535".len(), "accepted an issuer that is too long: {text}");
    assert!(!host.contains("..") && !host.starts_with('.'), "accepted an issuer with an empty label: {text}");
    assert_eq!(Url::parse(text).unwrap().origin().ascii_serialization(), text);
    assert_eq!(Issuer::parse(text).as_ref(), Ok(issuer));
}

/// Reads a scanned text. An accepted invite is complete. A code that is written from the invite's parts is read as the
/// same invite.
pub(crate) fn code(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let Ok(Scanned::Invite(invite)) = readers::read_code(CodeInput::Text { text: text.to_owned() }) else {
        return false;
    };
    assert!(text.trim().len() <= 2_048, "accepted an invite of {} bytes", text.len());
    let (id, secret) = parts(&invite);
    is_id(&id);
    is_id(&secret);
    let mut again = Url::parse("countersign://enroll").unwrap();
    again.query_pairs_mut().extend_pairs([
        ("v", "1"),
        ("issuer", invite.issuer().as_str()),
        ("id", &id),
        ("secret", &secret),
    ]);
    let Ok(Scanned::Invite(read)) = readers::read_code(CodeInput::Text { text: again.into() }) else {
        panic!("refused a code that was written from the parts of an accepted invite")
    };
    assert_eq!(parts(&read), parts(&invite));
    // An accepted invite has only the four known parameters, because other readers could interpret further parameters
    // differently.
    let query = text.split_once('?').expect("accepted an invite without a query").1.trim();
    let mut names: Vec<String> = url::form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name.into()).collect();
    names.sort_unstable();
    assert_eq!(names, ["id", "issuer", "secret", "v"]);
    true
}

fn parts(invite: &Invite) -> (String, String) {
    is_issuer(invite.issuer());
    let (id, secret) = readers::invite_parts(invite);
    assert!(id.contains(&secret) || !format!("{invite:?}").contains(&secret), "`Debug` prints the secret");
    (id, secret)
}

pub(crate) fn code_seeds() -> Vec<Vec<u8>> {
    let others = [
        "countersign://enroll?v=2&issuer=https%3A%2F%2Flogin.example&x=1",
        "COUNTERSIGN://enroll?v=1&issuer=https://login.example:8443&id=AAAAAAAAAAAAAAAAAAAAAA&secret=AAAAAAAAAAAAAAAAAAAAAA",
        "countersign://enroll?v=1&v=1&issuer=https://[::1]&id=AAAAAAAAAAAAAAAAAAAAAB&secret=",
        "otpauth://totp/Example:ada?secret=JBSWY3DPEHPK3PXP&issuer=Example",
        "otpauth://pipush/x?url=aHR0cHM6Ly94",
        "otpauth-migration://offline?data=CjEKCkhlbGxv",
        "phonefactor://activate_account?code=1&url=https%3A%2F%2Fx",
        "FIDO:/13086400838107303667332719012595115747821895775708323189557153075146383351399743589971313508078026948312026786722471666005727649643501784024544726574771401798171307406596245",
        "https://login.example/",
        "WIFI:S:x;T:WPA;P:y;;",
        "BEGIN:VCARD\nEND:VCARD",
    ];
    std::iter::once(GOOD).chain(others).map(|text| text.as_bytes().to_vec()).collect()
}

/// Reads a typed code. The input is the code, a line feed, and the service's address. The canonical form of an accepted
/// code gives the same invite.
pub(crate) fn typed(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let (code, address) = text.split_once('\n').unwrap_or((text, ""));
    if let Some(issuer) = readers::typed_issuer(address) {
        is_issuer(&issuer);
        let again = readers::typed_issuer(issuer.host()).expect("the host of an accepted address was refused");
        assert_eq!(again, issuer);
    }
    let read = |code: &str, address: &str| {
        readers::read_code(CodeInput::Typed { code: code.to_owned(), address: address.to_owned() })
    };
    let Ok(Scanned::Invite(invite)) = read(code, address) else { return false };
    let (id, secret) = parts(&invite);
    let canonical = format!("{id}{secret}");
    assert!(
        (id.len(), secret.len()) == (4, 8) && canonical.chars().all(|one| CROCKFORD.contains(one)),
        "accepted {canonical}"
    );
    let Ok(Scanned::Invite(again)) = read(&canonical, invite.issuer().host()) else {
        panic!("the canonical form of an accepted code was refused")
    };
    assert_eq!(parts(&again), (id, secret));
    true
}

pub(crate) fn typed_seeds() -> Vec<Vec<u8>> {
    ["7K2M-9QXV-4R8T\nlogin.example", "o1lI abcd wxyz\nHTTPS://Login.Example:8443/", "7K2M9QXV4R8T\n[2001:db8::1]:8443"]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
}

/// Reads a picture of a code. The size of an accepted picture is limited, and reading the picture again gives the same
/// text.
pub(crate) fn picture(input: &[u8]) -> bool {
    let Ok(text) = readers::read_picture(input) else { return false };
    assert!(input.len() <= 20 * 1024 * 1024, "accepted {} bytes", input.len());
    assert_eq!(readers::read_picture(input).as_ref(), Ok(&text));
    true
}

pub(crate) fn picture_seeds() -> Vec<Vec<u8>> {
    const MODULE: usize = 3;
    const BORDER: usize = 4;
    let code = QrCode::new(GOOD).unwrap();
    let (width, dark) = (code.width(), code.to_colors());
    let side = u32::try_from((width + 2 * BORDER) * MODULE).unwrap();
    let picture = GrayImage::from_fn(side, side, |x, y| {
        let [column, row] = [x, y].map(|at| (usize::try_from(at).unwrap() / MODULE).wrapping_sub(BORDER));
        let is_dark = column < width && row < width && dark[row * width + column] == Color::Dark;
        Luma([if is_dark { 0 } else { u8::MAX }])
    });
    let encoded = |format| {
        let mut bytes = Vec::new();
        picture.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
        bytes
    };
    vec![encoded(ImageFormat::Png), encoded(ImageFormat::Jpeg), b"GIF89a".to_vec()]
}

/// Reads a redirect of a browser. Only a redirect that belongs to the sent request is accepted.
pub(crate) fn redirect(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let Some(read) = readers::read_redirect(text, HOME, STATE, ISSUER) else { return false };
    let url = Url::parse(text).expect("accepted a text that is not a URL");
    let mut bare = url.clone();
    bare.set_query(None);
    bare.set_fragment(None);
    assert_eq!(bare.as_str(), HOME, "accepted a redirect to another address");
    let all = |name: &str| -> Vec<String> {
        url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect()
    };
    assert_eq!((all("state"), all("iss")), (vec![STATE.to_owned()], vec![ISSUER.to_owned()]));
    match read {
        Ok(code) => assert!(all("code") == [code.clone()] && all("error").is_empty() && !code.is_empty()),
        Err(_not_allowed) => assert!(all("code").is_empty() && all("error").len() == 1),
    }
    true
}

pub(crate) fn redirect_seeds() -> Vec<Vec<u8>> {
    let with = |query: &str| format!("{HOME}?{query}&state={STATE}&iss=https%3A%2F%2Flogin.example").into_bytes();
    vec![
        with("code=SplxlOBeZQQYbYS6WxSbIA"),
        with("error=access_denied&error_description=x"),
        with("error=unauthorized_client"),
        with("code=a&error=access_denied"),
        b"https://app.test/phone-sign-in?code=a&state=b&iss=c".to_vec(),
    ]
}

/// Decodes a base64url text. Phone and service accept only the canonical form, and both decode the text to the same
/// bytes.
pub(crate) fn base64url(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let service = countersign_service::secrets::decode(text);
    let Some(bytes) = readers::base64url(text) else {
        assert_eq!(service, None, "the service accepted a text that the phone refuses");
        return false;
    };
    assert_eq!(canonical(text), bytes);
    assert_eq!(service, Some(bytes), "phone and service decoded different bytes");
    true
}

pub(crate) fn base64url_seeds() -> Vec<Vec<u8>> {
    ["_-8", "", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB", "_-8=", "/+8", "YQ", "YR", "YQ==", "é"]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
}
