//! Serves the pages on which a person proves their identity by password or pass. The modules `second_factor`,
//! `register` and `first_session` contain the pages that follow.

use axum::extract::State;
use axum::response::Response;

use crate::app::App;
use crate::cookies::{Kind, with_cookie};
use crate::pages::failed;
use crate::pages::words;
use crate::passes;
use crate::passes::rules::Worth;
use crate::people::records as people;
use crate::people::rules::{Unfit, fits};
use crate::posted::Posted;
use crate::provenance::Given;
use crate::secrets::{hashed, random_id};
use crate::sign_in::acts::{Next, change_password, check_password, continue_as, what_next};
use crate::sign_in::attempt::{Attempt, Proven};
use crate::sign_in::first_session::first_session;
use crate::sign_in::flow::Note;
use crate::sign_in::resume;
use crate::sign_in::resume::Instead;
use crate::sign_in::{register, second_factor};
use crate::store::{Gone, StoreError};
use crate::verdict::Verdict;
use crate::visitor::Visitor;

const PASSWORD: &str = "/sign-in/password";
const PASS: &str = "/sign-in/pass";
const NEW_PASSWORD: &str = "/new-password";

/// `GET /sign-in/password`.
pub async fn password(State(app): State<App>, visitor: Visitor) -> Response {
    match resume::of_page(&app, &visitor, PASSWORD).and_then(|attempt| named(&app, attempt)) {
        Ok((attempt, name)) => words::password(&name, offers_phone(&attempt), None).show(&app, &visitor),
        Err(instead) => *instead,
    }
}

/// Returns the attempt and its user name, or restarts the sign-in if there is no name yet.
fn named(app: &App, attempt: Attempt) -> Result<(Attempt, String), Instead> {
    match attempt.user_name.clone() {
        Some(name) => Ok((attempt, name)),
        None => Err(attempt.flow.restart(app, None).into()),
    }
}

/// Returns whether the password page offers phone sign-in. If a phone sent the person here to register, the page does
/// not offer it, because a phone alone must not be enough to add a phone or a sign-in key.
fn offers_phone(attempt: &Attempt) -> bool {
    attempt.registration.is_none()
}

/// `POST /sign-in/password`.
pub async fn take_password(State(app): State<App>, posted: Posted) -> Response {
    let (attempt, name) = match resume::of_form(&app, &posted.visitor).and_then(|attempt| named(&app, attempt)) {
        Ok(found) => found,
        Err(instead) => return *instead,
    };
    match check_password(&app, &name, posted.field("password").to_owned()).await {
        Ok(Some(person)) => {
            let given = Given::by_password(person.password_changed_at, posted.visitor.now);
            let must_change = person.must_change_password;
            proven(&app, posted.visitor, attempt, Proven { account_id: person.account_id, given }, must_change).await
        }
        Ok(None) => {
            words::password(&name, offers_phone(&attempt), Some(words::WRONG_PASSWORD)).show(&app, &posted.visitor)
        }
        Err(error) => failed(&app, &error),
    }
}

/// `GET /sign-in/pass`.
pub async fn pass(State(app): State<App>, visitor: Visitor) -> Response {
    match resume::of_page(&app, &visitor, PASS).and_then(|attempt| named(&app, attempt)) {
        Ok((_, name)) => words::pass(&name, None).show(&app, &visitor),
        Err(instead) => *instead,
    }
}

/// `POST /sign-in/pass`. The page says what is wrong with a pass only if the pass belongs to this account.
pub async fn take_pass(State(app): State<App>, posted: Posted) -> Response {
    let (attempt, name) = match resume::of_form(&app, &posted.visitor).and_then(|attempt| named(&app, attempt)) {
        Ok(found) => found,
        Err(instead) => return *instead,
    };
    let (wanted, typed, now) = (name.clone(), posted.field("pass").to_owned(), posted.visitor.now);
    let taken = app
        .store
        .global(move |tx| match people::find(tx, &wanted)? {
            Some(person) if !person.suspended => {
                let (worth, given) = passes::acts::take(tx, &person.account_id, &typed, now)?;
                Ok((worth, given.map(|given| (person, given))))
            }
            Some(_) | None => Ok((Worth::Unknown, None)),
        })
        .await;
    match taken {
        Ok((_, Some((person, given)))) => {
            proven(&app, posted.visitor, attempt, Proven { account_id: person.account_id, given }, false).await
        }
        Ok((worth, None)) => words::pass(&name, words::wrong_pass(worth)).show(&app, &posted.visitor),
        Err(error) => failed(&app, &error),
    }
}

