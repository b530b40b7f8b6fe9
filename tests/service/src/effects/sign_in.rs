//! Signing a browser in: it gets a session.

use super::add_method;
use super::approval::{self, Approval};
use super::known_browser;
use crate::clock::Time;
use crate::devices::records as devices;
use crate::endings::{Ending, end};
use crate::people::person::Person;
use crate::prompts::ceremony::Kind;
use crate::provenance::Given;
use crate::sign_in::attempt::{Attempt, Proven};
use crate::sign_in::records::KnownBrowser;
use crate::sign_in::session::{Session, Used};
use crate::store::{Brand, StoreError, Tx};

/// Proof that the person of an attempt may sign in.
pub struct SignIn<'t> {
    attempt: Attempt,
    account_id: String,
    used: Used,
    given: Given,
    approval: Option<Approval<'t>>,
    _brand: Brand<'t>,
}

/// The browser that gets the session.
pub struct Browser<'a> {
    /// The hashed cookie of the new session.
    pub session_id: &'a str,
    /// The cookies that identify a known browser. `None` for a session by password or pass alone, which makes no browser
    /// known.
    pub cookies: Option<known_browser::Cookies>,
    /// Id of the browser's older session, which ends.
    pub older: Option<&'a str>,
}

/// Checks that a phone has approved this attempt, and spends the approval.
pub fn by_approval<'t>(tx: &mut Tx<'t>, attempt_id: &str, now: Time) -> Result<Option<SignIn<'t>>, StoreError> {
    let Some(attempt) = tx.get::<Attempt>(attempt_id)?.filter(|attempt| attempt.expires_at > now) else {
        return Ok(None);
    };
    let Some(ceremony_id) = attempt.ceremony.clone().filter(|_id| attempt.registration.is_none()) else {
        return Ok(None);
    };
    if let Some(proven) = &attempt.proven
        && !counts(tx, proven)?
    {
        return Ok(None);
    }
    // With a password or a pass, the phone was the second factor. Without a proof, only the sign-in key can have
    // approved.
    let (kind, used) = match &attempt.proven {
        Some(proven) if proven.is_by_pass() => (Kind::SecondFactor, Used::PassAndPhone),
        Some(_by_password) => (Kind::SecondFactor, Used::PasswordAndPhone),
        None => (Kind::PhoneSignIn, Used::Phone),
    };
    let Some(approval) = approval::spend(tx, &ceremony_id, &attempt.owner(), kind, now)? else {
        return Ok(None);
    };
    let (account_id, given) = (approval.account_id().to_owned(), approval.given());
    if attempt.proven.as_ref().is_some_and(|proven| proven.account_id != account_id) {
        return Ok(None);
    }
    Ok(Some(SignIn { attempt, account_id, used, given, approval: Some(approval), _brand: tx.brand() }))
}

/// Checks that a password or a pass alone may start a session in which the person can only add a phone: the proof is
/// still valid, and a person with a password has no phone and needs no pass.
pub fn by_secret<'t>(tx: &mut Tx<'t>, attempt_id: &str, now: Time) -> Result<Option<SignIn<'t>>, StoreError> {
    let Some(attempt) = tx.get::<Attempt>(attempt_id)?.filter(|attempt| attempt.expires_at > now) else {
        return Ok(None);
    };
    // GUARD(first-session-fresh): first_phone_by_the_wizard_has_no_fault
    // INSTEAD: let Some(proven) = attempt.proven.clone().filter(|proven| proven.given.at <= now) else {
    let Some(proven) = attempt.proven.clone().filter(|proven| proven.is_fresh(now)) else {
        return Ok(None);
    };
    // GUARD(changed-password-session): password_change_ends_sessions_and_unfinished_sign_ins
    if !counts(tx, &proven)? {
        return Ok(None);
    }
    let used = match proven.is_by_pass() {
        true => Used::Pass,
        // GUARD(first-session-without-phone): first_phone_by_the_wizard_has_no_fault
        false if !devices::active(tx, &proven.account_id)?.is_empty() => return Ok(None),
        // GUARD(first-session-policy): first_phone_by_the_wizard_has_no_fault
        false if needs_pass(tx, &proven.account_id)? => return Ok(None),
        false => Used::Password,
    };
    let Proven { account_id, given } = proven;
    Ok(Some(SignIn { attempt, account_id, used, given: given.passed_on(now), approval: None, _brand: tx.brand() }))
}

fn counts(tx: &mut Tx<'_>, proven: &Proven) -> Result<bool, StoreError> {
    Ok(tx.get::<Person>(&proven.account_id)?.is_some_and(|person| proven.still_counts(&person)))
}

fn needs_pass(tx: &mut Tx<'_>, account_id: &str) -> Result<bool, StoreError> {
    match tx.get::<Person>(account_id)? {
        Some(person) => add_method::needs_pass(tx, &person),
        None => Ok(true),
    }
}

/// Starts the session, and ends the attempt and the browser's older session. After an approval, the browser becomes
/// known. Returns the session and the cookie of the known browser.
pub fn act<'t>(
    tx: &mut Tx<'t>,
    proof: SignIn<'t>,
    browser: Browser<'_>,
    now: Time,
) -> Result<(Session, Option<String>), StoreError> {
    if let Some(older) = browser.older
        && let Some(older) = tx.get::<Session>(older)?
    {
        let _ended = end(tx, &older.account_id, &Ending::SignedOut(older.id.clone()), now)?;
    }
    tx.delete::<Attempt>(&proof.attempt.id)?;
    // The session of a password or a pass alone remembers the application, because it needs a phone first.
    let request = match proof.approval {
        Some(_) => None,
        None => proof.attempt.flow.request().cloned(),
    };
    let mut session = Session::new(browser.session_id.to_owned(), proof.account_id, proof.used, proof.given);
    session.request = request;
    let cookie = match (&proof.approval, browser.cookies) {
        (Some(approval), Some(cookies)) => {
            let proof = known_browser::by_approval(tx, approval);
            Some(known_browser::act(tx, proof, cookies, now)?)
        }
        _ => None,
    };
    session.browser = cookie.as_ref().map(|cookie| KnownBrowser::id_of(cookie, &session.account_id));
    tx.insert(&session)?;
    Ok((session, cookie))
}
