//! Runs the phone's process: the core with the terminal phone's ports. The process reads orders from its standard input
//! and performs them.
//!
//! At the place that `--aim` or `Order::Arm` sets, the process sends itself SIGKILL: no destructor runs, no buffer is
//! flushed, and no thread continues. Earlier output stays in the pipe.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use clap::Args;
use countersign::testing::{Point, Side, passphrases_are_cheap, watch};
use countersign::{
    Clock, CodeInput, Error, FetchReason, KeyStore, PhoneSignIn, PlatformError, PromptId, PromptState, Reply,
    SealedFileKeyStore, Secret, Step, Ticket,
};
use countersign_journeys::phone::PASSPHRASE;
use countersign_journeys::{TestPhone, Trouble};

use crate::orders::{Aim, Line, Order, Place, Said, Shown, State, Waiting};

/// The phone's redirect URI. No server listens there: the harness reads the redirect and gives it to the phone.
const REDIRECT: &str = "http://127.0.0.1:40000/phone-sign-in";

/// How long an account is muted, in seconds.
const AN_HOUR: u64 = 60 * 60;

/// The arguments of the process.
#[derive(Args)]
pub struct Start {
    /// The phone's private folder.
    #[arg(long)]
    home: PathBuf,
    /// The relay's URL.
    #[arg(long)]
    relay: String,
    /// The file with the certificate of the private certificate authority.
    #[arg(long)]
    ca: PathBuf,
    /// How many seconds the phone's clock is ahead of the service's clock.
    #[arg(long, default_value_t = 0)]
    ahead: u64,
    /// Where the process kills itself, as JSON.
    #[arg(long)]
    aim: Option<String>,
    /// Deletes all keys before the phone is opened, without the core's knowledge.
    #[arg(long)]
    lose_keys: bool,
    /// Deletes the accounts if the core finds that the folder comes from another phone.
    #[arg(long)]
    start_over: bool,
}

static AIM: Mutex<Option<Aim>> = Mutex::new(None);
static OUTPUT: Mutex<()> = Mutex::new(());

/// Opens the phone and performs orders until standard input ends.
///
/// # Errors
/// When output can't be written, the argument `--aim` or an order is malformed, the keys can't be deleted, or the core
/// can't read its data.
pub async fn run(start: Start) -> Result<(), Trouble> {
    if let Some(aim) = &start.aim {
        arm(Some(serde_json::from_str(aim)?));
    }
    passphrases_are_cheap();
    watch(reached);
    if start.lose_keys {
        lose_keys(&start)?;
    }
    let phone = match open(&start).await {
        Ok(phone) => phone,
        Err(trouble) => return say(&Line::Shut(trouble.to_string())),
    };
    say(&Line::Open(state(&phone).await?))?;
    let (sender, mut orders) = tokio::sync::mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = orders.recv().await {
        let said = follow(&phone, serde_json::from_str(&line)?).await?;
        say(&Line::Answer(said, state(&phone).await?))?;
    }
    Ok(())
}

fn arm(aim: Option<Aim>) {
    *AIM.lock().unwrap_or_else(PoisonError::into_inner) = aim;
}

fn reached(point: Point, side: Side) {
    let place = Place::at(point, side);
    // Writing fails if the harness has ended.
    let _gone = say(&Line::Passed(place.clone()));
    // This thread keeps the mutex until the kill, so that other threads stop at their next point.
    let mut aim = AIM.lock().unwrap_or_else(PoisonError::into_inner);
    let left = match aim.as_mut() {
        Some(Aim::At(wanted, left)) if *wanted == place => left,
        Some(Aim::Nth(left)) => left,
        Some(Aim::At(..)) | None => return,
    };
    *left = left.saturating_sub(1);
    if *left == 0 {
        let _gone = say(&Line::Ends(place));
        let _sent = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        loop {
            std::thread::park();
        }
    }
}

