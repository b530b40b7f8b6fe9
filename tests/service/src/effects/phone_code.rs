//! Issuing an authorization code to a phone after the person has agreed, and a token for that code. With the token, the
//! phone is added to the account, or turns phone sign-in on.

use serde::Serialize;

use super::{add_method, approval};
use crate::audit;
use crate::clock::Time;
use crate::devices::device::Device;
use crate::endings::{Ending, end};
use crate::features::{self, Feature};
use crate::keys;
use crate::people::person::Person;
use crate::phone_sign_in::records::PhoneToken;
use crate::phone_sign_in::registration::{Purpose, Registration, RegistrationCode, RegistrationToken};
use crate::phone_sign_in::rules::{
    self, ADD_SCOPE, CODE_LIFE, NONCE_LIFE, Redemption, TOKEN_LIFE, TURN_ON_SCOPE, Worth,
};
use crate::prompts::ceremony::{Ceremony, Kind};
use crate::provenance::{Given, Giver};
use crate::secrets::{derived, hashed, random_id};
use crate::sign_in::attempt::Attempt;
use crate::store::{Brand, StoreError, Tx};

/// Proof that the person of an attempt may agree to the registration of the phone that sent them here.
pub struct PhoneCode<'t> {
    attempt: Attempt,
    registration: Registration,
    account_id: String,
    given: Given,
    _brand: Brand<'t>,
}

impl PhoneCode<'_> {
    /// Returns the registration.
    #[must_use]
    pub fn registration(&self) -> &Registration {
        &self.registration
    }
}

/// Checks what allows the person of this attempt to agree now. Spends nothing: [`act`] spends it.
pub fn check<'t>(tx: &mut Tx<'t>, attempt_id: &str, now: Time) -> Result<Option<PhoneCode<'t>>, StoreError> {
    let Some(attempt) = tx.get::<Attempt>(attempt_id)?.filter(|attempt| attempt.expires_at > now) else {
        return Ok(None);
    };
    let Some(registration) = attempt.registration.clone() else {
        return Ok(None);
    };
    let proven = attempt.proven.clone().filter(|proven| proven.is_fresh(now));
    let Some(proven) = proven.filter(|one| registration.account_id.as_ref().is_none_or(|id| *id == one.account_id))
    else {
        return Ok(None);
    };
    let account_id = proven.account_id.clone();
    if !tx.get::<Person>(&account_id)?.is_some_and(|person| proven.still_counts(&person)) {
        return Ok(None);
    }
    let given = match &registration.purpose {
        Purpose::TurnOn { device_id } => by_its_device(tx, &attempt, &account_id, device_id, now)?,
        Purpose::AddPhone(_) => by_adding(tx, &attempt, &account_id, &proven.given, now)?,
    };
    Ok(given.map(|given| PhoneCode { attempt, registration, account_id, given, _brand: tx.brand() }))
}

/// The device on which phone sign-in is to be turned on must be active and must have approved.
fn by_its_device(
    tx: &mut Tx<'_>,
    attempt: &Attempt,
    account_id: &str,
    device_id: &str,
    now: Time,
) -> Result<Option<Given>, StoreError> {
    let device = tx.get::<Device>(device_id)?;
    let ours = device.is_some_and(|device| device.is_active() && device.account_id == account_id);
    let Some(ceremony) = attempt.ceremony.as_ref().filter(|_id| ours) else {
        return Ok(None);
    };
    // GUARD(agree-after-approval): turning_on_phone_sign_in_in_the_browser_has_no_fault
    // INSTEAD: Ok(tx.get::<Ceremony>(ceremony)?.and_then(|one| one.gives(now)))
    ready(tx, ceremony, attempt, account_id, Kind::RegisterDevice, now)
}

/// To add a phone, the typed pass or password must allow it, or a phone of the account must have approved.
fn by_adding(
    tx: &mut Tx<'_>,
    attempt: &Attempt,
    account_id: &str,
    typed: &Given,
    now: Time,
) -> Result<Option<Given>, StoreError> {
    if add_method::may_add(tx, account_id, &typed.by, now)? {
        return Ok(Some(typed.passed_on(now)));
    }
    let Some(ceremony) = &attempt.ceremony else {
        return Ok(None);
    };
    ready(tx, ceremony, attempt, account_id, Kind::AddMethod, now)
}

/// Returns what the approval gives, if a phone of this account has approved in this attempt.
fn ready(
    tx: &mut Tx<'_>,
    ceremony: &str,
    attempt: &Attempt,
    account_id: &str,
    kind: Kind,
    now: Time,
) -> Result<Option<Given>, StoreError> {
    let given = approval::ready(tx, ceremony, &attempt.owner(), kind, now)?;
    let is_ours = tx.get::<Ceremony>(ceremony)?.is_some_and(|one| one.account_id == account_id);
    Ok(given.filter(|_given| is_ours))
}

