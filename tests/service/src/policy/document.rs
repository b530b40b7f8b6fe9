//! The policy as a JSON document, in the format of Microsoft Graph's
//! `microsoftAuthenticatorAuthenticationMethodConfiguration`. Settings that Graph does not have are under
//! `countersign`.
//!
//! A change is applied or refused as a whole. An unknown member, value or group is not ignored: the change is refused.

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The group id that means every person of the organization.
pub const ALL_USERS: &str = "all_users";
/// Maximum number of targets in each list.
const MAX_TARGETS: usize = 200;
const KIND: &str = "#microsoft.graph.microsoftAuthenticatorAuthenticationMethodConfiguration";
const ID: &str = "MicrosoftAuthenticator";

/// The policy document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policy {
    /// Whether the app may be used at all.
    pub state: State,
    /// Whether one-time codes, which need no network, are offered.
    pub is_software_oath_enabled: bool,
    /// Who may use the app, and how.
    pub include_targets: Vec<IncludeTarget>,
    /// Who may not use the app, even if `include_targets` includes them.
    pub exclude_targets: Vec<Target>,
    /// What a prompt shows, and how its number is matched.
    pub feature_settings: FeatureSettings,
    /// Settings that Graph does not have.
    pub countersign: Ours,
}

/// Whether the app may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// On.
    Enabled,
    /// Off.
    Disabled,
}

/// A person or a group to which a part of the policy applies.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// Whether `id` names a person or a group.
    pub target_type: TargetType,
    /// The account id of a person, or the id of a group. The group id `all_users` means all people.
    pub id: String,
}

/// The kind of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TargetType {
    /// One person.
    User,
    /// A group, or all people (`all_users`).
    Group,
}

/// People who may use the app, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IncludeTarget {
    /// Whether `id` names a person or a group.
    pub target_type: TargetType,
    /// The account id of a person, or the id of a group. The group id `all_users` means all people.
    pub id: String,
    /// A member of Graph's format. Stored but not used.
    #[serde(default)]
    pub is_registration_required: bool,
    /// How these people may use the app.
    pub authentication_mode: Mode,
}

impl IncludeTarget {
    /// Returns type and id as a `Target`.
    #[must_use]
    pub fn target(&self) -> Target {
        Target { target_type: self.target_type, id: self.id.clone() }
    }
}

/// How the app may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// As the second factor after a password, and for phone sign-in.
    Any,
    /// Only for phone sign-in, without a password.
    DeviceBasedPush,
    /// Only as the second factor after a password.
    Push,
}

/// What a prompt shows, and how its number is matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FeatureSettings {
    /// Whether prompts name the application. `default` means yes.
    pub display_app_information_required_state: Feature,
    /// Whether prompts name the place. `default` means yes.
    pub display_location_information_required_state: Feature,
    /// Whether the person always types the number. `default` means no: in a sign-in with a known browser, the person
    /// may choose one of three numbers.
    pub number_matching_required_state: Feature,
}

/// One setting, and the people it applies to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Feature {
    /// On, off, or the setting's own default.
    pub state: FeatureState,
    /// The people to whom the setting applies.
    pub include_target: Target,
    /// People to whom the setting does not apply, even if they are included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude_target: Option<Target>,
}

/// On, off, or the setting's own default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FeatureState {
    /// The setting's own default.
    Default,
    /// On for the people to whom the setting applies.
    Enabled,
    /// Off for all people.
    Disabled,
}

/// Settings that Graph does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ours {
    /// What a person must prove to add the first phone of an account.
    pub bootstrap: Bootstrap,
    /// What happens when phone and browser are on different networks.
    pub proximity: Proximity,
    /// Whether browsers that proved nothing may start prompts.
    pub unknown_origins: UnknownOrigins,
    /// What unlocks a sign-in key.
    pub key_guard: KeyGuard,
    /// The attestation that a key needs. The service can't check any attestation yet.
    pub attestation: Attestation,
    /// How many accounts may use phone sign-in on one phone. `None` if there is no limit.
    pub accounts_on_phone: Option<u32>,
}

/// What a person must prove to add the first phone of an account, the stricter value last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bootstrap {
    /// The password, or a pass.
    Password,
    /// A pass; the password is not enough.
    Pass,
}

