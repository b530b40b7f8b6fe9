//! The phone's endpoints over HTTP: one valid message of each kind, and the same message with one error.

mod add_by_sign_in;
mod answers;
mod enrollment;
mod phone;
mod phone_sign_in;
mod processes;
mod push;
mod races;
mod replay;
mod requests;
mod rotation;
mod service;
mod state_limit;
mod vectors;
