//! Kills a phone's process by SIGKILL at each stored point of each act, lets another process continue, and then
//! compares the phone with the service. At the same time the network loses requests, loses responses or duplicates
//! requests, and the relay loses, delays, duplicates or reorders pushes. Sometimes the process that continues is killed
//! too.
//!
//! A *life* is one simulated phone, from adding an account to the end of the account. A life consists of *rounds*: one
//! act each, with its faults. A *place* is a stored point of the core (`countersign::testing::Point`) together with a
//! side: before or after the core stores. A *seed* determines the plan of one life.
//!
//! | module | content |
//! | --- | --- |
//! | `plan`, `random` | the plan of a seed |
//! | `orders`, `phone`, `process` | the phone as a separate process, and how the harness runs it |
//! | `life`, `acts`, `adding`, `answering`, `changing` | the acts of a person, and how they continue after a kill |
//! | `wire` | network faults, and checks on the traffic |
//! | `ends` | the checks of phone and service when nothing is pending |
//! | `fault`, `tally` | the failures, and the counts |
//! | `stage`, `runs` | the service and relay for the lives, and the order in which lives run |
//!
//! The harness does not retry requests that the core must retry by itself. It only opens the app again, reads the
//! screen, and performs the step that is shown.

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
pub use runs::{Conditions, Run, run};
