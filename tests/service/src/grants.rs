//! Lists the grants of an account: every record that allows something now, with what gave it and what holds it.
//!
//! A grant that is *given by* an approval falls when that approval is reported. A grant that is *held by* another grant
//! ends together with its holder.

use crate::clock::Time;
use crate::devices::device::Device;
use crate::enrollment::state::{Enrollment, State};
use crate::openid::records::Token;
use crate::openid::request::Code;
use crate::passes::pass::Pass;
use crate::people::person::Person;
use crate::phone_sign_in::records::PhoneToken;
use crate::phone_sign_in::registration::{Registration, RegistrationCode, RegistrationToken};
use crate::policy::records::ApiToken;
use crate::prompts::ceremony::{Ceremony, Owner};
use crate::prompts::change::Change;
use crate::provenance::Given;
use crate::sign_in::attempt::Attempt;
use crate::sign_in::records::KnownBrowser;
use crate::sign_in::session::Session;
use crate::store::{Record, StoreError, Tx};

/// A record that allows something now.
#[derive(Debug, Clone)]
pub enum Grant {
    /// A verified password or pass, in an attempt to sign in.
    Attempt(Attempt),
    /// A session.
    Session(Session),
    /// A known browser.
    KnownBrowser(KnownBrowser),
    /// An authorization code for an application. After it is redeemed, it is the login at that application.
    Code(Code),
    /// An access token of an application.
    Token(Token),
    /// A pushed authorization request by a device of the account.
    Registration(Registration),
    /// An authorization code for a phone that is not redeemed.
    RegistrationCode(RegistrationCode),
    /// A token that turns phone sign-in on, and is not used.
    RegistrationToken(RegistrationToken),
    /// A token that adds a phone, and is not used.
    PhoneToken(PhoneToken),
    /// An open or bound enrollment, with its pending device.
    Enrollment(Enrollment),
    /// An active device.
    Device(Device),
    /// The sign-in key of an active device.
    SignInKey(Device),
    /// A pass that has added no phone.
    Pass(Pass),
    /// The role of an administrator.
    Administrator(Person),
    /// An administrator's API token.
    ApiToken(ApiToken),
    /// A live ceremony with its prompts, or an approval that is not spent.
    Ceremony(Ceremony),
}

/// The kind of a grant, for the audit log and for tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// See [`Grant::Attempt`].
    Attempt,
    /// See [`Grant::Session`].
    Session,
    /// See [`Grant::KnownBrowser`].
    KnownBrowser,
    /// See [`Grant::Code`].
    Code,
    /// See [`Grant::Token`].
    Token,
    /// See [`Grant::Registration`].
    Registration,
    /// See [`Grant::RegistrationCode`].
    RegistrationCode,
    /// See [`Grant::RegistrationToken`].
    RegistrationToken,
    /// See [`Grant::PhoneToken`].
    PhoneToken,
    /// See [`Grant::Enrollment`].
    Enrollment,
    /// See [`Grant::Device`].
    Device,
    /// See [`Grant::SignInKey`].
    SignInKey,
    /// See [`Grant::Pass`].
    Pass,
    /// See [`Grant::Administrator`].
    Administrator,
    /// See [`Grant::ApiToken`].
    ApiToken,
    /// See [`Grant::Ceremony`].
    Ceremony,
}

