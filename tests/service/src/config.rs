//! What an operator decides before the service starts.

use std::path::PathBuf;

use url::{Host, Url};

/// A registered application.
#[derive(Clone)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// Its name, as people know it.
    pub name: String,
    /// Its return addresses, compared exactly.
    pub redirect_uris: Vec<String>,
}

/// So many at once, so many a second after that.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// At once.
    pub burst: u32,
    /// A second.
    pub per_second: u32,
}

/// The configuration.
#[derive(Clone)]
pub struct Config {
    /// `https://host[:port]`, what phones and applications know the service by.
    pub issuer: String,
    /// The organization's name, as people know it.
    pub organization: String,
    /// Where everything is kept; nowhere (memory) when there is none.
    pub data: Option<PathBuf>,
    /// Registered applications.
    pub clients: Vec<Client>,
    /// Where browsers may go back to a phone, besides a desktop's loopback address: claimed `https` addresses of apps.
    pub phone_redirects: Vec<String>,
    /// The claimed `https` address that opens the phone's app, offered to browsers on phones; nothing is sent to it.
    pub app_link: Option<String>,
    /// Relays on private addresses, by exact origin.
    pub private_relays: Vec<String>,
    /// PEM of authorities trusted for these relays, besides the service's own.
    pub relay_authorities: String,
    /// Requests that a network may make.
    pub limits: Limit,
}

/// Reads an issuer: `https://host[:port]`, exactly as phones and applications compare it.
///
/// # Errors
/// Words for the operator.
pub fn issuer(text: &str) -> Result<String, String> {
    let origin = Url::parse(text).ok().filter(|url| url.scheme() == "https").map(|url| url.origin());
    match origin {
        Some(origin) if origin.ascii_serialization() == text => Ok(text.to_owned()),
        _ => Err("an issuer is https://host or https://host:port, in lower case, with nothing after it".to_owned()),
    }
}

/// Reads the address that opens the app: `https`, and nothing in it that could name a person or a request.
///
/// # Errors
/// Words for the operator.
pub fn app_link(text: &str) -> Result<String, String> {
    let plain = |url: &Url| url.scheme() == "https" && url.query().is_none() && url.fragment().is_none();
    match Url::parse(text).ok().filter(plain) {
        Some(url) => Ok(url.into()),
        None => Err("an app link is an https address without ? and #".to_owned()),
    }
}

/// Reads a return address of an application.
///
/// # Errors
/// Words for the operator.
pub fn return_address(text: &str) -> Result<String, String> {
    // What a browser would read as another address than the one that is compared.
    let is_rewritten = |character: char| character.is_whitespace() || character.is_control() || character == '\\';
    match Url::parse(text).ok().filter(is_return_address) {
        Some(_) if !text.contains(is_rewritten) => Ok(text.to_owned()),
        Some(_) | None => {
            Err("a return address is https, http on this machine (127.0.0.1, [::1], localhost), or an app's own \
                     scheme with a dot in it (com.example.app:/callback), without #, spaces and a user name"
                .to_owned())
        }
    }
}

/// Whether a browser may be sent to an address with a code: over TLS, to this machine, or to an app by a scheme named
/// after a domain (RFC 8252 section 7.1). That leaves out every scheme that runs something, such as `javascript`.
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
        // GUARD(return-address-schemes): a_return_address_leads_to_an_application_and_runs_nothing
        // INSTEAD: _ => true,
        scheme => scheme.contains('.'),
    };
    reaches && url.fragment().is_none() && url.username().is_empty() && url.password().is_none()
}

impl Config {
    /// The usual limits: generous for an office behind one address, hard on a machine that guesses.
    pub const LIMITS: Limit = Limit { burst: 120, per_second: 10 };

    /// The public address of a phone endpoint.
    #[must_use]
    pub fn endpoint(&self, name: &str) -> String {
        format!("{}/phone/{name}", self.issuer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_address_leads_to_an_application_and_runs_nothing() {
        for good in [
            "https://web.example/callback",
            "https://web.example:8443/callback?a=b",
            "http://127.0.0.1:40000/callback",
            "http://[::1]:40000/callback",
            "http://localhost/callback",
            "com.example.app:/callback",
            "com.example.app://callback",
        ] {
            assert_eq!(return_address(good), Ok(good.to_owned()));
        }
        for bad in [
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
            assert!(return_address(bad).is_err(), "{bad}");
        }
    }
}
