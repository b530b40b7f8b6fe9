//! A small mutator for the stable compiler. It is seeded, so a case can be reproduced by its number.
//!
//! Five of twelve changes ignore the structure of the input. The others change lines, JSON and base64url, because most
//! inputs consist of these, and readers refuse random bytes at the first character.

use serde_json::{Map, Value, json};

/// Longest input, in bytes; longer input is truncated.
const MAX_INPUT: usize = 20_000;
/// Texts that readers tend to interpret differently.
const TEXTS: [&str; 28] = [
    "",
    " ",
    "\0",
    "\n",
    "\u{202e}",
    "\u{200b}",
    "\u{e0041}",
    "é",
    "٤",
    "=",
    "==",
    "..",
    ".",
    "{",
    "}",
    "\"",
    "\\u0061",
    "%00",
    "%2e",
    "&",
    "?",
    "#",
    "@",
    ":443",
    "https://",
    "http://",
    "true",
    "99999999999999999999",
];

/// The mutator.
pub struct Mutator(u64);

impl Mutator {
    /// Makes a mutator; the same seed gives the same mutations.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number of SplitMix64, which is random enough for these choices.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next().rem_euclid(limit)).unwrap_or_default()
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        let at = self.below(list.len());
        &list[at]
    }

    /// Makes a new input by changing an earlier input one to three times. Half of the time, the earlier input is one
    /// that the reader accepted. Most inputs of the corpus have a fault, so their mutations are rarely accepted.
    pub fn mutate(&mut self, corpus: &[Vec<u8>], accepted: &[Vec<u8>]) -> Vec<u8> {
        let from = if accepted.is_empty() || self.below(2) == 0 { corpus } else { accepted };
        let mut input = self.pick(from).clone();
        for _change in 0..=self.below(3) {
            input = match self.below(12) {
                0 => self.flipped(input),
                1 => self.inserted(input),
                2 => self.cut(input),
                3 => self.repeated(input),
                4 => self.spliced(&input, corpus),
                5 => self.in_line(input, Self::other_character),
                _ => self.in_line(input, Self::json),
            };
        }
        input.truncate(MAX_INPUT);
        input
    }

    fn flipped(&mut self, mut input: Vec<u8>) -> Vec<u8> {
        let (at, bit) = (self.below(input.len()), self.below(8));
        if let Some(byte) = input.get_mut(at) {
            *byte ^= 1 << bit;
        }
        input
    }

    fn inserted(&mut self, mut input: Vec<u8>) -> Vec<u8> {
        let (at, text) = (self.below(input.len() + 1), *self.pick(&TEXTS));
        input.splice(at..at, text.bytes());
        input
    }

    fn range(&mut self, input: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(input.len());
        let longest = if self.below(4) == 0 { input.len() } else { 16 };
        start..(start + self.below(longest) + 1).min(input.len())
    }

    fn cut(&mut self, mut input: Vec<u8>) -> Vec<u8> {
        let range = self.range(&input);
        input.drain(range);
        input
    }

    fn repeated(&mut self, mut input: Vec<u8>) -> Vec<u8> {
        let range = self.range(&input);
        let again = input[range.clone()].repeat(1 << self.below(8));
        input.splice(range.end..range.end, again);
        input
    }

    fn spliced(&mut self, input: &[u8], corpus: &[Vec<u8>]) -> Vec<u8> {
        let other = self.pick(corpus);
        let (head, tail) = (self.below(input.len() + 1), self.below(other.len() + 1));
        [&input[..head], &other[tail..]].concat()
    }

    /// Changes one line, which may be a JSON text.
    fn in_line(&mut self, input: Vec<u8>, change: fn(&mut Self, &[u8]) -> Option<Vec<u8>>) -> Vec<u8> {
        let mut lines: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
        let at = self.below(lines.len());
        match change(self, lines[at]) {
            Some(changed) => {
                lines[at] = &changed;
                lines.join(&b'\n')
            }
            None => self.flipped(input),
        }
    }

    /// Replaces a character by a character of base64url. The decoded length stays the same, and unused bits may be set.
    fn other_character(&mut self, line: &[u8]) -> Option<Vec<u8>> {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut ends: Vec<usize> =
            line.iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(at, _)| at).collect();
        ends.push(line.len());
        // The last character of a part may contain unused bits.
        let at = if self.below(2) == 0 { self.pick(&ends).checked_sub(1)? } else { self.below(line.len()) };
        let mut line = line.to_vec();
        *line.get_mut(at)? = *self.pick(ALPHABET);
        Some(line)
    }

    fn json(&mut self, line: &[u8]) -> Option<Vec<u8>> {
        let mut value: Value = serde_json::from_slice(line).ok()?;
        if self.below(5) == 0 {
            return Some(self.doubled(&value));
        }
        self.change(&mut value);
        serde_json::to_vec(&value).ok()
    }

    /// Duplicates a member, sometimes with an escaped name. Works on the text, because a map can't contain duplicates.
    fn doubled(&mut self, value: &Value) -> Vec<u8> {
        let text = value.to_string();
        let objects: Vec<usize> = text.match_indices('{').map(|(at, _)| at).collect();
        let at = if objects.is_empty() { 0 } else { *self.pick(&objects) };
        let Some(name) = text[at..].split('"').nth(1).filter(|name| !name.is_empty()) else {
            return text.into_bytes();
        };
        let first = name.chars().next().unwrap_or_default();
        let name = if self.below(2) == 0 {
            name.to_owned()
        } else {
            format!("\\u{:04x}{}", u32::from(first), &name[first.len_utf8()..])
        };
        format!("{}{{\"{name}\":{},{}", &text[..at], self.leaf(), &text[at + 1..]).into_bytes()
    }

    fn change(&mut self, value: &mut Value) {
        let goes_deeper = self.below(3) > 0;
        match value {
            Value::Object(members) if !members.is_empty() => self.change_member(members, goes_deeper),
            Value::Array(items) if !items.is_empty() => {
                let at = self.below(items.len());
                match self.below(4) {
                    0 => items.push(items[at].clone()),
                    1 => drop(items.remove(at)),
                    2 => items[at] = self.leaf(),
                    _ => self.change(&mut items[at]),
                }
            }
            Value::Number(number) => {
                let by = *self.pick(&[-301, -121, -61, -60, -1, 1, 59, 60, 61, 120, 240, 241]);
                *value = number.as_i64().map_or(json!(0), |number| json!(number.wrapping_add(by)));
            }
            Value::String(text) if goes_deeper => {
                let mut bytes = text.clone().into_bytes();
                for _change in 0..=self.below(2) {
                    bytes = match self.below(4) {
                        0 => self.inserted(bytes),
                        1 => self.repeated(bytes),
                        2 => self.cut(bytes),
                        _ => self.other_character(&bytes).unwrap_or_default(),
                    };
                }
                *text = String::from_utf8_lossy(&bytes).into_owned();
            }
            _ => *value = self.leaf(),
        }
    }

    fn change_member(&mut self, members: &mut Map<String, Value>, goes_deeper: bool) {
        let names: Vec<String> = members.keys().cloned().collect();
        let (one, other) = (self.pick(&names).clone(), self.pick(&names).clone());
        match self.below(8) {
            _ if goes_deeper => self.change(&mut members[&one]),
            0 => drop(members.remove(&one)),
            1 | 2 => {
                let value = members[&one].clone();
                members[&one] = std::mem::replace(&mut members[&other], value);
            }
            3 => drop(members.insert((*self.pick(&TEXTS)).to_owned(), self.leaf())),
            _ => members[&one] = self.leaf(),
        }
    }

    fn leaf(&mut self) -> Value {
        match self.below(10) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(self.next()),
            3 => json!(i64::MIN),
            4 => json!(1.5),
            5 => json!([]),
            6 => json!({}),
            7 => json!("\u{202e}".repeat(self.below(200))),
            8 => json!("a".repeat(self.below(200))),
            _ => json!(*self.pick(&TEXTS)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_gives_the_same_cases() {
        let corpus = [b"{\"a\":1,\"b\":[\"c\"]}".to_vec(), b"abc.def".to_vec(), Vec::new()];
        let made = |seed| {
            let mut mutator = Mutator::new(seed);
            (0..200).map(|_case| mutator.mutate(&corpus, &[])).collect::<Vec<_>>()
        };
        assert_eq!(made(1), made(1));
        assert_ne!(made(1), made(2));
        assert!(made(1).iter().any(|case| !corpus.contains(case)));
        assert!(made(1).iter().all(|case| case.len() <= MAX_INPUT));
    }

    #[test]
    fn mutation_duplicates_member_names() {
        let corpus = [b"{\"a\":1}".to_vec()];
        let mut mutator = Mutator::new(1);
        let twice = |case: &[u8]| String::from_utf8_lossy(case).matches("\"a\":").count() == 2;
        assert!((0..500).any(|_case| twice(&mutator.mutate(&corpus, &[]))));
    }
}
