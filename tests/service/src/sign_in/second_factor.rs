//! Asks the account's phones for an approval after a password or a pass. The approval is the second factor, or allows
//! the person to add a phone or a sign-in key.

use axum::response::Response;

use crate::app::App;
use crate::pages::{failed, words};
use crate::phone_sign_in::registration::Purpose;
use crate::prompts::acts::{self, Only, Wanted};
use crate::prompts::ceremony::{Kind, Origin};
use crate::sign_in::acts::known_browser;
use crate::sign_in::attempt::Attempt;
use crate::sign_in::flow::Note;
use crate::sign_in::waiting::{context, wait_for};
use crate::verdict::Verdict;
use crate::visitor::Visitor;

/// Starts the ceremony after a valid proof and redirects to the page with the number.
pub async fn ask(app: &App, visitor: Visitor, attempt: Attempt) -> Response {
    let Some(account_id) = attempt.account(visitor.now).map(str::to_owned) else {
        return attempt.flow.restart(app, Some(Note::TookTooLong));
    };
    let known = match known_browser(app, visitor.browser.as_deref(), &account_id).await {
        Ok(known) => known,
        Err(error) => return failed(app, &error),
    };
    let (kind, only) = asked_of(attempt.registration.as_ref().map(|registration| &registration.purpose));
    let wanted = Wanted {
        account_id,
        owner: attempt.owner(),
        origin: if known.is_some() { Origin::KnownBrowser } else { Origin::PasswordProved },
        known_browser: known,
        kind,
        context: context(&visitor, attempt.for_what().unwrap_or("Security info")),
        network: visitor.peer.network(),
        drawn: None,
        proven: attempt.proven.clone(),
        change: None,
        only,
    };
    match acts::start(app, wanted).await {
        Ok(Verdict::Granted(ceremony)) => {
            wait_for(app, &attempt, move |attempt| attempt.ceremony = Some(ceremony.id.clone())).await
        }
        Ok(Verdict::Refused(why)) => words::not_started(why).show(app, &visitor),
        Err(error) => failed(app, &error),
    }
}

/// Returns the kind of ceremony that follows a password or pass, and the phones to ask.
#[must_use]
pub fn asked_of(purpose: Option<&Purpose>) -> (Kind, Only) {
    match purpose {
        Some(Purpose::TurnOn { device_id }) => (Kind::RegisterDevice, Only::Device(device_id.clone())),
        Some(Purpose::AddPhone(_)) => (Kind::AddMethod, Only::All),
        None => (Kind::SecondFactor, Only::All),
    }
}
