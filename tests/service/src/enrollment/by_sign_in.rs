//! Adding a phone that has sent its person to the browser (protocol section 11): no code, no wizard. The consent
//! page took the digits, so the device is active at once.

use serde::Serialize;

use crate::app::App;
use crate::audit;
use crate::clock::Time;
use crate::devices::device::{Claimed, Device, State, Subscription};
use crate::devices::records::DeviceKey;
use crate::devices::standing::{Status, may_answer};
use crate::endings::{end_enrollments, end_registrations};
use crate::jose::Jwk;
use crate::keys;
use crate::notices;
use crate::phone_sign_in::acts::{TurnOnTokens, policy_allows, turn_on_tokens};
use crate::phone_sign_in::records::PhoneToken;
use crate::secrets::{hashed, random_id, same};
use crate::store::{StoreError, Tx};
use crate::verdict::Verdict;

/// A phone's message, verified as far as its own signature goes.
pub struct AddRequest {
    /// From the token endpoint.
    pub token: String,
    /// The device key that signed it.
    pub key: Jwk,
    /// What the phone says of itself.
    pub claimed: Claimed,
    /// Where pushes go.
    pub push: Subscription,
    /// The phone's network.
    pub network: String,
}

/// What the phone is told.
#[derive(Serialize)]
pub struct Added {
    device_id: String,
    account_id: String,
    keys: Vec<String>,
    /// To go on with phone sign-in at once, where the policy allows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    turn_on: Option<TurnOnTokens>,
}

/// Why a phone was not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAdded {
    /// No such token, another phone's, or too old.
    Unknown,
    /// The policy, or a suspension, says no meanwhile.
    NotAllowed,
}

/// Adds the phone; the same phone again gets the same device.
pub async fn add(app: &App, request: AddRequest) -> Result<Verdict<Added, NotAdded>, StoreError> {
    let now = app.clock.now();
    app.store.run(move |tx| add_in(tx, request, now)).await
}

fn add_in(tx: &mut Tx<'_>, request: AddRequest, now: Time) -> Result<Verdict<Added, NotAdded>, StoreError> {
    let jkt = request.key.thumbprint();
    let found = tx.get::<PhoneToken>(&hashed(request.token.as_bytes()))?;
    // GUARD(phone-token-of-another-phone): j5_w4_the_same_phone_again_gets_the_same_device_and_another_gets_nothing
    // INSTEAD: let Some(token) = found else {
    let Some(token) = found.filter(|token| same(&token.jkt, &jkt)) else {
        return Ok(Verdict::Refused(NotAdded::Unknown));
    };
    let before = match &token.added {
        Some(id) => tx.get::<Device>(id)?.filter(Device::is_active),
        None => None,
    };
    let (_, keys) = keys::document(tx, token.keys_document)?;
    let device = match (before, &token.added) {
        (Some(device), _) => device,
        // Removed meanwhile: the token does not bring it back.
        (None, Some(_)) => return Ok(Verdict::Refused(NotAdded::Unknown)),
        (None, None) if token.expires_at <= now || tx.get::<DeviceKey>(&jkt)?.is_some() => {
            return Ok(Verdict::Refused(NotAdded::Unknown));
        }
        // GUARD(phone-added-against-policy): j5_w3_a_token_ends_with_its_time_with_the_policy_and_with_another_phone
        // INSTEAD: (None, None) if false => {
        (None, None) if may_answer(tx, &token.account_id)? != Status::Ok => {
            return Ok(Verdict::Refused(NotAdded::NotAllowed));
        }
        (None, None) => activate(tx, request, token, now)?,
    };
    let turn_on = match policy_allows(tx, &device.account_id)? && device.sign_in.is_none() {
        true => Some(turn_on_tokens(tx, &device, now)?),
        false => None,
    };
    Ok(Verdict::Granted(Added { device_id: device.id, account_id: device.account_id, keys, turn_on }))
}

/// As the right digits do: the device is active, and every other way to add one that is under way ends.
fn activate(tx: &mut Tx<'_>, request: AddRequest, token: PhoneToken, now: Time) -> Result<Device, StoreError> {
    let id = random_id()?;
    let account_id = token.account_id.clone();
    let mut device = Device::pending(id.clone(), account_id.clone(), request.key, request.claimed, request.push, now);
    device.state = State::Active;
    device.seen_from(&request.network, now);
    tx.put(&DeviceKey { thumbprint: token.jkt.clone(), device_id: id.clone() })?;
    tx.put(&device)?;
    tx.put(&PhoneToken { added: Some(id.clone()), ..token })?;
    audit::record(tx, &account_id, "device_added", &id, now)?;
    end_enrollments(tx, &account_id, None, now)?;
    end_registrations(tx, &account_id)?;
    notices::notify(tx, &account_id, Some(&id), notices::Kind::MethodAdded, now)?;
    Ok(device)
}
