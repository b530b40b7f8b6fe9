//! Shows the administrator's pages, also with a message about an act that is not possible.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;

use super::access::allowed;
use super::acts::{Impossible, Shown};
use crate::app::App;
use crate::devices::records as devices;
use crate::pages::words;
use crate::people::person::Person;
use crate::people::records as people;
use crate::policy::records::{effective_for, groups};
use crate::prompts::change::Act;
use crate::store::Tx;
use crate::visitor::Visitor;

/// Shows the list of people.
pub(super) async fn show_people(app: &App, visitor: Visitor, problem: Option<&'static str>) -> Response {
    let listed = |tx: &mut Tx<'_>, _by: &Person| {
        let everybody = people::everybody(tx)?;
        everybody.into_iter().map(|person| Ok((devices::active(tx, &person.account_id)?.len(), person))).collect()
    };
    match allowed::<Vec<(usize, Person)>, _>(app, visitor, listed).await {
        Ok((visitor, everybody)) => words::people(&everybody, problem).show(app, &visitor),
        Err(response) => response,
    }
}

/// Shows one person, or the list of people if there is no such person.
pub(super) async fn show_person(app: &App, visitor: Visitor, account: String, news: Option<&'static str>) -> Response {
    let now = visitor.now;
    let found = move |tx: &mut Tx<'_>, _by: &Person| {
        let Some(person) = tx.get::<Person>(&account)? else {
            return Ok(None);
        };
        let (phones, effective) = (devices::active(tx, &account)?, effective_for(tx, &person)?);
        let removed = devices::removed_lately(tx, &account, now)?;
        Ok(Some(Shown { person, phones, removed, groups: groups(tx)?, effective }))
    };
    match allowed(app, visitor, found).await {
        Ok((visitor, Some(shown))) => words::person(&shown, now, news).show(app, &visitor),
        Ok((_, None)) => Redirect::to("/admin").into_response(),
        Err(response) => response,
    }
}

/// Shows the list of groups.
pub(super) async fn show_groups(app: &App, visitor: Visitor, problem: Option<&'static str>) -> Response {
    match allowed(app, visitor, |tx, _by| groups(tx)).await {
        Ok((visitor, groups)) => words::groups(&groups, problem).show(app, &visitor),
        Err(response) => response,
    }
}

/// Formats a policy document for the page.
pub(super) fn pretty(document: &Value) -> String {
    serde_json::to_string_pretty(document).unwrap_or_default()
}

/// Shows why an act is not possible, on the page where it was asked for.
pub(super) async fn impossible(app: &App, visitor: Visitor, act: &Act, why: Impossible) -> Response {
    match (why, act.account()) {
        (Impossible::NameTaken, _) => {
            show_people(app, visitor, Some("Another person already has that user name.")).await
        }
        (Impossible::GroupName, _) => {
            show_groups(app, visitor, Some("A group needs a name that no other group has.")).await
        }
        (Impossible::Faulty(faults), _) => {
            let text = match act {
                Act::ChangePolicy(change) => pretty(change),
                _ => String::new(),
            };
            words::policy(&text, &faults, &[]).show_as(StatusCode::BAD_REQUEST, app, Some(&visitor))
        }
        (Impossible::NotDone, Some(account)) => {
            show_person(app, visitor, account.to_owned(), Some(words::NOT_DONE)).await
        }
        (Impossible::NotDone, None) => words::act_not_done().show(app, &visitor),
    }
}
