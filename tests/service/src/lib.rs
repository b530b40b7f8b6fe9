//! The reference sign-in service of Countersign: the other side of every journey.
//!
//! Short enough that a maker of sign-in services reads it to learn the protocol, good enough to run a
//! small organization. It shares no code with the phone's core; both are held to `core/docs/protocol.md`.
//!
//! A room for each thing that people or phones come for, with the same parts: `rules` (pure: state and
//! input to decision), `acts` (one transaction each), `routes` (HTTP), `records` (what is stored).
//!
//! | room | what for |
//! | --- | --- |
//! | `sign_in` | password and number |
//! | `security_info` | a person's methods; the wizard |
//! | `enrollment` | adding a phone |
//! | `prompts` | ceremonies, prompts, answers |
//! | `devices` | signed requests, tombstones |
//! | `phone_sign_in` | registering a device and its sign-in key |
//! | `notices` | what the other phones are told |
//! | `openid` | the OpenID Provider |
//! | `addresses`, `headers`, `once` | the map, what every answer carries, and forms that are sent twice |
//! | `people`, `audit`, `limits`, `keys`, `push`, `store`, `texts` | what all of them share |

pub mod addresses;
pub mod admin;
pub mod agent;
pub mod app;
pub mod audit;
pub mod clock;
pub mod config;
pub mod cookies;
pub mod data;
pub mod devices;
pub mod endings;
pub mod enrollment;
pub mod error;
pub mod events;
pub mod headers;
pub mod jose;
pub mod keys;
pub mod limits;
pub mod notices;
pub mod once;
pub mod openid;
pub mod operator;
pub mod pages;
pub mod passes;
pub mod passwords;
pub mod peer;
pub mod people;
pub mod phone_sign_in;
pub mod policy;
pub mod posted;
pub mod problem;
pub mod prompts;
pub mod push;
pub mod secrets;
pub mod security_info;
pub mod serve;
pub mod sign_in;
pub mod store;
pub mod texts;
pub mod tls;
pub mod verdict;
pub mod visitor;
