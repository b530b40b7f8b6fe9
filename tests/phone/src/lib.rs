//! A phone that lives in a terminal: the third shell over the Countersign core, beside Android and iOS.
//!
//! It decides nothing about sign-ins; it opens the core with a desktop's ports and shows what the core
//! says, in words or as lines of JSON. The map:
//!
//! | module | what it decides |
//! | --- | --- |
//! | `phone` | the ports of a desktop, and the authenticator opened with them |
//! | `home`, `keys`, `passphrase`, `trust` | the private folder, where its keys are, what opens them, whose certificates count |
//! | `direct` | how pushes reach this phone from the relay |
//! | `cli`, `orders` | what the person typed, as command line and while watching |
//! | `app` | each command, from order to words |
//! | `render`, `json`, `words`, `times` | how things look: for people, for programs, for each error, as time |
//! | `loopback` | where the browser comes back to |
//! | `unlock` | unlocking a key of phone sign-in with the passphrase of the lock |
//! | `names` | short names of requests and accounts |
//! | `error` | why a command did not do what was asked |

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
