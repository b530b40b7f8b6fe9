//! The number page: the second factor and registering a device, and what an approval of any kind gives.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use crate::app::App;
use crate::clock::Time;
use crate::events;
use crate::notices;
use crate::openid::answer::leave_with_code;
use crate::pages::words;
use crate::people::Person;
use crate::phone_sign_in::records::Purpose;
use crate::prompts::acts::{self, Only, Wanted};
use crate::prompts::records::{Ceremony, Context, Kind as PromptKind, Origin, Outcome};
use crate::prompts::rules::is_forgotten;
use crate::secrets::{hashed, random_id};
use crate::session::{Kind, Posted, Visitor, failed, with_cookie, with_way, without_cookie};
use crate::sign_in::flow::{self, Note};
use crate::sign_in::phone;
use crate::sign_in::records::{Attempt, KnownBrowser, Secret, Session, Used, end_session};
use crate::store::{StoreError, Tx};

const NUMBER: &str = "/sign-in/number";
const CONTINUE: &str = "/sign-in/continue";
/// Longest text that a prompt carries, in characters (protocol section 7).
const MAX_SHOWN: usize = 128;

/// Asks the phone after the right password, and shows the number.
pub async fn ask(app: &App, visitor: Visitor, attempt: Attempt) -> Response {
    let Some(account_id) = attempt.account(visitor.now).map(str::to_owned) else {
        return attempt.flow.restart(app, Some(Note::TookTooLong));
    };
    let known = match known_browser(app, &visitor, &account_id).await {
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
        only,
    };
    match acts::start(app, wanted).await {
        Ok(Ok(ceremony)) => wait_for(app, Attempt { ceremony: Some(ceremony.id), ..attempt }).await,
        Ok(Err(why)) => words::not_started(why).show(app, &visitor),
        Err(error) => failed(app, &error),
    }
}

/// What is asked for after a password, and of which phones.
#[must_use]
pub fn asked_of(purpose: Option<&Purpose>) -> (PromptKind, Only) {
    match purpose {
        Some(Purpose::TurnOn { device_id }) => (PromptKind::RegisterDevice, Only::Device(device_id.clone())),
        Some(Purpose::AddPhone(_)) => (PromptKind::AddMethod, Only::All),
        None => (PromptKind::SecondFactor, Only::All),
    }
}

/// Shows the number that an attempt waits with.
pub(super) async fn wait_for(app: &App, attempt: Attempt) -> Response {
    let flow = attempt.flow.clone();
    match app.store.run(move |tx| tx.put(&attempt)).await {
        Ok(()) => flow.to(app, NUMBER),
        Err(error) => failed(app, &error),
    }
}

/// What the phone shows of this browser.
#[must_use]
pub fn context(visitor: &Visitor, application: &str) -> Context {
    Context {
        // The phone refuses longer texts, and a longer prompt would not fit a push.
        application: application.chars().take(MAX_SHOWN).collect(),
        browser: visitor.agent.browser.clone(),
        os: visitor.agent.os.clone(),
        address: visitor.peer.address().to_string(),
    }
}

/// The known browser this is, unless it has lost its standing.
pub(super) async fn known_browser(
    app: &App,
    visitor: &Visitor,
    account_id: &str,
) -> Result<Option<String>, StoreError> {
    let Some(cookie) = &visitor.browser else {
        return Ok(None);
    };
    let (id, account_id, now) = (KnownBrowser::id_of(cookie, account_id), account_id.to_owned(), visitor.now);
    app.store
        .run(move |tx| {
            let Some(known) = tx.get::<KnownBrowser>(&id)?.filter(|known| known.expires_at > now) else {
                return Ok(None);
            };
            let history: Vec<Ceremony> = tx.children(&account_id)?;
            if is_forgotten(&history, &known.id, now) {
                tx.delete::<KnownBrowser>(&known.id)?;
                return Ok(None);
            }
            Ok(Some(known.id))
        })
        .await
}

/// The ceremony that an attempt waits for.
pub(super) async fn waiting(app: &App, attempt: &Attempt) -> Result<Option<Ceremony>, StoreError> {
    match &attempt.ceremony {
        Some(id) => acts::look(app, id.clone(), attempt.owner()).await,
        None => Ok(None),
    }
}

