//! Tests the operator's commands, and the checks of a data folder.

use std::path::Path;
use std::sync::Arc;

use countersign_service::app::App;
use countersign_service::clock::SystemClock;
use countersign_service::config::{Config, issuer};
use countersign_service::data;
use countersign_service::error::AppError;
use countersign_service::{operator, tls};

fn config(folder: &Path, issuer: &str) -> Config {
    Config {
        issuer: issuer.to_owned(),
        organization: "Example".to_owned(),
        data: Some(folder.to_owned()),
        clients: Vec::new(),
        phone_redirects: Vec::new(),
        app_link: None,
        private_relays: Vec::new(),
        relay_authorities: String::new(),
        limits: Config::LIMITS,
    }
}

fn open(folder: &Path, issuer: &str) -> Result<App, AppError> {
    App::open(config(folder, issuer), Arc::new(SystemClock::default()))
}

#[test]
fn a_person_may_be_added_before_the_service_has_run() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let store = data::open(&data).unwrap();
    operator::add_person(&store, "alice", "Alice", "correct horse", 1).unwrap();
    let app = open(&data, "https://sign-in.example").unwrap();
    assert!(matches!(
        operator::add_person(&app.store, " ALICE ", "Alice", "x", app.clock.now()),
        Err(AppError::NameTaken)
    ));
    assert_eq!(operator::reset_methods(&app.store, "alice", app.clock.now()).unwrap(), 0);
    assert!(matches!(operator::reset_methods(&app.store, "bob", app.clock.now()), Err(AppError::NoSuchPerson)));
}

#[test]
fn a_person_without_a_name_or_a_password_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = data::open(folder.path()).unwrap();
    for (name, password) in [("", "correct horse"), ("  ", "correct horse"), ("alice", "")] {
        assert!(matches!(operator::add_person(&store, name, "A", password, 1), Err(AppError::Empty)));
    }
}

#[test]
fn data_folder_rejects_another_issuer() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), "https://sign-in.example").unwrap();
    assert!(open(folder.path(), "https://sign-in.example").is_ok());
    assert!(matches!(open(folder.path(), "https://sign-in.example:8443"), Err(AppError::OtherIssuer)));
}

#[test]
fn issuer_must_be_a_web_origin() {
    for valid in ["https://sign-in.example", "https://localhost:8443", "https://127.0.0.1:1"] {
        assert_eq!(issuer(valid).as_deref(), Ok(valid));
    }
    for wrong in [
        "",
        "sign-in.example",
        "http://a.example",
        "https://a.example/",
        "https://A.example",
        "https://a.example:443",
        "https://a.example/x",
        "https://me@a.example",
    ] {
        assert!(issuer(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn private_authority_is_created_once() {
    let folder = tempfile::tempdir().unwrap();
    let made = tls::identity_of(folder.path(), "sign-in.example").unwrap();
    let kept = tls::identity_of(folder.path(), "sign-in.example").unwrap();
    assert_eq!((made.certificate, made.authority), (kept.certificate, kept.authority));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.path().join("server.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
}
