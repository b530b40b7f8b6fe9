//! Operations on ceremonies. Each operation runs in one transaction, and the pushes are sent after it. Functions that
//! take a `Tx` run in the caller's transaction.

use serde::Serialize;

use crate::app::App;
use crate::audit;
use crate::clock::{MINUTE, Time};
use crate::devices::device::{Device, Subscription};
use crate::devices::records as devices;
use crate::devices::rules::added_by;
use crate::devices::standing::may_approve;
use crate::people::person::Person;
use crate::policy::document::Proximity;
use crate::policy::records::effective_for;
use crate::policy::rules::Effective;
use crate::prompts::ceremony::{AnsweringKey, Ceremony, Context, Kind, Match, Outcome, Owner};
use crate::prompts::change::Change;
use crate::prompts::numbers;
use crate::prompts::records::{Prompt, RequestId};
use crate::prompts::rules::{self, Allowed, Refusal, Start};
use crate::push::{self, Push, Urgency};
use crate::secrets::{SecretError, random_below, random_id};
use crate::sign_in::attempt::Proven;
use crate::store::{StoreError, Tx};
use crate::verdict::Verdict;

const PROMPT_TYP: &str = "phone-prompt+jwt";
const WITHDRAWN_TYP: &str = "prompt-withdrawn+jwt";
const REQUEST_MEMORY: Time = 5 * MINUTE;

/// The ceremony to start.
pub struct Wanted {
    /// The account that is asked.
    pub account_id: String,
    /// The browser that waits.
    pub owner: Owner,
    /// Record id of the browser that waits, if it is a known browser.
    pub known_browser: Option<String>,
    /// What the person is asked to approve.
    pub kind: Kind,
    /// How much the browser has proved.
    pub origin: crate::prompts::ceremony::Origin,
    /// What the phone shows about the browser.
    pub context: Context,
    /// The browser's network. It is compared with the phone's network.
    pub network: String,
    /// Id and number that were drawn in advance, for a browser that proved nothing. `None` for all other browsers.
    pub drawn: Option<Drawn>,
    /// The proof by password or pass after which the ceremony starts, if any. The proof must still be valid.
    pub proven: Option<Proven>,
    /// The change that the person is asked to approve, for a step-up.
    pub change: Option<Change>,
    /// Which of the account's active devices get a prompt.
    pub only: Only,
}

/// Id and number for a browser that proved nothing. They are drawn before the service knows whether it starts a
/// ceremony.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// The ceremony's id, if one is started.
    pub id: String,
    /// The number on the page.
    pub number: String,
}

/// Which devices get a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Only {
    /// All devices that can answer.
    All,
    /// Only this device.
    Device(String),
    /// All devices that can answer, except this one. Devices that it has added are only asked if there is no other one,
    /// because they could deny what concerns it.
    Others(String),
}

impl Only {
    /// Leaves the devices that get a prompt. `all`: all devices of the account, also removed ones.
    fn choose(&self, phones: &mut Vec<Device>, all: &[Device]) {
        match self {
            Self::All => {}
            Self::Device(only) => phones.retain(|phone| phone.id == *only),
            Self::Others(but) => {
                phones.retain(|phone| phone.id != *but);
                let added = added_by(but, all);
                // GUARD(added-phones-not-asked): phones_that_a_lost_phone_added_are_not_asked_about_it
                // INSTEAD: if phones.is_empty() {
                if phones.iter().any(|phone| !added.contains(&phone.id)) {
                    phones.retain(|phone| !added.contains(&phone.id));
                }
            }
        }
    }
}

/// Why no ceremony was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotStarted {
    /// No active device can answer, the person is suspended, or the policy forbids the approval.
    NoPhone,
    /// The app on every phone that could answer is too old to show this kind of prompt.
    OldApp,
    /// After the proof, the password was changed or the person was suspended.
    PasswordChanged,
    /// A rule of `rules::start` refused the ceremony.
    Refused(Refusal),
}

#[derive(Serialize)]
struct PromptClaims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    jti: &'a str,
    iat: Time,
    exp: Time,
    kind: Kind,
    key: AnsweringKey,
    origin: crate::prompts::ceremony::Origin,
    r#match: &'a crate::prompts::ceremony::Match,
    context: ContextClaims<'a>,
}

#[derive(Serialize)]
struct ContextClaims<'a> {
    #[serde(flatten)]
    context: &'a Context,
    /// Always null: the service has no database of places.
    place: Option<()>,
    near: Option<bool>,
}

#[derive(Serialize)]
struct WithdrawnClaims<'a> {
    iss: &'a str,
    aud: &'a str,
    jti: String,
    iat: Time,
    prompt: &'a str,
    reason: &'static str,
    exp: Time,
}

