//! A phone in a terminal: the third app that uses the Countersign core, next to Android and iOS.
//!
//! The core makes every decision about sign-ins. This crate opens the core with the ports of a desktop, and shows the
//! results as text or as lines of JSON.
//!
//! | module | what it does |
//! | --- | --- |
//! | `phone` | opens the authenticator with the ports of a desktop |
//! | `home`, `keys`, `passphrase`, `trust` | private folder, key store, passphrases, trusted certificates |
//! | `direct` | receives pushes from the relay |
//! | `cli`, `orders` | read the command line, and the lines that are typed while watching |
//! | `app` | runs each command |
//! | `render`, `json`, `words`, `times` | make screens for people, lines for programs, texts of errors, and durations |
//! | `loopback` | receives the redirect of the browser |
//! | `unlock` | unlocks the sign-in key with the passphrase of the lock |
//! | `names` | finds requests and accounts by short names |
//! | `error` | defines the errors of a command |

pub mod app;
pub mod cli;
pub mod direct;
pub mod error;
mod home;
mod json;
mod keys;
mod loopback;
mod names;
pub mod orders;
mod passphrase;
mod phone;
pub mod render;
mod times;
mod trust;
mod unlock;
pub mod words;

pub use direct::Message;
pub use error::PhoneError;
pub use keys::{KeyPlace, Keys};
pub use loopback::Loopback;
pub use phone::{Phone, Settings};
pub use unlock::unlock;
