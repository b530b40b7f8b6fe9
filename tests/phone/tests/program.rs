//! Runs the program as a process, without a service, and checks its output and exit code.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use countersign::{Error, PlatformError, Secret};
use countersign_phone::{Phone, PhoneError};
use serde_json::Value;

/// No server listens at this address.
const RELAY: &str = "https://127.0.0.1:9";

fn run(home: &Path, passphrase: &str, arguments: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_countersign-phone"))
        .args(["--home", home.to_str().unwrap(), "--passphrase-fd", "0"])
        .args(arguments)
        // Hides the desktop session of a developer who runs the tests, so that the program finds no keyring.
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The write fails when the program exits before it reads its input. This is no error, because only the output is
    // checked.
    let _closed = child.stdin.take().unwrap().write_all(format!("{passphrase}\n").as_bytes());
    child.wait_with_output().unwrap()
}

fn objects(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn error_of(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let last = objects(output).pop().unwrap();
    assert_eq!(last["event"], "error");
    last["error"].as_str().unwrap().to_owned()
}

fn opened(home: &Path) {
    let output = run(home, "open sesame", &["--key-store", "sealed-file", "--relay", RELAY, "--json", "accounts"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn new_phone_explains_how_to_add_an_account() {
    let home = tempfile::tempdir().unwrap();
    let output = run(home.path(), "open sesame", &["--key-store", "sealed-file", "--relay", RELAY, "accounts"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("countersign-phone add"));
}

#[test]
fn a_wrong_passphrase_is_refused_and_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    opened(home.path());
    let before = std::fs::read(home.path().join("keys")).unwrap();
    let output = run(home.path(), "open barley", &["--json", "accounts"]);
    assert_eq!(error_of(&output), "wrong_passphrase");
    assert_eq!(std::fs::read(home.path().join("keys")).unwrap(), before);
    opened(home.path());
}

#[test]
fn short_new_passphrase_creates_no_files() {
    let home = tempfile::tempdir().unwrap();
    let output = run(home.path(), "short", &["--key-store", "sealed-file", "--relay", RELAY, "--json", "accounts"]);
    assert_eq!(error_of(&output), "passphrase_too_short");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn sealed_file_is_offered_but_never_used_as_fallback() {
    let home = tempfile::tempdir().unwrap();
    let output = run(home.path(), "open sesame", &["--relay", RELAY, "--json", "accounts"]);
    assert_eq!(error_of(&output), "no_keyring");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    let output = run(home.path(), "open sesame", &["--relay", RELAY, "accounts"]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("--key-store sealed-file"));
}

#[test]
fn later_start_can_not_change_the_key_store() {
    let home = tempfile::tempdir().unwrap();
    opened(home.path());
    assert_eq!(
        run(home.path(), "open sesame", &["--json", "accounts"]).status.code(),
        Some(0),
        "the choice of the key store was not stored"
    );
    let output = run(home.path(), "open sesame", &["--key-store", "keyring", "--json", "accounts"]);
    assert_eq!(error_of(&output), "keys_elsewhere");
    std::fs::write(home.path().join("key-store"), "elsewhere").unwrap();
    assert_eq!(error_of(&run(home.path(), "open sesame", &["--json", "accounts"])), "home_unusable");
}

#[test]
fn missing_relay_address_is_reported() {
    let home = tempfile::tempdir().unwrap();
    let output = run(home.path(), "open sesame", &["--key-store", "sealed-file", "--json", "accounts"]);
    assert_eq!(error_of(&output), "no_relay");
}

#[test]
fn other_kinds_of_codes_are_recognized() {
    let home = tempfile::tempdir().unwrap();
    opened(home.path());
    for (code, expected) in [
        ("otpauth://totp/Example:ada?secret=JBSWY3DPEHPK3PXP", "code_one_time"),
        ("https://signin.example.com/", "code_web_address"),
        ("WIFI:T:WPA;S:home;P:secret;;", "code_wifi"),
        ("countersign://enroll?v=2&issuer=x", "code_newer_version"),
        ("countersign://enroll?v=1&id=short", "code_damaged"),
    ] {
        let output = run(home.path(), "open sesame", &["--json", "add", "--text", code]);
        assert_eq!(error_of(&output), expected, "{code}");
    }
}

#[test]
fn unreachable_service_is_reported_as_offline() {
    let home = tempfile::tempdir().unwrap();
    opened(home.path());
    let output = run(
        home.path(),
        "open sesame",
        &["--json", "add", "--yes", "--code", "K7Q2-0000-0000", "--address", "127.0.0.1:9"],
    );
    assert_eq!(error_of(&output), "offline");
}

#[test]
fn an_unknown_request_is_refused() {
    let home = tempfile::tempdir().unwrap();
    opened(home.path());
    let output = run(home.path(), "open sesame", &["--json", "approve", "abcdef", "--number", "47"]);
    assert_eq!(error_of(&output), "no_such_request");
}

#[test]
fn watch_ends_at_the_end_of_its_input() {
    let home = tempfile::tempdir().unwrap();
    opened(home.path());
    let output = run(home.path(), "open sesame", &["--json", "watch"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(objects(&output).first().unwrap()["event"], "watching");
}

#[tokio::test]
async fn library_refuses_a_wrong_passphrase() {
    let home = tempfile::tempdir().unwrap();
    let right = Secret::new("open sesame".to_owned());
    drop(Phone::open(home.path(), &right, RELAY, None).await.unwrap());
    let wrong = Secret::new("open barley".to_owned());
    let refused = Phone::open(home.path(), &wrong, RELAY, None).await.err();
    assert_eq!(refused, Some(PhoneError::Core(Error::Platform(PlatformError::WrongPassphrase))));
}

#[test]
fn folder_without_its_keys_is_reported_and_can_be_emptied() {
    let home = tempfile::tempdir().unwrap();
    opened(home.path());
    assert_eq!(
        error_of(&run(home.path(), "open sesame", &["--json", "start-over", "--yes"])),
        "not_from_another_device"
    );
    std::fs::remove_file(home.path().join("keys")).unwrap();
    assert_eq!(error_of(&run(home.path(), "open sesame", &["--json", "accounts"])), "from_another_device");
    let output = run(home.path(), "open sesame", &["start-over"]);
    assert_eq!(output.status.code(), Some(1), "`start-over` did not ask for confirmation");
    let output = run(home.path(), "open sesame", &["--json", "start-over", "--yes"]);
    assert_eq!((output.status.code(), objects(&output)[0]["event"].as_str()), (Some(0), Some("started_over")));
    opened(home.path());
}
