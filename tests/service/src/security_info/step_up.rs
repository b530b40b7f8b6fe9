//! Handles step-up: each change of the account needs its own approval on a phone. An approval of one kind of change
//! does not allow another kind.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use super::acts::{Changed, redeem};
use super::facts::facts;
use super::loss::{given_by, since};
use super::routes::{allowed, list, update_session};
use crate::app::App;
use crate::devices::device::Device;
use crate::devices::records as devices;
use crate::events;
use crate::pages::failed;
use crate::pages::words::{self, LossForm};
use crate::posted::Posted;
use crate::prompts::acts::{self, NotStarted, Only, Wanted};
use crate::prompts::ceremony::{Ceremony, Context, Origin, Outcome, Owner};
use crate::prompts::change::{Act, Change};
use crate::sign_in::resume::sign_in_again;
use crate::sign_in::session::Session;
use crate::sign_in::waiting::context;
use crate::store::{StoreError, Tx};
use crate::verdict::Verdict;
use crate::visitor::Visitor;

const NUMBER: &str = "/security-info/step-up";
/// Path of the number page for an administrative act.
pub(crate) const ADMIN_NUMBER: &str = "/admin/approve";

fn number_of(change: &Change) -> &'static str {
    match change {
        Change::Administer(_) => ADMIN_NUMBER,
        Change::AddMethod | Change::RemoveMethod(_) | Change::ReportLost { .. } | Change::CreatePass => NUMBER,
    }
}

/// Asks the phones to approve a change. The caller must have checked with `allowed` that the session may see the
/// account.
pub(super) async fn ask(app: &App, visitor: &Visitor, session: Session, change: Change) -> Response {
    ask_about(app, visitor, session, change, None).await
}

/// Like `ask`, for an administrative act. `about`: whom or what the act concerns. The caller must have checked that the
/// session may see the administrator's pages.
pub(crate) async fn ask_about(
    app: &App,
    visitor: &Visitor,
    session: Session,
    change: Change,
    about: Option<String>,
) -> Response {
    if !session.is_fresh(visitor.now) {
        return words::step_up_needed().show(app, visitor);
    }
    let wanted = Wanted {
        account_id: session.account_id.clone(),
        owner: Owner::Session(session.id.clone()),
        known_browser: session.browser.clone(),
        kind: change.kind(),
        origin: Origin::SignedIn,
        context: Context { about, ..context(visitor, change.place()) },
        network: visitor.peer.network(),
        drawn: None,
        proven: None,
        change: Some(change.clone()),
        only: asked_of(&change),
    };
    match acts::start(app, wanted).await {
        Ok(Verdict::Granted(ceremony)) => {
            let number = number_of(&change);
            let waits = move |session: &mut Session| session.ceremony = Some(ceremony.id.clone());
            match update_session(app, &session, waits).await {
                Ok(_updated) => Redirect::to(number).into_response(),
                Err(error) => failed(app, &error),
            }
        }
        Ok(Verdict::Refused(NotStarted::OldApp)) => words::not_changed(&change, words::UPDATE_APP).show(app, visitor),
        Ok(Verdict::Refused(NotStarted::NoPhone | NotStarted::PasswordChanged)) => {
            words::not_changed(&change, words::no_phone_for(&change)).show(app, visitor)
        }
        Ok(Verdict::Refused(NotStarted::Refused(_))) => {
            words::not_changed(&change, "There were too many requests. Try again in an hour.").show(app, visitor)
        }
        Err(error) => failed(app, &error),
    }
}

/// Returns which phones are asked to approve a change.
#[must_use]
pub fn asked_of(change: &Change) -> Only {
    match change {
        // A lost phone must not approve the report that it is lost.
        Change::ReportLost { device, .. } | Change::Administer(Act::ReportLost { device, .. }) => {
            Only::Others(device.clone())
        }
        Change::AddMethod | Change::RemoveMethod(_) | Change::CreatePass | Change::Administer(_) => Only::All,
    }
}

