//! Tests the limits per network, and the problem documents that refused phones get.

use std::io::Write;
use std::net::IpAddr;
use std::sync::Arc;

use axum::body::to_bytes;
use axum::http::header;
use axum::response::IntoResponse;
use countersign_service::addresses;
use countersign_service::app::App;
use countersign_service::clock::{SystemClock, Time};
use countersign_service::config::Config;
use countersign_service::config::Limit;
use countersign_service::limits::{self, counts, remaining_after_one};
use countersign_service::peer::Peer;
use countersign_service::problem::Problem;
use countersign_service::serve;
use countersign_service::store::Store;
use countersign_service::tls::Authority;
use serde_json::Value;

use crate::support::config;

fn peer(address: &str) -> Peer {
    Peer::at(address.parse::<IpAddr>().unwrap())
}

const TWO: Limit = Limit { burst: 2, per_second: 0 };

fn counted(store: &Store, limit: Limit, name: &str, now: Time) -> bool {
    store.global_blocking(|tx| counts(tx, limit, name, now)).unwrap()
}

#[test]
fn each_network_has_its_own_limit() {
    let store = Store::memory();
    let name = |address: &str| format!("phone {}", peer(address).network());
    assert!(counted(&store, TWO, &name("192.0.2.1"), 0));
    assert!(counted(&store, TWO, &name("192.0.2.200"), 0));
    assert!(!counted(&store, TWO, &name("192.0.2.1"), 0));
    assert!(counted(&store, TWO, &name("192.0.3.1"), 0));
}

#[test]
fn limit_refills_with_time_but_not_when_the_clock_goes_back() {
    let limit = Limit { burst: 3, per_second: 1 };
    assert_eq!(remaining_after_one(limit, None, 0), Some(2.0));
    assert_eq!(remaining_after_one(limit, Some((0.0, 100)), 100), None);
    assert_eq!(remaining_after_one(limit, Some((0.0, 100)), 101), Some(0.0));
    assert_eq!(remaining_after_one(limit, Some((0.0, 100)), 50), None);
    assert_eq!(remaining_after_one(limit, Some((0.0, 100)), Time::MAX), Some(2.0));
}

/// RFC 4291 section 2.5.5.2: a dual-stack socket names its IPv4 clients by mapped addresses.
#[test]
fn mapped_ipv4_client_is_limited_as_ipv4() {
    for (mapped, plain) in [("::ffff:192.0.2.1", "192.0.2.1"), ("::ffff:c000:201", "192.0.2.1")] {
        assert_eq!(peer(mapped).address(), peer(plain).address());
        assert_eq!(peer(mapped).network(), "192.0.2.0/24");
    }
    assert_ne!(peer("::ffff:192.0.2.1").network(), peer("::ffff:192.0.3.1").network());
    for other in ["::ffff:0:192.0.2.1", "64:ff9b::192.0.2.1", "2001:db8::192.0.2.1"] {
        assert!(peer(other).network().ends_with("/56"), "{other} was not treated as IPv6");
    }
}

/// With the real service on `[::]`, one IPv4 network does not use up the limit of another IPv4 network.
#[tokio::test]
async fn ipv4_networks_are_limited_separately_on_a_dual_stack_socket() {
    let authority = Authority::make("limits").unwrap();
    let identity = authority.identity(&["localhost", "127.0.0.1"]).unwrap();
    let Ok(listener) = serve::bind("[::]:0".parse().unwrap()) else {
        return writeln!(std::io::stdout(), "SKIPPED IPv6: this machine has no [::]").unwrap();
    };
    let config = Config { limits: TWO, ..config() };
    let app = App::open(config, Arc::new(SystemClock::default())).unwrap();
    let running = serve::serve(addresses::router(&app), listener, &identity).unwrap();
    let trusted = reqwest::Certificate::from_pem(authority.certificate().as_bytes()).unwrap();
    let look_ups = async |from: [u8; 4]| {
        let client = reqwest::Client::builder().no_proxy().local_address(IpAddr::from(from));
        let client = client.tls_certs_only([trusted.clone()]).build().unwrap();
        let mut statuses = Vec::new();
        for _time in 0..3 {
            let url = format!("https://127.0.0.1:{}/phone/look-up", running.address.port());
            statuses.push(client.post(url).body("{}").send().await.unwrap().status().as_u16());
        }
        statuses
    };
    let [first, second, third] = <[u16; 3]>::try_from(look_ups([127, 0, 1, 1]).await).unwrap();
    assert!(first != 429 && second != 429, "{first} {second}");
    assert_eq!(third, 429);
    assert_ne!(look_ups([127, 0, 2, 1]).await[0], 429, "another network was limited");
    assert_eq!(look_ups([127, 0, 1, 200]).await[0], 429, "the same network was not limited");
    running.stop().await;
}

/// When the limit of a network is refilled, the service deletes the network from the database. Requests from many
/// networks therefore do not fill the database.
#[test]
fn network_is_forgotten_once_its_limit_is_refilled() {
    let store = Store::memory();
    let limit = Limit { burst: 3, per_second: 1 };
    let sweep = |now| store.global_blocking(|tx| tx.sweep(now)).unwrap();
    let used_up = || (0..3).all(|_time| counted(&store, limit, "page", 100));
    assert!(used_up());
    sweep(102);
    assert!(!counted(&store, limit, "page", 100), "the network was deleted before its limit was refilled");
    sweep(104);
    assert!(used_up(), "not all of the limit is available again");
}

/// Two stores, each in its own thread, share only the database file. Together, they accept only as many requests as one
/// store would.
#[test]
fn two_services_on_one_database_share_limits() {
    let folder = tempfile::tempdir().unwrap();
    let limit = Limit { burst: 40, per_second: 0 };
    let threads = [(); 2].map(|()| {
        let store = Store::sqlite(&folder.path().join("service.db")).unwrap();
        std::thread::spawn(move || (0..40).filter(|_time| counted(&store, limit, "page 192.0.2.0/24", 7)).count())
    });
    let let_through: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(let_through, 40);
}

/// Two services on one database count requests together. Phones and pages have separate limits.
#[tokio::test]
async fn network_limited_by_one_service_is_refused_by_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(SystemClock::default());
    let open = || {
        let limits = Limit { burst: 3, per_second: 0 };
        let config = Config { data: Some(folder.path().to_owned()), limits, ..crate::support::config() };
        App::open(config, clock.clone()).unwrap()
    };
    let (one, two) = (open(), open());
    let network = peer("192.0.2.9");
    for app in [&one, &two, &one] {
        assert_eq!(limits::phone(app, &network).await, Ok(()));
    }
    assert_eq!(limits::phone(&two, &network).await, Err(Problem::TooManyRequests));
    for app in [&two, &one, &two] {
        assert!(limits::page(app, &network).await.unwrap(), "requests of phones used up the limit of pages");
    }
    assert!(!limits::page(&one, &network).await.unwrap());
}

#[test]
fn network_is_a_24_or_56_prefix() {
    assert_eq!(peer("192.0.2.77").network(), "192.0.2.0/24");
    assert_eq!(peer("2001:db8:1:2ff::1").network(), peer("2001:db8:1:200::2").network());
    assert_ne!(peer("2001:db8:1:300::1").network(), peer("2001:db8:1:200::2").network());
}

#[tokio::test]
async fn problem_documents_match_protocol_section_9() {
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
