//! Where a request comes from.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;

/// Where a request comes from, in canonical form.
#[derive(Debug, Clone, Copy)]
pub struct Peer(IpAddr);

impl Peer {
    /// On a socket for both protocols, IPv4 clients arrive as IPv4-mapped IPv6 addresses (RFC 4291 section 2.5.5.2):
    /// they are IPv4 from here on, or all of them would be one network.
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        // GUARD(ipv4-mapped-address): on_a_socket_for_both_protocols_each_ipv4_network_has_its_own_limit
        // INSTEAD: Self(address)
        Self(address.to_canonical())
    }

    /// The address.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.0
    }

    /// The network around the address: /24 or /56.
    #[must_use]
    pub fn network(&self) -> String {
        match self.0 {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                format!("{a}.{b}.{c}.0/24")
            }
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{:x}::/56", d & 0xff00)
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        // The socket's own address: headers like X-Forwarded-For are anybody's to write.
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        Ok(Self::at(peer.unwrap_or(IpAddr::from([0, 0, 0, 0]))))
    }
}
