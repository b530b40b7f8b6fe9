//! Signing in: with a password or a pass, followed by a number, or with the phone alone. The pages also add a phone or
//! turn phone sign-in on when a phone sends the person to them.

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
