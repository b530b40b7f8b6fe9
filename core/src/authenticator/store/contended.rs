//! Tests two processes with one database (for example two terminal phones with one folder): no answer is lost, and no
//! prompt is answered twice. Also tests that expired prompts can't be answered.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panicking; a child process reports to its test on stdout"
)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use crate::authenticator::Authenticator;
use crate::authenticator::context::{DATABASE, Folders};
use crate::authenticator::error::{Error, StoreFault};
use crate::authenticator::ports::Ports;
use crate::authenticator::records::account::AccountRecord;
use crate::authenticator::step::Step;
use crate::authenticator::store::Store;
use crate::authenticator::store::samples;
use crate::authenticator::store::samples::{NOW, prompt};
use crate::base::jose;
use crate::base::points::Point;
use crate::base::secret::Secret;
use crate::keystore::SealedFileKeyStore;
use crate::protocol::messages::Message;
use crate::testing::{FakeClock, Offline};
use crate::values::account::AccountId;
use crate::values::platform::{DeviceDescription, KeyGuard, KeyStore};
use crate::values::prompt::{Delivery, PromptId, PromptState};

/// Returns the number of prompts that are denied: 200, or the value of the environment variable `COUNTERSIGN_ROUNDS`
/// (1000 in the long test run). Each denial needs several writes that are synced to the disk.
fn rounds() -> usize {
    std::env::var("COUNTERSIGN_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(200)
}

/// The environment variable that gives a child process the folder of the store.
const HOME: &str = "COUNTERSIGN_TEST_HOME";

fn keys(home: &Path) -> SealedFileKeyStore {
    SealedFileKeyStore::open(&home.join("keys"), &Secret::new("a passphrase".to_owned())).unwrap()
}

async fn open(home: &Path) -> Result<Authenticator, Error> {
    // The clock does not advance, so only the process that stored an answer attempts to send it, and only once.
    open_at(home, FakeClock::new(NOW)).await
}

async fn open_at(home: &Path, clock: FakeClock) -> Result<Authenticator, Error> {
    let text = |text: &str| text.to_owned();
    let ports = Ports {
        key_store: Arc::new(keys(home)),
        device_lock: Arc::new(Offline),
        push_channel: Arc::new(Offline),
        tls_trust: Arc::new(Offline),
        clock: Arc::new(clock),
        device: DeviceDescription { name: text("Phone"), model: text("Model"), os: text("OS"), app_version: text("1") },
    };
    Authenticator::open(Folders::under(home.to_owned()), ports).await
}

fn jti(number: usize) -> String {
    format!("request-{number:04}")
}

fn account(home: &Path) -> AccountRecord {
    let mut account = samples::account("ada");
    let point = keys(home).make(account.key_alias.clone(), KeyGuard::AfterFirstUnlock).unwrap();
    account.device_key = jose::PublicKey::from_sec1(&point).unwrap();
    account
}

fn store(home: &Path) -> Store {
    let inbox = home.join("inbox");
    std::fs::create_dir_all(&inbox).unwrap();
    Store::open(&home.join(DATABASE), &inbox, &keys(home)).unwrap()
}

/// Makes a database with one account and this number of open prompts.
fn filled(home: &Path, requests: usize) -> AccountRecord {
    let account = account(home);
    store(home)
        .write_blocking(Point::CleanedUp, |tables| {
            tables.insert_account(&account)?;
            for number in 0..requests {
                tables.insert_prompt(&prompt(&account, &jti(number), "known_browser"))?;
            }
            Ok(())
        })
        .unwrap();
    account
}

/// Denies every prompt, and prints the numbers of the prompts that were still open.
async fn deny_all(home: PathBuf) {
    let authenticator = open(&home).await.unwrap();
    for number in 0..rounds() {
        let id = PromptId { account: AccountId("ada".to_owned()), jti: jti(number) };
        loop {
            match authenticator.deny(id.clone()).await {
                Ok(Step::Queued { .. }) => println!("denied {number}"),
                Err(Error::AlreadyAnswered) => {}
                // On a busy machine the database may be locked for too long; a person would try again.
                Err(Error::Store(StoreFault::Busy)) => continue,
                other => panic!("denying prompt {number} returned {other:?}"),
            }
            break;
        }
    }
    println!("finished");
    authenticator.shut_down().await;
}

struct Process(Child, BufReader<std::process::ChildStdout>);

impl Process {
    fn start(home: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "authenticator::store::contended::two_processes_answer_each_prompt_once", "--nocapture"])
            .env(HOME, home)
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self(child, out)
    }

    /// Reads the numbers of the prompts that the process denied, but at most `at_most` numbers. Returns them, and
    /// whether the process has printed that it has finished.
    fn denied(&mut self, at_most: usize) -> (Vec<usize>, bool) {
        let mut denied = Vec::new();
        while denied.len() < at_most {
            let mut line = String::new();
            if self.1.read_line(&mut line).unwrap() == 0 {
                return (denied, false);
            }
            // The test runner may print its own text before the child's text on the same line.
            if let Some((_, number)) = line.trim_end().split_once("denied ") {
                denied.push(number.parse().unwrap());
            } else if line.contains("finished") {
                return (denied, true);
            }
        }
        (denied, false)
    }
}

