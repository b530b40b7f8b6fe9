//! The API of the authenticator: one method for each action of the person or of the system.
//!
//! Every method except `open` and `shut_down` runs as a task on the core's own small runtime. If the caller drops the
//! returned future, the task continues, and its result is stored.

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
#[cfg(feature = "testing")]
use store::Store;
pub(crate) use workers::Workers;

/// The companion authenticator on this phone. It stores its records in the folders that the app passes to `open`.
///
/// Clones share one open authenticator. Every method may be called from any thread and with any executor. Blocking work
/// (ports, database) runs on the core's own threads.
#[derive(Clone)]
pub struct Authenticator(Arc<Inner>);

/// Contains `Open` while the authenticator is open, and `None` after `shut_down`.
struct Inner(Mutex<Option<Open>>);

struct Open {
    core: Arc<Core>,
    workers: Workers,
    runtime: tokio::runtime::Handle,
}

impl Authenticator {
    /// Opens the authenticator, and creates its folders and database the first time.
    ///
    /// In the background, the authenticator then resumes the work that an earlier process left unfinished: it sends
    /// stored messages to services, waits for the digits of enrollments, and deletes retired keys.
    ///
    /// # Errors
    /// `NotYetUnlocked`: open again after the person has unlocked the device. `FromAnotherDevice`: see
    /// `restored_accounts` and `start_over`. `Untrusted` when TLS can't be configured. `Closed` when the system can't
    /// start threads. Other errors are `NewerSchema`, `Store` and `Platform`. After any error the stored accounts are
    /// unchanged.
    pub async fn open(folders: Folders, ports: Ports) -> Result<Self, Error> {
        let (workers, runtime) = Workers::start()?;
        let core = Arc::new(tasks::start(&runtime, Core::open(folders, ports)).await??);
        let authenticator = Self(Arc::new(Inner(Mutex::new(Some(Open { core, workers, runtime })))));
        authenticator.start().await?;
        Ok(authenticator)
    }

