//! Who somebody is: by password or by pass. `number` and `register` go on from there.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use crate::app::App;
use crate::audit;
use crate::clock::Time;
use crate::devices::records as devices;
use crate::devices::standing::{Status, may_answer};
use crate::enrollment::acts::end_others;
use crate::pages::words;
use crate::passes::{self, Worth};
use crate::people::{self, Person};
use crate::phone_sign_in::acts::end_registrations;
use crate::phone_sign_in::records::Purpose;
use crate::policy::document::Bootstrap;
use crate::policy::records::effective_for;
use crate::prompts::acts::end_password_proved;
use crate::secrets::{hashed, random_id};
use crate::session::{Kind, Posted, Visitor, failed, with_cookie};
use crate::sign_in::records::{Attempt, Proven, Secret, Session, Used, end_session};
use crate::sign_in::routes::first_session;
use crate::sign_in::{number, register};
use crate::store::{StoreError, Tx};

/// Shortest password that a person may choose, in characters (NIST SP 800-63B-4 asks for 15 where nothing else is).
const SHORTEST: usize = 15;
const LONGEST: usize = 256;

/// `GET /sign-in/password`.
pub async fn password(State(app): State<App>, visitor: Visitor) -> Response {
    match named(&visitor) {
        Some((name, offers_phone)) => words::password(name, offers_phone, None).show(&app, &visitor),
        None => Redirect::to("/sign-in").into_response(),
    }
}

/// The name that was typed, and whether the phone may be used instead: registering a device asks for more, since a
/// phone must not let another key in by itself.
fn named(visitor: &Visitor) -> Option<(&str, bool)> {
    let attempt = visitor.attempt.as_ref()?;
    Some((attempt.user_name.as_deref()?, attempt.registration.is_none()))
}

/// `POST /sign-in/password`.
pub async fn take_password(State(app): State<App>, posted: Posted) -> Response {
    let Some((name, offers_phone)) = named(&posted.visitor).map(|(name, offers)| (name.to_owned(), offers)) else {
        return Redirect::to("/sign-in").into_response();
    };
    match check_password(&app, &name, posted.field("password").to_owned()).await {
        Ok(Some(person)) => proven(&app, posted.visitor, person, Secret::Password).await,
        Ok(None) => words::password(&name, offers_phone, Some(words::WRONG_PASSWORD)).show(&app, &posted.visitor),
        Err(error) => failed(&app, &error),
    }
}

/// Costs the same and says the same whether the name exists or not.
async fn check_password(app: &App, name: &str, password: String) -> Result<Option<Person>, StoreError> {
    let wanted = name.to_owned();
    let person = app.store.run(move |tx| people::find(tx, &wanted)).await?;
    let hash = people::password_hash(person.as_ref(), &app.decoy);
    let right = tokio::task::spawn_blocking(move || people::verify_password(&password, &hash))
        .await
        .map_err(|_stopped| StoreError::Stopped)?;
    let (shared, name, now) = (app.clone(), name.to_owned(), app.clock.now());
    app.store
        .run(move |tx| {
            let lets_in = people::count_password(tx, &shared.names, &name, right, now)?;
            // Read again: while it was compared the password may have been changed, or the person suspended.
            let still = people::find(tx, &name)?.filter(|person| lets_in && !person.suspended);
            Ok(still.filter(|still| person.is_some_and(|before| before.has_same_password(still))))
        })
        .await
}

/// `GET /sign-in/pass`.
pub async fn pass(State(app): State<App>, visitor: Visitor) -> Response {
    match named(&visitor) {
        Some((name, _)) => words::pass(name, None).show(&app, &visitor),
        None => Redirect::to("/sign-in").into_response(),
    }
}

