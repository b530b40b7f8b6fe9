//! Adds up the sizes of the library's symbols by crate.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::Command;

use crate::report::output_of;

/// Crates smaller than this are added up as one line, in bytes.
const SMALL: u64 = 15_000;

/// Returns lines with the sizes of the crates in a library that is not stripped, the largest first. The sizes do not
/// include the unwinder's tables and relocations.
pub(super) fn by_crate(library: &Path) -> io::Result<Vec<String>> {
    let symbols = output_of(Command::new("nm").args(["-S", "-C", "--defined-only"]).arg(library))?;
    let mut sizes: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, size) in symbols.lines().filter_map(symbol) {
        let sum = sizes.entry(crate_of(name)).or_default();
        *sum = sum.saturating_add(size);
    }
    let mut sorted: Vec<(&str, u64)> = sizes.into_iter().collect();
    sorted.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    let (large, small): (Vec<_>, Vec<_>) = sorted.into_iter().partition(|(_, size)| *size >= SMALL);
    let rest = (format!("{} others", small.len()), small.iter().map(|(_, size)| size).sum::<u64>());
    let lines = large.into_iter().map(|(name, size)| (name.to_owned(), size)).chain([rest]);
    Ok(lines.map(|(name, size)| format!("| {name} | {size} |")).collect())
}

/// Reads a line of `nm`: address, size, kind and name.
fn symbol(line: &str) -> Option<(&str, u64)> {
    let mut parts = line.splitn(4, ' ');
    let (_address, size) = (parts.next()?, u64::from_str_radix(parts.next()?, 16).ok()?);
    let _kind = parts.next()?;
    Some((parts.next()?, size))
}

/// Returns the crate of a symbol. Symbols without a path are C or assembly.
fn crate_of(name: &str) -> &str {
    if name.starts_with("sqlite3") || name.starts_with("yy") {
        return "SQLite";
    }
    if name.contains("UNIFFI") || name.starts_with("uniffi") || name.starts_with("ffi_") {
        return "uniffi (generated)";
    }
    let path = name.trim_start_matches(['<', '&', '*', '[', '(']);
    let path = ["mut ", "dyn "].iter().fold(path, |path, word| path.strip_prefix(word).unwrap_or(path));
    match path.split_once("::") {
        Some((first, _)) if first.chars().all(|one| one.is_ascii_alphanumeric() || one == '_') => first,
        Some(_) => "generic code",
        None => "C and assembly (ring, SQLite)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_symbol_belongs_to_a_crate() {
        assert_eq!(symbol("0000000000001000 0000000000000010 t rustls::conn::new"), Some(("rustls::conn::new", 16)));
        assert_eq!(symbol("0000000000001000 t without_a_size"), None);
        for (name, expected) in [
            ("rustls::conn::new", "rustls"),
            ("<&mut rxing::common::BitMatrix as core::fmt::Debug>::fmt", "rxing"),
            ("sqlite3VdbeExec", "SQLite"),
            ("ecp_nistz256_precomputed", "C and assembly (ring, SQLite)"),
            ("UNIFFI_META_COUNTERSIGN_RECORD_ACCOUNT", "uniffi (generated)"),
        ] {
            assert_eq!(crate_of(name), expected);
        }
    }
}
