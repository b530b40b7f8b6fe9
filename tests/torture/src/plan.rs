//! What a seed chooses: the acts of one phone's life, where its process is killed in each, and what network and relay
//! do meanwhile. Pure: the same seed, the same plan.
//!
//! Seeds go round all places of all acts; what happens beside is by chance.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign::testing::{Point, Side};
use countersign_journeys::cuts::Cut;

use crate::orders::{Aim, Place};
use crate::random::Random;
use crate::wire::Trick;

/// What the person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// Adds the account by scanning.
    ByCode,
    /// Adds the account by signing in; phone sign-in is on after it.
    BySigningIn,
    /// Gives adding up while the digits are shown.
    GivenUp,
    /// The same without a network, until nobody would hear it any more.
    GivenUpUnheard,
    /// "That's not my phone", on the page.
    NotMyPhone,
    /// Gives signing in up, behind the browser.
    SigningInGivenUp,
    /// Turns phone sign-in on.
    TurnOn,
    /// Gives it up when the service may know the key already.
    TurnOnGivenUp,
    /// Approves after a password.
    SecondFactor,
    /// The same, while the push address changes and the network is slow.
    SecondFactorBusy,
    /// Approves without a password.
    PhoneSignIn,
    /// Denies.
    Deny,
    /// Cancels on the page.
    Withdrawn,
    /// Turns phone sign-in off.
    TurnOff,
    /// Removes the device lock.
    LockRemoved,
    /// The platform hands out another push address.
    NewAddress,
    /// The service's push address ended, and the phone's clock is minutes off.
    AddressEnded,
    /// Reads notices.
    Notices,
    /// Mutes the account, and lets it alert again.
    Mute,
    /// An answer comes that the service did not sign, and a push that nobody can read.
    Garbage,
    /// "It wasn't me", after approving.
    Report,
    /// Takes the account off the phone.
    Remove,
    /// The phone is reported lost, and comes back.
    Lost,
    /// The key store has lost the accounts' keys.
    KeysLost,
    /// The folder is another phone's.
    Restored,
}

const KEYS: &[Point] = &[Point::KeyFile, Point::TakenUp];
/// Told at the first attempt: the act itself has taken the network's one cut.
const TOLD: &[Point] = &[Point::OutboxLeased, Point::OutboxSettled];
const OUTBOX: &[Point] = &[Point::OutboxLeased, Point::OutboxPostponed, Point::OutboxSettled];
const REQUEST: &[Point] = &[Point::PushCame, Point::PushShown, Point::Fetched, Point::StateSettled];

impl Act {
    /// Every act.
    pub const ALL: [Self; 25] = [
        Self::ByCode,
        Self::BySigningIn,
        Self::GivenUp,
        Self::GivenUpUnheard,
        Self::NotMyPhone,
        Self::SigningInGivenUp,
        Self::TurnOn,
        Self::TurnOnGivenUp,
        Self::SecondFactor,
        Self::SecondFactorBusy,
        Self::PhoneSignIn,
        Self::Deny,
        Self::Withdrawn,
        Self::TurnOff,
        Self::LockRemoved,
        Self::NewAddress,
        Self::AddressEnded,
        Self::Notices,
        Self::Mute,
        Self::Garbage,
        Self::Report,
        Self::Remove,
        Self::Lost,
        Self::KeysLost,
        Self::Restored,
    ];

