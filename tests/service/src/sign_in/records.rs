//! What is stored of browsers: attempts to sign in, sessions, browsers known to an account.

use serde::{Deserialize, Serialize};

use crate::clock::{DAY, HOUR, MINUTE, Time};
use crate::enrollment;
use crate::openid::records::{AuthorizationRequest, Token};
use crate::people::Person;
use crate::phone_sign_in::records::Registration;
use crate::prompts::records::{Kind, Owner};
use crate::sign_in::flow::Flow;
use crate::store::{Record, StoreError, Table, Tx};

const ATTEMPT_LIFE: Time = 30 * MINUTE;
const SESSION_LIFE: Time = 8 * HOUR;
const KNOWN_LIFE: Time = 90 * DAY;
/// An approval this young lets a session change its methods.
const FRESH: Time = 10 * MINUTE;
/// A password or pass that was right may start further requests this long.
const PROOF_LIFE: Time = 10 * MINUTE;

/// One browser's attempt to sign in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attempt {
    /// Its cookie, hashed.
    pub id: String,
    /// What its ceremonies belong to; stays when the cookie changes, so that a newer one replaces an older one.
    pub transaction: String,
    /// When it ends.
    pub expires_at: Time,
    /// The name that was typed.
    pub user_name: Option<String>,
    /// Whose password or pass was right.
    pub proven: Option<Proven>,
    /// Whose password was right, and must be changed before it proves anything.
    pub must_change: Option<Proven>,
    /// The ceremony that waits.
    pub ceremony: Option<String>,
    /// What the person came for.
    #[serde(default)]
    pub flow: Flow,
    /// Which device is to be registered, when that is what the person came for.
    pub registration: Option<Registration>,
    /// Whether everything but the person's consent is there to register or add the phone.
    pub may_register: bool,
    /// The page of a browser that proved nothing.
    pub unproven: Option<Unproven>,
}

/// Who somebody has proved to be before a phone was asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Proven {
    /// Whose account.
    pub account_id: String,
    /// When.
    pub at: Time,
    /// By what.
    pub by: Secret,
    /// When the password was set that was typed: a later one takes the word of this one away.
    #[serde(default)]
    pub password_since: Time,
}

impl Proven {
    /// Whether it was a short while ago.
    #[must_use]
    pub fn is_fresh(&self, now: Time) -> bool {
        now - self.at < PROOF_LIFE
    }

    /// Whether it still says anything: by a password that was changed meanwhile nobody is proved to be anybody.
    #[must_use]
    pub fn still_counts(&self, person: &Person) -> bool {
        let same_password = self.by == Secret::Pass || self.password_since == person.password_changed_at;
        same_password && !person.suspended
    }
}

/// What somebody typed to prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Secret {
    /// The password.
    Password,
    /// A pass.
    Pass,
}

/// What a browser that proved nothing is shown; the same whether a ceremony lies behind it or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unproven {
    /// The number.
    pub number: String,
    /// When it ends.
    pub ends_at: Time,
}

impl Record for Attempt {
    const TABLE: Table = Table::Attempts;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        ""
    }

    fn expires_at(&self) -> Option<Time> {
        Some(self.expires_at)
    }
}

impl Attempt {
    /// A fresh one.
    #[must_use]
    pub fn new(id: String, now: Time) -> Self {
        Self {
            transaction: id.clone(),
            id,
            expires_at: now + ATTEMPT_LIFE,
            user_name: None,
            proven: None,
            must_change: None,
            ceremony: None,
            flow: Flow::default(),
            registration: None,
            may_register: false,
            unproven: None,
        }
    }

    /// Whose its ceremonies are.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner::Attempt(self.transaction.clone())
    }

    /// What the person is signing in to, as far as it was named.
    #[must_use]
    pub fn for_what(&self) -> Option<&str> {
        match &self.registration {
            Some(registration) => Some(registration.purpose.words()),
            None => self.flow.application(),
        }
    }

    /// Who proved a short while ago who they are.
    #[must_use]
    pub fn account(&self, now: Time) -> Option<&str> {
        self.proven.as_ref().filter(|proven| proven.is_fresh(now)).map(|proven| proven.account_id.as_str())
    }
}

/// A signed-in browser.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    /// Its cookie, hashed.
    pub id: String,
    /// Whose.
    pub account_id: String,
    /// When it ends.
    pub expires_at: Time,
    /// When the person proved who they are.
    pub authenticated_at: Time,
    /// What was really used.
    pub used: Used,
    /// When a number was last approved for it.
    pub approved_at: Option<Time>,
    /// The wizard that is open.
    pub enrollment: Option<String>,
    /// The ceremony that waits.
    pub ceremony: Option<String>,
    /// The change that it waits to have approved.
    pub change: Option<Change>,
    /// When adding a method was approved; good for one wizard.
    pub may_add_at: Option<Time>,
    /// Which application is waiting.
    pub request: Option<AuthorizationRequest>,
}

impl Record for Session {
    const TABLE: Table = Table::Sessions;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        &self.account_id
    }

    fn expires_at(&self) -> Option<Time> {
        Some(self.expires_at)
    }
}

