//! Checks that every public item of the core is in exactly one of three groups: exported to Kotlin and Swift unchanged;
//! defined again in the bindings; or not for apps in these languages. The items of the last two groups are listed here
//! with a reason.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use syn::{Attribute, Expr, FnArg, ImplItem, Item, TraitItem, UseTree, Visibility};

/// Public items of the core that apps in Kotlin or Swift don't need.
const NOT_FOR_APPS: [(&str, &str); 14] = [
    ("Clock", "the bindings use the system's clock; the trait is for tests"),
    ("SystemClock", "as above"),
    ("Error", "`CountersignError` replaces it"),
    ("Issuer", "a string in the bindings: only the core compares issuers"),
    ("NotAnIssuer", "the error of a type that is not exported"),
    ("PlatformTrust", "certificate trust on desktops; phones implement the port"),
    ("PrivateCa", "as above"),
    ("SealedFileKeyStore", "the key store of desktops"),
    ("DesktopKeyStore", "as above"),
    ("PassphraseGuard", "as above"),
    ("PlatformKeyStore", "as above"),
    ("Secret", "for passphrases of the desktops' key stores"),
    ("testing", "for tests"),
    ("manual", "only documentation"),
];

/// Public items of the core that the bindings define again for Kotlin and Swift.
const REDEFINED: [(&str, &str); 15] = [
    ("Authenticator", "its errors are `CountersignError`"),
    ("restored_accounts", "as above"),
    ("start_over", "as above"),
    ("Offer", "an object, whose methods return owned strings"),
    ("Invite", "as above"),
    ("Scanned", "contains an `Invite`"),
    ("Inbox", "its errors are the `InboxError` of the bindings"),
    ("InboxError", "hides the key store's error, which the app does not show"),
    ("Folders", "paths are strings in the bindings"),
    ("Ports", "without the port for the clock"),
    ("Prompt", "a record; in the core only verification makes one"),
    ("Matching", "its options are a list; in the core an array of three"),
    ("PushEffect", "contains a `Prompt`"),
    ("Snapshot", "as above"),
    ("Checked", "as above, and its errors are `CountersignError`"),
];

/// Methods of public types that the bindings replace: type, methods, reason.
const OTHER_METHODS: [(&str, &str, &str); 3] = [
    ("AccountHealth", "next_step", "a function in the bindings, kept since apps call it"),
    ("Folders", "under", "the app sets both fields"),
    ("Timestamp", "plus since", "a time type of Kotlin and Swift"),
];

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn sources(path: &Path, into: &mut Vec<syn::File>) {
    for entry in std::fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("bin") && !path.ends_with("testing") {
                sources(&path, into);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(syn::parse_file(&std::fs::read_to_string(&path).unwrap()).unwrap());
        }
    }
}

fn parsed(path: &str) -> Vec<syn::File> {
    let mut files = Vec::new();
    sources(&folder(path), &mut files);
    files
}

