//! Finds the file that defines the target of a path. Re-exports are followed.

use std::collections::{BTreeMap, BTreeSet};

use super::paths::Mention;
use super::source::{Crate, Module, ModulePath};

/// An import: the file `from` imports the file `to` of the same crate.
pub(super) struct Import {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) line: usize,
    /// The path as written.
    pub(super) path: String,
}

/// Returns every import between two files of a crate. Each path is listed once per file, with its first line.
pub(super) fn imports(read: &Crate) -> Vec<Import> {
    let mut first_lines = BTreeMap::new();
    for (at, module) in &read.modules {
        for mention in &module.mentions {
            let Some(to) = file_of(read, at, mention).filter(|to| *to != module.file) else { continue };
            let line = first_lines.entry((&module.file, to, mention.segments.join("::"))).or_insert(mention.line);
            *line = mention.line.min(*line);
        }
    }
    let imports = first_lines.into_iter();
    imports.map(|((from, to, path), line)| Import { from: from.clone(), to, line, path }).collect()
}

/// The target of a path.
#[derive(Clone)]
enum Target {
    Module(ModulePath),
    /// An item that is not a module, with the file that defines the item.
    Item(String),
    /// An item of another crate.
    Outside,
}

/// The names whose look-up has not finished. They stop the search at circular re-exports.
type Visited = BTreeSet<(ModulePath, String)>;

fn file_of(read: &Crate, at: &ModulePath, mention: &Mention) -> Option<String> {
    let (first, rest) = mention.segments.split_first()?;
    let mut visited = Visited::new();
    // Outside of `use`, a path that begins with an imported item is not a new import. The `use` of this item was
    // counted.
    let is_relative = !["crate", "self", "super"].contains(&first.as_str());
    if !mention.is_use && is_relative {
        let start = look_up(read, at, first, rest.is_empty(), &mut visited)?;
        if !matches!(start, Target::Module(_)) {
            return None;
        }
    }
    match resolve(read, at, &mention.segments, &mut visited)? {
        Target::Module(path) => Some(read.modules.get(&path)?.file.clone()),
        Target::Item(file) => Some(file),
        Target::Outside => None,
    }
}

/// Resolves a path from the module that mentions the path. Returns `None` when this module does not know the first name
/// of the path.
fn resolve(read: &Crate, at: &ModulePath, segments: &[String], visited: &mut Visited) -> Option<Target> {
    let (first, mut rest) = segments.split_first()?;
    let mut target = match first.as_str() {
        "crate" => Target::Module(ModulePath::new()),
        "self" => Target::Module(at.clone()),
        "super" => Target::Module(parent(at)?),
        name => look_up(read, at, name, rest.is_empty(), visited)?,
    };
    while let (Target::Module(module), Some((name, after))) = (&target, rest.split_first()) {
        rest = after;
        target = match name.as_str() {
            "super" => Target::Module(parent(module)?),
            name => step(read, module, name, rest.is_empty(), visited)?,
        };
    }
    Some(target)
}

fn parent(module: &ModulePath) -> Option<ModulePath> {
    module.split_last().map(|(_, parent)| parent.to_vec())
}

/// Resolves a name in a known module. A name that can't be found, perhaps because a macro defines it, counts as an item
/// of that module.
fn step(read: &Crate, at: &ModulePath, name: &str, is_last: bool, visited: &mut Visited) -> Option<Target> {
    match look_up(read, at, name, is_last, visited) {
        Some(Target::Outside) | None => Some(Target::Item(read.modules.get(at)?.file.clone())),
        found => found,
    }
}

/// Resolves a name in a module. The last name of a path is looked up first as an item. Any other name is looked up
/// first as a module.
fn look_up(read: &Crate, at: &ModulePath, name: &str, is_last: bool, visited: &mut Visited) -> Option<Target> {
    let key = (at.clone(), name.to_owned());
    if !visited.insert(key.clone()) {
        return None;
    }
    let module = read.modules.get(at)?;
    let child: ModulePath = at.iter().cloned().chain([name.to_owned()]).collect();
    let child = read.modules.contains_key(&child).then_some(Target::Module(child));
    let own = || module.names.contains(name).then(|| Target::Item(module.file.clone()));
    let found = match child {
        Some(child) if !is_last => Some(child),
        child => own()
            .or_else(|| bound(read, at, module, name, visited))
            .or(child)
            .or_else(|| globbed(read, at, module, (name, is_last), visited)),
    };
    visited.remove(&key);
    found
}

/// Resolves a name that a `use` of the module imports.
fn bound(read: &Crate, at: &ModulePath, module: &Module, name: &str, visited: &mut Visited) -> Option<Target> {
    let mut bindings = module.bindings.iter().filter(|binding| binding.name.as_deref() == Some(name));
    let binding = bindings.next()?;
    Some(resolve(read, at, &binding.path, visited).unwrap_or(Target::Outside))
}

/// Resolves a name that a `use module::*` of the module imports.
fn globbed(
    read: &Crate,
    at: &ModulePath,
    module: &Module,
    (name, is_last): (&str, bool),
    visited: &mut Visited,
) -> Option<Target> {
    let mut globs = module.bindings.iter().filter(|binding| binding.name.is_none());
    globs.find_map(|glob| match resolve(read, at, &glob.path, visited)? {
        Target::Module(from) => look_up(read, &from, name, is_last, visited),
        Target::Item(_) | Target::Outside => None,
    })
}
