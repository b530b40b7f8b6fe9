//! Signs a person in, in one of two ways: with a password or a pass and then an approval on the phone; or with the
//! phone alone. If a phone has sent the person to these pages, the pages then add the phone, or turn phone sign-in on.

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
