//! Adds an account by signing in, and turns phone sign-in on; both need the browser. Also turns phone sign-in off.

use countersign::{AccountId, Ending as TurnedOff, Error, Registration, Reply, Step, Ticket};
use serde_json::json;

use super::answer::unlock_step;
use super::ending::Ending;
use super::input::{Lines, confirmed};
use super::output::Output;
use super::watch;
use crate::error::PhoneError;
use crate::json;
use crate::loopback::Loopback;
use crate::names;
use crate::phone::Phone;
use crate::render::{self, quoted, wrap};

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
    let step = phone.authenticator().turn_on_phone_sign_in(account, browser.redirect_uri().to_owned()).await?;
    walk(phone, step, Some(&mut browser), yes, output, lines).await
}

/// Adds an account: the person signs in at the service with this host name and, if it needs one, port.
pub(super) async fn sign_in(
    phone: &Phone,
    address: &str,
    output: &mut Output,
    lines: &mut Lines,
) -> Result<Ending, PhoneError> {
    let mut browser = Loopback::listen().await?;
    let redirect_uri = browser.redirect_uri().to_owned();
    let step = phone.authenticator().add_by_signing_in(address.to_owned(), redirect_uri).await?;
    walk(phone, step, Some(&mut browser), true, output, lines).await
}

/// Carries out the steps until the act ends. When `browser` is `None`, a step that needs the browser fails with
/// `NoBrowserAnswer`.
pub(super) async fn walk(
    phone: &Phone,
    mut step: Step,
    mut browser: Option<&mut Loopback>,
    yes: bool,
    output: &mut Output,
    lines: &mut Lines,
) -> Result<Ending, PhoneError> {
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
            Step::OpenBrowser { ticket, host, url, digits, until } => {
                let browser = browser.as_deref_mut().ok_or(PhoneError::NoBrowserAnswer)?;
                let mut text =
                    format!("\n{}  {url}\n\n", wrap(&format!("Sign in at {host}. Open this address in your browser:")));
                if let Some(digits) = &digits {
                    text.push_str(&render::digits(&host, digits, until, phone.now()));
                }
                let event = json!({ "event": "open_browser", "host": host, "url": url, "digits": digits });
                output.tell(&text, &event)?;
                back(phone, browser, &ticket, output, lines).await?
            }
            ref asked @ (Step::MakeKey { .. } | Step::Sign { .. }) => unlock_step(phone, asked, output, lines).await?,
            Step::PhoneSignInInterrupted { ticket, .. } => phone.authenticator().continue_phone_sign_in(ticket).await?,
            Step::PhoneSignInOn { account } => return on(phone, &account, output).await,
            Step::AccountAdded { account } => return added(phone, &account, output).await,
            Step::NotAllowed { why, .. } => return Err(PhoneError::NotAllowed(why)),
            Step::MissingLock { .. } => return Err(PhoneError::MissingLock),
            Step::ShowDigits { .. }
            | Step::EnrollmentInterrupted { .. }
            | Step::EnrollmentEnded { .. }
            | Step::Queued { .. }
            | Step::Done { .. } => return Err(Error::InvalidAnswer.into()),
        };
    }
}

/// Waits for the browser's redirect and passes it to the core. During the wait the person can answer requests, because
/// the service may send a request for this sign-in to this phone. When a redirect belongs to a different act, an error
/// is printed and the wait continues.
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
        match phone.authenticator().provide(ticket.clone(), Reply::Redirected { url }).await {
            Err(foreign @ Error::ForeignRedirect) => output.error(&foreign.into(), None, None)?,
            accepted => return Ok(accepted?),
        }
    }
}

/// Shows the added account. Then shows how to turn phone sign-in on, or that the organization does not allow phone
/// sign-in.
async fn added(phone: &Phone, account: &AccountId, output: &mut Output) -> Result<Ending, PhoneError> {
    let accounts = phone.authenticator().accounts().await?;
    let Some(account) = accounts.iter().find(|known| known.id == *account) else {
        return Err(PhoneError::NoSuchAccount);
    };
    output.event(&json::account("added", account))?;
    let host = &account.host;
    let done = format!("The account at {host} is on this phone. This phone approves its sign-ins after a password.");
    output.text(&wrap(&done))?;
    let needs = phone.authenticator().requirements(account.id.clone()).await?;
    let next = match needs.registration {
        Registration::NotAllowed { .. } => "Your organization does not allow signing in without a password.",
        Registration::Needed | Registration::Done if !needs.lock_is_enough => {
            "To sign in without a password, set a lock first: countersign-phone lock set"
        }
        Registration::Needed | Registration::Done => "To sign in without a password: countersign-phone turn-on",
    };
    output.text(&wrap(next))?;
    Ok(Ending::Done)
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
    let ended = phone.authenticator().turn_off_phone_sign_in(account.id.clone()).await?;
    let (known, text) = match ended {
        TurnedOff::Done => (true, "Phone sign-in is off; its key is destroyed. The service has confirmed this."),
        TurnedOff::ServiceInformedLater => {
            (false, "Phone sign-in is off; its key is destroyed. The service is informed when it can be reached.")
        }
    };
    output.tell(&wrap(text), &json!({ "event": "phone_sign_in_off", "service_knows": known }))?;
    Ok(if known { Ending::Done } else { Ending::Queued })
}
