//! Sends the person's answer to a request, and prints the outcome.

use countersign::{AccountId, Delivery, Error, Outcome, PlatformError, PromptId, Step};

use super::ending::Ending;
use super::input::Lines;
use super::output::Output;
use crate::error::PhoneError;
use crate::phone::Phone;
use crate::render::wrap;
use crate::unlock::unlock;
use crate::{json, names, words};

/// The person's decision about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    Approve(String),
    Deny,
    Report,
}

/// Answers the request with this name. The name is the whole id of the request, or a unique prefix of the id.
pub(super) async fn by_name(
    phone: &Phone,
    name: &str,
    act: Act,
    output: &mut Output,
    lines: &mut Lines,
) -> Result<Ending, PhoneError> {
    let snapshot = phone.authenticator().snapshot().await?;
    match names::request(snapshot.prompts.iter().map(countersign::Prompt::id), name) {
        Ok(id) => send(phone, &id, act, output, lines).await,
        // An answered request is no longer listed, but the core still finds the request by its account and whole id.
        // The account is not known here, so each account is tried.
        Err(PhoneError::NoSuchRequest) => {
            for account in &snapshot.accounts {
                let id = PromptId { account: AccountId(account.id.0.clone()), jti: name.to_owned() };
                match send(phone, &id, act.clone(), output, lines).await {
                    Err(PhoneError::Core(Error::UnknownPrompt | Error::Removed)) => {}
                    ended => return ended,
                }
            }
            Err(PhoneError::NoSuchRequest)
        }
        Err(error) => Err(error),
    }
}

/// Sends a decision and prints the outcome.
pub(super) async fn send(
    phone: &Phone,
    id: &PromptId,
    act: Act,
    output: &mut Output,
    lines: &mut Lines,
) -> Result<Ending, PhoneError> {
    let authenticator = phone.authenticator();
    let asked = act.clone();
    let step = match act {
        Act::Approve(number) => authenticator.approve(id.clone(), number).await?,
        Act::Deny => authenticator.deny(id.clone()).await?,
        Act::Report => authenticator.report(id.clone()).await?,
    };
    // Only an approval with the sign-in key gives a `Sign` step. This step needs the passphrase of the lock.
    let step = match step {
        ref asked @ Step::Sign { .. } => unlock_step(phone, asked, output, lines).await?,
        other => other,
    };
    match step {
        Step::MissingLock { .. } => Err(PhoneError::MissingLock),
        Step::Done { outcome } => {
            say_outcome(id, outcome, output)?;
            Ok(if matches_act(&asked, outcome) { Ending::Done } else { Ending::Otherwise })
        }
        Step::Queued { .. } => {
            // `delivery` returns `None` when a background task of the core has just delivered the answer. If the
            // command `watch` is running, it prints the outcome later.
            let delivery = authenticator.delivery(id.clone()).await?.unwrap_or(Delivery::Sent);
            say_delivery(id, delivery, output)?;
            Ok(Ending::Queued)
        }
        _ => Err(Error::InvalidAnswer.into()),
    }
}

/// Asks for the passphrase that unlocks the key of a step, and carries out the step. After a wrong passphrase the
/// person can try again, but has only `TRIES` tries in total.
pub(super) async fn unlock_step(
    phone: &Phone,
    step: &Step,
    output: &mut Output,
    lines: &mut Lines,
) -> Result<Step, PhoneError> {
    let purpose = if matches!(step, Step::MakeKey { .. }) { "to make the key" } else { "to sign with the key" };
    for _try in 1..TRIES {
        let passphrase = lines.passphrase(purpose, output).await?;
        match unlock(phone, step, passphrase).await {
            Err(wrong @ PhoneError::Core(Error::Platform(PlatformError::WrongPassphrase))) => {
                output.error(&wrong, None, None)?;
            }
            ended => return ended,
        }
    }
    unlock(phone, step, lines.passphrase(purpose, output).await?).await
}

/// Maximum number of tries to enter the passphrase.
const TRIES: u8 = 3;

/// Prints the delivery status of an answer that the service has not acknowledged.
pub(super) fn say_delivery(id: &PromptId, delivery: Delivery, output: &mut Output) -> std::io::Result<()> {
    output.tell(&wrap(words::delivery(delivery).words), &json::queued(id, delivery))
}

/// Prints the outcome of an answer. After an approval, also prints the command that reports the request.
pub(super) fn say_outcome(id: &PromptId, outcome: Outcome, output: &mut Output) -> std::io::Result<()> {
    output.tell(&wrap(words::outcome(outcome).words), &json::outcome(id, outcome))?;
    if outcome == Outcome::Approved {
        output.text(&wrap(&format!("If it wasn't you after all: countersign-phone report {}", id.jti)))?;
    }
    Ok(())
}

fn matches_act(act: &Act, outcome: Outcome) -> bool {
    matches!(
        (act, outcome),
        (Act::Approve(_), Outcome::Approved) | (Act::Deny, Outcome::Denied) | (Act::Report, Outcome::Reported)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcome_matches_only_the_act_that_requests_it() {
        let approve = Act::Approve("47".to_owned());
        assert!(matches_act(&approve, Outcome::Approved));
        assert!(matches_act(&Act::Deny, Outcome::Denied));
        assert!(matches_act(&Act::Report, Outcome::Reported));
        for outcome in [Outcome::WrongNumber, Outcome::Expired, Outcome::Denied, Outcome::AlreadyAnswered] {
            assert!(!matches_act(&approve, outcome), "{outcome:?}");
        }
        assert!(!matches_act(&Act::Deny, Outcome::Approved));
    }
}
