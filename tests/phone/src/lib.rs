//! A phone in a terminal: the third app that uses the Countersign core, next to Android and iOS.
//!
//! The core makes every decision about sign-ins. This crate opens the core with desktop implementations of
//! the core's ports, and shows the results as text or as lines of JSON.
//!
//! | module | what it does |
//! | --- | --- |
//! | `phone` | opens the authenticator with desktop implementations of the core's ports |
//! | `home`, `keys`, `passphrase`, `trust` | manage the private folder, key store, passphrases, and certificates |
//! | `direct` | receives pushes from the relay |
//! | `cli`, `orders` | read the command line, and the lines that the person types during a wait for requests |
//! | `app` | runs each command |
//! | `render`, `json`, `words`, `times` | make the screens, the JSON lines, and the texts in them |
//! | `loopback` | receives the browser's redirect after the person has signed in |
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