fn names(tree: &UseTree, into: &mut BTreeSet<String>) {
    match tree {
        UseTree::Path(path) => names(&path.tree, into),
        UseTree::Name(name) => drop(into.insert(name.ident.to_string())),
        UseTree::Rename(rename) => drop(into.insert(rename.rename.to_string())),
        UseTree::Group(group) => group.items.iter().for_each(|item| names(item, into)),
        UseTree::Glob(_) => panic!("a glob import hides the names of public items"),
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Returns the names that `core/src/lib.rs` makes public.
fn public_in_core() -> BTreeSet<String> {
    let library = syn::parse_file(&std::fs::read_to_string(folder("../core/src/lib.rs")).unwrap()).unwrap();
    let mut found = BTreeSet::new();
    for item in &library.items {
        match item {
            Item::Use(item) if is_public(&item.vis) => names(&item.tree, &mut found),
            Item::Mod(item) if is_public(&item.vis) => drop(found.insert(item.ident.to_string())),
            _ => {}
        }
    }
    found
}

/// Returns the names of the types, traits and public functions that the bindings define.
fn defined_in_bindings() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for item in parsed("src").iter().flat_map(|file| &file.items) {
        match item {
            Item::Enum(item) => drop(found.insert(item.ident.to_string())),
            Item::Struct(item) => drop(found.insert(item.ident.to_string())),
            Item::Trait(item) => drop(found.insert(item.ident.to_string())),
            Item::Fn(item) if is_public(&item.vis) => drop(found.insert(item.sig.ident.to_string())),
            _ => {}
        }
    }
    found
}

/// Recognizes `#[cfg(feature = "uniffi")]` and `#[cfg_attr(feature = "uniffi", …)]`.
fn is_for_uniffi(attribute: &Attribute) -> bool {
    let condition = attribute.meta.require_list().map(|list| list.tokens.to_string()).unwrap_or_default();
    (attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr"))
        && condition.starts_with("feature = \"uniffi\"")
}

/// Returns the name of an item if the core exports it by UniFFI.
fn exported_name(item: &Item) -> Option<String> {
    let (name, attributes) = match item {
        Item::Enum(item) => (item.ident.to_string(), &item.attrs),
        Item::Struct(item) => (item.ident.to_string(), &item.attrs),
        Item::Trait(item) => (item.ident.to_string(), &item.attrs),
        // `uniffi::custom_type!(Name, …)`
        Item::Macro(item) => (item.mac.tokens.clone().into_iter().next()?.to_string(), &item.attrs),
        _ => return None,
    };
    attributes.iter().any(is_for_uniffi).then_some(name)
}

/// Returns the names of the types and traits that the core itself exports by UniFFI.
fn exported_by_core() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for name in parsed("../core/src").iter().flat_map(|file| &file.items).filter_map(exported_name) {
        assert!(found.insert(name.clone()), "`{name}` is exported twice");
    }
    found
}

/// Returns the names of a type's public methods, and of the members of its definition.
fn members(files: &[syn::File], of: &str) -> BTreeSet<String> {
    let mut found = named_in_definition(files, of);
    for item in files.iter().flat_map(|file| &file.items) {
        match item {
            Item::Impl(item) if item.trait_.is_none() && named(&item.self_ty, of) => {
                let methods = item.items.iter().filter_map(|item| match item {
                    ImplItem::Fn(method) if is_public(&method.vis) => Some(method.sig.ident.to_string()),
                    _ => None,
                });
                found.extend(methods);
            }
            _ => {}
        }
    }
    found
}

/// Returns the names of a record's public fields, or of a trait's methods.
fn named_in_definition(files: &[syn::File], of: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for item in files.iter().flat_map(|file| &file.items) {
        match item {
            Item::Trait(item) if item.ident == of => {
                let methods = item.items.iter().filter_map(|item| match item {
                    TraitItem::Fn(method) if matches!(method.sig.inputs.first(), Some(FnArg::Receiver(_))) => {
                        Some(method.sig.ident.to_string())
                    }
                    _ => None,
                });
                found.extend(methods);
            }
            Item::Struct(item) if item.ident == of => {
                let fields = item.fields.iter().filter(|field| is_public(&field.vis));
                found.extend(fields.filter_map(|field| field.ident.as_ref().map(ToString::to_string)));
            }
            _ => {}
        }
    }
    found
}

fn named(kind: &syn::Type, name: &str) -> bool {
    matches!(kind, syn::Type::Path(path) if path.path.is_ident(name))
}

#[test]
fn every_public_type_is_exported_once_or_listed() {
    let (public, known, here) = (public_in_core(), exported_by_core(), defined_in_bindings());
    for name in &public {
        let is_listed = |list: &[(&str, &str)]| list.iter().any(|(listed, _)| listed == name);
        let (is_known, is_other) = (known.contains(name), is_listed(&REDEFINED));
        let ways = [is_known, is_other, is_listed(&NOT_FOR_APPS)].into_iter().filter(|way| *way).count();
        assert_eq!(ways, 1, "`{name}` is public in the core: export it in exactly one way, or list the reason");
        assert_eq!(
            here.contains(name),
            is_other,
            "`{name}` is defined in the bindings but not listed in `REDEFINED`, or listed but not defined"
        );
    }
    for (listed, _) in NOT_FOR_APPS.iter().chain(&REDEFINED) {
        assert!(public.contains(*listed), "`{listed}` is no longer public in the core");
    }
    for name in &known {
        assert!(public.contains(name), "`{name}` is exported to Kotlin and Swift, but not public in the core");
    }
    assert!(public.len() > 40 && public.contains("Authenticator"), "{public:?}");
    assert!(known.len() > 40 && known.contains("KeyStore"), "{known:?}");
}

#[test]
fn every_public_method_and_field_is_exported() {
    let (core, bindings, known) = (parsed("../core/src"), parsed("src"), exported_by_core());
    let mut compared = 0;
    for name in public_in_core().iter().filter(|name| !NOT_FOR_APPS.iter().any(|(excused, _)| excused == name)) {
        // UniFFI exports the definition only, not the methods of an `impl` block.
        let there = if known.contains(name) { named_in_definition(&core, name) } else { members(&bindings, name) };
        let core = members(&core, name);
        let excused =
            OTHER_METHODS.iter().filter(|(of, _, _)| of == name).flat_map(|(_, methods, _)| methods.split(' '));
        let excused: BTreeSet<String> = excused.map(str::to_owned).collect();
        for member in core.difference(&excused).filter(|member| *member != "clock") {
            assert!(there.contains(member), "`{name}::{member}` is public in the core and missing in the bindings");
            compared += 1;
        }
    }
    assert!(compared > 60, "compared only {compared} members");
}

/// Returns the doc comments of a definition and of its members.
fn texts(item: &Item) -> String {
    let attributes: Vec<&Attribute> = match item {
        Item::Enum(item) => {
            let fields = item.variants.iter().flat_map(|variant| &variant.fields).flat_map(|field| &field.attrs);
            let variants = item.variants.iter().flat_map(|variant| &variant.attrs);
            item.attrs.iter().chain(variants).chain(fields).collect()
        }
        Item::Struct(item) => item.attrs.iter().chain(item.fields.iter().flat_map(|field| &field.attrs)).collect(),
        Item::Trait(item) => {
            let methods = item.items.iter().filter_map(|item| match item {
                TraitItem::Fn(method) => Some(&method.attrs),
                _ => None,
            });
            item.attrs.iter().chain(methods.flatten()).collect()
        }
        _ => Vec::new(),
    };
    let lines = attributes.into_iter().filter_map(|attribute| match &attribute.meta.require_name_value().ok()?.value {
        Expr::Lit(text) if attribute.path().is_ident("doc") => match &text.lit {
            syn::Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn exported_doc_comments_have_no_rust_syntax() {
    let mut read = 0;
    for item in parsed("../core/src").iter().flat_map(|file| &file.items) {
        let Some(name) = exported_name(item) else { continue };
        let text = texts(item);
        for word in ["::", "`None`", "`Some", "`Ok", "`Err", "[`"] {
            assert!(!text.contains(word), "the doc comment of `{name}` contains Rust syntax, {word}: {text}");
        }
        read += text.lines().count();
    }
    assert!(read > 250, "read only {read} lines");
}
