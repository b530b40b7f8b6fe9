//! The steps of a scene, the state between them, and the browsers, phones and acts that they name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use countersign_service::clock::Time;
use countersign_service::devices::device::Device;
use countersign_service::jose::{Jwk, SigningKey};
use countersign_service::policy::document::TokenScope;
use countersign_service::prompts::ceremony::Ceremony;
use countersign_service::prompts::change::{Act as Administered, Change};

use crate::faults::Fault;
use crate::ledger::Ledger;
use crate::rows::Rows;

/// A step of a scene.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// A new phone pushes an authorization request, to be added by signing in.
    Push(Phone),
    /// A browser opens the request of a phone.
    Open(Browser, Phone),
    /// The password or a pass of Alice's account is typed in a browser.
    Type(Browser, Secret),
    /// The service asks Alice's phones about the attempt of a browser.
    Ask(Browser),
    /// A browser starts a session with a password or a pass alone.
    FirstSession(Browser),
    /// A browser starts a session with an approval.
    SignIn(Browser),
    /// The person in a browser agrees to add a phone, and types the digits that this phone shows.
    Agree(Browser, Phone),
    /// A phone redeems its authorization code.
    Redeem(Phone),
    /// A phone adds itself with its token.
    UseToken(Phone),
    /// The first browser's person starts a change in the session of the second browser.
    StepUp(Browser, Browser, Wish),
    /// The session of a browser makes the change for which it waits.
    Finish(Browser),
    /// The wizard starts in the session of a browser.
    Wizard(Browser),
    /// The wizard starts in the session of a browser with the other browser's code. This is how a session starts a second
    /// wizard.
    AnotherWizard(Browser),
    /// A phone binds with the code of a browser's wizard.
    Bind(Phone, Browser),
    /// The digits of a phone are typed into a browser's wizard.
    Digits(Browser, Phone),
    /// A phone approves a ceremony.
    Approve(Phone, String),
    /// A phone reports a ceremony: "It wasn't me."
    Report(Phone, String),
    /// The operator makes an administrative act.
    Operate(Act),
    /// The operator sets the password of Alice's account.
    SetPassword,
    /// The person in a browser changes the password that must be changed.
    ChangePassword(Browser),
    /// Time advances to the next moment of the scene.
    Wait,
}

/// A state of a scene.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// The rows of the service.
    pub rows: Rows,
    /// What has given what, and what was used up.
    pub ledger: Ledger,
    /// The faults.
    pub faults: BTreeSet<Fault>,
    /// How many moments have passed.
    pub(crate) tick: usize,
    /// How often each step with a limit has happened.
    pub(crate) done: BTreeMap<Event, u8>,
    /// How many prompts of Mallory Alice has approved by mistake.
    pub(crate) mistakes: u8,
    /// The phones that hold an authorization code, and those that hold a token.
    pub(crate) codes: BTreeSet<Phone>,
    pub(crate) tokens: BTreeSet<Phone>,
}

impl State {
    /// How often a step with a limit has happened.
    #[must_use]
    pub fn times(&self, event: &Event) -> u8 {
        self.done.get(event).copied().unwrap_or(0)
    }
}

/// A browser, named after the person who uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Browser {
    /// Alice's browser.
    Alice,
    /// Mallory's browser.
    Mallory,
}

/// Both browsers.
pub(crate) const BROWSERS: [Browser; 2] = [Browser::Alice, Browser::Mallory];

impl Browser {
    /// The id of this browser's attempt.
    #[must_use]
    pub fn attempt(self) -> String {
        format!("attempt of {self:?}")
    }

    /// The id of this browser's session.
    #[must_use]
    pub fn session(self) -> String {
        format!("session of {self:?}")
    }

    /// The other browser.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Alice => Self::Mallory,
            Self::Mallory => Self::Alice,
        }
    }

    /// The cookie that identifies a known browser.
    pub(crate) fn cookie(self) -> String {
        format!("{self:?}")
    }

    /// The first letter of the names of this person's ceremonies.
    fn letter(self) -> char {
        match self {
            Self::Alice => 'a',
            Self::Mallory => 'm',
        }
    }

    /// The name of the next ceremony that this person starts.
    pub(crate) fn next_ceremony(self, rows: &Rows) -> String {
        let before = rows.all::<Ceremony>().into_iter().filter(|one| one.id.starts_with(self.letter()));
        format!("{}{}", self.letter(), before.count() + 1)
    }
}

/// Whether Alice has started this ceremony. Alice's own page shows its number.
pub(crate) fn is_asked_by_alice(ceremony: &Ceremony) -> bool {
    ceremony.id.starts_with(Browser::Alice.letter())
}

/// A phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phone {
    /// The phone that Alice has from the beginning.
    Alices,
    /// A new phone of Alice.
    AlicesNew,
    /// The phone of Mallory's own account.
    Mallorys,
    /// Another phone of Mallory.
    MallorysNew,
}

/// All phones.
pub(crate) const ALL: [Phone; 4] = [Phone::Alices, Phone::AlicesNew, Phone::Mallorys, Phone::MallorysNew];
/// The push secret of every phone.
pub(crate) const AUTH: [u8; 16] = [9; 16];

