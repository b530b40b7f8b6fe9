//! The fatigue guard: decides whether a new prompt alerts, so that an attacker can't wear the person down with prompts.
//!
//! The functions are pure: their results depend only on the time, and on what this phone remembers about an account's
//! prompts. The service has limits too; the phone's own limits also protect against a careless or hostile service. Each
//! origin is judged by its own prompts only, so an attacker with an unknown browser can't make the person's own prompts
//! quiet. A quiet prompt is stored and listed, so the person sees it when they open the app.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::values::origin::Origin;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
/// Longest mute, in seconds. A forgotten mute must not keep prompts quiet for ever.
pub(crate) const LONGEST_MUTE: u64 = 24 * HOUR;
/// Most prompts of one origin that wait at the same time. A service that follows the protocol sends far fewer.
const MOST_WAITING: usize = 8;
/// The most strikes that are remembered for one origin. A further strike replaces the oldest one. No limit needs more
/// strikes.
const REMEMBERED: usize = 16;
/// Weight of a prompt that was denied, or that alerted and was not approved.
const STRIKE: u32 = 1;
/// Weight of a reported prompt, which counts more than a denied one.
#[cfg(feature = "authenticator")]
const REPORTED: u32 = 2;

/// Why a prompt came without an alert. The app shows the reason with the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Quiet {
    /// The person has muted the account.
    Muted {
        /// When the mute ends, by this phone's clock.
        until: Timestamp,
    },
    /// Another prompt of the same origin alerted, or was denied or reported, shortly before: less than one minute for
    /// `PasswordProved`, less than five minutes for `Unknown`. The origins `SignedIn` and `KnownBrowser` have no such
    /// pause.
    JustAsked,
    /// Too many prompts of the same origin were denied, reported or not approved.
    TooManyStrikes {
        /// When prompts of the origin alert again, by this phone's clock. An approval ends the quiet time earlier.
        until: Timestamp,
    },
}

/// An origin whose prompts are quiet at present, after too many strikes: denied, reported or unapproved prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct QuietOrigin {
    /// The origin.
    pub origin: Origin,
    /// When prompts of the origin alert again, by this phone's clock. An approval ends the quiet time earlier.
    pub until: Timestamp,
}

/// Whether a new prompt alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loudness {
    Alert,
    /// Stored and listed, without an alert.
    Quiet(Quiet),
    /// Dropped, because too many prompts of the origin wait. When the person opens the app, the core fetches all open
    /// prompts.
    HeldBack,
}

/// How often prompts of one origin may alert.
struct Limit {
    /// The origin is quiet when the strikes of the last `within` seconds have this total weight or more.
    strikes: u32,
    /// How long a strike counts, in seconds.
    within: u64,
    /// How long prompts are quiet after a strike, in seconds.
    apart: u64,
}

/// Prompts of a signed-in or known browser alert each time, because normally the person started them. But after ten
/// prompts in ten minutes without an approval, an attacker may have started them.
const OWN: Limit = Limit { strikes: 10, within: 10 * MINUTE, apart: 0 };
const PASSWORD_PROVED: Limit = Limit { strikes: 2, within: HOUR, apart: MINUTE };
const UNKNOWN: Limit = Limit { strikes: 2, within: HOUR, apart: 5 * MINUTE };

fn limit(origin: Origin) -> Limit {
    match origin {
        Origin::SignedIn | Origin::KnownBrowser => OWN,
        Origin::PasswordProved => PASSWORD_PROVED,
        Origin::Unknown => UNKNOWN,
    }
}

/// A prompt that alerted, or was denied or reported, and was not approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Strike {
    pub(crate) jti: String,
    pub(crate) origin: Origin,
    /// When the prompt alerted, or was denied or reported, by this phone's clock.
    pub(crate) at: Timestamp,
    /// `STRIKE`, or `REPORTED` for a reported prompt.
    pub(crate) weight: u32,
}

