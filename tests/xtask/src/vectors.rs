//! Version 1 of the protocol is frozen: its vectors are added to, never edited.

use std::fs;

use crate::report::{root, say};

const FOLDER: &str = "tests/vectors";

/// Every frozen file is there as it was; the sums are what each reader compares the files with.
pub(crate) fn check() -> std::io::Result<bool> {
    let folder = root().join(FOLDER);
    let (frozen, sums) = (fs::read_to_string(folder.join("FROZEN"))?, fs::read_to_string(folder.join("SHA256SUMS"))?);
    let changed = changed(&frozen, &sums);
    for line in &changed {
        say(&format!("{FOLDER}: frozen, and not what it was: {line}"));
    }
    say(&format!("{} vector files frozen", frozen.lines().count()));
    Ok(changed.is_empty() && !frozen.is_empty())
}

/// The lines of `sha256sum` that are no longer among the sums.
fn changed<'a>(frozen: &'a str, sums: &str) -> Vec<&'a str> {
    frozen.lines().filter(|line| sums.lines().all(|other| other != *line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_file_may_get_company_and_may_not_change_or_go() {
        let frozen = "aa  one.json\nbb  two.json\n";
        assert!(changed(frozen, frozen).is_empty());
        assert!(changed(frozen, "aa  one.json\nbb  two.json\ncc  three.json\n").is_empty());
        assert_eq!(changed(frozen, "aa  one.json\ncc  two.json\n"), ["bb  two.json"]);
        assert_eq!(changed(frozen, "bb  two.json\n"), ["aa  one.json"]);
    }
}
