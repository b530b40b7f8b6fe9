//! Checks the links and paths in documents: the file, folder or heading to which each of them refers must exist.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::tracked::{Texts, is_document};

/// Returns one line for each link or path whose target does not exist. `https` links are not checked.
pub(crate) fn faults(texts: &Texts) -> impl Iterator<Item = String> {
    texts.documents().flat_map(move |(name, text)| {
        let dead = links(text).into_iter().filter(move |link| !resolves(texts, name, text, link));
        let dead = dead.map(move |link| format!("{name}: the target of the link {link} does not exist"));
        let missing = paths(texts, text).into_iter().map(move |path| format!("{name}: there is no {path}"));
        dead.chain(missing)
    })
}

fn parser(text: &str) -> Parser<'_> {
    Parser::new_ext(text, Options::ENABLE_TABLES)
}

/// Returns the targets of all links and pictures.
fn links(text: &str) -> Vec<String> {
    let target = |event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.into_string()),
        _ => None,
    };
    parser(text).filter_map(target).collect()
}

fn resolves(texts: &Texts, document: &str, text: &str, link: &str) -> bool {
    if link.starts_with("https://") {
        return true;
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    if file.is_empty() {
        return anchors(text).contains(anchor);
    }
    let Some(path) = relative_to(document, file) else {
        return false;
    };
    texts.has_path(&path) && (anchor.is_empty() || (is_document(&path) && anchors(texts.get(&path)).contains(anchor)))
}

/// Returns the path of a link, from the root of the repository; `None` when the link leads out of the repository.
fn relative_to(document: &str, link: &str) -> Option<String> {
    let mut path = PathBuf::from(document).parent()?.to_owned();
    for part in Path::new(link).components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir => {
                path.pop().then_some(())?;
            }
            Component::Prefix(_) | Component::RootDir => return None,
        }
    }
    Some(path.to_string_lossy().into_owned())
}

/// Returns the anchors of a document's headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let (mut found, mut heading) = (BTreeSet::new(), None);
    for event in parser(text) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                let anchor = anchor(&heading.take().unwrap_or_default());
                let again = (1..).map(|count| format!("{anchor}-{count}")).find(|other| !found.contains(other));
                let _new = found.insert(anchor.clone()) || again.is_some_and(|other| found.insert(other));
            }
            Event::Text(part) | Event::Code(part) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&part);
                }
            }
            _ => {}
        }
    }
    found
}

fn anchor(heading: &str) -> String {
    let kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
    heading.to_lowercase().chars().filter(kept).map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

/// Returns the paths in code style that begin with a top-level folder of the repository and do not exist.
fn paths(texts: &Texts, text: &str) -> Vec<String> {
    let tops: BTreeSet<&str> = texts.all().filter_map(|(name, _)| Some(name.split_once('/')?.0)).collect();
    let path = |event| match event {
        Event::Code(code) => Some(code.into_string()),
        _ => None,
    };
    let is_path = |code: &String| {
        let plain = code.chars().all(|letter| letter.is_ascii_alphanumeric() || "/._-".contains(letter));
        plain && code.split_once('/').is_some_and(|(top, _)| tops.contains(top))
    };
    parser(text).filter_map(path).filter(is_path).filter(|path| !texts.has_path(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dead(readme: &str) -> Vec<String> {
        let texts = Texts::of(&[
            ("README.md", readme),
            ("docs/why.md", "# Why\n\n## `K`, and no other key\n\n## Twice\n\n## Twice\n\n[up](../README.md)"),
            ("docs/run.sh", ""),
        ]);
        faults(&texts).collect()
    }

    #[test]
    fn links_to_files_folders_and_headings_resolve() {
        let good = "[a](docs/why.md) [b](docs) [c](docs/why.md#k-and-no-other-key) [d](docs/why.md#twice-1) [e](#here)\n\
                    `docs/run.sh`\n\n# Here\n";
        assert_eq!(dead(good), Vec::<String>::new());
    }

    #[test]
    fn dead_link_is_found() {
        for link in
            ["docs/how.md", "docs/why.md#how", "docs/run.sh#top", "#there", "../README.md", "/docs", "http://a.b"]
        {
            assert_eq!(
                dead(&format!("# Here\n[x]({link})")),
                [format!("README.md: the target of the link {link} does not exist")]
            );
        }
    }

    #[test]
    fn missing_path_in_code_style_is_found() {
        assert_eq!(dead("`docs/gone.rs` `other/thing` `docs/{a,b}`"), ["README.md: there is no docs/gone.rs"]);
    }
}