/// Starts a ceremony: draws the number, and signs and stores a prompt for each device. Then pushes the prompts, unless
/// the ceremony is quiet.
pub async fn start(app: &App, wanted: Wanted) -> Result<Verdict<Ceremony, NotStarted>, StoreError> {
    let (now, shared) = (app.clock.now(), app.clone());
    let started = app.store.global(move |tx| start_in(tx, &shared, &wanted, random_below, now)).await?;
    Ok(match started {
        Verdict::Granted((ceremony, pushes)) => {
            app.push.send_all(pushes);
            Verdict::Granted(ceremony)
        }
        Verdict::Refused(why) => Verdict::Refused(why),
    })
}

/// Does the same as `start`, but inside the caller's transaction, and without sending the pushes. Returns the ceremony
/// and the pushes; the caller sends them after the transaction. `chance(n)` returns a random number below n.
pub fn start_in(
    tx: &mut Tx<'_>,
    app: &App,
    wanted: &Wanted,
    chance: impl FnMut(u32) -> Result<u32, SecretError>,
    now: Time,
) -> Result<Verdict<(Ceremony, Vec<Push>), NotStarted>, StoreError> {
    let Some(person) = tx.get::<Person>(&wanted.account_id)? else {
        return Ok(Verdict::Refused(NotStarted::NoPhone));
    };
    // GUARD(changed-password-starts-prompt): j1_w2_replaced_password_starts_no_prompt
    // INSTEAD: if wanted.proven.as_ref().is_some_and(|_proven| false) {
    if wanted.proven.as_ref().is_some_and(|proven| !proven.still_counts(&person)) {
        return Ok(Verdict::Refused(NotStarted::PasswordChanged));
    }
    let mut phones = devices::active(tx, &wanted.account_id)?;
    wanted.only.choose(&mut phones, &tx.children::<Device>(&wanted.account_id)?);
    let has_phones = !phones.is_empty();
    phones.retain(|phone| wanted.kind.feature().is_none_or(|feature| phone.knows(feature)));
    if has_phones && phones.is_empty() {
        return Ok(Verdict::Refused(NotStarted::OldApp));
    }
    phones.retain(|phone| phone.answers(wanted.kind, now).is_some());
    if phones.is_empty() || !may_approve(tx, &wanted.account_id, wanted.kind)? {
        return Ok(Verdict::Refused(NotStarted::NoPhone));
    }
    let history: Vec<Ceremony> = tx.children(&wanted.account_id)?;
    let mut allowed = match rules::start(&facts(wanted, &person), &history, now) {
        Ok(allowed) => allowed,
        Err(refusal) => {
            audit::record(tx, &wanted.account_id, "ceremony_refused", "", now)?;
            return Ok(Verdict::Refused(NotStarted::Refused(refusal)));
        }
    };
    let effective = effective_for(tx, &person)?;
    // The policy may forbid choosing a number.
    allowed.may_choose = allowed.may_choose && effective.may_choose;
    // GUARD(one-live-ceremony-per-browser): second_factor_models_have_no_fault
    // INSTEAD: let mut pushes = Vec::new();
    let mut pushes = supersede(tx, app, &history, &wanted.owner, now)?;
    let standing = if matches!(wanted.change, Some(Change::Administer(_))) { person.standing() } else { Vec::new() };
    let ceremony = Ceremony { standing, ..draw(wanted, allowed, &history, chance, now)? };
    tx.insert(&ceremony)?;
    let context = shown(&wanted.context, &effective);
    for phone in &phones {
        let near = nearness(phone, &ceremony, effective.proximity);
        let prompt = make_prompt(app, &ceremony, phone, &context, near)?;
        if !ceremony.quiet {
            pushes.extend(push_to(phone, prompt.jws.clone(), &prompt.jti, Urgency::High));
        }
        tx.insert(&prompt)?;
    }
    audit::record(tx, &wanted.account_id, "ceremony_started", &ceremony.id, now)?;
    Ok(Verdict::Granted((ceremony, pushes)))
}

fn facts<'a>(wanted: &'a Wanted, person: &Person) -> Start<'a> {
    Start {
        kind: wanted.kind,
        origin: wanted.origin,
        owner: &wanted.owner,
        known_browser: wanted.known_browser.as_deref(),
        network: &wanted.network,
        unblocked_at: person.unblocked_at,
        opened_at: person.opened_at,
        reported_at: person.reported_at.filter(|at| *at >= person.password_changed_at),
    }
}

