//! Phone sign-in: the person types no password, and a phone approves with the number and the sign-in key.
//!
//! A known browser sees the real result. Any other browser sees a number for one minute, whatever name was typed. The
//! page does not reveal whether the name exists, or whether the account has a phone, is blocked or is over a limit. The
//! page also does not reveal a denial: until the minute is over, only an approval changes the page.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use tokio::time::Instant;

use crate::app::App;
use crate::pages::failed;
use crate::pages::words;
use crate::people::person::Person;
use crate::people::records as people;
use crate::policy::document::UnknownOrigins;
use crate::policy::records::effective_for;
use crate::posted::Posted;
use crate::prompts::acts::{self, Drawn, Only, Wanted};
use crate::prompts::ceremony::{Kind as PromptKind, Origin};
use crate::prompts::numbers;
use crate::prompts::rules::UNKNOWN_LIFE;
use crate::secrets::random_id;
use crate::sign_in::acts::in_background;
use crate::sign_in::acts::known_browser;
use crate::sign_in::attempt::{Attempt, Unproven};
use crate::sign_in::resume;
use crate::sign_in::waiting::{context, wait_for};
use crate::store::StoreError;
use crate::verdict::Verdict;
use crate::visitor::Visitor;

/// When a browser that proved nothing starts or cancels a phone sign-in, the service responds this long after the
/// request. The time is much longer than the additional work for an existing name, so it does not reveal whether the
/// name exists.
const ANSWER_AFTER: Duration = Duration::from_millis(300);

/// `POST /sign-in/phone`: the button "Use your phone instead".
pub async fn instead(State(app): State<App>, posted: Posted) -> Response {
    match resume::of_form(&app, &posted.visitor) {
        Ok(attempt) if attempt.registration.is_none() => ask(&app, posted.visitor, attempt).await,
        // The pages of a registration do not have this button.
        Ok(attempt) => attempt.flow.restart(&app, None),
        Err(instead) => *instead,
    }
}

/// Starts phone sign-in for the name that was typed.
pub(super) async fn ask(app: &App, visitor: Visitor, attempt: Attempt) -> Response {
    let answer_at = Instant::now() + ANSWER_AFTER;
    let Some(name) = attempt.user_name.clone() else {
        return attempt.flow.restart(app, None);
    };
    // A proof by password does not count for phone sign-in.
    let attempt = Attempt { proven: None, ceremony: None, ..attempt };
    let person = app.store.global(move |tx| people::find(tx, &name)).await;
    let known = match person {
        Ok(Some(person)) => {
            known_browser(app, visitor.browser.as_deref(), &person.account_id).await.map(|known| (Some(person), known))
        }
        Ok(None) => Ok((None, None)),
        Err(error) => Err(error),
    };
    match known {
        Ok((Some(person), Some(known))) => ask_known(app, visitor, attempt, person, known).await,
        Ok((person, _)) => {
            let page = ask_unproven(app, visitor, attempt, person).await;
            tokio::time::sleep_until(answer_at).await;
            page
        }
        Err(error) => failed(app, &error),
    }
}

/// Cancels the phone sign-in of a browser that proved nothing. Takes the same time for every name.
pub(super) async fn cancel(app: &App, attempt: Attempt) -> Response {
    let answer_at = Instant::now() + ANSWER_AFTER;
    let flow = attempt.flow.clone();
    if let Some(id) = attempt.ceremony.clone() {
        let (app, owner) = (app.clone(), attempt.owner());
        in_background(async move { acts::cancel(&app, id, owner).await });
    }
    tokio::time::sleep_until(answer_at).await;
    flow.restart(app, None)
}

async fn ask_known(app: &App, visitor: Visitor, attempt: Attempt, person: Person, known: String) -> Response {
    let mut wanted = wanted(&visitor, &attempt, person.account_id, Origin::KnownBrowser);
    wanted.known_browser = Some(known);
    match acts::start(app, wanted).await {
        Ok(Verdict::Granted(ceremony)) => {
            let waits = move |attempt: &mut Attempt| {
                (attempt.ceremony, attempt.unproven, attempt.proven) = (Some(ceremony.id.clone()), None, None);
            };
            wait_for(app, &attempt, waits).await
        }
        Ok(Verdict::Refused(why)) => words::phone_not_started(why).show(app, &visitor),
        Err(error) => failed(app, &error),
    }
}

async fn ask_unproven(app: &App, visitor: Visitor, attempt: Attempt, person: Option<Person>) -> Response {
    let (shared, name, now) = (app.clone(), attempt.user_name.clone().unwrap_or_default(), visitor.now);
    // A number is drawn for every name, whether the name exists or not.
    let (number, id) = match app.store.global(move |tx| numbers::next(tx, &shared.names, &name, now)).await {
        Ok(number) => (number, random_id()),
        Err(error) => return failed(app, &error),
    };
    let (Some(number), Ok(id)) = (number, id) else {
        return words::name_tried_too_often().show(app, &visitor);
    };
    let unproven = Unproven { number: number.clone(), ends_at: now + UNKNOWN_LIFE };
    let ceremony = id.clone();
    if let Some(person) = person {
        let wanted = wanted(&visitor, &attempt, person.account_id, Origin::Unknown);
        let (app, wanted) = (app.clone(), Wanted { drawn: Some(Drawn { id, number }), ..wanted });
        in_background(async move { start_unproven(&app, wanted).await });
    }
    let waits = move |attempt: &mut Attempt| {
        (attempt.ceremony, attempt.unproven, attempt.proven) = (Some(ceremony.clone()), Some(unproven.clone()), None);
    };
    wait_for(app, &attempt, waits).await
}

/// Starts a ceremony, unless the policy or a rule forbids it. The page does not show whether a ceremony was started.
async fn start_unproven(app: &App, wanted: Wanted) -> Result<(), StoreError> {
    let (account_id, network, now) = (wanted.account_id.clone(), wanted.network.clone(), app.clock.now());
    let may_start = app
        .store
        .global(move |tx| {
            let Some(person) = tx.get::<Person>(&account_id)? else {
                return Ok(false);
            };
            let phones = crate::devices::records::active(tx, &account_id)?;
            Ok(match effective_for(tx, &person)?.unknown_origins {
                UnknownOrigins::Usual => true,
                UnknownOrigins::NearOnly => phones.iter().any(|phone| phone.was_near(&network, now)),
                UnknownOrigins::Never => false,
            })
        })
        .await?;
    if may_start {
        // The result is ignored: the page must not depend on it.
        let _refused = acts::start(app, wanted).await?;
    }
    Ok(())
}

fn wanted(visitor: &Visitor, attempt: &Attempt, account_id: String, origin: Origin) -> Wanted {
    Wanted {
        account_id,
        owner: attempt.owner(),
        known_browser: None,
        kind: PromptKind::PhoneSignIn,
        origin,
        context: context(visitor, attempt.for_what().unwrap_or("Security info")),
        network: visitor.peer.network(),
        drawn: None,
        proven: None,
        change: None,
        only: Only::All,
    }
}

/// Shows the number page of a browser that proved nothing.
pub(super) fn page(app: &App, visitor: &Visitor, unproven: &Unproven) -> Response {
    if unproven.ends_at <= visitor.now {
        return words::unproven_over().show(app, visitor);
    }
    words::unproven_number(&unproven.number, unproven.ends_at - visitor.now).show(app, visitor)
}