fn say(line: &Line) -> Result<(), Trouble> {
    let text = serde_json::to_string(line)?;
    let _one_at_a_time = OUTPUT.lock().unwrap_or_else(PoisonError::into_inner);
    let mut output = std::io::stdout().lock();
    writeln!(output, "{text}")?;
    Ok(output.flush()?)
}

async fn open(start: &Start) -> Result<TestPhone, Trouble> {
    let (home, ca) = (start.home.clone(), std::fs::read(&start.ca)?);
    match TestPhone::open_ahead(home.clone(), &start.relay, &ca, start.ahead).await {
        Err(trouble) if start.start_over && is_from_another_device(&trouble) => {
            TestPhone::start_over(home.clone()).await?;
            TestPhone::open_ahead(home, &start.relay, &ca, start.ahead).await
        }
        other => other,
    }
}

fn is_from_another_device(trouble: &Trouble) -> bool {
    matches!(trouble.downcast_ref(), Some(countersign_phone::PhoneError::Core(Error::FromAnotherDevice)))
}

/// Deletes all keys without the core's knowledge, as when the platform loses them.
fn lose_keys(start: &Start) -> Result<(), Trouble> {
    let store = SealedFileKeyStore::open(&start.home.join("keys"), &Secret::new(PASSPHRASE.to_owned()))?;
    for alias in store.aliases()? {
        store.delete(alias)?;
    }
    Ok(())
}

async fn follow(phone: &TestPhone, order: Order) -> Result<Said, Trouble> {
    let core = phone.core();
    Ok(match order {
        Order::Look => Said::Done,
        Order::Arm(aim) => {
            arm(aim);
            Said::Done
        }
        // The lock exists already if an earlier process set the lock and was then killed.
        Order::SetLock => match core.device_lock().await? {
            countersign::LockState::Missing => done(phone.set_lock()),
            countersign::LockState::Credential | countersign::LockState::Biometric => Said::Done,
        },
        Order::RemoveLock => done(phone.remove_lock()),
        Order::Enroll(code) => match phone.invite(CodeInput::Text { text: code }).await {
            Ok(invite) => match core.look_up(invite).await {
                Ok(offer) => step(core.enroll(offer).await),
                Err(error) => refused(&error),
            },
            Err(trouble) => done::<()>(Err(trouble)),
        },
        Order::SignIn(address) => step(core.add_by_signing_in(address, REDIRECT.to_owned()).await),
        Order::TurnOn => match account(phone).await {
            Some(account) => step(core.turn_on_phone_sign_in(account, REDIRECT.to_owned()).await),
            None => no("no account"),
        },
        Order::Continue => match core.pending_steps().await?.into_iter().next() {
            Some(Step::PhoneSignInInterrupted { ticket, .. }) => step(core.continue_phone_sign_in(ticket).await),
            Some(other) => match ticket_of(&other) {
                Some(ticket) => step(core.continue_enrollment(ticket).await),
                None => no("nothing to continue"),
            },
            None => no("nothing is pending"),
        },
        Order::Confirm => provide(phone, Reply::Confirmed).await?,
        Order::Redirected(url) => provide(phone, Reply::Redirected { url }).await?,
        Order::Unlock => match core.pending_steps().await?.into_iter().next() {
            Some(waiting) => unlocked(phone.unlock(&waiting).await),
            None => no("nothing is pending"),
        },
        Order::Approve(id, number) => approve(phone, &id, number).await?,
        Order::ApproveMeanwhile(id, number) => {
            let meanwhile = async {
                // After 150 ms the phone still waits for the response to its answer, because the harness delays this
                // response (`Trick::Slow` in `wire.rs`).
                tokio::time::sleep(std::time::Duration::from_millis(150)).await;
                core.push_address_changed().await
            };
            let (said, renewed) = tokio::join!(approve(phone, &id, number), meanwhile);
            renewed?;
            said?
        }
        Order::Deny(id) => match prompt(phone, &id).await? {
            Some(id) => step(core.deny(id).await),
            None => no("no such prompt"),
        },
        Order::Report(id) => match prompt(phone, &id).await? {
            Some(id) => step(core.report(id).await),
            None => no("no such prompt"),
        },
        Order::TurnOff => match account(phone).await {
            Some(account) => said(core.turn_off_phone_sign_in(account).await),
            None => no("no account"),
        },
        Order::Remove => match account(phone).await {
            Some(account) => said(core.remove(account).await),
            None => no("no account"),
        },
        Order::Abandon => match core.pending_steps().await?.first().and_then(ticket_of) {
            Some(ticket) => said(core.abandon(ticket).await),
            None => no("nothing is pending"),
        },
        Order::ReadEnd => match core.pending_steps().await?.first().and_then(ticket_of) {
            Some(ticket) => said(core.wait_for_activation(ticket).await),
            None => no("nothing is pending"),
        },
        Order::NewAddress => said(core.push_address_changed().await),
        Order::TestPush => match account(phone).await {
            Some(account) => said(core.test_push(account).await),
            None => no("no account"),
        },
        Order::Check => said(core.check_for_prompts(FetchReason::Opened).await),
        Order::Garbage => {
            let garbage = vec![7; 3_000];
            match slot(phone) {
                Ok(slot) => said(core.push_received(slot, garbage).await),
                Err(trouble) => done::<()>(Err(trouble)),
            }
        }
        Order::Mute => match core.accounts().await?.first() {
            Some(account) => said(core.mute(account.id.clone(), phone.clock.now().plus(AN_HOUR)).await),
            None => no("no account"),
        },
        Order::Unmute => match core.accounts().await?.first() {
            Some(account) => said(core.unmute(account.id.clone()).await),
            None => no("no account"),
        },
        Order::Dismiss => match core.snapshot().await?.notices.first() {
            Some(notice) => said(core.dismiss_notice(notice.account.clone(), notice.id.clone()).await),
            None => no("no notice"),
        },
    })
}