/// Returns what the phone shows. The policy may hide the application's name.
fn shown(context: &Context, effective: &Effective) -> Context {
    let application = if effective.shows_application { context.application.clone() } else { String::new() };
    Context { application, ..context.clone() }
}

fn draw(
    wanted: &Wanted,
    allowed: Allowed,
    history: &[Ceremony],
    chance: impl FnMut(u32) -> Result<u32, SecretError>,
    now: Time,
) -> Result<Ceremony, StoreError> {
    let (id, (number, matching)) = match &wanted.drawn {
        Some(drawn) => (drawn.id.clone(), (drawn.number.clone(), Match::Enter { digits: numbers::DIGITS })),
        None => {
            let drawn = rules::numbers(allowed.may_choose, history, now, chance)?;
            (random_id()?, drawn.ok_or(StoreError::Stopped)?)
        }
    };
    Ok(Ceremony {
        id,
        account_id: wanted.account_id.clone(),
        owner: wanted.owner.clone(),
        known_browser: wanted.known_browser.clone(),
        kind: wanted.kind,
        origin: wanted.origin,
        number,
        r#match: matching,
        network: wanted.network.clone(),
        quiet: allowed.quiet,
        created_at: now,
        expires_at: now + rules::life(wanted.kind, wanted.origin),
        outcome: None,
        decided_at: None,
        decided_by: None,
        redeemed: false,
        change: wanted.change.clone(),
        standing: Vec::new(),
        added: None,
    })
}

/// Returns the prompt's `near`: whether the phone's last contact came from the browser's network. If the policy's
/// proximity is off, returns `None` instead of `Some(false)`.
fn nearness(phone: &Device, ceremony: &Ceremony, proximity: Proximity) -> Option<bool> {
    let near = phone.was_near(&ceremony.network, ceremony.created_at);
    match proximity {
        Proximity::Off => near.then_some(true),
        Proximity::Warn | Proximity::Require => Some(near),
    }
}

fn make_prompt(
    app: &App,
    ceremony: &Ceremony,
    phone: &Device,
    context: &Context,
    near: Option<bool>,
) -> Result<Prompt, StoreError> {
    let jti = random_id()?;
    let (answered_with, key) = phone.answers(ceremony.kind, ceremony.created_at).ok_or(StoreError::Stopped)?;
    let claims = PromptClaims {
        iss: &app.config.issuer,
        aud: &phone.id,
        sub: &ceremony.account_id,
        jti: &jti,
        iat: ceremony.created_at,
        exp: ceremony.expires_at,
        kind: ceremony.kind,
        key: answered_with,
        origin: ceremony.origin,
        r#match: &ceremony.r#match,
        context: ContextClaims { context, place: None, near },
    };
    let jws = app.keys.phone(ceremony.created_at).sign(PROMPT_TYP, &claims).map_err(|_library| StoreError::Stopped)?;
    Ok(Prompt {
        jti,
        ceremony: ceremony.id.clone(),
        device_id: phone.id.clone(),
        jws,
        answered_with,
        key,
        created_at: ceremony.created_at,
        answer: None,
    })
}

fn push_to(phone: &Device, jws: String, prompt: &str, urgency: Urgency) -> Option<Push> {
    let subscription: Subscription = phone.reachable_at().cloned()?;
    Some(Push { device_id: phone.id.clone(), subscription, jws, urgency, topic: Some(push::topic(prompt)) })
}

fn supersede(
    tx: &mut Tx<'_>,
    app: &App,
    history: &[Ceremony],
    owner: &Owner,
    now: Time,
) -> Result<Vec<Push>, StoreError> {
    let mut pushes = Vec::new();
    for past in history.iter().filter(|past| past.owner == *owner && past.is_live(now)) {
        pushes.extend(finish(tx, app, past, Outcome::Superseded, None, now)?);
    }
    Ok(pushes)
}

