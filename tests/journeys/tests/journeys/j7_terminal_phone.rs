//! Tests journey J7 (second factor after the password) with the terminal phone as a separate program. Its commands add
//! an account, answer prompts and remove the account.

use crate::common;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use countersign_journeys::stall::Proxy;
use countersign_journeys::{PageView, Person, World, qr};
use serde_json::Value;
use url::Url;

const PASSPHRASE: &str = "a passphrase for this test";

/// Builds the terminal phone with the cargo that runs this test. Returns the program's path.
fn program() -> PathBuf {
    let built = Command::new(env!("CARGO")).args(["build", "--quiet", "--package", "countersign-phone"]).status();
    assert!(built.unwrap().success());
    let tests = std::env::current_exe().unwrap();
    tests.parent().unwrap().parent().unwrap().join("countersign-phone")
}

struct Terminal {
    program: PathBuf,
    home: PathBuf,
    ca: PathBuf,
    relay: String,
}

impl Terminal {
    fn run(&self, arguments: &[&str]) -> (Child, BufReader<ChildStdout>) {
        let mut child = Command::new(&self.program)
            .args(["--json", "--key-store", "sealed-file", "--passphrase-fd", "0", "--relay", &self.relay])
            .args([Path::new("--home"), &self.home, Path::new("--ca"), &self.ca])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        writeln!(child.stdin.as_mut().unwrap(), "{PASSPHRASE}").unwrap();
        // Every user of this machine can read `cmdline`. Every program of the same user can read `environ`.
        for part in ["cmdline", "environ"] {
            let seen = std::fs::read(format!("/proc/{}/{part}", child.id())).unwrap();
            assert!(!String::from_utf8_lossy(&seen).contains(PASSPHRASE), "{part} contains the passphrase");
        }
        let out = BufReader::new(child.stdout.take().unwrap());
        (child, out)
    }

    /// Runs a command to its end. Returns its events, and whether it succeeded.
    fn done(&self, arguments: &[&str]) -> (Vec<Value>, bool) {
        let (mut child, out) = self.run(arguments);
        let events = out.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
        (events, child.wait().unwrap().success())
    }
}

/// The next event of a kind.
fn event(out: &mut BufReader<ChildStdout>, kind: &str) -> Value {
    loop {
        let mut line = String::new();
        assert_ne!(out.read_line(&mut line).unwrap(), 0, "the output ended without an event `{kind}`");
        let event: Value = serde_json::from_str(&line).unwrap();
        if event["event"] == kind {
            return event;
        }
    }
}

/// Makes a phone in an empty folder, and adds Ada's account to it. Returns the person with the page that shows the number
/// of the first request.
async fn added(world: &World, folder: &Path, relay: String) -> (Terminal, Person, PageView) {
    let ca = folder.join("ca.pem");
    std::fs::write(&ca, world.ca()).unwrap();
    let terminal = Terminal { program: program(), home: folder.join("home"), ca, relay };
    let person = world.person().unwrap();
    let page = person.wizard().await.unwrap();
    let picture = folder.join("screen.png");
    std::fs::write(&picture, qr::screenshot_of(&common::scanned(&page)).unwrap()).unwrap();
    let (mut adding, mut out) = terminal.run(&["add", "--yes", "--picture", &picture.to_string_lossy()]);
    let digits = event(&mut out, "digits")["digits"].as_str().unwrap().to_owned();
    let page = person.page_after("/security-info/add/code", "code").await.unwrap();
    let page = person.press(&page, "confirm", &[("digits", &digits)]).await.unwrap();
    event(&mut out, "added");
    assert!(adding.wait().unwrap().success());
    (terminal, person, page)
}

