//! Features: later additions to version 1 of the protocol, which phone and service name to each other (protocol
//! section 12).

use serde::{Deserialize, Serialize};

/// The features that this service knows. It names them in each look-up response, token response and signed state.
pub const KNOWN: [Feature; 1] = [Feature::Administration];
/// The most names in a list.
const MAX_NAMES: usize = 16;
/// The longest name, in characters.
const MAX_NAME: usize = 32;

/// A feature that this service knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// Prompts with which an administrator approves administrative acts.
    Administration,
}

impl Feature {
    /// Returns the name in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Administration => "administration",
        }
    }
}

/// The member `features` of a phone's message. It can contain names that this service does not know.
///
/// Deserialization refuses a list with more than 16 names, a name with other characters than `a` to `z`, `0` to `9` and
/// `_`, a name of 0 or more than 32 characters, and a name that occurs twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Named(Vec<String>);

impl Named {
    /// Returns the names in the order of the message.
    #[must_use]
    pub fn into_names(self) -> Vec<String> {
        self.0
    }
}

/// The list breaks a rule of protocol section 12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the list of features is malformed")]
pub struct Malformed;

impl TryFrom<Vec<String>> for Named {
    type Error = Malformed;

    fn try_from(names: Vec<String>) -> Result<Self, Malformed> {
        // GUARD(features-form-service): feature_vectors_get_their_verdicts
        if names.len() > MAX_NAMES || !names.iter().all(|name| is_name(name)) || has_duplicate(&names) {
            return Err(Malformed);
        }
        Ok(Self(names))
    }
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(allowed)
}

fn has_duplicate(names: &[String]) -> bool {
    names.iter().enumerate().any(|(at, name)| names.iter().take(at).any(|earlier| earlier == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_known_feature_has_a_well_formed_name() {
        for feature in KNOWN {
            assert!(is_name(feature.name()));
            assert_eq!(serde_json::to_value(feature).ok(), Some(feature.name().into()));
        }
    }
}
