//! The configuration that the operator sets before the service starts, with checks of its URLs.

use std::path::PathBuf;

use url::{Host, Url};

/// A registered application.
#[derive(Clone)]
pub struct Client {
    /// The client id.
    pub id: String,
    /// The client secret.
    pub secret: String,
    /// The name shown to people.
    pub name: String,
    /// The registered return addresses (redirect URIs), compared exactly.
    pub redirect_uris: Vec<String>,
}

/// A rate limit (token bucket): a burst, and a rate per second after the burst.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// The most requests that may arrive at the same time.
    pub burst: u32,
    /// Requests per second after the burst.
    pub per_second: u32,
}

/// The configuration.
#[derive(Clone)]
pub struct Config {
    /// The issuer, `https://host[:port]`, by which phones and applications know the service.
    pub issuer: String,
    /// The organization's name, shown to people.
    pub organization: String,
    /// The data folder. `None` keeps all data in memory.
    pub data: Option<PathBuf>,
    /// Registered applications.
    pub clients: Vec<Client>,
    /// Return addresses of phones' apps: `https` URLs that the phone's system opens in the app (RFC 8252 section 7.2).
    /// Loopback addresses, which apps on desktops use, are allowed without being listed (protocol section 10.1).
    pub phone_redirects: Vec<String>,
    /// An `https` URL that the phone's system opens in the app. Number pages offer this link to browsers on phones. The
    /// link contains no data.
    pub app_link: Option<String>,
    /// Exact web origins of the push relays that may have private network addresses.
    pub private_relays: Vec<String>,
    /// The certificate authorities for the relays in `private_relays`, PEM. No other authority is trusted for these
    /// relays.
    pub relay_authorities: String,
    /// The rate limit for each network.
    pub limits: Limit,
}

/// Parses an issuer: `https://host[:port]`, exactly as phones and applications compare it.
///
/// # Errors
/// The text does not have this form. The error is a message for the operator.
pub fn issuer(text: &str) -> Result<String, String> {
    let origin = Url::parse(text).ok().filter(|url| url.scheme() == "https").map(|url| url.origin());
    match origin {
        Some(origin) if origin.ascii_serialization() == text => Ok(text.to_owned()),
        _ => Err("an issuer is https://host or https://host:port, in lower case, with nothing after it".to_owned()),
    }
}

/// Parses the URL that opens the app: `https` without query and fragment, because these could name a person or a
/// prompt.
///
/// # Errors
/// The text does not have this form. The error is a message for the operator.
pub fn app_link(text: &str) -> Result<String, String> {
    let plain = |url: &Url| url.scheme() == "https" && url.query().is_none() && url.fragment().is_none();
    match Url::parse(text).ok().filter(plain) {
        Some(url) => Ok(url.into()),
        None => Err("an app link is an https address without ? and #".to_owned()),
    }
}

/// Parses a return address of an application or of a phone's app.
///
/// # Errors
/// The text is not an allowed return address. The error is a message for the operator.
pub fn return_address(text: &str) -> Result<String, String> {
    // A browser rewrites these characters, so it would open a different URL than the one that the service checked.
    let is_rewritten = |character: char| character.is_whitespace() || character.is_control() || character == '\\';
    match Url::parse(text).ok().filter(is_return_address) {
        Some(_) if !text.contains(is_rewritten) => Ok(text.to_owned()),
        Some(_) | None => {
            Err("a return address has no #, no spaces and no user name; it is https, http on this machine (127.0.0.1, \
                     [::1], localhost), or an app's own scheme with a dot in it (com.example.app:/callback)"
                .to_owned())
        }
    }
}

/// Returns whether a browser may be sent to this URL with an authorization code. Three kinds of URL are allowed:
/// `https`; `http` to the browser's own machine; and an app's own scheme, which is named after a domain (RFC 8252
/// section 7.1). Requiring a dot in the scheme excludes every scheme that runs code, such as `javascript`. The URL must
/// not contain a fragment, a user name or a password.
#[must_use]
pub fn is_return_address(url: &Url) -> bool {
    let reaches = match url.scheme() {
        "https" => true,
        "http" => match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        },
        // GUARD(return-address-schemes): return_address_allows_only_https_loopback_and_app_schemes
        // INSTEAD: _ => true,
        scheme => scheme.contains('.'),
    };
    reaches && url.fragment().is_none() && url.username().is_empty() && url.password().is_none()
}

impl Config {
    /// The default rate limit for each network. The limit is high enough for an office behind one network address, and
    /// too low for an attacker's program that guesses passwords or codes.
    pub const LIMITS: Limit = Limit { burst: 120, per_second: 10 };

    /// Returns the public URL of a phone endpoint.
    #[must_use]
    pub fn endpoint(&self, name: &str) -> String {
        format!("{}/phone/{name}", self.issuer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn return_address_allows_only_https_loopback_and_app_schemes() {
        for allowed in [
            "https://web.example/callback",
            "https://web.example:8443/callback?a=b",
            "http://127.0.0.1:40000/callback",
            "http://[::1]:40000/callback",
            "http://localhost/callback",
            "com.example.app:/callback",
            "com.example.app://callback",
        ] {
            assert_eq!(return_address(allowed), Ok(allowed.to_owned()));
        }
        for refused in [
            "http://web.example/callback",
            "http://127.0.0.1.evil.example/",
            "http://localhost.evil.example/",
            "https://web.example/#here",
            "https://ada:secret@web.example/",
            " https://web.example/",
            "https://web.example/c\nb",
            "https://web.example/\\cb",
            "javascript:alert(1)",
            "JavaScript:alert(1)//a.b",
            "java\nscript:alert(1)",
            "data:text/html,x",
            "app:/callback",
            "/callback",
            "",
        ] {
            assert!(return_address(refused).is_err(), "accepted {refused:?}");
        }
    }
}