/// `GET /sign-in/number`.
pub async fn number(State(app): State<App>, visitor: Visitor) -> Response {
    let attempt = match flow::of_page(&app, &visitor, NUMBER) {
        Ok(attempt) => attempt,
        Err(instead) => return *instead,
    };
    if let Some(unproven) = &attempt.unproven {
        return phone::page(&app, &visitor, unproven);
    }
    match waiting(&app, &attempt).await {
        Ok(Some(ceremony)) => match ceremony.outcome_at(visitor.now) {
            None => words::sign_in_number(&ceremony, visitor.now).show(&app, &visitor),
            Some(_) if ceremony.is_redeemable(visitor.now) => {
                words::sign_in_number(&ceremony, visitor.now).show(&app, &visitor)
            }
            // Approved, but the page was away for too long: turning it again would never end.
            Some(Outcome::Approved) => words::sign_in_over(Outcome::Expired).show(&app, &visitor),
            Some(outcome) => words::sign_in_over(outcome).show(&app, &visitor),
        },
        Ok(None) => attempt.flow.restart(&app, None),
        Err(error) => failed(&app, &error),
    }
}

/// `GET /sign-in/events`.
pub async fn number_events(State(app): State<App>, visitor: Visitor) -> Response {
    let (shared, attempt) = (app.clone(), flow::of_page(&app, &visitor, NUMBER).ok());
    events::until(&app, move || {
        let (app, attempt) = (shared.clone(), attempt.clone());
        async move {
            match attempt {
                Some(attempt) => has_turned(&app, &attempt).await.unwrap_or(true),
                None => true,
            }
        }
    })
}

/// Whether the page that shows an attempt's number has something else to say.
async fn has_turned(app: &App, attempt: &Attempt) -> Result<bool, StoreError> {
    let id = attempt.id.clone();
    if app.store.run(move |tx| tx.get::<Attempt>(&id)).await?.is_none() {
        // Another tab has gone on.
        return Ok(true);
    }
    let (now, ceremony) = (app.clock.now(), waiting(app, attempt).await?);
    Ok(match (ceremony, &attempt.unproven) {
        // Whatever became of it, an unproven page turns at its end, and before that only by an approval.
        (Some(ceremony), Some(unproven)) => ceremony.is_redeemable(now) || unproven.ends_at <= now,
        (None, Some(unproven)) => unproven.ends_at <= now,
        (Some(ceremony), None) => ceremony.outcome_at(now).is_some(),
        (None, None) => true,
    })
}

/// `POST /sign-in/again`.
pub async fn again(State(app): State<App>, posted: Posted) -> Response {
    match flow::of_form(&app, &posted.visitor) {
        Ok(attempt) if attempt.proven.is_some() => ask(&app, posted.visitor, attempt).await,
        Ok(attempt) => phone::ask(&app, posted.visitor, attempt).await,
        Err(instead) => *instead,
    }
}

/// `POST /sign-in/cancel`.
pub async fn cancel(State(app): State<App>, posted: Posted) -> Response {
    let attempt = match flow::of_form(&app, &posted.visitor) {
        Ok(attempt) => attempt,
        Err(instead) => return *instead,
    };
    if attempt.unproven.is_some() {
        return phone::cancel(&app, attempt).await;
    }
    let (flow, owner) = (attempt.flow.clone(), attempt.owner());
    if let Some(id) = attempt.ceremony
        && let Err(error) = acts::cancel(&app, id, owner).await
    {
        return failed(&app, &error);
    }
    flow.to(&app, NUMBER)
}

/// `POST /sign-in/finish`: the page turned. A browser that proved nothing first names whose account it will be,
/// so that nobody is signed in to somebody else's without knowing.
pub async fn finish(State(app): State<App>, posted: Posted) -> Response {
    match flow::of_form(&app, &posted.visitor) {
        Ok(attempt) if attempt.unproven.is_some() => attempt.flow.to(&app, CONTINUE),
        Ok(attempt) => give(&app, posted, attempt).await,
        Err(instead) => *instead,
    }
}

