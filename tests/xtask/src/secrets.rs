//! Checks that a comment above every call of `expose()` gives a reason, and that logs have known fields only.

use std::path::Path;

use crate::report::{root, say};

/// The folders whose code handles secrets.
const PLACES: [&str; 5] = ["core/src", "bindings/src", "tests/phone/src", "tests/service/src", "tests/relay/src"];
/// The beginning of a comment that gives a reason.
const REASON: &str = "// EXPOSE: ";
/// Maximum distance between the comment with the reason and the call, in lines.
const MAX_DISTANCE: usize = 5;
/// The allowed fields of logs; none of them ever contains a name, an address, a code or a key.
const FIELDS: [&str; 6] = ["attempts", "error", "kind", "refusal", "status", "what"];
const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

/// Fails on a secret that is exposed without a reason, and on a log that has an unknown field or a value in its text.
pub(crate) fn check() -> std::io::Result<bool> {
    let (mut good, mut opened, mut logged) = (true, 0_usize, 0_usize);
    for place in PLACES {
        for (name, text) in sources(&root().join(place))? {
            let text = without_tests(&text);
            for fault in unexplained(text, &mut opened).into_iter().chain(unsafe_logs(text, &mut logged)) {
                say(&format!("{name}: {fault}"));
                good = false;
            }
        }
    }
    say(&format!("{opened} secrets exposed with a reason, {logged} logs with known fields"));
    Ok(good && opened > 0 && logged > 0)
}

fn sources(folder: &Path) -> std::io::Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        // Only tests use these files.
        let of_tests = ["tests.rs", "vectors.rs", "testing"].iter().any(|name| path.ends_with(name));
        if path.is_dir() && !of_tests {
            all.extend(sources(&path)?);
        } else if !of_tests && path.extension().is_some_and(|extension| extension == "rs") {
            all.push((path.display().to_string(), std::fs::read_to_string(&path)?));
        }
    }
    Ok(all)
}

/// Returns the text before a file's unit tests.
fn without_tests(text: &str) -> &str {
    text.split_once("\n#[cfg(test)]\nmod tests {").map_or(text, |(before, _)| before)
}

/// Reports lines that expose a secret without a reason.
fn unexplained(text: &str, opened: &mut usize) -> Vec<String> {
    let (mut faults, mut reason) = (Vec::new(), None);
    for (number, line) in text.lines().enumerate() {
        if line.contains(REASON) {
            reason = Some(number);
        }
        // A reason applies up to the next empty line.
        if line.trim().is_empty() {
            reason = None;
        }
        if line.contains(".expose()") {
            *opened = opened.saturating_add(1);
            if reason.is_none_or(|reason: usize| number.saturating_sub(reason) > MAX_DISTANCE) {
                faults.push(format!(
                    "line {}: a secret is exposed without a reason: {}",
                    number.saturating_add(1),
                    line.trim()
                ));
            }
        }
    }
    faults
}

/// Reports logs that have an unknown field, or that contain a value in their text.
fn unsafe_logs(text: &str, logged: &mut usize) -> Vec<String> {
    let mut faults = Vec::new();
    if text.contains("instrument]") || text.contains("_span!(") || text.contains("event!(") {
        faults.push("spans, events and instrumented functions record values that this check can't see".to_owned());
    }
    for level in LEVELS {
        let start = format!("tracing::{level}!(");
        for (_, rest) in text.match_indices(&start).map(|(at, _)| text.split_at(at)) {
            *logged = logged.saturating_add(1);
            let arguments = arguments(rest.trim_start_matches(start.as_str()));
            if let Some(fault) = fault_of(&arguments) {
                faults.push(format!("{start}{arguments}): {fault}"));
            }
        }
    }
    faults
}

/// Returns the arguments of a macro call, up to its closing parenthesis.
fn arguments(text: &str) -> String {
    let (mut open, mut quoted, mut found) = (1_usize, false, String::new());
    for character in text.chars() {
        match character {
            '"' => quoted = !quoted,
            '(' if !quoted => open = open.saturating_add(1),
            ')' if !quoted => open = open.saturating_sub(1),
            _ => {}
        }
        if open == 0 {
            break;
        }
        found.push(character);
    }
    found
}

fn fault_of(arguments: &str) -> Option<String> {
    let Some((fields, words)) = arguments.split_once('"') else {
        return Some("the log has no text".to_owned());
    };
    if words.contains('{') {
        return Some("the text of the log contains a value".to_owned());
    }
    let names = fields.split(',').map(|field| field.split('=').next().unwrap_or_default().trim());
    let mut names = names.map(|name| name.trim_start_matches(['%', '?'])).filter(|name| !name.is_empty());
    names.find(|name| !FIELDS.contains(name)).map(|name| format!("{name} is not an allowed field"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn opened(text: &str) -> (usize, usize) {
        let mut opened = 0;
        let faults = unexplained(text, &mut opened);
        (opened, faults.len())
    }

    #[test]
    fn this_project_passes_the_secrets_check() {
        assert!(check().unwrap());
    }

    #[test]
    fn expose_needs_a_reason_nearby() {
        assert_eq!(opened("// EXPOSE: sealed by the caller.\nlet a = key.expose();"), (1, 0));
        assert_eq!(opened("let a = key.expose();"), (1, 1));
        assert_eq!(opened("// EXPOSE: of another.\nlet a = b.expose();\n\nlet c = d.expose();"), (2, 1));
        assert_eq!(opened(&format!("// EXPOSE: far away.\n{}key.expose();", "x;\n".repeat(MAX_DISTANCE))), (1, 1));
    }

    #[test]
    fn log_has_known_fields_and_no_values_in_its_text() {
        let faults = |text: &str| unsafe_logs(text, &mut 0).len();
        for log in [
            r#"tracing::warn!(%error, kind = ?error.kind(), "could (not) be written");"#,
            r#"tracing::info!("a push was lost");"#,
            "tracing::info!(\n    %error,\n    attempts = entry.attempts,\n    \"waits\"\n);",
        ] {
            assert_eq!(faults(log), 0, "{log}");
        }
        for bad in [
            r#"tracing::warn!(user_name, "somebody came");"#,
            r#"tracing::warn!(error = %error, %code, "refused");"#,
            r#"tracing::warn!("{name} came");"#,
            "tracing::debug!(?record);",
            "#[tracing::instrument]\nfn f() {}",
        ] {
            assert_eq!(faults(bad), 1, "{bad}");
        }
    }
}
