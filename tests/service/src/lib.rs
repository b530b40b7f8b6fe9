//! The reference sign-in service of Countersign: the server side of the protocol.
//!
//! The service is short, so that developers of sign-in services can learn the protocol from it. It is complete enough
//! for a small organization. It shares no code with the phone's core; both implement `core/docs/protocol.md`.
//!
//! Each feature has one folder:
//!
//! | folder | contents |
//! | --- | --- |
//! | `sign_in` | signing in by password, pass, second factor or phone; sessions and known browsers |
//! | `security_info` | the page of a person's sign-in methods, the wizard, step-up |
//! | `enrollment` | adding a phone by a code or by signing in |
//! | `prompts` | ceremonies, prompts, answers |
//! | `devices` | signed requests and signed states, tombstones |
//! | `phone_sign_in` | registering a sign-in key, or a new device, after the person has agreed in a browser |
//! | `passes` | temporary access passes |
//! | `policy` | the organization's policy |
//! | `admin` | the administrator's pages |
//! | `people` | people and their passwords |
//! | `openid` | the OpenID Provider |
//!
//! A folder can have the following parts, and has only the parts that it needs. A part imports only the parts above it
//! in this table (`tests/layers/service.txt`):
//!
//! | part | contents |
//! | --- | --- |
//! | a file named after its type (`ceremony`, `device`, `session`, …) | the type and its pure functions |
//! | `rules` | decisions, as pure functions |
//! | `records` | how the type is stored and found |
//! | `endings` (one for all folders) | everything that revokes or ends a record |
//! | `acts` | operations, which read and write inside transactions |
//! | `routes` (and a file for each larger page) | the HTTP handlers |
//!
//! All features share these files:
//!
//! | shared file | contents |
//! | --- | --- |
//! | `addresses` | every method and path, with its handler and its kind of client |
//! | `posted`, `visitor`, `cookies` | identification of browsers, check that forms come from the service's pages |
//! | `pages` | the page texts, and the code that builds pages |
//! | `app`, `config`, `error`, `clock` | shared state of the handlers, configuration, startup errors, clock |
//! | `once`, `limits`, `peer` | detection of repeated forms, rate limits by network |
//! | `headers`, `events`, `serve`, `tls` | HTTP and TLS |
//! | `store` | the database behind a trait |
//! | `keys`, `jose`, `secrets`, `passwords` | cryptography |
//! | `push`, `notices`, `problem` | pushes, notices and problem documents for phones |
//! | `audit`, `operator`, `data` | the audit log, the operator's commands, the data folder |
//! | `features` | the additions to version 1 of the protocol that this service knows |
//! | `texts`, `verdict`, `agent` | checks of shown texts, the result type of a decision, browser names |

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
pub mod digits;
pub mod effects;
pub mod endings;
pub mod enrollment;
pub mod error;
pub mod events;
pub mod features;
pub mod grants;
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
pub mod provenance;
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