/// The phone's network disappears without a sign, so a push is lost. The phone notices this because the relay sends no
/// line, opens a new stream, and fetches.
#[tokio::test(flavor = "multi_thread")]
async fn j7_w8_a_request_that_was_sent_into_a_dead_stream_is_fetched() {
    let (world, folder) = (World::start().await.unwrap(), tempfile::tempdir().unwrap());
    let relay = SocketAddr::from(([127, 0, 0, 1], Url::parse(&world.relay_url()).unwrap().port().unwrap()));
    let proxy = Proxy::start(relay).await.unwrap();
    let (terminal, person, page) = added(&world, folder.path(), proxy.url()).await;
    let (mut watching, mut out) = terminal.run(&["watch"]);
    let first = event(&mut out, "prompt")["prompt"].as_str().unwrap().to_owned();
    writeln!(watching.stdin.as_mut().unwrap(), "approve {first} {}", page.number().unwrap()).unwrap();
    assert_eq!(event(&mut out, "outcome")["result"], "approved");
    let page = person.open("/security-info/add/code").await.unwrap();
    assert_eq!(person.press(&page, "finish", &[]).await.unwrap().name(), "done");
    proxy.stall();
    let started = Instant::now();
    world.person().unwrap().sign_in().await.unwrap();
    event(&mut out, "prompt");
    let took = started.elapsed();
    // Without the stall, the push arrives within a second.
    assert!((Duration::from_secs(4)..Duration::from_secs(20)).contains(&took), "{took:?}");
    writeln!(watching.stdin.as_mut().unwrap(), "q").unwrap();
    assert!(watching.wait().unwrap().success());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_the_terminal_phone_adds_answers_and_removes_an_account() {
    let (world, folder) = (World::start().await.unwrap(), tempfile::tempdir().unwrap());
    let (terminal, person, page) = added(&world, folder.path(), world.relay_url()).await;
    let (events, good) = terminal.done(&["requests"]);
    assert!(good, "{events:?}");
    let prompt = events.iter().find(|event| event["event"] == "prompt").unwrap()["prompt"].as_str().unwrap().to_owned();
    let (events, good) = terminal.done(&["approve", &prompt, "--number", &page.number().unwrap()]);
    assert!(good && events.iter().any(|event| event["result"] == "approved"), "{events:?}");
    let page = person.open("/security-info/add/code").await.unwrap();
    assert_eq!(person.press(&page, "finish", &[]).await.unwrap().name(), "done");
    // After the approval, the prompt is reported with its id: "It wasn't me".
    let (events, good) = terminal.done(&["report", &prompt]);
    assert!(good && events.iter().any(|event| event["result"] == "reported"), "{events:?}");
    let (events, good) = terminal.done(&["mute", "ada@example.org", "--hours", "2"]);
    assert!(good && events.iter().any(|event| event["event"] == "muted"), "{events:?}");
    let (events, _) = terminal.done(&["accounts"]);
    assert!(events.iter().any(|event| event["muted_until"].is_u64()), "{events:?}");
    let (events, good) = terminal.done(&["unmute", "ada@example.org"]);
    assert!(good && events.iter().any(|event| event["event"] == "unmuted"), "{events:?}");
    let (events, good) = terminal.done(&["accounts"]);
    assert!(good && events.iter().any(|event| event.to_string().contains("ada@example.org")), "{events:?}");
    let (events, good) = terminal.done(&["test-push", "ada@example.org"]);
    assert!(good && events.iter().any(|event| event["event"] == "push_came"), "{events:?}");
    let (events, good) = terminal.done(&["test-push", "ada@example.org"]);
    assert!(!good && events.iter().any(|event| event["error"] == "tested_lately"), "{events:?}");
    let browser = world.person().unwrap();
    browser.sign_in().await.unwrap();
    let (events, _) = terminal.done(&["requests"]);
    let prompt = events.iter().find(|event| event["event"] == "prompt").unwrap()["prompt"].as_str().unwrap().to_owned();
    let (events, _) = terminal.done(&["deny", &prompt]);
    assert!(events.iter().any(|event| event["result"] == "denied"), "{events:?}");
    let (events, good) = terminal.done(&["remove", "ada@example.org", "--yes"]);
    assert!(good && events.iter().any(|event| event["event"] == "removed"), "{events:?}");
    world.stop().await;
}
