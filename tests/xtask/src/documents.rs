//! Checks the texts that people read: words, links, and the README.

mod examples;
mod links;
mod words;

use std::io;

use crate::report::say;
use crate::tracked::Texts;

/// Maximum length of the README, in words as `wc -w` counts them.
const README_WORDS: usize = 1_000;

/// Fails on a word that the glossary refuses, in any tracked text.
pub(crate) fn check_words() -> io::Result<bool> {
    let texts = Texts::read()?;
    let Some(rules) = words::Rules::parse(texts.get(words::GLOSSARY)) else {
        say(&format!("{} has no table of refused words", words::GLOSSARY));
        return Ok(false);
    };
    Ok(report(texts.all().flat_map(|(name, text)| rules.faults(name, text))))
}

/// Fails when a Markdown document contains a link, or a path in code style, whose target does not exist.
pub(crate) fn check_links() -> io::Result<bool> {
    let texts = Texts::read()?;
    Ok(report(links::faults(&texts)))
}

/// Fails when the README is too long, or when an example in it differs from the example that a test runs.
pub(crate) fn check_readme() -> io::Result<bool> {
    let texts = Texts::read()?;
    let words = texts.get("README.md").split_whitespace().count();
    let too_long = (words > README_WORDS).then(|| format!("README.md has {words} words, more than {README_WORDS}"));
    Ok(report(too_long.into_iter().chain(examples::faults(&texts))))
}

/// Prints each fault; returns true when there is none.
fn report(faults: impl Iterator<Item = String>) -> bool {
    faults.inspect(|fault| say(fault)).count() == 0
}
