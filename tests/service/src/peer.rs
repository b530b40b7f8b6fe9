//! The network address of a client.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;

/// The network address of a client, in canonical form.
#[derive(Debug, Clone, Copy)]
pub struct Peer(IpAddr);

impl Peer {
    /// Converts an address to canonical form. On a dual-stack socket, IPv4 clients have IPv4-mapped IPv6 addresses (RFC
    /// 4291 section 2.5.5.2). Without the conversion, all IPv4 clients would count as one network.
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        // GUARD(ipv4-mapped-address): ipv4_networks_are_limited_separately_on_a_dual_stack_socket
        // INSTEAD: Self(address)
        Self(address.to_canonical())
    }

    /// Returns the address.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.0
    }

    /// Returns the network of the address: /24 for IPv4, /56 for IPv6.
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
        // Only the socket's address is used, because any client can send headers such as X-Forwarded-For.
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        Ok(Self::at(peer.unwrap_or(IpAddr::from([0, 0, 0, 0]))))
    }
}
