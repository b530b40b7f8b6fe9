//! Whatever is public in the core is carried over to Kotlin and Swift, or stands in a list with the reason why not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use syn::{FnArg, ImplItem, Item, TraitItem, UseTree, Visibility};

/// Public in the core, and no business of an app that speaks to it from Kotlin or Swift.
const NOT_FOR_APPS: [(&str, &str); 13] = [
    ("Clock", "time is Rust's own; the trait is for tests"),
    ("SystemClock", "as above"),
    ("Error", "`CountersignError` says what the app does next"),
    ("Issuer", "a string there: issuers are compared in the core"),
    ("NotAnIssuer", "the error of a type that is not carried over"),
    ("PlatformTrust", "the trust of desktops; phones have their own"),
    ("PrivateCa", "as above"),
    ("SealedFileKeyStore", "the key store of desktops"),
    ("DesktopKeyStore", "as above"),
    ("PassphraseGuard", "as above"),
    ("PlatformKeyStore", "as above"),
    ("Secret", "for the passphrase of that key store"),
    ("testing", "for tests"),
];

/// Methods of public types that are not carried over by name.
const OTHER_METHODS: [(&str, &str, &str); 3] = [
    ("AccountHealth", "next_step", "a function there: enums of two languages have no methods in common"),
    ("Folders", "under", "two fields, which the app fills"),
    ("Timestamp", "plus since", "a time of the language"),
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
        UseTree::Glob(_) => panic!("a glob hides what is public"),
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// What an app could name in the core.
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

/// Types, traits and functions that the bindings export, by name.
fn carried_over() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for item in parsed("src").iter().flat_map(|file| &file.items) {
        match item {
            Item::Enum(item) => drop(found.insert(item.ident.to_string())),
            Item::Struct(item) => drop(found.insert(item.ident.to_string())),
            Item::Trait(item) => drop(found.insert(item.ident.to_string())),
            Item::Fn(item) if is_public(&item.vis) => drop(found.insert(item.sig.ident.to_string())),
            // `uniffi::custom_type!(Name, …)`
            Item::Macro(item) => {
                let name = item.mac.tokens.clone().into_iter().next();
                found.extend(name.map(|name| name.to_string()));
            }
            _ => {}
        }
    }
    found
}

/// Methods of a type, and fields of a record.
fn members(files: &[syn::File], of: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for item in files.iter().flat_map(|file| &file.items) {
        match item {
            Item::Impl(item) if item.trait_.is_none() && named(&item.self_ty, of) => {
                let methods = item.items.iter().filter_map(|item| match item {
                    ImplItem::Fn(method) if is_public(&method.vis) => Some(method.sig.ident.to_string()),
                    _ => None,
                });
                found.extend(methods);
            }
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
fn every_public_type_is_carried_over_or_has_a_reason() {
    let (public, carried) = (public_in_core(), carried_over());
    for name in &public {
        let excused = NOT_FOR_APPS.iter().any(|(excused, _)| excused == name);
        assert!(carried.contains(name) != excused, "`{name}` is public in the core: carry it over, or say why not");
    }
    for (excused, _) in NOT_FOR_APPS {
        assert!(public.contains(excused), "`{excused}` is not public in the core any more");
    }
    assert!(public.len() > 40 && public.contains("Authenticator"), "{public:?}");
}

#[test]
fn every_public_method_and_field_is_carried_over() {
    let (core, bindings, carried) = (parsed("../core/src"), parsed("src"), carried_over());
    let mut compared = 0;
    for name in public_in_core().iter().filter(|name| carried.contains(*name)) {
        let (core, bindings) = (members(&core, name), members(&bindings, name));
        let excused =
            OTHER_METHODS.iter().filter(|(of, _, _)| of == name).flat_map(|(_, methods, _)| methods.split(' '));
        let excused: BTreeSet<String> = excused.map(str::to_owned).collect();
        for member in core.difference(&excused).filter(|member| *member != "clock") {
            assert!(bindings.contains(member), "`{name}::{member}` is public in the core and missing here");
            compared += 1;
        }
    }
    assert!(compared > 60, "{compared} compared");
}
