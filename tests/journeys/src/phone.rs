//! Runs a phone for tests: the core behind its public API, with the terminal phone's ports, and a task that receives
//! pushes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use countersign::{
    AccountId, Authenticator, Clock, CodeInput, EnrollmentEnd, Error, Invite, Prompt, PromptKind, PromptState,
    PushEffect, Scanned, Secret, Step, SystemClock, Ticket, Timestamp,
};
use countersign_phone::render::{self, PromptView};
use countersign_phone::{Keys, Message, Phone, Settings};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::trouble::Trouble;

/// The passphrase of the phone's sealed key file.
pub const PASSPHRASE: &str = "a passphrase for tests";

const PATIENCE: Duration = Duration::from_secs(15);

/// The system clock plus an offset in seconds.
#[derive(Default)]
pub struct PhoneClock(AtomicU64);

impl PhoneClock {
    /// Advances the clock by `seconds`.
    pub fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for PhoneClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(self.0.load(Ordering::SeqCst))
    }

    fn since_boot(&self) -> Duration {
        SystemClock.since_boot().saturating_add(Duration::from_secs(self.0.load(Ordering::SeqCst)))
    }
}

/// A phone that receives pushes.
pub struct TestPhone {
    /// The phone's clock.
    pub clock: Arc<PhoneClock>,
    phone: Phone,
    settings: Settings,
    listening: JoinHandle<()>,
}

impl TestPhone {
    /// Opens a phone in a folder.
    ///
    /// # Errors
    /// When the phone can't be opened.
    pub async fn open(home: PathBuf, relay: &str, ca: &[u8], name: &str) -> Result<Self, Trouble> {
        let mut settings = Settings::new(home);
        settings.relay = Some(relay.to_owned());
        settings.ca = Some(ca.to_vec());
        settings.device_name = name.to_owned();
        Self::open_with(settings, Arc::default()).await
    }

    /// Opens a phone in a folder. The phone's clock is `ahead` seconds ahead of the system clock.
    ///
    /// # Errors
    /// When the phone can't be opened.
    pub async fn open_ahead(home: PathBuf, relay: &str, ca: &[u8], ahead: u64) -> Result<Self, Trouble> {
        let mut settings = Settings::new(home);
        settings.relay = Some(relay.to_owned());
        settings.ca = Some(ca.to_vec());
        let clock = Arc::new(PhoneClock::default());
        clock.advance(ahead);
        Self::open_with(settings, clock).await
    }

    /// Deletes the accounts in a folder that was restored from another phone.
    ///
    /// # Errors
    /// When the folder can't be opened, or is not from another phone.
    pub async fn start_over(home: PathBuf) -> Result<(), Trouble> {
        let passphrase = Secret::new(PASSPHRASE.to_owned());
        Ok(Phone::start_over(&Settings::new(home), Keys::SealedFile(passphrase)).await?)
    }

    async fn open_with(mut settings: Settings, clock: Arc<PhoneClock>) -> Result<Self, Trouble> {
        settings.clock = clock.clone();
        let passphrase = Secret::new(PASSPHRASE.to_owned());
        let phone = Phone::open_with(settings.clone(), Keys::SealedFile(passphrase)).await?;
        let listening = listen(phone.clone());
        Ok(Self { clock, phone, settings, listening })
    }

    /// Stops this phone as completely as a test in one process can, and opens the phone again with the same clock.
    ///
    /// # Errors
    /// When the phone can't be opened.
    pub async fn restart(self) -> Result<Self, Trouble> {
        let (settings, clock) = (self.settings.clone(), Arc::clone(&self.clock));
        drop(self);
        // The core's threads close the database only when their last act has ended.
        tokio::time::sleep(Duration::from_millis(200)).await;
        Self::open_with(settings, clock).await
    }

    /// Stops receiving pushes.
    pub fn ignore_pushes(&self) {
        self.listening.abort();
    }

