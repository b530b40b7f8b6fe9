//! The app maker's push relay: accepts Web Push from services and delivers to phones.
//!
//! FCM and APNs need accounts of the app maker, so this relay does not use them yet. Its only back end is `direct`:
//! a stream to each terminal or desktop phone.
//! The relay has no database: everything about a subscription is sealed in its endpoint.
//!
//! | module | what it does |
//! | --- | --- |
//! | `endpoint` | seals a subscription in its endpoint, and opens it |
//! | `vapid` | checks that a push comes from the service that the phone subscribed for (RFC 8292) |
//! | `queue` | stores messages until the phone fetches them |
//! | `faults` | loses, delays, doubles and reorders messages, for tests |
//! | `peer` | finds the network address of a client |
//! | `limits` | limits the rate of pushes and subscriptions |
//! | `routes` | handles the HTTP requests |
//! | `server` | starts and stops the relay, and manages its TLS certificate and its keys |

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
