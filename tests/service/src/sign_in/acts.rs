//! Operations of signing in. Functions that take a `Tx` run in the caller's transaction.

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

/// Checks a password and returns the person. Returns `None` for a wrong password, and for a suspended person. For an
/// unknown user name, the check takes the same time as for a wrong password and also returns `None`.
pub(super) async fn check_password(app: &App, name: &str, password: String) -> Result<Option<Person>, StoreError> {
    let wanted = name.to_owned();
    let person = app.store.global(move |tx| people::find(tx, &wanted)).await?;
    let hash = password_hash(person.as_ref(), &app.decoy);
    let right = tokio::task::spawn_blocking(move || passwords::verify_password(&password, &hash))
        .await
        .map_err(|_stopped| StoreError::Stopped)?;
    let (shared, name, now) = (app.clone(), name.to_owned(), app.clock.now());
    app.store
        .global(move |tx| {
            let lets_in = people::count_password(tx, &shared.names, &name, right, now)?;
            // The person is read again, because during the comparison the password may have been changed or the person
            // may have been suspended.
            let still = people::find(tx, &name)?.filter(|person| lets_in && !person.suspended);
            Ok(still.filter(|still| person.as_ref().is_some_and(|before| before.has_same_password(still))))
        })
        .await
}

/// What follows a proof by password or pass.
pub enum Next {
    /// A phone must approve.
    Number,
    /// The consent page, for a person who came from a phone.
    Consent,
    /// A session with which the person can add a phone.
    FirstSession,
    /// The phone that sent the person here belongs to another account or is unknown, or the proof is no longer valid.
    OtherPersonsPhone,
    /// The policy does not allow the app for this person.
    NotOffered,
    /// The first phone needs a pass.
    PassNeeded,
}

/// Decides what follows a proof. `asked` is the purpose of the registration, or `None` if no phone sent the
/// person here.
pub fn what_next(tx: &mut Tx<'_>, proven: &Proven, asked: Option<&Purpose>) -> Result<Next, StoreError> {
    let Some(person) = tx.get::<Person>(&proven.account_id)?.filter(|person| proven.still_counts(person)) else {
        return Ok(Next::OtherPersonsPhone);
    };
    let has_phone = !devices::active(tx, &person.account_id)?.is_empty();
    let by_pass = proven.by == Secret::Pass;
    // GUARD(first-phone-by-pass): password_adds_no_first_phone_if_policy_requires_a_pass
    // INSTEAD: let needs_pass = !by_pass && !has_phone && effective_for(tx, &person)?.bootstrap != Bootstrap::Pass;
    let needs_pass = !by_pass && !has_phone && effective_for(tx, &person)?.bootstrap == Bootstrap::Pass;
    Ok(match asked {
        Some(Purpose::TurnOn { device_id }) => {
            let owner = tx.get::<Device>(device_id)?.map(|device| device.account_id);
            // GUARD(registration-of-another-person): j4_w5_another_persons_phone_cannot_be_registered, turning_on_phone_sign_in_in_the_browser_has_no_fault
            // INSTEAD: if owner.is_some() { Next::Number } else { Next::OtherPersonsPhone }
            if owner.as_deref() == Some(&person.account_id) { Next::Number } else { Next::OtherPersonsPhone }
        }
        Some(Purpose::AddPhone(_)) if may_answer(tx, &person.account_id)? != Status::Ok => Next::NotOffered,
        Some(Purpose::AddPhone(_)) if needs_pass => Next::PassNeeded,
        // A pass is enough to add a phone. Without a pass, a phone of the account must approve if the account has one.
        // GUARD(new-phone-approved-by-phone): j5_another_phone_of_the_account_approves_adding
        // INSTEAD: Some(Purpose::AddPhone(_)) if by_pass || !person.suspended => Next::Consent,
        Some(Purpose::AddPhone(_)) if by_pass || !has_phone => Next::Consent,
        Some(Purpose::AddPhone(_)) => Next::Number,
        None if needs_pass => Next::PassNeeded,
        None if by_pass || !has_phone => Next::FirstSession,
        None => Next::Number,
    })
}

