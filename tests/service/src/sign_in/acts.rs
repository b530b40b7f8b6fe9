//! What is done when somebody signs in, each inside one transaction.

use crate::app::App;
use crate::audit;
use crate::clock::Time;
use crate::devices::device::Device;
use crate::devices::records as devices;
use crate::devices::standing::{Status, may_answer};
use crate::endings::{end_attempt, end_for_new_password, end_session, forget_browser};
use crate::notices;
use crate::passwords;
use crate::people::person::{Person, password_hash};
use crate::people::records as people;
use crate::phone_sign_in::registration::Purpose;
use crate::policy::document::Bootstrap;
use crate::policy::records::effective_for;
use crate::prompts::acts as prompts;
use crate::prompts::ceremony::{Ceremony, Kind, Outcome};
use crate::prompts::rules::is_forgotten;
use crate::sign_in::attempt::{Attempt, Proven, Secret};
use crate::sign_in::records::KnownBrowser;
use crate::sign_in::session::{Session, Used};
use crate::store::{StoreError, Tx};

/// Costs the same and says the same whether the name exists or not.
pub(super) async fn check_password(app: &App, name: &str, password: String) -> Result<Option<Person>, StoreError> {
    let wanted = name.to_owned();
    let person = app.store.run(move |tx| people::find(tx, &wanted)).await?;
    let hash = password_hash(person.as_ref(), &app.decoy);
    let right = tokio::task::spawn_blocking(move || passwords::verify_password(&password, &hash))
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

/// What somebody who was just proved needs next; `asked` is what a phone sent them here for.
pub fn what_next(tx: &mut Tx<'_>, proven: &Proven, asked: Option<&Purpose>) -> Result<Next, StoreError> {
    let Some(person) = tx.get::<Person>(&proven.account_id)?.filter(|person| proven.still_counts(person)) else {
        return Ok(Next::OtherPersonsPhone);
    };
    let has_phone = !devices::active(tx, &person.account_id)?.is_empty();
    let by_pass = proven.by == Secret::Pass;
    // GUARD(first-phone-by-pass): where_the_policy_asks_for_a_pass_the_password_adds_no_first_phone
    // INSTEAD: let needs_pass = !by_pass && !has_phone && effective_for(tx, &person)?.bootstrap != Bootstrap::Pass;
    let needs_pass = !by_pass && !has_phone && effective_for(tx, &person)?.bootstrap == Bootstrap::Pass;
    Ok(match asked {
        Some(Purpose::TurnOn { device_id }) => {
            let owner = tx.get::<Device>(device_id)?.map(|device| device.account_id);
            // GUARD(registration-of-another-person): j4_w5_somebody_who_does_not_own_the_phone_registers_nothing, turning_phone_sign_in_on_in_the_browser
            // INSTEAD: if owner.is_some() { Next::Number } else { Next::OtherPersonsPhone }
            if owner.as_deref() == Some(&person.account_id) { Next::Number } else { Next::OtherPersonsPhone }
        }
        Some(Purpose::AddPhone(_)) if may_answer(tx, &person.account_id)? != Status::Ok => Next::NotOffered,
        Some(Purpose::AddPhone(_)) if needs_pass => Next::PassNeeded,
        // A pass is made for this; without one the phones that are there are asked.
        // GUARD(phone-asks-phone): j5_another_phone_of_the_account_approves_it_after_a_password
        // INSTEAD: Some(Purpose::AddPhone(_)) if by_pass || !person.suspended => Next::Consent,
        Some(Purpose::AddPhone(_)) if by_pass || !has_phone => Next::Consent,
        Some(Purpose::AddPhone(_)) => Next::Number,
        None if needs_pass => Next::PassNeeded,
        None if by_pass || !has_phone => Next::FirstSession,
        None => Next::Number,
    })
}

/// Changes it once; none when it is the one that must be changed, or was changed already.
pub(super) async fn change_password(
    app: &App,
    account_id: String,
    password: String,
) -> Result<Option<Person>, StoreError> {
    let (now, wanted) = (app.clock.now(), account_id.clone());
    let Some(person) = app.store.run(move |tx| tx.get::<Person>(&wanted)).await? else {
        return Ok(None);
    };
    let hashing = tokio::task::spawn_blocking(move || {
        if person.has_password(&password) { Ok(None) } else { passwords::hash(&password).map(Some) }
    });
    let hash = hashing.await.map_err(|_stopped| StoreError::Stopped)??;
    let Some(hash) = hash else {
        return Ok(None);
    };
    app.store
        .run(move |tx| {
            let found = tx.get::<Person>(&account_id)?.filter(|person| person.must_change_password);
            let Some(mut person) = found else {
                return Ok(None);
            };
            replace_password(tx, &mut person, hash, now)?;
            Ok(Some(person))
        })
        .await
}

/// From now on this password. What rests on the word of the old one ends: sessions by it alone, requests on the
/// phone, phones and keys that are being added.
pub(crate) fn replace_password(
    tx: &mut Tx<'_>,
    person: &mut Person,
    hash: passwords::Hash,
    now: Time,
) -> Result<(), StoreError> {
    person.set_password(hash, now);
    tx.put(person)?;
    audit::record(tx, &person.account_id, "password_changed", "", now)?;
    end_for_new_password(tx, &person.account_id, now)
}

/// Puts an attempt in the place of the one that the browser was in, which ends with its request on the phone: a browser
/// waits for one at a time.
pub(super) async fn take_over(app: &App, older: Option<Attempt>, fresh: Attempt) -> Result<Attempt, StoreError> {
    let transaction = older.as_ref().map_or_else(|| fresh.id.clone(), |older| older.transaction.clone());
    let fresh = Attempt { transaction, ..fresh };
    let (older_id, stored) = (older.as_ref().map(|older| older.id.clone()), fresh.clone());
    app.store
        .run(move |tx| {
            if let Some(older) = older_id {
                // GUARD(planted-cookie): j6_w12_a_planted_cookie_is_worth_nothing_once_a_name_is_typed
                end_attempt(tx, &older)?;
            }
            tx.put(&stored)
        })
        .await?;
    if let Some((ceremony, owner)) = older.and_then(|older| Some((older.ceremony.clone()?, older.owner()))) {
        let app = app.clone();
        // Whether there is a ceremony behind the number of a browser that proved nothing, no answer's time tells.
        // GUARD(tab-replaced-request): j6_the_tab_that_another_one_replaced_says_so_and_its_request_leaves_the_phone
        // INSTEAD: drop((app, ceremony, owner));
        in_background(async move { prompts::end_live(&app, ceremony, owner, Outcome::Superseded).await });
    }
    Ok(fresh)
}

/// What is done for a name that somebody has takes time that an answer must not show.
pub(super) fn in_background(work: impl Future<Output = Result<(), StoreError>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = work.await {
            tracing::error!(%error, "the database failed");
        }
    });
}

