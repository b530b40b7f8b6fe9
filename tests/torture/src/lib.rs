//! Kills: a phone's process is ended by SIGKILL in each stored step of each act, another one goes on, and both sides
//! are compared. Beside it the network is cut, slowed and doubled, the relay loses and reorders, and the process that
//! goes on is killed again.
//!
//! | module | what it decides |
//! | --- | --- |
//! | `plan`, `random` | what a seed chooses |
//! | `orders`, `phone`, `process` | the phone as a process of its own: what it is told, what it is, how it is held |
//! | `life`, `acts`, `adding`, `answering`, `changing` | what a person does, and goes on with after a kill |
//! | `wire` | what the network does, and what may never be seen on it |
//! | `ends` | what must be true on both sides when everything has come to rest |
//! | `fault`, `tally` | what may not happen, and the counts |
//! | `stage`, `runs` | where lives take place, and how many of them |
//!
//! Nothing here retries what the core must do by itself: a person opens the app again, looks at it, and does what it
//! shows.

mod acts;
mod adding;
mod answering;
mod changing;
mod ends;
mod fault;
mod life;
pub mod orders;
pub mod phone;
pub mod plan;
mod process;
mod random;
mod runs;
mod stage;
pub mod tally;
pub mod wire;

pub use fault::Fault;
pub use runs::{Run, Weather, run};
