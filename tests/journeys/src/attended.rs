//! The demonstration for a person: this terminal is the phone, a browser is the desk.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use countersign::{CodeInput, EnrollmentEnd, FetchReason, Matching, Offer, Outcome, PromptState, Scanned, Step};
use countersign_phone::{PhoneError, render, words};
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};

use crate::Trouble;
use crate::phone::TestPhone;
use crate::relying_party::{RelyingParty, free_port, return_address};
use crate::world::{PASSWORD, USER, World};

/// How long one wait for a change lasts.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

fn say(line: &str) -> Result<(), Trouble> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Leads a person from the web application to "signed in".
///
/// # Errors
/// When something does not start, or the input ends.
pub async fn run(folder: &Path) -> Result<(), Trouble> {
    std::fs::create_dir_all(folder)?;
    let port = free_port()?;
    let world = World::start_with(Some(return_address(port))).await?;
    let relying_party = RelyingParty::start(port, world.issuer(), &world.authority).await?;
    let phone = world.phone("Phone in this terminal").await?;
    let ca = folder.canonicalize()?.join("authority.pem");
    std::fs::write(&ca, world.ca())?;
    let address = format!("{}/welcome.html", relying_party.url);
    let window = open_browser(&address, &ca);
    explain(&address, &ca, window.is_some())?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let done = lead(&phone, &mut lines).await;
    drop(window);
    drop(relying_party);
    world.stop().await;
    if let Err(error) = done {
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
    say("3. Click “Next” until the page shows a QR code.")?;
    say("4. This terminal is your phone. Take a screenshot of the page and type the name of its file here,")?;
    say("   or click “I can't scan” and type the code and the address, with a space between them.")?;
    say("")
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

fn spoken(error: &PhoneError) -> String {
    let words = words::of(error);
    format!("{} {} {}", words.happened, words.fine, words.next)
}

type Input = Lines<BufReader<Stdin>>;

async fn ask(lines: &mut Input, question: &str) -> Result<String, Trouble> {
    let mut out = std::io::stdout();
    write!(out, "{question} ")?;
    out.flush()?;
    let line = lines.next_line().await?.ok_or("the input has ended")?;
    Ok(line.trim().to_owned())
}

async fn lead(phone: &TestPhone, lines: &mut Input) -> Result<(), Trouble> {
    while !add(phone, lines).await? {}
    say("From now on this phone is asked whenever you sign in. Sign in to Payroll; leave with Ctrl-D.")?;
    let mut snapshot = phone.core().snapshot().await?;
    let mut approved = 0_u32;
    // The first approval is the trial in the wizard, the second a sign-in.
    while approved < 2 {
        let open = snapshot.prompts.iter().find(|prompt| prompt.state() == PromptState::Open).cloned();
        let Some(prompt) = open else {
            snapshot = phone.core().changed_since(snapshot.revision, LOOK_AGAIN).await?;
            continue;
        };
        say(&phone.shows(&prompt).await?)?;
        let number = ask(lines, number_question(prompt.matching())).await?;
        let id = prompt.id().clone();
        let answered = match number.as_str() {
            "d" => phone.core().deny(id).await,
            "r" => phone.core().report(id).await,
            number => phone.core().approve(id, number.to_owned()).await,
        };
        match answered {
            Ok(Step::Done(outcome)) => {
                say(words::outcome(outcome).words)?;
                approved = approved.saturating_add(u32::from(outcome == Outcome::Approved));
            }
            Ok(_waiting) => say("Your answer is stored and goes out as soon as the service can be reached.")?,
            Err(error) => say(&spoken(&PhoneError::Core(error)))?,
        }
        phone.core().check_for_prompts(FetchReason::Poll).await?;
        snapshot = phone.core().snapshot().await?;
    }
    // The page needs the service a moment longer, and the person wants to look.
    say("Approved: look at the browser, it signs you in by itself.")?;
    ask(lines, "Press Enter to end everything.").await.map(|_line| ())
}

fn number_question(matching: &Matching) -> &'static str {
    match matching {
        Matching::Choose { .. } => "Which number does the page show? (d denies, r: it wasn't me)",
        _ => "Which number does the page show? Type it (d denies, r: it wasn't me):",
    }
}

async fn looked_up(phone: &TestPhone, input: CodeInput) -> Result<Offer, PhoneError> {
    match phone.core().read_code(input).await? {
        Scanned::Invite(invite) => Ok(phone.core().look_up(invite).await?),
        Scanned::Other(other) => Err(PhoneError::OtherCode(other)),
    }
}

/// One try to add the account; false when the person should try again.
async fn add(phone: &TestPhone, lines: &mut Input) -> Result<bool, Trouble> {
    let typed = ask(lines, "Screenshot file, or code and address:").await?;
    let input = match typed.rsplit_once(' ') {
        _ if Path::new(&typed).is_file() => CodeInput::Picture(std::fs::read(&typed)?),
        Some((code, address)) => CodeInput::Typed { code: code.to_owned(), address: address.to_owned() },
        None => CodeInput::Text(typed),
    };
    let offer = match looked_up(phone, input).await {
        Ok(offer) => offer,
        Err(error) => {
            say(&spoken(&error))?;
            return Ok(false);
        }
    };
    say(&render::offer(&offer))?;
    if !matches!(ask(lines, "Add this account? (y/N)").await?.as_str(), "y" | "Y" | "yes") {
        return Ok(false);
    }
    let (ticket, digits) = crate::phone::digits_of(phone.core().enroll(offer).await?)?;
    say(&phone.shows_digits(&digits).await?)?;
    match phone.core().wait_for_activation(ticket).await? {
        EnrollmentEnd::Active(_) => Ok(true),
        EnrollmentEnd::Ended(cause) => {
            say(words::cause(cause))?;
            Ok(false)
        }
    }
}
