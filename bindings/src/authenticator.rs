//! The app's entry point: one method for each thing that a person or the system asks of the authenticator.

use std::sync::Arc;
use std::time::Duration;

use countersign::{
    Account, AccountId, CodeInput, Delivery, Ending, EnrollmentEnd, FetchReason, KeyStore, LockState, PromptId,
    PushHealth, PushTest, Reply, Requirements, Step, Ticket, Timestamp,
};

use crate::error::CountersignError;
use crate::ports::Ports;
use crate::prompts::PushEffect;
use crate::records::{Checked, Folders, Invite, Scanned, Snapshot};

type Result<T> = std::result::Result<T, CountersignError>;

/// The companion authenticator on this phone. Open one for each `home` folder.
///
/// No method blocks its thread. Methods may be called from any thread and in parallel. If the caller cancels a call,
/// the act continues, and its result is stored. In Kotlin a cancelled call returns immediately; in Swift it still waits
/// for the result. After `shut_down` every other method fails with `Closed`. A method that uses the database fails with
/// `StorageFailed` when the database fails.
#[derive(uniffi::Object)]
pub struct Authenticator(countersign::Authenticator);

/// The result of a look-up: show it to the person, and call `enroll` only when they accept. Nothing is stored yet.
///
/// The issuer is verified: the server has a trusted certificate for the issuer's host, and a MAC with the code's secret
/// has authenticated the response. Organization and user name are only the service's claims (section 3.1 of the
/// protocol).
#[derive(uniffi::Object)]
pub struct Offer(countersign::Offer);

#[uniffi::export]
impl Offer {
    /// Returns the verified sign-in service, `https://host[:port]`.
    pub fn issuer(&self) -> String {
        self.0.issuer().to_owned()
    }

    /// Returns the issuer without `https://`. Show it as the name of the service that asks, because only the issuer of
    /// an offer is verified.
    pub fn host(&self) -> String {
        self.0.host().to_owned()
    }

    /// Returns the organization's name as the service claims it, without control characters.
    pub fn organization(&self) -> String {
        self.0.organization().to_owned()
    }

    /// Returns the person's user name as the service claims it, without control characters.
    pub fn user_name(&self) -> String {
        self.0.user_name().to_owned()
    }

    /// Returns whether this phone already has the account. If so, `enroll` fails with `AlreadyAdded`.
    pub fn already_here(&self) -> bool {
        self.0.already_here()
    }
}

/// Lists the accounts in a database that was restored from another device (`open` failed with `FromAnotherDevice`).
///
/// Only the names of the accounts can be read; each account has the health `RestoredElsewhere`. Changes nothing. Fails
/// with `UpdateNeeded` or `StorageFailed`.
#[uniffi::export]
pub async fn restored_accounts(folders: Folders) -> Result<Vec<Account>> {
    Ok(countersign::restored_accounts(folders.into()).await?)
}

/// Empties a database that was restored from another device, so that `open` can start again without accounts.
///
/// The services are not notified: the other device stays registered there. Fails with `NotFromAnotherDevice` when the
/// key store has the database's keys. Also fails with other errors of the key store, such as `NotYetUnlocked` or
/// `TryAgain`, and with `UpdateNeeded` or `StorageFailed`. After any of these errors nothing was changed.
#[uniffi::export]
pub async fn start_over(folders: Folders, key_store: Arc<dyn KeyStore>) -> Result<()> {
    Ok(countersign::start_over(folders.into(), key_store).await?)
}