/// What happens when phone and browser are on different networks, the strictest value last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proximity {
    /// Nothing happens.
    Off,
    /// The phone warns the person.
    Warn,
    /// The approval is refused.
    Require,
}

/// Whether browsers that proved nothing may start prompts, the strictest value last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownOrigins {
    /// They may start prompts within the usual limits.
    Usual,
    /// They may start prompts only from a network from which a phone of the account last contacted the service, less
    /// than a day ago.
    NearOnly,
    /// They never start prompts.
    Never,
}

/// What unlocks a sign-in key, the stricter value last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyGuard {
    /// Biometrics, or the device's PIN, pattern or password.
    BiometricOrCredential,
    /// Biometrics only. The key becomes unusable when the enrolled biometrics change.
    BiometricCurrentSet,
}

/// The attestation that a key needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attestation {
    /// No attestation.
    None,
}

/// An error in a change of the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The faulty member, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong, as text for the administrator.
    pub detail: String,
}

fn fault(pointer: impl Into<String>, detail: impl Into<String>) -> Fault {
    Fault { pointer: pointer.into(), detail: detail.into() }
}

impl Policy {
    /// Returns the initial policy: all people may use the app in every mode.
    #[must_use]
    pub fn usual() -> Self {
        let everybody = || Target { target_type: TargetType::Group, id: ALL_USERS.to_owned() };
        let feature = || Feature { state: FeatureState::Default, include_target: everybody(), exclude_target: None };
        Self {
            state: State::Enabled,
            is_software_oath_enabled: true,
            include_targets: vec![IncludeTarget {
                target_type: TargetType::Group,
                id: ALL_USERS.to_owned(),
                is_registration_required: false,
                authentication_mode: Mode::Any,
            }],
            exclude_targets: Vec::new(),
            feature_settings: FeatureSettings {
                display_app_information_required_state: feature(),
                display_location_information_required_state: feature(),
                number_matching_required_state: feature(),
            },
            countersign: Ours {
                bootstrap: Bootstrap::Password,
                proximity: Proximity::Off,
                unknown_origins: UnknownOrigins::Usual,
                key_guard: KeyGuard::BiometricOrCredential,
                attestation: Attestation::None,
                accounts_on_phone: None,
            },
        }
    }

    /// Returns the whole document, with the members `@odata.type` and `id` that Graph's clients expect.
    ///
    /// # Errors
    /// If serialization fails.
    pub fn to_json(&self) -> Result<Value, serde_json::Error> {
        let mut document = serde_json::to_value(self)?;
        if let Some(members) = document.as_object_mut() {
            members.insert("@odata.type".to_owned(), KIND.into());
            members.insert("id".to_owned(), ID.into());
        }
        Ok(document)
    }
}

/// Returns the settings of `other` that differ from those of `policy`: each a JSON pointer (RFC 6901) and the value as
/// JSON.
///
/// # Errors
/// If serialization fails.
pub fn differences(policy: &Policy, other: &Policy) -> Result<Vec<(String, String)>, serde_json::Error> {
    let mut found = Vec::new();
    compare(&serde_json::to_value(policy)?, &serde_json::to_value(other)?, "", &mut found);
    Ok(found)
}

fn compare(one: &Value, other: &Value, pointer: &str, found: &mut Vec<(String, String)>) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            for (name, value) in other {
                compare(one.get(name).unwrap_or(&Value::Null), value, &format!("{pointer}/{name}"), found);
            }
        }
        _ if one == other => {}
        _ => found.push((pointer.to_owned(), other.to_string())),
    }
}

