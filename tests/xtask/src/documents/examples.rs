//! Checks that each example in the README is identical to the marked lines of a test.

use crate::tracked::Texts;

/// The language of each example, and the test that contains it.
const EXAMPLES: [(&str, &str); 3] = [
    ("rust", "tests/journeys/tests/journeys/readme.rs"),
    ("kotlin", "android/authenticator/src/test/kotlin/dev/countersign/ReadmeTest.kt"),
    ("swift", "ios/Tests/AuthenticatorTests/ReadmeTests.swift"),
];
const BEGIN: &str = "// README: begin\n";
const END: &str = "// README: end\n";
/// Maximum length of an example, in lines.
const LINES: usize = 25;

/// Returns one line for each example that is missing, too long, or different from its test.
pub(crate) fn faults(texts: &Texts) -> impl Iterator<Item = String> {
    EXAMPLES.iter().filter_map(|(language, test)| {
        let shown = block(texts.get("README.md"), language);
        let tested = region(texts.get(test));
        match (shown, tested) {
            (Some(shown), Some(tested)) if shown == tested && shown.lines().count() <= LINES => None,
            (Some(shown), Some(tested)) if shown == tested => {
                Some(format!("README.md: the {language} example has over {LINES} lines"))
            }
            (Some(_), Some(_)) => Some(format!("README.md: the {language} example differs from {test}")),
            _ => Some(format!("README.md or {test} has no {language} example")),
        }
    })
}

fn block<'a>(readme: &'a str, language: &str) -> Option<&'a str> {
    let (_, after) = readme.split_once(&format!("```{language}\n"))?;
    Some(after.split_once("```")?.0)
}

fn region(test: &str) -> Option<&str> {
    let (_, after) = test.split_once(BEGIN)?;
    Some(after.split_once(END)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(shown: &str, tested: &str) -> usize {
        let readme = ["rust", "kotlin", "swift"].map(|language| format!("```{language}\n{shown}```\n")).concat();
        let test = format!("use x;\n{BEGIN}{tested}{END}");
        let mut texts = vec![("README.md", readme.as_str())];
        texts.extend(EXAMPLES.iter().map(|(_, name)| (*name, test.as_str())));
        faults(&Texts::of(&texts)).count()
    }

    #[test]
    fn example_that_differs_from_its_test_is_refused() {
        assert_eq!(found("a();\n", "a();\n"), 0);
        assert_eq!(found("a();\n", "b();\n"), 3);
        assert_eq!(found("", ""), 0);
    }

    #[test]
    fn long_and_missing_examples_are_refused() {
        assert_eq!(found(&"a();\n".repeat(26), &"a();\n".repeat(26)), 3);
        assert_eq!(faults(&Texts::of(&[])).count(), 3);
    }
}
