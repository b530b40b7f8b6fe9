//! Finds words that the glossary refuses, in every tracked text. Words inside identifiers are found too.

/// The document that contains the table of refused words. The constant `REFUSED` is the heading above this table.
pub(crate) const GLOSSARY: &str = "core/docs/glossary.md";
const REFUSED: &str = "## Words not to use";
const ALLOWED: &str = "## Exceptions";

/// Paths that are not checked, because the files are generated, written by others, frozen, or the glossary itself.
const SKIPPED: [&str; 5] = ["Cargo.lock", "LICENSE", "tests/vectors/", "tests/service/tests/databases/", GLOSSARY];

/// A refused phrase and what to write instead.
struct Refused {
    phrase: String,
    instead: String,
}

/// A text that may contain refused words in the files whose path begins with `place`.
struct Allowed {
    text: String,
    place: String,
}

/// The two tables at the end of the glossary.
pub(crate) struct Rules {
    refused: Vec<Refused>,
    allowed: Vec<Allowed>,
}

impl Rules {
    /// Reads the tables. Returns `None` when the glossary refuses no word.
    pub(crate) fn parse(glossary: &str) -> Option<Self> {
        let (_, tables) = glossary.split_once(REFUSED)?;
        let (refused, allowed) = tables.split_once(ALLOWED).unwrap_or((tables, ""));
        let refused: Vec<Refused> = rows(refused)
            .flat_map(|(phrases, instead)| phrases.split(", ").map(move |phrase| refuse(phrase, instead)))
            .collect();
        let allowed = rows(allowed).map(|(text, place)| allow(text, place)).collect();
        (!refused.is_empty()).then_some(Self { refused, allowed })
    }

    /// Returns one line for each refused phrase in each line of the text.
    pub(crate) fn faults(&self, name: &str, text: &str) -> Vec<String> {
        if SKIPPED.iter().any(|skipped| name.starts_with(skipped)) {
            return Vec::new();
        }
        let allowed: Vec<&str> = self
            .allowed
            .iter()
            .filter(|allowed| name.starts_with(&allowed.place))
            .map(|allowed| &*allowed.text)
            .collect();
        let lines: Vec<String> = text.lines().map(|line| words(line, &allowed)).collect();
        let nothing = String::from(" ");
        let of_line = |(index, line): (usize, &String)| {
            // A phrase that begins in this line may end in the next line.
            let next = lines.get(index.saturating_add(1)).unwrap_or(&nothing);
            let both = format!("{line}{}", next.trim_start());
            let begins_here = move |refused: &&Refused| {
                both.find(&refused.phrase).is_some_and(|start| start.saturating_add(1) < line.len())
            };
            let number = index.saturating_add(1);
            let fault = move |refused: &Refused| {
                format!("{name}:{number}: \"{}\": write {}", refused.phrase.trim(), refused.instead)
            };
            self.refused.iter().filter(begins_here).map(fault).collect::<Vec<String>>()
        };
        lines.iter().enumerate().flat_map(of_line).collect()
    }
}

/// Returns the words of a line in lower case, with one space before and after each word. Allowed texts are left out.
fn words(line: &str, allowed: &[&str]) -> String {
    let line = allowed.iter().fold(line.to_owned(), |line, text| line.replace(text, " "));
    let (mut words, mut before) = (String::from(" "), ' ');
    for letter in line.chars() {
        let new_word = letter.is_uppercase() && before.is_lowercase();
        if (new_word || !letter.is_alphanumeric()) && !words.ends_with(' ') {
            words.push(' ');
        }
        if letter.is_alphanumeric() {
            words.extend(letter.to_lowercase());
        }
        before = letter;
    }
    if !words.ends_with(' ') {
        words.push(' ');
    }
    words
}

fn refuse(phrase: &str, instead: &str) -> Refused {
    Refused { phrase: format!(" {} ", phrase.trim()), instead: instead.to_owned() }
}

/// The place `*` stands for every file.
fn allow(text: &str, place: &str) -> Allowed {
    let plain = |cell: &str| cell.trim_matches('`').to_owned();
    Allowed { text: plain(text), place: if place == "*" { String::new() } else { plain(place) } }
}

/// Returns the first two cells of each row of a Markdown table, without the head of the table.
fn rows(table: &str) -> impl Iterator<Item = (&str, &str)> {
    table.lines().filter(|line| line.starts_with("| ")).skip(2).filter_map(|line| {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        Some((cells.next()?, cells.next()?))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    const TABLES: &str = "## Words not to use\n\n| not | write |\n| --- | --- |\n| zorn | plain |\n| hops on, hop on | \
                          jumps |\n\n## Exceptions\n\n| text | where | why |\n| --- | \
                          --- | --- |\n| `kept_zorn` | * | on the wire |\n| `old zorn` | `b/` | frozen |\n";

    fn faults(text: &str) -> Vec<String> {
        Rules::parse(TABLES).unwrap().faults("a.rs", text)
    }

    #[test]
    fn refused_word_is_found_with_its_line_and_replacement() {
        assert_eq!(faults("good\n// It starts zorn."), ["a.rs:2: \"zorn\": write plain"]);
    }

    #[test]
    fn refused_phrase_is_found_inside_identifiers() {
        for text in ["fn hop_on()", "func hopOn()", "struct HopOn;", "It HOPS on."] {
            assert_eq!(faults(text).len(), 1, "{text}");
        }
    }

    #[test]
    fn part_of_a_word_and_allowed_text_pass() {
        assert!(faults("zorns shop online \"kept_zorn\"").is_empty());
        assert_eq!(faults("kept_zorn of a zorn").len(), 1);
    }

    #[test]
    fn phrase_that_continues_on_the_next_line_is_found_once() {
        assert_eq!(
            faults("/// It hops\n/// on one leg.\nzorn"),
            ["a.rs:1: \"hops on\": write jumps", "a.rs:3: \"zorn\": write plain"]
        );
    }

    #[test]
    fn exception_counts_only_in_its_place() {
        let rules = Rules::parse(TABLES).unwrap();
        assert!(rules.faults("b/c.rs", "old zorn").is_empty());
        assert_eq!(rules.faults("a.rs", "old zorn").len(), 1);
    }

    #[test]
    fn glossary_without_table_is_an_error() {
        assert!(Rules::parse("# Glossary").is_none());
        assert!(Rules::parse("## Words not to use\n").is_none());
    }
}
