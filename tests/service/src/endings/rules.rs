//! Decides which grants an ending ends, as pure functions. `threats.md` contains the same decisions as a table.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Time;
use crate::devices::device::{Cause, Device};
use crate::grants::{Grant, Holder, Kind};
use crate::people::person::Person;
use crate::prompts::ceremony::{Ceremony, Kind as PromptKind, Origin, Owner};
use crate::prompts::change::{Act, Change};
use crate::provenance::{ApprovedBy, Given, Giver};
use crate::sign_in::session::Used;

/// An event that ends grants of one account.
#[derive(Debug, Clone)]
pub enum Ending {
    /// The person reported the ceremony: "It wasn't me".
    Reported(Box<Ceremony>),
    /// The owner changed the password.
    PasswordChanged,
    /// The operator set the password.
    PasswordSet,
    /// The operator or an administrator removed every phone.
    Reset,
    /// The person was suspended.
    Suspended,
    /// The person was deleted.
    Deleted,
    /// A device was reported lost.
    Lost {
        /// The device.
        device: String,
        /// Since when the phone was missing. Everything that it gave since then ends.
        since: Time,
        /// The session in which the loss was reported. This session stays.
        reported_in: Option<String>,
    },
    /// A device was removed.
    Removed {
        /// The device.
        device: String,
        /// Why it was removed.
        cause: Cause,
    },
    /// Phone sign-in was turned off on this device.
    TurnedOff(String),
    /// A phone was added.
    MethodAdded {
        /// The device.
        device: String,
        /// The session of the wizard that added it, if a wizard did.
        wizard: Option<String>,
    },
    /// This session was signed out, or an application's code for it was used twice.
    SignedOut(String),
    /// This browser had too many strikes.
    BrowserForgotten(String),
    /// This enrollment ended without a device.
    EnrollmentEnded {
        /// The enrollment.
        enrollment: String,
        /// Why it ended.
        cause: Cause,
    },
    /// The authorization code of this registration token or phone token was used twice.
    CodeUsedTwice(String),
    /// A new pass replaces the passes that are not spent.
    PassReplaced,
    /// The person is no longer an administrator.
    NoLongerAdministrator,
    /// An administrator revoked this API token.
    ApiTokenRevoked(String),
    /// The policy or the person's groups changed, and no longer allow these grants.
    PolicyChanged(BTreeSet<(Kind, String)>),
}