    /// The points that it passes whatever happens.
    fn points(self) -> Vec<Point> {
        let groups: &[&[Point]] = match self {
            Self::ByCode => &[
                &[
                    Point::Database,
                    Point::EnrollmentAccepted,
                    Point::EnrollmentKeyMade,
                    Point::EnrollmentBound,
                    Point::StateSettled,
                    Point::Decided,
                ],
                KEYS,
                OUTBOX,
                REQUEST,
            ],
            Self::BySigningIn => &[
                &[
                    Point::SigningInStarted,
                    Point::SigningInPushing,
                    Point::SigningInBrowser,
                    Point::SigningInRedeeming,
                    Point::SigningInAdding,
                    Point::SigningInAdded,
                    Point::TurningOnMakingKey,
                    Point::TurningOnSigning,
                    Point::TurningOnTelling,
                    Point::TurnedOn,
                ],
                KEYS,
            ],
            Self::GivenUp => &[&[Point::EnrollmentGivenUp, Point::EnrollmentForgotten, Point::KeyDestroyed], OUTBOX],
            Self::GivenUpUnheard => {
                &[&[Point::EnrollmentGivenUp, Point::OutboxPostponed, Point::OutboxGivenUp, Point::KeyDestroyed]]
            }
            Self::NotMyPhone => &[&[Point::StateSettled, Point::EnrollmentEndRead, Point::KeyDestroyed]],
            Self::SigningInGivenUp => &[&[Point::SigningInBrowser, Point::SigningInForgotten, Point::KeyDestroyed]],
            Self::TurnOn => &[
                &[
                    Point::TurningOnCleared,
                    Point::TurningOnConfirming,
                    Point::TurningOnPushing,
                    Point::TurningOnBrowser,
                    Point::TurningOnRedeeming,
                    Point::TurningOnMakingKey,
                    Point::TurningOnSigning,
                    Point::TurningOnTelling,
                    Point::TurnedOn,
                    Point::Decided,
                    Point::KeyFile,
                ],
                OUTBOX,
            ],
            Self::TurnOnGivenUp => &[&[Point::TurningOnGivenUp, Point::TurningOnForgotten, Point::KeyDestroyed], TOLD],
            Self::SecondFactor | Self::PhoneSignIn | Self::Deny => &[&[Point::Decided], OUTBOX, REQUEST],
            Self::SecondFactorBusy => &[&[Point::Decided, Point::AddressDue, Point::AddressMade], OUTBOX],
            Self::Withdrawn => &[&[Point::PushWithdrawn], REQUEST],
            Self::TurnOff => &[&[Point::TurnedOff, Point::KeyDestroyed, Point::KeyFile], OUTBOX],
            Self::LockRemoved => &[&[Point::SignInKeyEnded, Point::KeyDestroyed, Point::KeyFile], OUTBOX],
            Self::NewAddress => &[&[Point::AddressDue, Point::AddressMade], OUTBOX],
            Self::AddressEnded => &[&[Point::AddressHastened, Point::ClockLearned, Point::AddressMade], TOLD],
            Self::Notices => &[&[Point::NoticeDismissed, Point::StateSettled], OUTBOX],
            Self::Mute => &[&[Point::Muted, Point::Unmuted]],
            Self::Garbage => &[&[Point::ServiceKeysAsked, Point::ServiceKeysFollowed, Point::PushFetches]],
            Self::Report => &[&[Point::Reported, Point::Decided], OUTBOX],
            Self::Remove => &[&[Point::Removed, Point::KeyDestroyed], OUTBOX],
            Self::Lost => &[&[Point::StateSettled, Point::KeyDestroyed, Point::Removed]],
            Self::KeysLost => &[&[Point::TroubleNoted]],
            Self::Restored => &[&[Point::StartedOver, Point::Database]],
        };
        groups.iter().flat_map(|group| group.iter().copied()).collect()
    }

    fn places(self) -> Vec<Place> {
        let sides = |point| [Side::Before, Side::After].map(|side| Place::at(point, side));
        let mut places: Vec<Place> = self.points().into_iter().flat_map(sides).collect();
        places.sort();
        places.dedup();
        places
    }

    /// Whether the phone is asked something by the service.
    fn asks(self) -> bool {
        self.points().contains(&Point::PushShown) && self != Self::ByCode
    }

    /// Where the phone speaks with the service in it.
    fn paths(self) -> &'static [&'static str] {
        match self {
            Self::ByCode => &["/phone/enrollment", "/phone/prompts", "/phone/answers"],
            Self::BySigningIn => &["/par", "/token", "/phone/enrollment", "/phone/device"],
            Self::GivenUp | Self::NotMyPhone => &["/phone/enrollment", "/phone/prompts", "/phone/device"],
            Self::SigningInGivenUp => &["/par"],
            Self::TurnOn => &["/par", "/phone/answers", "/token", "/phone/device"],
            Self::SecondFactor | Self::SecondFactorBusy | Self::PhoneSignIn | Self::Deny | Self::Report => {
                &["/phone/answers", "/phone/prompts"]
            }
            Self::TurnOff | Self::LockRemoved | Self::NewAddress | Self::AddressEnded | Self::Remove => {
                &["/phone/device"]
            }
            Self::Notices => &["/phone/prompts", "/phone/device"],
            Self::Withdrawn | Self::Lost => &["/phone/prompts"],
            Self::GivenUpUnheard
            | Self::TurnOnGivenUp
            | Self::Mute
            | Self::Garbage
            | Self::KeysLost
            | Self::Restored => &[],
        }
    }
}

/// What the relay does to the messages of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayFault {
    /// Loses them.
    Loses,
    /// Holds them for a while.
    Delays(Duration),
    /// Delivers them twice.
    Doubles,
    /// Swaps each pair.
    Reorders,
}

/// What an act is exposed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attack {
    /// The kill.
    pub first: Option<Aim>,
    /// A kill of the process that goes on.
    pub second: Option<Aim>,
    /// Where the network is cut.
    pub cut: Option<(&'static str, Cut)>,
    /// What else the network does.
    pub trick: Option<(&'static str, Trick)>,
    /// What the relay does.
    pub relay: Option<RelayFault>,
}

/// One act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// What the person does.
    pub act: Act,
    /// What happens meanwhile.
    pub attack: Attack,
}

/// A phone's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What it is about, and where that is attacked.
    pub target: (Act, Place),
    /// The acts, in order.
    pub rounds: Vec<Round>,
}

