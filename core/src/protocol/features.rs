//! The member `features` (`core/docs/protocol.md` section 12): which later additions to version 1 its sender knows.

use serde::{Deserialize, Serialize};

/// The features that this core knows, as it sends them in each bind and each fetch.
const KNOWN: [&str; 1] = ["administration"];
/// Most names in a list.
const MAX_NAMES: usize = 16;
/// Longest name, in characters.
const MAX_NAME: usize = 32;

/// A list of features. It can contain names that this core does not know; they have no effect.
///
/// Deserialization refuses a list with more than 16 names, a name with other characters than `a` to `z`, `0` to `9` and
/// `_`, a name of 0 or more than 32 characters, and a name that occurs twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub(crate) struct Features(Vec<String>);

/// The list breaks a rule of section 12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the list of features is malformed")]
pub(crate) struct Malformed;

impl Features {
    /// Returns the features that this core knows.
    pub(crate) fn known() -> Self {
        Self(KNOWN.map(str::to_owned).to_vec())
    }

    /// Returns whether the list is empty. A sender of version 0.1 does not send the member, which means the same.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<Vec<String>> for Features {
    type Error = Malformed;

    fn try_from(names: Vec<String>) -> Result<Self, Malformed> {
        // GUARD(features-form-phone): malformed_lists_of_features_are_refused, feature_vectors_have_their_verdicts
        if names.len() > MAX_NAMES || !names.iter().all(|name| is_name(name)) || has_duplicate(&names) {
            return Err(Malformed);
        }
        Ok(Self(names))
    }
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(allowed)
}

fn has_duplicate(names: &[String]) -> bool {
    names.iter().enumerate().any(|(at, name)| names.iter().take(at).any(|earlier| earlier == name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

    use serde_json::{Value, json};

    use super::*;
    use crate::protocol::messages::{
        AddedAnswer, BindAnswer, FetchReason, Known, LookUpAnswer, Message, PhoneTokenAnswer, State, StateStatus,
        TokenAnswer,
    };

    fn read(value: Value) -> Option<Features> {
        serde_json::from_value(value).ok()
    }

    #[test]
    fn well_formed_lists_are_read_with_unknown_names() {
        let many: Vec<String> = (0..16).map(|at| format!("feature_{at}")).collect();
        for list in [json!([]), json!(["administration"]), json!(["later_1", "administration"]), json!(many)] {
            let features = read(list.clone()).unwrap();
            assert_eq!(serde_json::to_value(&features).unwrap(), list);
        }
        assert!(read(json!(["a", "x".repeat(32)])).is_some());
        assert_eq!(read(json!(["administration"])), Some(Features::known()));
    }

    #[test]
    fn malformed_lists_of_features_are_refused() {
        let many: Vec<String> = (0..17).map(|at| format!("feature_{at}")).collect();
        for list in [
            json!(null),
            json!("administration"),
            json!({"administration": true}),
            json!([1]),
            json!([null]),
            json!([["administration"]]),
            json!(many),
            json!(["administration", "administration"]),
            json!(["a", "b", "a"]),
            json!([""]),
            json!(["x".repeat(33)]),
            json!(["Administration"]),
            json!(["add-person"]),
            json!(["add person"]),
            json!(["administration\n"]),
            json!(["\u{664}"]),
            json!(["\u{e4}"]),
        ] {
            assert_eq!(read(list.clone()), None, "{list}");
        }
    }

    /// Returns the four messages of a service that have the member, and the list that was read from each of them. `None`
    /// for a message that is refused.
    fn read_messages(features: Option<Value>) -> Vec<Option<Features>> {
        let with = |mut message: Value| {
            if let Some(features) = &features {
                message["features"] = features.clone();
            }
            message
        };
        let state = with(json!({"iss": "i", "aud": "a", "iat": 1, "request": "r", "status": "ok"}));
        let look_up = with(json!({"issuer": "i", "account_id": "a", "user_name": "u", "organization": "o",
            "challenge": "c", "time": 1, "keys": "k"}));
        let token = with(json!({"access_token": "t", "token_type": "DPoP", "expires_in": 600, "scope": "enrollment",
            "sub": "a", "user_name": "u", "organization": "o", "keys": "k", "time": 1}));
        let turn_on = with(json!({"access_token": "t", "token_type": "DPoP", "expires_in": 600,
            "scope": "device_registration", "nonce": "n", "nonce_expires_in": 300, "sub": "a"}));
        vec![
            serde_json::from_value::<State>(state).ok().map(|read| read.features),
            serde_json::from_value::<LookUpAnswer>(look_up).ok().map(|read| read.features),
            serde_json::from_value::<PhoneTokenAnswer>(token).ok().map(|read| read.features),
            serde_json::from_value::<TokenAnswer>(turn_on).ok().map(|read| read.features),
        ]
    }

    #[test]
    fn messages_of_services_of_version_0_1_are_read() {
        assert_eq!(read_messages(None), vec![Some(Features::default()); 4]);
    }

    #[test]
    fn messages_of_services_with_features_are_read() {
        let list = Features(vec!["later".to_owned(), "administration".to_owned()]);
        assert_eq!(read_messages(Some(json!(["later", "administration"]))), vec![Some(list); 4]);
        assert_eq!(read_messages(Some(json!(["administration", "administration"]))), vec![None; 4]);
        assert_eq!(read_messages(Some(json!(null))), vec![None; 4]);
    }

    /// The responses to a bind do not have the member. A phone ignores it there, like every unknown member.
    #[test]
    fn responses_to_a_bind_are_read_with_any_further_member() {
        let bound = json!({"device_id": "d", "account_id": "a", "keys": ["k"], "expires_at": 1, "features": 7});
        assert!(serde_json::from_value::<BindAnswer>(bound).is_ok());
        let added = json!({"device_id": "d", "account_id": "a", "keys": ["k"], "features": 7});
        assert!(serde_json::from_value::<AddedAnswer>(added).is_ok());
    }

    #[test]
    fn each_fetch_names_the_features_of_this_core() {
        let known = Known { status: StateStatus::Ok, prompts: Vec::new() };
        let fetch = Message::Fetch { reason: FetchReason::Poll, wait: 0, known, features: Features::known() };
        assert_eq!(serde_json::to_value(&fetch).unwrap()["features"], json!(["administration"]));
    }
}