    /// Closes the authenticator and waits until the database is closed, so that the authenticator can be opened again.
    ///
    /// Calls that are still running fail with `Closed`; the records that they have stored are kept. Waits at most 5
    /// seconds for a port that does not return. A second call has no further effect. Dropping the last clone also
    /// closes the authenticator, without waiting.
    pub async fn shut_down(&self) {
        let open = self.0.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Open { core, workers, .. }) = open else {
            return;
        };
        let (sender, closed) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            workers.end();
            drop(core);
            // Fails when the caller has dropped the future.
            let _gone = sender.send(());
        });
        let _closed = closed.await;
    }

    /// Returns the database.
    #[cfg(feature = "testing")]
    pub(crate) fn store(&self) -> Result<Store, Error> {
        Ok(self.open_parts()?.0.store.clone())
    }

    fn open_parts(&self) -> Result<(Arc<Core>, tokio::runtime::Handle), Error> {
        let open = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().map(|open| (Arc::clone(&open.core), open.runtime.clone())).ok_or(Error::Closed)
    }

    /// Deletes old prompts and notices, and imports the pushes that the notification extension has received. Then
    /// starts the background work: the outbox, push addresses, and waiting for the digits of enrollments.
    async fn start(&self) -> Result<(), Error> {
        let enrollments = self
            .act(move |core| async move {
                let now = core.ports.clock.now();
                let enrollments = core
                    .store
                    .write(Point::CleanedUp, move |tables| {
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
                tracing::warn!(%error, "unfinished work of an earlier process could not be completed");
            }
            outbox::run(&core).await;
        });
        self.spawn(|core| async move { push_address::run(&core).await });
        Ok(())
    }

    /// Returns everything that a screen shows, read in one transaction. Sends nothing.
    ///
    /// # Errors
    /// `Store` when the database can't be read. After `shut_down`, this method fails with `Closed`, like every other
    /// method that returns a `Result`.
    pub async fn snapshot(&self) -> Result<Snapshot, Error> {
        self.act(|core| async move { snapshot(&core).await }).await
    }

    /// Waits until something has changed since the snapshot with this revision, but not longer than `at_most`. Then
    /// returns a new snapshot.
    ///
    /// Returns immediately when something has already changed, so a caller that passes the revision of its last
    /// snapshot misses no change. Callers that can't drop a future use a short `at_most` and call the method in a loop.
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

    /// Returns the kind of the device lock; `LockState::Missing` when there is none. Phone sign-in needs a device lock.
    ///
    /// # Errors
    /// `Platform` when the port `DeviceLock` fails.
    pub async fn device_lock(&self) -> Result<LockState, Error> {
        self.act(|core| async move { core.lock().await }).await
    }

    /// Reads an enrollment code that was scanned, photographed or typed. Works without a network and stores nothing.
    ///
    /// # Errors
    /// `Code` or `Picture`, with the cause.
    ///
    /// # Security
    /// The code is untrusted input until `look_up` has verified the service's response.
    pub async fn read_code(&self, input: CodeInput) -> Result<Scanned, Error> {
        self.act(|_core| async move { tasks::blocking(move || scan::read(input)).await? }).await
    }

    /// Looks up an invite at its service. The returned offer says which service asks, and for which account (protocol
    /// section 3.1). A look-up stores nothing on this phone, and binds nothing at the service.
    ///
    /// # Errors
    /// `Offline`, `Untrusted`, `Busy`, `Platform`, `Store`: try again. `ClockWrong`: try again after the person has set
    /// the phone's clock. `NotASignInService`, `UnsupportedVersion`, `Impostor`, `Enrollment`, `InvalidAnswer`,
    /// `Refused`: this code can't be used.
    ///
    /// # Security
    /// The response is accepted only with a MAC under the enrollment key from the code. TLS alone is not enough,
    /// because an interceptor can have a trusted certificate. The interceptor does not have the enrollment key.
    pub async fn look_up(&self, invite: Invite) -> Result<Offer, Error> {
        self.act(|core| async move { enrollment::look_up(&core, invite).await }).await
    }

    /// Adds the account that the person has accepted: makes the keys, binds this device at the service, and returns
    /// `Step::ShowDigits` (protocol sections 3.2 and 3.3).
    ///
    /// Each stage is stored before the next request. If the app is killed, `continue_enrollment` later uses the same
    /// key.
    ///
    /// # Errors
    /// `AlreadyHere`: nothing was stored. After `Offline`, `Untrusted`, `Busy`, `Store`, `Platform(Locked)` and
    /// `Platform(Transient)`, an enrollment that was already stored is kept (see `pending_steps` and
    /// `continue_enrollment`). After any other error the enrollment is deleted, with its keys.
    pub async fn enroll(&self, offer: Offer) -> Result<Step, Error> {
        let step = self.act(|core| async move { enrollment::enroll(&core, offer).await }).await?;
        self.watch_digits(&step);
        Ok(step)
    }

    /// Continues an interrupted enrollment from its stored stage. The enrollment may have started with a code or with
    /// signing in.
    ///
    /// # Errors
    /// As `enroll` or `add_by_signing_in`; `UnknownTicket` when the enrollment was completed, abandoned or deleted.
    pub async fn continue_enrollment(&self, ticket: Ticket) -> Result<Step, Error> {
        let step = self
            .act(|core| async move {
                match ticket.act() {
                    Act::SignInEnrollment(account) => by_sign_in::resume(&core, &account).await,
                    Act::PhoneSignIn(_) | Act::Other => enrollment::advance(&core, &ticket).await,
                }
            })
            .await?;
        self.watch_digits(&step);
        Ok(step)
    }

    /// Starts adding an account by signing in (protocol section 11). The person types the service's `address` in the
    /// app. Then the person uses the system browser to sign in, with a password or a pass. A page in the browser asks
    /// for the digits of `Step::OpenBrowser`. `redirect_uri` has the same meaning as in `turn_on_phone_sign_in`.
    ///
    /// Returns the next step; pass each reply to `provide`. The last step is one of these:
    ///
    /// - `PhoneSignInOn`: the account was added, and phone sign-in is on;
    /// - `AccountAdded`: the account was added, but phone sign-in can't be turned on now;
    /// - `NotAllowed` or `MissingLock`: the step says why the account was not added, or why phone sign-in is not on.
    ///
    /// # Errors
    /// Nothing was stored after `NotASignInService`, `UnsupportedVersion`, or `Code` (`address` is not the address of a
    /// service: `https`, without a path). After `Offline`, `Untrusted`, `Busy`, `Store`, `Platform(Locked)` and
    /// `Platform(Transient)`, an enrollment that was already stored is kept (see `pending_steps` and
    /// `continue_enrollment`). After any other error, for example `ClockWrong`, `Refused` or `InvalidAnswer`, the
    /// enrollment is deleted, with its keys.
    ///
    /// # Security
    /// Here, only TLS and the typed address identify the service. This is weaker than `enroll`, where the service
    /// must also prove that it knows the code's secret.
    pub async fn add_by_signing_in(&self, address: String, redirect_uri: String) -> Result<Step, Error> {
        self.act(|core| async move { by_sign_in::start(&core, &address, redirect_uri).await }).await
    }

    /// Waits until the wizard has accepted the digits, or the service has ended the enrollment.
    ///
    /// Waits at most until two minutes after the digits expire.
    ///
    /// # Errors
    /// `UnknownTicket` when the enrollment was abandoned. `Offline` when the service has given no result until two
    /// minutes after the digits expired, or when the enrollment shows no digits yet.
    pub async fn wait_for_activation(&self, ticket: Ticket) -> Result<EnrollmentEnd, Error> {
        self.act(|core| async move { wait::wait(&core, &ticket).await }).await
    }

    /// Abandons an unfinished act, and deletes it from this phone with the keys that were made for it. If the act is an
    /// approval, its prompt stays open.
    ///
    /// If the service may already know the device or the key, a message that removes the device or the key is stored
    /// and retried, as for `Ending::ServiceInformedLater`.
    ///
    /// # Errors
    /// `UnknownTicket` when the act has finished or was already abandoned. If the act is an enrollment by signing in
    /// that the service may already have completed, the method can fail with `Offline`, `Untrusted` or `Busy`. The
    /// enrollment is then kept.
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

    /// Checks what the account needs before phone sign-in can be turned on. Call the method again when the person comes
    /// back from the system settings.
    ///
    /// # Errors
    /// `UnknownAccount`; `Platform` when the port `DeviceLock` fails.
    pub async fn requirements(&self, account: AccountId) -> Result<Requirements, Error> {
        self.act(|core| async move {
            let record = core.store.read(move |tables| tables.account(&account)).await?;
            phone_sign_in::requirements(&core, &record).await
        })
        .await
    }

    /// Starts turning phone sign-in on (protocol section 10.1). `redirect_uri` is the URL with which the system browser
    /// returns to this app. On phones it is an `https` URL that the system opens only in this app (RFC 8252 section
    /// 7.2); on desktops it is `http://127.0.0.1:<port>/phone-sign-in`.
    ///
    /// Returns the next step; pass each reply to `provide`. The last step is `PhoneSignInOn`, or a step that says what
    /// prevented the act (`NotAllowed`, `MissingLock`). Nothing is sent before the reply `Confirmed`, with one
    /// exception: if the service may already have the key of an older, unfinished act, this method continues that
    /// act, and may send immediately.
    ///
    /// # Errors
    /// `UnknownAccount`, `Removed`; `Platform` when the port `DeviceLock` fails. If this method continues an older act,
    /// it can also fail with the errors of `continue_phone_sign_in`.
    ///
    /// # Security
    /// Don't use a custom URL scheme: another app could register the same scheme, and receive the redirect with the
    /// authorization code.
    pub async fn turn_on_phone_sign_in(&self, account: AccountId, redirect_uri: String) -> Result<Step, Error> {
        self.act(|core| async move { phone_sign_in::turn_on(&core, account, redirect_uri).await }).await
    }

    /// Continues turning phone sign-in on after an interruption, from the stored stage.
    ///
    /// # Errors
    /// `UnknownTicket`, `Removed`. After `Offline`, `Untrusted` and `Busy` the act is kept and can be continued later.
    pub async fn continue_phone_sign_in(&self, ticket: Ticket) -> Result<Step, Error> {
        self.act(|core| async move {
            match ticket.act() {
                Act::PhoneSignIn(account) => phone_sign_in::resume(&core, &account).await,
                Act::SignInEnrollment(_) | Act::Other => Err(Error::UnknownTicket),
            }
        })
        .await
    }

    /// Processes the app's reply to a step, and returns the next step.
    ///
    /// # Errors
    /// `UnknownTicket`, `WrongReply`: nothing was changed. `ForeignRedirect` when the redirect does not belong to this
    /// act: the act then still waits for its own redirect. `Platform` with the error that the app reported, or
    /// `Platform(Unusable)` for a wrong key or signature. `AlreadyHere` when the person signed in to an account that is
    /// already on this phone: the enrollment is deleted.
    ///
    /// If the reply continues a stored act, the method can also fail with the errors of `continue_enrollment` or
    /// `continue_phone_sign_in`. If the reply belongs to an approval, the method can also fail with the errors of
    /// `approve`, except `NumberForm`.
    ///
    /// # Security
    /// Replies are untrusted. Before the core uses a reply, it verifies a signature, compares a public key with the key
    /// in the key store, and compares `state` and issuer of a redirect with the stored values.
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

    /// Turns phone sign-in off: deletes the sign-in key, and informs the service now or later (protocol section 10.3).
    /// The account can still approve sign-ins after a password.
    ///
    /// # Errors
    /// `UnknownAccount`, `Removed`, `PhoneSignInOff`. An unreachable service is not an error: the message is stored and
    /// retried.
    pub async fn turn_off_phone_sign_in(&self, account: AccountId) -> Result<Ending, Error> {
        self.act(|core| async move { phone_sign_in::turn_off(&core, account).await }).await
    }

    /// Reads the device lock again, and imports the pushes that the notification extension has received. Call this
    /// method each time the app comes to the foreground.
    ///
    /// # Errors
    /// `Store`; `Platform` when the port `DeviceLock` fails: then no push is imported.
    pub async fn foregrounded(&self) -> Result<(), Error> {
        self.act(|core| async move {
            core.lock().await?;
            push::import(&core).await
        })
        .await
    }

    /// Returns `Snapshot::pending`: one step for each stored act that can be continued or abandoned.
    ///
    /// # Errors
    /// `Store`.
    pub async fn pending_steps(&self) -> Result<Vec<Step>, Error> {
        Ok(self.snapshot().await?.pending)
    }

    /// Handles one push: decrypts and verifies it, and stores its prompt or withdrawal. `slot` and `message` are as the
    /// relay delivered them.
    ///
    /// Returns the effect that the app shows. A push that can't be decrypted or verified is dropped without an error.
    /// The core then fetches the account's prompts, but at most once in 30 seconds, so malformed pushes can't keep the
    /// phone busy.
    ///
    /// # Errors
    /// `Store`.
    pub async fn push_received(&self, slot: Vec<u8>, message: Vec<u8>) -> Result<PushEffect, Error> {
        self.act(|core| async move { push::received(&core, slot, message).await }).await
    }

    /// Fetches the live prompts of every account, in parallel, and imports the pushes that the notification extension
    /// has received. Pass `Opened` only when the person opened the app: the fetched prompts then cause no alert, and
    /// the service no longer counts the account's earlier strikes (protocol section 7).
    ///
    /// # Errors
    /// `Store`. A failed fetch of an account is no error: `Checked::unreachable` lists it.
    pub async fn check_for_prompts(&self, reason: FetchReason) -> Result<Checked, Error> {
        self.act(move |core| async move { check_for_prompts(&core, reason).await }).await
    }

    /// Approves a prompt with the number that the page shows: ASCII digits, as the person read them.
    ///
    /// Returns one of these steps:
    ///
    /// - `Step::Sign`: the person must first unlock the sign-in key. Pass the signature to `provide`.
    /// - `Step::MissingLock`: the device has no device lock that can guard the sign-in key.
    /// - `Step::Done`: the service has processed the answer. The step contains the outcome.
    /// - `Step::Queued`: the service could not be reached or is busy. The signed answer is stored, and retried until
    ///   the service acknowledges it, for at most a day.
    ///
    /// # Errors
    /// `NumberForm`, `PromptExpired`, `AlreadyAnswered`, `UnknownPrompt`, `PhoneSignInOff`, `Removed`: this call stored
    /// and sent nothing. After `InvalidAnswer`, `Refused`, `ClockWrong` and `IdentityChanged` the answer is stored, and
    /// retried as for `Step::Queued`.
    ///
    /// # Security
    /// The phone checks only the form of the number, since it does not know the right number. The service counts wrong
    /// numbers. The answer is signed once; retries resend the same bytes.
    pub async fn approve(&self, prompt: PromptId, number: String) -> Result<Step, Error> {
        self.act(|core| async move { answer::approve(&core, prompt, number).await }).await
    }

    /// Denies a prompt. Needs no user verification: the device key signs a denial.
    ///
    /// Returns `Step::Done` or `Step::Queued`, as `approve`.
    ///
    /// # Errors
    /// `PromptExpired`, `AlreadyAnswered`, `UnknownPrompt`, `Removed`: this call stored and sent nothing. After
    /// `InvalidAnswer`, `Refused`, `ClockWrong` and `IdentityChanged` the denial is stored and retried.
    pub async fn deny(&self, prompt: PromptId) -> Result<Step, Error> {
        self.act(|core| async move { answer::deny(&core, prompt).await }).await
    }

    /// Reports a prompt ("It wasn't me"): denies a live prompt, and ends the sessions that an approval of the prompt
    /// gave (protocol section 7). The service accepts a report within 24 hours of the prompt.
    ///
    /// Returns `Step::Done` or `Step::Queued`, as `approve`.
    ///
    /// # Errors
    /// `Removed`, and `UnknownPrompt` when this phone no longer stores the prompt: this call stored and sent nothing.
    /// After `InvalidAnswer`, `Refused`, `ClockWrong` and `IdentityChanged` the report is stored and retried.
    pub async fn report(&self, prompt: PromptId) -> Result<Step, Error> {
        self.act(|core| async move { answer::report(&core, prompt).await }).await
    }

    /// Returns the delivery state of the newest message about a prompt: the answer to the prompt, or a report of the
    /// prompt. Returns `None` when the outbox has no message about the prompt.
    ///
    /// # Errors
    /// `Store`.
    pub async fn delivery(&self, prompt: PromptId) -> Result<Option<Delivery>, Error> {
        self.act(|core| async move { core.store.read(move |tables| tables.delivery(&prompt)).await }).await
    }

    /// Returns `Snapshot::accounts`: every account on this phone except pending accounts, oldest first.
    ///
    /// # Errors
    /// `Store`.
    pub async fn accounts(&self) -> Result<Vec<Account>, Error> {
        Ok(self.snapshot().await?.accounts)
    }

    /// Removes an account from this phone, and informs the service now or later.
    ///
    /// The account disappears immediately. The device key must still sign the message to the service. The key is
    /// deleted when the service has acknowledged that message, or after 90 days.
    ///
    /// # Errors
    /// `UnknownAccount`, `Store`. An unreachable service is not an error: see `Ending`.
    pub async fn remove(&self, account: AccountId) -> Result<Ending, Error> {
        self.act(|core| async move { removal::remove(&core, account).await }).await
    }

    /// Asks the service to lift the block that three wrong numbers in 24 hours caused. The request is not retried.
    ///
    /// # Errors
    /// `Offline`, `Untrusted`, `Busy`, `Removed`, `UnknownAccount`; `NotAllowedNow` when the account is suspended or
    /// limited.
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
                tracing::info!(%error, "the wait for the digits has ended");
            }
        });
    }

    fn spawn<F, W>(&self, background: W)
    where
        F: Future<Output = ()> + Send + 'static,
        W: FnOnce(Arc<Core>) -> F,
    {
        // After `shut_down` there is no background work.
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

/// Deletes keys that an earlier process retired, reads the device lock (the accounts' health depends on it), and checks
/// that the key store still has the accounts' keys.
async fn after_start(core: &Core) -> Result<(), Error> {
    retired_keys::destroy(core).await?;
    if let Err(error) = core.lock().await {
        tracing::info!(%error, "the device lock could not be read");
    }
    standing::check_keys(core).await
}
