//! Reads the table of a crate's layers. The table is plain text with the top layer first. Each line is one layer:
//! `name: module module::child`.
//!
//! `lib` means the root file only. Any other module includes its submodules, except those that are listed in another
//! line. `#` begins a comment.

use std::collections::{BTreeMap, BTreeSet};

use super::source::ModulePath;

/// The name of the root file in a table.
const ROOT: &str = "lib";

/// A layer.
pub(super) struct Layer<'a> {
    pub(super) name: &'a str,
    /// 0 for the top layer.
    pub(super) depth: usize,
}

/// A crate's layers.
pub(super) struct Table {
    names: Vec<String>,
    /// The depth of each listed module; 0 is the top layer.
    depths: BTreeMap<ModulePath, usize>,
}

/// Reads a table; the error lists the problem of each wrong line.
pub(super) fn read(text: &str) -> Result<Table, Vec<String>> {
    let mut table = Table { names: Vec::new(), depths: BTreeMap::new() };
    let mut problems = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let Some((name, modules)) = line.split_once(':') else {
            problems.extend((!line.is_empty()).then(|| format!("the table has a line without a layer name: {line}")));
            continue;
        };
        if table.names.iter().any(|other| other == name) {
            problems.push(format!("the table has two layers named {name}"));
        }
        let depth = table.names.len();
        table.names.push(name.to_owned());
        for module in modules.split_whitespace() {
            if table.depths.insert(module_path(module), depth).is_some() {
                problems.push(format!("the table lists {module} twice"));
            }
        }
    }
    if problems.is_empty() { Ok(table) } else { Err(problems) }
}

fn module_path(listed: &str) -> ModulePath {
    if listed == ROOT { ModulePath::new() } else { listed.split("::").map(str::to_owned).collect() }
}

impl Table {
    /// Returns the layer of a module. When several entries cover the module, the most specific entry decides.
    pub(super) fn layer(&self, module: &[String]) -> Option<Layer<'_>> {
        let depth = match module {
            [] => self.depths.get(module),
            _ => (1..=module.len()).rev().find_map(|length| self.depths.get(module.get(..length)?)),
        };
        let depth = *depth?;
        Some(Layer { name: self.names.get(depth)?, depth })
    }

    /// Returns the listed modules that are not in `modules`.
    pub(super) fn unknown<'a>(&self, modules: impl Iterator<Item = &'a ModulePath>) -> Vec<String> {
        let known: BTreeSet<&ModulePath> = modules.collect();
        let unknown = self.depths.keys().filter(|listed| !known.contains(listed));
        unknown.map(|listed| if listed.is_empty() { ROOT.to_owned() } else { listed.join("::") }).collect()
    }
}
