//! Every journey that `tests/journeys/README.md` lists has the test that shows it.

use std::path::Path;

use crate::report::{root, say};

/// Places where tests of journeys stand.
const PLACES: [&str; 3] = ["tests/journeys/tests", "tests/service/tests", "core/tests"];

/// Fails on a listed id whose test does not exist, or is named for another id.
pub(crate) fn check() -> std::io::Result<bool> {
    let list = std::fs::read_to_string(root().join("tests/journeys/README.md"))?;
    let mut sources = String::new();
    for place in PLACES {
        read_all(&root().join(place), &mut sources)?;
    }
    let (mut good, mut listed) = (true, 0_usize);
    for (id, test) in list.lines().flat_map(entries) {
        listed = listed.saturating_add(1);
        let prefix = id.to_lowercase().replace('.', "_");
        let named_for_it = test.strip_prefix(&prefix).is_some_and(|rest| rest.starts_with('_'));
        if !named_for_it || !sources.contains(&format!("fn {test}(")) {
            say(&format!("{id} lists `{test}`, and there is no such test for it"));
            good = false;
        }
    }
    say(&format!("{listed} journey tests listed"));
    Ok(good && listed > 0)
}

/// Ids and tests in a row of the table: `| J2.w1 | what | `j2_w1_…` |`.
fn entries(line: &str) -> Vec<(String, String)> {
    let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
    let Some(id) = cells.first().filter(|id| id.starts_with('J')) else {
        return Vec::new();
    };
    let quoted = cells.last().map(|cell| cell.split('`').skip(1).step_by(2)).into_iter().flatten();
    quoted.filter(|name| name.starts_with('j')).map(|name| ((*id).to_owned(), name.to_owned())).collect()
}

fn read_all(folder: &Path, sources: &mut String) -> std::io::Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            read_all(&path, sources)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&std::fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_name_an_id_and_its_tests() {
        let row = "| J2.w1 | expired | `j2_w1_one`, `j2_w1_two` |";
        let expected = [("J2.w1", "j2_w1_one"), ("J2.w1", "j2_w1_two")];
        let expected: Vec<_> = expected.iter().map(|(id, test)| ((*id).to_owned(), (*test).to_owned())).collect();
        assert_eq!(entries(row), expected);
        assert!(entries("| id | what | test |").is_empty());
        assert!(entries("plain words with `code`").is_empty());
    }
}
