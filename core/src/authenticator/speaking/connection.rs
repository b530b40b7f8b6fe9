//! The parts of the core that an exchange with a service needs.

use crate::authenticator::network::http::Http;
use crate::authenticator::ports::Ports;
use crate::authenticator::store::Store;

/// References to the ports (for keys and time), to the HTTP client, and to the store (for service keys and clock
/// offsets).
#[derive(Clone, Copy)]
pub(crate) struct Connection<'a> {
    pub(crate) ports: &'a Ports,
    pub(crate) http: &'a Http,
    pub(crate) store: &'a Store,
}
