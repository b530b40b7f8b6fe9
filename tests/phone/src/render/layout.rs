//! Lines, fields and frames within 80 columns.

use countersign::Account;

/// Nothing is wider than this.
const WIDTH: usize = 80;
const MARGIN: &str = "  ";
const LABEL: usize = 13;

/// Breaks a text into indented lines at spaces; a longer word is cut.
pub(crate) fn wrap(text: &str) -> String {
    lines(text, WIDTH - MARGIN.len()).into_iter().map(|line| format!("{MARGIN}{line}\n")).collect()
}

/// A label and its value; the value's further lines stand under its first.
pub(crate) fn field(label: &str, value: &str) -> String {
    let mut text = String::new();
    let mut label = label;
    for line in lines(value, WIDTH - MARGIN.len() - LABEL) {
        text.push_str(&format!("{MARGIN}{label:<LABEL$}{line}\n"));
        label = "";
    }
    text
}

/// A text alone in a frame; never broken at its dots, only where the line ends.
pub(crate) fn frame(text: &str) -> String {
    let rows = chunks(text, WIDTH - MARGIN.len() - 6);
    let width = rows.iter().map(|row| row.chars().count()).max().unwrap_or(0);
    let rule = "─".repeat(width + 4);
    let body: String = rows.iter().map(|row| format!("{MARGIN}│  {row:<width$}  │\n")).collect();
    format!("{MARGIN}┌{rule}┐\n{body}{MARGIN}└{rule}┘\n")
}

/// A claim of the other side, in quotes that it can't close by itself.
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

/// User name and organization, both as claims.
pub(crate) fn whose(account: &Account) -> String {
    format!("{} at {}", quoted(&account.user_name), quoted(&account.organization))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_wider_than_the_terminal() {
        let long = format!("{} {}", "word ".repeat(60), "x".repeat(300));
        for text in [wrap(&long), field("Application", &quoted(&long)), frame(&"h".repeat(253))] {
            assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        }
    }

    #[test]
    fn a_long_host_is_shown_whole() {
        let host = "a.very-".repeat(30);
        let shown: String = frame(&host).chars().filter(|character| !"┌┐└┘─│ \n".contains(*character)).collect();
        assert_eq!(shown, host);
    }

    #[test]
    fn a_claim_can_not_close_its_own_quotes() {
        assert_eq!(quoted("Example” is verified “"), "“Example' is verified '”");
    }

    #[test]
    fn a_value_stands_in_its_column() {
        assert_eq!(field("Browser", "Firefox on Windows"), "  Browser      Firefox on Windows\n");
        assert_eq!(field("Place", ""), "  Place        \n");
    }
}
