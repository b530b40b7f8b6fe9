//! Finds cycles of imports among files.

use std::collections::{BTreeMap, BTreeSet};

/// The files that each file imports.
pub(super) type Graph = BTreeMap<String, BTreeSet<String>>;

/// Returns the strongly connected components of more than one file.
pub(super) fn cycles(graph: &Graph) -> Vec<BTreeSet<String>> {
    let reached: Graph = graph.keys().map(|file| (file.clone(), reachable(graph, file))).collect();
    let reaches = |from: &String, to: &String| reached.get(from).is_some_and(|files| files.contains(to));
    let mut found = BTreeSet::new();
    for file in graph.keys().filter(|file| reaches(file, file)) {
        found.insert(graph.keys().filter(|other| reaches(file, other) && reaches(other, file)).cloned().collect());
    }
    found.into_iter().collect()
}

/// Returns every file that a file imports, directly or through other files.
fn reachable(graph: &Graph, file: &String) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![file];
    while let Some(next) = open.pop() {
        let new = graph.get(next).into_iter().flatten().filter(|to| found.insert((*to).clone()));
        open.extend(new);
    }
    found
}
