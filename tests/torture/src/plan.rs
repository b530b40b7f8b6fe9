//! Computes the plan of a seed: the acts of one life (one simulated phone), where the phone's process is killed in each
//! act, and the faults of the network and the relay. The same seed always gives the same plan.
//!
//! Successive seeds go through all pairs of an act and a place (`targets`) in order. This is called a *cycle*. After
//! the last pair the next cycle begins. Further kills, and the faults of network and relay, are pseudo-random.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign::testing::{Point, Side};
use countersign_journeys::cuts::Cut;

use crate::orders::{Aim, Place};
use crate::random::Random;
use crate::wire::Trick;

/// An act of the person, or an event on the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// Adds the account by scanning.
    ByCode,
    /// Adds the account by signing in. This also turns phone sign-in on.
    BySigningIn,
    /// Abandons adding while the digits are shown.
    Abandoned,
    /// Abandons adding while the digits are shown. The network fails until the enrollment has expired.
    AbandonedOffline,
    /// Presses "That's not my phone" on the page.
    NotMyPhone,
    /// Abandons signing in while the browser is open.
    SigningInAbandoned,
    /// Turns phone sign-in on.
    TurnOn,
    /// Abandons turning phone sign-in on when the service may know the key already.
    TurnOnAbandoned,
    /// Approves a sign-in after a password.
    SecondFactor,
    /// Approves a sign-in after a password, while the push address changes and the network is slow.
    SecondFactorBusy,
    /// Approves a sign-in without a password.
    PhoneSignIn,
    /// Denies a sign-in.
    Deny,
    /// Cancels a sign-in on the page.
    Withdrawn,
    /// Turns phone sign-in off.
    TurnOff,
    /// Removes the device lock.
    LockRemoved,
    /// The platform assigns a new push address.
    NewAddress,
    /// The service learns that the push address has ended. The phone's clock is then set some minutes ahead.
    AddressEnded,
    /// Reads notices.
    Notices,
    /// Mutes and unmutes the account.
    Mute,
    /// A forged signed state and an unreadable push arrive.
    Garbage,
    /// Approves a sign-in, and then reports it: "It wasn't me."
    Report,
    /// Removes the account from the phone.
    Remove,
    /// The administrator reports the phone lost, and then the phone is used again.
    Lost,
    /// The key store loses all keys.
    KeysLost,
    /// The key file is missing, as when the folder is restored on another phone. The phone starts over.
    Restored,
}

const KEYS: &[Point] = &[Point::KeyFile, Point::CleanedUp];
/// The points of a message that the service acknowledges at the first try. In the acts that use this list, a network
/// cut hits an earlier request, so the core does not postpone the message.
const ACKNOWLEDGED: &[Point] = &[Point::OutboxLeased, Point::OutboxSettled];
const OUTBOX: &[Point] = &[Point::OutboxLeased, Point::OutboxPostponed, Point::OutboxSettled];
const REQUEST: &[Point] = &[Point::PushCame, Point::Fetched, Point::StateSettled];

impl Act {
    /// Every act.
    pub const ALL: [Self; 25] = [
        Self::ByCode,
        Self::BySigningIn,
        Self::Abandoned,
        Self::AbandonedOffline,
        Self::NotMyPhone,
        Self::SigningInAbandoned,
        Self::TurnOn,
        Self::TurnOnAbandoned,
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

    /// The points at which the process is killed in this act. Some points are passed only with the faults that
    /// `lead_to` sets.
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
            Self::Abandoned => {
                &[&[Point::EnrollmentAbandoned, Point::EnrollmentForgotten, Point::KeyDestroyed], OUTBOX]
            }
            Self::AbandonedOffline => {
                &[&[Point::EnrollmentAbandoned, Point::OutboxPostponed, Point::OutboxAbandoned, Point::KeyDestroyed]]
            }
            Self::NotMyPhone => &[&[Point::StateSettled, Point::EnrollmentEndRead, Point::KeyDestroyed]],
            Self::SigningInAbandoned => &[&[Point::SigningInBrowser, Point::SigningInForgotten, Point::KeyDestroyed]],
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
            Self::TurnOnAbandoned => {
                &[&[Point::TurningOnAbandoned, Point::TurningOnForgotten, Point::KeyDestroyed], ACKNOWLEDGED]
            }
            Self::SecondFactor | Self::PhoneSignIn | Self::Deny => &[&[Point::Decided], OUTBOX, REQUEST],
            Self::SecondFactorBusy => &[&[Point::Decided, Point::AddressDue, Point::AddressMade], OUTBOX],
            Self::Withdrawn => &[&[Point::PushWithdrawn], REQUEST],
            Self::TurnOff => &[&[Point::TurnedOff, Point::KeyDestroyed, Point::KeyFile], OUTBOX],
            Self::LockRemoved => &[&[Point::SignInKeyEnded, Point::KeyDestroyed, Point::KeyFile], OUTBOX],
            Self::NewAddress => &[&[Point::AddressDue, Point::AddressMade], OUTBOX],
            Self::AddressEnded => &[&[Point::AddressDueEarly, Point::ClockLearned, Point::AddressMade], ACKNOWLEDGED],
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

    /// Whether the service sends a prompt in this act, and the phone fetches states only if the push is lost.
    fn asks(self) -> bool {
        self.points().contains(&Point::PushCame) && self != Self::ByCode
    }

    /// The paths of the service whose requests may get a network fault in this act.
    fn paths(self) -> &'static [&'static str] {
        match self {
            Self::ByCode => &["/phone/enrollment", "/phone/prompts", "/phone/answers"],
            Self::BySigningIn => &["/par", "/token", "/phone/enrollment", "/phone/device"],
            Self::Abandoned | Self::NotMyPhone => &["/phone/enrollment", "/phone/prompts", "/phone/device"],
            Self::SigningInAbandoned => &["/par"],
            Self::TurnOn => &["/par", "/phone/answers", "/token", "/phone/device"],
            Self::SecondFactor | Self::SecondFactorBusy | Self::PhoneSignIn | Self::Deny | Self::Report => {
                &["/phone/answers", "/phone/prompts"]
            }
            Self::TurnOff | Self::LockRemoved | Self::NewAddress | Self::AddressEnded | Self::Remove => {
                &["/phone/device"]
            }
            Self::Notices => &["/phone/prompts", "/phone/device"],
            Self::Withdrawn | Self::Lost => &["/phone/prompts"],
            Self::AbandonedOffline
            | Self::TurnOnAbandoned
            | Self::Mute
            | Self::Garbage
            | Self::KeysLost
            | Self::Restored => &[],
        }
    }
}