/// Two processes deny the same prompts in parallel. The first process is killed, and a third process continues. Each
/// prompt is denied by only one process, has one stored answer, and has at most one attempt to send the answer.
#[test]
fn two_processes_answer_each_prompt_once() {
    if let Some(home) = std::env::var_os(HOME) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(deny_all(PathBuf::from(home)));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let account = filled(folder.path(), rounds());
    let mut first = Process::start(folder.path());
    let mut second = Process::start(folder.path());
    let (mut denied, _) = first.denied(rounds() / 10);
    first.0.kill().unwrap();
    denied.extend(first.denied(usize::MAX).0);
    first.0.wait().unwrap();
    let mut again = Process::start(folder.path());
    let (others, finished) = second.denied(usize::MAX);
    let (more, finished_too) = again.denied(usize::MAX);
    assert!(finished && finished_too && second.0.wait().unwrap().success() && again.0.wait().unwrap().success());

    let said: Vec<usize> = denied.into_iter().chain(others).chain(more).collect();
    let distinct: BTreeSet<usize> = said.iter().copied().collect();
    assert_eq!(distinct.len(), said.len(), "two processes denied the same prompt");
    // One denial may have been stored just before the kill but not printed.
    assert!(said.len() >= rounds() - 1, "only {} of {} prompts were denied", said.len(), rounds());
    store(folder.path())
        .write_blocking(Point::CleanedUp, |tables| {
            let entries = tables.outbox()?;
            let about: BTreeSet<String> = entries.iter().filter_map(|entry| Some(entry.prompt.clone()?.jti)).collect();
            assert_eq!((entries.len(), about.len()), (rounds(), rounds()), "not exactly one answer for each prompt");
            for entry in &entries {
                let Message::Answer { answer, .. } = &entry.message else { panic!("an entry is not an answer") };
                jose::verify::<serde_json::Value>(answer, "phone-answer+jwt", |_kid| Some(account.device_key.clone()))
                    .unwrap();
                assert!(entry.attempts <= 1, "the answer was attempted {} times during its lease", entry.attempts);
            }
            for number in 0..rounds() {
                let id = PromptId { account: account.id.clone(), jti: jti(number) };
                assert!(matches!(tables.prompt(&id)?.state, PromptState::Answering { .. }), "prompt {number}");
            }
            Ok(())
        })
        .unwrap();
}

/// A second authenticator on the same folder does not end the leases of the first authenticator. An authenticator that
/// is opened while no other authenticator uses the folder ends all leases.
#[tokio::test]
async fn only_a_process_that_is_alone_ends_leases() {
    let folder = tempfile::tempdir().unwrap();
    let account = filled(folder.path(), 1);
    let first = open(folder.path()).await.unwrap();
    let id = PromptId { account: account.id.clone(), jti: jti(0) };
    assert_eq!(first.deny(id.clone()).await, Ok(Step::Queued { prompt: id.clone() }));
    let lease = || {
        let connection = rusqlite::Connection::open(folder.path().join(DATABASE)).unwrap();
        connection.query_row("SELECT lease_until FROM outbox", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    // Sets a lease, as if the first authenticator were sending the answer now.
    let under_way = rusqlite::Connection::open(folder.path().join(DATABASE)).unwrap();
    under_way.execute("UPDATE outbox SET lease_until = 1790000045", []).unwrap();
    let second = open(folder.path()).await.unwrap();
    assert_eq!(lease(), 1_790_000_045, "the lease of the first authenticator was ended");
    assert_eq!(second.delivery(id.clone()).await, Ok(Some(Delivery::WaitingForNetwork)));
    first.shut_down().await;
    second.shut_down().await;
    drop((first, second));
    let alone = open(folder.path()).await.unwrap();
    assert_eq!(lease(), 0, "a lease of a closed authenticator was kept");
    alone.shut_down().await;
}

/// Another connection locks the database for longer than the timeout: the error is reported, and a later try succeeds.
#[tokio::test]
async fn j9_w4_a_database_locked_by_another_process_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let account = filled(folder.path(), 1);
    let authenticator = open(folder.path()).await.unwrap();
    let mut other = rusqlite::Connection::open(folder.path().join(DATABASE)).unwrap();
    let held = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    let id = PromptId { account: account.id.clone(), jti: jti(0) };
    let busy = Error::Store(StoreFault::Busy);
    assert_eq!(authenticator.deny(id.clone()).await.err(), Some(busy.clone()));
    assert_eq!(open(folder.path()).await.err(), Some(busy), "the locked database was opened");
    drop(held);
    assert_eq!(authenticator.deny(id.clone()).await, Ok(Step::Queued { prompt: id }));
    authenticator.shut_down().await;
}

#[tokio::test]
async fn j6_w8_an_expired_prompt_is_neither_approved_nor_denied() {
    let folder = tempfile::tempdir().unwrap();
    let account = filled(folder.path(), 1);
    let id = PromptId { account: account.id.clone(), jti: jti(0) };
    let end = prompt(&account, &jti(0), "known_browser").expires_at;
    let late = open_at(folder.path(), FakeClock::new(end)).await.unwrap();
    assert_eq!(late.approve(id.clone(), "47".to_owned()).await, Err(Error::PromptExpired));
    assert_eq!(late.deny(id.clone()).await, Err(Error::PromptExpired));
    late.shut_down().await;
    let in_time = open_at(folder.path(), FakeClock::new(crate::base::clock::Timestamp(end.0 - 1))).await.unwrap();
    assert_eq!(in_time.approve(id.clone(), "47".to_owned()).await, Ok(Step::Queued { prompt: id }));
    in_time.shut_down().await;
}
