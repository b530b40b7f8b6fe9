//! Signing a person in: with a password or a pass and a number, or with the phone alone.

pub mod acts;
pub mod attempt;
pub mod consent;
pub mod first_session;
pub mod flow;
pub mod number;
pub mod password;
pub mod phone;
pub mod records;
pub mod register;
pub mod resume;
pub mod routes;
pub mod rules;
pub mod second_factor;
pub mod session;
pub mod waiting;
