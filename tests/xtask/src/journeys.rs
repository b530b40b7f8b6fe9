//! Checks that every listed test exists. `tests/journeys/README.md` lists the tests of the journeys, and
//! `core/docs/threats.md` lists the tests against the threats.

use std::path::Path;

use crate::report::{root, say};

/// The folders that are searched for the tests.
const PLACES: [&str; 8] = [
    "tests/journeys/tests",
    "tests/torture/tests",
    "tests/service/tests",
    "tests/service/src",
    "tests/fuzz/tests",
    "tests/model/tests",
    "core/tests",
    "core/src",
];

/// Fails when a listed test does not exist, or when the name of a journey's test does not begin with the journey's id.
pub(crate) fn check() -> std::io::Result<bool> {
    let list = std::fs::read_to_string(root().join("tests/journeys/README.md"))?;
    let mut sources = String::new();
    for place in PLACES {
        read_all(&root().join(place), &mut sources)?;
    }
    let (mut good, mut listed) = (true, 0_usize);
    for (id, test) in list.lines().flat_map(entries) {
        listed = listed.saturating_add(1);
        if !ids(&test).contains(&id) || !sources.contains(&format!("fn {test}(")) {
            say(&format!("{id} lists `{test}`, but there is no such test for this id"));
            good = false;
        }
    }
    say(&format!("{listed} journey tests listed"));
    let threats = std::fs::read_to_string(root().join("core/docs/threats.md"))?;
    let mut stopped = 0_usize;
    for test in threats.lines().filter(|line| line.starts_with("| ")).flat_map(quoted) {
        stopped = stopped.saturating_add(1);
        if !sources.contains(&format!("fn {test}(")) {
            say(&format!("core/docs/threats.md lists `{test}`, but there is no such test"));
            good = false;
        }
    }
    say(&format!("core/docs/threats.md lists {stopped} tests"));
    Ok(good && listed > 0 && stopped > 0)
}

/// Returns the ids with which a test's name begins. The name `j6_w1_w2_…` begins with J6, J6.w1 and J6.w2.
fn ids(test: &str) -> Vec<String> {
    let numbered = |word: &str, letter: char| {
        word.strip_prefix(letter).is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let (mut ids, mut journey) = (Vec::new(), String::new());
    for word in test.split('_') {
        if numbered(word, 'j') {
            journey = word.to_uppercase();
            ids.push(journey.clone());
        } else if numbered(word, 'w') && !journey.is_empty() {
            ids.push(format!("{journey}.{word}"));
        } else {
            break;
        }
    }
    ids
}

/// Returns the texts in backquotes in the last cell of a row.
fn quoted(line: &str) -> Vec<String> {
    let last = line.trim().trim_matches('|').split('|').next_back().unwrap_or_default();
    last.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Returns the ids and tests in a row of the table: `| J2.w1 | what | `j2_w1_…` |`.
fn entries(line: &str) -> Vec<(String, String)> {
    let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
    let Some(id) = cells.first().filter(|id| id.starts_with('J')) else {
        return Vec::new();
    };
    quoted(line).into_iter().filter(|name| name.starts_with('j')).map(|name| ((*id).to_owned(), name)).collect()
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
    fn test_name_begins_with_its_journey_ids() {
        assert_eq!(ids("j6_w1_w2_a_wrong_number"), ["J6", "J6.w1", "J6.w2"]);
        assert_eq!(ids("j2_j4_from_the_page"), ["J2", "J4"]);
        assert!(ids("jumping_over").is_empty() && ids("w1_alone").is_empty());
    }

    #[test]
    fn table_rows_give_ids_and_tests() {
        let row = "| J2.w1 | expired | `j2_w1_one`, `j2_w1_two` |";
        let expected = [("J2.w1", "j2_w1_one"), ("J2.w1", "j2_w1_two")];
        let expected: Vec<_> = expected.iter().map(|(id, test)| ((*id).to_owned(), (*test).to_owned())).collect();
        assert_eq!(entries(row), expected);
        assert!(entries("| id | what | test |").is_empty());
        assert!(entries("plain words with `code`").is_empty());
    }
}