impl Phone {
    /// The id of the device that this phone becomes.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Alices => "phone-of-alice",
            Self::AlicesNew => "phone-of-a2",
            Self::Mallorys => "phone-of-mallory",
            Self::MallorysNew => "phone-of-m2",
        }
    }

    /// Returns the phone of a device.
    #[must_use]
    pub fn of(device_id: &str) -> Option<Self> {
        ALL.into_iter().find(|phone| device_id.trim_end_matches('+') == phone.id())
    }

    /// Whether the phone is Mallory's.
    #[must_use]
    pub fn is_mallorys(self) -> bool {
        matches!(self, Self::Mallorys | Self::MallorysNew)
    }

    /// Returns the active device of this phone.
    #[must_use]
    pub fn active(self, rows: &Rows) -> Option<Device> {
        rows.all::<Device>().into_iter().find(|device| device.is_active() && Self::of(&device.id) == Some(self))
    }

    /// Gives a new device of this phone its name. A phone that is added again gets another name.
    pub(crate) fn name(self, rows: &mut Rows, by_chance: &str) {
        if Self::of(by_chance).is_none() {
            let mut name = self.id().to_owned();
            while rows.maybe::<Device>(&name).is_some() {
                name.push('+');
            }
            rows.rename(by_chance, &name);
        }
    }

    /// The device key.
    pub(crate) fn key(self) -> &'static Jwk {
        &KEYS[&self].0
    }

    /// The push key of a scene is the device key: its point.
    pub(crate) fn point(self) -> &'static [u8; 65] {
        &KEYS[&self].1
    }
}

/// The keys of the phones. They are computed once, because computing with elliptic curves is slow.
static KEYS: LazyLock<BTreeMap<Phone, (Jwk, [u8; 65])>> = LazyLock::new(|| {
    let keys = ALL.into_iter().zip(1_u8..).map(|(phone, scalar)| {
        let key = SigningKey::from_scalar(&[scalar; 32]).expect("a key can't be created");
        let point = key.public().point().ok().and_then(|point| point.try_into().ok());
        (phone, (key.public().clone(), point.expect("the key's point can't be read")))
    });
    keys.collect()
});

/// What a person types to prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Secret {
    /// The password.
    Password,
    /// The newest pass that the person has seen.
    Pass,
}

/// A change that a session asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wish {
    /// Adding a phone.
    Add,
    /// Removing a phone.
    Remove(Phone),
    /// Reporting a phone lost.
    Lose(Phone),
    /// Creating a pass.
    MakePass,
    /// An administrative act.
    Act(Act),
}

/// An administrative act, about an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// Creates a pass.
    MakePass(&'static str),
    /// Makes the person an administrator.
    MakeAdministrator(&'static str),
    /// Removes the role of an administrator.
    RemoveAdministrator(&'static str),
    /// Suspends the person.
    Suspend(&'static str),
    /// Ends the suspension.
    Resume(&'static str),
    /// Reports a phone lost.
    Lose(&'static str, Phone),
    /// Removes every phone.
    Reset(&'static str),
    /// Makes the policy require a pass for the first phone (true), or no longer (false).
    NeedPass(bool),
    /// Turns the policy off, so that nobody may use the app.
    TurnOff,
    /// Creates an API token for oneself.
    MakeApiToken,
}

impl Act {
    /// Returns the service's form of this act.
    #[must_use]
    pub fn made(self) -> Administered {
        match self {
            Self::MakePass(account) => Administered::MakePass(account.to_owned()),
            Self::MakeAdministrator(account) => Administered::MakeAdministrator(account.to_owned()),
            Self::RemoveAdministrator(account) => Administered::RemoveAdministrator(account.to_owned()),
            Self::Suspend(account) => Administered::Suspend(account.to_owned()),
            Self::Resume(account) => Administered::Resume(account.to_owned()),
            Self::Lose(account, phone) => {
                let (account, device) = (account.to_owned(), phone.id().to_owned());
                Administered::ReportLost { account, device, since: Time::MIN }
            }
            Self::Reset(account) => Administered::Reset(account.to_owned()),
            Self::NeedPass(needed) => {
                let bootstrap = if needed { "pass" } else { "password" };
                Administered::ChangePolicy(serde_json::json!({ "countersign": { "bootstrap": bootstrap } }))
            }
            Self::TurnOff => Administered::ChangePolicy(serde_json::json!({ "state": "disabled" })),
            Self::MakeApiToken => {
                Administered::MakeApiToken { name: "token".to_owned(), scope: TokenScope::ChangePolicy }
            }
        }
    }
}

impl Wish {
    pub(crate) fn change(self) -> Change {
        match self {
            Self::Add => Change::AddMethod,
            Self::Remove(phone) => Change::RemoveMethod(phone.id().to_owned()),
            Self::Lose(phone) => Change::ReportLost { device: phone.id().to_owned(), since: Time::MIN },
            Self::MakePass => Change::CreatePass,
            Self::Act(act) => Change::Administer(act.made()),
        }
    }
}
