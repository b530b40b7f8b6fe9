//! Asks an administrator's phones to approve an administrative act, and makes the approved act.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use super::access::allowed;
use super::acts::{self, Done, Impossible, Prepared};
use super::pages::impossible;
use crate::app::App;
use crate::clock::Time;
use crate::effects::policy::Changed;
use crate::effects::{approval, authority};
use crate::pages::failed;
use crate::pages::words;
use crate::people::person::Person;
use crate::posted::Posted;
use crate::prompts::ceremony::{Ceremony, Owner};
use crate::prompts::change::{Act, Change};
use crate::secrets::{SecretError, crockford};
use crate::security_info::acts::{raise, waiting};
use crate::security_info::step_up;
use crate::sign_in::resume::sign_in_again;
use crate::sign_in::session::Session;
use crate::store::{StoreError, Tx};
use crate::visitor::Visitor;

/// Length of a generated password in characters. The password has 80 random bits and works once.
const MADE_PASSWORD: usize = 16;

/// Asks the phones of the administrator to approve an act, if the act is possible now.
pub(super) async fn ask(app: &App, visitor: Visitor, act: Act) -> Response {
    let wanted = act.clone();
    match allowed(app, visitor, move |tx, by| acts::askable(tx, by, &wanted)).await {
        Ok((visitor, Ok(askable))) => match visitor.session.clone() {
            Some(session) => {
                step_up::ask_about(app, &visitor, session, Change::Administer(act), Some(askable.about)).await
            }
            None => sign_in_again(app, &visitor),
        },
        Ok((visitor, Err(why))) => impossible(app, visitor, &act, why).await,
        Err(response) => response,
    }
}

/// `POST /admin/approve/finish`: makes the approved act, once.
pub async fn finish(State(app): State<App>, posted: Posted) -> Response {
    let Some(session) = posted.visitor.session.clone() else {
        return sign_in_again(&app, &posted.visitor);
    };
    let (now, id) = (posted.visitor.now, session.id.clone());
    let act = match app.store.global(move |tx| act_of(tx, &id, now)).await {
        Ok(Some(act)) => act,
        Ok(None) => return Redirect::to(step_up::ADMIN_NUMBER).into_response(),
        Err(error) => return failed(&app, &error),
    };
    let (person, password) = match prepare(&act, now).await {
        Ok(Some((person, password))) => (Some(person), password),
        Ok(None) => (None, String::new()),
        Err(error) => return failed(&app, &error),
    };
    let id = session.id.clone();
    let redeemed = app.store.global(move |tx| redeem(tx, &id, person.as_ref(), now)).await;
    match redeemed {
        Ok(Some(done)) => show(&app, posted.visitor, &act, done, password).await,
        Ok(None) => Redirect::to(step_up::ADMIN_NUMBER).into_response(),
        Err(error) => failed(&app, &error),
    }
}

/// Returns the administrative act for which the session waits.
fn act_of(tx: &mut Tx<'_>, session_id: &str, now: Time) -> Result<Option<Act>, StoreError> {
    Ok(waiting(tx, session_id, now)?.and_then(|(_, ceremony)| match ceremony.change {
        Some(Change::Administer(act)) => Some(act),
        _ => None,
    }))
}

/// Makes the person and the password of `Act::AddPerson`. Hashes the password, which is slow, before the transaction.
async fn prepare(act: &Act, now: Time) -> Result<Option<(Person, String)>, StoreError> {
    let Act::AddPerson { user_name, display_name } = act.clone() else {
        return Ok(None);
    };
    let made = tokio::task::spawn_blocking(move || {
        let password = crockford(MADE_PASSWORD)?;
        let mut person = Person::new(&user_name, &display_name, &password, now)?;
        person.must_change_password = true;
        Ok::<_, SecretError>((person, password))
    });
    Ok(Some(made.await.map_err(|_stopped| StoreError::Stopped)??))
}

/// Redeems the approval for which the session waits, and makes the approved act. Returns `None` if there is no approval
/// to redeem.
pub fn redeem(
    tx: &mut Tx<'_>,
    session_id: &str,
    person: Option<&Person>,
    now: Time,
) -> Result<Option<Done>, StoreError> {
    let Some((session, ceremony)) = waiting(tx, session_id, now)? else {
        return Ok(None);
    };
    let Some(approval) = spend(tx, &session, &ceremony, now)? else {
        return Ok(None);
    };
    if !raise(tx, &session, &approval, now)? {
        return Ok(None);
    }
    Ok(Some(match authority::by_approval(tx, approval)? {
        Some(authority) => acts::administer(tx, authority, &Prepared { person, token_owner: None }, now)?,
        None => Done::No,
    }))
}

fn spend<'t>(
    tx: &mut Tx<'t>,
    session: &Session,
    ceremony: &Ceremony,
    now: Time,
) -> Result<Option<approval::Approval<'t>>, StoreError> {
    match &ceremony.change {
        Some(change @ Change::Administer(_)) => {
            approval::spend(tx, &ceremony.id, &Owner::Session(session.id.clone()), change.kind(), now)
        }
        Some(_) | None => Ok(None),
    }
}

/// Shows the result of an act.
async fn show(app: &App, visitor: Visitor, act: &Act, done: Done, password: String) -> Response {
    match (done, act) {
        (Done::Pass(made), _) => words::made_pass(made.text, &made.user_name, "/admin").show(app, &visitor),
        (Done::ApiToken(token), _) => words::api_token_made(token).show(app, &visitor),
        (Done::Policy(Changed::Faulty(faults)), _) => impossible(app, visitor, act, Impossible::Faulty(faults)).await,
        (Done::Policy(Changed::Done(_)), _) => words::act_done("/admin/policy").show(app, &visitor),
        (Done::Yes, Act::AddPerson { user_name, .. }) => words::person_added(user_name, password).show(app, &visitor),
        (Done::Yes, Act::AddGroup(_)) => words::act_done("/admin/groups").show(app, &visitor),
        (Done::Yes | Done::Reset(_), _) => words::act_done(&page_about(act)).show(app, &visitor),
        (Done::No, _) => words::act_not_done().show(app, &visitor),
    }
}

/// Returns the path of the page about the person whom the act concerned. A deleted person has no page.
fn page_about(act: &Act) -> String {
    match act.account().filter(|_account| !matches!(act, Act::DeletePerson(_))) {
        Some(account) => format!("/admin/person?account={account}"),
        None => "/admin".to_owned(),
    }
}
