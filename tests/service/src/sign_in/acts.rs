//! Operations of signing in. Functions that take a `Tx` run in the caller's transaction.

use crate::app::App;
use crate::devices::device::Device;
use crate::devices::records as devices;
use crate::devices::standing::{Status, may_answer};
use crate::effects::{add_method, password};
use crate::endings::{Ending, end};
use crate::passwords;
use crate::people::person::{Person, password_hash};
use crate::people::records as people;
use crate::phone_sign_in::registration::Purpose;
use crate::prompts::acts as prompts;
use crate::prompts::ceremony::{Ceremony, Outcome};
use crate::prompts::rules::is_forgotten;
use crate::provenance::Giver;
use crate::sign_in::attempt::{Attempt, Proven};
use crate::sign_in::records::KnownBrowser;
use crate::sign_in::session::Session;
use crate::store::{Gone, StoreError, Tx};
use crate::verdict::Verdict;

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
    let by_pass = proven.is_by_pass();
    let needs_pass = !by_pass && !has_phone && add_method::needs_pass(tx, &person)?;
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

/// Changes a password that must be changed, and starts the attempt `fresh` with it. Returns `None` if the new password is
/// the old one, or if the attempt may no longer change the password.
pub(super) async fn change_password(
    app: &App,
    attempt: &Attempt,
    password: String,
    fresh_id: String,
) -> Result<Option<Attempt>, StoreError> {
    let Some(account_id) = attempt.must_change.as_ref().map(|proven| proven.account_id.clone()) else {
        return Ok(None);
    };
    let (now, wanted) = (app.clock.now(), account_id.clone());
    let Some(person) = app.store.in_account(&account_id, move |tx| tx.get::<Person>(&wanted)).await? else {
        return Ok(None);
    };
    let hashing = tokio::task::spawn_blocking(move || {
        if person.has_password(&password) { Ok(None) } else { passwords::hash(&password).map(Some) }
    });
    let hash = hashing.await.map_err(|_stopped| StoreError::Stopped)??;
    let Some(hash) = hash else {
        return Ok(None);
    };
    let attempt = attempt.clone();
    let account = account_id.clone();
    app.store
        .in_account(&account, move |tx| {
            let Some(proof) = password::by_owner(tx, &attempt.id, now)? else {
                return Ok(None);
            };
            let given = password::act(tx, proof, &hash, now)?;
            let proven = Proven { account_id: account_id.clone(), given };
            let fresh = Attempt { id: fresh_id.clone(), proven: Some(proven), must_change: None, ..attempt.clone() };
            tx.insert(&fresh)?;
            Ok(Some(fresh))
        })
        .await
}

/// Starts a new attempt. Ends the browser's older attempt and its ceremony, because a browser waits for one sign-in at a
/// time.
pub(super) async fn take_over(app: &App, older: Option<Attempt>, fresh: Attempt) -> Result<Attempt, StoreError> {
    let transaction = older.as_ref().map_or_else(|| fresh.id.clone(), |older| older.transaction.clone());
    let fresh = Attempt { transaction, ..fresh };
    let (older_id, stored) = (older.as_ref().map(|older| older.id.clone()), fresh.clone());
    app.store
        .global(move |tx| {
            if let Some(older) = &older_id {
                // GUARD(planted-cookie): j6_w12_a_planted_cookie_is_replaced_when_a_name_is_typed
                tx.delete::<Attempt>(older)?;
            }
            tx.insert(&stored)
        })
        .await?;
    end_ceremony_of(app, older);
    Ok(fresh)
}

/// Continues an attempt under a new id, after a proof by password or pass. Ends the ceremony of the older attempt.
/// Returns `Gone` if the attempt has ended in the meantime, for example in another tab while the password was checked.
pub(super) async fn continue_as(
    app: &App,
    older: Attempt,
    fresh: Attempt,
) -> Result<Verdict<Attempt, Gone>, StoreError> {
    let fresh = Attempt { transaction: older.transaction.clone(), ..fresh };
    let (older_id, stored) = (older.id.clone(), fresh);
    let continued = app
        .store
        .global(move |tx| {
            if !tx.delete::<Attempt>(&older_id)? {
                return Ok(Verdict::Refused(Gone));
            }
            tx.insert(&stored)?;
            Ok(Verdict::Granted(stored.clone()))
        })
        .await?;
    end_ceremony_of(app, Some(older));
    Ok(continued)
}

/// Ends the ceremony of an attempt in the background, so that the response time does not reveal whether there was a
/// ceremony.
fn end_ceremony_of(app: &App, attempt: Option<Attempt>) {
    if let Some((ceremony, owner)) = attempt.and_then(|older| Some((older.ceremony.clone()?, older.owner()))) {
        let app = app.clone();
        // GUARD(tab-replaced-request): j6_a_sign_in_in_another_tab_withdraws_the_older_prompt
        // INSTEAD: drop((app, ceremony, owner));
        in_background(async move { prompts::end_live(&app, ceremony, owner, Outcome::Superseded).await });
    }
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
            let Some(known) = tx.get::<KnownBrowser>(&id)?.filter(|known| known.is_known(now)) else {
                return Ok(None);
            };
            let history: Vec<Ceremony> = tx.children(&account_id)?;
            if is_forgotten(&history, &known.id, now) {
                let _ended = end(tx, &account_id, &Ending::BrowserForgotten(known.id), now)?;
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

/// Returns the proof of a session that began with a password or a pass, else `None`.
pub(super) fn proven_by_session(tx: &mut Tx<'_>, id: &str) -> Result<Option<Proven>, StoreError> {
    let Some(session) = tx.get::<Session>(id)? else {
        return Ok(None);
    };
    Ok(match session.given.by {
        Giver::Password(_) | Giver::Pass(_) => Some(Proven { account_id: session.account_id, given: session.given }),
        Giver::Approval(_) | Giver::DeviceKey(_) | Giver::Operator | Giver::Unrecorded => None,
    })
}
