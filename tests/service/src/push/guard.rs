//! Sends pushes only to allowed addresses. Anyone who enrolls a phone chooses its push address, so a push must never
//! reach the internal network of the service.
//!
//! A push is sent only by `https`, and only to port 443 of a public IP address. The IP address of a host name is
//! checked when the connection is made. Proxies and redirects are not used, and the response body is not read. The
//! configuration can allow private relays, by their exact web origins.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::ClientConfig;
use url::{Host, Url};

const TIMEOUT: Duration = Duration::from_secs(10);

/// A push as an HTTP request with the complete body.
pub type Request = axum::http::Request<Vec<u8>>;

/// Why a push was not sent.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// One of these: the URL is malformed or not `https`; the port is not 443; the URL contains a user name, or an IP
    /// address that is not public.
    #[error("the push address is not allowed")]
    NotAllowed,
    /// The connection failed, no response arrived in time, or the host name in the URL has no public IP address.
    #[error("the push was not delivered")]
    NotDelivered,
    /// The HTTP client could not be created.
    #[error("the HTTP client could not be created")]
    NoClient,
}

/// Sends requests to allowed addresses.
pub struct Sender {
    public: reqwest::Client,
    private: reqwest::Client,
    private_origins: Vec<String>,
}

impl Sender {
    /// Creates a sender. `private_origins` are web origins whose IP addresses are not checked. `private` is the TLS
    /// configuration for these web origins, and `public` is the TLS configuration for all other URLs.
    pub fn new(private_origins: Vec<String>, public: ClientConfig, private: ClientConfig) -> Result<Self, GuardError> {
        let guarded = builder(public).dns_resolver(Arc::new(PublicOnly)).build();
        Ok(Self {
            public: guarded.map_err(|_configuration| GuardError::NoClient)?,
            private: builder(private).build().map_err(|_configuration| GuardError::NoClient)?,
            private_origins,
        })
    }

    /// Sends a request, and returns the status of the response without reading its body.
    pub async fn send(&self, request: Request) -> Result<u16, GuardError> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).map_err(|_malformed| GuardError::NotAllowed)?;
        let client = self.client_for(&url)?;
        let sent = client.post(url).headers(parts.headers).body(body).send().await;
        sent.map(|response| response.status().as_u16()).map_err(|_connection| GuardError::NotDelivered)
    }

    fn client_for(&self, url: &Url) -> Result<&reqwest::Client, GuardError> {
        let origin = url.origin().ascii_serialization();
        if url.scheme() == "https" && self.private_origins.contains(&origin) {
            return Ok(&self.private);
        }
        if is_allowed(url) { Ok(&self.public) } else { Err(GuardError::NotAllowed) }
    }
}

fn builder(tls: ClientConfig) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .https_only(true)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIMEOUT)
}

/// Returns whether a push may be sent to this URL. IP addresses in a URL are checked here, because the HTTP client
/// calls its resolver only for host names.
fn is_allowed(url: &Url) -> bool {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => is_public(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => is_public(IpAddr::V6(address)),
        Some(Host::Domain(_)) => true,
        None => false,
    };
    address && url.scheme() == "https" && url.port_or_known_default() == Some(443) && url.username().is_empty()
}

/// Resolves host names to public IP addresses only. The HTTP client resolves the host name for each new connection, so
/// a name that later has only private addresses is refused at the next connection.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(GuardError::NotAllowed.into());
            }
            let addresses: Addrs = Box::new(public.into_iter());
            Ok(addresses)
        })
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Returns false for multicast and for every address that the IANA special-purpose registry (RFC 6890) lists as not
/// globally reachable.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b));
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Only global unicast addresses (2000::/3) are public. Three kinds of them are excluded: addresses that contain an
    // IPv4 address (6to4, Teredo), addresses for documentation, and addresses for special protocols (2001::/23).
    let global = (0x2000..0x4000).contains(&a);
    let carries_v4 = a == 0x2002 || (a == 0x2001 && b == 0);
    let documentation = (a == 0x2001 && b == 0x0db8) || (a == 0x3fff && b < 0x1000);
    let special = a == 0x2001 && b < 0x0200;
    global && !carries_v4 && !documentation && !special
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn pushes_are_allowed_only_to_public_addresses_on_port_443() {
        for allowed in ["https://push.example/x", "https://93.184.216.34/x", "https://[2606:4700::1111]/x"] {
            assert!(is_allowed(&Url::parse(allowed).unwrap()), "refused {allowed}");
        }
        for refused in [
            "http://push.example/x",
            "https://push.example:8443/x",
            "https://user@push.example/x",
            "https://127.0.0.1/x",
            "https://2130706433/x",
            "https://0x7f.1/x",
            "https://0.0.0.0/x",
            "https://10.0.0.1/x",
            "https://100.64.0.1/x",
            "https://169.254.169.254/x",
            "https://192.168.1.1/x",
            "https://198.18.0.1/x",
            "https://240.0.0.1/x",
            "https://255.255.255.255/x",
            "https://[::1]/x",
            "https://[::ffff:127.0.0.1]/x",
            "https://[64:ff9b::7f00:1]/x",
            "https://[2002:7f00:1::]/x",
            "https://[fc00::1]/x",
            "https://[fe80::1]/x",
            "https://[2001:db8::1]/x",
        ] {
            assert!(!is_allowed(&Url::parse(refused).unwrap()), "allowed {refused}");
        }
    }
}
