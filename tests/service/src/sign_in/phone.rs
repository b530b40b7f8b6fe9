//! Phone sign-in: no password, a number that the sign-in key approves.
//!
//! A browser that the account used before is told the truth. Any other is shown a number for a minute, the
//! same for every name: whether somebody has it, has a phone, is blocked, denies or is over a limit can't be
//! seen; only an approval turns the page.

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

/// An unproven page comes this long after it was asked for. What is done for a name that somebody has is done
/// meanwhile, and takes a small part of it.
const ANSWER_AFTER: Duration = Duration::from_millis(300);

/// `POST /sign-in/phone`: "Use your phone instead".
pub async fn instead(State(app): State<App>, posted: Posted) -> Response {
    match resume::of_form(&app, &posted.visitor) {
        Ok(attempt) if attempt.registration.is_none() => ask(&app, posted.visitor, attempt).await,
        // No page of a registration has this button.
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
    // What was proved before belongs to the other way.
    let attempt = Attempt { proven: None, ceremony: None, ..attempt };
    let person = app.store.run(move |tx| people::find(tx, &name)).await;
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

/// Takes an unproven page back; as long for every name.
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
            wait_for(app, Attempt { ceremony: Some(ceremony.id), unproven: None, ..attempt }).await
        }
        Ok(Verdict::Refused(why)) => words::phone_not_started(why).show(app, &visitor),
        Err(error) => failed(app, &error),
    }
}

async fn ask_unproven(app: &App, visitor: Visitor, attempt: Attempt, person: Option<Person>) -> Response {
    let (shared, name, now) = (app.clone(), attempt.user_name.clone().unwrap_or_default(), visitor.now);
    // Drawn for every name alike, whatever there is of it.
    let (number, id) = match app.store.run(move |tx| numbers::next(tx, &shared.names, &name, now)).await {
        Ok(number) => (number, random_id()),
        Err(error) => return failed(app, &error),
    };
    let (Some(number), Ok(id)) = (number, id) else {
        return words::name_worn_out().show(app, &visitor);
    };
    let unproven = Unproven { number: number.clone(), ends_at: now + UNKNOWN_LIFE };
    let attempt = Attempt { unproven: Some(unproven), ceremony: Some(id.clone()), ..attempt };
    if let Some(person) = person {
        let wanted = wanted(&visitor, &attempt, person.account_id, Origin::Unknown);
        let (app, wanted) = (app.clone(), Wanted { drawn: Some(Drawn { id, number }), ..wanted });
        in_background(async move { start_unproven(&app, wanted).await });
    }
    wait_for(app, attempt).await
}

/// Starts a ceremony unless a rule is against it, which nobody sees.
async fn start_unproven(app: &App, wanted: Wanted) -> Result<(), StoreError> {
    let (account_id, network, now) = (wanted.account_id.clone(), wanted.network.clone(), app.clock.now());
    let may_ring = app
        .store
        .run(move |tx| {
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
    if may_ring {
        // Why nothing was started, nobody is told.
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
        only: Only::All,
    }
}

/// The page of a browser that proved nothing.
pub(super) fn page(app: &App, visitor: &Visitor, unproven: &Unproven) -> Response {
    if unproven.ends_at <= visitor.now {
        return words::unproven_over().show(app, visitor);
    }
    words::unproven_number(&unproven.number, unproven.ends_at - visitor.now).show(app, visitor)
}
