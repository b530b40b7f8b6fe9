//! Lists the accounts and the waiting requests, and removes or unblocks an account.

use countersign::{Checked, Ending as Removal, FetchReason, Step};
use serde_json::json;

use super::ending::Ending;
use super::input::{Lines, confirmed};
use super::output::Output;
use crate::error::PhoneError;
use crate::json;
use crate::names;
use crate::phone::Phone;
use crate::render::{self, PromptView, wrap};
use crate::words;

pub(super) async fn accounts(phone: &Phone, output: &mut Output) -> Result<Ending, PhoneError> {
    let snapshot = phone.authenticator().snapshot().await?;
    output.text(&render::accounts(&snapshot.accounts, phone.now()))?;
    for account in &snapshot.accounts {
        output.event(&json::account("account", account))?;
    }
    for notice in &snapshot.notices {
        output.tell(&wrap(words::notice(notice.kind)), &json::notice(notice))?;
        phone.authenticator().dismiss_notice(notice.account.clone(), notice.id.clone()).await?;
    }
    for step in &snapshot.pending {
        pending(step, output)?;
    }
    Ok(Ending::Done)
}

fn pending(step: &Step, output: &mut Output) -> Result<(), PhoneError> {
    let (event, host, text) = match step {
        Step::ShowDigits { host, .. }
        | Step::EnrollmentInterrupted { host, .. }
        | Step::EnrollmentEnded { host, .. }
        | Step::OpenBrowser { host, digits: Some(_), .. } => (
            "half_added",
            host,
            format!("Adding an account at {host} is not finished. To continue: countersign-phone resume"),
        ),
        Step::ConfirmDevice { host, .. }
        | Step::OpenBrowser { host, digits: None, .. }
        | Step::MakeKey { host, .. }
        | Step::Sign { host, .. }
        | Step::PhoneSignInInterrupted { host, .. } => {
            let text =
                format!("Turning on phone sign-in at {host} is not finished. To continue: countersign-phone turn-on");
            ("half_turned_on", host, text)
        }
        // After these steps, the person has no unfinished act to continue.
        Step::MissingLock { .. }
        | Step::NotAllowed { .. }
        | Step::AccountAdded { .. }
        | Step::PhoneSignInOn { .. }
        | Step::Queued { .. }
        | Step::Done { .. } => return Ok(()),
    };
    output.tell(&wrap(&text), &json!({ "event": event, "host": host }))?;
    Ok(())
}

/// Asks every service for requests, and shows the requests.
pub(super) async fn requests(phone: &Phone, reason: FetchReason, output: &mut Output) -> Result<Ending, PhoneError> {
    let checked = phone.authenticator().check_for_prompts(reason).await?;
    let accounts = phone.authenticator().accounts().await?;
    let views: Vec<PromptView> =
        checked.prompts.iter().filter_map(|prompt| PromptView::of(prompt, &accounts)).collect();
    for view in &views {
        let text = format!("\n{}\n", render::prompt(view, phone.now()));
        output.tell(&text, &json::prompt(view))?;
    }
    let any_unreachable = unreachable(phone, &checked, output).await?;
    match views.first() {
        Some(first) => {
            let name = names::short(&first.id.jti);
            output.text(&wrap(&format!("To answer: countersign-phone approve {name} --number NN")))?;
            output.text(&wrap(&format!("or: countersign-phone deny {name}, countersign-phone report {name}")))?;
        }
        None if any_unreachable => {}
        None => output.text(&wrap("No requests."))?,
    }
    Ok(Ending::Done)
}

/// Prints an error for each account whose service could not be reached; returns true when there is such an account.
pub(super) async fn unreachable(phone: &Phone, checked: &Checked, output: &mut Output) -> Result<bool, PhoneError> {
    let accounts = phone.authenticator().accounts().await?;
    for (id, error) in &checked.unreachable {
        let error = PhoneError::Core(error.clone());
        let host = accounts.iter().find(|account| account.id == *id).map(|account| account.host.as_str());
        output.error(&error, None, Some(host.unwrap_or(&id.0)))?;
    }
    Ok(!checked.unreachable.is_empty())
}

pub(super) async fn remove(
    phone: &Phone,
    name: &str,
    yes: bool,
    output: &mut Output,
    lines: &mut Lines,
) -> Result<Ending, PhoneError> {
    let accounts = phone.authenticator().accounts().await?;
    let account = names::account(&accounts, name)?;
    if !yes {
        let question =
            format!("Remove {} at {} from this phone? This can't be undone.", account.user_name, account.host);
        confirmed(&question, output, lines).await?;
    }
    let removal = phone.authenticator().remove(account.id.clone()).await?;
    let (service_knows, text) = match removal {
        Removal::Done => (true, "Removed. The service has confirmed the removal."),
        Removal::ServiceInformedLater => (
            false,
            "Removed from this phone. The service can't be reached now. This phone informs the service later, when the \
             program runs. Until then the service may still list this phone.",
        ),
    };
    output.tell(&wrap(text), &json!({ "event": "removed", "account": account.id.0, "service_told": service_knows }))?;
    Ok(if service_knows { Ending::Done } else { Ending::Queued })
}

pub(super) async fn unblock(phone: &Phone, name: &str, output: &mut Output) -> Result<Ending, PhoneError> {
    let accounts = phone.authenticator().accounts().await?;
    let account = names::account(&accounts, name)?;
    phone.authenticator().unblock(account.id.clone()).await?;
    let text = wrap("The service can send requests to this account again.");
    output.tell(&text, &json!({ "event": "unblocked", "account": account.id.0 }))?;
    Ok(Ending::Done)
}