/// Returns whether an ending ends a grant directly. Grants that the ended grants hold or gave end too: see [`chosen`].
#[must_use]
pub fn ends(ending: &Ending, grant: &Grant) -> bool {
    match ending {
        // GUARD(report-ends-browser): another_phone_by_signing_in_has_no_fault
        // INSTEAD: Ending::Reported(ceremony) => ceremony.id.is_empty() && of_reported(ceremony, grant),
        Ending::Reported(ceremony) => of_reported(ceremony, grant),
        // GUARD(owners-password-ends): revoking_from_a_password_thief_has_no_fault
        // INSTEAD: Ending::PasswordChanged => grant.id().is_empty() && by_password_alone(grant),
        Ending::PasswordChanged => by_password_alone(grant),
        // GUARD(operators-password-ends): revoking_from_a_password_thief_has_no_fault
        // INSTEAD: Ending::PasswordSet => false,
        Ending::PasswordSet => !matches!(grant, Grant::Device(_) | Grant::SignInKey(_) | Grant::Administrator(_)),
        // GUARD(reset-ends): revoking_from_a_password_thief_has_no_fault
        // INSTEAD: Ending::Reset => false,
        Ending::Reset => !matches!(grant, Grant::Administrator(_)),
        Ending::Deleted => true,
        // GUARD(suspension-ends): revoking_from_a_password_thief_has_no_fault, revoking_from_a_stolen_session_has_no_fault
        // INSTEAD: Ending::Suspended => match grant { _ if !grant.id().is_empty() => false,
        Ending::Suspended => match grant {
            Grant::Device(_) | Grant::SignInKey(_) | Grant::KnownBrowser(_) | Grant::Administrator(_) => false,
            Grant::Attempt(_)
            | Grant::Session(_)
            | Grant::Code(_)
            | Grant::Token(_)
            | Grant::Registration(_)
            | Grant::RegistrationCode(_)
            | Grant::RegistrationToken(_)
            | Grant::PhoneToken(_)
            | Grant::Enrollment(_)
            | Grant::Pass(_)
            | Grant::ApiToken(_)
            | Grant::Ceremony(_) => true,
        },
        Ending::Lost { device, .. } | Ending::Removed { device, .. } => {
            // GUARD(removal-ends): removal_and_loss_by_the_owner_have_no_fault, revoking_from_a_password_thief_has_no_fault
            // INSTEAD: grant.id().is_empty() && of_device(device, grant)
            of_device(device, grant) || is_unfinished_adding(grant)
        }
        Ending::TurnedOff(device) => match grant {
            Grant::SignInKey(one) => one.id == *device,
            Grant::RegistrationToken(token) => token.device_id == *device,
            Grant::RegistrationCode(code) => code.registration.purpose.device() == Some(device.as_str()),
            Grant::Ceremony(ceremony) => {
                ceremony.kind == PromptKind::RegisterDevice && ceremony.decided_by.as_ref() == Some(device)
            }
            _ => false,
        },
        Ending::MethodAdded { device, wizard } => match grant {
            // GUARD(new-phone-ends-password-sessions): first_phone_by_the_wizard_has_no_fault
            // INSTEAD: Grant::Session(_) => wizard.as_ref().is_some_and(String::is_empty),
            Grant::Session(session) => session.used == Used::Password && Some(&session.id) != wizard.as_ref(),
            Grant::RegistrationToken(token) => token.device_id != *device,
            // GUARD(new-phone-ends-adding): first_phone_by_signing_in_has_no_fault
            // INSTEAD: _ => false,
            _ => is_unfinished_adding(grant),
        },
        Ending::SignedOut(session) => matches!(grant, Grant::Session(one) if one.id == *session),
        Ending::BrowserForgotten(browser) => matches!(grant, Grant::KnownBrowser(one) if one.id == *browser),
        Ending::EnrollmentEnded { enrollment, .. } => {
            matches!(grant, Grant::Enrollment(one) if one.scanned.id == *enrollment)
        }
        Ending::CodeUsedTwice(token) => match grant {
            Grant::RegistrationToken(one) => one.id == *token,
            Grant::PhoneToken(one) => one.id == *token,
            _ => false,
        },
        // GUARD(new-pass-replaces): passes_of_the_operator_have_no_fault
        // INSTEAD: Ending::PassReplaced => false,
        Ending::PassReplaced => matches!(grant, Grant::Pass(_)),
        Ending::NoLongerAdministrator => matches!(grant, Grant::Administrator(_) | Grant::ApiToken(_)),
        Ending::ApiTokenRevoked(token) => matches!(grant, Grant::ApiToken(one) if one.id == *token),
        Ending::PolicyChanged(grants) => grants.contains(&(grant.kind(), grant.id().to_owned())),
    }
}

/// A report ends the browser that asked: its attempt, its session, and that it is known.
fn of_reported(ceremony: &Ceremony, grant: &Grant) -> bool {
    match grant {
        Grant::Attempt(attempt) => attempt.owner() == ceremony.owner,
        Grant::Session(session) => {
            let is_same_browser = session.browser.is_some() && session.browser == ceremony.known_browser;
            Owner::Session(session.id.clone()) == ceremony.owner || is_same_browser
        }
        Grant::KnownBrowser(browser) => ceremony.known_browser.as_ref() == Some(&browser.id),
        _ => false,
    }
}

