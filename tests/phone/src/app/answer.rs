//! The person's decision about a request, and the truth about what came of it.

use countersign::{AccountId, Delivery, Error, Outcome, PlatformError, PromptId, Step};

use super::ending::Ending;
use super::input::Lines;
use super::output::Output;
use crate::error::PhoneError;
use crate::phone::Phone;
use crate::render::wrap;
use crate::unlock::unlock;
use crate::{json, names, words};

/// What the person decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    Approve(String),
    Deny,
    Report,
}

/// Answers the request that goes by `name`.
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
        // An answered request is no longer listed; its whole name still reaches it, whichever account it was for.
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

/// Sends a decision and says what the service made of it.
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
    // Denying and reporting never ask for the lock; approving does where the request wants the person's own key.
    let step = match step {
        ref asked @ Step::Sign { .. } => unlock_step(phone, asked, output, lines).await?,
        other => other,
    };
    match step {
        Step::MissingLock { .. } => Err(PhoneError::MissingLock),
        Step::Done { outcome } => {
            say_outcome(id, outcome, output)?;
            Ok(if as_asked(&asked, outcome) { Ending::Done } else { Ending::Otherwise })
        }
        Step::Queued { .. } => {
            // Nothing on its way any more: the loop was faster, and its outcome is said as such.
            let delivery = authenticator.delivery(id.clone()).await?.unwrap_or(Delivery::Sent);
            say_delivery(id, delivery, output)?;
            Ok(Ending::Queued)
        }
        _ => Err(Error::InvalidAnswer.into()),
    }
}

/// Has the person unlock the key that a step asks for; a mistyped passphrase is asked for again.
pub(super) async fn unlock_step(
    phone: &Phone,
    step: &Step,
    output: &mut Output,
    lines: &mut Lines,
) -> Result<Step, PhoneError> {
    let what_for = if matches!(step, Step::MakeKey { .. }) { "to make the key" } else { "to sign with the key" };
    for _try in 1..TRIES {
        let passphrase = lines.passphrase(what_for, output).await?;
        match unlock(phone, step, passphrase).await {
            Err(wrong @ PhoneError::Core(Error::Platform(PlatformError::WrongPassphrase))) => {
                output.error(&wrong, None, None)?;
            }
            ended => return ended,
        }
    }
    unlock(phone, step, lines.passphrase(what_for, output).await?).await
}

/// How often a passphrase may be mistyped in a row.
const TRIES: u8 = 3;

/// Says how far an answer has got that the service has not confirmed.
pub(super) fn say_delivery(id: &PromptId, delivery: Delivery, output: &mut Output) -> std::io::Result<()> {
    output.tell(&wrap(words::delivery(delivery).words), &json::queued(id, delivery))
}

/// Says what the service made of an answer, and how to take an approval back.
pub(super) fn say_outcome(id: &PromptId, outcome: Outcome, output: &mut Output) -> std::io::Result<()> {
    output.tell(&wrap(words::outcome(outcome).words), &json::outcome(id, outcome))?;
    if outcome == Outcome::Approved {
        output.text(&wrap(&format!("If it wasn't you after all: countersign-phone report {}", id.jti)))?;
    }
    Ok(())
}

fn as_asked(act: &Act, outcome: Outcome) -> bool {
    matches!(
        (act, outcome),
        (Act::Approve(_), Outcome::Approved) | (Act::Deny, Outcome::Denied) | (Act::Report, Outcome::Reported)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_outcome_that_was_asked_for_is_as_asked() {
        let approve = Act::Approve("47".to_owned());
        assert!(as_asked(&approve, Outcome::Approved));
        assert!(as_asked(&Act::Deny, Outcome::Denied));
        assert!(as_asked(&Act::Report, Outcome::Reported));
        for outcome in [Outcome::WrongNumber, Outcome::Expired, Outcome::Denied, Outcome::AlreadyAnswered] {
            assert!(!as_asked(&approve, outcome), "{outcome:?}");
        }
        assert!(!as_asked(&Act::Deny, Outcome::Approved));
    }
}
