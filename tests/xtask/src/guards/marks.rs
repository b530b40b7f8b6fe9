//! Finds the marks of guards in a file, and returns the file without one guard.
//!
//! ```text
//! // GUARD(name): a_test_that_fails, another_test
//! // INSTEAD: code            (optional: replaces the guard instead of removing it)
//! the guard
//! ```
//!
//! | the first line of code after the mark | the change |
//! | --- | --- |
//! | any, with `INSTEAD` | this one line is replaced |
//! | `&& …` or `\|\| …` | this operand is removed |
//! | `.call(…)` | this call is removed from the chain |
//! | `if …`, but not `if let` | the whole condition becomes `false` |
//! | anything else | the statement or match arm is removed |

use std::ops::Range;

const MARK: &str = "GUARD(";
const INSTEAD: &str = "INSTEAD: ";

/// A marked guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) name: String,
    pub(super) tests: Vec<String>,
    /// The line of the mark, counted from 1.
    pub(super) line: usize,
    instead: Option<String>,
    /// Byte offset of the first line of code after the mark.
    code: usize,
}

/// Returns the text of a comment on its own line, in Rust or in a template.
fn comment(line: &str) -> Option<&str> {
    let line = line.trim();
    match line.strip_prefix("// ") {
        Some(text) => Some(text),
        None => line.strip_prefix("{# ")?.strip_suffix(" #}"),
    }
}

/// Returns the marks of a file, in order.
pub(super) fn find(text: &str) -> Result<Vec<Mark>, String> {
    let mut marks = Vec::new();
    let mut waiting: Option<Mark> = None;
    let mut offset = 0_usize;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let comment = comment(line);
        if let Some(rest) = comment.and_then(|text| text.strip_prefix(MARK)) {
            let (name, tests) = rest.split_once("): ").ok_or(format!("line {}: no test", index.saturating_add(1)))?;
            let tests = tests.split(", ").map(str::to_owned).collect();
            if waiting.is_some() {
                return Err(format!("line {}: a mark without a guard", index.saturating_add(1)));
            }
            let line = index.saturating_add(1);
            waiting = Some(Mark { name: name.to_owned(), tests, line, instead: None, code: 0 });
        } else if let (Some(text), Some(mark)) = (comment.and_then(|text| text.strip_prefix(INSTEAD)), &mut waiting) {
            mark.instead = Some(text.to_owned());
        } else if comment.is_none()
            && !line.trim().is_empty()
            && let Some(mark) = waiting.take()
        {
            marks.push(Mark { code: offset, ..mark });
        }
        offset = offset.saturating_add(line.len());
    }
    match waiting {
        Some(mark) => Err(format!("line {}: a mark without a guard", mark.line)),
        None => Ok(marks),
    }
}

/// Returns the file without one guard. Returns `None` when the marked code has none of the forms in the table above.
pub(super) fn without(text: &str, mark: &Mark) -> Option<String> {
    let code = text.get(mark.code..)?;
    let line = code.lines().next()?;
    let indent = line.len().checked_sub(line.trim_start().len())?;
    let guard = code.get(indent..)?;
    let (range, replacement) = if let Some(instead) = &mark.instead {
        (0..line.len().checked_sub(indent)?, instead.as_str())
    } else if let Some(operand) = guard.strip_prefix("&& ").or_else(|| guard.strip_prefix("|| ")) {
        (0..end(operand, &Stop::OPERAND)?.checked_add(3)?, "")
    } else if let Some(link) = guard.strip_prefix('.') {
        (0..end(link, &Stop::LINK)?.checked_add(1)?, "")
    } else if let Some(condition) = guard.strip_prefix("if ").filter(|condition| !condition.starts_with("let ")) {
        (3..end(condition, &Stop::CONDITION)?.checked_add(3)?, "false")
    } else {
        (0..end(guard, &Stop::STATEMENT)?, "")
    };
    let start = mark.code.checked_add(indent)?;
    let Range { start: from, end: to } = range;
    Some([text.get(..start.checked_add(from)?)?, replacement, text.get(start.checked_add(to)?..)?].concat())
}

/// Where a piece of code ends. Text inside brackets is skipped.
struct Stop {
    /// The code ends before one of these texts.
    before: &'static [&'static str],
    /// The code ends after one of these texts.
    after: &'static [&'static str],
    /// The code ends after a block.
    after_block: bool,
}

impl Stop {
    const OPERAND: Self = Self { before: &["&&", "||", "{", ";", ",", " =>"], after: &[], after_block: false };
    const LINK: Self = Self { before: &["\n", ".", "?", ";", ",", "{"], after: &[], after_block: false };
    const CONDITION: Self = Self { before: &["{"], after: &[], after_block: false };
    const STATEMENT: Self = Self { before: &[], after: &[";", ",\n"], after_block: true };
}

fn end(code: &str, stop: &Stop) -> Option<usize> {
    let mut depth = 0_usize;
    let mut rest = code;
    loop {
        let at = code.len().checked_sub(rest.len())?;
        let literal = literal(rest);
        if literal > 0 {
            rest = rest.get(literal..)?;
            continue;
        }
        let next = rest.chars().next()?;
        if depth == 0 {
            if stop.before.iter().any(|text| rest.starts_with(text)) || matches!(next, ')' | ']' | '}') {
                return Some(code.get(..at)?.trim_end().len());
            }
            if let Some(text) = stop.after.iter().find(|text| rest.starts_with(**text)) {
                return at.checked_add(text.trim_end().len());
            }
        }
        match next {
            '(' | '[' | '{' => depth = depth.saturating_add(1),
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        rest = rest.get(next.len_utf8()..)?;
        let continues = rest.starts_with([';', '.', '?', ',']) || rest.trim_start().starts_with("else");
        if stop.after_block && next == '}' && depth == 0 && !continues {
            return at.checked_add(1);
        }
    }
}

/// Length of the comment, string or character literal at the start of the code; 0 when there is none.
fn literal(code: &str) -> usize {
    if code.starts_with("//") {
        return code.find('\n').unwrap_or(code.len());
    }
    let raw = code.strip_prefix("r#\"").map(|body| body.find("\"#").map_or(code.len(), |end| end.saturating_add(5)));
    if let Some(length) = raw {
        return length;
    }
    for quote in ['"', '\''] {
        let Some(body) = code.strip_prefix(quote) else {
            continue;
        };
        let mut escaped = false;
        for (at, character) in body.char_indices() {
            match character {
                // This quotation mark begins a lifetime, not a character literal.
                _ if quote == '\'' && at > 0 && !body.starts_with('\\') && character != quote => return 0,
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                _ if character == quote => return at.saturating_add(2),
                _ => {}
            }
        }
    }
    0
}