/// Replaces a password that must be changed. Returns `None` if the new password is the old one, or if the password was
/// already changed.
pub(super) async fn change_password(
    app: &App,
    account_id: String,
    password: String,
) -> Result<Option<Person>, StoreError> {
    let (now, wanted) = (app.clock.now(), account_id.clone());
    let Some(person) = app.store.global(move |tx| tx.get::<Person>(&wanted)).await? else {
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
        .global(move |tx| {
            let found = tx.get::<Person>(&account_id)?.filter(|person| person.must_change_password);
            if found.is_none() {
                return Ok(None);
            }
            replace_password(tx, &account_id, &hash, false, now)?;
            tx.get::<Person>(&account_id)
        })
        .await
}

/// Sets a new password. Ends everything that the old password may have proved: sessions by password alone, live
/// ceremonies with the origin `password_proved`, unfinished enrollments and registrations. `must_change`: whether the
/// person must change the new password at the next sign-in.
pub(crate) fn replace_password(
    tx: &mut Tx<'_>,
    account_id: &str,
    hash: &passwords::Hash,
    must_change: bool,
    now: Time,
) -> Result<(), StoreError> {
    tx.update::<Person, _>(account_id, |person| {
        person.set_password(hash, now);
        person.must_change_password = must_change;
    })?
    .granted();
    audit::record(tx, account_id, "password_changed", "", now)?;
    end_for_new_password(tx, account_id, now)
}

/// Replaces the browser's older attempt with a new one. Ends the older attempt and its ceremony, because a browser
/// waits for one sign-in at a time.
pub(super) async fn take_over(app: &App, older: Option<Attempt>, fresh: Attempt) -> Result<Attempt, StoreError> {
    let transaction = older.as_ref().map_or_else(|| fresh.id.clone(), |older| older.transaction.clone());
    let fresh = Attempt { transaction, ..fresh };
    let (older_id, stored) = (older.as_ref().map(|older| older.id.clone()), fresh.clone());
    app.store
        .global(move |tx| {
            if let Some(older) = &older_id {
                // GUARD(planted-cookie): j6_w12_a_planted_cookie_is_replaced_when_a_name_is_typed
                end_attempt(tx, older)?;
            }
            tx.insert(&stored)
        })
        .await?;
    if let Some((ceremony, owner)) = older.and_then(|older| Some((older.ceremony.clone()?, older.owner()))) {
        let app = app.clone();
        // This runs in the background, so that the response time does not reveal whether there was a ceremony.
        // GUARD(tab-replaced-request): j6_a_sign_in_in_another_tab_withdraws_the_older_prompt
        // INSTEAD: drop((app, ceremony, owner));
        in_background(async move { prompts::end_live(&app, ceremony, owner, Outcome::Superseded).await });
    }
    Ok(fresh)
}

/// Runs work in the background. Used for work that is done only for an existing user name, so that the response time
/// does not reveal whether the name exists.
pub(super) fn in_background(work: impl Future<Output = Result<(), StoreError>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = work.await {
            tracing::error!(%error, "the database failed");
        }
    });
}

/// Returns the record id if this browser is a known browser of the account, else `None`. A known browser with too many
/// strikes is forgotten.
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
        .global(move |tx| {
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

/// Returns the ceremony that an attempt waits for.
pub(super) async fn waiting(app: &App, attempt: &Attempt) -> Result<Option<Ceremony>, StoreError> {
    match &attempt.ceremony {
        Some(id) => prompts::look(app, id.clone(), attempt.owner()).await,
        None => Ok(None),
    }
}

/// Redeems an approval for a session, once, and makes the browser known. Ends `older`, the browser's previous session.
/// Returns `None` if there is no approval to redeem, or if the proof is no longer valid.
pub fn redeem(
    tx: &mut Tx<'_>,
    attempt: &Attempt,
    session_id: &str,
    browser_cookie: &str,
    older: Option<&str>,
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
    // With a password or a pass, the phone was the second factor. Without a proof, only the sign-in key can have
    // approved.
    let (kind, used) = match attempt.proven.as_ref().map(|proven| proven.by) {
        Some(Secret::Password) => (Kind::SecondFactor, Used::PasswordAndPhone),
        Some(Secret::Pass) => (Kind::SecondFactor, Used::PassAndPhone),
        None => (Kind::PhoneSignIn, Used::Phone),
    };
    let Some(ceremony) = prompts::redeem(tx, ceremony_id, &owner, kind, now)? else {
        return Ok(None);
    };
    if let Some(older) = older {
        end_session(tx, older, now)?;
    }
    let session = Session::new(session_id.to_owned(), ceremony.account_id.clone(), used, now);
    let browser = KnownBrowser::new(browser_cookie, &ceremony.account_id, now);
    if tx.get::<KnownBrowser>(&browser.id)?.is_none() {
        notices::notify(tx, &ceremony.account_id, None, notices::Kind::NewBrowser, now)?;
    }
    tx.insert(&session)?;
    tx.insert_or_update(&browser, |stored| stored.expires_at = browser.expires_at)?;
    end_attempt(tx, &attempt.id)?;
    prompts::gave(tx, &ceremony.id, &session, Some(browser.id))?;
    Ok(Some(session))
}

/// Starts a session by password or pass alone. Returns false if the proof is no longer valid, or if the proof is by
/// password and the account has a phone, which must approve.
pub(super) fn start_first_session(
    tx: &mut Tx<'_>,
    attempt: &Attempt,
    proven: &Proven,
    id: &str,
    now: Time,
) -> Result<bool, StoreError> {
    // GUARD(changed-password-session): password_change_ends_sessions_and_unfinished_sign_ins
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
    tx.insert(&Session { request, ..Session::new(id.to_owned(), proven.account_id.clone(), used, now) })?;
    Ok(true)
}

/// Returns the proof of a session that began with a password or a pass, else `None`.
///
/// For a session by password alone, the proof contains the time at which the current password was set. The session
/// was started with this password, because setting a new password ends all sessions by the old password alone.
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
