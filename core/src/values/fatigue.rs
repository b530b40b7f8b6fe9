//! Whether a request alerts the person: nobody is worn down by a service that asks too often, or that lets others.
//!
//! Pure: takes the time and what this phone remembers of an account's requests, and decides. The service has limits
//! of its own; these hold when it is careless or hostile. Each origin is judged by its own requests alone, so whoever
//! knocks from an unknown browser silences nothing that the person asked for. A quiet request is kept and listed as
//! any other: opening the app finds it.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::values::origin::Origin;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
/// An account is muted for a day at most: what was forgotten must not stay silent.
pub(crate) const LONGEST_MUTE: u64 = 24 * HOUR;
/// More requests of one origin than this don't wait at once; no service that keeps to the protocol comes near.
const MOST_WAITING: usize = 8;
/// So many are remembered of one origin, the newest; no limit asks for more.
const REMEMBERED: usize = 16;
/// What a request weighs that alerted and was not approved, or that was denied.
const IN_VAIN: u32 = 1;
/// "It wasn't me" says more than any denial.
#[cfg(feature = "authenticator")]
const REPORTED: u32 = 2;

/// Why a request came without an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Quiet {
    /// The person has muted the account.
    Muted {
        /// When that ends, by this phone's clock.
        until: Timestamp,
    },
    /// Another one like it alerted just now.
    JustAsked,
    /// Too many like it were denied, reported or left without an approval.
    TooManyInVain {
        /// When one like it alerts again, by this phone's clock.
        until: Timestamp,
    },
}

/// An origin whose requests come without an alert at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct QuietOrigin {
    /// Which one.
    pub origin: Origin,
    /// Until when, by this phone's clock; an approval ends it before.
    pub until: Timestamp,
}

/// What becomes of a request that has just come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loudness {
    Alert,
    Quiet(Quiet),
    /// Not kept either: too many like it wait already. Opening the app asks the service for what is live.
    HeldBack,
}

/// What one origin may do on this phone.
struct Limit {
    /// So many alerts in vain…
    in_vain: u32,
    /// …within so many seconds, and the next ones are quiet.
    within: u64,
    /// Seconds from one alert to the next.
    apart: u64,
}

/// What the person started rings each time; ten in ten minutes without one approval are somebody else's.
const OWN: Limit = Limit { in_vain: 10, within: 10 * MINUTE, apart: 0 };
const PASSWORD_PROVED: Limit = Limit { in_vain: 2, within: HOUR, apart: MINUTE };
const UNKNOWN: Limit = Limit { in_vain: 2, within: HOUR, apart: 5 * MINUTE };

fn limit(origin: Origin) -> Limit {
    match origin {
        Origin::SignedIn | Origin::KnownBrowser => OWN,
        Origin::PasswordProved => PASSWORD_PROVED,
        Origin::Unknown => UNKNOWN,
    }
}

/// A request that bothered the person and was not approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PastRequest {
    pub(crate) jti: String,
    pub(crate) origin: Origin,
    pub(crate) at: Timestamp,
    pub(crate) weight: u32,
}

/// What is remembered of an account's requests, and whether the person muted it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    muted_until: Option<Timestamp>,
    /// The last approval: what was before counts no more.
    calm_since: Option<Timestamp>,
    bothers: Vec<PastRequest>,
}

impl Memory {
    /// Judges a request of `origin` that comes now, while `waiting` of that origin wait for the person.
    pub(crate) fn judge(&self, origin: Origin, waiting: usize, now: Timestamp) -> Loudness {
        // GUARD(many-requests-wait): of_many_requests_of_one_origin_a_handful_waits_and_the_others_come_all_the_same
        // INSTEAD: if waiting == usize::MAX {
        if waiting >= MOST_WAITING {
            return Loudness::HeldBack;
        }
        if let Some(until) = self.muted_until(now) {
            return Loudness::Quiet(Quiet::Muted { until });
        }
        // GUARD(quiet-after-vain): each_origin_is_quiet_after_its_own_requests_in_vain_and_no_other
        if let Some(until) = self.quiet_until(origin, now) {
            return Loudness::Quiet(Quiet::TooManyInVain { until });
        }
        let apart = limit(origin).apart;
        // GUARD(burst-one-alert): a_burst_of_strangers_is_one_alert_and_the_persons_own_requests_ring_each_time
        // INSTEAD: if self.bothers_of(origin, now).any(|bother| now.since(bother.at) < apart.min(0)) {
        if self.bothers_of(origin, now).any(|bother| now.since(bother.at) < apart) {
            return Loudness::Quiet(Quiet::JustAsked);
        }
        Loudness::Alert
    }

