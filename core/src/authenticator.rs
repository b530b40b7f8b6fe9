//! The one door: a method for each thing a person does.
//!
//! Every act is spawned on the core's own small runtime and runs to its next stored step whatever the
//! caller does: dropping a returned future stops the waiting, never what was decided.

pub(crate) mod acts;
mod alerts;
pub(crate) mod context;
pub(crate) mod error;
pub(crate) mod network;
pub(crate) mod ports;
pub(crate) mod records;
pub(crate) mod restored;
mod snapshot;
pub(crate) mod speaking;
pub(crate) mod step;
pub(crate) mod store;
pub(crate) mod tasks;
mod workers;

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::authenticator::acts::enrollment;
use crate::authenticator::acts::enrollment::by_sign_in;
use crate::authenticator::acts::enrollment::{EnrollmentEnd, Offer, wait};
use crate::authenticator::acts::phone_sign_in;
use crate::authenticator::acts::phone_sign_in::Requirements;
use crate::authenticator::acts::prompts::{answer, push};
use crate::authenticator::acts::upkeep::outbox;
use crate::authenticator::acts::upkeep::push_address;
use crate::authenticator::acts::upkeep::removal;
use crate::authenticator::acts::upkeep::removal::Ending;
use crate::authenticator::acts::upkeep::retired_keys;
use crate::authenticator::acts::upkeep::standing;
use crate::authenticator::context::{Core, Folders};
use crate::authenticator::error::Error;
use crate::authenticator::ports::Ports;
use crate::authenticator::records::enrollment::Stage;
use crate::authenticator::step::scan;
use crate::authenticator::step::{Reply, Step};
use crate::base::points::Point;
use crate::protocol::code::{CodeInput, Invite, Scanned};
use crate::protocol::messages::FetchReason;
use crate::values::account::{Account, AccountId};
use crate::values::platform::LockState;
use crate::values::prompt::{Delivery, PromptId, PushEffect};
use crate::values::ticket::{Act, Ticket};

pub use snapshot::{Checked, Snapshot};
use snapshot::{check_for_prompts, snapshot};
pub(crate) use workers::Workers;

/// The companion authenticator on this phone; one for each `home`.
#[derive(Clone)]
pub struct Authenticator(Arc<Inner>);

/// Empty once it is closed.
struct Inner(Mutex<Option<Open>>);

struct Open {
    core: Arc<Core>,
    workers: Workers,
    runtime: tokio::runtime::Handle,
}

impl Authenticator {
    /// Opens the authenticator in its folders, and makes them the first time.
    ///
    /// # Errors
    /// `NotYetUnlocked`, `FromAnotherDevice`, `NewerSchema`, `Store`, `Platform`: nothing was changed.
    pub async fn open(folders: Folders, ports: Ports) -> Result<Self, Error> {
        let (workers, runtime) = Workers::start()?;
        let core = Arc::new(tasks::start(&runtime, Core::open(folders, ports)).await??);
        let authenticator = Self(Arc::new(Inner(Mutex::new(Some(Open { core, workers, runtime })))));
        authenticator.start().await?;
        Ok(authenticator)
    }

