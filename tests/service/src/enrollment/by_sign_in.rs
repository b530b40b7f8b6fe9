//! Adds a phone after the person has signed in and agreed in a browser (protocol section 11). The phone sends the token
//! that it got from the token endpoint. There is no enrollment code and no wizard. The consent page has already checked
//! the digits, so the device is active immediately.

use serde::Serialize;

use crate::app::App;
use crate::clock::Time;
use crate::devices::device::{Claimed, Device, Subscription};
use crate::devices::records::DeviceKey;
use crate::effects::phone_code::TurnOnTokens;
use crate::effects::{add_method, phone_code, turn_on};
use crate::jose::Jwk;
use crate::keys;
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
    /// What gave the token no longer allows adding a phone, the policy does not allow the person to use the app, or the
    /// person is suspended.
    NotAllowed,
}

/// Adds the phone as an active device. A repeated request with the same token and device key adds no second device.
pub async fn add(app: &App, request: AddRequest) -> Result<Verdict<Added, NotAdded>, StoreError> {
    let now = app.clock.now();
    app.store.global(move |tx| add_in(tx, &request, now)).await
}

/// Like `add`, in the caller's transaction.
pub fn add_in(tx: &mut Tx<'_>, request: &AddRequest, now: Time) -> Result<Verdict<Added, NotAdded>, StoreError> {
    let jkt = request.key.thumbprint();
    let found = tx.get::<PhoneToken>(&hashed(request.token.as_bytes()))?;
    // GUARD(phone-token-of-another-phone): j5_w4_token_adds_one_device_for_its_own_phone
    // INSTEAD: let Some(token) = found else {
    let Some(token) = found.filter(|token| same(&token.jkt, &jkt)) else {
        return Ok(Verdict::Refused(NotAdded::Unknown));
    };
    let (_, keys) = keys::document(tx, token.keys_document)?;
    let added = match &token.added {
        // The device may have been removed. The token does not restore it.
        Some(id) => tx.get::<Device>(id)?.filter(Device::is_active).ok_or(NotAdded::Unknown),
        None => activate(tx, request, &token, now)?.into_result(),
    };
    let device = match added {
        Ok(device) => device,
        Err(refusal) => return Ok(Verdict::Refused(refusal)),
    };
    let turn_on = match turn_on::is_allowed(tx, &device.account_id)? && device.sign_in.is_none() {
        true if token.added.is_none() => Some(phone_code::first_turn_on_token(tx, &device, &request.token, now)?),
        true => phone_code::turn_on_token_of(tx, &device, &request.token, now)?,
        false => None,
    };
    Ok(Verdict::Granted(Added { device_id: device.id, account_id: device.account_id, keys, turn_on }))
}

/// Creates the active device, and ends the account's unfinished enrollments and registrations.
fn activate(
    tx: &mut Tx<'_>,
    request: &AddRequest,
    token: &PhoneToken,
    now: Time,
) -> Result<Verdict<Device, NotAdded>, StoreError> {
    if token.expires_at <= now || tx.get::<DeviceKey>(&token.jkt)?.is_some() {
        return Ok(Verdict::Refused(NotAdded::Unknown));
    }
    let Some(proof) = add_method::check(tx, &token.account_id, &token.given.by, now)? else {
        return Ok(Verdict::Refused(NotAdded::NotAllowed));
    };
    let mut device = Device::pending(
        random_id()?,
        token.account_id.clone(),
        request.key.clone(),
        request.claimed.clone(),
        request.push.clone(),
        token.given.clone(),
        now,
    );
    device.features.clone_from(&request.features);
    device.seen_from(&request.network, now);
    let added = |token: &mut PhoneToken| token.added = Some(device.id.clone());
    tx.update(&token.id, added)?.granted();
    Ok(Verdict::Granted(add_method::insert(tx, proof, device, now)?))
}