/// What holds a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder<'a> {
    /// The session with this id.
    Session(&'a str),
    /// The device with this id.
    Device(&'a str),
    /// The role of an administrator of the account with this id.
    Role(&'a str),
}

impl Grant {
    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Attempt(_) => Kind::Attempt,
            Self::Session(_) => Kind::Session,
            Self::KnownBrowser(_) => Kind::KnownBrowser,
            Self::Code(_) => Kind::Code,
            Self::Token(_) => Kind::Token,
            Self::Registration(_) => Kind::Registration,
            Self::RegistrationCode(_) => Kind::RegistrationCode,
            Self::RegistrationToken(_) => Kind::RegistrationToken,
            Self::PhoneToken(_) => Kind::PhoneToken,
            Self::Enrollment(_) => Kind::Enrollment,
            Self::Device(_) => Kind::Device,
            Self::SignInKey(_) => Kind::SignInKey,
            Self::Pass(_) => Kind::Pass,
            Self::Administrator(_) => Kind::Administrator,
            Self::ApiToken(_) => Kind::ApiToken,
            Self::Ceremony(_) => Kind::Ceremony,
        }
    }

    /// Returns the id of the grant's record.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Attempt(attempt) => attempt.id(),
            Self::Session(session) => session.id(),
            Self::KnownBrowser(browser) => browser.id(),
            Self::Code(code) => code.id(),
            Self::Token(token) => token.id(),
            Self::Registration(registration) => registration.id(),
            Self::RegistrationCode(code) => code.id(),
            Self::RegistrationToken(token) => token.id(),
            Self::PhoneToken(token) => token.id(),
            Self::Enrollment(enrollment) => enrollment.id(),
            Self::Device(device) | Self::SignInKey(device) => device.id(),
            Self::Pass(pass) => pass.id(),
            Self::Administrator(person) => person.id(),
            Self::ApiToken(token) => token.id(),
            Self::Ceremony(ceremony) => ceremony.id(),
        }
    }

    /// Returns what gave the grant, and when. `None` for a grant that its holder gave.
    #[must_use]
    pub fn given(&self) -> Option<&Given> {
        match self {
            Self::Attempt(attempt) => attempt.proven.as_ref().or(attempt.must_change.as_ref()).map(|one| &one.given),
            Self::Session(session) => Some(&session.given),
            Self::KnownBrowser(browser) => Some(&browser.given),
            Self::Registration(registration) => Some(&registration.given),
            Self::RegistrationCode(code) => Some(&code.given),
            Self::RegistrationToken(token) => Some(&token.given),
            Self::PhoneToken(token) => Some(&token.given),
            Self::Enrollment(enrollment) => Some(&enrollment.given),
            Self::Device(device) => Some(&device.given),
            Self::SignInKey(device) => device.sign_in.as_ref().map(|sign_in| &sign_in.given),
            Self::Pass(pass) => Some(&pass.given),
            Self::Administrator(person) => person.administrator_by.as_ref(),
            Self::ApiToken(token) => Some(&token.given),
            Self::Code(_) | Self::Token(_) | Self::Ceremony(_) => None,
        }
    }

    /// Returns everything that gave the grant. A session is given by what started it, and by the last approval in it. A
    /// known browser is given by its first and its last approval.
    pub fn givens(&self) -> impl Iterator<Item = &Given> {
        let last = match self {
            Self::Session(session) => session.approved.as_ref(),
            // GUARD(renewal-falls): a_browser_that_a_fallen_approval_renewed_is_forgotten
            // INSTEAD: Self::KnownBrowser(_) => None,
            Self::KnownBrowser(browser) => browser.renewed.as_ref(),
            _ => None,
        };
        self.given().into_iter().chain(last)
    }

    /// Returns everything that holds the grant. A ceremony of a session is held by this session, an approval is held by
    /// the device that approved, and an administrative act is held by the role.
    #[must_use]
    pub fn holders(&self) -> Vec<Holder<'_>> {
        match self {
            Self::Code(code) => vec![Holder::Session(&code.session)],
            Self::Token(token) => vec![Holder::Session(&token.session)],
            Self::Enrollment(enrollment) => vec![Holder::Session(&enrollment.session)],
            Self::Registration(registration) => registration.purpose.device().map(Holder::Device).into_iter().collect(),
            Self::RegistrationCode(code) => {
                code.registration.purpose.device().map(Holder::Device).into_iter().collect()
            }
            Self::RegistrationToken(token) => vec![Holder::Device(&token.device_id)],
            Self::SignInKey(device) => vec![Holder::Device(&device.id)],
            Self::ApiToken(token) => vec![Holder::Role(&token.account_id)],
            Self::Ceremony(ceremony) => {
                let session = match &ceremony.owner {
                    Owner::Session(session) => Some(Holder::Session(session)),
                    Owner::Attempt(_) => None,
                };
                // GUARD(report-follows-approvals): another_phone_by_signing_in_has_no_fault
                // INSTEAD: let device: Option<Holder<'_>> = None;
                let device = ceremony.decided_by.as_deref().map(Holder::Device);
                // GUARD(role-holds-acts): every_act_ends_what_the_table_says
                // INSTEAD: let administers = false;
                let administers = matches!(ceremony.change, Some(Change::Administer(_)));
                let role = administers.then_some(Holder::Role(&ceremony.account_id));
                session.into_iter().chain(device).chain(role).collect()
            }
            Self::Attempt(_)
            | Self::Session(_)
            | Self::KnownBrowser(_)
            | Self::PhoneToken(_)
            | Self::Device(_)
            | Self::Pass(_)
            | Self::Administrator(_) => Vec::new(),
        }
    }
}

