//! Checks that the files of each crate import each other in one direction only.
//!
//! `tests/layers/<folder>.txt` lists the layers of the crate in that folder (see `layers::table`). A file may import
//! files of its own layer and of lower layers, never of a higher layer. Cycles are refused, also within a layer. Code
//! for tests is not checked.
//!
//! | module | what it does |
//! | --- | --- |
//! | `table` | reads the layers |
//! | `resolve` | finds the file that defines the target of a path |
//! | `graph` | finds cycles |
//! | `source`, `paths`, `cfg` | read modules, read the paths in them, and recognize code for tests |

mod cfg;
mod graph;
mod paths;
mod resolve;
mod source;
mod table;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::Value;

use crate::report::{cargo, command, root, say};
use graph::Graph;
use resolve::Import;
use source::{Crate, Files};
use table::Table;

const TABLES: &str = "tests/layers";

/// Checks every crate that has a table.
pub(crate) fn check() -> io::Result<bool> {
    let crates = crates()?;
    let mut verdicts = Vec::new();
    let mut without = Vec::new();
    let mut problems = tables_without_crate(&crates)?;
    for (name, folder) in &crates {
        let table = root().join(TABLES).join(name).with_extension("txt");
        if !table.exists() {
            without.push(name.as_str());
            continue;
        }
        let files = |path: &str| fs::read_to_string(folder.join(path)).ok();
        let verdict = judge(&files, &fs::read_to_string(table)?);
        problems.extend(verdict.problems.iter().map(|problem| format!("{name}: {problem}")));
        verdicts.push((name.as_str(), verdict));
    }
    problems.iter().for_each(|problem| say(problem));
    if !without.is_empty() {
        say(&format!("crates without a table: {}", without.join(", ")));
    }
    say(&summary(&verdicts));
    Ok(problems.is_empty() && !verdicts.is_empty())
}

/// Returns the folders of the workspace's crates, by the name of the folder.
fn crates() -> io::Result<BTreeMap<String, PathBuf>> {
    let output = command(&cargo()).args(["metadata", "--no-deps", "--format-version", "1"]).output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata.get("packages").and_then(Value::as_array).into_iter().flatten();
    let manifests = packages.filter_map(|package| package.get("manifest_path").and_then(Value::as_str));
    let folders = manifests.filter_map(|manifest| Path::new(manifest).parent());
    Ok(folders.filter_map(|folder| Some((folder.file_name()?.to_str()?.to_owned(), folder.to_owned()))).collect())
}

fn tables_without_crate(crates: &BTreeMap<String, PathBuf>) -> io::Result<Vec<String>> {
    let mut problems = Vec::new();
    for entry in fs::read_dir(root().join(TABLES))? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if !crates.contains_key(name.as_ref()) {
            problems.push(format!("{TABLES}: no crate of the workspace is in a folder named {name}"));
        }
    }
    Ok(problems)
}

/// The result for one crate.
#[derive(Default)]
struct Verdict {
    problems: Vec<String>,
    files: usize,
    /// Number of pairs of files in which one file imports the other.
    imports: usize,
    cycles: usize,
}

fn judge(files: &Files, table: &str) -> Verdict {
    let read = match source::read(files) {
        Ok(read) => read,
        Err(problem) => return Verdict { problems: vec![problem], ..Verdict::default() },
    };
    let imports = resolve::imports(&read);
    let graph = graph(&read, &imports);
    let cycles = graph::cycles(&graph);
    let mut problems = match table::read(table) {
        Ok(table) => [uncovered_and_unknown(&read, &table), upward(&read, &table, &imports)].concat(),
        Err(problems) => problems,
    };
    problems.extend(cycles.iter().map(|cycle| format!("{} files import each other: {}", cycle.len(), list(cycle))));
    let pairs = graph.values().map(BTreeSet::len).sum();
    Verdict { problems, files: read.files.len(), imports: pairs, cycles: cycles.len() }
}

fn graph(read: &Crate, imports: &[Import]) -> Graph {
    let mut graph: Graph = read.files.keys().map(|file| (file.clone(), BTreeSet::new())).collect();
    for import in imports {
        graph.entry(import.from.clone()).or_default().insert(import.to.clone());
    }
    graph
}

/// Reports files that no layer covers, and entries of the table that match no file.
fn uncovered_and_unknown(read: &Crate, table: &Table) -> Vec<String> {
    let uncovered = read.files.iter().filter(|(_, module)| table.layer(module).is_none());
    let uncovered = uncovered.map(|(file, _)| format!("{file} is in no layer of the table"));
    let unknown = table.unknown(read.files.values()).into_iter();
    uncovered
        .chain(unknown.map(|module| format!("the table lists {module}, which is not a module of the crate")))
        .collect()
}

fn upward(read: &Crate, table: &Table, imports: &[Import]) -> Vec<String> {
    let layer = |file: &String| table.layer(read.files.get(file)?);
    let mut found = Vec::new();
    for Import { from, to, line, path } in imports {
        if let (Some(below), Some(above)) = (layer(from), layer(to))
            && above.depth < below.depth
        {
            let (below, above) = (below.name, above.name);
            found.push(format!("{from} (layer {below}) imports {to} (layer {above}, above it): {path}, line {line}"));
        }
    }
    found
}

fn list(files: &BTreeSet<String>) -> String {
    files.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn summary(verdicts: &[(&str, Verdict)]) -> String {
    let mut parts: Vec<String> = verdicts
        .iter()
        .map(|(name, verdict)| format!("{name} {} files, {} imports", verdict.files, verdict.imports))
        .collect();
    parts.push(format!("{} cycles", verdicts.iter().map(|(_, verdict)| verdict.cycles).sum::<usize>()));
    parts.join("; ")
}
