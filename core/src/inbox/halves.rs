//! A sealed file with two halves of equal length, which are overwritten in turn.
//!
//! Overwriting a half costs much less than creating and renaming a file. If the process is killed meanwhile, or another
//! process reads meanwhile, the half that is being written does not open, and the other half, which is one change older,
//! is read.
//!
//! Each half is sealed under the file's name. It contains a turn (8 bytes, big-endian) and the text, padded with spaces.
//! Each write uses a higher turn than the previous write, so the half with the higher turn is the newer one.

use std::io::{self, ErrorKind};

use zeroize::Zeroizing;

use crate::inbox::files::Files;

/// Largest file that is read, in bytes.
const MAX_FILE: u64 = 131_072;

/// The decrypted content of a half.
struct Half {
    turn: u64,
    text: Zeroizing<Vec<u8>>,
}

/// Returns the text that was written last, with its padding, or `None` when there is no such file.
///
/// # Errors
/// When the file can't be read or is larger than `MAX_FILE`, or when no half was sealed under this name.
pub(super) fn read(files: &Files, name: &str) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let Some(content) = files.content(name, MAX_FILE)? else { return Ok(None) };
    let newest = halves(files, name, &content).into_iter().flatten().max_by_key(|half| half.turn);
    newest.map(|half| Some(half.text)).ok_or_else(|| ErrorKind::InvalidData.into())
}

/// Returns both halves. A half that does not open is `None`.
fn halves(files: &Files, name: &str, content: &[u8]) -> [Option<Half>; 2] {
    let (first, second) = content.split_at(content.len().div_euclid(2));
    [first, second].map(|sealed| {
        let plain = files.unseal(name, sealed).ok()?;
        let (turn, text) = plain.split_first_chunk()?;
        Some(Half { turn: u64::from_be_bytes(*turn), text: Zeroizing::new(text.to_vec()) })
    })
}

#[cfg(feature = "authenticator")]
mod writing {
    use super::{Files, MAX_FILE, Zeroizing, halves, io};
    use crate::base::seal::OVERHEAD;
    use crate::inbox::files::Durability;

    /// The length of a half is a multiple of this number of bytes, so that most changes fit into the same length.
    const STEP: usize = 2_048;
    /// Length of the turn, in bytes.
    const TURN: usize = size_of::<u64>();

    /// Writes the text. With `Durability::Later`, overwrites the older half if the text fits. In all other cases,
    /// replaces the file, which then contains no older text.
    pub(in crate::inbox) fn write(files: &Files, name: &str, text: &[u8], durability: Durability) -> io::Result<()> {
        let needed = text.len().saturating_add(TURN).saturating_add(OVERHEAD);
        let content = match durability {
            Durability::Later => files.content(name, MAX_FILE).ok().flatten(),
            Durability::Full => None,
        };
        let older = content.and_then(|content| older_half(files, name, &content));
        if let Some(older) = older.filter(|older| needed <= older.length) {
            let half = sealed(files, name, older.next_turn, text, older.length)?;
            return files.overwrite(name, older.at, &half);
        }
        let length = needed.next_multiple_of(STEP);
        let mut file = sealed(files, name, 1, text, length)?;
        // The second half is still empty.
        file.resize(length.saturating_mul(2), 0);
        files.replace(name, &file, durability)
    }

    /// The half to overwrite.
    struct Older {
        at: usize,
        length: usize,
        next_turn: u64,
    }

    /// Returns the half that is not the newest, or `None` when no half opens.
    fn older_half(files: &Files, name: &str, content: &[u8]) -> Option<Older> {
        let [first, second] = halves(files, name, content).map(|half| half.map(|half| half.turn));
        let length = content.len().div_euclid(2);
        let at = if first > second { length } else { 0 };
        Some(Older { at, length, next_turn: first.max(second)?.saturating_add(1) })
    }

