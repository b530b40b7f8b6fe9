//! The reference sign-in service of Countersign: the other side of every journey.
//!
//! Short enough that a maker of sign-in services reads it to learn the protocol, good enough to run a
//! small organization. It shares no code with the phone's core; both are held to `core/docs/protocol.md`.
//!
//! A folder for each thing that people or phones come for:
//!
//! | folder | what for |
//! | --- | --- |
//! | `sign_in` | password, pass, second factor, phone sign-in; sessions and known browsers |
//! | `security_info` | a person's methods; the wizard; step-up |
//! | `enrollment` | adding a phone |
//! | `prompts` | ceremonies, prompts, answers |
//! | `devices` | signed requests and signed states, tombstones |
//! | `phone_sign_in` | registering a device and its sign-in key |
//! | `passes` | temporary access passes |
//! | `policy`, `admin`, `people` | what an organization decides, and for whom |
//! | `openid` | the OpenID Provider |
//!
//! Each folder has the same parts, and each part imports only those before it (`tests/layers/service.txt`):
//!
//! | part | what is there |
//! | --- | --- |
//! | a file named after the thing (`ceremony`, `device`, `session`, …) | what it is, pure |
//! | `rules` | decisions, pure |
//! | `records` | what is stored, and how it is found |
//! | `endings` (one for all) | everything that revokes or ends something |
//! | `acts` | what is done, each inside one transaction |
//! | `routes` (and a file for each page) | HTTP |
//!
//! | shared file | what it does |
//! | --- | --- |
//! | `addresses` | the router: every address, with whom it is for |
//! | `posted`, `visitor`, `cookies` | who a browser is, and whether a form is ours |
//! | `pages` | the model of a page and every word on it |
//! | `app`, `config`, `error`, `clock` | what every act is given |
//! | `once`, `limits`, `peer`, `headers`, `events`, `serve`, `tls` | forms sent twice, limits by network, HTTP |
//! | `store` | the database behind a trait |
//! | `keys`, `jose`, `secrets`, `passwords` | cryptography |
//! | `push`, `notices`, `audit`, `operator`, `problem`, `texts`, `verdict`, `agent`, `data` | the rest |

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
