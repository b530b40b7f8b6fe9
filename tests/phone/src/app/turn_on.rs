//! Turning phone sign-in on and off.

use countersign::{AccountId, Ending as Told, Error, Reply, Step, Ticket};
use serde_json::json;

use super::Ending;
use super::answer::unlock_step;
use super::input::{Lines, confirmed};
use super::output::Output;
use super::watch;
use crate::error::PhoneError;
use crate::loopback::Loopback;
use crate::names;
use crate::phone::Phone;
use crate::render::{quoted, wrap};

pub(super) async fn turn_on(
    phone: &Phone,
    name: &str,
    yes: bool,
    output: &mut Output,
    lines: &mut Lines,
) -> Result<Ending, PhoneError> {
    let accounts = phone.authenticator().accounts().await?;
    let account = names::account(&accounts, name)?.id.clone();
    let mut browser = Loopback::listen().await?;
    let mut step = phone.authenticator().turn_on_phone_sign_in(account, browser.redirect_uri().to_owned()).await?;
    loop {
        step = match step {
            Step::ConfirmDevice { ticket, host, user_name, organization, device } => {
                let with = format!("{} at {}", quoted(&user_name), quoted(&organization));
                output.tell(
                    &wrap(&format!("Register this phone, {}, at {host} for {with}.", quoted(&device))),
                    &json!({ "event": "confirm_device", "host": host, "device": device }),
                )?;
                if !yes && let Err(refused) = confirmed("Register?", output, lines).await {
                    phone.authenticator().abandon(ticket).await?;
                    return Err(refused);
                }
                phone.authenticator().provide(ticket, Reply::Confirmed).await?
            }
            Step::OpenBrowser { ticket, host, url, .. } => {
                let text = format!("\n{}  {url}\n\n", wrap(&format!("Sign in at {host}. Open this in your browser:")));
                output.tell(&text, &json!({ "event": "open_browser", "host": host, "url": url }))?;
                back(phone, &mut browser, &ticket, output, lines).await?
            }
            ref asked @ (Step::MakeKey { .. } | Step::Sign { .. }) => unlock_step(phone, asked, output, lines).await?,
            Step::PhoneSignInInterrupted { ticket, .. } => phone.authenticator().continue_phone_sign_in(ticket).await?,
            Step::PhoneSignInOn(account) => return on(phone, &account, output).await,
            Step::NotAllowed { why, .. } => return Err(PhoneError::NotAllowed(why)),
            Step::MissingLock { .. } => return Err(PhoneError::MissingLock),
            Step::ShowDigits { .. }
            | Step::EnrollmentInterrupted { .. }
            | Step::EnrollmentEnded { .. }
            | Step::Queued(_)
            | Step::Done(_) => return Err(Error::InvalidAnswer.into()),
        };
    }
}

/// Waits for the browser, answers the request that the sign-in there sends to this phone, and brings what came
/// back; what belongs to something else is not taken, and the waiting goes on.
async fn back(
    phone: &Phone,
    browser: &mut Loopback,
    ticket: &Ticket,
    output: &mut Output,
    lines: &mut Lines,
) -> Result<Step, PhoneError> {
    loop {
        let Some(url) = watch::until(phone, output, lines, browser.next()).await? else {
            return Err(PhoneError::NoBrowserAnswer);
        };
        match phone.authenticator().provide(ticket.clone(), Reply::Redirected(url)).await {
            Err(foreign @ Error::ForeignRedirect) => output.error(&foreign.into(), None, None)?,
            brought => return Ok(brought?),
        }
    }
}

async fn on(phone: &Phone, account: &AccountId, output: &mut Output) -> Result<Ending, PhoneError> {
    let accounts = phone.authenticator().accounts().await?;
    let host = accounts.iter().find(|known| known.id == *account).map(|known| known.host.clone()).unwrap_or_default();
    output.tell(
        &wrap(&format!("Phone sign-in is on. At {host} you now sign in without a password.")),
        &json!({ "event": "phone_sign_in_on", "account": account.0, "host": host }),
    )?;
    Ok(Ending::Done)
}

pub(super) async fn turn_off(phone: &Phone, name: &str, output: &mut Output) -> Result<Ending, PhoneError> {
    let accounts = phone.authenticator().accounts().await?;
    let account = names::account(&accounts, name)?;
    let told = phone.authenticator().turn_off_phone_sign_in(account.id.clone()).await?;
    let (known, text) = match told {
        Told::Done => (true, "Phone sign-in is off; its key is destroyed. The service knows."),
        Told::ServiceToldLater => {
            (false, "Phone sign-in is off; its key is destroyed. The service is told as soon as it can be reached.")
        }
    };
    output.tell(&wrap(text), &json!({ "event": "phone_sign_in_off", "service_knows": known }))?;
    Ok(if known { Ending::Done } else { Ending::Queued })
}
