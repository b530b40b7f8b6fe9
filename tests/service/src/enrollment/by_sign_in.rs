//! Adds a phone after the person has signed in and agreed in a browser (protocol section 11). The phone sends the token
//! that it got from the token endpoint. There is no enrollment code and no wizard. The consent page has already checked
//! the digits, so the device is active immediately.

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

/// A phone's request. It contains the device key, and the request's signature was verified with this key.
pub struct AddRequest {
    /// The token from the token endpoint.
    pub token: String,
    /// The device key, which signed the request.
    pub key: Jwk,
    /// The facts that the phone states about itself. They are not verified.
    pub claimed: Claimed,
    /// The push address and keys.
    pub push: Subscription,
    /// The features that the phone knows.
    pub features: Vec<String>,
    /// The phone's network.
    pub network: String,
}

/// The response to the phone.
#[derive(Serialize)]
pub struct Added {
    device_id: String,
    account_id: String,
    keys: Vec<String>,
    /// A token for turning on phone sign-in immediately. Present if the policy allows phone sign-in and the device has
    /// no sign-in key.
    #[serde(skip_serializing_if = "Option::is_none")]
    turn_on: Option<TurnOnTokens>,
}

/// Why a phone was not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAdded {
    /// One of these: the token is unknown, belongs to another phone or has expired; the device that was added with the
    /// token was removed; another device record already has the device key of this request.
    Unknown,
    /// The policy does not allow the person to use the app, or the person is suspended.
    NotAllowed,
}

/// Adds the phone as an active device. A repeated request with the same token and device key adds no second device.
pub async fn add(app: &App, request: AddRequest) -> Result<Verdict<Added, NotAdded>, StoreError> {
    let now = app.clock.now();
    app.store.global(move |tx| add_in(tx, &request, now)).await
}

fn add_in(tx: &mut Tx<'_>, request: &AddRequest, now: Time) -> Result<Verdict<Added, NotAdded>, StoreError> {
    let jkt = request.key.thumbprint();
    let found = tx.get::<PhoneToken>(&hashed(request.token.as_bytes()))?;
    // GUARD(phone-token-of-another-phone): j5_w4_token_adds_one_device_for_its_own_phone
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
        // The device was removed. The token does not restore the device.
        (None, Some(_)) => return Ok(Verdict::Refused(NotAdded::Unknown)),
        (None, None) if token.expires_at <= now || tx.get::<DeviceKey>(&jkt)?.is_some() => {
            return Ok(Verdict::Refused(NotAdded::Unknown));
        }
        // GUARD(phone-added-against-policy): j5_w3_expired_or_cancelled_token_adds_no_phone
        // INSTEAD: (None, None) if false => {
        (None, None) if may_answer(tx, &token.account_id)? != Status::Ok => {
            return Ok(Verdict::Refused(NotAdded::NotAllowed));
        }
        (None, None) => activate(tx, request, &token, now)?,
    };
    let turn_on = match policy_allows(tx, &device.account_id)? && device.sign_in.is_none() {
        true => Some(turn_on_tokens(tx, &device, now)?),
        false => None,
    };
    Ok(Verdict::Granted(Added { device_id: device.id, account_id: device.account_id, keys, turn_on }))
}

/// Creates the active device, and ends the account's unfinished enrollments and registrations.
fn activate(tx: &mut Tx<'_>, request: &AddRequest, token: &PhoneToken, now: Time) -> Result<Device, StoreError> {
    let id = random_id()?;
    let account_id = token.account_id.clone();
    let mut device = Device::pending(
        id.clone(),
        account_id.clone(),
        request.key.clone(),
        request.claimed.clone(),
        request.push.clone(),
        now,
    );
    device.state = State::Active;
    device.features.clone_from(&request.features);
    device.seen_from(&request.network, now);
    tx.insert(&DeviceKey { thumbprint: token.jkt.clone(), device_id: id.clone() })?;
    tx.insert(&device)?;
    tx.update::<PhoneToken, _>(&token.id, |token| token.added = Some(id.clone()))?.granted();
    audit::record(tx, &account_id, "device_added", &id, now)?;
    end_enrollments(tx, &account_id, None, now)?;
    end_registrations(tx, &account_id)?;
    notices::notify(tx, &account_id, Some(&id), notices::Kind::MethodAdded, now)?;
    Ok(device)
}