/// Ends a ceremony with an outcome. Returns the withdrawals for the devices that did not decide. A quiet ceremony has
/// no withdrawals, because its prompts were not pushed.
pub(super) fn finish(
    tx: &mut Tx<'_>,
    app: &App,
    ceremony: &Ceremony,
    outcome: Outcome,
    decided_on: Option<&str>,
    now: Time,
) -> Result<Vec<Push>, StoreError> {
    tx.update::<Ceremony, _>(&ceremony.id, |ceremony| {
        ceremony.outcome = Some(outcome);
        ceremony.decided_at = Some(now);
        ceremony.decided_by = decided_on.map(str::to_owned);
    })?
    .granted();
    audit::record(tx, &ceremony.account_id, "ceremony_decided", &ceremony.id, now)?;
    let reason = match outcome {
        Outcome::Cancelled => "cancelled",
        Outcome::Superseded => "superseded",
        Outcome::Approved | Outcome::Denied | Outcome::Reported | Outcome::WrongNumber | Outcome::RefusedPlace => {
            "answered_elsewhere"
        }
        Outcome::Expired | Outcome::Ended => "ended",
    };
    let mut pushes = Vec::new();
    for prompt in tx.children::<Prompt>(&ceremony.id)? {
        if decided_on == Some(prompt.device_id.as_str()) || ceremony.quiet {
            continue;
        }
        let Some(phone) = tx.get::<Device>(&prompt.device_id)? else {
            continue;
        };
        let claims = WithdrawnClaims {
            iss: &app.config.issuer,
            aud: &phone.id,
            jti: random_id()?,
            iat: now,
            prompt: &prompt.jti,
            reason,
            exp: ceremony.expires_at,
        };
        let jws = app.keys.phone(now).sign(WITHDRAWN_TYP, &claims).map_err(|_library| StoreError::Stopped)?;
        pushes.extend(push_to(&phone, jws, &prompt.jti, Urgency::Low));
    }
    Ok(pushes)
}

/// Cancels a live ceremony. Called when the person cancels it on the page that shows the number.
pub async fn cancel(app: &App, ceremony_id: String, owner: Owner) -> Result<(), StoreError> {
    end_live(app, ceremony_id, owner, Outcome::Cancelled).await
}

/// Ends a live ceremony of this owner with an outcome that is not a decision on a phone. Has no effect if the ceremony
/// is no longer live.
pub async fn end_live(app: &App, ceremony_id: String, owner: Owner, outcome: Outcome) -> Result<(), StoreError> {
    let (now, shared) = (app.clock.now(), app.clone());
    let pushes = app.store.global(move |tx| end_live_in(tx, &shared, &ceremony_id, &owner, outcome, now)).await?;
    app.push.send_all(pushes);
    Ok(())
}

/// Does the same as `cancel`, but inside the caller's transaction. Returns the pushes that the caller sends after it.
pub fn cancel_in(
    tx: &mut Tx<'_>,
    app: &App,
    ceremony_id: &str,
    owner: &Owner,
    now: Time,
) -> Result<Vec<Push>, StoreError> {
    end_live_in(tx, app, ceremony_id, owner, Outcome::Cancelled, now)
}

fn end_live_in(
    tx: &mut Tx<'_>,
    app: &App,
    ceremony_id: &str,
    owner: &Owner,
    outcome: Outcome,
    now: Time,
) -> Result<Vec<Push>, StoreError> {
    match tx.get::<Ceremony>(ceremony_id)? {
        Some(ceremony) if ceremony.owner == *owner && ceremony.is_live(now) => {
            finish(tx, app, &ceremony, outcome, None, now)
        }
        _ => Ok(Vec::new()),
    }
}

/// Returns the ceremony if it belongs to this owner.
pub async fn look(app: &App, ceremony_id: String, owner: Owner) -> Result<Option<Ceremony>, StoreError> {
    app.store.global(move |tx| Ok(tx.get::<Ceremony>(&ceremony_id)?.filter(|ceremony| ceremony.owner == owner))).await
}

/// Returns the live prompts of a device, in the order of `rules::strongest_first`.
pub fn live_prompts(tx: &mut Tx<'_>, device: &Device, now: Time) -> Result<Vec<Prompt>, StoreError> {
    let mut ceremonies: Vec<Ceremony> = tx.children(&device.account_id)?;
    // The phone may have been downgraded since the ceremony started.
    let knows = |kind: Kind| kind.feature().is_none_or(|feature| device.knows(feature));
    ceremonies.retain(|ceremony| ceremony.is_live(now) && knows(ceremony.kind));
    rules::strongest_first(&mut ceremonies);
    let mut live = Vec::new();
    for ceremony in ceremonies {
        let prompts: Vec<Prompt> = tx.children(&ceremony.id)?;
        live.extend(prompts.into_iter().filter(|prompt| prompt.device_id == device.id));
    }
    Ok(live)
}

/// Records a request's `jti`, in the transaction in which the request takes effect. Returns false for a repeated
/// request.
pub fn first_time(tx: &mut Tx<'_>, device: &Device, jti: &str, now: Time) -> Result<bool, StoreError> {
    // GUARD(request-id-once): a_request_delivered_twice_takes_effect_once
    // INSTEAD: tx.insert_if_new(&RequestId { id: format!("{} {jti}", device.id), expires_at: now + REQUEST_MEMORY }).map(|_new| true)
    tx.insert_if_new(&RequestId { id: format!("{} {jti}", device.id), expires_at: now + REQUEST_MEMORY })
}
