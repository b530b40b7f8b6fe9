//! The one door: a method for each thing a person does.

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

/// The companion authenticator on this phone; one for each pair of folders.
///
/// No method blocks its thread. Every act runs to its next stored step whatever the caller does: to cancel a
/// call stops the waiting (in Swift not even that), never what was decided.
#[derive(uniffi::Object)]
pub struct Authenticator(countersign::Authenticator);

/// Who is asking, shown to the person before anything is kept.
///
/// The issuer is verified: the connection was trusted for its host, and the answer carried proof of the
/// secret in the code. Organization and user name are the service's claims.
#[derive(uniffi::Object)]
pub struct Offer(countersign::Offer);

#[uniffi::export]
impl Offer {
    /// The verified sign-in service, `https://host[:port]`.
    pub fn issuer(&self) -> String {
        self.0.issuer().to_owned()
    }

    /// The part of the issuer that people read.
    pub fn host(&self) -> String {
        self.0.host().to_owned()
    }

    /// The organization, as the service claims.
    pub fn organization(&self) -> String {
        self.0.organization().to_owned()
    }

    /// The user name, as the service claims.
    pub fn user_name(&self) -> String {
        self.0.user_name().to_owned()
    }

    /// Whether the account is on this phone already.
    pub fn already_here(&self) -> bool {
        self.0.already_here()
    }
}

/// What stood in a database that another device's keys belong to (`open` answered `FromAnotherDevice`): names only, each
/// account with the health `RestoredElsewhere`; changes nothing.
#[uniffi::export]
pub async fn restored_accounts(folders: Folders) -> Result<Vec<Account>> {
    Ok(countersign::restored_accounts(folders.into()).await?)
}

/// Empties a database that another device's keys belong to, so that `open` begins anew; refused when its keys are here.
/// The services still list the other device.
#[uniffi::export]
pub async fn start_over(folders: Folders, key_store: Arc<dyn KeyStore>) -> Result<()> {
    Ok(countersign::start_over(folders.into(), key_store).await?)
}

