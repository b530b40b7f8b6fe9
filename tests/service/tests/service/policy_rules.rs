//! Tests how the policy applies to one person, and which changes of the policy are accepted.

use std::collections::HashSet;

use countersign_service::policy::document::{
    ALL_USERS, Feature, FeatureState, IncludeTarget, Mode, Policy, State, Target, TargetType, patch,
};
use countersign_service::policy::rules::{Reason, Subject, effective};
use serde_json::{Value, json};

const ADA: &str = "ada";

/// Parses `all` (all people), `u:id` (a person) or `g:id` (a group).
fn target(text: &str) -> Target {
    let (target_type, id) = match text.split_once(':') {
        Some(("u", id)) => (TargetType::User, id),
        Some((_, id)) => (TargetType::Group, id),
        None => (TargetType::Group, ALL_USERS),
    };
    Target { target_type, id: id_or_all(id, text) }
}

fn id_or_all(id: &str, text: &str) -> String {
    if text == "all" { ALL_USERS.to_owned() } else { id.to_owned() }
}

/// Parses `target=mode`. The mode is `any`, `push` or `key` (`deviceBasedPush`).
fn include(text: &str) -> IncludeTarget {
    let (whom, mode) = text.split_once('=').unwrap();
    let Target { target_type, id } = target(whom);
    let authentication_mode = match mode {
        "any" => Mode::Any,
        "push" => Mode::Push,
        _ => Mode::DeviceBasedPush,
    };
    IncludeTarget { target_type, id, is_registration_required: false, authentication_mode }
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn mode_of(includes: &str, excludes: &str, groups: &str) -> Option<Mode> {
    let mut policy = Policy::usual();
    policy.include_targets = words(includes).into_iter().map(include).collect();
    policy.exclude_targets = words(excludes).into_iter().map(target).collect();
    let groups: Vec<String> = words(groups).into_iter().map(str::to_owned).collect();
    effective(&policy, Subject { account_id: ADA, groups: &groups }).mode
}

const ANY: Option<Mode> = Some(Mode::Any);
const PUSH: Option<Mode> = Some(Mode::Push);
const KEY: Option<Mode> = Some(Mode::DeviceBasedPush);

/// Each case has four parts: included targets, excluded targets, Ada's groups, and the resulting mode.
const CASES: [(&str, &str, &str, Option<Mode>); 60] = [
    ("", "", "", None),
    ("", "", "staff", None),
    ("all=any", "", "", ANY),
    ("all=push", "", "", PUSH),
    ("all=key", "", "", KEY),
    ("all=any", "", "staff", ANY),
    ("u:ada=any", "", "", ANY),
    ("u:ada=push", "", "", PUSH),
    ("u:ada=key", "", "", KEY),
    ("u:bob=any", "", "", None),
    ("u:ADA=any", "", "", None),
    ("g:staff=any", "", "", None),
    ("g:staff=any", "", "staff", ANY),
    ("g:staff=push", "", "staff", PUSH),
    ("g:staff=key", "", "staff", KEY),
    ("g:staff=any", "", "guests", None),
    ("g:staff=any", "", "guests staff", ANY),
    ("g:ada=any", "", "", None),
    ("u:staff=any", "", "staff", None),
    ("all=any g:staff=push", "", "staff", PUSH),
    ("all=push g:staff=any", "", "staff", ANY),
    ("all=any g:staff=push", "", "guests", ANY),
    ("all=any g:staff=key", "", "staff", KEY),
    ("all=key g:staff=push", "", "staff", PUSH),
    ("all=any u:ada=push", "", "", PUSH),
    ("all=push u:ada=key", "", "", KEY),
    ("all=push u:bob=key", "", "", PUSH),
    ("g:staff=push u:ada=any", "", "staff", ANY),
    ("u:ada=any g:staff=push", "", "staff", ANY),
    ("g:staff=key u:ada=push", "", "staff", PUSH),
    ("all=key g:staff=push u:ada=any", "", "staff", ANY),
    ("all=any g:staff=any u:ada=key", "", "staff", KEY),
    ("g:staff=any g:guests=push", "", "staff guests", PUSH),
    ("g:staff=push g:guests=any", "", "staff guests", PUSH),
    ("g:staff=any g:guests=key", "", "staff guests", KEY),
    ("g:staff=key g:guests=key", "", "staff guests", KEY),
    ("g:staff=any g:guests=any", "", "staff guests", ANY),
    ("g:staff=push g:guests=key", "", "staff guests", None),
    ("g:staff=key g:guests=push", "", "staff guests", None),
    ("g:staff=push g:guests=key", "", "staff", PUSH),
    ("g:staff=push g:guests=key g:admins=any", "", "staff admins", PUSH),
    ("g:staff=push g:guests=key g:admins=any", "", "staff guests admins", None),
    ("all=any g:staff=push g:guests=key", "", "staff guests", None),
    ("u:ada=any g:staff=push g:guests=key", "", "staff guests", ANY),
    ("all=any", "all", "", None),
    ("u:ada=any", "all", "", None),
    ("all=any", "u:ada", "", None),
    ("u:ada=any", "u:ada", "", None),
    ("all=any", "u:bob", "", ANY),
    ("all=any", "g:staff", "staff", None),
    ("all=any", "g:staff", "guests", ANY),
    ("all=any", "g:staff", "", ANY),
    ("u:ada=any", "g:staff", "staff", None),
    ("g:staff=any", "g:staff", "staff", None),
    ("g:staff=any", "g:guests", "staff guests", None),
    ("g:staff=any", "g:guests", "staff", ANY),
    ("all=push g:staff=any u:ada=key", "g:guests u:bob", "staff", KEY),
    ("all=push g:staff=any u:ada=key", "g:guests u:bob", "staff guests", None),
    ("all=any", "u:ada all", "", None),
    ("", "u:bob", "", None),
];

#[test]
fn targets_and_groups_decide_the_mode() {
    for (includes, excludes, groups, expected) in CASES {
        assert_eq!(mode_of(includes, excludes, groups), expected, "[{includes}] but [{excludes}] in [{groups}]");
    }
    let different: HashSet<_> =
        CASES.iter().map(|(includes, excludes, groups, _)| (includes, excludes, groups)).collect();
    assert_eq!(different.len(), CASES.len(), "a case occurs twice");
}

#[test]
fn j1_w1_exclusion_overrides_inclusion() {
    for includes in ["all=any", "g:staff=any", "u:ada=any", "all=any g:staff=any u:ada=any"] {
        for excludes in ["all", "g:staff", "u:ada"] {
            assert_eq!(mode_of(includes, excludes, "staff"), None, "{includes} but {excludes}");
        }
    }
}

#[test]
fn differing_modes_of_groups_are_reported_as_a_reason() {
    let reports = |includes: &str| {
        let mut policy = Policy::usual();
        policy.include_targets = words(includes).into_iter().map(include).collect();
        let groups = ["staff", "guests"].map(str::to_owned);
        effective(&policy, Subject { account_id: ADA, groups: &groups }).why.contains(&Reason::GroupsDiffer)
    };
    assert!(reports("g:staff=any g:guests=push") && reports("g:staff=push g:guests=key"));
    assert!(!reports("g:staff=push g:guests=push") && !reports("g:staff=push") && !reports("all=any g:staff=push"));
}

#[test]
fn mode_decides_push_phone_sign_in_and_registration() {
    let allowed = |includes: &str| {
        let mut policy = Policy::usual();
        policy.include_targets = words(includes).into_iter().map(include).collect();
        let found = effective(&policy, Subject { account_id: ADA, groups: &[] });
        (found.allows_push(), found.allows_phone_sign_in(), found.allows_security_info_registration())
    };
    assert_eq!(allowed("all=any"), (true, true, true));
    assert_eq!(allowed("all=push"), (true, false, true));
    assert_eq!(allowed("all=key"), (false, true, false));
    assert_eq!(allowed(""), (false, false, false));
}

#[test]
fn disabled_policy_is_off_for_everybody() {
    let policy = Policy { state: State::Disabled, ..Policy::usual() };
    let found = effective(&policy, Subject { account_id: ADA, groups: &[] });
    assert_eq!((found.mode, found.software_oath, found.why), (None, false, vec![Reason::Off]));
}

#[test]
fn features_apply_to_their_target_and_have_defaults() {
    let with = |state, include: &str, exclude: Option<&str>| {
        let feature = Feature { state, include_target: target(include), exclude_target: exclude.map(target) };
        let mut policy = Policy::usual();
        policy.feature_settings.display_app_information_required_state = feature.clone();
        policy.feature_settings.number_matching_required_state = feature;
        let groups = ["staff".to_owned()];
        let found = effective(&policy, Subject { account_id: ADA, groups: &groups });
        (found.shows_application, found.may_choose)
    };
    assert_eq!(with(FeatureState::Default, "all", None), (true, true));
    assert_eq!(with(FeatureState::Enabled, "all", None), (true, false));
    assert_eq!(with(FeatureState::Disabled, "all", None), (false, true));
    assert_eq!(with(FeatureState::Enabled, "g:guests", None), (false, true));
    assert_eq!(with(FeatureState::Enabled, "g:staff", None), (true, false));
    assert_eq!(with(FeatureState::Enabled, "all", Some("g:staff")), (false, true));
    assert_eq!(with(FeatureState::Enabled, "all", Some("u:ada")), (false, true));
}

fn good_change() -> Value {
    json!({
        "@odata.type": "#microsoft.graph.microsoftAuthenticatorAuthenticationMethodConfiguration",
        "id": "MicrosoftAuthenticator", "state": "enabled", "isSoftwareOathEnabled": false,
        "includeTargets": [
            {"targetType": "group", "id": "all_users", "isRegistrationRequired": false, "authenticationMode": "push"},
            {"targetType": "group", "id": "staff", "authenticationMode": "deviceBasedPush"}],
        "excludeTargets": [{"targetType": "user", "id": "bob"}],
        "featureSettings": {"displayAppInformationRequiredState":
            {"state": "enabled", "includeTarget": {"targetType": "group", "id": "staff"}}},
        "countersign": {"keyGuard": "biometric_current_set", "accountsOnPhone": 1},
    })
}

fn changed(change: &Value) -> Result<Policy, Vec<String>> {
    let groups = HashSet::from(["staff".to_owned()]);
    patch(&Policy::usual(), change, &groups).map_err(|faults| faults.into_iter().map(|fault| fault.pointer).collect())
}

#[test]
fn valid_change_keeps_unnamed_members() {
    let policy = changed(&good_change()).unwrap();
    assert_eq!((policy.include_targets.len(), policy.exclude_targets.len()), (2, 1));
    assert_eq!(policy.countersign.accounts_on_phone, Some(1));
    assert_eq!(policy.countersign.bootstrap, Policy::usual().countersign.bootstrap);
    let matching = &policy.feature_settings.number_matching_required_state;
    assert_eq!(*matching, Policy::usual().feature_settings.number_matching_required_state);
    assert_eq!(changed(&json!({})), Ok(Policy::usual()));
    let whole = policy.to_json().unwrap();
    assert_eq!(changed(&whole), Ok(policy), "refused the policy's own document as a change");
}

#[test]
fn j1_w3_malformed_policy_change_is_refused_as_a_whole() {
    let wrong = [
        ("/state", json!("on"), "/state"),
        ("/state", json!(null), "/state"),
        ("/isSoftwareOathEnabled", json!("false"), "/isSoftwareOathEnabled"),
        ("/includeTargets", json!({}), "/includeTargets"),
        ("/includeTargets/0/authenticationMode", json!("both"), "/includeTargets"),
        ("/includeTargets/0/targetType", json!("role"), "/includeTargets"),
        ("/includeTargets/0/id", json!(7), "/includeTargets"),
        ("/includeTargets/1/id", json!("unknown"), "/includeTargets/1/id"),
        ("/includeTargets/1/id", json!(""), "/includeTargets/1/id"),
        ("/includeTargets/1/id", json!("all_users"), "/includeTargets/1"),
        ("/excludeTargets/0/id", json!(""), "/excludeTargets/0/id"),
        ("/excludeTargets/0/id", json!("all_users"), "/excludeTargets/0/id"),
        ("/excludeTargets/0", json!({"targetType": "user", "id": "bob", "mode": "any"}), "/excludeTargets"),
        ("/featureSettings", json!([]), "/featureSettings"),
        ("/featureSettings/displayAppInformationRequiredState/state", json!("maybe"), "/featureSettings"),
        ("/countersign/keyGuard", json!("none"), "/countersign"),
        ("/countersign/accountsOnPhone", json!(0), "/countersign/accountsOnPhone"),
        ("/countersign/accountsOnPhone", json!(-1), "/countersign"),
        ("/id", json!("Fido2"), "/id"),
        ("/@odata.type", json!("#microsoft.graph.fido2"), "/@odata.type"),
    ];
    for (pointer, value, fault) in wrong {
        let mut change = good_change();
        *change.pointer_mut(pointer).unwrap() = value.clone();
        assert_eq!(changed(&change), Err(vec![fault.to_owned()]), "{pointer} = {value}");
    }
    for (place, name) in [("", "extra"), ("/countersign", "extra"), ("/featureSettings", "extra")] {
        let mut change = good_change();
        change.pointer_mut(place).unwrap().as_object_mut().unwrap().insert(name.to_owned(), json!(true));
        assert!(changed(&change).is_err(), "{place}/{name}");
    }
    for value in [json!([]), json!("enabled"), json!(null)] {
        assert_eq!(changed(&value), Err(vec![String::new()]));
    }
    let users =
        |count: usize| -> Value { (0..count).map(|n| json!({"targetType": "user", "id": format!("u{n}")})).collect() };
    assert!(changed(&json!({"excludeTargets": users(200)})).is_ok());
    assert_eq!(changed(&json!({"excludeTargets": users(201)})), Err(vec!["/excludeTargets".to_owned()]));
}