/// What this phone remembers about an account's prompts, and the account's mute. Stored as JSON with the account, and
/// for the notification extension in the inbox's sealed snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    muted_until: Option<Timestamp>,
    /// When the person last approved a prompt. Earlier strikes no longer count.
    calm_since: Option<Timestamp>,
    /// The remembered strikes, oldest first. The stored name is `bothers`.
    #[serde(rename = "bothers")]
    strikes: Vec<Strike>,
}

impl Memory {
    /// Decides whether a prompt that arrives now alerts. `waiting` is the number of open prompts of the same origin.
    ///
    /// This method changes nothing. If the prompt alerts, the caller must call `alerted`.
    pub(crate) fn judge(&self, origin: Origin, waiting: usize, now: Timestamp) -> Loudness {
        // GUARD(waiting-prompts-limited): at_most_eight_prompts_of_each_origin_are_stored
        // INSTEAD: if waiting == usize::MAX {
        if waiting >= MOST_WAITING {
            return Loudness::HeldBack;
        }
        if let Some(until) = self.muted_until(now) {
            return Loudness::Quiet(Quiet::Muted { until });
        }
        // GUARD(quiet-after-strikes): an_origin_is_quiet_after_its_own_strikes_only
        if let Some(until) = self.quiet_until(origin, now) {
            return Loudness::Quiet(Quiet::TooManyStrikes { until });
        }
        let apart = limit(origin).apart;
        // GUARD(burst-one-alert): alert_interval_depends_on_the_origin
        // INSTEAD: if self.strikes_of(origin, now).any(|strike| now.since(strike.at) < apart.min(0)) {
        if self.strikes_of(origin, now).any(|strike| now.since(strike.at) < apart) {
            return Loudness::Quiet(Quiet::JustAsked);
        }
        Loudness::Alert
    }

    /// Returns when the current mute ends. A mute that ends more than a day from now was set while the clock was wrong,
    /// and is ignored.
    pub(crate) fn muted_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.muted_until.filter(|until| *until > now && *until <= now.plus(LONGEST_MUTE))
    }

    /// Returns when prompts of an origin alert again. At that time its older strikes no longer count, and the weight of
    /// its newer strikes is below the limit. Returns `None` when the origin is not quiet.
    fn quiet_until(&self, origin: Origin, now: Timestamp) -> Option<Timestamp> {
        let Limit { strikes, within, .. } = limit(origin);
        let mut counted: Vec<&Strike> = self.strikes_of(origin, now).collect();
        counted.sort_by_key(|strike| std::cmp::Reverse(strike.at));
        let mut weight = 0_u32;
        for strike in counted {
            weight = weight.saturating_add(strike.weight);
            if weight >= strikes {
                return Some(strike.at.plus(within));
            }
        }
        None
    }

    /// Returns the strikes that count for an origin. A strike with a time in the future was noted while the clock was
    /// wrong, and is ignored.
    fn strikes_of(&self, origin: Origin, now: Timestamp) -> impl Iterator<Item = &Strike> {
        let within = limit(origin).within;
        let calm_since = self.calm_since;
        self.strikes.iter().filter(move |strike| {
            // GUARD(quiet-by-origin): an_origin_is_quiet_after_its_own_strikes_only
            // INSTEAD: true
            strike.origin == origin
                && strike.at <= now
                && now.since(strike.at) < within
                && calm_since.is_none_or(|calm| strike.at > calm || calm > now)
        })
    }

    /// Notes that a prompt alerted. This is a strike, which counts until the person approves a prompt, or until it is
    /// too old. A repeated call for the same prompt has no effect.
    pub(crate) fn alerted(&mut self, jti: &str, origin: Origin, at: Timestamp) {
        self.note(Strike { jti: jti.to_owned(), origin, at, weight: STRIKE });
    }

    /// Adds a strike, unless the prompt already has one. First drops the strikes that are too old to count. For each
    /// origin at most `REMEMBERED` strikes are kept. A flood of prompts therefore does not fill the memory, and does
    /// not remove the strikes of another origin.
    fn note(&mut self, new: Strike) {
        self.strikes.retain(|strike| new.at.since(strike.at) < limit(strike.origin).within);
        if self.strikes.iter().any(|strike| strike.jti == new.jti) {
            return;
        }
        let alike = |strike: &Strike| strike.origin == new.origin;
        if self.strikes.iter().filter(|strike| alike(strike)).count() >= REMEMBERED
            && let Some(oldest) = self.strikes.iter().position(alike)
        {
            self.strikes.remove(oldest);
        }
        self.strikes.push(new);
    }
}

