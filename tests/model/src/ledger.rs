//! The ledger of a scene: what gave each grant, and what was used up.

mod held;

use std::collections::{BTreeMap, BTreeSet};

use countersign_service::grants::Kind;
use countersign_service::passes::pass::Pass;
use countersign_service::prompts::ceremony::{Ceremony, Outcome};
use countersign_service::provenance::Giver;

pub use self::held::{Cause, Thing};
pub(crate) use self::held::{Held, held};
use crate::rows::Rows;

/// A pass that was made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Made {
    text: String,
    id: String,
    seen_by_mallory: bool,
}

/// What the model remembers of the grants of a scene.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Ledger {
    /// What gave each grant when it was given.
    pub(crate) gave: BTreeMap<Thing, BTreeSet<Cause>>,
    /// The device that has approved each ceremony.
    pub(crate) approved: BTreeMap<String, String>,
    /// The approvals and passes that have had their effect.
    pub(crate) used: BTreeSet<Cause>,
    /// The passes, in the order in which they were made.
    passes: Vec<Made>,
}

impl Ledger {
    /// Creates the ledger of the rows at the beginning.
    #[must_use]
    pub fn of(rows: &Rows) -> Self {
        let gave = held(rows).into_iter().map(|one| (one.thing, one.by)).collect();
        Self { gave, ..Self::default() }
    }

    /// Records that a device has approved a ceremony.
    pub fn approve(&mut self, ceremony: &str, device: &str) {
        self.approved.insert(ceremony.to_owned(), device.to_owned());
    }

    /// Whether this device has approved the ceremony.
    #[must_use]
    pub fn was_approved_by(&self, ceremony: &str, device: &str) -> bool {
        self.approved.get(ceremony).is_some_and(|by| by == device)
    }

    /// Returns the text of the next pass. It has the form of a pass.
    #[must_use]
    pub fn next_pass(&self) -> String {
        format!("{:012}", self.passes.len())
    }

    /// Whether the pass with this id has its name already.
    #[must_use]
    pub fn knows_pass(&self, id: &str) -> bool {
        self.passes.iter().any(|made| made.id == id)
    }

    /// Records a new pass. Mallory sees it if Mallory has asked for it, and Alice otherwise.
    pub fn add_pass(&mut self, text: String, pass: &Pass) {
        let id = Pass::id_of(&pass.account_id, &text);
        let seen_by_mallory = matches!(&pass.given.by, Giver::Approval(ceremony) if ceremony.starts_with('m'));
        self.passes.push(Made { text, id, seen_by_mallory });
    }

    /// Returns the text of the newest pass that Mallory (true) or Alice (false) has seen.
    #[must_use]
    pub fn pass_of(&self, mallory: bool) -> Option<String> {
        let seen = |made: &&Made| made.seen_by_mallory == mallory;
        self.passes.iter().rfind(seen).map(|made| made.text.clone())
    }

    pub(crate) fn note(&mut self, one: &Held, cause: &Cause) {
        self.gave.entry(one.thing.clone()).or_default().insert(cause.clone());
        if is_used_by(one.thing.0, cause) {
            self.used.insert(cause.clone());
        }
    }

    /// Whether this cause was taken back by a report.
    pub(crate) fn has_fallen(&self, rows: &Rows, cause: &Cause) -> bool {
        let reported =
            |id: &str| rows.maybe::<Ceremony>(id).is_some_and(|ceremony| ceremony.outcome == Some(Outcome::Reported));
        self.comes_from(cause, &reported)
    }

    /// Whether a cause comes from such an approval: from the approval itself, or from a phone or a pass that such an
    /// approval has given.
    pub(crate) fn comes_from(&self, cause: &Cause, is_source: &dyn Fn(&str) -> bool) -> bool {
        let given = |kind, id: &String| self.was_given_by(&(kind, id.clone()), is_source);
        match cause {
            Cause::Approval(id) => is_source(id) || self.approved.get(id).is_some_and(|by| given(Kind::Device, by)),
            Cause::Pass(id) => given(Kind::Pass, id),
            Cause::Password(_) | Cause::Operator => false,
        }
    }

    /// Whether a grant comes from such an approval.
    pub(crate) fn was_given_by(&self, thing: &Thing, is_source: &dyn Fn(&str) -> bool) -> bool {
        self.gave.get(thing).is_some_and(|causes| causes.iter().any(|cause| self.comes_from(cause, is_source)))
    }
}

/// Whether a grant of this kind uses its cause up. A pass starts a session and adds one phone; only adding uses it up.
pub(crate) fn is_used_by(kind: Kind, cause: &Cause) -> bool {
    match cause {
        Cause::Approval(_) => {
            matches!(kind, Kind::Session | Kind::Device | Kind::Pass | Kind::Administrator | Kind::ApiToken)
        }
        Cause::Pass(_) => kind == Kind::Device,
        Cause::Password(_) | Cause::Operator => false,
    }
}
