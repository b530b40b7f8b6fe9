//! The HTTP handlers of the administrator's pages.

use std::collections::HashMap;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;

use super::acts::{self, Act, Done, Shown};
use crate::app::App;
use crate::audit;
use crate::clock::Time;
use crate::devices::records as devices;
use crate::jose::check_unique;
use crate::pages::failed;
use crate::pages::words;
use crate::passes::rules::Span;
use crate::people::person::Person;
use crate::people::records as people;
use crate::policy;
use crate::policy::acts::Changed;
use crate::policy::document::Fault;
use crate::policy::records::{current, effective_for, groups};
use crate::posted::Posted;
use crate::secrets::crockford;
use crate::sign_in::resume::sign_in_again;
use crate::sign_in::session::Session;
use crate::store::{StoreError, Tx};
use crate::texts::is_shown;
use crate::visitor::Visitor;

/// Length of a generated password in characters. The password has 80 random bits and works once.
const MADE_PASSWORD: usize = 16;

/// Returns the administrator who uses this browser, if they approved the session on a phone and are not suspended.
/// Called in every transaction of an administrator's page. `session`: the id of the browser's session, which is read
/// again here because it may have ended.
fn administrator(tx: &mut Tx<'_>, session: Option<&str>, now: Time) -> Result<Option<Person>, StoreError> {
    let session = match session {
        Some(id) => tx.get::<Session>(id)?.filter(|session| session.expires_at > now),
        None => None,
    };
    // GUARD(administrator-by-phone): j1_w4_admin_pages_need_an_approved_administrator_session
    // INSTEAD: let Some(session) = session else {
    let Some(session) = session.filter(|session| session.used.has_phone()) else {
        return Ok(None);
    };
    // GUARD(administrator-only): j1_w4_admin_pages_need_an_approved_administrator_session
    // INSTEAD: Ok(tx.get::<Person>(&session.account_id)?.filter(|person| !person.suspended))
    Ok(tx.get::<Person>(&session.account_id)?.filter(|person| person.is_administrator && !person.suspended))
}

/// Returns the response to a visitor whom [`administrator`] did not accept: the sign-in page, the page where a phone
/// can be added, or a refusal.
fn refusal_page(app: &App, visitor: &Visitor) -> Response {
    match &visitor.session {
        None => sign_in_again(app, visitor),
        Some(session) if !session.used.has_phone() => Redirect::to("/security-info").into_response(),
        Some(_) => words::no_administrator().show_as(StatusCode::FORBIDDEN, app, Some(visitor)),
    }
}

/// Runs `work` in one transaction if [`administrator`] accepts the visitor. Otherwise returns the [`refusal_page`].
async fn allowed<T, F>(app: &App, visitor: Visitor, work: F) -> Result<(Visitor, T), Response>
where
    T: Send + 'static,
    F: Fn(&mut Tx<'_>, &Person) -> Result<T, StoreError> + Send + 'static,
{
    let (session, now) = (visitor.session.as_ref().map(|session| session.id.clone()), visitor.now);
    let done = app
        .store
        .global(move |tx| match administrator(tx, session.as_deref(), now)? {
            Some(person) => Ok(Some(work(tx, &person)?)),
            None => Ok(None),
        })
        .await;
    match done {
        Ok(Some(value)) => Ok((visitor, value)),
        Ok(None) => Err(refusal_page(app, &visitor)),
        Err(error) => Err(failed(app, &error)),
    }
}

/// `GET /admin`.
pub async fn people_page(State(app): State<App>, visitor: Visitor) -> Response {
    show_people(&app, visitor, None).await
}

async fn show_people(app: &App, visitor: Visitor, problem: Option<&'static str>) -> Response {
    let listed = |tx: &mut Tx<'_>, _by: &Person| {
        let everybody = people::everybody(tx)?;
        everybody.into_iter().map(|person| Ok((devices::active(tx, &person.account_id)?.len(), person))).collect()
    };
    match allowed::<Vec<(usize, Person)>, _>(app, visitor, listed).await {
        Ok((visitor, everybody)) => words::people(&everybody, problem).show(app, &visitor),
        Err(response) => response,
    }
}

/// `POST /admin/people`: adds a person with a password that works once.
pub async fn add_person(State(app): State<App>, posted: Posted) -> Response {
    let (user_name, name) = (posted.field("user_name").trim().to_owned(), posted.field("name").trim().to_owned());
    let fits = |text: &str| !text.is_empty() && is_shown(text);
    if !fits(&user_name) || !fits(&name) {
        return show_people(&app, posted.visitor, Some("A person needs a user name and a name.")).await;
    }
    let now = posted.visitor.now;
    let made = tokio::task::spawn_blocking(move || {
        let password = crockford(MADE_PASSWORD)?;
        let mut person = Person::new(&user_name, &name, &password, now)?;
        person.must_change_password = true;
        Ok::<_, crate::secrets::SecretError>((person, password))
    })
    .await;
    let Ok(Ok((person, password))) = made else {
        return failed(&app, &StoreError::Stopped);
    };
    let added = move |tx: &mut Tx<'_>, by: &Person| {
        if !people::add(tx, &person)? {
            return Ok(None);
        }
        audit::record(tx, &person.account_id, "person_added", &by.account_id, now)?;
        Ok(Some(person.clone()))
    };
    match allowed(&app, posted.visitor, added).await {
        Ok((visitor, Some(person))) => words::person_added(&person.user_name, password).show(&app, &visitor),
        Ok((visitor, None)) => show_people(&app, visitor, Some("Another person already has that user name.")).await,
        Err(response) => response,
    }
}