/// Returns the ceremony that the session waits for.
pub(super) async fn waiting(app: &App, session: &Session) -> Result<Option<Ceremony>, StoreError> {
    match &session.ceremony {
        Some(id) => acts::look(app, id.clone(), Owner::Session(session.id.clone())).await,
        None => Ok(None),
    }
}

/// `GET /security-info/step-up` and `GET /admin/approve`.
pub async fn number(State(app): State<App>, visitor: Visitor) -> Response {
    let Some(session) = visitor.session.clone() else {
        return Redirect::to("/security-info").into_response();
    };
    let found = match waiting(&app, &session).await {
        Ok(ceremony) => ceremony.and_then(|ceremony| Some((ceremony.change.clone()?, ceremony))),
        Err(error) => return failed(&app, &error),
    };
    match found {
        Some((change, ceremony)) => match ceremony.outcome_at(visitor.now) {
            None => show_number(&app, &visitor, change, &ceremony).await,
            Some(_) if ceremony.is_redeemable(visitor.now) => show_number(&app, &visitor, change, &ceremony).await,
            Some(Outcome::Approved) => {
                words::not_changed(&change, words::not_approved(Outcome::Expired)).show(&app, &visitor)
            }
            Some(outcome) => words::not_changed(&change, words::not_approved(outcome)).show(&app, &visitor),
        },
        None => Redirect::to("/security-info").into_response(),
    }
}

async fn show_number(app: &App, visitor: &Visitor, change: Change, ceremony: &Ceremony) -> Response {
    let about = change.clone();
    match app.store.global(move |tx| facts(tx, &about)).await {
        Ok(facts) => words::change_number(&change, facts, ceremony, visitor.now).show(app, visitor),
        Err(error) => failed(app, &error),
    }
}

/// `POST /security-info/step-up/finish`: makes the approved change, once.
pub async fn finish(State(app): State<App>, posted: Posted) -> Response {
    let Some(session) = posted.visitor.session.clone() else {
        return sign_in_again(&app, &posted.visitor);
    };
    let now = posted.visitor.now;
    let changed = app.store.global(move |tx| redeem(tx, &session.id, now)).await;
    match changed {
        Ok(Some(Changed::MayAdd)) => Redirect::to("/security-info/add").into_response(),
        Ok(Some(Changed::Removed)) => list(&app, &posted.visitor, Some(words::REMOVED)).await,
        Ok(Some(Changed::Lost)) => list(&app, &posted.visitor, Some(words::LOST)).await,
        Ok(Some(Changed::Pass(made))) => {
            words::made_pass(made.text, &made.user_name, "/security-info").show(&app, &posted.visitor)
        }
        Ok(None) => Redirect::to(NUMBER).into_response(),
        Err(error) => failed(&app, &error),
    }
}

/// `POST /admin/approve/cancel`.
pub async fn cancel_act(State(app): State<App>, posted: Posted) -> Response {
    cancel_and_show(&app, posted, "/admin").await
}

/// `POST /security-info/step-up/cancel`.
pub async fn cancel(State(app): State<App>, posted: Posted) -> Response {
    cancel_and_show(&app, posted, "/security-info").await
}

async fn cancel_and_show(app: &App, posted: Posted, next: &'static str) -> Response {
    if let Some(session) = posted.visitor.session
        && let Some(id) = session.ceremony
        && let Err(error) = acts::cancel(app, id, Owner::Session(session.id)).await
    {
        return failed(app, &error);
    }
    Redirect::to(next).into_response()
}

/// `GET /security-info/step-up/events` and `GET /admin/approve/events`.
pub async fn step_up_events(State(app): State<App>, visitor: Visitor) -> Response {
    let shared = app.clone();
    events::until(&app.store, move || {
        let (app, session) = (shared.clone(), visitor.session.clone());
        async move {
            let Some(session) = session else {
                return true;
            };
            match waiting(&app, &session).await {
                Ok(Some(ceremony)) => ceremony.outcome_at(app.clock.now()).is_some(),
                Ok(None) | Err(_) => true,
            }
        }
    })
}

