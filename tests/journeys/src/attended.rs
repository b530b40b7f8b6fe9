//! Guides a person through the demonstration: this terminal is the phone, and a browser window is the computer.
//!
//! The phone is the program `countersign-phone`. The demonstration only prints what the person has to do next.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tokio::signal::unix::{SignalKind, signal};

use crate::people::{PASSWORD, USER};
use crate::relying_party::{RelyingParty, free_port, return_address};
use crate::trouble::Trouble;
use crate::world::World;

/// The passphrase of the phone's key file. The demonstration supplies it, so that the person chooses only the
/// passphrase of the phone's lock.
const PASSPHRASE: &str = "a passphrase for a demonstration";

/// What the person has to do, and the phone's commands that run while the person does it.
const CHAPTERS: [(&str, &[&[&str]]); 4] = [
    (
        "This terminal is your phone. Take a screenshot of the page and enter the file's name here. Or click\n\
         “I can't scan” and enter the code here, then the address. The phone then shows six digits: type them\n\
         into the page.",
        &[&["add"]],
    ),
    (
        "The page now sends a first request to the phone: enter the page's number here. Then follow the page until\n\
         Payroll greets you, and type q here.",
        &[&["watch"]],
    ),
    (
        "Now turn on sign-in without a password. First choose a passphrase: it is the phone's lock, and the phone asks\n\
         for it at each sign-in. Then open the address that the phone shows, in the same browser.",
        &[&["lock", "set"], &["turn-on", USER]],
    ),
    (
        "Open Payroll in a private window: this is a browser that the service does not know. Enter your user name,\n\
         click “Use your phone instead”, and enter the page's number here. When Payroll greets you, type q here.",
        &[&["watch"]],
    ),
];

fn say(line: &str) -> Result<(), Trouble> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Guides a person from the web application's first page to a sign-in without a password.
///
/// # Errors
/// When a program does not start, or standard input is not a terminal.
pub async fn run(folder: &Path) -> Result<(), Trouble> {
    if !std::io::stdin().is_terminal() {
        return Err("the demonstration needs a terminal; `cargo xtask demo --unattended` needs none".into());
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
        ended = wait_for_signal() => Err(ended?),
    };
    drop((window, relying_party));
    world.stop().await;
    if let Err(error) = led {
        say(&format!("The demonstration has stopped: {error}."))?;
    }
    say("All programs have stopped, and temporary files are deleted.")
}

fn explain(address: &str, ca: &Path, opened: bool) -> Result<(), Trouble> {
    if opened {
        say("A browser window shows a web application called Payroll.")?;
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
            // The phone has already printed the error.
            while !phone.does(command).await? {
                ask("Press Enter to try again, or Ctrl-D to stop.")?;
            }
        }
    }
    ask("The demonstration is complete. Press Enter to stop all programs.")
}

/// Waits for SIGHUP, SIGTERM or Ctrl-C, so that no program keeps running when the person closes the terminal.
async fn wait_for_signal() -> Result<Trouble, Trouble> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _signal = hangup.recv() => {}
        _signal = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok("it received a signal to stop".into())
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

    /// Runs a command of the phone to its end. Returns false when the command failed.
    async fn does(&self, command: &[&str]) -> Result<bool, Trouble> {
        // A shell passes the passphrase as file descriptor 3, because standard input must stay the keyboard.
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

/// A browser window with its own certificate store. Exists only on a machine with a screen.
struct Window {
    process: Child,
    _home: tempfile::TempDir,
}

impl Drop for Window {
    fn drop(&mut self) {
        // The person may have closed the window already.
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
