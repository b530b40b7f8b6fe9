//! Values that let in whoever holds them: codes, tokens, nonces.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A secret that travels as text in a message or rests in a sealed record; never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Bearer(Zeroizing<String>);

impl Bearer {
    pub(crate) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Opens it; say why beside the call.
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