/// `POST /security-info/remove`.
pub async fn remove(State(app): State<App>, posted: Posted) -> Response {
    match own_phone(&app, &posted).await {
        Ok((session, phone, _others)) => ask(&app, &posted.visitor, session, Change::RemoveMethod(phone.id)).await,
        Err(response) => response,
    }
}

/// `POST /security-info/lost`: shows what the phone has given, and asks since when it has been missing.
pub async fn lost(State(app): State<App>, posted: Posted) -> Response {
    let (phone, now) = match own_or_removed_phone(&app, &posted).await {
        Ok((_session, phone, 0)) => {
            // No other phone could approve the report.
            let change = Change::ReportLost { device: phone.id, since: 0 };
            return words::not_changed(&change, words::no_phone_for(&change)).show(&app, &posted.visitor);
        }
        Ok((_session, phone, _others)) => (phone, posted.visitor.now),
        Err(response) => return response,
    };
    let wanted = phone.clone();
    match app.store.in_account(&phone.account_id, move |tx| given_by(tx, &wanted, now)).await {
        Ok(given) => {
            let name = phone.claimed.as_ref().map_or("", |claimed| &claimed.name);
            let fields = vec![("device", phone.id.clone())];
            let form = LossForm { action: "/security-info/lost/report", fields, back: "/security-info" };
            words::lost_since(name, &given, &form, now).show(&app, &posted.visitor)
        }
        Err(error) => failed(&app, &error),
    }
}

/// `POST /security-info/lost/report`: asks the other phones to approve the report.
pub async fn report_lost(State(app): State<App>, posted: Posted) -> Response {
    let since = since(&posted, posted.visitor.now);
    match own_or_removed_phone(&app, &posted).await {
        Ok((session, phone, _others)) => {
            ask(&app, &posted.visitor, session, Change::ReportLost { device: phone.id, since }).await
        }
        Err(response) => response,
    }
}

/// `POST /security-info/pass`: asks the phones to approve a pass, with which the person can add a new phone.
pub async fn make_pass(State(app): State<App>, posted: Posted) -> Response {
    match allowed(&app, &posted.visitor).await {
        Ok((session, _, _)) => ask(&app, &posted.visitor, session, Change::CreatePass).await,
        Err(response) => response,
    }
}

/// Like `own_phone`, also for a phone that was removed lately.
async fn own_or_removed_phone(app: &App, posted: &Posted) -> Result<(Session, Device, usize), Response> {
    let (session, _person, phones) = allowed(app, &posted.visitor).await?;
    let (account, now) = (session.account_id.clone(), posted.visitor.now);
    let removed = move |tx: &mut Tx<'_>| devices::removed_lately(tx, &account, now);
    let removed = app.store.in_account(&session.account_id, removed).await.map_err(|error| failed(app, &error))?;
    let is_named = |phone: &Device| phone.id == posted.field("device");
    let others = phones.iter().filter(|phone| !is_named(phone)).count();
    let phone = phones.into_iter().chain(removed).find(is_named);
    phone.map(|phone| (session, phone, others)).ok_or_else(|| Redirect::to("/security-info").into_response())
}

/// Returns three values: the session, the active phone that the form names, and the number of other active phones.
async fn own_phone(app: &App, posted: &Posted) -> Result<(Session, Device, usize), Response> {
    let (session, _person, phones) = allowed(app, &posted.visitor).await?;
    let others = phones.len().saturating_sub(1);
    let phone = phones.into_iter().find(|phone| phone.id == posted.field("device"));
    phone.map(|phone| (session, phone, others)).ok_or_else(|| Redirect::to("/security-info").into_response())
}