/// What a password alone has verified, and every unfinished adding of a phone.
fn by_password_alone(grant: &Grant) -> bool {
    match grant {
        Grant::Attempt(_) => matches!(grant.given().map(|given| &given.by), Some(Giver::Password(_))),
        // GUARD(changed-password-ends-session): password_change_ends_sessions_and_unfinished_sign_ins
        // INSTEAD: Grant::Session(_) => false,
        Grant::Session(session) => session.used == Used::Password,
        Grant::Ceremony(ceremony) if ceremony.origin == Origin::PasswordProved => true,
        Grant::RegistrationToken(_) => true,
        _ => is_unfinished_adding(grant),
    }
}

fn is_unfinished_adding(grant: &Grant) -> bool {
    match grant {
        Grant::Ceremony(ceremony) => ceremony.kind == PromptKind::AddMethod && ceremony.is_unspent_approval(),
        Grant::Registration(_) | Grant::RegistrationCode(_) | Grant::PhoneToken(_) | Grant::Enrollment(_) => true,
        Grant::Attempt(_)
        | Grant::Session(_)
        | Grant::KnownBrowser(_)
        | Grant::Code(_)
        | Grant::Token(_)
        | Grant::RegistrationToken(_)
        | Grant::Device(_)
        | Grant::SignInKey(_)
        | Grant::Pass(_)
        | Grant::Administrator(_)
        | Grant::ApiToken(_) => false,
    }
}

/// The device itself, and its approvals that are not spent.
fn of_device(device: &str, grant: &Grant) -> bool {
    match grant {
        Grant::Device(one) => one.id == device,
        Grant::RegistrationToken(_) => true,
        // GUARD(lost-phone-approvals): j11_w1_a_loss_report_cancels_an_approval_of_the_lost_phone
        // INSTEAD: Grant::Ceremony(_) => false,
        Grant::Ceremony(ceremony) => ceremony.decided_by.as_deref() == Some(device),
        _ => false,
    }
}

/// Returns the grants of one account that end: those that the ending ends directly, those that an ended grant holds,
/// and, after a report or a loss, those that a fallen approval has given. `ending`: `None` for an account in which only
/// grants by fallen approvals end. `devices`: all devices of the account, also those that were removed before.
#[must_use]
pub fn chosen<'a>(
    ending: Option<&Ending>,
    grants: &'a [Grant],
    devices: &[Device],
    fallen: &mut Fallen,
) -> Vec<&'a Grant> {
    let mut chosen: Vec<&Grant> = Vec::new();
    loop {
        fallen.add_removed(devices);
        let left = grants.iter().filter(|grant| !chosen.iter().any(|one| is_same(one, grant)));
        let ends = |grant: &Grant| ending.is_some_and(|ending| ends(ending, grant)) || fallen.takes(grant);
        let more: Vec<&Grant> = left.filter(|grant| !fallen.keeps(grant) && ends(grant)).collect();
        if more.is_empty() {
            return chosen;
        }
        more.iter().for_each(|grant| fallen.add(grant));
        chosen.extend(more);
    }
}

/// Returns whether a person is suspended because a fallen approval added them, or ended their suspension. They are not
/// deleted: if the report was a mistake, an administrator ends the suspension.
#[must_use]
pub fn is_suspended_again(person: &Person, fallen: &Fallen) -> bool {
    let gave = |given: &Option<Given>| given.as_ref().is_some_and(|given| fallen.gave(given));
    // GUARD(added-person-falls): a_person_added_or_resumed_by_a_fallen_approval_is_suspended
    // INSTEAD: let came = gave(&person.resumed_by);
    let came = gave(&person.added_by) || gave(&person.resumed_by);
    came && !person.suspended
}

/// Returns whether a fallen approval has added a phone of the account, also one that was removed before.
#[must_use]
pub fn has_added_phone(devices: &[Device], fallen: &Fallen) -> bool {
    devices.iter().any(|device| fallen.gave(&device.given))
}

/// Returns whether a fallen approval has removed a phone of a person.
#[must_use]
pub fn has_removed_phone(person: &Person, fallen: &Fallen) -> bool {
    person.phones_removed_by.iter().any(|approval| fallen.fell(approval))
}

