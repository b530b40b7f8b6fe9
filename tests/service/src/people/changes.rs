//! What a person was allowed lately, and what allowed it, so that a report can restore it.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::provenance::Given;

/// The most changes that are kept.
const MAX: usize = 100;

/// The changes of one permission, oldest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Changes(Vec<Change>);

/// A permission was given or taken.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Change {
    allows: bool,
    given: Given,
}

impl Changes {
    /// Records that the permission was given or taken. `before`: what gave the permission before the first change, or
    /// `None` if there was no permission.
    pub fn add(&mut self, allows: bool, given: Given, before: Option<Given>) {
        if self.0.is_empty() {
            let allows = before.is_some();
            self.0.push(Change { allows, given: before.unwrap_or_else(|| Given::unrecorded(Time::MIN)) });
        }
        let newest_settled = self.0.iter().rposition(|change| change.given.is_settled(given.at));
        self.0.drain(..newest_settled.unwrap_or_default());
        self.0.push(Change { allows, given });
    }

    /// Returns whether so many changes are kept that the permission can't be given now. If an older change were dropped
    /// instead, an intruder could make a report forget it. The permission can still be taken.
    #[must_use]
    pub fn is_full(&self, now: Time) -> bool {
        self.0.iter().filter(|change| !change.given.is_settled(now)).count() >= MAX
    }

    /// Returns whether a fallen approval has given the permission. `fell`: whether a change has fallen that gave or took
    /// the permission.
    #[must_use]
    pub fn is_by_fallen(&self, fell: impl Fn(bool, &Given) -> bool) -> bool {
        self.0.last().is_some_and(|change| change.allows && fell(true, &change.given))
    }

    /// Returns whether there is the permission after fallen changes are left out.
    #[must_use]
    pub fn is_allowed_without(&self, fell: impl Fn(bool, &Given) -> bool) -> bool {
        self.0.iter().rfind(|change| !fell(change.allows, &change.given)).is_some_and(|change| change.allows)
    }

    /// Removes the changes that have fallen. A change that took the permission is only removed together with the last one,
    /// which gave it back: else a report would give the permission back, now or when the last change falls. Returns what
    /// gives the permission now.
    pub fn take_back(&mut self, fell: impl Fn(bool, &Given) -> bool) -> Option<Given> {
        let gives_back = self.is_by_fallen(&fell);
        self.0.retain(|change| !(fell(change.allows, &change.given) && (change.allows || gives_back)));
        self.0.last().filter(|change| change.allows).map(|change| change.given.clone())
    }
}