/// All that seeds go round. At the front are those that between them have every place once.
#[must_use]
pub fn targets() -> Vec<(Act, Place)> {
    let (mut first, mut further, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (act, place) in Act::ALL.into_iter().flat_map(|act| act.places().into_iter().map(move |place| (act, place))) {
        let list = if seen.insert(place.clone()) { &mut first } else { &mut further };
        list.push((act, place));
    }
    first.append(&mut further);
    first
}

/// The seeds of the first round that are about these acts: those that have a place for the first time, and the others.
#[must_use]
pub fn first_round(acts: &[Act]) -> (Vec<u64>, Vec<u64>) {
    let mut seen = BTreeSet::new();
    let of_acts = (0..).zip(targets()).map(|(seed, (act, place))| (seed, act, seen.insert(place)));
    let chosen: Vec<(u64, bool)> =
        of_acts.filter(|(_, act, _)| acts.contains(act)).map(|(seed, _, is_first)| (seed, is_first)).collect();
    let those = |wanted| chosen.iter().filter(|(_, is_first)| *is_first == wanted).map(|(seed, _)| *seed).collect();
    (those(true), those(false))
}

impl Plan {
    /// The plan of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Option<Self> {
        let all = targets();
        let round = usize::try_from(seed).unwrap_or(usize::MAX).checked_rem(all.len())?;
        let target = all.get(round)?.clone();
        let mut random = Random::of(seed);
        let acts = life(target.0, &mut random);
        let mut rounds: Vec<Round> =
            acts.into_iter().map(|act| Round { act, attack: attack(act, &mut random) }).collect();
        if let Some(aimed) = rounds.iter_mut().find(|round| round.act == target.0) {
            // Later passes are other situations, sent again or fetched again; not every act has them.
            let is_first_round = seed < u64::try_from(all.len()).unwrap_or(u64::MAX);
            let pass = if !is_first_round && random.once_in(4) { 2 } else { 1 };
            aimed.attack.first = Some(Aim::At(target.1.clone(), pass));
            lead_to(&target.1, target.0, &mut aimed.attack);
        }
        Some(Self { target, rounds })
    }

    /// The same life with nothing in its way.
    #[must_use]
    pub fn calm(mut self) -> Self {
        for round in &mut self.rounds {
            round.attack = Attack::default();
        }
        self
    }
}

/// The acts of a life that is about `act`: what must be there before it, and an end.
fn life(act: Act, random: &mut Random) -> Vec<Act> {
    let starts = [Act::ByCode, Act::BySigningIn];
    let ends = [Act::Report, Act::Remove, Act::Lost, Act::KeysLost, Act::Restored];
    let start = if random.once_in(3) { Act::BySigningIn } else { Act::ByCode };
    let end = *random.one_of(&ends).unwrap_or(&Act::Remove);
    match act {
        Act::GivenUp | Act::GivenUpUnheard | Act::NotMyPhone | Act::SigningInGivenUp => vec![act, start],
        start if starts.contains(&start) => vec![start, end],
        Act::TurnOn | Act::TurnOnGivenUp => vec![Act::ByCode, act, end],
        Act::PhoneSignIn | Act::TurnOff | Act::LockRemoved => vec![Act::BySigningIn, act, end],
        end if ends.contains(&end) => vec![start, end],
        middle => vec![start, middle, end],
    }
}

/// Some points are passed only when something goes wrong, others only when it does not.
fn lead_to(place: &Place, act: Act, attack: &mut Attack) {
    let is_at = |points: &[Point]| points.iter().any(|point| point.name() == place.point);
    if is_at(&[Point::PushCame, Point::PushShown, Point::PushWithdrawn]) {
        attack.relay = None;
    }
    if is_at(&[Point::Fetched, Point::StateSettled]) && act.asks() {
        attack.relay = Some(RelayFault::Loses);
    }
    if is_at(&[Point::OutboxPostponed]) {
        let told = act.paths().iter().find(|path| matches!(**path, "/phone/answers" | "/phone/device"));
        attack.cut = told.map(|path| (*path, Cut::Before));
    }
}

fn attack(act: Act, random: &mut Random) -> Attack {
    let mut attack = Attack::default();
    // By chance; the act that the life is about has its own.
    if random.once_in(2) {
        attack.first = random.one_of(&act.places()).cloned().map(|place| Aim::At(place, 1));
    }
    if random.once_in(3) {
        attack.second = random.one_of(&[1, 2, 3, 4, 5, 6, 7, 8]).copied().map(Aim::Nth);
    }
    let path = random.one_of(act.paths()).copied();
    match random.below(5) {
        0 => attack.cut = path.map(|path| (path, Cut::Before)),
        1 => attack.cut = path.map(|path| (path, Cut::Answer)),
        2 => attack.trick = path.map(|path| (path, Trick::Twice)),
        _ => {}
    }
    let delay = RelayFault::Delays(Duration::from_millis(700));
    let relay = [RelayFault::Loses, delay, RelayFault::Doubles, RelayFault::Reorders];
    if random.once_in(3) {
        attack.relay = random.one_of(&relay).copied();
    }
    attack
}
