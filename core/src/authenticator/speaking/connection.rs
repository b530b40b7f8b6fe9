//! What speaking to a service needs.

use crate::authenticator::network::http::Http;
use crate::authenticator::ports::Ports;
use crate::authenticator::store::Store;

/// Keys and time, the network, and where keys of services and clock offsets are remembered.
#[derive(Clone, Copy)]
pub(crate) struct Connection<'a> {
    pub(crate) ports: &'a Ports,
    pub(crate) http: &'a Http,
    pub(crate) store: &'a Store,
}
