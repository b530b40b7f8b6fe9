//! Lists every grant in the rows, without the service's own list `grants`.

use std::collections::BTreeSet;

use countersign_service::clock::Time;
use countersign_service::devices::device::Device;
use countersign_service::enrollment::state::{Enrollment, State as Stage};
use countersign_service::grants::Kind;
use countersign_service::passes::pass::Pass;
use countersign_service::people::person::Person;
use countersign_service::phone_sign_in::records::PhoneToken;
use countersign_service::phone_sign_in::registration::{RegistrationCode, RegistrationToken};
use countersign_service::policy::records::ApiToken;
use countersign_service::provenance::{Given, Giver};
use countersign_service::sign_in::attempt::Attempt;
use countersign_service::sign_in::records::KnownBrowser;
use countersign_service::sign_in::session::Session;

use crate::rows::Rows;

/// What gives a grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The password that was set at this time.
    Password(Time),
    /// The pass with this id.
    Pass(String),
    /// The approval in this ceremony.
    Approval(String),
    /// The operator, or something else that no report takes back.
    Operator,
}

impl From<&Giver> for Cause {
    fn from(giver: &Giver) -> Self {
        match giver {
            Giver::Password(since) => Self::Password(*since),
            Giver::Pass(id) => Self::Pass(id.clone()),
            Giver::Approval(id) => Self::Approval(id.clone()),
            Giver::DeviceKey(_) | Giver::Operator | Giver::Unrecorded => Self::Operator,
        }
    }
}

/// The name of a grant: its kind and the id of its record.
pub type Thing = (Kind, String);

/// A grant.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// Its kind and id.
    pub(crate) thing: Thing,
    /// The account.
    pub(crate) account: String,
    /// What gave it. A session is given by what started it, and by the last approval in it.
    pub(crate) by: BTreeSet<Cause>,
}

fn one<'a>(kind: Kind, id: &str, account: &str, given: impl IntoIterator<Item = &'a Given>) -> Held {
    let by = given.into_iter().map(|given| Cause::from(&given.by)).collect();
    Held { thing: (kind, id.to_owned()), account: account.to_owned(), by }
}

/// Returns every grant in the rows.
pub(crate) fn held(rows: &Rows) -> Vec<Held> {
    let mut all = Vec::new();
    for attempt in rows.all::<Attempt>() {
        let proven = attempt.proven.as_ref().or(attempt.must_change.as_ref());
        all.extend(proven.map(|proven| one(Kind::Attempt, &attempt.id, &proven.account_id, [&proven.given])));
    }
    for session in rows.all::<Session>() {
        let given = [&session.given].into_iter().chain(&session.approved);
        all.push(one(Kind::Session, &session.id, &session.account_id, given));
    }
    for browser in rows.all::<KnownBrowser>().into_iter().filter(|browser| !browser.forgotten) {
        all.push(one(Kind::KnownBrowser, &browser.id, &browser.account_id, [&browser.given]));
    }
    for person in rows.all::<Person>().into_iter().filter(|person| person.is_administrator) {
        all.push(one(Kind::Administrator, &person.account_id, &person.account_id, &person.administrator_by));
    }
    for token in rows.all::<ApiToken>() {
        all.push(one(Kind::ApiToken, &token.id, &token.account_id, [&token.given]));
    }
    for pass in rows.all::<Pass>().into_iter().filter(|pass| pass.spent_at.is_none()) {
        all.push(one(Kind::Pass, &pass.id, &pass.account_id, [&pass.given]));
    }
    all.extend(phones(rows));
    all
}

fn phones(rows: &Rows) -> Vec<Held> {
    let mut all = Vec::new();
    for code in rows.all::<RegistrationCode>().into_iter().filter(|code| code.token.is_none()) {
        let account = code.registration.account_id.unwrap_or_default();
        all.push(one(Kind::RegistrationCode, &code.id, &account, [&code.given]));
    }
    for token in rows.all::<RegistrationToken>().into_iter().filter(|token| token.spent_by.is_none()) {
        all.push(one(Kind::RegistrationToken, &token.id, &token.account_id, [&token.given]));
    }
    for token in rows.all::<PhoneToken>().into_iter().filter(|token| token.added.is_none()) {
        all.push(one(Kind::PhoneToken, &token.id, &token.account_id, [&token.given]));
    }
    let unfinished = |one: &Enrollment| matches!(one.state, Stage::Open | Stage::Bound);
    for enrollment in rows.all::<Enrollment>().into_iter().filter(unfinished) {
        all.push(one(Kind::Enrollment, &enrollment.scanned.id, &enrollment.account_id, [&enrollment.given]));
    }
    for device in rows.all::<Device>().into_iter().filter(Device::is_active) {
        all.push(one(Kind::Device, &device.id, &device.account_id, [&device.given]));
    }
    all
}
