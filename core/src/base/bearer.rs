//! Bearer values: authorization codes, tokens and nonces. Anyone who has a bearer value can use it.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A bearer value as text, in a message or in a sealed record. Zeroized when dropped, and `Debug` does not print it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Bearer(Zeroizing<String>);

impl Bearer {
    /// Takes ownership of the text. The caller must keep no copy.
    pub(crate) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Returns the text. Give the reason in a comment at the call.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Bearer(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_value_is_never_printed() {
        let bearer = Bearer::new("canary".to_owned());
        assert_eq!((format!("{bearer:?}").as_str(), bearer.expose()), ("Bearer(…)", "canary"));
    }
}
