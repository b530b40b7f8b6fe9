//! Gives the texts of outcomes, deliveries, quiet requests, withdrawals and removals, and their stable names.

use countersign::{Delivery, Origin, Outcome, PromptKind, Quiet, RemovalCause, WithdrawalReason};

/// A stable name for programs and a text for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Stable name for programs.
    pub name: &'static str,
    /// The text for the person.
    pub words: &'static str,
}

const fn verdict(name: &'static str, words: &'static str) -> Verdict {
    Verdict { name, words }
}

/// Describes the outcome of an answer.
#[must_use]
pub fn outcome(outcome: Outcome) -> Verdict {
    match outcome {
        Outcome::Approved => verdict("approved", "Approved. The page continues by itself."),
        Outcome::Denied => verdict("denied", "Denied. Nobody was signed in."),
        Outcome::Reported => verdict(
            "reported",
            "Reported. What this request allowed has ended. Change your password if someone else may know it.",
        ),
        Outcome::WrongNumber => verdict(
            "wrong_number",
            "That was not the number on the page. The request has ended and nobody was signed in. \
             To try again, start again on the page.",
        ),
        Outcome::Expired => {
            verdict("expired", "Your answer came too late. Nobody was signed in. Ask for a new request on the page.")
        }
        Outcome::Superseded => verdict(
            "superseded",
            "The page has sent a newer request; this one is no longer valid. Answer the newer one.",
        ),
        Outcome::Cancelled => verdict("cancelled", "The request was cancelled on the page. Nobody was signed in."),
        Outcome::AlreadyAnswered => {
            verdict("already_answered", "The request was answered before. The first answer is not changed.")
        }
        Outcome::RefusedPlace => verdict(
            "refused_place",
            "Your organization requires phone and browser to be in the same network, and they are not. \
             Nobody was signed in. Connect this phone to the browser's network, then start again on the page.",
        ),
    }
}

/// Describes the delivery of an answer. These texts must not claim that the service has accepted the answer.
#[must_use]
pub fn delivery(delivery: Delivery) -> Verdict {
    match delivery {
        Delivery::Sending => verdict("sending", "Your answer is being sent. The service has not confirmed it yet."),
        Delivery::WaitingForNetwork => verdict(
            "waiting_for_network",
            "Waiting for a network: the service can't be reached. Your answer is stored and is sent automatically \
             while this phone is open. The page does not have it yet.",
        ),
        Delivery::Sent => verdict(
            "sent",
            "Sent, but the reply of the service was lost, so the result is not known. This phone asks again \
             automatically while it is open.",
        ),
    }
}

/// Describes why a request did not alert.
#[must_use]
pub fn quiet(quiet: Quiet) -> Verdict {
    match quiet {
        Quiet::Muted { .. } => verdict("muted", "quietly: you have muted this account"),
        Quiet::JustAsked => verdict("just_asked", "quietly: a similar request came just before"),
        Quiet::TooManyStrikes { .. } => {
            verdict("too_many_in_vain", "quietly: too many similar requests were not approved")
        }
    }
}

/// Describes why a request was withdrawn.
#[must_use]
pub fn withdrawal(reason: WithdrawalReason) -> Verdict {
    match reason {
        WithdrawalReason::AnsweredElsewhere => {
            verdict("answered_elsewhere", "The request was answered on another of your phones.")
        }
        WithdrawalReason::Cancelled => verdict("cancelled", "The request was cancelled on the page."),
        WithdrawalReason::Superseded => {
            verdict("superseded", "The page has sent a newer request; this one is no longer valid.")
        }
        WithdrawalReason::Ended => verdict("ended", "The request has ended. There is nothing to do."),
    }
}

/// Describes why the service removed this phone from an account.
#[must_use]
pub fn cause(cause: RemovalCause) -> &'static str {
    match cause {
        RemovalCause::NotMyPhone => "\"That's not my phone\" was chosen on the page.",
        RemovalCause::WrongDigits => "Wrong digits were typed three times on the page.",
        RemovalCause::Cancelled => "It was cancelled on the page.",
        RemovalCause::Expired => "The ten minutes for adding the account had passed.",
        RemovalCause::Abandoned => "It was stopped on this phone.",
        RemovalCause::RemovedByPhone => "It was removed on this phone.",
        RemovalCause::RemovedByPerson => "It was removed on the security-info page.",
        RemovalCause::RemovedByOperator => "The operator of the service removed it.",
        RemovalCause::Lost => "This phone was reported as lost.",
    }
}

/// Returns the stable name of a cause, as in the protocol.
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

/// Returns the stable name of a kind, as in the protocol.
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
        PromptKind::AddPerson => "add_person",
        PromptKind::DeletePerson => "delete_person",
        PromptKind::SuspendPerson => "suspend_person",
        PromptKind::ResumePerson => "resume_person",
        PromptKind::CreatePassForPerson => "create_pass_for_person",
        PromptKind::UnblockPerson => "unblock_person",
        PromptKind::ChangeGroups => "change_groups",
        PromptKind::MakeAdministrator => "make_administrator",
        PromptKind::RemoveAdministrator => "remove_administrator",
        PromptKind::ReportLostForPerson => "report_lost_for_person",
        PromptKind::ResetPerson => "reset_person",
        PromptKind::ChangePolicy => "change_policy",
        PromptKind::CreateApiToken => "create_api_token",
    }
}

/// Returns the stable name of an origin, as in the protocol.
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
    fn only_the_approved_text_says_that_the_page_continues() {
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
            assert!(!outcome(other).words.contains("continues"), "{other:?}");
        }
        let names: BTreeSet<_> = others.map(|other| outcome(other).name).into_iter().collect();
        assert_eq!(names.len(), others.len());
    }

    #[test]
    fn unacknowledged_answer_is_not_shown_as_approved() {
        let all = [Delivery::Sending, Delivery::WaitingForNetwork, Delivery::Sent].map(delivery);
        for each in all {
            let words = each.words.to_ascii_lowercase();
            for claim in ["approved", "continues", "signed in", "done"] {
                assert!(!words.contains(claim), "{each:?}");
            }
        }
        let names: BTreeSet<_> = all.map(|each| each.name).into_iter().collect();
        assert_eq!(names.len(), all.len());
    }

    #[test]
    fn each_cause_has_its_own_text_and_name() {
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
    fn each_withdrawal_has_its_own_text() {
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
