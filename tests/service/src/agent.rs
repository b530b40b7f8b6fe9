//! Reads the names of the browser and the operating system from the header `User-Agent`.

/// The parser's category for phones.
const PHONE: &str = "smartphone";
const UNKNOWN: &str = "other";

/// The names of a browser and its operating system. An unknown name is "other".
#[derive(Debug, Clone)]
pub struct Agent {
    /// "Chrome", "Firefox", …
    pub browser: String,
    /// "Windows", "Linux", …
    pub os: String,
    /// Whether the browser runs on a phone. The app may be installed on this phone.
    pub is_phone: bool,
}

impl Agent {
    /// Parses a `User-Agent` header.
    #[must_use]
    pub fn read(header: &str) -> Self {
        let known = |name: &str| {
            let plain = name.chars().all(|character| character.is_ascii_graphic() || character == ' ');
            if plain && !name.is_empty() && name != "UNKNOWN" && name.len() <= 40 { name } else { UNKNOWN }.to_owned()
        };
        match woothee::parser::Parser::new().parse(header) {
            Some(found) => Self { browser: known(found.name), os: known(found.os), is_phone: found.category == PHONE },
            None => Self { browser: UNKNOWN.to_owned(), os: UNKNOWN.to_owned(), is_phone: false },
        }
    }
}