/// Issues the code, and ends the attempt. Spends the approval of turning phone sign-in on; what allows adding a phone is
/// spent when the phone is added. Returns `None` if the approval was spent in the meantime.
pub fn act<'t>(tx: &mut Tx<'t>, proof: PhoneCode<'t>, now: Time) -> Result<Option<String>, StoreError> {
    let PhoneCode { attempt, registration, account_id, given, _brand } = proof;
    if let (Purpose::TurnOn { .. }, Giver::Approval(id)) = (&registration.purpose, &given.by)
        // GUARD(turn-on-approval-spent): turning_on_phone_sign_in_in_the_browser_has_no_fault
        // INSTEAD: && approval::ready(tx, id, &attempt.owner(), Kind::RegisterDevice, now)?.is_none()
        && approval::spend(tx, id, &attempt.owner(), Kind::RegisterDevice, now)?.is_none()
    {
        return Ok(None);
    }
    tx.delete::<Attempt>(&attempt.id)?;
    let code = random_id()?;
    audit::record(tx, &account_id, "registration_agreed", registration.purpose.about(), now)?;
    let registration = Registration { account_id: Some(account_id), ..registration };
    let id = hashed(code.as_bytes());
    tx.insert(&RegistrationCode { id, registration, expires_at: now + CODE_LIFE, token: None, given })?;
    Ok(Some(code))
}

/// Proof that an authorization code was spent by its phone.
pub struct PhoneCodeSpent<'t> {
    code: RegistrationCode,
    device: Option<Device>,
    person: Person,
    _brand: Brand<'t>,
}

/// Checks an authorization code and spends it. A second use of the code ends the token of the first use.
pub fn check_code<'t>(
    tx: &mut Tx<'t>,
    code: &str,
    by: &Redemption<'_>,
    now: Time,
) -> Result<Option<PhoneCodeSpent<'t>>, StoreError> {
    let Some(code) = tx.get::<RegistrationCode>(&hashed(code.as_bytes()))? else {
        return Ok(None);
    };
    let device = match code.registration.purpose.device() {
        Some(device_id) => tx.get::<Device>(device_id)?,
        None => None,
    };
    let account_id = code.registration.account_id.clone().unwrap_or_default();
    match rules::worth(&code, device.as_ref(), by, now) {
        Worth::Token => {}
        Worth::UsedBefore { token } => {
            // GUARD(code-used-twice): j4_w5_w6_authorization_code_works_once_for_its_phone, turning_on_phone_sign_in_at_the_phone_has_no_fault
            let _ended = end(tx, &account_id, &Ending::CodeUsedTwice(token.to_owned()), now)?;
            return Ok(None);
        }
        Worth::Nothing => return Ok(None),
    }
    let Some(person) = tx.get::<Person>(&account_id)?.filter(|person| !person.suspended) else {
        return Ok(None);
    };
    let may = match &device {
        Some(_) => code.given.by != Giver::Unrecorded,
        // GUARD(phone-code-permission): first_phone_by_signing_in_has_no_fault
        // INSTEAD: None => code.given.at <= now,
        None => add_method::may_add(tx, &account_id, &code.given.by, now)?,
    };
    if !may {
        return Ok(None);
    }
    Ok(Some(PhoneCodeSpent { code, device, person, _brand: tx.brand() }))
}

/// The token response, for turning phone sign-in on (protocol section 10.1) or for adding a phone (section 11).
#[derive(Serialize)]
#[serde(untagged)]
pub enum Tokens {
    /// Scope `device_registration`.
    TurnOn(TurnOnTokens),
    /// Scope `enrollment`.
    AddPhone(PhoneTokens),
}

/// The token to turn phone sign-in on, with the nonce that the new key must sign.
#[derive(Serialize)]
pub struct TurnOnTokens {
    /// The DPoP-bound access token.
    pub access_token: String,
    token_type: &'static str,
    expires_in: Time,
    scope: &'static str,
    /// The nonce.
    pub nonce: String,
    nonce_expires_in: Time,
    sub: String,
    features: &'static [Feature],
}

/// The token to add a phone, with the facts about the account that the phone needs.
#[derive(Serialize)]
pub struct PhoneTokens {
    /// The DPoP-bound access token.
    pub access_token: String,
    token_type: &'static str,
    expires_in: Time,
    scope: &'static str,
    sub: String,
    user_name: String,
    organization: String,
    keys: String,
    time: Time,
    features: &'static [Feature],
}

