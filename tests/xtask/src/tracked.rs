//! Reads the text files that git tracks.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::Command;

use crate::report::root;

/// The tracked texts, by their path from the root of the repository.
pub(crate) struct Texts(BTreeMap<String, String>);

impl Texts {
    /// Reads all tracked files that are UTF-8 and still exist.
    pub(crate) fn read() -> io::Result<Self> {
        let listed = Command::new("git").args(["ls-files"]).current_dir(root()).output()?;
        let names = String::from_utf8_lossy(&listed.stdout).into_owned();
        let read = |name: &str| Some((name.to_owned(), std::fs::read_to_string(root().join(Path::new(name))).ok()?));
        Ok(Self(names.lines().filter_map(read).collect()))
    }

    #[cfg(test)]
    pub(crate) fn of(texts: &[(&str, &str)]) -> Self {
        Self(texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
    }

    /// Returns the text of one file; empty when the file is not tracked.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    pub(crate) fn documents(&self) -> impl Iterator<Item = (&str, &str)> {
        self.all().filter(|(name, _)| is_document(name))
    }

    /// Whether the path names a tracked text, a folder of tracked texts, or another existing file, such as a picture.
    pub(crate) fn has_path(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.0.contains_key(path) || self.0.keys().any(|name| name.starts_with(&folder)) || root().join(path).is_file()
    }
}

pub(crate) fn is_document(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "md")
}
