//! Judges every step of a scene against the rules in `README.md`, without the service's checks and without `endings`.

mod endings;
mod permissions;

use std::collections::BTreeSet;

use countersign_service::clock::Time;

use crate::faults::Fault;
use crate::ledger::{Cause, held};
use crate::steps::{Event, State};

/// Finds the faults of a step, and records in the ledger what the step has given.
pub fn judge(before: &State, event: &Event, state: &mut State, now: Time) {
    let (had, has) = (held(&before.rows), held(&state.rows));
    let mut faults = BTreeSet::new();
    for one in &has {
        let old = had.iter().find(|old| old.thing == one.thing);
        let new: Vec<&Cause> = one.by.iter().filter(|by| old.is_none_or(|old| !old.by.contains(*by))).collect();
        for cause in new {
            faults.extend(permissions::fault_of(before, event, one, cause, now));
            state.ledger.note(one, cause);
        }
    }
    faults.extend(permissions::changed_without_approval(before, event, state));
    faults.extend(endings::faults(before, event, state, &had, &has));
    if has.iter().any(|one| one.by.iter().any(|cause| state.ledger.has_fallen(&state.rows, cause))) {
        faults.insert(Fault::ReportedGrantContinues);
    }
    state.faults.extend(faults);
}