/// `GET /sign-in/continue`: whose account this will be.
pub async fn name_account(State(app): State<App>, visitor: Visitor) -> Response {
    let attempt = match flow::of_page(&app, &visitor, CONTINUE) {
        Ok(attempt) if attempt.unproven.is_some() => attempt,
        Ok(attempt) => return attempt.flow.restart(&app, None),
        Err(instead) => return *instead,
    };
    let now = visitor.now;
    let found = match waiting(&app, &attempt).await {
        Ok(Some(ceremony)) if ceremony.is_redeemable(now) => {
            app.store.run(move |tx| tx.get::<Person>(&ceremony.account_id)).await
        }
        Ok(_) => Ok(None),
        Err(error) => Err(error),
    };
    match found {
        Ok(Some(person)) => words::name_account(&person.display_name, &person.user_name).show(&app, &visitor),
        Ok(None) => attempt.flow.to(&app, NUMBER),
        Err(error) => failed(&app, &error),
    }
}

/// `POST /sign-in/continue`.
pub async fn go_on(State(app): State<App>, posted: Posted) -> Response {
    match flow::of_form(&app, &posted.visitor) {
        Ok(attempt) => give(&app, posted, attempt).await,
        Err(instead) => *instead,
    }
}

/// The approval becomes a session, or the right to register a device; once, for this browser alone.
async fn give(app: &App, posted: Posted, attempt: Attempt) -> Response {
    if attempt.registration.is_some() {
        return super::register::approved(app, attempt, posted.visitor.now).await;
    }
    let (Ok(session_cookie), Ok(browser_cookie)) = (random_id(), random_id()) else {
        return failed(app, &StoreError::Stopped);
    };
    let browser_cookie = posted.visitor.browser.clone().unwrap_or(browser_cookie);
    let (now, id, browser) = (posted.visitor.now, hashed(session_cookie.as_bytes()), browser_cookie.clone());
    let (older, flow) = (posted.visitor.session.as_ref().map(|session| session.id.clone()), attempt.flow.clone());
    let finished = app.store.run(move |tx| redeem(tx, &attempt, id, &browser, older, now)).await;
    let session = match finished {
        Ok(Some(session)) => session,
        Ok(None) => return flow.to(app, NUMBER),
        Err(error) => return failed(app, &error),
    };
    let by_phone = session.used == Used::Phone;
    let response = match flow.request() {
        Some(request) => leave_with_code(app, &posted.visitor, session, request.clone()).await,
        None => Redirect::to("/security-info").into_response(),
    };
    let response = with_way(without_cookie(response, Kind::Attempt), by_phone);
    with_cookie(with_cookie(response, Kind::Session, &session_cookie), Kind::Browser, &browser_cookie)
}

/// An approval becomes a session, once; `older` is the one that the browser had.
pub fn redeem(
    tx: &mut Tx<'_>,
    attempt: &Attempt,
    session_id: String,
    browser_cookie: &str,
    older: Option<String>,
    now: Time,
) -> Result<Option<Session>, StoreError> {
    let Some(ceremony_id) = &attempt.ceremony else {
        return Ok(None);
    };
    if let Some(proven) = &attempt.proven
        && !tx.get::<Person>(&proven.account_id)?.is_some_and(|person| proven.still_counts(&person))
    {
        return Ok(None);
    }
    let owner = attempt.owner();
    // A proved password or pass makes it a second factor; without one only the sign-in key was ever asked.
    let (kind, used) = match attempt.proven.as_ref().map(|proven| proven.by) {
        Some(Secret::Password) => (PromptKind::SecondFactor, Used::PasswordAndPhone),
        Some(Secret::Pass) => (PromptKind::SecondFactor, Used::PassAndPhone),
        None => (PromptKind::PhoneSignIn, Used::Phone),
    };
    let Some(ceremony) = acts::redeem(tx, ceremony_id, &owner, kind, now)? else {
        return Ok(None);
    };
    if let Some(older) = older {
        end_session(tx, &older, now)?;
    }
    let session = Session::new(session_id, ceremony.account_id.clone(), used, now);
    let browser = KnownBrowser::new(browser_cookie, &ceremony.account_id, now);
    if tx.get::<KnownBrowser>(&browser.id)?.is_none() {
        notices::tell(tx, &ceremony.account_id, None, notices::Kind::NewBrowser, now)?;
    }
    tx.put(&session)?;
    tx.put(&browser)?;
    tx.delete::<Attempt>(&attempt.id)?;
    acts::gave(tx, ceremony, &session, Some(browser.id))?;
    Ok(Some(session))
}