#[cfg(feature = "authenticator")]
impl Memory {
    /// Returns the origins that are quiet now because of strikes.
    pub(crate) fn quiet_origins(&self, now: Timestamp) -> Vec<QuietOrigin> {
        [Origin::SignedIn, Origin::KnownBrowser, Origin::PasswordProved, Origin::Unknown]
            .into_iter()
            .filter_map(|origin| Some(QuietOrigin { origin, until: self.quiet_until(origin, now)? }))
            .collect()
    }

    /// Notes that the person denied a prompt. A prompt that has already alerted is not counted again.
    pub(crate) fn denied(&mut self, jti: &str, origin: Origin, at: Timestamp) {
        self.alerted(jti, origin, at);
    }

    /// Notes that the person reported a prompt; replaces its earlier strike.
    pub(crate) fn reported(&mut self, jti: &str, origin: Origin, at: Timestamp) {
        self.strikes.retain(|strike| strike.jti != jti);
        self.note(Strike { jti: jti.to_owned(), origin, at, weight: REPORTED });
    }

    /// Notes that the person approved a prompt: the earlier strikes of all origins no longer count.
    pub(crate) fn calmed(&mut self, now: Timestamp) {
        self.strikes.clear();
        self.calm_since = Some(now);
    }

    /// Mutes the account until the given time, but for a day at most. Returns when the mute ends.
    pub(crate) fn mute(&mut self, until: Timestamp, now: Timestamp) -> Timestamp {
        // GUARD(mute-ends): a_mute_covers_every_origin_for_a_day_at_most
        // INSTEAD: let until = until.max(now);
        let until = until.min(now.plus(LONGEST_MUTE));
        self.muted_until = Some(until);
        until
    }

    /// Ends the mute.
    pub(crate) fn unmute(&mut self) {
        self.muted_until = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_790_000_000);

    /// Returns the memory after `count` prompts of one origin. They alerted at intervals of ten minutes, the last one
    /// ten minutes ago.
    fn after(count: u64, origin: Origin) -> Memory {
        let mut memory = Memory::default();
        for number in (1..=count).rev() {
            memory.alerted(&number.to_string(), origin, Timestamp(NOW.0 - number * 10 * MINUTE));
        }
        memory
    }

    #[test]
    fn an_origin_is_quiet_after_its_own_strikes_only() {
        for origin in [Origin::PasswordProved, Origin::Unknown] {
            assert_eq!(after(1, origin).judge(origin, 0, NOW), Loudness::Alert);
            let memory = after(2, origin);
            let until = Timestamp(NOW.0 - 20 * MINUTE + HOUR);
            assert_eq!(memory.judge(origin, 0, NOW), Loudness::Quiet(Quiet::TooManyStrikes { until }));
            assert_eq!(memory.quiet_origins(NOW), [QuietOrigin { origin, until }]);
            for other in [Origin::SignedIn, Origin::KnownBrowser, Origin::PasswordProved, Origin::Unknown] {
                assert_eq!(memory.judge(other, 0, NOW) == Loudness::Alert, other != origin, "{origin:?} {other:?}");
            }
        }
    }

