//! Evaluates the policy for one person. The evaluation is a pure function.

use crate::policy::document::{
    ALL_USERS, Bootstrap, Feature, FeatureState, IncludeTarget, KeyGuard, Mode, Policy, Proximity, State, Target,
    TargetType, UnknownOrigins,
};

/// The facts about a person that the policy uses.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The person's account id.
    pub account_id: &'a str,
    /// Ids of the person's groups.
    pub groups: &'a [String],
}

/// The policy as it applies to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// How the person may use the app. `None` if the person may not use it.
    pub mode: Option<Mode>,
    /// Whether one-time codes are offered.
    pub software_oath: bool,
    /// Whether prompts name the application.
    pub shows_application: bool,
    /// Whether prompts name the place.
    pub shows_place: bool,
    /// Whether, in a sign-in with a known browser, the person may choose the number out of three instead of typing it.
    pub may_choose: bool,
    /// What the person must prove to add the first phone.
    pub bootstrap: Bootstrap,
    /// What happens when phone and browser are on different networks.
    pub proximity: Proximity,
    /// Whether browsers that proved nothing may start prompts.
    pub unknown_origins: UnknownOrigins,
    /// What unlocks a sign-in key.
    pub key_guard: KeyGuard,
    /// How many accounts may use phone sign-in on one phone. `None` if there is no limit.
    pub accounts_on_phone: Option<u32>,
    /// The reasons for `mode`, shown to administrators.
    pub why: Vec<Reason>,
}

/// Why a person may or may not use the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The policy is off for all people.
    Off,
    /// This target excludes the person.
    Excluded(Target),
    /// This target includes the person.
    Included(Target, Mode),
    /// No target covers the person.
    NoTarget,
    /// The person's groups allow different modes. Only a mode that all of them allow applies.
    GroupsDiffer,
    /// A reported change of the policy or of the person's groups is stricter, and still applies.
    Reported,
}

impl Reason {
    /// Returns a text for administrators.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Off => "The policy is off for everybody.".to_owned(),
            Self::Excluded(target) => format!("Excluded by {}.", named(target)),
            Self::Included(target, mode) => format!("Included by {}: {}.", named(target), mode.words()),
            Self::NoTarget => "No target covers this person.".to_owned(),
            Self::GroupsDiffer => {
                "The person's groups allow different modes. Only a mode that all of them allow applies.".to_owned()
            }
            Self::Reported => {
                "A reported change of the policy or of the groups is stricter, and still applies.".to_owned()
            }
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
    /// Returns a text for administrators.
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
    /// Returns whether phone sign-in is allowed.
    #[must_use]
    pub fn allows_phone_sign_in(&self) -> bool {
        matches!(self.mode, Some(Mode::Any | Mode::DeviceBasedPush))
    }

    /// Returns whether approvals as the second factor are allowed.
    #[must_use]
    pub fn allows_push(&self) -> bool {
        matches!(self.mode, Some(Mode::Any | Mode::Push))
    }

    /// Returns whether the person may add a phone on the security-info page. If not, the person can add a phone only
    /// from the app.
    #[must_use]
    pub fn allows_security_info_registration(&self) -> bool {
        self.allows_push()
    }

    /// Returns the stricter value of each setting.
    #[must_use]
    pub fn stricter(self, other: &Self) -> Self {
        let accounts_on_phone = [self.accounts_on_phone, other.accounts_on_phone].into_iter().flatten().min();
        let stricter = Self {
            mode: other.mode.and_then(|mode| both(self.mode, mode)),
            software_oath: self.software_oath && other.software_oath,
            shows_application: self.shows_application || other.shows_application,
            shows_place: self.shows_place || other.shows_place,
            may_choose: self.may_choose && other.may_choose,
            bootstrap: self.bootstrap.max(other.bootstrap),
            proximity: self.proximity.max(other.proximity),
            unknown_origins: self.unknown_origins.max(other.unknown_origins),
            key_guard: self.key_guard.max(other.key_guard),
            accounts_on_phone,
            why: self.why.clone(),
        };
        let why = (stricter != self).then_some(Reason::Reported).filter(|reason| !self.why.contains(reason));
        Self { why: self.why.into_iter().chain(why).collect(), ..stricter }
    }
}

/// How specific a target is, from the least to the most specific kind. Only the most specific targets of a person
/// apply.
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

/// Evaluates the policy for a person. If the policy is off, the person may not use the app. An exclusion overrides
/// every inclusion. Among several inclusions, only those of the most specific kind apply (see `Nearness`). If several
/// groups include the person, the person gets only a mode that all these groups allow.
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

/// Returns the mode that the two modes have in common, or `None` if they have none in common.
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
