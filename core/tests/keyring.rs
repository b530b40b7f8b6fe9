//! Tests `PlatformKeyStore` with a real gnome-keyring, in a separate D-Bus session.
//!
//! This program does not use libtest. The session's address must be in the environment before the process starts.
//! Therefore the program first starts the session, and then starts itself a second time inside the session.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests fail by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use countersign::testing::{key_store_contract, passphrase_guard_contract};
use countersign::{KeyGuard, KeyStore, PlatformError, PlatformKeyStore};

/// An environment variable of the process inside the session. Its value is the daemon's process id.
const INSIDE: &str = "COUNTERSIGN_KEYRING_DAEMON";
/// An environment variable that `cargo xtask test` sets when there is no keyring. Its value is the reason.
const MISSING: &str = "COUNTERSIGN_NO_KEYRING";
/// The login password, which also unlocks the keyring.
const PASSWORD: &[u8] = b"the session's own";
const CASES: [(&str, fn()); 4] = [
    ("keyring_passes_the_key_store_contracts", keyring_passes_the_key_store_contracts),
    (
        "keyring_entries_are_separate_by_name_and_survive_reopening",
        keyring_entries_are_separate_by_name_and_survive_reopening,
    ),
    ("a_locked_keyring_is_reported_as_locked_not_gone", a_locked_keyring_is_reported_as_locked_not_gone),
    ("an_unreachable_keyring_is_a_transient_failure", an_unreachable_keyring_is_a_transient_failure),
];

fn main() {
    if std::env::var_os(INSIDE).is_some() {
        for (name, case) in CASES {
            case();
            println!("test {name} ... ok");
        }
        println!("\ntest result: ok. {} passed; 0 failed; 0 ignored", CASES.len());
        return;
    }
    if let Ok(reason) = std::env::var(MISSING) {
        println!("SKIPPED keyring: {reason}");
        return;
    }
    let session = Session::start();
    let inside = Command::new(std::env::current_exe().unwrap())
        .env("DBUS_SESSION_BUS_ADDRESS", &session.address)
        .env("HOME", session.folder.path())
        .env(INSIDE, session.daemon.id().to_string())
        .status()
        .unwrap();
    drop(session);
    assert!(inside.success(), "a case failed, see above");
}

/// A bus and an unlocked keyring. Both processes are ended, by their ids, when this value is dropped.
struct Session {
    address: String,
    bus: Child,
    daemon: Child,
    folder: tempfile::TempDir,
}

impl Session {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("bus.conf");
        // The configuration names no folder of services, so that the bus starts no other programs.
        let text = format!(
            "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
             \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\"><busconfig><type>session</type>\
             <listen>unix:dir={}</listen><policy context=\"default\"><allow send_destination=\"*\"/>\
             <allow eavesdrop=\"false\"/><allow own=\"*\"/></policy></busconfig>",
            folder.path().display()
        );
        std::fs::write(&config, text).unwrap();
        let mut bus = Command::new("dbus-daemon")
            .args(["--nofork", "--print-address=1", "--config-file"])
            .arg(&config)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|_absent| panic!("on Debian: apt-get install dbus"));
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let address = address.trim().to_owned();
        let daemon = keyring(&address, folder.path());
        let session = Self { address, bus, daemon, folder };
        session.wait();
        session
    }

    /// Waits until the keyring replies on the bus.
    fn wait(&self) {
        for _try in 0..100 {
            if ask(&self.address, &["/org/freedesktop/secrets", "org.freedesktop.DBus.Peer.Ping"]) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the keyring did not reply on the bus");
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for child in [&mut self.daemon, &mut self.bus] {
            // The process may have ended already.
            let _ended = child.kill();
            let _reaped = child.wait();
        }
    }
}