async fn approve(phone: &TestPhone, id: &str, number: String) -> Result<Said, Trouble> {
    let Some(id) = prompt(phone, id).await? else {
        return Ok(no("no such prompt"));
    };
    Ok(match phone.core().approve(id, number).await {
        Ok(sign @ Step::Sign { .. }) => unlocked(phone.unlock(&sign).await),
        other => step(other),
    })
}

async fn provide(phone: &TestPhone, reply: Reply) -> Result<Said, Trouble> {
    Ok(match phone.core().pending_steps().await?.first().and_then(ticket_of) {
        Some(ticket) => step(phone.core().provide(ticket, reply).await),
        None => no("nothing is pending"),
    })
}

/// The slot of the phone's account. Every sender of pushes knows the slot.
fn slot(phone: &TestPhone) -> Result<Vec<u8>, Trouble> {
    let database = rusqlite::Connection::open(phone.home().join("countersign.db"))?;
    Ok(database.query_row("SELECT slot FROM accounts", [], |row| row.get(0))?)
}

async fn account(phone: &TestPhone) -> Option<countersign::AccountId> {
    phone.core().accounts().await.ok()?.first().map(|account| account.id.clone())
}

async fn prompt(phone: &TestPhone, id: &str) -> Result<Option<PromptId>, Trouble> {
    let prompts = phone.core().snapshot().await?.prompts;
    Ok(prompts.iter().map(countersign::Prompt::id).find(|prompt| prompt.jti == id).cloned())
}

