//! What a screen shows beside prompts, as plain records, and what it hands in.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use countersign::{
    Account, AccountHealth, AccountId, Ending, FetchReason, NextStep, Notice, NoticeKind, Origin, OtherCode,
    PhoneSignIn, PushDelivery, PushHealth, PushTest, QuietOrigin, RemovalCause, Ticket, Timestamp,
};

use crate::error::CountersignError;
use crate::prompts::Prompt;
use crate::steps::Step;

uniffi::custom_type!(AccountId, String, {
    remote,
    lower: |id| id.0,
    try_lift: |id| Ok(AccountId(id)),
});

uniffi::custom_type!(Ticket, String, {
    remote,
    lower: |ticket| ticket.0,
    try_lift: |ticket| Ok(Ticket(ticket)),
});

uniffi::custom_type!(Timestamp, SystemTime, {
    remote,
    lower: |time| UNIX_EPOCH.checked_add(Duration::from_secs(time.0)).unwrap_or(UNIX_EPOCH),
    try_lift: |time| Ok(Timestamp(time.duration_since(UNIX_EPOCH)?.as_secs())),
});

/// Where the authenticator keeps its things.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Folders {
    /// Private to the app: the database.
    pub home: String,
    /// Shared with the notification extension, where there is one (`Inbox`); else any folder of the app.
    pub inbox: String,
}

impl From<Folders> for countersign::Folders {
    fn from(folders: Folders) -> Self {
        Self { home: PathBuf::from(folders.home), inbox: PathBuf::from(folders.inbox) }
    }
}

/// A code as the person has it.
#[derive(uniffi::Enum)]
pub enum CodeInput {
    /// What a camera read.
    Text {
        /// The text in the code.
        text: String,
    },
    /// A PNG or JPEG picture of a screen.
    Picture {
        /// The whole file.
        bytes: Vec<u8>,
    },
    /// The typed code with the address shown beside it.
    Typed {
        /// Twelve characters; case, spaces and hyphens don't matter.
        code: String,
        /// The service's address without `https://`.
        address: String,
    },
}

impl From<CodeInput> for countersign::CodeInput {
    fn from(input: CodeInput) -> Self {
        match input {
            CodeInput::Text { text } => Self::Text { text },
            CodeInput::Picture { bytes } => Self::Picture { bytes },
            CodeInput::Typed { code, address } => Self::Typed { code, address },
        }
    }
}

/// An invitation to an account, not yet looked up.
#[derive(uniffi::Object)]
pub struct Invite(pub(crate) countersign::Invite);

#[uniffi::export]
impl Invite {
    /// The service that the code names; nothing is verified yet.
    pub fn issuer(&self) -> String {
        self.0.issuer().as_str().to_owned()
    }
}

/// What a code turned out to be.
#[derive(uniffi::Enum)]
pub enum Scanned {
    /// An invitation to an account.
    Invited {
        /// To look it up.
        invite: Arc<Invite>,
    },
    /// Something else, so that the app can say what.
    Other {
        /// What it looks like.
        kind: OtherCode,
    },
}

impl From<countersign::Scanned> for Scanned {
    fn from(scanned: countersign::Scanned) -> Self {
        match scanned {
            countersign::Scanned::Invite(invite) => Self::Invited { invite: Arc::new(Invite(invite)) },
            countersign::Scanned::Other(kind) => Self::Other { kind },
        }
    }
}

/// What a code that is not ours looks like.
#[uniffi::remote(Enum)]
pub enum OtherCode {
    /// An invitation of a newer version: the app needs an update.
    NewerVersion,
    /// A code for one-time codes (`otpauth:`).
    OneTimeCode,
    /// A code for another authenticator app.
    OtherAuthenticator,
    /// A passkey sign-in for the phone's camera.
    Passkey,
    /// A web address.
    WebAddress,
    /// A wireless network.
    Wifi,
    /// A contact card.
    Contact,
    /// None of these.
    Unknown,
}