/// Returns every grant of an account.
pub fn of(tx: &mut Tx<'_>, account_id: &str, now: Time) -> Result<Vec<Grant>, StoreError> {
    let mut grants = Vec::new();
    let attempts = tx.children::<Attempt>(account_id)?.into_iter();
    grants.extend(attempts.filter(|attempt| attempt.expires_at > now).map(Grant::Attempt));
    for session in tx.children::<Session>(account_id)? {
        // A code or a token can outlive its session by some minutes.
        grants.extend(tx.children(&session.id)?.into_iter().map(Grant::Code));
        grants.extend(tx.children(&session.id)?.into_iter().map(Grant::Token));
        grants.extend((session.expires_at > now).then_some(Grant::Session(session)));
    }
    let browsers = tx.children::<KnownBrowser>(account_id)?.into_iter();
    grants.extend(browsers.filter(|browser| browser.is_known(now)).map(Grant::KnownBrowser));
    grants.extend(tx.children(account_id)?.into_iter().map(Grant::Registration));
    let codes = tx.children::<RegistrationCode>(account_id)?.into_iter();
    grants.extend(codes.filter(|code| code.token.is_none()).map(Grant::RegistrationCode));
    let tokens = tx.children::<RegistrationToken>(account_id)?.into_iter();
    grants.extend(tokens.filter(|token| token.spent_by.is_none()).map(Grant::RegistrationToken));
    let tokens = tx.children::<PhoneToken>(account_id)?.into_iter();
    grants.extend(tokens.filter(|token| token.added.is_none()).map(Grant::PhoneToken));
    let enrollments = tx.children::<Enrollment>(account_id)?.into_iter();
    let unfinished = |enrollment: &Enrollment| matches!(enrollment.state, State::Open | State::Bound);
    grants.extend(enrollments.filter(unfinished).map(Grant::Enrollment));
    for device in tx.children::<Device>(account_id)?.into_iter().filter(Device::is_active) {
        grants.extend(device.sign_in.is_some().then(|| Grant::SignInKey(device.clone())));
        grants.push(Grant::Device(device));
    }
    let passes = tx.children::<Pass>(account_id)?.into_iter();
    grants.extend(passes.filter(|pass| pass.spent_at.is_none()).map(Grant::Pass));
    let person = tx.get::<Person>(account_id)?.filter(|person| person.is_administrator);
    grants.extend(person.map(Grant::Administrator));
    grants.extend(tx.children(account_id)?.into_iter().map(Grant::ApiToken));
    let ceremonies = tx.children::<Ceremony>(account_id)?.into_iter();
    let allows = |ceremony: &Ceremony| ceremony.is_live(now) || ceremony.is_unspent_approval();
    grants.extend(ceremonies.filter(allows).map(Grant::Ceremony));
    Ok(grants)
}
