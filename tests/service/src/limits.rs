//! Limits by network: how often one may ask before anything is looked up.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;

use crate::problem::Problem;

/// Networks remembered at once; beyond that the memory starts anew.
const MAX_NETWORKS: usize = 10_000;

/// Where a request comes from.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

impl Peer {
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
        Ok(Self(peer.unwrap_or(IpAddr::from([0, 0, 0, 0]))))
    }
}

/// A bucket for each network: so many at once, so many a second after that.
#[derive(Clone)]
pub struct Limits {
    burst: f64,
    per_second: f64,
    networks: Arc<Mutex<HashMap<String, (f64, Instant)>>>,
}

impl Limits {
    /// `burst` at once, then `per_second`.
    #[must_use]
    pub fn new(burst: f64, per_second: f64) -> Self {
        Self { burst, per_second, networks: Arc::default() }
    }

    /// Counts a phone's request.
    pub fn phone(&self, peer: &Peer) -> Result<(), Problem> {
        if self.allows(&format!("phone {}", peer.network())) { Ok(()) } else { Err(Problem::TooManyRequests) }
    }

    /// Counts a page's form; false when there were too many.
    #[must_use]
    pub fn page(&self, peer: &Peer) -> bool {
        self.allows(&format!("page {}", peer.network()))
    }

    fn allows(&self, name: &str) -> bool {
        let now = Instant::now();
        let mut networks = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        if networks.len() >= MAX_NETWORKS {
            networks.clear();
        }
        let (left, at) = networks.entry(name.to_owned()).or_insert((self.burst, now));
        *left = (*left + now.duration_since(*at).as_secs_f64() * self.per_second).min(self.burst);
        *at = now;
        let allowed = *left >= 1.0;
        if allowed {
            *left -= 1.0;
        }
        allowed
    }
}