    /// When the mute ends that stands now. One that ends later than any may was set while the clock was wrong.
    pub(crate) fn muted_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.muted_until.filter(|until| *until > now && *until <= now.plus(LONGEST_MUTE))
    }

    /// Until when an origin is quiet: until so many have left the window that one more is not too many.
    fn quiet_until(&self, origin: Origin, now: Timestamp) -> Option<Timestamp> {
        let Limit { in_vain, within, .. } = limit(origin);
        let mut counted: Vec<&PastRequest> = self.bothers_of(origin, now).collect();
        counted.sort_by_key(|bother| std::cmp::Reverse(bother.at));
        let mut weight = 0_u32;
        for bother in counted {
            weight = weight.saturating_add(bother.weight);
            if weight >= in_vain {
                return Some(bother.at.plus(within));
            }
        }
        None
    }

    /// What counts for an origin; a time to come was noted while the clock was wrong.
    fn bothers_of(&self, origin: Origin, now: Timestamp) -> impl Iterator<Item = &PastRequest> {
        let within = limit(origin).within;
        let calm_since = self.calm_since;
        self.bothers.iter().filter(move |bother| {
            // GUARD(quiet-by-origin): each_origin_is_quiet_after_its_own_requests_in_vain_and_no_other
            // INSTEAD: true
            bother.origin == origin
                && bother.at <= now
                && now.since(bother.at) < within
                && calm_since.is_none_or(|calm| bother.at > calm || calm > now)
        })
    }

    /// A request alerted.
    pub(crate) fn alerted(&mut self, jti: &str, origin: Origin, at: Timestamp) {
        self.note(PastRequest { jti: jti.to_owned(), origin, at, weight: IN_VAIN });
    }

    /// Takes over what a notification extension has seen, or an earlier note of the same request.
    fn note(&mut self, new: PastRequest) {
        self.bothers.retain(|bother| new.at.since(bother.at) < limit(bother.origin).within);
        if self.bothers.iter().any(|bother| bother.jti == new.jti) {
            return;
        }
        let alike = |bother: &PastRequest| bother.origin == new.origin;
        if self.bothers.iter().filter(|bother| alike(bother)).count() >= REMEMBERED
            && let Some(oldest) = self.bothers.iter().position(alike)
        {
            self.bothers.remove(oldest);
        }
        self.bothers.push(new);
    }
}

#[cfg(feature = "authenticator")]
impl Memory {
    /// The origins that are quiet now.
    pub(crate) fn quiet_origins(&self, now: Timestamp) -> Vec<QuietOrigin> {
        [Origin::SignedIn, Origin::KnownBrowser, Origin::PasswordProved, Origin::Unknown]
            .into_iter()
            .filter_map(|origin| Some(QuietOrigin { origin, until: self.quiet_until(origin, now)? }))
            .collect()
    }

    /// The person denied a request, whether it had alerted or not.
    pub(crate) fn denied(&mut self, jti: &str, origin: Origin, at: Timestamp) {
        self.alerted(jti, origin, at);
    }

    /// The person said that it wasn't them.
    pub(crate) fn reported(&mut self, jti: &str, origin: Origin, at: Timestamp) {
        self.bothers.retain(|bother| bother.jti != jti);
        self.note(PastRequest { jti: jti.to_owned(), origin, at, weight: REPORTED });
    }

    /// The person approved something: everything begins anew.
    pub(crate) fn calmed(&mut self, now: Timestamp) {
        self.bothers.clear();
        self.calm_since = Some(now);
    }

    /// Mutes until `until`, for a day at most; says until when.
    pub(crate) fn mute(&mut self, until: Timestamp, now: Timestamp) -> Timestamp {
        // GUARD(mute-ends): a_mute_is_for_every_origin_and_for_a_day_at_most
        // INSTEAD: let until = until.max(now);
        let until = until.min(now.plus(LONGEST_MUTE));
        self.muted_until = Some(until);
        until
    }

    /// Alerts again.
    pub(crate) fn unmute(&mut self) {
        self.muted_until = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_790_000_000);

    /// So many that alerted, ten minutes apart, the last one ten minutes ago.
    fn after(count: u64, origin: Origin) -> Memory {
        let mut memory = Memory::default();
        for number in (1..=count).rev() {
            memory.alerted(&number.to_string(), origin, Timestamp(NOW.0 - number * 10 * MINUTE));
        }
        memory
    }

    #[test]
    fn each_origin_is_quiet_after_its_own_requests_in_vain_and_no_other() {
        for origin in [Origin::PasswordProved, Origin::Unknown] {
            assert_eq!(after(1, origin).judge(origin, 0, NOW), Loudness::Alert);
            let memory = after(2, origin);
            let until = Timestamp(NOW.0 - 20 * MINUTE + HOUR);
            assert_eq!(memory.judge(origin, 0, NOW), Loudness::Quiet(Quiet::TooManyInVain { until }));
            assert_eq!(memory.quiet_origins(NOW), [QuietOrigin { origin, until }]);
            for other in [Origin::SignedIn, Origin::KnownBrowser, Origin::PasswordProved, Origin::Unknown] {
                assert_eq!(memory.judge(other, 0, NOW) == Loudness::Alert, other != origin, "{origin:?} {other:?}");
            }
        }
    }

