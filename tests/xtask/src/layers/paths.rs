//! Collects every path in a piece of source text: in `use`, code, types, attributes and macro invocations.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, ItemUse, Macro, Meta, Path, Stmt, TraitItem, UseTree, Visibility};

use super::cfg;

/// A path as written, without generic arguments.
#[derive(Clone)]
pub(super) struct Mention {
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
    /// Whether the path is in a `use`.
    pub(super) is_use: bool,
}

/// A name that a `use` imports into a module.
pub(super) struct Binding {
    /// `None` for a glob.
    pub(super) name: Option<String>,
    pub(super) path: Vec<String>,
}

/// Returns the paths that an item mentions, without the paths in code for tests.
pub(super) fn of_item(item: &Item) -> Vec<Mention> {
    let mut collector = Collector::default();
    collector.visit_item(item);
    collector.found
}

/// Returns the names that a `use` imports into its module.
pub(super) fn bindings(item: &ItemUse) -> Vec<Binding> {
    leaves(item).into_iter().map(|leaf| Binding { name: leaf.name, path: leaf.path }).collect()
}

/// Returns an identifier as text, without `r#`.
pub(super) fn text(ident: &Ident) -> String {
    ident.unraw().to_string()
}

struct Leaf {
    name: Option<String>,
    path: Vec<String>,
    line: usize,
}

fn leaves(item: &ItemUse) -> Vec<Leaf> {
    let mut found = Vec::new();
    // A path with a leading `::` names another crate.
    if item.leading_colon.is_none() {
        walk(&item.tree, &[], &mut found);
    }
    found
}

fn walk(tree: &UseTree, before: &[String], found: &mut Vec<Leaf>) {
    match tree {
        UseTree::Path(part) => walk(&part.tree, &joined(before, text(&part.ident)), found),
        UseTree::Group(group) => group.items.iter().for_each(|tree| walk(tree, before, found)),
        UseTree::Glob(glob) => {
            found.push(Leaf { name: None, path: before.to_vec(), line: glob.span().start().line });
        }
        UseTree::Name(name) => found.push(named(before, &name.ident, None)),
        UseTree::Rename(rename) => found.push(named(before, &rename.ident, Some(&rename.rename))),
    }
}

/// Returns one import of a `use`: its name and its path. The import `a::b::{self}` has the name `b` and path `a::b`.
fn named(before: &[String], ident: &Ident, rename: Option<&Ident>) -> Leaf {
    let name = text(ident);
    let is_module_itself = name == "self" && !before.is_empty();
    let path = if is_module_itself { before.to_vec() } else { joined(before, name) };
    let name = rename.map(text).or_else(|| path.last().cloned());
    Leaf { name, path, line: ident.span().start().line }
}

fn joined(before: &[String], name: String) -> Vec<String> {
    before.iter().cloned().chain([name]).collect()
}

#[derive(Default)]
struct Collector {
    found: Vec<Mention>,
}

impl Collector {
    /// Adds a path of at least two names; a single name can't refer to another module.
    fn add(&mut self, segments: Vec<String>, line: usize) {
        if segments.len() > 1 {
            self.found.push(Mention { segments, line, is_use: false });
        }
    }

    /// Finds paths in the tokens of a macro. Every sequence `name :: name` counts as a path, because each macro has its
    /// own grammar.
    fn scan(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut rest = tokens.as_slice();
        let mut colons = 0_usize;
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            match first {
                TokenTree::Group(group) => self.scan(group.stream()),
                // An identifier directly after `::` does not begin a path of this crate. In `<T>::name`, the beginning
                // of the path was skipped. In `::name`, the path names another crate.
                TokenTree::Ident(ident) if colons < 2 => {
                    let (segments, after) = path_of_tokens(ident, rest);
                    self.add(segments, ident.span().start().line);
                    rest = after;
                }
                _ => {}
            }
            let is_colon = matches!(first, TokenTree::Punct(mark) if mark.as_char() == ':');
            colons = if is_colon { colons.saturating_add(1) } else { 0 };
        }
    }

    /// Finds paths in string literals, for derives such as `#[serde(default = "crate::a::b")]`.
    fn scan_literals(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.scan_literals(group.stream()),
                TokenTree::Literal(literal) => {
                    let line = literal.span().start().line;
                    let path = syn::parse_str::<Path>(literal.to_string().trim_matches('"'));
                    path.into_iter().for_each(|path| self.add(segments(&path), line));
                }
                _ => {}
            }
        }
    }
}

/// Returns the path that begins with an identifier, and the tokens after the path.
fn path_of_tokens<'a>(first: &Ident, mut rest: &'a [TokenTree]) -> (Vec<String>, &'a [TokenTree]) {
    let mut segments = vec![text(first)];
    while let [TokenTree::Punct(one), TokenTree::Punct(two), TokenTree::Ident(next), after @ ..] = rest
        && (one.as_char(), two.as_char()) == (':', ':')
    {
        segments.push(text(next));
        rest = after;
    }
    (segments, rest)
}

fn segments(path: &Path) -> Vec<String> {
    if path.leading_colon.is_some() {
        return Vec::new();
    }
    path.segments.iter().map(|segment| text(&segment.ident)).collect()
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item(&mut self, item: &'ast Item) {
        if !cfg::is_test_only(cfg::of_item(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if !cfg::is_test_only(cfg::of_impl_item(item)) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        if !cfg::is_test_only(cfg::of_trait_item(item)) {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        if !cfg::is_test_only(cfg::of_statement(statement)) {
            visit::visit_stmt(self, statement);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !cfg::is_test_only(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        if !cfg::is_test_only(&field.attrs) {
            visit::visit_field_value(self, field);
        }
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        if !cfg::is_test_only(&variant.attrs) {
            visit::visit_variant(self, variant);
        }
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if !cfg::is_test_only(&arm.attrs) {
            visit::visit_arm(self, arm);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let leaves = leaves(item).into_iter();
        self.found.extend(leaves.map(|leaf| Mention { segments: leaf.path, line: leaf.line, is_use: true }));
    }

    /// Skips the visibility of an item, because `pub(super)` and `pub(in path)` are not imports.
    fn visit_visibility(&mut self, _visibility: &'ast Visibility) {}

    fn visit_path(&mut self, path: &'ast Path) {
        self.add(segments(path), path.span().start().line);
        visit::visit_path(self, path);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        visit::visit_attribute(self, attribute);
        if let Meta::List(list) = &attribute.meta {
            self.scan(list.tokens.clone());
            self.scan_literals(list.tokens.clone());
        }
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        visit::visit_macro(self, call);
        self.scan(call.tokens.clone());
    }
}
