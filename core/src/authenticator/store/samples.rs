//! Sample records, like those of a real phone, for tests.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use serde_json::json;

use crate::authenticator::records::account::{AccountRecord, StoredState};
#[cfg(test)]
use crate::authenticator::store::prompts::PromptRecord;
use crate::base::clock::Timestamp;
use crate::base::jose::{PublicKey, base64url};
#[cfg(test)]
use crate::protocol::messages::ReceivedBy;
use crate::protocol::push_message::PushKeys;
use crate::values::account::AccountId;
use crate::values::fatigue::Memory;
use crate::values::issuer::Issuer;
#[cfg(test)]
use crate::values::prompt::{PromptId, PromptState};

pub(crate) const NOW: Timestamp = Timestamp(1_790_000_000);
/// The base point of P-256. In these tests, any valid point can be the public key.
const POINT: &str = "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU";
/// No server listens at this address.
const HOST: &str = "https://127.0.0.1:1";

pub(crate) fn point() -> PublicKey {
    PublicKey::from_sec1(&base64url::decode(POINT).unwrap()).unwrap()
}

pub(crate) fn push_keys() -> PushKeys {
    PushKeys::from_bytes(&[7; 48]).unwrap()
}

/// An active account whose ids and names are derived from `name`.
pub(crate) fn account(name: &str) -> AccountRecord {
    let at = |path: &str| format!("{HOST}/phone/{path}");
    AccountRecord {
        id: AccountId(name.to_owned()),
        issuer: Issuer::parse(HOST).unwrap(),
        account_id: format!("account of {name}"),
        user_name: format!("{name}@example.org"),
        organization: "Example Ltd".to_owned(),
        device_id: format!("device of {name}"),
        state: StoredState::Active,
        key_alias: format!("countersign-device-{name}"),
        device_key: point(),
        slot: format!("slot of {name}").into_bytes(),
        push_keys: push_keys(),
        endpoints: serde_json::from_value(json!({
            "look_up_endpoint": at("look-up"), "enrollment_endpoint": at("enrollment"), "prompts_endpoint": at("prompts"),
            "answers_endpoint": at("answers"), "device_endpoint": at("device"), "keys_endpoint": at("keys"),
            "vapid_key": POINT, "client_id": "countersign-phone",
        }))
        .unwrap(),
        service_keys: serde_json::from_value(json!({ "seq": 1, "keys": [point().to_jwk()] })).unwrap(),
        clock_offset: 3,
        added_at: NOW,
        sign_in: None,
        policy: None,
        trouble: None,
        memory: Memory::default(),
    }
}

/// An open prompt of an account. Its signature is invalid, which has no effect: a stored prompt is not verified again.
#[cfg(test)]
pub(crate) fn prompt(account: &AccountRecord, jti: &str, origin: &str) -> PromptRecord {
    let expires_at = NOW.plus(120);
    let payload = json!({
        "iss": account.issuer.as_str(), "aud": account.device_id, "sub": account.account_id, "jti": jti,
        "iat": NOW.0, "exp": expires_at.0, "kind": "second_factor", "key": "device", "origin": origin,
        "match": {"mode": "enter", "digits": 2},
        "context": {"application": "Payroll", "browser": "Firefox", "os": "Linux", "address": "192.0.2.1",
            "place": null, "near": null},
    });
    PromptRecord {
        id: PromptId { account: account.id.clone(), jti: jti.to_owned() },
        jws: format!("e30.{}.e30", base64url::encode(payload.to_string().as_bytes())),
        received_by: ReceivedBy::Push,
        received_at: NOW,
        expires_at,
        state: PromptState::Open,
        quiet: None,
    }
}
