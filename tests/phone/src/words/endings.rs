//! Words for how things end: outcomes, withdrawals, removals; and the stable names of each for programs.

use countersign::{Delivery, Origin, Outcome, PromptKind, Quiet, RemovalCause, WithdrawalReason};

/// A stable name for programs and the words for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Stable name, as the protocol spells it.
    pub name: &'static str,
    /// What to tell the person.
    pub words: &'static str,
}

const fn verdict(name: &'static str, words: &'static str) -> Verdict {
    Verdict { name, words }
}

/// What the service made of an answer.
#[must_use]
pub fn outcome(outcome: Outcome) -> Verdict {
    match outcome {
        Outcome::Approved => verdict("approved", "Approved. The page goes on by itself."),
        Outcome::Denied => verdict("denied", "Denied. Nobody was signed in."),
        Outcome::Reported => {
            verdict("reported", "Reported. What this request gave has ended. Change your password if it may be known.")
        }
        Outcome::WrongNumber => verdict(
            "wrong_number",
            "That was not the number on the page. The request is over and nobody was signed in. \
             To try again, start again on the page.",
        ),
        Outcome::Expired => {
            verdict("expired", "Your answer came too late. Nobody was signed in. Ask for a new request on the page.")
        }
        Outcome::Superseded => verdict(
            "superseded",
            "The page has asked again since; this request no longer counts. Answer the newer one.",
        ),
        Outcome::Cancelled => verdict("cancelled", "The request was cancelled on the page. Nobody was signed in."),
        Outcome::AlreadyAnswered => {
            verdict("already_answered", "The request had been answered before. That first answer stays.")
        }
        Outcome::RefusedPlace => verdict(
            "refused_place",
            "Your organization wants phone and browser in the same network, and they are not. Nobody was signed in. \
             Join the browser's network with this phone, then start again on the page.",
        ),
    }
}

/// How far an answer has got; none of it says that the service agrees.
#[must_use]
pub fn delivery(delivery: Delivery) -> Verdict {
    match delivery {
        Delivery::Sending => verdict("sending", "Your answer is being sent. The service has not confirmed it yet."),
        Delivery::WaitingForNetwork => verdict(
            "waiting_for_network",
            "Waiting for a network: the service can't be reached. Your answer is stored and goes out by itself while \
             this phone is open; the page does not know of it yet.",
        ),
        Delivery::Sent => verdict(
            "sent",
            "Sent, and the service has not confirmed it: its word was lost on the way. This phone asks again by itself \
             while it is open; until then nothing is certain.",
        ),
    }
}

/// Why a request came without an alert.
#[must_use]
pub fn quiet(quiet: Quiet) -> Verdict {
    match quiet {
        Quiet::Muted { .. } => verdict("muted", "quietly: you have muted this account"),
        Quiet::JustAsked => verdict("just_asked", "quietly: another one like it came just before"),
        Quiet::TooManyInVain { .. } => verdict("too_many_in_vain", "quietly: too many like it were in vain"),
    }
}

/// Why a request was taken back.
#[must_use]
pub fn withdrawal(reason: WithdrawalReason) -> Verdict {
    match reason {
        WithdrawalReason::AnsweredElsewhere => {
            verdict("answered_elsewhere", "The request was answered on another phone of yours.")
        }
        WithdrawalReason::Cancelled => verdict("cancelled", "The request was cancelled on the page."),
        WithdrawalReason::Superseded => {
            verdict("superseded", "The page has asked again; this request no longer counts.")
        }
        WithdrawalReason::Ended => verdict("ended", "The request has ended. There is nothing to do."),
    }
}

/// Why the service took this phone off an account.
#[must_use]
pub fn cause(cause: RemovalCause) -> &'static str {
    match cause {
        RemovalCause::NotMyPhone => "\"That's not my phone\" was chosen on the page.",
        RemovalCause::WrongDigits => "Wrong digits were typed three times on the page.",
        RemovalCause::Cancelled => "It was cancelled on the page.",
        RemovalCause::Expired => "The ten minutes were over.",
        RemovalCause::Abandoned => "This phone gave it up.",
        RemovalCause::RemovedByPhone => "This phone took itself off the account.",
        RemovalCause::RemovedByPerson => "It was removed on the security-info page.",
        RemovalCause::RemovedByOperator => "The people who run the service removed it.",
        RemovalCause::Lost => "This phone was reported lost.",
    }
}