    #[test]
    fn an_origin_alerts_again_after_its_window_or_an_approval() {
        let mut memory = after(2, Origin::Unknown);
        let until = Timestamp(NOW.0 + 40 * MINUTE);
        let just_before = Timestamp(until.0 - 1);
        assert_eq!(memory.judge(Origin::Unknown, 0, just_before), Loudness::Quiet(Quiet::TooManyStrikes { until }));
        assert_eq!(memory.judge(Origin::Unknown, 0, until), Loudness::Alert);
        memory.calmed(NOW);
        assert_eq!(memory.judge(Origin::Unknown, 0, NOW), Loudness::Alert);
        // The extension received these two prompts before the approval, and the app imports them after the approval.
        memory.alerted("late 1", Origin::Unknown, Timestamp(NOW.0 - 400));
        memory.alerted("late 2", Origin::Unknown, Timestamp(NOW.0 - 1));
        assert_eq!(memory.judge(Origin::Unknown, 0, NOW), Loudness::Alert);
    }

    #[test]
    fn alert_interval_depends_on_the_origin() {
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
            let eleventh = memory.judge(origin, 0, NOW);
            assert_eq!(
                eleventh,
                Loudness::Quiet(Quiet::TooManyStrikes { until }),
                "the eleventh prompt alerted, although none of the ten before was approved"
            );
        }
    }

    #[test]
    fn a_denial_counts_once_and_a_report_twice() {
        let mut memory = after(1, Origin::Unknown);
        memory.denied("1", Origin::Unknown, NOW);
        assert_eq!(memory.quiet_origins(NOW), [], "a prompt that alerted and was denied counted twice");
        memory.denied("never alerted", Origin::Unknown, NOW);
        assert_eq!(memory.quiet_origins(NOW).len(), 1);
        for origin in [Origin::PasswordProved, Origin::Unknown] {
            let mut memory = after(1, origin);
            memory.reported("1", origin, NOW);
            assert_eq!(memory.quiet_origins(NOW), [QuietOrigin { origin, until: NOW.plus(HOUR) }]);
        }
    }

    #[test]
    fn a_mute_covers_every_origin_for_a_day_at_most() {
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
        // The mute was set while the clock was a year ahead.
        memory.mute(NOW.plus(400 * LONGEST_MUTE), NOW.plus(399 * LONGEST_MUTE));
        assert_eq!((memory.muted_until(NOW), memory.judge(Origin::Unknown, 0, NOW)), (None, Loudness::Alert));
    }

    #[test]
    fn the_ninth_waiting_prompt_of_an_origin_is_held_back() {
        let memory = Memory::default();
        assert_eq!(memory.judge(Origin::KnownBrowser, 7, NOW), Loudness::Alert);
        assert_eq!(memory.judge(Origin::KnownBrowser, 8, NOW), Loudness::HeldBack);
    }

    #[test]
    fn flood_of_one_origin_keeps_strikes_of_another_origin() {
        let mut memory = after(2, Origin::PasswordProved);
        for number in 0..1_000 {
            memory.denied(&format!("flood {number}"), Origin::Unknown, NOW);
        }
        assert_eq!(memory.strikes.len(), 2 + REMEMBERED);
        assert_eq!(memory.quiet_origins(NOW).len(), 2);
    }

    #[test]
    fn strikes_and_approvals_in_the_future_are_ignored() {
        let mut memory = Memory::default();
        for number in 0..3 {
            memory.alerted(&number.to_string(), Origin::Unknown, NOW.plus(LONGEST_MUTE));
        }
        assert_eq!(memory.judge(Origin::Unknown, 0, NOW), Loudness::Alert);
        let mut memory = after(2, Origin::Unknown);
        memory.calm_since = Some(NOW.plus(LONGEST_MUTE));
        assert_eq!(memory.quiet_origins(NOW).len(), 1, "an approval in the future took effect");
    }
}