#[uniffi::export]
impl Authenticator {
    /// Opens the authenticator in its folders, and makes them the first time.
    #[uniffi::constructor]
    pub async fn open(folders: Folders, ports: Ports) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(countersign::Authenticator::open(folders.into(), ports.into()).await?)))
    }

    /// Shuts the authenticator: everything that waits ends with `Closed`, stored steps stay, and the database
    /// can be opened again.
    // Not `close`: Kotlin's objects have one of their own, which frees the handle.
    pub async fn shut_down(&self) -> Result<()> {
        self.0.shut_down().await;
        Ok(())
    }

    /// Everything a screen shows.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        Ok(self.0.snapshot().await?.into())
    }

    /// Waits until something changed after `revision`, or for `at_most`, then returns everything a screen shows.
    pub async fn changed_since(&self, revision: u64, at_most: Duration) -> Result<Snapshot> {
        Ok(self.0.changed_since(revision, at_most).await?.into())
    }

    /// Whether the device has a lock, and of which kind: what phone sign-in will ask for first.
    pub async fn device_lock(&self) -> Result<LockState> {
        Ok(self.0.device_lock().await?)
    }

    /// Reads what was scanned, photographed or typed; asks nobody.
    pub async fn read_code(&self, input: CodeInput) -> Result<Scanned> {
        Ok(self.0.read_code(input).await?.into())
    }

    /// Asks the service behind an invitation who it is; keeps nothing.
    pub async fn look_up(&self, invite: Arc<Invite>) -> Result<Arc<Offer>> {
        Ok(Arc::new(Offer(self.0.look_up(invite.0.clone()).await?)))
    }

    /// Starts adding the account that the person has accepted, and goes on until the digits can be shown.
    ///
    /// After `Offline`, `Untrusted`, `Busy`, `NotYetUnlocked` and `TryAgain` the enrollment is kept
    /// (`pending_steps`, `continue_enrollment`); after any other error nothing is left of it.
    pub async fn enroll(&self, offer: Arc<Offer>) -> Result<Step> {
        Ok(self.0.enroll(offer.0.clone()).await?)
    }

    /// Goes on with an enrollment that was cut off.
    pub async fn continue_enrollment(&self, ticket: Ticket) -> Result<Step> {
        Ok(self.0.continue_enrollment(ticket).await?)
    }

    /// Waits until the page has taken the digits, or the service ended the enrollment.
    ///
    /// It also happens when nobody waits: `changed_since` shows it then, and `abandon` gives it up.
    pub async fn wait_for_activation(&self, ticket: Ticket) -> Result<EnrollmentEnd> {
        Ok(self.0.wait_for_activation(ticket).await?)
    }

    /// Gives a started act up; nothing of it is left here, and the service is told where it knows of it.
    pub async fn abandon(&self, ticket: Ticket) -> Result<()> {
        Ok(self.0.abandon(ticket).await?)
    }

    /// The checklist before phone sign-in is turned on, looked at anew: call it again when the person comes back
    /// from the settings.
    pub async fn requirements(&self, account: AccountId) -> Result<Requirements> {
        Ok(self.0.requirements(account).await?)
    }

    /// Starts adding an account by signing in: the person types the service's address here, signs in in the system
    /// browser (with a password or a pass), and types there the digits that `OpenBrowser` brings.
    ///
    /// Returns what the app does next; each reply goes to `provide`. Ends with `PhoneSignInOn`, with `AccountAdded`
    /// where phone sign-in can't be turned on at once, or with a step that says why not.
    pub async fn add_by_signing_in(&self, address: String, redirect_uri: String) -> Result<Step> {
        Ok(self.0.add_by_signing_in(address, redirect_uri).await?)
    }

    /// Starts turning phone sign-in on; `redirect_uri` is where the system browser comes back to this app.
    ///
    /// Returns what the app does next; each reply goes to `provide`, until `PhoneSignInOn`, or a step that says why
    /// not.
    pub async fn turn_on_phone_sign_in(&self, account: AccountId, redirect_uri: String) -> Result<Step> {
        Ok(self.0.turn_on_phone_sign_in(account, redirect_uri).await?)
    }

    /// Goes on with turning phone sign-in on after it was cut off.
    pub async fn continue_phone_sign_in(&self, ticket: Ticket) -> Result<Step> {
        Ok(self.0.continue_phone_sign_in(ticket).await?)
    }

    /// Brings what a step asked for, and returns the next one.
    pub async fn provide(&self, ticket: Ticket, reply: Reply) -> Result<Step> {
        Ok(self.0.provide(ticket, reply).await?)
    }

    /// Turns phone sign-in off: the key is destroyed at once, the service is told now or later. Requests after a
    /// password go on working.
    pub async fn turn_off_phone_sign_in(&self, account: AccountId) -> Result<Ending> {
        Ok(self.0.turn_off_phone_sign_in(account).await?)
    }

    /// The app came to the front: looks at the device lock again and takes over what a notification extension found.
    pub async fn foregrounded(&self) -> Result<()> {
        Ok(self.0.foregrounded().await?)
    }

    /// Mutes an account until `until`, for a day at most, and says when it ends: its prompts are kept and listed, and
    /// alert nobody. They can be answered, denied and reported as ever.
    pub async fn mute(&self, account: AccountId, until: Timestamp) -> Result<Timestamp> {
        Ok(self.0.mute(account, until).await?)
    }

    /// Lets an account alert again.
    pub async fn unmute(&self, account: AccountId) -> Result<()> {
        Ok(self.0.unmute(account).await?)
    }

    /// The platform has handed out another push address: every service is told, now or later.
    ///
    /// Addresses are renewed once a month without this call too.
    pub async fn push_address_changed(&self) -> Result<()> {
        Ok(self.0.push_address_changed().await?)
    }

    /// How pushes fare for an account; looks at the device's settings anew each time.
    pub async fn push_health(&self, account: AccountId) -> Result<PushHealth> {
        Ok(self.0.push_health(account).await?)
    }

    /// "Send me a test": has the service send a push that only shows that pushes arrive, at most one a minute.
    ///
    /// When it comes, `push_received` says `Test`, and `PushHealth.last_received` moves.
    pub async fn test_push(&self, account: AccountId) -> Result<PushTest> {
        Ok(self.0.test_push(account).await?)
    }

    /// Takes a notice off the screen; the service is told that it was seen.
    pub async fn dismiss_notice(&self, account: AccountId, notice: String) -> Result<()> {
        Ok(self.0.dismiss_notice(account, notice).await?)
    }

    /// Acts that can go on or be given up, oldest first.
    pub async fn pending_steps(&self) -> Result<Vec<Step>> {
        Ok(self.0.pending_steps().await?)
    }

    /// Handles one push; what can't be decrypted and verified is dropped without an error.
    pub async fn push_received(&self, slot: Vec<u8>, body: Vec<u8>) -> Result<PushEffect> {
        Ok(self.0.push_received(slot, body).await?.into())
    }

    /// Asks every service for what waits, and takes over what a notification extension has found.
    /// `Opened` says that the person opened the app.
    pub async fn check_for_prompts(&self, reason: FetchReason) -> Result<Checked> {
        Ok(self.0.check_for_prompts(reason).await?.into())
    }

    /// Approves a prompt with the number that the page shows.
    ///
    /// Returns `Sign` when the person must unlock the sign-in key first (bring the signature by `provide`),
    /// `MissingLock` when there is no lock to do it with. Else `Done` with what the service said, or `Queued` when it
    /// can't be reached: then the signed decision is stored and goes out by itself.
    pub async fn approve(&self, prompt: PromptId, number: String) -> Result<Step> {
        Ok(self.0.approve(prompt, number).await?)
    }

    /// Denies a prompt; never needs the person to unlock anything.
    pub async fn deny(&self, prompt: PromptId) -> Result<Step> {
        Ok(self.0.deny(prompt).await?)
    }

    /// "It wasn't me": ends what was asked, and what an approval gave, within a day.
    pub async fn report(&self, prompt: PromptId) -> Result<Step> {
        Ok(self.0.report(prompt).await?)
    }

    /// How far what the person last decided about a prompt has got; none when nothing is on its way.
    pub async fn delivery(&self, prompt: PromptId) -> Result<Option<Delivery>> {
        Ok(self.0.delivery(prompt).await?)
    }

    /// Every account on this phone, oldest first.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        Ok(self.0.accounts().await?)
    }

    /// Takes an account off this phone, and tells the service now or later.
    pub async fn remove(&self, account: AccountId) -> Result<Ending> {
        Ok(self.0.remove(account).await?)
    }

    /// Lets an account be asked again after three wrong numbers.
    pub async fn unblock(&self, account: AccountId) -> Result<()> {
        Ok(self.0.unblock(account).await?)
    }
}