impl Session {
    /// A fresh one.
    #[must_use]
    pub fn new(id: String, account_id: String, used: Used, now: Time) -> Self {
        Self {
            id,
            account_id,
            expires_at: now + SESSION_LIFE,
            authenticated_at: now,
            used,
            approved_at: used.has_phone().then_some(now),
            enrollment: None,
            ceremony: None,
            change: None,
            // A pass is made for adding a phone: nobody else needs to be asked.
            may_add_at: (used == Used::Pass).then_some(now),
            request: None,
        }
    }

    /// Whether the person signed in, or approved a number for it, in the last ten minutes.
    #[must_use]
    pub fn is_fresh(&self, now: Time) -> bool {
        self.approved_at.is_some_and(|at| now - at < FRESH)
    }

    /// Whether adding a method was approved in the last ten minutes.
    #[must_use]
    pub fn may_add(&self, now: Time) -> bool {
        self.may_add_at.is_some_and(|at| now - at < FRESH)
    }

    /// The same session, after a number was approved for it.
    #[must_use]
    pub fn approved(self, now: Time) -> Self {
        let used = match self.used {
            Used::Password | Used::PasswordAndPhone => Used::PasswordAndPhone,
            Used::Pass | Used::PassAndPhone => Used::PassAndPhone,
            Used::Phone => Used::Phone,
        };
        Self { used, approved_at: Some(now), ..self }
    }
}

/// A change of the account that needs an approval of its own kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Adding a method.
    AddMethod,
    /// Removing this device.
    RemoveMethod(String),
    /// This device is lost.
    ReportLost(String),
    /// Making a pass for oneself.
    CreatePass,
}

impl Change {
    /// The kind of approval it needs.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::AddMethod => Kind::AddMethod,
            Self::RemoveMethod(_) => Kind::RemoveMethod,
            Self::ReportLost(_) => Kind::ReportLost,
            Self::CreatePass => Kind::CreatePass,
        }
    }
}

/// What a person has really used to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Used {
    /// A password alone.
    Password,
    /// A password, then a number approved by the device key.
    PasswordAndPhone,
    /// A pass alone.
    Pass,
    /// A pass, then a number approved by the device key.
    PassAndPhone,
    /// A number approved by the sign-in key, which asked the person.
    Phone,
}

impl Used {
    /// Whether a phone has approved.
    #[must_use]
    pub fn has_phone(self) -> bool {
        matches!(self, Self::PasswordAndPhone | Self::PassAndPhone | Self::Phone)
    }

    /// What was typed, where something was.
    #[must_use]
    pub fn secret(self) -> Option<Secret> {
        match self {
            Self::Password | Self::PasswordAndPhone => Some(Secret::Password),
            Self::Pass | Self::PassAndPhone => Some(Secret::Pass),
            Self::Phone => None,
        }
    }

    /// `amr` (RFC 8176). Without attestation a key is `pop`, never `hwk`; finger, face and PIN are not told apart.
    #[must_use]
    pub fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Password => &["pwd"],
            Self::PasswordAndPhone => &["pwd", "pop", "mfa"],
            Self::Pass => &["otp"],
            Self::PassAndPhone => &["otp", "pop", "mfa"],
            Self::Phone => &["pop", "user", "mfa"],
        }
    }

    /// `acr` (OpenID Connect Core section 2).
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Password | Self::Pass => "pwd",
            Self::PasswordAndPhone | Self::PassAndPhone => "mfa",
            Self::Phone => "phone",
        }
    }
}

/// A browser that an account has used before.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KnownBrowser {
    /// Its cookie, hashed, with the account: one browser may be known to several.
    pub id: String,
    /// To whom.
    pub account_id: String,
    /// When it is forgotten.
    pub expires_at: Time,
}

impl Record for KnownBrowser {
    const TABLE: Table = Table::KnownBrowsers;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        &self.account_id
    }

    fn expires_at(&self) -> Option<Time> {
        Some(self.expires_at)
    }
}

impl KnownBrowser {
    /// Known from now on.
    #[must_use]
    pub fn new(cookie: &str, account_id: &str, now: Time) -> Self {
        let id = Self::id_of(cookie, account_id);
        Self { id, account_id: account_id.to_owned(), expires_at: now + KNOWN_LIFE }
    }

    /// Its id for a cookie and an account.
    #[must_use]
    pub fn id_of(cookie: &str, account_id: &str) -> String {
        crate::secrets::hashed(format!("{account_id} {cookie}").as_bytes())
    }
}

/// Keeps what changed in a session, unless it was ended meanwhile: a report must not be undone by a page that
/// was still at work.
pub fn keep_session(tx: &mut Tx<'_>, session: &Session) -> Result<(), StoreError> {
    match tx.get::<Session>(&session.id)? {
        Some(_still_there) => tx.put(session),
        None => Ok(()),
    }
}

/// Ends a session with everything that hangs on it.
pub fn end_session(tx: &mut Tx<'_>, id: &str, now: Time) -> Result<(), StoreError> {
    let Some(session) = tx.get::<Session>(id)? else {
        return Ok(());
    };
    tx.delete::<Session>(id)?;
    for token in tx.children::<Token>(id)? {
        tx.delete::<Token>(&token.id)?;
    }
    enrollment::acts::end_of_session(tx, &session.account_id, id, now)
}