    /// Returns a half with this length.
    fn sealed(files: &Files, name: &str, turn: u64, text: &[u8], length: usize) -> io::Result<Vec<u8>> {
        let mut plain = Zeroizing::new(Vec::with_capacity(length));
        plain.extend_from_slice(&turn.to_be_bytes());
        plain.extend_from_slice(text);
        plain.resize(length.saturating_sub(OVERHEAD), b' ');
        files.seal(name, &plain)
    }
}

#[cfg(feature = "authenticator")]
pub(super) use writing::write;

#[cfg(all(test, feature = "authenticator"))]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

    use std::fs;
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;
    use crate::base::seal::Sealer;
    use crate::inbox::files::Durability;

    const NAME: &str = "account";

    struct Scene {
        files: Files,
        folder: TempDir,
    }

    impl Scene {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            Self { files: Files::new(folder.path(), Sealer::new(vec![7; 32]).unwrap()), folder }
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join(NAME)
        }

        fn write(&self, text: &str, durability: Durability) -> Vec<u8> {
            write(&self.files, NAME, text.as_bytes(), durability).unwrap();
            fs::read(self.path()).unwrap()
        }

        /// Returns the text without its padding, or `None` when the file does not open.
        fn read(&self) -> Option<String> {
            let text = read(&self.files, NAME).ok()?.unwrap();
            Some(String::from_utf8(text.to_vec()).unwrap().trim_end().to_owned())
        }
    }

    #[test]
    fn a_change_overwrites_only_the_older_half() {
        let scene = Scene::new();
        assert!(read(&scene.files, NAME).unwrap().is_none());
        let mut before = scene.write("0", Durability::Later);
        for number in 1..6 {
            let after = scene.write(&number.to_string(), Durability::Later);
            assert_eq!(scene.read(), Some(number.to_string()));
            let half = after.len() / 2;
            let (kept, changed) = if number % 2 == 0 { (half.., 0..half) } else { (0.., half..after.len()) };
            let kept = kept.start..kept.start + half;
            assert_eq!((before.len(), &before[kept.clone()]), (after.len(), &after[kept]), "change {number}");
            assert_ne!(before[changed.clone()], after[changed], "change {number}");
            before = after;
        }
    }

    #[test]
    fn a_change_that_was_interrupted_leaves_the_change_before() {
        let scene = Scene::new();
        scene.write("first", Durability::Later);
        let before = scene.write("second", Durability::Later);
        let after = scene.write("third", Durability::Later);
        for written in (1..after.len() / 2).step_by(97) {
            fs::write(scene.path(), [&after[..written], &before[written..]].concat()).unwrap();
            assert_eq!(scene.read().as_deref(), Some("second"), "{written} bytes were written");
        }
        scene.write("fourth", Durability::Later);
        assert_eq!(scene.read().as_deref(), Some("fourth"));
    }

    #[test]
    fn a_longer_text_and_a_damaged_file_are_replaced() {
        let scene = Scene::new();
        let short = scene.write("short", Durability::Later);
        let most = "x".repeat(short.len() / 2 - 8 - 28);
        assert_eq!(scene.write(&most, Durability::Later).len(), short.len());
        assert_eq!(scene.read(), Some(most.clone()));
        let longer = most + "x";
        assert!(scene.write(&longer, Durability::Later).len() > short.len());
        assert_eq!(scene.read(), Some(longer));
        for damaged in ["", "damaged", &"damaged".repeat(2_000)] {
            fs::write(scene.path(), damaged).unwrap();
            assert_eq!(scene.read(), None);
            scene.write("again", Durability::Later);
            assert_eq!(scene.read().as_deref(), Some("again"));
        }
    }

    #[test]
    fn a_durable_change_leaves_no_older_text() {
        let scene = Scene::new();
        scene.write("older", Durability::Later);
        scene.write("newer", Durability::Later);
        let file = scene.write("durable", Durability::Full);
        let (first, second) = file.split_at(file.len() / 2);
        assert_eq!((scene.read().as_deref(), second), (Some("durable"), vec![0; first.len()].as_slice()));
    }
}
