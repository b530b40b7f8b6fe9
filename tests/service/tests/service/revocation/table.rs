//! Reads the table "What a revocation ends" of `threats.md`.

use std::collections::BTreeMap;

use countersign_service::grants::Kind;

const TEXT: &str = include_str!("../../../../../core/docs/threats.md");
const HEADING: &str = "\n## What a revocation ends\n";

/// Every kind, in the order of the columns.
pub const KINDS: [Kind; 16] = [
    Kind::Attempt,
    Kind::Session,
    Kind::KnownBrowser,
    Kind::Code,
    Kind::Token,
    Kind::Registration,
    Kind::RegistrationCode,
    Kind::RegistrationToken,
    Kind::PhoneToken,
    Kind::Enrollment,
    Kind::Device,
    Kind::SignInKey,
    Kind::Pass,
    Kind::Administrator,
    Kind::ApiToken,
    Kind::Ceremony,
];

/// Returns the heading of the kind's column.
pub fn column(kind: Kind) -> &'static str {
    match kind {
        Kind::Attempt => "attempt",
        Kind::Session => "session",
        Kind::KnownBrowser => "known browser",
        Kind::Code => "code",
        Kind::Token => "token",
        Kind::Registration => "pushed request",
        Kind::RegistrationCode => "phone's code",
        Kind::RegistrationToken => "turn-on token",
        Kind::PhoneToken => "phone token",
        Kind::Enrollment => "enrollment",
        Kind::Device => "device",
        Kind::SignInKey => "sign-in key",
        Kind::Pass => "pass",
        Kind::Administrator => "administrator",
        Kind::ApiToken => "API token",
        Kind::Ceremony => "ceremony",
    }
}

/// One cell of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Ends,
    Kept,
    /// Ends if one of the first conditions is true, and the last is not.
    EndsIf(Vec<String>, Option<String>),
}

impl Cell {
    fn read(text: &str) -> Self {
        let Some(conditions) = text.strip_prefix("ends if ") else {
            return match text {
                "ends" => Self::Ends,
                "kept" => Self::Kept,
                _ => panic!("the table has the cell `{text}`"),
            };
        };
        let (conditions, not) = match conditions.split_once(", not ") {
            Some((conditions, not)) => (conditions, Some(not.to_owned())),
            None => (conditions, None),
        };
        Self::EndsIf(conditions.split(" or ").map(str::to_owned).collect(), not)
    }
}

/// The table: act, kind, cell.
pub struct Table {
    pub columns: Vec<String>,
    pub rows: BTreeMap<String, Vec<Cell>>,
}

impl Table {
    pub fn of_the_document() -> Self {
        let section = TEXT.split_once(HEADING).unwrap().1;
        let lines = section.lines().skip_while(|line| !line.starts_with("| act |"));
        let mut lines = lines.take_while(|line| line.starts_with('|')).map(cells);
        let columns = lines.next().unwrap().split_off(1);
        assert!(lines.next().unwrap().iter().all(|cell| cell == "---"));
        let mut rows = BTreeMap::new();
        for mut row in lines {
            let cells: Vec<Cell> = row.split_off(1).iter().map(|cell| Cell::read(cell)).collect();
            assert_eq!(cells.len(), columns.len(), "{row:?}");
            assert!(rows.insert(row.remove(0), cells).is_none(), "two rows have the same act");
        }
        Self { columns, rows }
    }

    pub fn cell(&self, act: &str, kind: Kind) -> &Cell {
        let index = self.columns.iter().position(|name| name == column(kind)).unwrap();
        &self.rows.get(act).unwrap_or_else(|| panic!("the table has no row `{act}`"))[index]
    }
}

fn cells(line: &str) -> Vec<String> {
    line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}