/// Returns whether a person still has the first password, which a former administrator has seen, or an administrator
/// whose approval has fallen.
#[must_use]
pub fn has_known_password(person: &Person, fallen: &Fallen) -> bool {
    let maker = person.added_by.as_ref().and_then(Given::administrator);
    let is_first = person.added_by.as_ref().is_some_and(|given| person.password_changed_at <= given.at);
    let is_known = maker.is_some_and(|maker| fallen.makers.contains(maker))
        || person.added_by.as_ref().is_some_and(|given| fallen.gave(given));
    is_first && person.must_change_password && is_known
}

/// Returns the accounts to which administrative acts of an account may have given something that ends.
pub fn acted_on<'a>(ceremonies: &'a [Ceremony], fallen: &Fallen) -> impl Iterator<Item = &'a str> {
    ceremonies.iter().filter_map(|ceremony| match &ceremony.change {
        Some(Change::Administer(act)) => {
            let given = ceremony.gives_as_administrator(Time::MIN)?;
            let is_secret = matches!(act, Act::MakePass(_) | Act::AddPerson { .. });
            let account = act.account().or(ceremony.added.as_deref());
            let knows = is_secret && fallen.makers.contains(&ceremony.account_id);
            account.filter(|_account| knows || fallen.gave(&given))
        }
        _ => None,
    })
}

/// Returns whether a fallen approval of an account was an administrative act.
#[must_use]
pub fn has_acted(ceremonies: &[Ceremony], fallen: &Fallen) -> bool {
    let administers = |one: &&Ceremony| matches!(one.change, Some(Change::Administer(_)));
    let given = |one: &Ceremony| one.gives_as_administrator(Time::MIN);
    ceremonies.iter().filter(administers).filter_map(given).any(|given| fallen.gave(&given))
}

fn is_same(one: &Grant, other: &Grant) -> bool {
    one.kind() == other.kind() && one.id() == other.id()
}

/// What has ended so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fallen {
    /// Whether what an ended grant has approved ends too: after a report or a loss.
    takes_back: bool,
    /// Administrative acts that were approved before this time stay.
    reach: Time,
    /// The session in which the person reports a loss. They keep it.
    kept: Option<String>,
    /// The reported ceremony.
    ceremony: Option<String>,
    /// Devices whose approvals since this time end.
    approvers: BTreeMap<String, Time>,
    /// Administrators whose unspent passes and first passwords for other people end.
    makers: BTreeSet<String>,
    sessions: BTreeSet<String>,
    devices: BTreeSet<String>,
    roles: BTreeSet<String>,
}

impl Fallen {
    /// Returns what an event of an account has ended before anything else. `reach`: administrative acts that were
    /// approved before this time stay.
    #[must_use]
    pub fn from(account_id: &str, ending: &Ending, reach: Time) -> Self {
        let mut fallen = Self { reach, ..Self::default() };
        match ending {
            Ending::Reported(ceremony) => {
                (fallen.takes_back, fallen.ceremony) = (true, Some(ceremony.id.clone()));
            }
            Ending::Lost { device, since, reported_in } => {
                (fallen.takes_back, fallen.kept) = (true, reported_in.clone());
                // GUARD(lost-phone-sessions): j11_a_loss_report_ends_sessions_and_notifies_other_phones
                fallen.approvers.insert(device.clone(), *since);
            }
            // They know the text of a pass that they made, so they could still use it.
            Ending::PasswordSet
            | Ending::Reset
            | Ending::Suspended
            | Ending::Deleted
            | Ending::NoLongerAdministrator => {
                fallen.makers.insert(account_id.to_owned());
            }
            Ending::PasswordChanged
            | Ending::Removed { .. }
            | Ending::TurnedOff(_)
            | Ending::MethodAdded { .. }
            | Ending::SignedOut(_)
            | Ending::BrowserForgotten(_)
            | Ending::EnrollmentEnded { .. }
            | Ending::CodeUsedTwice(_)
            | Ending::PassReplaced
            | Ending::ApiTokenRevoked(_)
            | Ending::PolicyChanged(_) => {}
        }
        fallen
    }