/// An account as the person sees it.
#[uniffi::remote(Record)]
pub struct Account {
    /// This phone's name for it.
    pub id: AccountId,
    /// The sign-in service, verified: `https://host[:port]`.
    pub issuer: String,
    /// The part of the issuer that people read.
    pub host: String,
    /// The organization, as the service claims.
    pub organization: String,
    /// The person's user name there, as the service claims.
    pub user_name: String,
    /// Whether it works, and if not, why.
    pub health: AccountHealth,
    /// Whether it signs in without a password.
    pub phone_sign_in: PhoneSignIn,
    /// When it was added, by this phone's clock.
    pub added_at: Timestamp,
    /// Until when the person has muted it: its prompts come, and alert nobody.
    pub muted_until: Option<Timestamp>,
    /// The origins that come without an alert, since too many of their prompts were in vain.
    pub quiet_origins: Vec<QuietOrigin>,
}

/// An origin whose prompts come without an alert at present.
#[uniffi::remote(Record)]
pub struct QuietOrigin {
    /// Which one.
    pub origin: Origin,
    /// Until when, by this phone's clock; an approval ends it before.
    pub until: Timestamp,
}

/// Whether an account signs in without a password.
#[uniffi::remote(Enum)]
pub enum PhoneSignIn {
    /// It does.
    On,
    /// It does not, and may be turned on.
    Off,
    /// It does not, since the organization does not allow it; a key that it was turned on with waits until it does, or
    /// until it is turned off.
    NotAllowed,
}

/// Whether an account works, and if not, why; `next_step` says what to do.
#[uniffi::remote(Enum)]
pub enum AccountHealth {
    /// Added, and the service still waits for the digits.
    Pending,
    /// Everything works.
    Active,
    /// Phone sign-in rests until the device has a lock again; requests after a password still work.
    Paused,
    /// The sign-in key ended because the device's biometrics or lock changed; requests after a password still work.
    SignInKeyInvalidated,
    /// The key store no longer has the sign-in key; requests after a password still work.
    SignInKeyLost,
    /// The key store no longer has the device key: the account can't answer anything.
    DeviceKeyLost,
    /// The organization has suspended the person's sign-in.
    Suspended,
    /// The organization's policy does not allow this app at present.
    LimitedByPolicy,
    /// The service's keys changed in a way that nothing vouches for.
    IdentityChanged,
    /// The service speaks a newer protocol than this app.
    UpdateNeeded,
    /// It was restored from another device, whose keys stayed there: it can't answer anything here.
    RestoredElsewhere,
    /// The service took this phone off the account.
    RemovedByService {
        /// Why.
        cause: RemovalCause,
    },
}

/// What helps an account that does not work.
#[uniffi::remote(Enum)]
pub enum NextStep {
    /// Nothing is needed.
    Nothing,
    /// Type the digits into the page that waits for them.
    FinishAdding,
    /// Set a lock in the device's settings.
    SetDeviceLock,
    /// Turn phone sign-in on again.
    TurnOnPhoneSignIn,
    /// Add the account again.
    AddAgain,
    /// Ask the organization's administrator.
    AskAdministrator,
    /// Install the newest version of the app.
    UpdateApp,
}

/// What the person can do about an account's health.
#[uniffi::export]
pub fn next_step(health: AccountHealth) -> NextStep {
    health.next_step()
}

/// Something that happened to an account, told to each of its phones until it was shown.
#[uniffi::remote(Record)]
pub struct Notice {
    /// Names it, to dismiss it.
    pub id: String,
    /// On which account.
    pub account: AccountId,
    /// What happened.
    pub kind: NoticeKind,
    /// When, by this phone's clock.
    pub at: Timestamp,
}

/// What happened.
#[uniffi::remote(Enum)]
pub enum NoticeKind {
    /// A phone was added.
    MethodAdded,
    /// A phone was removed.
    MethodRemoved,
    /// Phone sign-in was turned on, on another phone.
    PhoneSignInOn,
    /// Phone sign-in was turned off, on another phone.
    PhoneSignInOff,
    /// A phone was reported as lost.
    PhoneLost,
    /// A pass was made for this account.
    PassCreated,
    /// A browser that this account never used has signed in.
    NewBrowser,
}

