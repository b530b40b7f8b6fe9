//! What the policy means for one person: one pure function.

use crate::policy::document::{
    ALL_USERS, Bootstrap, Feature, FeatureState, IncludeTarget, KeyGuard, Mode, Policy, Proximity, State, Target,
    TargetType, UnknownOrigins,
};

/// A person, as far as the policy knows them.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Who.
    pub account_id: &'a str,
    /// Ids of their groups.
    pub groups: &'a [String],
}

/// What the policy means for one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// How the app may be used; none: it may not.
    pub mode: Option<Mode>,
    /// Whether codes are offered.
    pub software_oath: bool,
    /// Whether requests name the application.
    pub shows_application: bool,
    /// Whether requests name the place.
    pub shows_place: bool,
    /// Whether a number may be chosen out of three in known browsers.
    pub may_choose: bool,
    /// What the first method needs.
    pub bootstrap: Bootstrap,
    /// What different networks mean.
    pub proximity: Proximity,
    /// Whether browsers that proved nothing may ring.
    pub unknown_origins: UnknownOrigins,
    /// Who unlocks a sign-in key.
    pub key_guard: KeyGuard,
    /// How many accounts may use phone sign-in on one phone.
    pub accounts_on_phone: Option<u32>,
    /// Why, for an administrator.
    pub why: Vec<Reason>,
}

/// Why the app may be used or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The policy is off.
    Off,
    /// Excluded, by this target.
    Excluded(Target),
    /// Included, by this target.
    Included(Target, Mode),
    /// No target is about them.
    NoTarget,
    /// Groups that allow different things leave only what all of them allow.
    GroupsDiffer,
}

impl Reason {
    /// For an administrator.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Off => "The policy is off for everybody.".to_owned(),
            Self::Excluded(target) => format!("Excluded by {}.", named(target)),
            Self::Included(target, mode) => format!("Included by {}: {}.", named(target), mode.words()),
            Self::NoTarget => "No target is about this person.".to_owned(),
            Self::GroupsDiffer => "Several groups differ, so only what all of them allow holds.".to_owned(),
        }
    }
}

fn named(target: &Target) -> String {
    match (target.target_type, target.id.as_str()) {
        (TargetType::User, _) => "the person's own target".to_owned(),
        (TargetType::Group, ALL_USERS) => "the target for all users".to_owned(),
        (TargetType::Group, group) => format!("group {group}"),
    }
}

impl Mode {
    /// For an administrator.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Any => "after a password and without one",
            Self::DeviceBasedPush => "without a password only",
            Self::Push => "after a password only",
        }
    }
}

impl Effective {
    /// Whether phone sign-in is allowed.
    #[must_use]
    pub fn allows_phone_sign_in(&self) -> bool {
        matches!(self.mode, Some(Mode::Any | Mode::DeviceBasedPush))
    }

    /// Whether approvals after a password are allowed.
    #[must_use]
    pub fn allows_push(&self) -> bool {
        matches!(self.mode, Some(Mode::Any | Mode::Push))
    }

    /// Whether a phone may be added on the security-info page; otherwise only inside the app.
    #[must_use]
    pub fn allows_security_info_registration(&self) -> bool {
        self.allows_push()
    }
}

/// How near a target is to a person; nearer ones win.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    Everybody,
    Group,
    Person,
}

fn nearness(target: &Target, who: Subject<'_>) -> Option<Nearness> {
    match target.target_type {
        TargetType::User => (target.id == who.account_id).then_some(Nearness::Person),
        TargetType::Group if target.id == ALL_USERS => Some(Nearness::Everybody),
        TargetType::Group => who.groups.contains(&target.id).then_some(Nearness::Group),
    }
}

/// What the policy means for a person: off beats all, an exclusion beats every inclusion, and of the inclusions
/// the nearest holds.
#[must_use]
pub fn effective(policy: &Policy, who: Subject<'_>) -> Effective {
    let (mode, why) = mode(policy, who);
    let (settings, ours) = (&policy.feature_settings, &policy.countersign);
    Effective {
        mode,
        software_oath: policy.is_software_oath_enabled && mode.is_some(),
        shows_application: is_on(&settings.display_app_information_required_state, true, who),
        shows_place: is_on(&settings.display_location_information_required_state, true, who),
        may_choose: !is_on(&settings.number_matching_required_state, false, who),
        bootstrap: ours.bootstrap,
        proximity: ours.proximity,
        unknown_origins: ours.unknown_origins,
        key_guard: ours.key_guard,
        accounts_on_phone: ours.accounts_on_phone,
        why,
    }
}

fn mode(policy: &Policy, who: Subject<'_>) -> (Option<Mode>, Vec<Reason>) {
    if policy.state == State::Disabled {
        return (None, vec![Reason::Off]);
    }
    if let Some(excluded) = policy.exclude_targets.iter().find(|target| nearness(target, who).is_some()) {
        return (None, vec![Reason::Excluded(excluded.clone())]);
    }
    let near = |include: &&IncludeTarget| nearness(&include.target(), who);
    let Some(nearest) = policy.include_targets.iter().filter_map(|include| near(&include)).max() else {
        return (None, vec![Reason::NoTarget]);
    };
    let held: Vec<&IncludeTarget> =
        policy.include_targets.iter().filter(|include| near(include) == Some(nearest)).collect();
    let mut why: Vec<Reason> =
        held.iter().map(|include| Reason::Included(include.target(), include.authentication_mode)).collect();
    let mode = held.iter().map(|include| include.authentication_mode).fold(Some(Mode::Any), both);
    if held.iter().any(|include| Some(include.authentication_mode) != mode) {
        why.push(Reason::GroupsDiffer);
    }
    (mode, why)
}

/// What two modes both allow.
fn both(one: Option<Mode>, other: Mode) -> Option<Mode> {
    match (one?, other) {
        (Mode::Any, mode) | (mode, Mode::Any) => Some(mode),
        (Mode::Push, Mode::Push) => Some(Mode::Push),
        (Mode::DeviceBasedPush, Mode::DeviceBasedPush) => Some(Mode::DeviceBasedPush),
        (Mode::Push, Mode::DeviceBasedPush) | (Mode::DeviceBasedPush, Mode::Push) => None,
    }
}

fn is_on(feature: &Feature, by_default: bool, who: Subject<'_>) -> bool {
    let wanted = match feature.state {
        FeatureState::Default => by_default,
        FeatureState::Enabled => true,
        FeatureState::Disabled => false,
    };
    let meant = nearness(&feature.include_target, who).is_some();
    let spared = feature.exclude_target.as_ref().is_some_and(|target| nearness(target, who).is_some());
    wanted && meant && !spared
}