/// The stable name of a cause, as the protocol spells it.
#[must_use]
pub(crate) fn cause_name(cause: RemovalCause) -> &'static str {
    match cause {
        RemovalCause::NotMyPhone => "not_my_phone",
        RemovalCause::WrongDigits => "wrong_digits",
        RemovalCause::Cancelled => "cancelled",
        RemovalCause::Expired => "expired",
        RemovalCause::Abandoned => "abandoned",
        RemovalCause::RemovedByPhone => "removed_by_phone",
        RemovalCause::RemovedByPerson => "removed_by_person",
        RemovalCause::RemovedByOperator => "removed_by_operator",
        RemovalCause::Lost => "lost",
    }
}

/// The stable name of a kind, as the protocol spells it.
#[must_use]
pub(crate) fn kind_name(kind: PromptKind) -> &'static str {
    match kind {
        PromptKind::ConfirmEnrollment => "confirm_enrolment",
        PromptKind::SecondFactor => "second_factor",
        PromptKind::PhoneSignIn => "phone_sign_in",
        PromptKind::AddMethod => "add_method",
        PromptKind::RemoveMethod => "remove_method",
        PromptKind::RegisterDevice => "register_device",
        PromptKind::CreatePass => "create_pass",
        PromptKind::ReportLost => "report_lost",
    }
}

/// The stable name of an origin, as the protocol spells it.
#[must_use]
pub(crate) fn origin_name(origin: Origin) -> &'static str {
    match origin {
        Origin::SignedIn => "signed_in",
        Origin::KnownBrowser => "known_browser",
        Origin::PasswordProved => "password_proved",
        Origin::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn only_an_approval_says_that_the_page_goes_on() {
        let others = [
            Outcome::Denied,
            Outcome::Reported,
            Outcome::WrongNumber,
            Outcome::Expired,
            Outcome::Superseded,
            Outcome::Cancelled,
            Outcome::AlreadyAnswered,
            Outcome::RefusedPlace,
        ];
        assert!(outcome(Outcome::Approved).words.starts_with("Approved"));
        for other in others {
            assert!(!outcome(other).words.contains("Approved"), "{other:?}");
            assert!(!outcome(other).words.contains("goes on"), "{other:?}");
        }
        let names: BTreeSet<_> = others.map(|other| outcome(other).name).into_iter().collect();
        assert_eq!(names.len(), others.len());
    }

    #[test]
    fn nothing_that_is_on_its_way_is_said_to_be_approved() {
        let all = [Delivery::Sending, Delivery::WaitingForNetwork, Delivery::Sent].map(delivery);
        for each in all {
            let words = each.words.to_ascii_lowercase();
            for claim in ["approved", "goes on", "signed in", "done"] {
                assert!(!words.contains(claim), "{each:?}");
            }
        }
        let names: BTreeSet<_> = all.map(|each| each.name).into_iter().collect();
        assert_eq!(names.len(), all.len());
    }

    #[test]
    fn each_cause_has_words_and_a_name_of_its_own() {
        let causes = [
            RemovalCause::NotMyPhone,
            RemovalCause::WrongDigits,
            RemovalCause::Cancelled,
            RemovalCause::Expired,
            RemovalCause::Abandoned,
            RemovalCause::RemovedByPhone,
            RemovalCause::RemovedByPerson,
            RemovalCause::RemovedByOperator,
            RemovalCause::Lost,
        ];
        let said: BTreeSet<_> = causes.map(|each| (cause(each), cause_name(each))).into_iter().collect();
        assert_eq!(said.len(), causes.len());
        assert!(said.iter().all(|(_, name)| *name != "unknown"));
    }

    #[test]
    fn each_withdrawal_has_words_of_its_own() {
        let reasons = [
            WithdrawalReason::AnsweredElsewhere,
            WithdrawalReason::Cancelled,
            WithdrawalReason::Superseded,
            WithdrawalReason::Ended,
        ];
        let said: BTreeSet<_> = reasons.map(|reason| withdrawal(reason).words).into_iter().collect();
        assert_eq!(said.len(), reasons.len());
    }
}