fn keyring(address: &str, home: &std::path::Path) -> Child {
    let mut daemon = Command::new("gnome-keyring-daemon")
        .args(["--foreground", "--unlock", "--components=secrets"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("DBUS_SESSION_BUS_ADDRESS", address)
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|_absent| panic!("on Debian: apt-get install gnome-keyring"));
    daemon.stdin.take().unwrap().write_all(PASSWORD).unwrap();
    daemon
}

/// Calls the keyring once; returns whether the keyring replied.
fn ask(address: &str, call: &[&str]) -> bool {
    let answer = Command::new("dbus-send")
        .args(["--session", "--print-reply", "--reply-timeout=3000", "--dest=org.freedesktop.secrets"])
        .args(call)
        .env("DBUS_SESSION_BUS_ADDRESS", address)
        .output();
    answer.is_ok_and(|output| output.status.success())
}

fn fresh(number: &AtomicUsize) -> PlatformKeyStore {
    PlatformKeyStore::open(&format!("test-{}", number.fetch_add(1, Ordering::SeqCst))).unwrap()
}

fn keyring_passes_the_key_store_contracts() {
    let number = AtomicUsize::new(0);
    key_store_contract(&|| Arc::new(fresh(&number)));
    passphrase_guard_contract(&|| Arc::new(fresh(&number)));
}

fn keyring_entries_are_separate_by_name_and_survive_reopening() {
    let (one, two) = (PlatformKeyStore::open("one").unwrap(), PlatformKeyStore::open("two").unwrap());
    let point = one.make("device".to_owned(), KeyGuard::AfterFirstUnlock).unwrap();
    assert_eq!(two.public_key("device".to_owned()), Err(PlatformError::Gone));
    assert_eq!(PlatformKeyStore::open("one").unwrap().public_key("device".to_owned()).unwrap(), point);
}

/// Without a display the keyring can't ask for its password, so the keyring stays locked. The key store must then
/// report `Locked`, and not that the keys are gone.
fn a_locked_keyring_is_reported_as_locked_not_gone() {
    let store = PlatformKeyStore::open("locked").unwrap();
    let point = store.make("device".to_owned(), KeyGuard::AfterFirstUnlock).unwrap();
    lock();
    assert_eq!(store.public_key("device".to_owned()), Err(PlatformError::Locked));
    assert_eq!(store.sign("device".to_owned(), b"x".to_vec()), Err(PlatformError::Locked));
    assert_eq!(store.make("other".to_owned(), KeyGuard::AfterFirstUnlock), Err(PlatformError::Locked));
    assert_eq!(store.delete("device".to_owned()), Err(PlatformError::Locked));
    assert_eq!(PlatformKeyStore::open("locked").err(), Some(PlatformError::Locked));
    unlock();
    assert_eq!(store.public_key("device".to_owned()).unwrap(), point);
}

fn address() -> String {
    std::env::var("DBUS_SESSION_BUS_ADDRESS").unwrap()
}

fn lock() {
    let collection = "array:objpath:/org/freedesktop/secrets/collection/login";
    let call = ["/org/freedesktop/secrets", "org.freedesktop.Secret.Service.Lock", collection];
    assert!(ask(&address(), &call), "the keyring did not lock");
}

/// Unlocks the keyring as a login does: sends the password to its control socket (gnome-keyring's
/// `gkd-control-codes.h`).
fn unlock() {
    const UNLOCK: u32 = 1;
    let home = std::env::var("HOME").unwrap();
    let mut socket = UnixStream::connect(std::path::Path::new(&home).join("keyring").join("control")).unwrap();
    let length = |bytes: usize| u32::try_from(bytes).unwrap().to_be_bytes();
    // A zero byte, with which the socket passes the sender's credentials. Then the total length, the operation, the
    // password's length and the password.
    let mut call = vec![0];
    call.extend(length(12 + PASSWORD.len()));
    call.extend(UNLOCK.to_be_bytes());
    call.extend(length(PASSWORD.len()));
    call.extend(PASSWORD);
    socket.write_all(&call).unwrap();
    let mut answer = [0; 8];
    socket.read_exact(&mut answer).unwrap();
    assert_eq!(answer, [0, 0, 0, 8, 0, 0, 0, 0], "the keyring did not unlock");
}

/// This must be the last case, because it kills the daemon.
fn an_unreachable_keyring_is_a_transient_failure() {
    let store = PlatformKeyStore::open("silent").unwrap();
    store.make("device".to_owned(), KeyGuard::AfterFirstUnlock).unwrap();
    let daemon = std::env::var(INSIDE).unwrap();
    assert!(Command::new("kill").args(["-KILL", &daemon]).status().unwrap().success());
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(store.public_key("device".to_owned()), Err(PlatformError::Transient));
}