/// Why the service took this phone off an account.
#[uniffi::remote(Enum)]
pub enum RemovalCause {
    /// "That's not my phone" was chosen in the wizard.
    NotMyPhone,
    /// Wrong digits three times.
    WrongDigits,
    /// The wizard was closed or cancelled.
    Cancelled,
    /// The ten minutes were over.
    Expired,
    /// This phone gave it up while it waited.
    Abandoned,
    /// This phone removed itself.
    RemovedByPhone,
    /// The person removed it on the security-info page.
    RemovedByPerson,
    /// An operator removed it.
    RemovedByOperator,
    /// It was reported as lost.
    Lost,
}

/// How adding an account ended.
#[derive(uniffi::Enum)]
pub enum EnrollmentEnd {
    /// The account works.
    Active {
        /// The account.
        account: Account,
    },
    /// The service ended it; nothing is left on this phone.
    Ended {
        /// Why.
        cause: RemovalCause,
    },
}

impl From<countersign::EnrollmentEnd> for EnrollmentEnd {
    fn from(end: countersign::EnrollmentEnd) -> Self {
        match end {
            countersign::EnrollmentEnd::Active { account } => Self::Active { account },
            countersign::EnrollmentEnd::Ended { cause } => Self::Ended { cause },
        }
    }
}

/// Everything a screen shows, at one moment.
#[derive(uniffi::Record)]
pub struct Snapshot {
    /// Rises with every change; hand it to `changed_since`.
    pub revision: u64,
    /// Oldest first; pending ones are among `pending`.
    pub accounts: Vec<Account>,
    /// Prompts that wait for the person or the service, or whose outcome came in the last minute; oldest first.
    pub prompts: Vec<Prompt>,
    /// Acts that can go on or be given up.
    pub pending: Vec<Step>,
    /// What happened to the accounts and was not dismissed, newest first.
    pub notices: Vec<Notice>,
}

impl From<countersign::Snapshot> for Snapshot {
    fn from(snapshot: countersign::Snapshot) -> Self {
        Self {
            revision: snapshot.revision,
            accounts: snapshot.accounts,
            prompts: snapshot.prompts.iter().map(Prompt::from).collect(),
            pending: snapshot.pending.into_iter().map(Step::from).collect(),
            notices: snapshot.notices,
        }
    }
}

/// Why the app asks for prompts.
#[uniffi::remote(Enum)]
pub enum FetchReason {
    /// The person opened the app.
    Opened,
    /// A push could not be read, or came before its account was active.
    Push,
    /// The app asks on its own.
    Poll,
}

/// What "check for requests" found.
#[derive(uniffi::Record)]
pub struct Checked {
    /// Every prompt that waits for the person.
    pub prompts: Vec<Prompt>,
    /// Accounts whose service could not be asked.
    pub unreachable: Vec<Unreachable>,
}

/// An account whose service could not be asked, and why.
#[derive(uniffi::Record)]
pub struct Unreachable {
    /// Which one.
    pub account: AccountId,
    /// Why.
    pub cause: CountersignError,
}

impl From<countersign::Checked> for Checked {
    fn from(checked: countersign::Checked) -> Self {
        let unreachable = checked.unreachable.into_iter();
        Self {
            prompts: checked.prompts.iter().map(Prompt::from).collect(),
            unreachable: unreachable.map(|(account, error)| Unreachable { account, cause: error.into() }).collect(),
        }
    }
}

/// How pushes fare for one account. Without them requests are still found by opening the app.
#[uniffi::remote(Record)]
pub struct PushHealth {
    /// What this device does with pushes for the app.
    pub delivery: PushDelivery,
    /// When one last came for this account and was found genuine, by this phone's clock; none before the first.
    pub last_received: Option<Timestamp>,
    /// Whether the service knows where to send them; `false` while a new address waits to be told.
    pub is_address_told: bool,
}

/// What came of asking for a test push.
#[uniffi::remote(Enum)]
pub enum PushTest {
    /// It is on its way.
    Sent,
    /// There was one within the last minute; wait, then ask again.
    TooSoon,
    /// The service has no address for this phone any more; a new one is asked for, then ask again.
    NoAddress,
}

/// How far something got that ends at once on this phone, and that the service must be told.
#[uniffi::remote(Enum)]
pub enum Ending {
    /// The service knows.
    Done,
    /// It has ended here; the service is told as soon as it can be reached.
    ServiceToldLater,
}
