//! Runs all journeys in one test program, because separate programs would take longer to link.
//!
//! `tests/journeys/README.md` lists the journeys (J1 to J11) and their cases (w1, w2, …). A test's name usually begins
//! with its journey and case: `j8_w2_…` tests case w2 of journey J8.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops at the first error"
)]

mod administration;
mod browsing;
mod common;
mod double;
mod hostile;
mod inbox;
mod interceptor;
mod j11_lost_phone;
mod j1_policy;
mod j2_add_account;
mod j2_impostor;
mod j2_interceptor;
mod j4_turn_on;
mod j5_cut_off;
mod j5_inside_app;
mod j5_interceptor;
mod j6_bad_luck;
mod j6_browser;
mod j6_fatigue;
mod j6_hostile_pages;
mod j6_hostile_words;
mod j6_leaving;
mod j6_open_for_long;
mod j6_sign_in;
mod j6_two_tabs;
mod j7_browser;
mod j7_second_factor;
mod j7_slow_answers;
mod j7_terminal_phone;
mod j8_turn_off;
mod j9_disk;
mod j9_health;
mod j9_interceptor;
mod j9_keys;
mod j9_push_address;
mod j9_push_health;
mod j9_restored;
mod readme;