/// The known browser this is, unless it has lost its standing.
pub(super) async fn known_browser(
    app: &App,
    cookie: Option<&str>,
    account_id: &str,
) -> Result<Option<String>, StoreError> {
    let Some(cookie) = cookie else {
        return Ok(None);
    };
    let (id, account_id, now) = (KnownBrowser::id_of(cookie, account_id), account_id.to_owned(), app.clock.now());
    app.store
        .run(move |tx| {
            let Some(known) = tx.get::<KnownBrowser>(&id)?.filter(|known| known.expires_at > now) else {
                return Ok(None);
            };
            let history: Vec<Ceremony> = tx.children(&account_id)?;
            if is_forgotten(&history, &known.id, now) {
                forget_browser(tx, &known.id)?;
                return Ok(None);
            }
            Ok(Some(known.id))
        })
        .await
}

/// The ceremony that an attempt waits for.
pub(super) async fn waiting(app: &App, attempt: &Attempt) -> Result<Option<Ceremony>, StoreError> {
    match &attempt.ceremony {
        Some(id) => prompts::look(app, id.clone(), attempt.owner()).await,
        None => Ok(None),
    }
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
        Some(Secret::Password) => (Kind::SecondFactor, Used::PasswordAndPhone),
        Some(Secret::Pass) => (Kind::SecondFactor, Used::PassAndPhone),
        None => (Kind::PhoneSignIn, Used::Phone),
    };
    let Some(ceremony) = prompts::redeem(tx, ceremony_id, &owner, kind, now)? else {
        return Ok(None);
    };
    if let Some(older) = older {
        end_session(tx, &older, now)?;
    }
    let session = Session::new(session_id, ceremony.account_id.clone(), used, now);
    let browser = KnownBrowser::new(browser_cookie, &ceremony.account_id, now);
    if tx.get::<KnownBrowser>(&browser.id)?.is_none() {
        notices::notify(tx, &ceremony.account_id, None, notices::Kind::NewBrowser, now)?;
    }
    tx.put(&session)?;
    tx.put(&browser)?;
    end_attempt(tx, &attempt.id)?;
    prompts::gave(tx, ceremony, &session, Some(browser.id))?;
    Ok(Some(session))
}

/// A session by password or pass alone; false when that no longer counts, or a phone must be asked after the password.
pub(super) fn start_first_session(
    tx: &mut Tx<'_>,
    attempt: &Attempt,
    proven: Proven,
    id: String,
    now: Time,
) -> Result<bool, StoreError> {
    // GUARD(changed-password-session): a_password_that_is_changed_takes_back_what_it_proved
    if !tx.get::<Person>(&proven.account_id)?.is_some_and(|person| proven.still_counts(&person)) {
        return Ok(false);
    }
    let used = match proven.by {
        Secret::Password if !devices::active(tx, &proven.account_id)?.is_empty() => {
            return Ok(false);
        }
        Secret::Password => Used::Password,
        Secret::Pass => Used::Pass,
    };
    end_attempt(tx, &attempt.id)?;
    let request = attempt.flow.request().cloned();
    tx.put(&Session { request, ..Session::new(id, proven.account_id, used, now) })?;
    Ok(true)
}

/// What a session that was made by password or pass alone proves; it ends when that password is replaced, so while it
/// is there the password is the one it was made by.
pub(super) fn proven_by_session(tx: &mut Tx<'_>, id: &str) -> Result<Option<Proven>, StoreError> {
    let Some(session) = tx.get::<Session>(id)? else {
        return Ok(None);
    };
    let (Some(by), Some(person)) = (session.used.secret(), tx.get::<Person>(&session.account_id)?) else {
        return Ok(None);
    };
    let (account_id, at) = (person.account_id, session.authenticated_at);
    Ok(Some(Proven { account_id, at, by, password_since: person.password_changed_at }))
}
