//! Checks that the inbox does not depend on a runtime, a network library or a database, because a notification
//! extension has little memory and only a few seconds.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeSet;
use std::process::Command;

/// Returns the names of the crates on which the core depends with the given features.
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
fn inbox_depends_on_no_runtime_network_or_database() {
    let heavy = ["tokio", "hyper", "hyper-util", "rustls", "rusqlite", "libsqlite3-sys", "rxing", "image", "argon2"];
    let (all, alone) = (tree("pictures"), tree("inbox"));
    for name in heavy {
        assert!(all.contains(name), "the core does not depend on {name}: correct the list in this test");
        assert!(!alone.contains(name), "the inbox depends on {name}");
    }
}
