//! Checks that the frozen vectors of protocol version 1 are unchanged; new files may be added.

use std::fs;

use crate::report::{root, say};

const FOLDER: &str = "tests/vectors";

/// Checks that `SHA256SUMS` still contains each line of `FROZEN`. All readers check the vector files against
/// `SHA256SUMS`.
pub(crate) fn check() -> std::io::Result<bool> {
    let folder = root().join(FOLDER);
    let (frozen, sums) = (fs::read_to_string(folder.join("FROZEN"))?, fs::read_to_string(folder.join("SHA256SUMS"))?);
    let changed = changed(&frozen, &sums);
    for line in &changed {
        say(&format!("{FOLDER}: a frozen file was changed or removed: {line}"));
    }
    say(&format!("{} vector files frozen", frozen.lines().count()));
    Ok(changed.is_empty() && !frozen.is_empty())
}

/// Returns the lines of `frozen` that are not in `sums`.
fn changed<'a>(frozen: &'a str, sums: &str) -> Vec<&'a str> {
    frozen.lines().filter(|line| sums.lines().all(|other| other != *line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_or_removed_frozen_file_is_reported() {
        let frozen = "aa  one.json\nbb  two.json\n";
        assert!(changed(frozen, frozen).is_empty());
        assert!(changed(frozen, "aa  one.json\nbb  two.json\ncc  three.json\n").is_empty());
        assert_eq!(changed(frozen, "aa  one.json\ncc  two.json\n"), ["bb  two.json"]);
        assert_eq!(changed(frozen, "bb  two.json\n"), ["aa  one.json"]);
    }
}
