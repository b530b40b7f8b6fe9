//! Who somebody is: by password or by pass. `number` and `register` go on from there.

use axum::extract::State;
use axum::response::Response;

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
use crate::sign_in::flow::{self, Instead, Note};
use crate::sign_in::records::{Attempt, Proven, Secret, Session, Used, end_session};
use crate::sign_in::routes::{first_session, take_over};
use crate::sign_in::{number, register};
use crate::store::{StoreError, Tx};

const PASSWORD: &str = "/sign-in/password";
const PASS: &str = "/sign-in/pass";
const NEW_PASSWORD: &str = "/new-password";
/// Shortest password that a person may choose, in characters (NIST SP 800-63B-4 asks for 15 where nothing else is).
const SHORTEST: usize = 15;
const LONGEST: usize = 256;

/// `GET /sign-in/password`.
pub async fn password(State(app): State<App>, visitor: Visitor) -> Response {
    match flow::of_page(&app, &visitor, PASSWORD).and_then(|attempt| named(&app, attempt)) {
        Ok((attempt, name)) => words::password(&name, offers_phone(&attempt), None).show(&app, &visitor),
        Err(instead) => *instead,
    }
}

/// The name that was typed.
fn named(app: &App, attempt: Attempt) -> Result<(Attempt, String), Instead> {
    match attempt.user_name.clone() {
        Some(name) => Ok((attempt, name)),
        None => Err(attempt.flow.restart(app, None).into()),
    }
}

/// Whether the phone may be used instead: registering a device asks for more, since a phone must not let another key
/// in by itself.
fn offers_phone(attempt: &Attempt) -> bool {
    attempt.registration.is_none()
}

/// `POST /sign-in/password`.
pub async fn take_password(State(app): State<App>, posted: Posted) -> Response {
    let (attempt, name) = match flow::of_form(&app, &posted.visitor).and_then(|attempt| named(&app, attempt)) {
        Ok(found) => found,
        Err(instead) => return *instead,
    };
    match check_password(&app, &name, posted.field("password").to_owned()).await {
        Ok(Some(person)) => proven(&app, posted.visitor, attempt, person, Secret::Password).await,
        Ok(None) => {
            words::password(&name, offers_phone(&attempt), Some(words::WRONG_PASSWORD)).show(&app, &posted.visitor)
        }
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
    match flow::of_page(&app, &visitor, PASS).and_then(|attempt| named(&app, attempt)) {
        Ok((_, name)) => words::pass(&name, None).show(&app, &visitor),
        Err(instead) => *instead,
    }
}

/// `POST /sign-in/pass`. What is wrong with a pass is told to whoever holds it, and nothing to anybody else.
pub async fn take_pass(State(app): State<App>, posted: Posted) -> Response {
    let (attempt, name) = match flow::of_form(&app, &posted.visitor).and_then(|attempt| named(&app, attempt)) {
        Ok(found) => found,
        Err(instead) => return *instead,
    };
    let (wanted, typed, now) = (name.clone(), posted.field("pass").to_owned(), posted.visitor.now);
    let taken = app
        .store
        .run(move |tx| match people::find(tx, &wanted)? {
            Some(person) if !person.suspended => Ok((passes::take(tx, &person.account_id, &typed, now)?, Some(person))),
            Some(_) | None => Ok((Worth::Unknown, None)),
        })
        .await;
    match taken {
        Ok((Worth::Good, Some(person))) => proven(&app, posted.visitor, attempt, person, Secret::Pass).await,
        Ok((worth, _)) => words::pass(&name, words::wrong_pass(worth)).show(&app, &posted.visitor),
        Err(error) => failed(&app, &error),
    }
}

/// Who somebody is was proved: the attempt goes on under a fresh cookie.
async fn proven(app: &App, visitor: Visitor, older: Attempt, person: Person, by: Secret) -> Response {
    let Ok(cookie) = random_id() else {
        return failed(app, &StoreError::Stopped);
    };
    let id = hashed(cookie.as_bytes());
    let fresh = Attempt { id, unproven: None, ceremony: None, may_register: false, ..older.clone() };
    let password_since = person.password_changed_at;
    let proven = Proven { account_id: person.account_id.clone(), at: visitor.now, by, password_since };
    let must_change = by == Secret::Password && person.must_change_password;
    let fresh = if must_change {
        Attempt { proven: None, must_change: Some(proven), ..fresh }
    } else {
        Attempt { proven: Some(proven), must_change: None, ..fresh }
    };
    let attempt = match take_over(app, Some(older), fresh).await {
        Ok(attempt) => attempt,
        Err(error) => return failed(app, &error),
    };
    let response = if must_change { attempt.flow.to(app, NEW_PASSWORD) } else { go_on(app, visitor, attempt).await };
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
        return attempt.flow.restart(app, None);
    };
    let asked = attempt.registration.as_ref().map(|registration| registration.purpose.clone());
    let next = app.store.run(move |tx| decide(tx, &proven, asked.as_ref())).await;
    match next {
        Ok(Next::Number) => number::ask(app, visitor, attempt).await,
        Ok(Next::Consent) => register::may_add(app, attempt).await,
        Ok(Next::FirstSession) if attempt.flow.request().is_some() => attempt.flow.to(app, "/more-information"),
        Ok(Next::FirstSession) => first_session(app, &visitor, attempt).await,
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
    match flow::of_page(&app, &visitor, NEW_PASSWORD) {
        Ok(attempt) if attempt.must_change.is_some() => words::new_password(None).show(&app, &visitor),
        Ok(attempt) => attempt.flow.restart(&app, None),
        Err(instead) => *instead,
    }
}

/// `POST /new-password`.
pub async fn take_new_password(State(app): State<App>, posted: Posted) -> Response {
    let attempt = match flow::of_form(&app, &posted.visitor) {
        Ok(attempt) => attempt,
        Err(instead) => return *instead,
    };
    let Some(by) = attempt.must_change.clone().filter(|proven| proven.is_fresh(posted.visitor.now)) else {
        return attempt.flow.restart(&app, Some(Note::TookTooLong));
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
        Ok(Some(person)) => proven(&app, posted.visitor, attempt, person, Secret::Password).await,
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