#[uniffi::export]
impl Authenticator {
    /// Opens the authenticator in its folders, and creates them the first time.
    ///
    /// Fails with `NotYetUnlocked`, `FromAnotherDevice`, `UpdateNeeded`, `StorageFailed`, `TryAgain` or `NotSupported`.
    /// After any of these errors nothing was changed.
    #[uniffi::constructor]
    pub async fn open(folders: Folders, ports: Ports) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(countersign::Authenticator::open(folders.into(), ports.into()).await?)))
    }

    /// Shuts the authenticator down, and waits until the database is closed. Calls that still wait fail with `Closed`.
    /// Stored data stays, and the folders can be opened again. Calling `shut_down` again has no further effect.
    // Not named `close`: Kotlin's objects already have a `close`, which frees the handle.
    pub async fn shut_down(&self) -> Result<()> {
        self.0.shut_down().await;
        Ok(())
    }

    /// Returns everything that a screen shows, read in one transaction.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        Ok(self.0.snapshot().await?.into())
    }

    /// Waits until something has changed since the given revision, but not longer than `at_most`. Then returns
    /// everything that a screen shows. Call it in a loop to keep a screen current.
    pub async fn changed_since(&self, revision: u64, at_most: Duration) -> Result<Snapshot> {
        Ok(self.0.changed_since(revision, at_most).await?.into())
    }

    /// Returns whether the device has a lock, and of which kind, read from the port `DeviceLock` now. Phone sign-in
    /// needs a lock.
    pub async fn device_lock(&self) -> Result<LockState> {
        Ok(self.0.device_lock().await?)
    }

    /// Reads a scanned, photographed or typed code, without the network. Fails with `BadCode` or `BadPicture`.
    pub async fn read_code(&self, input: CodeInput) -> Result<Scanned> {
        Ok(self.0.read_code(input).await?.into())
    }

    /// Contacts the service that an invite names (section 3.1 of the protocol), and returns the offer. Stores nothing
    /// and binds nothing.
    ///
    /// After `Offline`, `Untrusted` and `Busy` the same invite can be tried again. After `NotASignInService`,
    /// `UpdateNeeded`, `Impostor`, `NewCodeNeeded` and `ClockWrong` this code can't be used.
    pub async fn look_up(&self, invite: Arc<Invite>) -> Result<Arc<Offer>> {
        Ok(Arc::new(Offer(self.0.look_up(invite.0.clone()).await?)))
    }

    /// Adds the account that the person accepted, up to the step `ShowDigits`: makes the keys and the push address, and
    /// binds the device key to the account.
    ///
    /// After `Offline`, `Untrusted`, `Busy`, `NotYetUnlocked`, `TryAgain` and `StorageFailed` the enrollment is kept
    /// (`pending_steps`, `continue_enrollment`). After any other error this phone keeps nothing of the enrollment.
    pub async fn enroll(&self, offer: Arc<Offer>) -> Result<Step> {
        Ok(self.0.enroll(offer.0.clone()).await?)
    }

    /// Continues an interrupted enrollment: one with a code or one by signing in. `pending_steps` lists it as the step
    /// `EnrollmentInterrupted`.
    ///
    /// Fails with the errors of `enroll` or `add_by_signing_in`, and with `NoLongerThere` when the ticket has ended.
    pub async fn continue_enrollment(&self, ticket: Ticket) -> Result<Step> {
        Ok(self.0.continue_enrollment(ticket).await?)
    }

    /// Waits until the person has typed the digits into the wizard, or until the service has ended the enrollment.
    ///
    /// The core also waits without this call, and `changed_since` shows the result. Fails with `Offline` when the
    /// service has given no result two minutes after the digits expired, and with `NoLongerThere` when the enrollment
    /// was abandoned.
    pub async fn wait_for_activation(&self, ticket: Ticket) -> Result<EnrollmentEnd> {
        Ok(self.0.wait_for_activation(ticket).await?)
    }

    /// Abandons an unfinished act, and deletes it with its keys from this phone. If the service may already know the
    /// device or its sign-in key, the service is notified now or later.
    ///
    /// Fails with `NoLongerThere` when the act has ended. Abandoning an enrollment by signing in can also fail with
    /// `Offline`, `Untrusted` or `Busy`, if the service may already know this phone. The enrollment is then kept.
    pub async fn abandon(&self, ticket: Ticket) -> Result<()> {
        Ok(self.0.abandon(ticket).await?)
    }

    /// Checks what the account and the device lack for phone sign-in. Call `requirements` again when the person comes
    /// back from the device's settings.
    pub async fn requirements(&self, account: AccountId) -> Result<Requirements> {
        Ok(self.0.requirements(account).await?)
    }

    /// Starts adding an account without a code (section 11 of the protocol). The person types the service's web address
    /// into the app, signs in with a password or a pass in the system browser, and types the digits of the step
    /// `OpenBrowser` into the service's page. For `redirect_uri` see `turn_on_phone_sign_in`.
    ///
    /// Returns what the app does next; pass each reply to `provide`. The last step is one of these: `PhoneSignInOn`;
    /// `AccountAdded`, when phone sign-in can't be turned on yet; a step that says why the account was not added.
    ///
    /// Fails with `BadCode` when `address` does not have the form of a service's address. Also fails with
    /// `NotASignInService`, `UpdateNeeded`, `ClockWrong` or `AnswerRefused`; `provide` can also fail with
    /// `AlreadyAdded`. After `Offline`, `Untrusted`, `Busy`, `NotYetUnlocked`, `TryAgain` and `StorageFailed` an
    /// enrollment that has started is kept (`pending_steps`, `continue_enrollment`).
    ///
    /// Only TLS and the typed address identify the service. When an account is added with a code, the service also
    /// proves that it knows the code's secret.
    pub async fn add_by_signing_in(&self, address: String, redirect_uri: String) -> Result<Step> {
        Ok(self.0.add_by_signing_in(address, redirect_uri).await?)
    }

    /// Starts turning phone sign-in on (section 10.1 of the protocol). `redirect_uri` is the URL with which the system
    /// browser returns to this app. On phones it is a claimed `https` URL; on desktops it is
    /// `http://127.0.0.1:<port>/phone-sign-in`.
    ///
    /// Returns what the app does next; pass each reply to `provide`. The last step is `PhoneSignInOn`, or a step that
    /// says why phone sign-in stays off.
    pub async fn turn_on_phone_sign_in(&self, account: AccountId, redirect_uri: String) -> Result<Step> {
        Ok(self.0.turn_on_phone_sign_in(account, redirect_uri).await?)
    }

    /// Continues turning phone sign-in on after an interruption (`PhoneSignInInterrupted` in `pending_steps`). Fails
    /// with `NoLongerThere` when the ticket has ended. After `Offline`, `Untrusted` and `Busy` the act is kept, and can
    /// be continued later.
    pub async fn continue_phone_sign_in(&self, ticket: Ticket) -> Result<Step> {
        Ok(self.0.continue_phone_sign_in(ticket).await?)
    }

    /// Gives the core the app's reply to a step, and returns the next step.
    ///
    /// Fails with `NoLongerThere` when the ticket has ended or the reply does not fit the step. Fails with
    /// `ForeignRedirect` when the redirect URL does not belong to this act, which then still waits for its own
    /// redirect. Fails with the platform's error when the reply is `Failed`. An approval can also fail with `Expired`,
    /// `AlreadyAnswered` or `PhoneSignInOff`.
    pub async fn provide(&self, ticket: Ticket, reply: Reply) -> Result<Step> {
        Ok(self.0.provide(ticket, reply).await?)
    }

    /// Turns phone sign-in off: destroys the sign-in key immediately, and notifies the service now or later.
    /// Second-factor prompts, which follow a password, still work. Fails with `PhoneSignInOff` when phone sign-in is
    /// already off.
    pub async fn turn_off_phone_sign_in(&self, account: AccountId) -> Result<Ending> {
        Ok(self.0.turn_off_phone_sign_in(account).await?)
    }

    /// Reads the device lock again and imports what the notification extension received. Call it each time the app
    /// comes to the foreground.
    pub async fn foregrounded(&self) -> Result<()> {
        Ok(self.0.foregrounded().await?)
    }

    /// Mutes an account until the given time, but for at most 24 hours. Returns when the mute ends. Prompts of a muted
    /// account come without an alert. They are listed, and can be approved, denied and reported as always.
    pub async fn mute(&self, account: AccountId, until: Timestamp) -> Result<Timestamp> {
        Ok(self.0.mute(account, until).await?)
    }

    /// Ends the mute of an account. An origin that is quiet for another reason stays quiet.
    pub async fn unmute(&self, account: AccountId) -> Result<()> {
        Ok(self.0.unmute(account).await?)
    }

    /// Makes the core request a new push address for every account, and send it to the services now or later. Call it
    /// when the platform has issued a new push token.
    ///
    /// The core also renews each push address once a month, and when a service reports that the address no longer
    /// works.
    pub async fn push_address_changed(&self) -> Result<()> {
        Ok(self.0.push_address_changed().await?)
    }

    /// Returns whether pushes for this account reach this phone. Reads the device's settings at each call.
    pub async fn push_health(&self, account: AccountId) -> Result<PushHealth> {
        Ok(self.0.push_health(account).await?)
    }

    /// Asks the service to send this phone a test push. The service sends at most one per minute.
    ///
    /// When the test push arrives, `push_received` returns `Test`, and `PushHealth.last_received` changes. Fails with
    /// `Offline`, `Untrusted`, `Busy`, `AddAgain`, `NoLongerThere` or `NotAllowedNow`.
    pub async fn test_push(&self, account: AccountId) -> Result<PushTest> {
        Ok(self.0.test_push(account).await?)
    }

    /// Removes a notice from the snapshot and acknowledges it to the service, now or later. `notice` is the `id` of the
    /// `Notice`.
    pub async fn dismiss_notice(&self, account: AccountId, notice: String) -> Result<()> {
        Ok(self.0.dismiss_notice(account, notice).await?)
    }

    /// Returns the unfinished acts, which can be continued or abandoned. First come the enrollments with a code, then
    /// the enrollments by signing in, then the acts that turn phone sign-in on. Each kind is sorted, oldest first.
    pub async fn pending_steps(&self) -> Result<Vec<Step>> {
        Ok(self.0.pending_steps().await?)
    }

    /// Handles one push and returns what to show. Fails only with `StorageFailed` or `Closed`.
    ///
    /// `slot` (16 bytes) is the slot that the core passed to the port `PushChannel` when it requested the push address.
    /// `body` is the encrypted message (RFC 8291). A push that can't be decrypted and verified is dropped. The core
    /// then fetches the account's prompts, but at most once in 30 seconds.
    pub async fn push_received(&self, slot: Vec<u8>, body: Vec<u8>) -> Result<PushEffect> {
        Ok(self.0.push_received(slot, body).await?.into())
    }

    /// Fetches the open prompts of every account, and imports what the notification extension received.
    ///
    /// Pass `Opened` only when the person opened the app. The fetched prompts then come without an alert. If a service
    /// had stopped pushing the prompts of an origin, it pushes later prompts of this origin again. A failed fetch is
    /// listed in the result and is not an error of this call.
    pub async fn check_for_prompts(&self, reason: FetchReason) -> Result<Checked> {
        Ok(self.0.check_for_prompts(reason).await?.into())
    }

    /// Approves a prompt with the number that the page shows (ASCII digits).
    ///
    /// Returns one of these steps:
    /// - `Sign`, when the person must unlock the sign-in key first. Pass the signature to `provide`.
    /// - `MissingLock`, when the device has no lock that can guard the key.
    /// - `Done`, with the outcome.
    /// - `Queued`, when the service can't be reached. The signed answer is stored and sent later, without another call.
    ///
    /// Fails with `NumberForm`, `Expired`, `AlreadyAnswered`, `NoLongerThere`, `PhoneSignInOff` or `AddAgain`; in these
    /// cases nothing is signed.
    pub async fn approve(&self, prompt: PromptId, number: String) -> Result<Step> {
        Ok(self.0.approve(prompt, number).await?)
    }

    /// Denies a prompt. Never asks the person to unlock a key. Returns `Done` or `Queued`. Fails with `Expired`,
    /// `AlreadyAnswered`, `NoLongerThere` or `AddAgain`; in these cases nothing is signed.
    pub async fn deny(&self, prompt: PromptId) -> Result<Step> {
        Ok(self.0.deny(prompt).await?)
    }

    /// Reports "It wasn't me". The service accepts a report within 24 hours after it made the prompt, even if the
    /// prompt was already answered. Reporting an open prompt denies the prompt. If the prompt was approved, the report
    /// ends the session, the tokens and the known browser that the approval gave. Returns `Done` or `Queued`. Fails
    /// with `NoLongerThere` when this phone no longer stores the prompt, and with `AddAgain`.
    pub async fn report(&self, prompt: PromptId) -> Result<Step> {
        Ok(self.0.report(prompt).await?)
    }

    /// Returns the delivery state of the last answer or report about a prompt. Returns nothing when the service has
    /// acknowledged this message, or when there is no message about the prompt.
    pub async fn delivery(&self, prompt: PromptId) -> Result<Option<Delivery>> {
        Ok(self.0.delivery(prompt).await?)
    }

    /// Returns every account on this phone, oldest first. Accounts that are still being added are in `pending_steps`.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        Ok(self.0.accounts().await?)
    }

    /// Removes an account from this phone immediately, also without a network. The service is notified now or later.
    /// The device key signs the message to the service, so the core deletes the key only after that.
    pub async fn remove(&self, account: AccountId) -> Result<Ending> {
        Ok(self.0.remove(account).await?)
    }

    /// Asks the service to unblock an account after three wrong numbers. Fails with `Offline`, `Untrusted`, `Busy`,
    /// `AddAgain`, `NoLongerThere` or `NotAllowedNow`.
    pub async fn unblock(&self, account: AccountId) -> Result<()> {
        Ok(self.0.unblock(account).await?)
    }
}
