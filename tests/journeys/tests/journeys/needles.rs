//! Searches files and text for known secrets (the "needles"), in every encoding in which they could be written.

use std::collections::HashMap;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// The minimum length of a searched byte sequence. Shorter sequences also occur by chance.
const SHORTEST: usize = 8;

/// The secrets to search for.
#[derive(Default)]
pub(crate) struct Needles {
    names: Vec<String>,
    by_start: HashMap<[u8; SHORTEST], Vec<(usize, Vec<u8>)>>,
}

impl Needles {
    /// Adds a secret, as bytes. If the secret is base64url text, also adds the decoded bytes.
    pub(crate) fn add(&mut self, name: &str, bytes: &[u8]) {
        assert!(bytes.len() >= SHORTEST, "{name} is too short to search for");
        let number = self.names.len();
        self.names.push(name.to_owned());
        let decoded = URL_SAFE_NO_PAD.decode(bytes).ok().filter(|decoded| decoded.len() >= 16);
        for bytes in [Some(bytes.to_vec()), decoded].into_iter().flatten() {
            for form in forms(&bytes) {
                let start = form.first_chunk().unwrap();
                self.by_start.entry(*start).or_default().push((number, form));
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// The names of the secrets that occur in the bytes.
    pub(crate) fn found_in(&self, hay: &[u8]) -> Vec<&str> {
        let mut found = vec![false; self.names.len()];
        for (at, start) in hay.windows(SHORTEST).enumerate() {
            let start: &[u8; SHORTEST] = start.try_into().unwrap();
            for (number, form) in self.by_start.get(start).into_iter().flatten() {
                found[*number] |= hay[at..].starts_with(form);
            }
        }
        self.names.iter().zip(found).filter(|(_, found)| *found).map(|(name, _)| name.as_str()).collect()
    }

    /// The secrets that occur in any file below a folder, as "name in path".
    pub(crate) fn found_under(&self, folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for (path, bytes) in files(folder) {
            found.extend(self.found_in(&bytes).into_iter().map(|name| format!("{name} in {path}")));
        }
        found
    }
}

/// The path and content of every file below a folder, including SQLite's WAL and shared-memory files.
pub(crate) fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    all
}

/// The forms of a secret: bytes, hexadecimal, printed list, percent-encoded, both kinds of base64 at every alignment.
fn forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let joined =
        |by: &str, each: &dyn Fn(&u8) -> String| bytes.iter().map(each).collect::<Vec<_>>().join(by).into_bytes();
    let mut forms = vec![
        bytes.to_vec(),
        joined("", &|byte| format!("{byte:02x}")),
        joined("", &|byte| format!("{byte:02X}")),
        joined(", ", &|byte| byte.to_string()),
        joined(",", &|byte| byte.to_string()),
        url::form_urlencoded::byte_serialize(bytes).collect::<String>().into_bytes(),
    ];
    for before in 0..3 {
        let shifted = [&[0; 3][..before], bytes].concat();
        // Keep only the characters that do not depend on the bytes before and after the secret.
        let (first, last) = ((8 * before).div_ceil(6), 8 * shifted.len() / 6);
        for encoded in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
            forms.push(encoded.as_bytes()[first..last].to_vec());
        }
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

/// Checks that the search finds a secret in every form and at every position, and that the search reports no secret
/// that is absent or incomplete.
pub(crate) fn check_that_the_search_finds_every_form() {
    let mut needles = Needles::default();
    let secret = b"canary \xff\x00\xfe secret";
    needles.add("canary", secret);
    needles.add("another", b"another secret");
    for before in 0..5 {
        let hay = [&b"abcdef"[..before], secret, b" and more"].concat();
        for text in [
            hay.clone(),
            STANDARD_NO_PAD.encode(&hay).into_bytes(),
            URL_SAFE_NO_PAD.encode(&hay).into_bytes(),
            format!("{hay:?}").into_bytes(),
            hay.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes(),
        ] {
            assert_eq!(needles.found_in(&text), ["canary"], "{}", String::from_utf8_lossy(&text));
            assert!(needles.found_in(&text[text.len() / 2..]).is_empty());
        }
    }
}
