//! Formats lines, fields and frames within 80 columns.

use countersign::Account;

/// Maximum width in columns.
const WIDTH: usize = 80;
const MARGIN: &str = "  ";
const LABEL: usize = 13;

/// Breaks a text at spaces into indented lines; a word that is longer than a line is split.
pub(crate) fn wrap(text: &str) -> String {
    lines(text, WIDTH - MARGIN.len()).into_iter().map(|line| format!("{MARGIN}{line}\n")).collect()
}

/// Formats a label and its value; further lines of the value are aligned with the first line.
pub(crate) fn field(label: &str, value: &str) -> String {
    let mut text = String::new();
    let mut label = label;
    for line in lines(value, WIDTH - MARGIN.len() - LABEL) {
        text.push_str(&format!("{MARGIN}{label:<LABEL$}{line}\n"));
        label = "";
    }
    text
}

/// Puts a text into a frame. A long text is broken where a line is full, and not after a dot, so that a long host does
/// not look like several hosts.
pub(crate) fn frame(text: &str) -> String {
    let rows = chunks(text, WIDTH - MARGIN.len() - 6);
    let width = rows.iter().map(|row| row.chars().count()).max().unwrap_or(0);
    let rule = "─".repeat(width + 4);
    let body: String = rows.iter().map(|row| format!("{MARGIN}│  {row:<width$}  │\n")).collect();
    format!("{MARGIN}┌{rule}┐\n{body}{MARGIN}└{rule}┘\n")
}

/// Quotes a claim of the service. Quotation marks inside are replaced, so the claim can't end the quotation.
pub(crate) fn quoted(claim: &str) -> String {
    let claim = claim.replace(['“', '”', '"'], "'");
    format!("“{claim}”")
}

fn lines(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace().flat_map(|word| chunks(word, width)) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    if lines.is_empty() { vec![String::new()] } else { lines }
}

fn chunks(text: &str, width: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(width).map(|chunk| chunk.iter().collect()).collect()
}

/// Formats the user name and the organization, both quoted as claims.
pub(crate) fn whose(account: &Account) -> String {
    format!("{} at {}", quoted(&account.user_name), quoted(&account.organization))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_fits_the_terminal() {
        let long = format!("{} {}", "word ".repeat(60), "x".repeat(300));
        for text in [wrap(&long), field("Application", &quoted(&long)), frame(&"h".repeat(253))] {
            assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        }
    }

    #[test]
    fn long_host_is_shown_completely() {
        let host = "a.very-".repeat(30);
        let shown: String = frame(&host).chars().filter(|character| !"┌┐└┘─│ \n".contains(*character)).collect();
        assert_eq!(shown, host);
    }

    #[test]
    fn quotation_marks_in_a_claim_are_replaced() {
        assert_eq!(quoted("Example” is verified “"), "“Example' is verified '”");
    }

    #[test]
    fn field_values_are_aligned() {
        assert_eq!(field("Browser", "Firefox on Windows"), "  Browser      Firefox on Windows\n");
        assert_eq!(field("Place", ""), "  Place        \n");
    }
}
