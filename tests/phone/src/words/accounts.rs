//! Gives the texts for the state of an account, for its notices, and for a refusal to turn phone sign-in on.

use countersign::{Account, AccountHealth, NextStep, NotAllowed, NoticeKind, Origin, PhoneSignIn, Timestamp};

use super::endings::{cause, cause_name};
use super::error::{Words, words};
use crate::times;

/// Describes an account's state and, when the account does not work, what the person can do.
#[must_use]
pub fn health(health: AccountHealth) -> String {
    match health {
        AccountHealth::Active => "ready".to_owned(),
        AccountHealth::RemovedByService { cause: why } => {
            format!("no longer works here. {} {}", cause(why), next(health.next_step()))
        }
        AccountHealth::Pending
        | AccountHealth::Paused
        | AccountHealth::SignInKeyInvalidated
        | AccountHealth::SignInKeyLost
        | AccountHealth::DeviceKeyLost
        | AccountHealth::Suspended
        | AccountHealth::LimitedByPolicy
        | AccountHealth::IdentityChanged
        | AccountHealth::RestoredElsewhere
        | AccountHealth::UpdateNeeded => format!("{} {}", what(health), next(health.next_step())),
    }
}

fn what(health: AccountHealth) -> &'static str {
    match health {
        AccountHealth::Pending => "waits for the digits.",
        AccountHealth::Paused => "phone sign-in is paused: this phone has no lock.",
        AccountHealth::SignInKeyInvalidated => "phone sign-in ended: the lock or its fingerprints changed.",
        AccountHealth::SignInKeyLost => "phone sign-in ended: its key is gone.",
        AccountHealth::DeviceKeyLost => "can't answer: its key is gone.",
        AccountHealth::Suspended => "the organization has suspended your sign-in.",
        AccountHealth::LimitedByPolicy => "the organization does not allow this app for you at present.",
        AccountHealth::IdentityChanged => "the service's identity changed; its requests are not shown.",
        AccountHealth::RestoredElsewhere => "can't answer here: its key is on another phone.",
        AccountHealth::UpdateNeeded => "the service needs a newer version of this program.",
        AccountHealth::Active => "ready.",
        AccountHealth::RemovedByService { .. } => "no longer works here.",
    }
}

fn next(step: NextStep) -> &'static str {
    match step {
        NextStep::Nothing => "",
        NextStep::FinishAdding => "Type them on the page.",
        NextStep::SetDeviceLock => "Set one: countersign-phone lock set",
        NextStep::TurnOnPhoneSignIn => "Turn it on again: countersign-phone turn-on",
        NextStep::AddAgain => "Add the account again.",
        NextStep::AskAdministrator => "Ask your administrator.",
        NextStep::UpdateApp => "Update Countersign.",
    }
}

/// Returns the stable names of a state and of its cause, for programs.
#[must_use]
pub(crate) fn health_name(health: AccountHealth) -> (&'static str, Option<&'static str>) {
    match health {
        AccountHealth::Pending => ("pending", None),
        AccountHealth::Active => ("active", None),
        AccountHealth::Paused => ("paused", None),
        AccountHealth::SignInKeyInvalidated => ("sign_in_key_invalidated", None),
        AccountHealth::SignInKeyLost => ("sign_in_key_lost", None),
        AccountHealth::DeviceKeyLost => ("device_key_lost", None),
        AccountHealth::Suspended => ("suspended", None),
        AccountHealth::LimitedByPolicy => ("limited_by_policy", None),
        AccountHealth::IdentityChanged => ("identity_changed", None),
        AccountHealth::RestoredElsewhere => ("restored_elsewhere", None),
        AccountHealth::UpdateNeeded => ("update_needed", None),
        AccountHealth::RemovedByService { cause } => ("removed_by_service", Some(cause_name(cause))),
    }
}

/// Describes how an account signs in.
#[must_use]
pub fn phone_sign_in(state: PhoneSignIn) -> &'static str {
    match state {
        PhoneSignIn::On => "without a password",
        PhoneSignIn::Off => "after a password",
        PhoneSignIn::NotAllowed => "after a password; the organization does not allow phone sign-in",
    }
}

/// Returns the stable name of how an account signs in, for programs.
#[must_use]
pub(crate) fn phone_sign_in_name(state: PhoneSignIn) -> &'static str {
    match state {
        PhoneSignIn::On => "on",
        PhoneSignIn::Off => "off",
        PhoneSignIn::NotAllowed => "not_allowed",
    }
}

/// Describes which requests of an account do not alert; `None` when all of them alert.
#[must_use]
pub fn alerts(account: &Account, now: Timestamp) -> Option<String> {
    let left = |until: Timestamp| times::left(until.since(now));
    if let Some(until) = account.muted_until {
        return Some(format!("muted for another {}. To end the mute: countersign-phone unmute", left(until)));
    }
    let quiet: Vec<String> = account
        .quiet_origins
        .iter()
        .map(|quiet| format!("{}, for another {}", from(quiet.origin), left(quiet.until)))
        .collect();
    let first = quiet.first()?;
    let rest = quiet.get(1..).unwrap_or_default();
    let all = rest.iter().fold(first.clone(), |all, next| format!("{all}; {next}"));
    Some(format!("not for requests {all}: too many were not approved. An approval ends this"))
}

fn from(origin: Origin) -> &'static str {
    match origin {
        Origin::SignedIn => "from someone who is signed in",
        Origin::KnownBrowser => "from a browser that you have used before",
        Origin::PasswordProved => "from a new browser with your password",
        Origin::Unknown => "from a new browser without your password",
    }
}

/// Describes a notice.
#[must_use]
pub fn notice(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::MethodAdded => "A phone was added to your account.",
        NoticeKind::MethodRemoved => "A phone was removed from your account.",
        NoticeKind::PhoneSignInOn => "Another phone turned on phone sign-in.",
        NoticeKind::PhoneSignInOff => "Phone sign-in was turned off for another phone.",
        NoticeKind::PhoneLost => "One of your phones was reported as lost.",
        NoticeKind::PassCreated => "A pass was created for your account.",
        NoticeKind::NewBrowser => "A browser that you never used before has signed in to your account.",
    }
}

/// Describes why phone sign-in can't be turned on.
#[must_use]
pub(crate) fn not_allowed(why: &NotAllowed) -> Words {
    let fine = "Your accounts are unchanged.";
    match why {
        NotAllowed::Policy => words(
            "policy",
            "Your organization does not allow phone sign-in for this account.",
            fine,
            "Ask your administrator.",
        ),
        NotAllowed::AnotherAccount { .. } => words(
            "another_account",
            "Your organization allows one account with phone sign-in per phone, and another account has it.",
            fine,
            "Turn it off for that account first: countersign-phone turn-off",
        ),
        NotAllowed::ByPerson => {
            words("refused_by_person", "You chose not to register this phone.", fine, "Nothing needs to be done.")
        }
        NotAllowed::TooLate => words(
            "too_late",
            "It took too long, or a reply of the service was lost.",
            fine,
            "Start again: countersign-phone turn-on",
        ),
        NotAllowed::Refused => words(
            "registration_refused",
            "The service refused to register this phone.",
            fine,
            "Start again. If this happens again, ask your administrator.",
        ),
    }
}
