//! Tests the phone's endpoints over HTTP, with a valid message of each kind and with copies that have one error each.

mod add_by_sign_in;
mod answers;
mod enrollment;
mod features;
pub mod phone;
pub mod phone_sign_in;
mod processes;
mod push;
mod races;
mod replay;
mod requests;
mod rotation;
pub mod service;
mod state_limit;
mod vectors;