/// A fault of the relay during an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayFault {
    /// Loses messages.
    Loses,
    /// Delays messages.
    Delays(Duration),
    /// Delivers messages twice.
    Doubles,
    /// Swaps each pair of messages.
    Reorders,
}

/// The faults during an act.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attack {
    /// Where the first process is killed.
    pub first: Option<Aim>,
    /// Where the process that continues is killed.
    pub second: Option<Aim>,
    /// Where the network is cut: the path, and whether the request or the response is lost.
    pub cut: Option<(&'static str, Cut)>,
    /// A network fault other than a cut, with its path.
    pub trick: Option<(&'static str, Trick)>,
    /// The relay's fault.
    pub relay: Option<RelayFault>,
}

/// One act with its faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// The act.
    pub act: Act,
    /// The faults during the act.
    pub attack: Attack,
}

/// The plan of one life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The act that the life tests, and the place where the process is killed in this act.
    pub target: (Act, Place),
    /// The acts, in order.
    pub rounds: Vec<Round>,
}

/// All pairs of an act and a place in it, in the order of the seeds. The list begins with one pair for each
/// place.
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

/// Finds the seeds of the first cycle whose target is one of these acts. Returns two lists: the seeds whose place no
/// earlier seed tests; the other seeds.
#[must_use]
pub fn first_cycle(acts: &[Act]) -> (Vec<u64>, Vec<u64>) {
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
        let index = usize::try_from(seed).unwrap_or(usize::MAX).checked_rem(all.len())?;
        let target = all.get(index)?.clone();
        let mut random = Random::of(seed);
        let acts = life(target.0, &mut random);
        let mut rounds: Vec<Round> =
            acts.into_iter().map(|act| Round { act, attack: attack(act, &mut random) }).collect();
        if let Some(aimed) = rounds.iter_mut().find(|round| round.act == target.0) {
            // Sometimes the process is killed at the second pass of the place, when the situation may be different: for
            // example, a message is sent again. Not every act passes its place twice.
            let is_first_cycle = seed < u64::try_from(all.len()).unwrap_or(u64::MAX);
            let pass = if !is_first_cycle && random.once_in(4) { 2 } else { 1 };
            aimed.attack.first = Some(Aim::At(target.1.clone(), pass));
            lead_to(&target.1, target.0, &mut aimed.attack);
        }
        Some(Self { target, rounds })
    }

    /// The same plan without faults.
    #[must_use]
    pub fn calm(mut self) -> Self {
        for round in &mut self.rounds {
            round.attack = Attack::default();
        }
        self
    }
}

/// The acts of a life that tests `act`. Usually these are the acts that `act` needs, `act` itself, and an act that ends
/// the account. If `act` ends an enrollment without an account, an act that adds an account follows instead.
fn life(act: Act, random: &mut Random) -> Vec<Act> {
    let starts = [Act::ByCode, Act::BySigningIn];
    let ends = [Act::Report, Act::Remove, Act::Lost, Act::KeysLost, Act::Restored];
    let start = if random.once_in(3) { Act::BySigningIn } else { Act::ByCode };
    let end = *random.one_of(&ends).unwrap_or(&Act::Remove);
    match act {
        Act::Abandoned | Act::AbandonedOffline | Act::NotMyPhone | Act::SigningInAbandoned => vec![act, start],
        start if starts.contains(&start) => vec![start, end],
        Act::TurnOn | Act::TurnOnAbandoned => vec![Act::ByCode, act, end],
        Act::PhoneSignIn | Act::TurnOff | Act::LockRemoved => vec![Act::BySigningIn, act, end],
        end if ends.contains(&end) => vec![start, end],
        middle => vec![start, middle, end],
    }
}

/// Adjusts the faults so that the place is passed. Some points are passed only if a certain fault happens, and others
/// only if a certain fault does not happen.
fn lead_to(place: &Place, act: Act, attack: &mut Attack) {
    let is_at = |points: &[Point]| points.iter().any(|point| point.name() == place.point);
    if is_at(&[Point::PushCame, Point::PushWithdrawn]) {
        attack.relay = None;
    }
    if is_at(&[Point::Fetched, Point::StateSettled]) && act.asks() {
        attack.relay = Some(RelayFault::Loses);
    }
    if is_at(&[Point::OutboxPostponed]) {
        let queued = act.paths().iter().find(|path| matches!(**path, "/phone/answers" | "/phone/device"));
        attack.cut = queued.map(|path| (*path, Cut::Before));
    }
}

fn attack(act: Act, random: &mut Random) -> Attack {
    let mut attack = Attack::default();
    // `Plan::of` replaces this kill in the act that the life tests.
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
