//! Finds the network address from which an HTTP request comes.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::StatusCode;
use axum::http::request::Parts;

/// A client's network address in canonical form. A dual-stack socket reports the address of an IPv4 client as an
/// IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2); this address is converted to an IPv4 address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(IpAddr);

impl Peer {
    fn at(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }

    pub(crate) fn address(self) -> IpAddr {
        self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, StatusCode> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
        Ok(Self::at(peer.0.ip()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_ipv4_address_is_canonicalized() {
        let plain = IpAddr::from([192, 0, 2, 1]);
        assert_eq!("::ffff:192.0.2.1".parse().map(|mapped| Peer::at(mapped).address()), Ok(plain));
        assert_eq!(Peer::at(plain).address(), plain);
    }
}
