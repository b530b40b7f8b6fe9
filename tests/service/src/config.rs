//! What an operator decides before the service starts.

use std::path::PathBuf;

use url::Url;

use crate::limits::Limit;

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

/// The configuration.
#[derive(Clone)]
pub struct Config {
    /// `https://host[:port]`, what phones and applications know the service by.
    pub issuer: String,
    /// The organisation's name, as people know it.
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

impl Config {
    /// The usual limits: generous for an office behind one address, hard on a machine that guesses.
    pub const LIMITS: Limit = Limit { burst: 120, per_second: 10 };

    /// The public address of a phone endpoint.
    #[must_use]
    pub fn endpoint(&self, name: &str) -> String {
        format!("{}/phone/{name}", self.issuer)
    }

    /// Origins of the return addresses, each after a space: Chromium holds redirects after a form against the
    /// page's form policy.
    #[must_use]
    pub fn redirect_origins(&self) -> String {
        let addresses = self.clients.iter().flat_map(|client| &client.redirect_uris);
        let origins = addresses.filter_map(|address| Url::parse(address).ok());
        origins.map(|url| format!(" {}", url.origin().ascii_serialization())).collect()
    }
}
