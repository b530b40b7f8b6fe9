//! Finds the package and the cargo target of a test.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

use crate::report::root;

/// Prefix of fuzz tests: `fuzz::name`. A macro generates these tests, so no function in the source has their name.
const FUZZ: &str = "fuzz::";

/// The files that define each test, by the test's name.
pub(super) struct Targets(BTreeMap<String, BTreeSet<String>>);

impl Targets {
    /// Reads every test of these files.
    pub(super) fn read(files: &[String]) -> io::Result<Self> {
        let mut tests: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for file in files.iter().filter(|file| file.ends_with(".rs")) {
            for name in names(&fs::read_to_string(root().join(file))?) {
                tests.entry(name.to_owned()).or_default().insert(file.clone());
            }
        }
        Ok(Self(tests))
    }

    /// Returns the arguments of `cargo test` that run one test.
    pub(super) fn of(&self, test: &str) -> Result<Vec<String>, String> {
        if let Some(target) = test.strip_prefix(FUZZ) {
            return Ok(["--package", "countersign-fuzz", "--test", "targets", target].map(str::to_owned).into());
        }
        let files: Vec<&String> = self.0.get(test).into_iter().flatten().collect();
        let [file] = files.as_slice() else {
            return Err(format!("{} tests are named {test}", files.len()));
        };
        let (package, path) = package(Path::new(file)).ok_or_else(|| format!("{file} is in no package"))?;
        let mut arguments = vec!["--package".to_owned(), package];
        match path.strip_prefix("tests/").and_then(|path| path.split(['/', '.']).next()) {
            Some(target) => arguments.extend(["--test".to_owned(), target.to_owned()]),
            None => arguments.push("--lib".to_owned()),
        }
        arguments.push(test.to_owned());
        Ok(arguments)
    }
}

/// Returns the names of functions that follow an attribute whose name ends in `test`.
fn names(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if let Some(attribute) = line.strip_prefix("#[") {
            is_test |= attribute.split(['(', ']']).next().is_some_and(|name| name.ends_with("test"));
        } else if let Some((_, function)) = line.split_once("fn ") {
            names.extend(function.split(['(', '<']).next().filter(|_name| is_test));
            is_test = false;
        }
    }
    names
}

/// Returns the package of a file, and the file's path in this package.
fn package(file: &Path) -> Option<(String, String)> {
    let folder = file.ancestors().skip(1).find(|folder| root().join(folder).join("Cargo.toml").exists())?;
    let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).ok()?;
    let name = manifest.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))?;
    Some((name.to_owned(), file.strip_prefix(folder).ok()?.to_string_lossy().into_owned()))
}