    /// The phone's data folder.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.settings.home
    }

    /// Gives the phone's pushes to the caller. The phone no longer receives the pushes itself.
    #[must_use]
    pub fn take_pushes(&self) -> mpsc::Receiver<Message> {
        self.ignore_pushes();
        self.phone.channel().messages()
    }

    /// The core.
    #[must_use]
    pub fn core(&self) -> &Authenticator {
        self.phone.authenticator()
    }

    /// The text that the terminal phone shows for a prompt.
    ///
    /// # Errors
    /// When the prompt's account is gone.
    pub async fn shows(&self, prompt: &Prompt) -> Result<String, Trouble> {
        let accounts = self.core().accounts().await?;
        let view = PromptView::of(prompt, &accounts).ok_or("the phone has no such account")?;
        Ok(format!("{}\n{}", render::prompt(&view, self.phone.now()), render::ask(&view)))
    }

    /// The text that the terminal phone shows for its accounts.
    ///
    /// # Errors
    /// When the accounts can't be read.
    pub async fn shows_accounts(&self) -> Result<String, Trouble> {
        Ok(render::accounts(&self.core().accounts().await?, self.phone.now()))
    }

    /// The text that the terminal phone shows while the page waits for the digits.
    ///
    /// # Errors
    /// When no enrollment shows digits.
    pub async fn shows_digits(&self, digits: &str) -> Result<String, Trouble> {
        match self.core().pending_steps().await?.first() {
            Some(Step::ShowDigits { host, until, .. } | Step::OpenBrowser { host, until, .. }) => {
                Ok(render::digits(host, digits, *until, self.phone.now()))
            }
            other => Err(format!("no digits are shown: {other:?}").into()),
        }
    }

    /// The issuer of the phone's first account.
    ///
    /// # Errors
    /// When the phone has no account.
    pub async fn issuer(&self) -> Result<String, Trouble> {
        Ok(self.core().accounts().await?.first().ok_or("the phone has no account")?.issuer.clone())
    }

    /// Reads a code and returns its invite.
    ///
    /// # Errors
    /// When the input is not an enrollment code of this protocol.
    pub async fn invite(&self, input: CodeInput) -> Result<Invite, Trouble> {
        match self.core().read_code(input).await? {
            Scanned::Invite(invite) => Ok(invite),
            Scanned::Other(other) => Err(format!("not an enrollment code: {other:?}").into()),
        }
    }

    /// Reads a code, looks it up and accepts the offer. Returns the ticket and the digits.
    ///
    /// # Errors
    /// When `invite`, `look_up` or `enroll` fails, or the phone shows no digits.
    pub async fn accept(&self, input: CodeInput) -> Result<(Ticket, String), Trouble> {
        let invite = self.invite(input).await?;
        let offer = self.core().look_up(invite).await?;
        digits_of(self.core().enroll(offer).await?)
    }

    /// Waits until the person has typed the digits into the page, and the device is active.
    ///
    /// # Errors
    /// When the service ended the enrollment without activating the device.
    pub async fn activated(&self, ticket: Ticket) -> Result<AccountId, Trouble> {
        match self.core().wait_for_activation(ticket).await? {
            EnrollmentEnd::Active { account } => Ok(account.id),
            EnrollmentEnd::Ended { cause } => Err(format!("the enrollment ended: {cause:?}").into()),
        }
    }

    /// Waits until a prompt is open, without fetching.
    ///
    /// # Errors
    /// When no prompt arrives in time.
    pub async fn prompt(&self) -> Result<Prompt, Trouble> {
        self.prompt_that(|_any| true).await
    }

    /// Waits until a prompt of this kind is open, without fetching.
    ///
    /// # Errors
    /// When no such prompt arrives in time.
    pub async fn prompt_of(&self, kind: PromptKind) -> Result<Prompt, Trouble> {
        self.prompt_that(|prompt| prompt.kind() == kind).await
    }

    async fn prompt_that(&self, fits: impl Fn(&Prompt) -> bool) -> Result<Prompt, Trouble> {
        let mut snapshot = self.core().snapshot().await?;
        let waiting = async {
            loop {
                if let Some(prompt) =
                    snapshot.prompts.iter().rfind(|prompt| prompt.state() == PromptState::Open && fits(prompt))
                {
                    return Ok(prompt.clone());
                }
                snapshot = self.core().changed_since(snapshot.revision, PATIENCE).await?;
            }
        };
        let found: Result<Prompt, Error> =
            tokio::time::timeout(PATIENCE, waiting).await.map_err(|_late| "no prompt arrived")?;
        Ok(found?)
    }

    /// Sets the phone's lock, which guards sign-in keys.
    ///
    /// # Errors
    /// When the phone has a lock already.
    pub fn set_lock(&self) -> Result<(), Trouble> {
        Ok(self.phone.guard().set_lock(&lock(), None)?)
    }

    /// Removes the phone's lock. This deletes every key that the lock guards.
    ///
    /// # Errors
    /// When the phone has no lock.
    pub fn remove_lock(&self) -> Result<(), Trouble> {
        Ok(self.phone.guard().remove_lock(&lock())?)
    }

    /// Makes a key that the lock guards, without the core's knowledge. Returns the public key.
    ///
    /// # Errors
    /// When the key store fails.
    pub fn make_guarded(&self, alias: &str) -> Result<Vec<u8>, Trouble> {
        Ok(self.phone.guard().make_guarded(alias.to_owned(), &lock())?)
    }

    /// Unlocks the phone for a step that makes a sign-in key or signs with the key, and gives the result to the core.
    /// Returns the next step.
    ///
    /// # Errors
    /// When the step needs no unlock, or the key store or the core fails.
    pub async fn unlock(&self, step: &Step) -> Result<Step, Trouble> {
        Ok(countersign_phone::unlock(&self.phone, step, lock()).await?)
    }

    /// Approves a prompt that needs the sign-in key, and unlocks the key.
    ///
    /// # Errors
    /// When the prompt does not need the sign-in key, or can't be approved.
    pub async fn approve_unlocked(&self, prompt: &Prompt, number: String) -> Result<Step, Trouble> {
        let step = self.core().approve(prompt.id().clone(), number).await?;
        self.unlock(&step).await
    }

    /// The open prompts.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn open_prompts(&self) -> Result<Vec<Prompt>, Trouble> {
        let mut prompts = self.core().snapshot().await?.prompts;
        prompts.retain(|prompt| prompt.state() == PromptState::Open);
        Ok(prompts)
    }

    /// Waits until every listed prompt has an outcome, without fetching.
    ///
    /// # Errors
    /// When a prompt has no outcome within the time limit: it is still open, or its answer is still unconfirmed.
    pub async fn no_prompt(&self) -> Result<(), Trouble> {
        let mut snapshot = self.core().snapshot().await?;
        let waiting = async {
            while snapshot.prompts.iter().any(|prompt| !matches!(prompt.state(), PromptState::Done { .. })) {
                snapshot = self.core().changed_since(snapshot.revision, PATIENCE).await?;
            }
            Ok::<_, Error>(())
        };
        tokio::time::timeout(PATIENCE, waiting).await.map_err(|_late| "a prompt has no outcome")??;
        Ok(())
    }
}

impl Drop for TestPhone {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

fn lock() -> Secret<String> {
    Secret::new("a lock for tests".to_owned())
}

/// The ticket and the digits of a step that shows digits.
///
/// # Errors
/// When the step shows no digits.
pub fn digits_of(step: Step) -> Result<(Ticket, String), Trouble> {
    match step {
        Step::ShowDigits { ticket, digits, .. } => Ok((ticket, digits)),
        other => Err(format!("the step shows no digits: {other:?}").into()),
    }
}

fn listen(phone: Phone) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut messages = phone.channel().messages();
        while let Some(message) = messages.recv().await {
            // Tests read the result from the snapshot. A push that has no effect is not an error here.
            let _effect: Result<PushEffect, Error> =
                phone.authenticator().push_received(message.slot, message.body).await;
        }
    })
}