/// `GET /admin/person?account=…`.
pub async fn person_page(
    State(app): State<App>,
    visitor: Visitor,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    show_person(&app, visitor, query.get("account").cloned().unwrap_or_default(), None).await
}

async fn show_person(app: &App, visitor: Visitor, account: String, news: Option<&'static str>) -> Response {
    let now = visitor.now;
    let found = move |tx: &mut Tx<'_>, _by: &Person| {
        let Some(person) = tx.get::<Person>(&account)? else {
            return Ok(None);
        };
        let (phones, effective) = (devices::active(tx, &account)?, effective_for(tx, &person)?);
        Ok(Some(Shown { person, phones, groups: groups(tx)?, effective }))
    };
    match allowed(app, visitor, found).await {
        Ok((visitor, Some(shown))) => words::person(&shown, now, news).show(app, &visitor),
        Ok((_, None)) => Redirect::to("/admin").into_response(),
        Err(response) => response,
    }
}

/// `POST /admin/person`: the form's field `account` names the person, and the field `act` the change.
pub async fn change_person(State(app): State<App>, posted: Posted) -> Response {
    let account = posted.field("account").to_owned();
    let (Some(act), now) = (read_act(&posted), posted.visitor.now) else {
        return show_person(&app, posted.visitor, account, Some(words::NOT_DONE)).await;
    };
    let shown = account.clone();
    let done = move |tx: &mut Tx<'_>, by: &Person| {
        let done = acts::act(tx, by, &account, &act, now)?;
        Ok((done, tx.get::<Person>(&account)?))
    };
    match allowed(&app, posted.visitor, done).await {
        Ok((visitor, (Done::Pass(text), Some(person)))) => {
            words::made_pass(text, &person.user_name, "/admin").show(&app, &visitor)
        }
        Ok((visitor, (Done::Yes, _))) => show_person(&app, visitor, shown, Some(words::ADMIN_DONE)).await,
        Ok((visitor, _)) => show_person(&app, visitor, shown, Some(words::NOT_DONE)).await,
        Err(response) => response,
    }
}

fn read_act(posted: &Posted) -> Option<Act> {
    let about = || posted.field("about").to_owned();
    Some(match posted.field("act") {
        "suspend" => Act::Suspend,
        "resume" => Act::Resume,
        "pass" => Act::MakePass(Span::from(posted.visitor.now)),
        "unblock" => Act::Unblock,
        "join" => Act::Group { id: about(), joins: true },
        "leave" => Act::Group { id: about(), joins: false },
        "administrator" => Act::Administrator(true),
        "no-administrator" => Act::Administrator(false),
        "lost" => Act::Lost(about()),
        "remove-phones" => Act::RemovePhones,
        _ => return None,
    })
}

/// `GET /admin/groups`.
pub async fn groups_page(State(app): State<App>, visitor: Visitor) -> Response {
    show_groups(&app, visitor, None).await
}

async fn show_groups(app: &App, visitor: Visitor, problem: Option<&'static str>) -> Response {
    match allowed(app, visitor, |tx, _by| groups(tx)).await {
        Ok((visitor, groups)) => words::groups(&groups, problem).show(app, &visitor),
        Err(response) => response,
    }
}

/// `POST /admin/groups`.
pub async fn add_group(State(app): State<App>, posted: Posted) -> Response {
    let (name, now) = (posted.field("name").to_owned(), posted.visitor.now);
    match allowed(&app, posted.visitor, move |tx, _by| acts::add_group(tx, &name, now)).await {
        Ok((_, Some(_group))) => Redirect::to("/admin/groups").into_response(),
        Ok((visitor, None)) => show_groups(&app, visitor, Some("A group needs a name that no other group has.")).await,
        Err(response) => response,
    }
}

/// `GET /admin/policy`.
pub async fn policy_page(State(app): State<App>, visitor: Visitor) -> Response {
    match allowed(&app, visitor, |tx, _by| Ok(current(tx)?.to_json()?)).await {
        Ok((visitor, document)) => words::policy(&pretty(&document), &[], None).show(&app, &visitor),
        Err(response) => response,
    }
}

fn pretty(document: &Value) -> String {
    serde_json::to_string_pretty(document).unwrap_or_default()
}

/// `POST /admin/policy`: makes all changes in the typed document. If the document has a fault, makes no change, and
/// shows the faults and the typed text.
pub async fn change_policy(State(app): State<App>, posted: Posted) -> Response {
    let (text, now) = (posted.field("policy").to_owned(), posted.visitor.now);
    let change: Option<Value> = check_unique(text.as_bytes()).ok().and_then(|()| serde_json::from_str(&text).ok());
    let changed = move |tx: &mut Tx<'_>, by: &Person| {
        let Some(change) = &change else {
            let detail = "This is not JSON, or a member name is repeated.".to_owned();
            return Ok(Changed::Faulty(vec![Fault { pointer: String::new(), detail }]));
        };
        policy::acts::change(tx, by, change, now)
    };
    match allowed(&app, posted.visitor, changed).await {
        Ok((visitor, Changed::Done(document))) => {
            words::policy(&pretty(&document), &[], Some("The new policy is now in force.")).show(&app, &visitor)
        }
        Ok((visitor, Changed::Faulty(faults))) => {
            let page = words::policy(&text, &faults, None);
            page.show_as(StatusCode::BAD_REQUEST, &app, Some(&visitor))
        }
        Err(response) => response,
    }
}
