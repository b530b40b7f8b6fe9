//! Limits by network, and the problem documents that phones are turned away with.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use std::net::IpAddr;

use axum::body::to_bytes;
use axum::http::header;
use axum::response::IntoResponse;
use countersign_service::limits::{Limits, Peer};
use countersign_service::problem::Problem;
use serde_json::Value;

fn peer(address: &str) -> Peer {
    Peer(address.parse::<IpAddr>().unwrap())
}

#[test]
fn a_network_may_ask_so_often_and_its_neighbour_as_often() {
    let limits = Limits::new(2.0, 0.0);
    assert_eq!(limits.phone(&peer("192.0.2.1")), Ok(()));
    assert_eq!(limits.phone(&peer("192.0.2.200")), Ok(()));
    assert_eq!(limits.phone(&peer("192.0.2.1")), Err(Problem::TooManyRequests));
    assert_eq!(limits.phone(&peer("192.0.3.1")), Ok(()));
}

#[test]
fn phones_never_use_up_what_belongs_to_pages() {
    let limits = Limits::new(1.0, 0.0);
    assert_eq!(limits.phone(&peer("192.0.2.1")), Ok(()));
    assert!(limits.page(&peer("192.0.2.1")));
    assert!(!limits.page(&peer("192.0.2.1")));
}

#[test]
fn a_network_is_a_24_or_a_56() {
    assert_eq!(peer("192.0.2.77").network(), "192.0.2.0/24");
    assert_eq!(peer("2001:db8:1:2ff::1").network(), peer("2001:db8:1:200::2").network());
    assert_ne!(peer("2001:db8:1:300::1").network(), peer("2001:db8:1:200::2").network());
}

#[tokio::test]
async fn every_problem_is_the_one_of_protocol_section_9() {
    for (problem, name, status) in [
        (Problem::EnrollmentUnknown, "enrollment-unknown", 404),
        (Problem::EnrollmentExpired, "enrollment-expired", 410),
        (Problem::EnrollmentUsed, "enrollment-used", 409),
        (Problem::EnrollmentCancelled, "enrollment-cancelled", 410),
        (Problem::TooManyLookUps, "too-many-look-ups", 429),
        (Problem::RequestRefused, "request-refused", 401),
        (Problem::UnsupportedVersion, "unsupported-version", 400),
        (Problem::TooManyRequests, "too-many-requests", 429),
        (Problem::Unavailable, "unavailable", 503),
    ] {
        let response = problem.into_response();
        assert_eq!(response.status().as_u16(), status, "{name}");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json", "{name}");
        assert_eq!(response.headers().contains_key(header::RETRY_AFTER), status == 429, "{name}");
        let body: Value = serde_json::from_slice(&to_bytes(response.into_body(), 4_096).await.unwrap()).unwrap();
        assert_eq!(body["type"], format!("https://countersign.dev/problems/{name}"));
        assert_eq!(body["status"], status, "{name}");
    }
}