/// `POST /sign-in/pass`. What is wrong with a pass is told to whoever holds it, and nothing to anybody else.
pub async fn take_pass(State(app): State<App>, posted: Posted) -> Response {
    let Some((name, _)) = named(&posted.visitor) else {
        return Redirect::to("/sign-in").into_response();
    };
    let (name, typed, now) = (name.to_owned(), posted.field("pass").to_owned(), posted.visitor.now);
    let wanted = name.clone();
    let taken = app
        .store
        .run(move |tx| match people::find(tx, &wanted)? {
            Some(person) if !person.suspended => Ok((passes::take(tx, &person.account_id, &typed, now)?, Some(person))),
            Some(_) | None => Ok((Worth::Unknown, None)),
        })
        .await;
    match taken {
        Ok((Worth::Good, Some(person))) => proven(&app, posted.visitor, person, Secret::Pass).await,
        Ok((worth, _)) => words::pass(&name, words::wrong_pass(worth)).show(&app, &posted.visitor),
        Err(error) => failed(&app, &error),
    }
}

/// Who somebody is was proved: the attempt goes on under a fresh cookie.
async fn proven(app: &App, visitor: Visitor, person: Person, by: Secret) -> Response {
    let (Some(older), Ok(cookie)) = (visitor.attempt.clone(), random_id()) else {
        return failed(app, &StoreError::Stopped);
    };
    let (older_id, id) = (older.id.clone(), hashed(cookie.as_bytes()));
    let attempt = Attempt { transaction: id.clone(), id, unproven: None, ceremony: None, may_register: false, ..older };
    let password_since = person.password_changed_at;
    let proven = Proven { account_id: person.account_id.clone(), at: visitor.now, by, password_since };
    let must_change = by == Secret::Password && person.must_change_password;
    let attempt = if must_change {
        Attempt { proven: None, must_change: Some(proven), ..attempt }
    } else {
        Attempt { proven: Some(proven), must_change: None, ..attempt }
    };
    let stored = attempt.clone();
    let kept = app
        .store
        .run(move |tx| {
            tx.delete::<Attempt>(&older_id)?;
            tx.put(&stored)
        })
        .await;
    let response = match kept {
        Ok(()) if must_change => Redirect::to("/new-password").into_response(),
        Ok(()) => go_on(app, visitor.rebound(&cookie), attempt).await,
        Err(error) => return failed(app, &error),
    };
    with_cookie(response, Kind::Attempt, &cookie)
}

/// What a proved person needs next.
pub enum Next {
    /// A phone approves.
    Number,
    /// The consent page of the phone that sent them here.
    Consent,
    /// A session that is good for adding the first method.
    FirstSession,
    /// The phone that sent them here is somebody else's.
    OtherPersonsPhone,
    /// The policy does not allow the app for them.
    NotOffered,
    /// The first method needs a pass.
    PassNeeded,
}

async fn go_on(app: &App, visitor: Visitor, attempt: Attempt) -> Response {
    let Some(proven) = attempt.proven.clone() else {
        return Redirect::to("/sign-in").into_response();
    };
    let asked = attempt.registration.as_ref().map(|registration| registration.purpose.clone());
    let next = app.store.run(move |tx| decide(tx, &proven, asked.as_ref())).await;
    match next {
        Ok(Next::Number) => number::ask(app, visitor, attempt).await,
        Ok(Next::Consent) => register::may_add(app, attempt).await,
        Ok(Next::FirstSession) if attempt.request.is_some() => Redirect::to("/more-information").into_response(),
        Ok(Next::FirstSession) => first_session(app, attempt).await,
        Ok(Next::OtherPersonsPhone) => words::other_persons_phone().show(app, &visitor),
        Ok(Next::NotOffered) => register::not_offered(app, &visitor, attempt),
        Ok(Next::PassNeeded) => words::pass_needed().show(app, &visitor),
        Err(error) => failed(app, &error),
    }
}

