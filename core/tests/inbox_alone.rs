//! A notification extension has little memory and a few seconds: its part of the core builds without runtime,
//! network and database.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeSet;
use std::process::Command;

/// The crates that the core brings along with some of its features.
fn tree(features: &str) -> BTreeSet<String> {
    let arguments = ["tree", "--offline", "-p", "countersign", "-e", "normal", "--prefix", "none", "-f", "{p}"];
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--no-default-features", "--features", features])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn the_inbox_alone_brings_no_runtime_no_network_and_no_database() {
    let heavy = ["tokio", "reqwest", "hyper", "rustls", "rusqlite", "libsqlite3-sys", "rxing", "image", "argon2"];
    let (all, alone) = (tree("authenticator"), tree("inbox"));
    for name in heavy {
        assert!(all.contains(name), "{name} is not among everything: this test looks for the wrong name");
        assert!(!alone.contains(name), "{name} comes with the inbox");
    }
}