    /// Closes the authenticator: everything that waits ends with `Closed`, stored steps stay, and the
    /// database can be opened again. Dropping the last handle does the same without waiting.
    pub async fn shut_down(&self) {
        let open = self.0.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Open { core, workers, .. }) = open else {
            return;
        };
        let (sender, closed) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            workers.end();
            drop(core);
            // Nobody waits any more when the caller has gone.
            let _gone = sender.send(());
        });
        let _closed = closed.await;
    }

    fn open_parts(&self) -> Result<(Arc<Core>, tokio::runtime::Handle), Error> {
        let open = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().map(|open| (Arc::clone(&open.core), open.runtime.clone())).ok_or(Error::Closed)
    }

    /// Goes on with what an earlier process left: the outbox, and enrollments that wait for their page.
    async fn start(&self) -> Result<(), Error> {
        let enrollments = self
            .act(move |core| async move {
                let now = core.ports.clock.now();
                let enrollments = core
                    .store
                    .write(Point::TakenUp, move |tables| {
                        tables.sweep_prompts(now)?;
                        tables.sweep_notices(now)?;
                        tables.enrollments()
                    })
                    .await?;
                push::import(&core).await?;
                Ok(enrollments)
            })
            .await?;
        for record in enrollments.into_iter().filter(|record| matches!(record.stage, Stage::Bound { .. })) {
            self.spawn_watch(record.ticket);
        }
        self.spawn(|core| async move {
            if let Err(error) = after_start(&core).await {
                tracing::warn!(%error, "what an earlier process left could not be finished");
            }
            outbox::run(&core).await;
        });
        self.spawn(|core| async move { push_address::run(&core).await });
        Ok(())
    }

    /// Everything a screen shows.
    ///
    /// # Errors
    /// `Store` when the database can't be read.
    pub async fn snapshot(&self) -> Result<Snapshot, Error> {
        self.act(|core| async move { snapshot(&core).await }).await
    }

    /// Waits until something changed after `revision`, or for `at_most`, then returns everything a screen shows.
    ///
    /// The limit is for callers that can't drop a future: they look around and wait again.
    ///
    /// # Errors
    /// `Closed`, `Store`.
    pub async fn changed_since(&self, revision: u64, at_most: Duration) -> Result<Snapshot, Error> {
        self.act(move |core| async move {
            if let Ok(closed) = tokio::time::timeout(at_most, core.changed_since(revision)).await {
                closed?;
            }
            snapshot(&core).await
        })
        .await
    }

    /// Whether the device has a lock, and of which kind: what phone sign-in will ask for first.
    ///
    /// # Errors
    /// `Platform` when the device does not say.
    pub async fn device_lock(&self) -> Result<LockState, Error> {
        self.act(|core| async move { core.lock().await }).await
    }

    /// Reads what was scanned, photographed or typed; asks nobody.
    ///
    /// # Errors
    /// `Code` and `Picture` say what is wrong with it.
    pub async fn read_code(&self, input: CodeInput) -> Result<Scanned, Error> {
        self.act(|_core| async move { tasks::blocking(move || scan::read(input)).await? }).await
    }

    /// Asks the service behind an invitation who it is; keeps nothing.
    ///
    /// # Errors
    /// `Offline`, `Untrusted`, `Busy`: try again. `NotASignInService`, `UnsupportedVersion`, `Impostor`,
    /// `Enrollment`, `ClockWrong`: this code leads nowhere.
    pub async fn look_up(&self, invite: Invite) -> Result<Offer, Error> {
        self.act(|core| async move { enrollment::look_up(&core, invite).await }).await
    }

    /// Starts adding the account that the person has accepted, and goes on until the digits can be shown.
    ///
    /// # Errors
    /// After `Offline`, `Untrusted`, `Busy` and `Platform` with `Locked` or `Transient` the enrollment is kept
    /// (`pending_steps`, `continue_enrollment`); after any other error nothing is left of it.
    pub async fn enroll(&self, offer: Offer) -> Result<Step, Error> {
        let step = self.act(|core| async move { enrollment::enroll(&core, offer).await }).await?;
        self.watch_digits(&step);
        Ok(step)
    }

    /// Goes on with an enrollment that was cut off.
    ///
    /// # Errors
    /// As `enroll`; `UnknownTicket`.
    pub async fn continue_enrollment(&self, ticket: Ticket) -> Result<Step, Error> {
        let step = self
            .act(|core| async move {
                match ticket.act() {
                    Act::SignInEnrollment(account) => by_sign_in::go_on(&core, &account).await,
                    Act::PhoneSignIn(_) | Act::Other => enrollment::advance(&core, &ticket).await,
                }
            })
            .await?;
        self.watch_digits(&step);
        Ok(step)
    }

    /// Starts adding an account by signing in: the person types the service's address here, signs in in the system
    /// browser (with a password or a pass), and types there the digits that the step brings. `redirect_uri` as for
    /// `turn_on_phone_sign_in`.
    ///
    /// Returns what the app does next; each reply goes to `provide`. Ends with `Step::PhoneSignInOn`, with
    /// `Step::AccountAdded` where phone sign-in can't be turned on at once, or with a step that says why not.
    ///
    /// # Errors
    /// `Code` when it is no address; `NotASignInService`, `UnsupportedVersion`, `AlreadyHere`. After `Offline`, `Untrusted`,
    /// `Busy` and `Platform` with `Locked` or `Transient` what was begun is kept (`pending_steps`,
    /// `continue_enrollment`); after any other error nothing is left of it.
    ///
    /// # Security
    /// Who the service is rests on TLS and on the address that was typed; a scanned code proves more.
    pub async fn add_by_signing_in(&self, address: String, redirect_uri: String) -> Result<Step, Error> {
        self.act(|core| async move { by_sign_in::start(&core, &address, redirect_uri).await }).await
    }

    /// Waits until the page has taken the digits, or the service ended the enrollment.
    ///
    /// # Errors
    /// `UnknownTicket` when it was given up; `Offline` when the service stayed silent past the digits' time.
    pub async fn wait_for_activation(&self, ticket: Ticket) -> Result<EnrollmentEnd, Error> {
        self.act(|core| async move { wait::wait(&core, &ticket).await }).await
    }

    /// Gives a started act up; nothing of it is left here, and the service is told where it knows of it.
    ///
    /// # Errors
    /// `UnknownTicket` when it has finished or was given up before.
    pub async fn abandon(&self, ticket: Ticket) -> Result<(), Error> {
        self.act(|core| async move {
            if core.unlocking.remove(&ticket) {
                return Ok(());
            }
            match ticket.act() {
                Act::SignInEnrollment(account) => by_sign_in::abandon(&core, &account).await,
                Act::PhoneSignIn(account) => phone_sign_in::abandon(&core, &account).await,
                Act::Other => enrollment::abandon(&core, &ticket).await,
            }
        })
        .await
    }

    /// The checklist before phone sign-in is turned on, looked at anew: call it again when the person comes back
    /// from the settings.
    ///
    /// # Errors
    /// `UnknownAccount`; `Platform` when the device does not say whether it has a lock.
    pub async fn requirements(&self, account: AccountId) -> Result<Requirements, Error> {
        self.act(|core| async move {
            let record = core.store.read(move |tables| tables.account(&account)).await?;
            phone_sign_in::requirements(&core, &record).await
        })
        .await
    }

    /// Starts turning phone sign-in on; `redirect_uri` is where the system browser comes back to this app: a claimed
    /// `https` address on phones, `http://127.0.0.1:<port>/phone-sign-in` on desktops.
    ///
    /// Returns what the app does next; each reply goes to `provide`, until `Step::PhoneSignInOn`, or a step that
    /// says why not.
    ///
    /// # Errors
    /// `UnknownAccount`, `Removed`; `Platform` when the device does not say whether it has a lock.
    pub async fn turn_on_phone_sign_in(&self, account: AccountId, redirect_uri: String) -> Result<Step, Error> {
        self.act(|core| async move { phone_sign_in::turn_on(&core, account, redirect_uri).await }).await
    }

    /// Goes on with turning phone sign-in on after it was cut off.
    ///
    /// # Errors
    /// `UnknownTicket`; `Offline`, `Untrusted`, `Busy`: it is kept, go on later.
    pub async fn continue_phone_sign_in(&self, ticket: Ticket) -> Result<Step, Error> {
        self.act(|core| async move {
            match ticket.act() {
                Act::PhoneSignIn(account) => phone_sign_in::go_on(&core, &account).await,
                Act::SignInEnrollment(_) | Act::Other => Err(Error::UnknownTicket),
            }
        })
        .await
    }

    /// Brings what a step asked for, and returns the next one.
    ///
    /// # Errors
    /// `UnknownTicket`, `WrongReply`; `ForeignRedirect` when the browser's answer belongs to something else: the act
    /// goes on waiting for its own. `Platform` with what the app reported. For approvals also `PromptExpired`,
    /// `AlreadyAnswered`, `UnknownPrompt`, `PhoneSignInOff`: nothing was decided.
    pub async fn provide(&self, ticket: Ticket, reply: Reply) -> Result<Step, Error> {
        self.act(|core| async move {
            match ticket.act() {
                Act::SignInEnrollment(account) => by_sign_in::provide(&core, &account, reply).await,
                Act::PhoneSignIn(account) => phone_sign_in::provide(&core, &account, reply).await,
                Act::Other => answer::provide(&core, &ticket, reply).await,
            }
        })
        .await
    }

    /// Turns phone sign-in off: the key is destroyed at once, the service is told now or later. Requests after a
    /// password go on working.
    ///
    /// # Errors
    /// `UnknownAccount`, `PhoneSignInOff`.
    pub async fn turn_off_phone_sign_in(&self, account: AccountId) -> Result<Ending, Error> {
        self.act(|core| async move { phone_sign_in::turn_off(&core, account).await }).await
    }

    /// The app came to the front: looks at the device lock again and takes over what a notification extension found.
    ///
    /// # Errors
    /// `Store`; `Platform` when the device does not say whether it has a lock.
    pub async fn foregrounded(&self) -> Result<(), Error> {
        self.act(|core| async move {
            core.lock().await?;
            push::import(&core).await
        })
        .await
    }

    /// Acts that can go on or be given up, oldest first.
    ///
    /// # Errors
    /// `Store`.
    pub async fn pending_steps(&self) -> Result<Vec<Step>, Error> {
        Ok(self.snapshot().await?.pending)
    }

    /// Handles one push; what can't be decrypted and verified is dropped without an error.
    ///
    /// # Errors
    /// `Store`.
    pub async fn push_received(&self, slot: Vec<u8>, message: Vec<u8>) -> Result<PushEffect, Error> {
        self.act(|core| async move { push::received(&core, slot, message).await }).await
    }

    /// Asks every service for what waits, and takes over what a notification extension has found. `Opened` says that the person opened the app.
    ///
    /// # Errors
    /// `Store`; a service that can't be asked is listed in the result.
    pub async fn check_for_prompts(&self, reason: FetchReason) -> Result<Checked, Error> {
        self.act(move |core| async move { check_for_prompts(&core, reason).await }).await
    }

    /// Approves a prompt with the number that the page shows.
    ///
    /// Returns `Step::Sign` when the person must unlock the sign-in key first (bring the signature by `provide`),
    /// `Step::MissingLock` when there is no lock to do it with. Else `Step::Done` with what the service said, or
    /// `Step::Queued` when it can't be reached: then the signed decision is stored and goes out by itself.
    ///
    /// # Errors
    /// `NumberForm`, `PromptExpired`, `AlreadyAnswered`, `UnknownPrompt`, `PhoneSignInOff`, `Removed`: nothing was
    /// signed.
    pub async fn approve(&self, prompt: PromptId, number: String) -> Result<Step, Error> {
        self.act(|core| async move { answer::approve(&core, prompt, number).await }).await
    }

    /// Denies a prompt; never needs the person to unlock anything.
    ///
    /// # Errors
    /// As `approve`, but for the number.
    pub async fn deny(&self, prompt: PromptId) -> Result<Step, Error> {
        self.act(|core| async move { answer::deny(&core, prompt).await }).await
    }

    /// "It wasn't me": ends what was asked, and what an approval gave, within a day.
    ///
    /// # Errors
    /// `UnknownPrompt`, `Removed`.
    pub async fn report(&self, prompt: PromptId) -> Result<Step, Error> {
        self.act(|core| async move { answer::report(&core, prompt).await }).await
    }

    /// How far what the person last decided about a prompt has got; `None` when nothing is on its way.
    ///
    /// # Errors
    /// `Store`.
    pub async fn delivery(&self, prompt: PromptId) -> Result<Option<Delivery>, Error> {
        self.act(|core| async move { core.store.read(move |tables| tables.delivery(&prompt)).await }).await
    }

    /// Every account on this phone, oldest first.
    ///
    /// # Errors
    /// `Store`.
    pub async fn accounts(&self) -> Result<Vec<Account>, Error> {
        Ok(self.snapshot().await?.accounts)
    }

    /// Takes an account off this phone, and tells the service now or later.
    ///
    /// # Errors
    /// `UnknownAccount`, `Store`.
    pub async fn remove(&self, account: AccountId) -> Result<Ending, Error> {
        self.act(|core| async move { removal::remove(&core, account).await }).await
    }

    /// Lets an account be asked again after three wrong numbers.
    ///
    /// # Errors
    /// `Offline`, `Busy`, `Removed`, `UnknownAccount`.
    pub async fn unblock(&self, account: AccountId) -> Result<(), Error> {
        self.act(|core| async move { removal::unblock(&core, account).await }).await
    }

    fn watch_digits(&self, step: &Step) {
        if let Step::ShowDigits { ticket, .. } = step {
            self.spawn_watch(ticket.clone());
        }
    }

    fn spawn_watch(&self, ticket: Ticket) {
        self.spawn(|core| async move {
            if let Err(error) = wait::watch(&core, &ticket).await {
                tracing::info!(%error, "waiting for the digits ended");
            }
        });
    }

    fn spawn<F, W>(&self, background: W)
    where
        F: Future<Output = ()> + Send + 'static,
        W: FnOnce(Arc<Core>) -> F,
    {
        // Closed meanwhile: then there is nothing to do in the background.
        if let Ok((core, runtime)) = self.open_parts() {
            drop(tasks::start(&runtime, background(core)));
        }
    }

    async fn act<T, F, W>(&self, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
        W: FnOnce(Arc<Core>) -> F,
    {
        let (core, runtime) = self.open_parts()?;
        tasks::start(&runtime, work(core)).await?
    }
}

/// Keys given up by an earlier process, the device lock for the accounts' health, and whether the key store still
/// has what the accounts rest on.
async fn after_start(core: &Core) -> Result<(), Error> {
    retired_keys::destroy(core).await?;
    if let Err(error) = core.lock().await {
        tracing::info!(%error, "the device does not say whether it has a lock");
    }
    standing::check_keys(core).await
}
