//! Fakes with state for the ports, for tests of this crate and of those who embed it.
