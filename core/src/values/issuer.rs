//! A sign-in service's name, in the one form in which it is compared, shown and connected to.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

/// Longest host name and longest part of one between dots (RFC 1035 section 2.3.4). The URL standard leaves this to
/// the resolver, but a name that no screen holds shows only the part that its owner wants to be seen.
const MAX_HOST: usize = 253;
const MAX_LABEL: usize = 63;

/// The text is not the name of a sign-in service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an issuer")]
pub struct NotAnIssuer;

/// A sign-in service's name: `https://host` or `https://host:port`, exactly as it calls itself.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Issuer(String);

impl Issuer {
    /// Reads an issuer.
    ///
    /// # Errors
    /// For anything but `https`, a lower-case host as DNS knows it (letters, digits, hyphens; its lengths), and an
    /// optional port.
    ///
    /// # Security
    /// The text must be the normal form that the URL standard gives it, so that what is compared, shown
    /// and connected to is one and the same: no user info, no path, no look-alike letters, no `:443`.
    pub fn parse(text: &str) -> Result<Self, NotAnIssuer> {
        let url = Url::parse(text).map_err(|_malformed| NotAnIssuer)?;
        let host = url.host_str().ok_or(NotAnIssuer)?;
        let normal = match url.port() {
            Some(0) => return Err(NotAnIssuer),
            Some(port) => format!("https://{host}:{port}"),
            None => format!("https://{host}"),
        };
        let labels_fit = host.split('.').all(|label| (1..=MAX_LABEL).contains(&label.len()));
        // The URL standard lets quotes, braces and the like stand in a host; no name in DNS has them.
        let is_plain =
            host.starts_with('[') || host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
        if normal != text
            || !is_plain
            // GUARD(issuer-length): fuzz::code
            || host.len() > MAX_HOST
            || !labels_fit
        {
            return Err(NotAnIssuer);
        }
        Ok(Self(normal))
    }

    /// Reads an issuer as a person types it: with or without `https://`, in any case.
    ///
    /// # Errors
    /// As `parse`.
    #[cfg(feature = "authenticator")]
    pub(crate) fn typed(address: &str) -> Result<Self, NotAnIssuer> {
        let address = address.trim().to_ascii_lowercase();
        let address = address.strip_prefix("https://").unwrap_or(&address).trim_end_matches('/');
        Self::parse(&format!("https://{address}"))
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part that people read: host, and port where there is one.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.strip_prefix("https://").unwrap_or(&self.0)
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for Issuer {
    type Error = NotAnIssuer;

    fn try_from(text: String) -> Result<Self, NotAnIssuer> {
        Self::parse(&text)
    }
}

impl From<Issuer> for String {
    fn from(issuer: Issuer) -> Self {
        issuer.0
    }
}
