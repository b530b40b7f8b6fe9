//! Reads the modules of one crate from its source text.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Item, ItemMod};

use super::cfg;
use super::paths::{self, Binding, Mention};

/// The path of a module in its crate; empty for the root.
pub(super) type ModulePath = Vec<String>;

/// Reads a file by its path in the crate's folder. Returns `None` when the file does not exist.
pub(super) type Files<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// A module, in its own file or inline.
#[derive(Default)]
pub(super) struct Module {
    pub(super) file: String,
    /// The items that the module defines itself, without child modules.
    pub(super) names: BTreeSet<String>,
    /// The names that its `use` declarations import.
    pub(super) bindings: Vec<Binding>,
    /// Every path in the text of the module.
    pub(super) mentions: Vec<Mention>,
}

/// A crate without its code for tests.
#[derive(Default)]
pub(super) struct Crate {
    pub(super) modules: BTreeMap<ModulePath, Module>,
    /// The module of each file.
    pub(super) files: BTreeMap<String, ModulePath>,
}

/// Reads a crate from `src/lib.rs`, or from `src/main.rs` when it has no library.
///
/// When the crate has a library, `src/main.rs` is a separate program, as the files in `src/bin` are. Separate programs
/// are not read.
pub(super) fn read(files: &Files) -> Result<Crate, String> {
    let mut reader = Reader { files, found: Crate::default() };
    let root = reader.first_of(["src/lib.rs", "src/main.rs"].map(str::to_owned));
    let (name, text) = root.ok_or("neither src/lib.rs nor src/main.rs can be read")?;
    reader.file(&name, &text, "src", Vec::new())?;
    Ok(reader.found)
}

struct Reader<'a> {
    files: &'a Files<'a>,
    found: Crate,
}

impl Reader<'_> {
    fn first_of(&self, names: [String; 2]) -> Option<(String, String)> {
        names.into_iter().find_map(|name| (self.files)(&name).map(|text| (name, text)))
    }

    /// Reads a file and its child modules. `folder` is the folder of the child modules.
    fn file(&mut self, name: &str, text: &str, folder: &str, module: ModulePath) -> Result<(), String> {
        let parsed = syn::parse_file(text).map_err(|error| format!("{name} can't be parsed: {error}"))?;
        if cfg::is_test_only(&parsed.attrs) {
            return Ok(());
        }
        self.found.files.insert(name.to_owned(), module.clone());
        self.items(name, folder, module, &parsed.items)
    }

    fn items(&mut self, file: &str, folder: &str, path: ModulePath, items: &[Item]) -> Result<(), String> {
        let mut module = Module { file: file.to_owned(), ..Module::default() };
        for item in items.iter().filter(|item| !cfg::is_test_only(cfg::of_item(item))) {
            if let Item::Mod(child) = item {
                self.child(file, folder, &path, child)?;
                continue;
            }
            if let Item::Use(item) = item {
                module.bindings.extend(paths::bindings(item));
            }
            module.names.extend(name_of(item));
            module.mentions.extend(paths::of_item(item));
        }
        self.found.modules.insert(path, module);
        Ok(())
    }

    fn child(&mut self, file: &str, folder: &str, parent: &[String], child: &ItemMod) -> Result<(), String> {
        let name = paths::text(&child.ident);
        let path = parent.iter().cloned().chain([name.clone()]).collect();
        let folder = format!("{folder}/{name}");
        if let Some((_, items)) = &child.content {
            return self.items(file, &folder, path, items);
        }
        let found = self.first_of([format!("{folder}.rs"), format!("{folder}/mod.rs")]);
        let (file, text) = found.ok_or_else(|| format!("{file} declares {name}, and {folder}.rs can't be read"))?;
        self.file(&file, &text, &folder, path)
    }
}

fn name_of(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(paths::text(ident))
}