/// What somebody who was just proved needs next; `asked` is what a phone sent them here for.
pub fn decide(tx: &mut Tx<'_>, proven: &Proven, asked: Option<&Purpose>) -> Result<Next, StoreError> {
    let Some(person) = tx.get::<Person>(&proven.account_id)?.filter(|person| proven.still_counts(person)) else {
        return Ok(Next::OtherPersonsPhone);
    };
    let has_phone = !devices::active(tx, &person.account_id)?.is_empty();
    let by_pass = proven.by == Secret::Pass;
    let needs_pass = !by_pass && !has_phone && effective_for(tx, &person)?.bootstrap == Bootstrap::Pass;
    Ok(match asked {
        Some(Purpose::TurnOn { device_id }) => {
            let owner = tx.get::<devices::Device>(device_id)?.map(|device| device.account_id);
            if owner.as_deref() == Some(&person.account_id) { Next::Number } else { Next::OtherPersonsPhone }
        }
        Some(Purpose::AddPhone(_)) if may_answer(tx, &person.account_id)? != Status::Ok => Next::NotOffered,
        Some(Purpose::AddPhone(_)) if needs_pass => Next::PassNeeded,
        // A pass is made for this; without one the phones that are there are asked.
        Some(Purpose::AddPhone(_)) if by_pass || !has_phone => Next::Consent,
        Some(Purpose::AddPhone(_)) => Next::Number,
        None if needs_pass => Next::PassNeeded,
        None if by_pass || !has_phone => Next::FirstSession,
        None => Next::Number,
    })
}

/// `GET /new-password`: the password was made for this person and is good for nothing but choosing another.
pub async fn new_password(State(app): State<App>, visitor: Visitor) -> Response {
    match visitor.attempt.as_ref().filter(|attempt| attempt.must_change.is_some()) {
        Some(_attempt) => words::new_password(None).show(&app, &visitor),
        None => Redirect::to("/sign-in").into_response(),
    }
}

/// `POST /new-password`.
pub async fn take_new_password(State(app): State<App>, posted: Posted) -> Response {
    let proven_by = posted.visitor.attempt.as_ref().and_then(|attempt| attempt.must_change.clone());
    let Some(by) = proven_by.filter(|proven| proven.is_fresh(posted.visitor.now)) else {
        return Redirect::to("/sign-in").into_response();
    };
    let (first, second) = (posted.field("password").to_owned(), posted.field("again").to_owned());
    let problem = match first.chars().count() {
        length if length < SHORTEST => {
            Some("Choose at least 15 characters. A few words in a row are easy to remember.")
        }
        length if length > LONGEST => Some("Choose at most 256 characters."),
        _ if first != second => Some("The two are not the same. Type both again."),
        _ => None,
    };
    if problem.is_some() {
        return words::new_password(problem).show(&app, &posted.visitor);
    }
    match change_password(&app, by.account_id, first).await {
        Ok(Some(person)) => proven(&app, posted.visitor, person, Secret::Password).await,
        Ok(None) => {
            let problem = Some("That is the password that was made for you. Choose another.");
            words::new_password(problem).show(&app, &posted.visitor)
        }
        Err(error) => failed(&app, &error),
    }
}

/// Changes it once; none when it is the one that must be changed, or was changed already.
async fn change_password(app: &App, account_id: String, password: String) -> Result<Option<Person>, StoreError> {
    let (now, wanted) = (app.clock.now(), account_id.clone());
    let Some(person) = app.store.run(move |tx| tx.get::<Person>(&wanted)).await? else {
        return Ok(None);
    };
    let hashing = tokio::task::spawn_blocking(move || {
        if person.has_password(&password) { Ok(None) } else { people::hash(&password).map(Some) }
    });
    let hash = hashing.await.map_err(|_stopped| StoreError::Stopped)?.map_err(|_none| StoreError::Stopped)?;
    let Some(hash) = hash else {
        return Ok(None);
    };
    app.store
        .run(move |tx| {
            let found = tx.get::<Person>(&account_id)?.filter(|person| person.must_change_password);
            let Some(mut person) = found else {
                return Ok(None);
            };
            replace(tx, &mut person, hash, now)?;
            Ok(Some(person))
        })
        .await
}

/// From now on this password. What rests on the word of the old one ends: sessions by it alone, requests on the
/// phone, phones and keys that are being added.
pub(crate) fn replace(tx: &mut Tx<'_>, person: &mut Person, hash: people::Hash, now: Time) -> Result<(), StoreError> {
    person.set_password(hash, now);
    tx.put(person)?;
    audit::record(tx, &person.account_id, "password_changed", "", now)?;
    for session in tx.children::<Session>(&person.account_id)? {
        if session.used == Used::Password {
            end_session(tx, &session.id, now)?;
        }
    }
    end_password_proved(tx, &person.account_id, now)?;
    end_others(tx, &person.account_id, None, now)?;
    end_registrations(tx, &person.account_id)
}