/// Issues the token for a spent code.
pub fn issue_token<'t>(
    tx: &mut Tx<'t>,
    proof: PhoneCodeSpent<'t>,
    organization: &str,
    jkt: &str,
    now: Time,
) -> Result<Tokens, StoreError> {
    let PhoneCodeSpent { code, device, person, _brand } = proof;
    let given = code.given.passed_on(now);
    let (access_token, tokens) = match device {
        Some(device) => {
            let tokens = turn_on_tokens(tx, &device, given, (random_id()?, random_id()?), now)?;
            (tokens.access_token.clone(), Tokens::TurnOn(tokens))
        }
        None => {
            let tokens = phone_tokens(tx, person, given, organization, jkt, now)?;
            (tokens.access_token.clone(), Tokens::AddPhone(tokens))
        }
    };
    let spent = |code: &mut RegistrationCode| code.token = Some(hashed(access_token.as_bytes()));
    tx.update(&code.id, spent)?.granted();
    Ok(tokens)
}

/// Returns the token for turning phone sign-in on that belongs to a phone token. It is derived from that token, so a
/// phone that repeats its request gets the same token. Returns `None` if the token was used, has expired or was ended.
pub fn turn_on_token_of(
    tx: &mut Tx<'_>,
    device: &Device,
    phone_token: &str,
    now: Time,
) -> Result<Option<TurnOnTokens>, StoreError> {
    let (access_token, nonce) = derived_tokens(phone_token);
    let stored = tx.get::<RegistrationToken>(&hashed(access_token.as_bytes()))?;
    // GUARD(turn-on-token-not-renewed): bind_repeated_after_turning_off_gives_no_token_to_turn_on
    // INSTEAD: let usable = stored;
    let usable = stored.filter(|token| token.spent_by.is_none() && token.nonce_expires_at > now);
    Ok(usable.map(|token| shown(device, access_token, nonce, &token, now)))
}

/// Creates the token for turning phone sign-in on that belongs to a phone token. Called when the phone is added.
pub fn first_turn_on_token<'t>(
    tx: &mut Tx<'t>,
    device: &Device,
    phone_token: &str,
    now: Time,
) -> Result<TurnOnTokens, StoreError> {
    turn_on_tokens(tx, device, device.given.clone(), derived_tokens(phone_token), now)
}

fn derived_tokens(phone_token: &str) -> (String, String) {
    (derived(phone_token, "turn-on token"), derived(phone_token, "turn-on nonce"))
}

fn turn_on_tokens(
    tx: &mut Tx<'_>,
    device: &Device,
    given: Given,
    (access_token, nonce): (String, String),
    now: Time,
) -> Result<TurnOnTokens, StoreError> {
    let token = RegistrationToken {
        id: hashed(access_token.as_bytes()),
        device_id: device.id.clone(),
        account_id: device.account_id.clone(),
        nonce: hashed(nonce.as_bytes()),
        nonce_expires_at: now + NONCE_LIFE,
        expires_at: now + TOKEN_LIFE,
        spent_by: None,
        given,
    };
    tx.insert(&token)?;
    Ok(shown(device, access_token, nonce, &token, now))
}

fn shown(device: &Device, access_token: String, nonce: String, token: &RegistrationToken, now: Time) -> TurnOnTokens {
    TurnOnTokens {
        access_token,
        token_type: "DPoP",
        expires_in: token.expires_at - now,
        scope: TURN_ON_SCOPE,
        nonce,
        nonce_expires_in: token.nonce_expires_at - now,
        sub: device.account_id.clone(),
        features: &features::KNOWN,
    }
}

fn phone_tokens(
    tx: &mut Tx<'_>,
    person: Person,
    given: Given,
    organization: &str,
    jkt: &str,
    now: Time,
) -> Result<PhoneTokens, StoreError> {
    let access_token = random_id()?;
    let keys_document = keys::newest(tx)?;
    let (document, _) = keys::document(tx, keys_document)?;
    tx.insert(&PhoneToken {
        id: hashed(access_token.as_bytes()),
        account_id: person.account_id.clone(),
        jkt: jkt.to_owned(),
        expires_at: now + TOKEN_LIFE,
        added: None,
        given,
        keys_document,
    })?;
    Ok(PhoneTokens {
        access_token,
        token_type: "DPoP",
        expires_in: TOKEN_LIFE,
        scope: ADD_SCOPE,
        sub: person.account_id,
        user_name: person.user_name,
        organization: organization.to_owned(),
        keys: document,
        time: now,
        features: &features::KNOWN,
    })
}
