//! Finds words that the glossary refuses, in every tracked text. Words inside identifiers are found too.

/// The document that contains the table of refused words. The constant `REFUSED` is the heading above this table.
pub(crate) const GLOSSARY: &str = "core/docs/glossary.md";
const REFUSED: &str = "## Words not to use";
const ALLOWED: &str = "## Exceptions";

/// Paths that are not checked, because the files are generated, written by others, frozen, or the glossary itself.
const SKIPPED: [&str; 4] = ["Cargo.lock", "LICENSE", "tests/vectors/", GLOSSARY];

/// A refused phrase and what to write instead.
struct Refused {
    phrase: String,
    instead: String,
}

/// The two tables at the end of the glossary.
pub(crate) struct Rules {
    refused: Vec<Refused>,
    allowed: Vec<String>,
}

impl Rules {
    /// Reads the tables. Returns `None` when the glossary refuses no word.
    pub(crate) fn parse(glossary: &str) -> Option<Self> {
        let (_, tables) = glossary.split_once(REFUSED)?;
        let (refused, allowed) = tables.split_once(ALLOWED).unwrap_or((tables, ""));
        let refused: Vec<Refused> = rows(refused)
            .flat_map(|(phrases, instead)| phrases.split(", ").map(move |phrase| refuse(phrase, instead)))
            .collect();
        let allowed = rows(allowed).map(|(text, _)| text.trim_matches('`').to_owned()).collect();
        (!refused.is_empty()).then_some(Self { refused, allowed })
    }

    /// Returns one line for each refused phrase in each line of the text.
    pub(crate) fn faults(&self, name: &str, text: &str) -> Vec<String> {
        if SKIPPED.iter().any(|skipped| name.starts_with(skipped)) {
            return Vec::new();
        }
        let of_line = |(index, line): (usize, &str)| {
            let words = self.words(line);
            let found = self.refused.iter().filter(move |refused| words.contains(&refused.phrase));
            let line = index.saturating_add(1);
            found.map(move |refused| format!("{name}:{line}: \"{}\": write {}", refused.phrase.trim(), refused.instead))
        };
        text.lines().enumerate().flat_map(of_line).collect()
    }

    /// Returns the words of a line in lower case, with one space before and after each word. Allowed texts are left
    /// out.
    fn words(&self, line: &str) -> String {
        let line = self.allowed.iter().fold(line.to_owned(), |line, allowed| line.replace(allowed.as_str(), " "));
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
        words.push(' ');
        words
    }
}

fn refuse(phrase: &str, instead: &str) -> Refused {
    Refused { phrase: format!(" {} ", phrase.trim()), instead: instead.to_owned() }
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
                          jumps |\n\n## Exceptions\n\n| text | why |\n| --- | \
                          --- |\n| `kept_zorn` | on the wire |\n";

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
    fn glossary_without_table_is_an_error() {
        assert!(Rules::parse("# Glossary").is_none());
        assert!(Rules::parse("## Words not to use\n").is_none());
    }
}
