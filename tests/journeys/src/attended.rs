//! The demonstration for a person: this terminal is the phone, a browser is the desk.
//!
//! The phone is the very program that people use; the demonstration only says what to do next.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tokio::signal::unix::{SignalKind, signal};

use crate::people::{PASSWORD, USER};
use crate::relying_party::{RelyingParty, free_port, return_address};
use crate::trouble::Trouble;
use crate::world::World;

/// Opens the phone's keys, so that the person has one passphrase to think of: the lock's.
const PASSPHRASE: &str = "a passphrase for a demonstration";

/// What the person does next, and the phone's commands for it.
const CHAPTERS: [(&str, &[&[&str]]); 4] = [
    (
        "This terminal is your phone. Take a screenshot of the page and type the name of its file here, or click\n\
         “I can't scan” and type the code and then the address. At last type this phone's digits into the page.",
        &[&["add"]],
    ),
    ("The page tries it: type its number here. Follow the page until Payroll greets you, then type q.", &[&["watch"]]),
    (
        "Now without a password. The phone gets a lock, a passphrase that is asked for at each sign-in. Then open the\n\
         address that it shows, in the same browser.",
        &[&["lock", "set"], &["turn-on", USER]],
    ),
    (
        "Open Payroll in a private window, where nobody knows you. Type your user name, choose “Use your phone instead”,\n\
         and type the page's number here. When Payroll greets you, type q.",
        &[&["watch"]],
    ),
];

fn say(line: &str) -> Result<(), Trouble> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Leads a person from the web application to "signed in without a password".
///
/// # Errors
/// When something does not start, or nobody sits at a terminal.
pub async fn run(folder: &Path) -> Result<(), Trouble> {
    if !std::io::stdin().is_terminal() {
        return Err("there is no terminal to ask you in; `cargo xtask demo --unattended` needs none".into());
    }
    std::fs::create_dir_all(folder)?;
    let port = free_port()?;
    let world = World::start_with(Some(return_address(port))).await?;
    let relying_party = RelyingParty::start(port, world.issuer(), &world.authority).await?;
    let ca = folder.canonicalize()?.join("authority.pem");
    std::fs::write(&ca, world.ca())?;
    let home = tempfile::tempdir()?;
    let phone = Phone::new(home.path(), &ca, world.relay_url())?;
    let address = format!("{}/welcome.html", relying_party.url);
    let window = open_browser(&address, &ca);
    explain(&address, &ca, window.is_some())?;
    let led = tokio::select! {
        led = lead(&phone) => led,
        ended = told_to_end() => Err(ended?),
    };
    drop((window, relying_party));
    world.stop().await;
    if let Err(error) = led {
        say(&format!("The demonstration has stopped: {error}."))?;
    }
    say("Everything has ended and is cleaned up.")
}

fn explain(address: &str, ca: &Path, opened: bool) -> Result<(), Trouble> {
    if opened {
        say("A browser window has opened at a web application called Payroll.")?;
    } else {
        say(&format!("Open this address in a browser that trusts {}:", ca.display()))?;
        say(&format!("  {address}"))?;
    }
    say("")?;
    say("1. Click “Sign in with your work account”.")?;
    say(&format!("2. User name: {USER}"))?;
    say(&format!("   Password:  {PASSWORD}"))?;
    say("3. Click “Next” until the page shows a QR code.")
}

async fn lead(phone: &Phone) -> Result<(), Trouble> {
    for (what, commands) in CHAPTERS {
        say(&format!("\n{what}\n"))?;
        for command in commands {
            // What went wrong was said by the phone itself.
            while !phone.does(command).await? {
                ask("Press Enter to try again, Ctrl-D to end.")?;
            }
        }
    }
    ask("Press Enter to end everything.")
}

/// Whoever closes the terminal, or presses Ctrl-C, leaves nothing running behind.
async fn told_to_end() -> Result<Trouble, Trouble> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _told = hangup.recv() => {}
        _told = terminate.recv() => {}
        told = tokio::signal::ctrl_c() => told?,
    }
    Ok("it was told to end".into())
}

fn ask(question: &str) -> Result<(), Trouble> {
    say(question)?;
    match std::io::stdin().read_line(&mut String::new())? {
        0 => Err("the input has ended".into()),
        _ => Ok(()),
    }
}

/// The terminal phone, at this terminal.
struct Phone {
    program: PathBuf,
    home: PathBuf,
    passphrase: PathBuf,
    ca: PathBuf,
    relay: String,
}

impl Phone {
    fn new(folder: &Path, ca: &Path, relay: String) -> Result<Self, Trouble> {
        let program = std::env::current_exe()?.with_file_name("countersign-phone");
        if !program.exists() {
            return Err("the phone is not built; `cargo xtask demo` builds it".into());
        }
        let passphrase = folder.join("passphrase");
        std::fs::write(&passphrase, PASSPHRASE)?;
        Ok(Self { program, home: folder.join("phone"), passphrase, ca: ca.to_owned(), relay })
    }

    /// Runs a command of the phone to its end; false when it failed.
    async fn does(&self, command: &[&str]) -> Result<bool, Trouble> {
        // A shell hands over the passphrase: the keyboard belongs to the phone.
        let status = tokio::process::Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3< \"$PASSPHRASE\""])
            .env("PASSPHRASE", &self.passphrase)
            .arg(&self.program)
            .args(["--passphrase-fd", "3", "--key-store", "sealed-file", "--device-name", "Phone in this terminal"])
            .args(["--relay", &self.relay])
            .args([Path::new("--home"), &self.home, Path::new("--ca"), &self.ca])
            .args(command)
            .status()
            .await?;
        Ok(status.success())
    }
}

/// A window with a certificate store of its own, where there is a screen.
struct Window {
    process: Child,
    _home: tempfile::TempDir,
}

impl Drop for Window {
    fn drop(&mut self) {
        // The person may have closed it.
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}

fn open_browser(address: &str, ca: &Path) -> Option<Window> {
    let screen = ["DISPLAY", "WAYLAND_DISPLAY"].into_iter().find_map(|name| Some((name, std::env::var(name).ok()?)))?;
    let home = tempfile::tempdir().ok()?;
    crate::browser::trust(home.path(), &std::fs::read(ca).ok()?).ok()?;
    let process = Command::new("/usr/bin/chromium")
        .args(["--no-first-run", "--disable-sync", "--no-sandbox"])
        .arg(format!("--user-data-dir={}", home.path().join("profile").display()))
        .arg(address)
        .env("HOME", home.path())
        .env(screen.0, screen.1)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    Some(Window { process, _home: home })
}
