//! The app maker's push relay: Web Push in front, the phone's own channel behind.
//!
//! FCM and APNs belong to the app's maker; here the back end is `direct`, a stream to terminal and desktop
//! phones. The relay keeps no table: everything it must know about a subscription is sealed in the endpoint.
//!
//! | module | what it decides |
//! | --- | --- |
//! | `endpoint` | what an endpoint seals, and when it opens |
//! | `vapid` | whether a push comes from the service that the phone subscribed for (RFC 8292) |
//! | `queue` | which messages wait for which phone, and who hears them |
//! | `faults` | what goes wrong on request, for tests |
//! | `peer` | where a request comes from |
//! | `routes` | HTTP |
//! | `server` | listening, TLS, keys |

pub mod endpoint;
pub mod faults;
mod limits;
mod peer;
pub mod queue;
mod routes;
pub mod server;
pub mod vapid;

pub use faults::Faults;
pub use server::{Config, Relay, RelayError, Tls};