    #[test]
    fn it_ends_with_time_however_many_came_quietly_and_with_an_approval() {
        let mut memory = after(2, Origin::Unknown);
        let until = Timestamp(NOW.0 + 40 * MINUTE);
        let just_before = Timestamp(until.0 - 1);
        assert_eq!(memory.judge(Origin::Unknown, 0, just_before), Loudness::Quiet(Quiet::TooManyInVain { until }));
        assert_eq!(memory.judge(Origin::Unknown, 0, until), Loudness::Alert);
        memory.calmed(NOW);
        assert_eq!(memory.judge(Origin::Unknown, 0, NOW), Loudness::Alert);
        // What an extension saw before the approval is handed in after it.
        memory.alerted("late 1", Origin::Unknown, Timestamp(NOW.0 - 400));
        memory.alerted("late 2", Origin::Unknown, Timestamp(NOW.0 - 1));
        assert_eq!(memory.judge(Origin::Unknown, 0, NOW), Loudness::Alert);
    }

    #[test]
    fn a_burst_of_strangers_is_one_alert_and_the_persons_own_requests_ring_each_time() {
        for (origin, apart) in [(Origin::PasswordProved, MINUTE), (Origin::Unknown, 5 * MINUTE)] {
            let mut memory = Memory::default();
            memory.alerted("first", origin, NOW);
            let second = |seconds| memory.judge(origin, 1, NOW.plus(seconds));
            assert_eq!(second(0), Loudness::Quiet(Quiet::JustAsked));
            assert_eq!(second(apart - 1), Loudness::Quiet(Quiet::JustAsked));
            assert_eq!(second(apart), Loudness::Alert);
        }
        for origin in [Origin::SignedIn, Origin::KnownBrowser] {
            let mut memory = Memory::default();
            for number in 0..10 {
                assert_eq!(memory.judge(origin, 0, NOW), Loudness::Alert);
                memory.alerted(&number.to_string(), origin, NOW);
            }
            let until = NOW.plus(10 * MINUTE);
            let tenth = memory.judge(origin, 0, NOW);
            assert_eq!(tenth, Loudness::Quiet(Quiet::TooManyInVain { until }), "by the service's word alone");
        }
    }

    #[test]
    fn a_denial_counts_once_and_a_report_at_once() {
        let mut memory = after(1, Origin::Unknown);
        memory.denied("1", Origin::Unknown, NOW);
        assert_eq!(memory.quiet_origins(NOW), [], "it had alerted, and counts as that");
        memory.denied("never alerted", Origin::Unknown, NOW);
        assert_eq!(memory.quiet_origins(NOW).len(), 1);
        for origin in [Origin::PasswordProved, Origin::Unknown] {
            let mut memory = after(1, origin);
            memory.reported("1", origin, NOW);
            assert_eq!(memory.quiet_origins(NOW), [QuietOrigin { origin, until: NOW.plus(HOUR) }]);
        }
    }

    #[test]
    fn a_mute_is_for_every_origin_and_for_a_day_at_most() {
        let mut memory = Memory::default();
        let until = memory.mute(NOW.plus(HOUR), NOW);
        assert_eq!(until, NOW.plus(HOUR));
        for origin in [Origin::SignedIn, Origin::KnownBrowser, Origin::PasswordProved, Origin::Unknown] {
            assert_eq!(memory.judge(origin, 0, NOW), Loudness::Quiet(Quiet::Muted { until }));
            assert_eq!(memory.judge(origin, 0, until), Loudness::Alert);
        }
        assert_eq!(memory.mute(NOW.plus(LONGEST_MUTE + 1), NOW), NOW.plus(LONGEST_MUTE));
        memory.unmute();
        assert_eq!(memory.judge(Origin::Unknown, 0, NOW), Loudness::Alert);
        // Muted while the clock was a year ahead.
        memory.mute(NOW.plus(400 * LONGEST_MUTE), NOW.plus(399 * LONGEST_MUTE));
        assert_eq!((memory.muted_until(NOW), memory.judge(Origin::Unknown, 0, NOW)), (None, Loudness::Alert));
    }

    #[test]
    fn more_than_anybody_could_look_through_is_held_back() {
        let memory = Memory::default();
        assert_eq!(memory.judge(Origin::KnownBrowser, 7, NOW), Loudness::Alert);
        assert_eq!(memory.judge(Origin::KnownBrowser, 8, NOW), Loudness::HeldBack);
    }

    #[test]
    fn a_flood_of_one_origin_fills_no_memory_and_drives_out_no_other() {
        let mut memory = after(2, Origin::PasswordProved);
        for number in 0..1_000 {
            memory.denied(&format!("flood {number}"), Origin::Unknown, NOW);
        }
        assert_eq!(memory.bothers.len(), 2 + REMEMBERED);
        assert_eq!(memory.quiet_origins(NOW).len(), 2);
    }

    #[test]
    fn times_that_a_wrong_clock_wrote_count_for_nothing() {
        let mut memory = Memory::default();
        for number in 0..3 {
            memory.alerted(&number.to_string(), Origin::Unknown, NOW.plus(LONGEST_MUTE));
        }
        assert_eq!(memory.judge(Origin::Unknown, 0, NOW), Loudness::Alert);
        let mut memory = after(2, Origin::Unknown);
        memory.calm_since = Some(NOW.plus(LONGEST_MUTE));
        assert_eq!(memory.quiet_origins(NOW).len(), 1, "an approval to come calms nothing yet");
    }
}