    /// Returns whether grants of other accounts may end.
    #[must_use]
    pub fn reaches_others(&self) -> bool {
        self.takes_back || !self.makers.is_empty()
    }

    /// Returns whether a grant with this provenance ends: an approval behind it was reported, or the device that gave the
    /// approval has fallen.
    #[must_use]
    pub fn gave(&self, given: &Given) -> bool {
        given.approvals().iter().any(|approval| self.fell(approval))
    }

    /// Returns whether an approval has fallen.
    #[must_use]
    pub fn fell(&self, approval: &ApprovedBy) -> bool {
        // GUARD(report-reach): old_administrative_acts_stay
        // INSTEAD: let is_old = false;
        let is_old = approval.administers && approval.acted_at() < self.reach;
        let by_device = self.approvers.get(&approval.device).is_some_and(|since| approval.at >= *since);
        !is_old && (self.ceremony.as_ref() == Some(&approval.ceremony) || by_device)
    }

    fn keeps(&self, grant: &Grant) -> bool {
        matches!(grant, Grant::Session(session) if self.kept.as_ref() == Some(&session.id))
    }

    fn takes(&self, grant: &Grant) -> bool {
        let holds = |holder: Holder<'_>| match holder {
            Holder::Session(session) => self.sessions.contains(session),
            Holder::Device(device) => self.devices.contains(device),
            // GUARD(role-holds-tokens): administrators_role_has_no_fault
            // INSTEAD: Holder::Role(account) => account.is_empty(),
            Holder::Role(account) => self.roles.contains(account),
        };
        grant.holders().into_iter().any(holds)
            // GUARD(report-follows-givers): another_phone_by_signing_in_has_no_fault
            // INSTEAD: || false
            || grant.givens().any(|given| self.gave(given))
            // GUARD(former-administrators-passes): unspent_passes_of_a_former_administrator_end
            // INSTEAD: || false
            || self.knows(grant)
    }

    /// Returns whether a former administrator knows the text of the pass that is, or that alone has started, this grant.
    fn knows(&self, grant: &Grant) -> bool {
        let made = |given: &Given| given.administrator().is_some_and(|maker| self.makers.contains(maker));
        let started = |given: &Given| matches!(given.by, Giver::Pass(_)) && made(given);
        match grant {
            Grant::Pass(pass) => made(&pass.given),
            Grant::Attempt(_) => grant.given().is_some_and(started),
            Grant::Session(session) => session.approved.is_none() && started(&session.given),
            _ => false,
        }
    }

    fn add(&mut self, grant: &Grant) {
        match grant {
            Grant::Session(session) => self.sessions.extend([session.id.clone()]),
            Grant::Administrator(person) => {
                self.roles.insert(person.account_id.clone());
                self.makers.insert(person.account_id.clone());
            }
            Grant::Device(device) => self.add_device(device),
            _ => {}
        }
    }

    /// Adds the device. After a report or a loss, what it has approved ends too.
    fn add_device(&mut self, device: &Device) {
        self.devices.insert(device.id.clone());
        // GUARD(report-follows-phones): another_phone_by_signing_in_has_no_fault
        // INSTEAD: if false {
        if self.takes_back {
            // The lost device itself has an entry with the time since when it was missing.
            self.approvers.entry(device.id.clone()).or_insert(Time::MIN);
        }
    }

    /// Adds the removed devices that a fallen approval has given, because what they gave has not ended with them.
    fn add_removed(&mut self, devices: &[Device]) {
        loop {
            let is_new = |device: &&Device| !device.is_active() && !self.devices.contains(&device.id);
            // GUARD(report-follows-removed-phones): every_act_ends_what_the_table_says
            // INSTEAD: let is_new = |device: &&Device| device.id.is_empty() && is_new(device);
            let fallen: Vec<&Device> =
                devices.iter().filter(is_new).filter(|device| self.gave(&device.given)).collect();
            if fallen.is_empty() {
                return;
            }
            fallen.into_iter().for_each(|device| self.add_device(device));
        }
    }
}