/// Applies a change and returns the new policy. Each member of the change replaces the policy's member of the same
/// name. In `featureSettings` and `countersign`, only the members that the change contains are replaced. `groups` are
/// the ids of all existing groups.
///
/// # Errors
/// All faults that were found. If there is a fault, no part of the change is applied.
pub fn patch(policy: &Policy, change: &Value, groups: &HashSet<String>) -> Result<Policy, Vec<Fault>> {
    let Some(members) = change.as_object() else {
        return Err(vec![fault("", "The change must be a JSON object.")]);
    };
    let (mut next, mut faults) = (policy.clone(), Vec::new());
    for (name, value) in members {
        let pointer = format!("/{name}");
        match name.as_str() {
            "@odata.type" if value.as_str() == Some(KIND) => {}
            "id" if value.as_str() == Some(ID) => {}
            "state" => take(&mut next.state, value, &pointer, &mut faults),
            "isSoftwareOathEnabled" => take(&mut next.is_software_oath_enabled, value, &pointer, &mut faults),
            "includeTargets" => take(&mut next.include_targets, value, &pointer, &mut faults),
            "excludeTargets" => take(&mut next.exclude_targets, value, &pointer, &mut faults),
            "featureSettings" => merge(&mut next.feature_settings, value, &pointer, &mut faults),
            "countersign" => merge(&mut next.countersign, value, &pointer, &mut faults),
            _ => faults.push(fault(pointer, "This member is unknown, or it can't have this value.")),
        }
    }
    check(&next, groups, &mut faults);
    if faults.is_empty() { Ok(next) } else { Err(faults) }
}

fn take<T: DeserializeOwned>(member: &mut T, value: &Value, pointer: &str, faults: &mut Vec<Fault>) {
    match serde_json::from_value(value.clone()) {
        Ok(read) => *member = read,
        Err(error) => faults.push(fault(pointer, error.to_string())),
    }
}

fn merge<T: Serialize + DeserializeOwned>(member: &mut T, change: &Value, pointer: &str, faults: &mut Vec<Fault>) {
    let (Ok(Value::Object(mut whole)), Value::Object(given)) = (serde_json::to_value(&*member), change) else {
        faults.push(fault(pointer, "This member must be a JSON object."));
        return;
    };
    let given: &Map<String, Value> = given;
    whole.extend(given.clone());
    take(member, &Value::Object(whole), pointer, faults);
}

fn check(policy: &Policy, groups: &HashSet<String>, faults: &mut Vec<Fault>) {
    let included: Vec<Target> = policy.include_targets.iter().map(IncludeTarget::target).collect();
    check_targets(&included, "/includeTargets", groups, faults);
    check_targets(&policy.exclude_targets, "/excludeTargets", groups, faults);
    let settings = &policy.feature_settings;
    for (name, feature) in [
        ("displayAppInformationRequiredState", &settings.display_app_information_required_state),
        ("displayLocationInformationRequiredState", &settings.display_location_information_required_state),
        ("numberMatchingRequiredState", &settings.number_matching_required_state),
    ] {
        for target in std::iter::once(&feature.include_target).chain(&feature.exclude_target) {
            check_target(target, &format!("/featureSettings/{name}"), groups, faults);
        }
    }
    if policy.countersign.accounts_on_phone == Some(0) {
        faults.push(fault("/countersign/accountsOnPhone", "Use at least 1, or null for any number of accounts."));
    }
}

fn check_targets(targets: &[Target], pointer: &str, groups: &HashSet<String>, faults: &mut Vec<Fault>) {
    if targets.len() > MAX_TARGETS {
        faults.push(fault(pointer, format!("At most {MAX_TARGETS} targets are allowed.")));
    }
    let mut seen = HashSet::new();
    for (index, target) in targets.iter().enumerate() {
        let pointer = format!("{pointer}/{index}");
        check_target(target, &pointer, groups, faults);
        if !seen.insert(target) {
            faults.push(fault(pointer, "This target is listed twice."));
        }
    }
}

fn check_target(target: &Target, pointer: &str, groups: &HashSet<String>, faults: &mut Vec<Fault>) {
    let exists = match target.target_type {
        // The service does not check whether the person exists, because people leave the organization, and a target for
        // a former person affects nobody else.
        TargetType::User => !target.id.is_empty() && target.id != ALL_USERS,
        TargetType::Group => target.id == ALL_USERS || groups.contains(&target.id),
    };
    if !exists {
        faults.push(fault(format!("{pointer}/id"), "There is no such group, or this is not an account id."));
    }
}

/// What an API token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenScope {
    /// Reading the policy.
    ReadPolicy,
    /// Reading and changing the policy.
    ChangePolicy,
}

impl TokenScope {
    /// Returns what a token of this scope does, in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::ReadPolicy => "reads the policy",
            Self::ChangePolicy => "reads and changes the policy",
        }
    }
}