fn ticket_of(step: &Step) -> Option<Ticket> {
    match step {
        Step::ShowDigits { ticket, .. }
        | Step::EnrollmentInterrupted { ticket, .. }
        | Step::EnrollmentEnded { ticket, .. }
        | Step::ConfirmDevice { ticket, .. }
        | Step::OpenBrowser { ticket, .. }
        | Step::MakeKey { ticket, .. }
        | Step::Sign { ticket, .. }
        | Step::PhoneSignInInterrupted { ticket, .. } => Some(ticket.clone()),
        Step::MissingLock { .. }
        | Step::NotAllowed { .. }
        | Step::AccountAdded { .. }
        | Step::PhoneSignInOn { .. }
        | Step::Queued { .. }
        | Step::Done { .. } => None,
    }
}

fn step(result: Result<Step, Error>) -> Said {
    match result {
        Ok(Step::Done { outcome }) => Said::Outcome(format!("{outcome:?}")),
        Ok(Step::Queued { .. }) => Said::Queued,
        Ok(step @ (Step::NotAllowed { .. } | Step::MissingLock { .. })) => {
            Said::Refused { why: format!("{step:?}"), passes: false }
        }
        Ok(_) => Said::Done,
        Err(error) => refused(&error),
    }
}

fn unlocked(result: Result<Step, Trouble>) -> Said {
    match result {
        Ok(next) => step(Ok(next)),
        Err(trouble) => match trouble.downcast_ref() {
            Some(countersign_phone::PhoneError::Core(error)) => refused(error),
            Some(_) | None => done::<()>(Err(trouble)),
        },
    }
}

fn said<T>(result: Result<T, Error>) -> Said {
    result.map_or_else(|error| refused(&error), |_done| Said::Done)
}

fn done<T>(result: Result<T, Trouble>) -> Said {
    result.map_or_else(|trouble| no(&trouble.to_string()), |_done| Said::Done)
}

fn no(why: &str) -> Said {
    Said::Refused { why: why.to_owned(), passes: false }
}

fn refused(error: &Error) -> Said {
    let passes = matches!(
        error,
        Error::Offline
            | Error::Untrusted
            | Error::Busy
            | Error::InvalidAnswer
            | Error::Platform(PlatformError::Locked | PlatformError::Transient)
    );
    Said::Refused { why: format!("{error:?}"), passes }
}

async fn state(phone: &TestPhone) -> Result<State, Trouble> {
    let snapshot = phone.core().snapshot().await?;
    let accounts = snapshot.accounts.iter();
    let shown = snapshot.prompts.iter().map(|prompt| Shown {
        id: prompt.id().jti.clone(),
        kind: format!("{:?}", prompt.kind()),
        state: match prompt.state() {
            PromptState::Done { outcome } => format!("{outcome:?}"),
            PromptState::Answering { .. } => "Answering".to_owned(),
            PromptState::Open => "Open".to_owned(),
        },
    });
    Ok(State {
        accounts: accounts
            .map(|account| (format!("{:?}", account.health), account.phone_sign_in == PhoneSignIn::On))
            .collect(),
        requests: shown.collect(),
        waiting: snapshot.pending.iter().filter_map(waiting).collect(),
        notices: snapshot.notices.len(),
        muted: snapshot.accounts.first().is_some_and(|account| account.muted_until.is_some()),
    })
}

fn waiting(step: &Step) -> Option<Waiting> {
    Some(match step {
        Step::ShowDigits { digits, .. } => Waiting::Digits(digits.clone()),
        Step::EnrollmentInterrupted { .. } => Waiting::Interrupted,
        Step::EnrollmentEnded { .. } => Waiting::Ended,
        Step::ConfirmDevice { .. } => Waiting::Confirm,
        Step::OpenBrowser { url, digits, .. } => Waiting::Browser(url.clone(), digits.clone()),
        Step::MakeKey { .. } | Step::Sign { .. } => Waiting::Unlock,
        Step::PhoneSignInInterrupted { .. } => Waiting::SignInInterrupted,
        Step::MissingLock { .. }
        | Step::NotAllowed { .. }
        | Step::AccountAdded { .. }
        | Step::PhoneSignInOn { .. }
        | Step::Queued { .. }
        | Step::Done { .. } => return None,
    })
}
