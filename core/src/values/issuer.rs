//! Parses issuers. The text that the core compares and shows is exactly the web origin to which it connects.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

/// Longest host name and longest label, in bytes (RFC 1035 section 2.3.4). The URL standard has no limit. Without a
/// limit, an attacker could use a name that is longer than the screen, and choose which part of it is visible.
const MAX_HOST: usize = 253;
const MAX_LABEL: usize = 63;

/// The text is not an issuer. See `Issuer::parse` for the accepted form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an issuer")]
pub struct NotAnIssuer;

/// A sign-in service's issuer, `https://host` or `https://host:port` (section 1 of the protocol).
///
/// Compared as an exact string (RFC 8414 section 3.3).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Issuer(String);

impl Issuer {
    /// Parses an issuer.
    ///
    /// # Errors
    /// `NotAnIssuer` unless the text consists of these parts:
    /// - `https://`
    /// - a host: an IP address, or a lower-case name of letters, digits, hyphens and dots within the lengths of DNS
    /// - optionally a port: 1 to 65535, but not 443
    ///
    /// # Security
    /// The text must equal the normal form of the URL standard, without user info, path, look-alike letters or `:443`.
    /// Otherwise the text that is compared or shown could name another host than the one to which the core connects.
    pub fn parse(text: &str) -> Result<Self, NotAnIssuer> {
        let url = Url::parse(text).map_err(|_malformed| NotAnIssuer)?;
        let host = url.host_str().ok_or(NotAnIssuer)?;
        let normal = match url.port() {
            Some(0) => return Err(NotAnIssuer),
            Some(port) => format!("https://{host}:{port}"),
            None => format!("https://{host}"),
        };
        let labels_fit = host.split('.').all(|label| (1..=MAX_LABEL).contains(&label.len()));
        // The URL standard allows quotes, braces and similar characters in a host; DNS names don't have them.
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

    /// Parses an issuer as a person types it. Letters may be upper or lower case. `https://`, a trailing slash and
    /// spaces around the text are optional.
    ///
    /// # Errors
    /// The same as for `parse`.
    #[cfg(feature = "authenticator")]
    pub(crate) fn typed(address: &str) -> Result<Self, NotAnIssuer> {
        let address = address.trim().to_ascii_lowercase();
        let address = address.strip_prefix("https://").unwrap_or(&address).trim_end_matches('/');
        Self::parse(&format!("https://{address}"))
    }

    /// Returns the complete issuer, `https://host[:port]`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the issuer without `https://`: host, and port when there is one. Shown to people.
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
