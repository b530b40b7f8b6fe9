//! The policy as a document, in the JSON shape of Microsoft Graph's
//! `microsoftAuthenticatorAuthenticationMethodConfiguration`, with what is ours beside it under `countersign`.
//!
//! A change is taken whole or refused whole: an unknown member, value or target is a fault, never ignored.

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Everybody of the organization.
pub const ALL_USERS: &str = "all_users";
/// So many targets at most in each list.
const MAX_TARGETS: usize = 200;
const KIND: &str = "#microsoft.graph.microsoftAuthenticatorAuthenticationMethodConfiguration";
const ID: &str = "MicrosoftAuthenticator";

/// The policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policy {
    /// Whether anybody may use the app.
    pub state: State,
    /// Whether codes without a network are offered.
    pub is_software_oath_enabled: bool,
    /// Who may use it, and how.
    pub include_targets: Vec<IncludeTarget>,
    /// Who may not, whatever else is said.
    pub exclude_targets: Vec<Target>,
    /// What a request shows, and how its number is matched.
    pub feature_settings: FeatureSettings,
    /// What is ours.
    pub countersign: Ours,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// On.
    Enabled,
    /// Off.
    Disabled,
}

/// Whom a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// What the id names.
    pub target_type: TargetType,
    /// A person's account id, a group's id, or `all_users` as a group.
    pub id: String,
}

/// What a target's id names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TargetType {
    /// One person.
    User,
    /// A group, or everybody.
    Group,
}

/// Who may use the app, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IncludeTarget {
    /// What the id names.
    pub target_type: TargetType,
    /// A person's account id, a group's id, or `all_users` as a group.
    pub id: String,
    /// Graph's own; kept as it was given.
    #[serde(default)]
    pub is_registration_required: bool,
    /// How.
    pub authentication_mode: Mode,
}

impl IncludeTarget {
    /// Whom it is about.
    #[must_use]
    pub fn target(&self) -> Target {
        Target { target_type: self.target_type, id: self.id.clone() }
    }
}

/// How the app may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// After a password and without one.
    Any,
    /// Only without a password.
    DeviceBasedPush,
    /// Only after a password.
    Push,
}

/// What a request shows, and how its number is matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FeatureSettings {
    /// Whether requests name the application; `default` is yes.
    pub display_app_information_required_state: Feature,
    /// Whether requests name the place; `default` is yes.
    pub display_location_information_required_state: Feature,
    /// Whether numbers are always typed; `default` is no: in known browsers they may be chosen out of three.
    pub number_matching_required_state: Feature,
}

/// One setting, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Feature {
    /// On, off, or as each setting says.
    pub state: FeatureState,
    /// For whom.
    pub include_target: Target,
    /// For whom not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude_target: Option<Target>,
}

/// On, off, or as each setting says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FeatureState {
    /// As the setting says.
    Default,
    /// On for its target.
    Enabled,
    /// Off for everybody.
    Disabled,
}

/// What Graph has no word for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ours {
    /// What the first method of an account needs.
    pub bootstrap: Bootstrap,
    /// What follows when phone and browser are in different networks.
    pub proximity: Proximity,
    /// Whether browsers that proved nothing may ring.
    pub unknown_origins: UnknownOrigins,
    /// Who unlocks a sign-in key.
    pub key_guard: KeyGuard,
    /// What must vouch for a key; nothing else can be checked yet.
    pub attestation: Attestation,
    /// How many accounts may use phone sign-in on one phone.
    pub accounts_on_phone: Option<u32>,
}

/// What the first method of an account needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bootstrap {
    /// The password.
    Password,
    /// A pass.
    Pass,
}

/// What follows when phone and browser are in different networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proximity {
    /// Nothing.
    Off,
    /// The phone says so.
    Warn,
    /// The approval is refused.
    Require,
}

/// Whether browsers that proved nothing may ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownOrigins {
    /// Within the usual limits.
    Usual,
    /// Only from a network that one of the phones was in lately.
    NearOnly,
    /// Never.
    Never,
}

/// Who unlocks a sign-in key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyGuard {
    /// Biometrics only; the key ends when they change.
    BiometricCurrentSet,
    /// Biometrics, or the device's PIN, pattern or password.
    BiometricOrCredential,
}

/// What must vouch for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attestation {
    /// Nothing.
    None,
}

/// What is wrong with a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Where, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What, in words.
    pub detail: String,
}

fn fault(pointer: impl Into<String>, detail: impl Into<String>) -> Fault {
    Fault { pointer: pointer.into(), detail: detail.into() }
}

impl Policy {
    /// What holds until an administrator says otherwise: everybody, in every way.
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

    /// The whole document, as Graph's clients read it.
    ///
    /// # Errors
    /// When the library can't write it.
    pub fn to_json(&self) -> Result<Value, serde_json::Error> {
        let mut document = serde_json::to_value(self)?;
        if let Some(members) = document.as_object_mut() {
            members.insert("@odata.type".to_owned(), KIND.into());
            members.insert("id".to_owned(), ID.into());
        }
        Ok(document)
    }
}

/// Applies a change: members that are given replace, lists whole, the two objects member by member.
///
/// # Errors
/// Every fault that was found; then nothing of the change holds.
pub fn patch(policy: &Policy, change: &Value, groups: &HashSet<String>) -> Result<Policy, Vec<Fault>> {
    let Some(members) = change.as_object() else {
        return Err(vec![fault("", "A change is a JSON object.")]);
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
            _ => faults.push(fault(pointer, "There is no such member, or it can't have this value.")),
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
        faults.push(fault(pointer, "This is an object."));
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
        faults.push(fault("/countersign/accountsOnPhone", "At least one account, or null for any number."));
    }
}

fn check_targets(targets: &[Target], pointer: &str, groups: &HashSet<String>, faults: &mut Vec<Fault>) {
    if targets.len() > MAX_TARGETS {
        faults.push(fault(pointer, format!("At most {MAX_TARGETS} targets.")));
    }
    let mut seen = HashSet::new();
    for (index, target) in targets.iter().enumerate() {
        let pointer = format!("{pointer}/{index}");
        check_target(target, &pointer, groups, faults);
        if !seen.insert(target) {
            faults.push(fault(pointer, "This target stands here twice."));
        }
    }
}

fn check_target(target: &Target, pointer: &str, groups: &HashSet<String>, faults: &mut Vec<Fault>) {
    let exists = match target.target_type {
        // People come and go; a target for somebody who left says nothing about anybody else.
        TargetType::User => !target.id.is_empty() && target.id != ALL_USERS,
        TargetType::Group => target.id == ALL_USERS || groups.contains(&target.id),
    };
    if !exists {
        faults.push(fault(format!("{pointer}/id"), "There is no such group, or no id."));
    }
}