/// Stores the proof and continues the attempt under a new cookie. `must_change`: whether the typed password must be
/// changed before the proof counts.
async fn proven(app: &App, visitor: Visitor, older: Attempt, proof: Proven, must_change: bool) -> Response {
    let Ok(cookie) = random_id() else {
        return failed(app, &StoreError::Stopped);
    };
    let id = hashed(cookie.as_bytes());
    let (proven, must_change) = if must_change { (None, Some(proof)) } else { (Some(proof), None) };
    let fresh = Attempt { id, unproven: None, ceremony: None, proven, must_change, ..older.clone() };
    match continue_as(app, older, fresh).await {
        Ok(Verdict::Granted(attempt)) => show_next(app, visitor, attempt, &cookie).await,
        Ok(Verdict::Refused(Gone)) => resume::gone(app, &visitor),
        Err(error) => failed(app, &error),
    }
}

/// Shows the page that follows a proof. `cookie`: the attempt's new cookie.
async fn show_next(app: &App, visitor: Visitor, attempt: Attempt, cookie: &str) -> Response {
    let response = match attempt.must_change {
        Some(_) => attempt.flow.to(app, NEW_PASSWORD),
        None => next_page(app, visitor, attempt).await,
    };
    with_cookie(response, Kind::Attempt, cookie)
}

async fn next_page(app: &App, visitor: Visitor, attempt: Attempt) -> Response {
    let Some(proven) = attempt.proven.clone() else {
        return attempt.flow.restart(app, None);
    };
    let asked = attempt.registration.as_ref().map(|registration| registration.purpose.clone());
    let next = app.store.global(move |tx| what_next(tx, &proven, asked.as_ref())).await;
    match next {
        Ok(Next::Number) => second_factor::ask(app, visitor, attempt).await,
        Ok(Next::Consent) => attempt.flow.to(app, register::CONSENT),
        Ok(Next::FirstSession) if attempt.flow.request().is_some() => attempt.flow.to(app, "/more-information"),
        Ok(Next::FirstSession) => first_session(app, &visitor, attempt).await,
        Ok(Next::OtherPersonsPhone) => words::other_persons_phone().show(app, &visitor),
        Ok(Next::NotOffered) => register::not_offered(app, &visitor, attempt),
        Ok(Next::PassNeeded) => words::pass_needed().show(app, &visitor),
        Err(error) => failed(app, &error),
    }
}

/// `GET /new-password`: asks for a new password in place of the one that an administrator set.
pub async fn new_password(State(app): State<App>, visitor: Visitor) -> Response {
    match resume::of_page(&app, &visitor, NEW_PASSWORD) {
        Ok(attempt) if attempt.must_change.is_some() => words::new_password(None).show(&app, &visitor),
        Ok(attempt) => attempt.flow.restart(&app, None),
        Err(instead) => *instead,
    }
}

/// `POST /new-password`.
pub async fn take_new_password(State(app): State<App>, posted: Posted) -> Response {
    let attempt = match resume::of_form(&app, &posted.visitor) {
        Ok(attempt) => attempt,
        Err(instead) => return *instead,
    };
    if attempt.must_change.as_ref().is_none_or(|proven| !proven.is_fresh(posted.visitor.now)) {
        return attempt.flow.restart(&app, Some(Note::TookTooLong));
    }
    let (first, second) = (posted.field("password").to_owned(), posted.field("again").to_owned());
    let problem = match fits(&first) {
        Err(Unfit::TooShort) => Some("Choose at least 15 characters. A few words in a row are easy to remember."),
        Err(Unfit::TooLong) => Some("Choose at most 256 characters."),
        Ok(()) if first != second => Some("The two passwords are different. Type both again."),
        Ok(()) => None,
    };
    if problem.is_some() {
        return words::new_password(problem).show(&app, &posted.visitor);
    }
    let Ok(cookie) = random_id() else {
        return failed(&app, &StoreError::Stopped);
    };
    match change_password(&app, &attempt, first, hashed(cookie.as_bytes())).await {
        Ok(Some(attempt)) => show_next(&app, posted.visitor, attempt, &cookie).await,
        Ok(None) => {
            let problem = Some("That is the password that was created for you. Choose another.");
            words::new_password(problem).show(&app, &posted.visitor)
        }
        Err(error) => failed(&app, &error),
    }
}
