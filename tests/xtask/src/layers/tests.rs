#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
use super::*;

/// `high` is above `middle`, and `middle` is above `low`.
const TABLE: &str = "top: lib\nhigh: high\nmiddle: middle\nlow: low\n";
const LIB: (&str, &str) = ("src/lib.rs", "mod high;\nmod low;\nmod middle;\n");
const HIGH: (&str, &str) = ("src/high.rs", "pub struct Thing;\npub fn act() {}\n");
const MIDDLE: (&str, &str) = ("src/middle.rs", "pub fn help() {}\n");

fn judged(files: &[(&str, &str)], table: &str) -> Verdict {
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    judge(&|path| files.get(path).map(|text| (*text).to_owned()), table)
}

/// Returns the problems of a crate whose module `low` has this text.
fn problems_of_low(low: &str) -> Vec<String> {
    judged(&[LIB, HIGH, MIDDLE, ("src/low.rs", low)], TABLE).problems
}

fn upward_from_low(path: &str, line: usize) -> String {
    format!("src/low.rs (layer low) imports src/high.rs (layer high, above it): {path}, line {line}")
}

/// Asserts that a module `low` with this text is reported to import `high`, by this path in this line.
fn assert_upward(low: &str, path: &str, line: usize) {
    assert_eq!(problems_of_low(low), [upward_from_low(path, line)], "{low}");
}

#[test]
fn imports_of_lower_and_same_layers_are_allowed() {
    let high = "use crate::middle::help;\nmod part;\nuse part::Part;\npub struct Thing(Part);\n";
    let part = "use crate::low;\npub struct Part(low::Low);\n";
    let files = [LIB, ("src/high.rs", high), ("src/high/part.rs", part), MIDDLE, ("src/low.rs", "pub struct Low;\n")];
    let verdict = judged(&files, TABLE);
    assert_eq!(verdict.problems, [""; 0]);
    assert_eq!((verdict.files, verdict.imports, verdict.cycles), (5, 3, 0));
}

#[test]
fn an_upward_use_is_found() {
    assert_upward("use crate::high::Thing;\n", "crate::high::Thing", 1);
    assert_upward("\nuse super::high::{self};\n", "super::high", 2);
    assert_upward("use crate::{\n    high::{\n        Thing as Other,\n    },\n};\n", "crate::high::Thing", 3);
    assert_upward("use crate::high::*;\n", "crate::high", 1);
    assert_upward("fn f() {\n    use crate::high::act;\n    act();\n}\n", "crate::high::act", 2);
    assert_upward("mod inner {\n    use super::super::high::act;\n}\n", "super::super::high::act", 2);
}

#[test]
fn an_upward_path_in_code_types_and_attributes_is_found() {
    assert_upward("fn f() {\n    crate::high::act();\n}\n", "crate::high::act", 2);
    assert_upward("fn f(_: Option<&crate::high::Thing>) {}\n", "crate::high::Thing", 1);
    assert_upward("fn f(x: T) {\n    match x {\n        super::high::Thing => {}\n    }\n}\n", "super::high::Thing", 3);
    assert_upward("impl self::super::high::Thing {}\n", "self::super::high::Thing", 1);
    assert_upward("#[derive(crate::high::Thing)]\nstruct S;\n", "crate::high::Thing", 1);
    assert_upward("struct S {\n    #[serde(default = \"crate::high::act\")]\n    x: u8,\n}\n", "crate::high::act", 2);
}

#[test]
fn an_upward_path_in_a_macro_is_found() {
    assert_upward("fn f() {\n    assert!(g(crate::high::act()));\n}\n", "crate::high::act", 2);
    assert_upward("fn f() {\n    json!({ a: super::high::act() });\n}\n", "super::high::act", 2);
    assert_upward("macro_rules! m {\n    () => {\n        $crate::high::act()\n    };\n}\n", "crate::high::act", 3);
}

#[test]
fn path_of_another_crate_is_not_an_import() {
    assert_eq!(problems_of_low("use ::high::Thing;\nuse other::high::act;\n"), [""; 0]);
    assert_eq!(problems_of_low("fn f() {\n    m!(::high::act(), other::high::act(), x.high::<u8>());\n}\n"), [""; 0]);
}

#[test]
fn an_upward_import_through_a_module_in_scope_is_found() {
    let files =
        |low| [LIB, HIGH, ("src/middle.rs", "pub mod deep;\n"), ("src/middle/deep.rs", ""), ("src/low.rs", low)];
    let table = "top: lib\nhigh: high middle::deep\nlow: low middle\n";
    let expected =
        "src/low.rs (layer low) imports src/middle/deep.rs (layer high, above it): middle::deep::act, line 3";
    for low in
        ["use crate::middle;\nfn f() {\n    middle::deep::act();\n}\n", "use super::*;\n\nuse middle::deep::act;\n"]
    {
        let problems = judged(&files(low), table).problems;
        assert!(problems.contains(&expected.to_owned()), "{problems:?}");
    }
}

#[test]
fn path_to_a_child_module_is_an_import() {
    let table = "top: lib\nhigh: high::child\nlow: high\n";
    let expected =
        |path| format!("src/high.rs (layer low) imports src/high/child.rs (layer high, above it): {path}, line 2");
    for (text, path) in [
        ("mod child;\npub use child::Item;\n", "child::Item"),
        ("mod child;\nfn f(_: child::Item) {}\n", "child::Item"),
        ("mod child;\nfn f() { m!(child::g()) }\n", "child::g"),
    ] {
        let files = [("src/lib.rs", "mod high;\n"), ("src/high.rs", text), ("src/high/child.rs", "pub struct Item;\n")];
        assert_eq!(judged(&files, table).problems, [expected(path)]);
    }
    for text in ["mod child;\n", "mod child;\nuse ::child::Item;\n", "mod child;\nfn f() { m!(::child::g()) }\n"] {
        let files = [("src/lib.rs", "mod high;\n"), ("src/high.rs", text), ("src/high/child.rs", "")];
        assert_eq!(judged(&files, table).problems, [""; 0], "{text}");
    }
}

#[test]
fn visibility_path_is_not_an_import() {
    let child = "pub(super) fn f() {}\npub(in crate::high::inner) fn g() {}\n";
    let files = [("src/lib.rs", "mod high;\n"), ("src/high.rs", "mod child;\n"), ("src/high/child.rs", child)];
    assert_eq!(judged(&files, "high: lib high\nlow: high::child\n").problems, [""; 0]);
}

/// Returns the problems when `low` imports `crate::middle::Thing` and `middle` contains this re-export from `high`.
fn problems_behind(re_export: &str) -> Vec<String> {
    let files = [LIB, HIGH, ("src/middle.rs", re_export), ("src/low.rs", "use crate::middle::Thing;\n")];
    // `middle` is in the layer of `low`, so that only the re-exported item is in a higher layer.
    judged(&files, "top: lib\nhigh: high\nlow: low middle\n").problems
}

#[test]
fn upward_import_through_a_re_export_is_found() {
    for re_export in [
        "pub use crate::high::Thing;\n",
        "pub(crate) use crate::high::act as Thing;\n",
        "pub use crate::high::*;\n",
        "pub use inner::*;\nmod inner {\n    pub use super::super::high::*;\n}\n",
    ] {
        let problems = problems_behind(re_export);
        assert!(problems.contains(&upward_from_low("crate::middle::Thing", 1)), "{re_export} {problems:?}");
    }
}

#[test]
fn re_export_of_a_lower_item_by_the_root_is_allowed() {
    for re_export in ["pub use low::Low;", "pub use crate::low::*;"] {
        let lib = format!("mod high;\nmod low;\nmod middle;\n{re_export}\n");
        let files = [
            ("src/lib.rs", lib.as_str()),
            HIGH,
            ("src/middle.rs", "use crate::Low;\n"),
            ("src/low.rs", "pub struct Low;\n"),
        ];
        assert_eq!(judged(&files, TABLE).problems, [""; 0], "{re_export}");
    }
}

#[test]
fn circular_re_exports_are_reported_as_a_cycle() {
    let files = [
        LIB,
        ("src/high.rs", ""),
        ("src/middle.rs", "pub use crate::low::*;\n"),
        ("src/low.rs", "pub use crate::middle::*;\npub use crate::low::Nothing;\n"),
    ];
    assert_eq!(judged(&files, TABLE).cycles, 1);
}

#[test]
fn a_cycle_within_a_layer_is_found() {
    let files = [
        LIB,
        ("src/high.rs", "use crate::middle::help;\n"),
        ("src/middle.rs", "use crate::low::act;\n"),
        // `child` is in no cycle, although every file of the cycle depends on it.
        ("src/low.rs", "mod child;\nuse child::f;\nfn act() {\n    crate::high::g();\n}\n"),
        ("src/low/child.rs", ""),
    ];
    let verdict = judged(&files, "top: lib\nall: high middle low\n");
    assert_eq!(verdict.problems, ["3 files import each other: src/high.rs, src/low.rs, src/middle.rs"]);
    assert_eq!(verdict.cycles, 1);
}

#[test]
fn code_for_tests_is_ignored() {
    for low in [
        "#[cfg(test)]\nuse crate::high::Thing;\n",
        "#[cfg(all(test, unix))]\nfn f() {\n    crate::high::act();\n}\n",
        "#[cfg(any(test, feature = \"testing\"))]\nmod inner {\n    use crate::high::Thing;\n}\n",
        "#[cfg(test)]\nmod tests;\n",
        "fn f() {\n    #[cfg(test)]\n    crate::high::act();\n}\n",
        "impl S {\n    #[cfg(test)]\n    fn f(_: crate::high::Thing) {}\n}\n",
        "struct S {\n    #[cfg(test)]\n    x: crate::high::Thing,\n}\n",
    ] {
        // The file of `mod tests` does not exist here, and is not read.
        assert_eq!(problems_of_low(low), [""; 0], "{low}");
    }
}

#[test]
fn code_of_non_test_builds_is_checked() {
    for low in [
        "#[cfg(not(test))]\nuse crate::high::Thing;\n",
        "#[cfg(any(test, unix))]\nuse crate::high::Thing;\n",
        "#[cfg(feature = \"testing\")]\nuse crate::high::Thing;\n",
        "#[cfg(any(feature = \"testing\"))]\nuse crate::high::Thing;\n",
    ] {
        assert_upward(low, "crate::high::Thing", 2);
    }
}

#[test]
fn a_file_in_no_layer_is_found() {
    let files = [LIB, HIGH, MIDDLE, ("src/low.rs", "")];
    assert_eq!(
        judged(&files, "top: lib\nhigh: high\nlow: low\n").problems,
        ["src/middle.rs is in no layer of the table"]
    );
    // The entry `lib` covers only the root file, so three files are in no layer.
    assert_eq!(judged(&files, "top: lib\n").problems.len(), 3);
}

#[test]
fn listed_module_without_a_file_is_reported() {
    let table = format!("{TABLE}gone: low::gone # moved\n");
    let expected = "the table lists low::gone, which is not a module of the crate";
    assert_eq!(judged(&[LIB, HIGH, MIDDLE, ("src/low.rs", "mod gone {}\n")], &table).problems, [expected]);
}

#[test]
fn faults_of_a_layer_table_are_reported() {
    let problems = |table: &str| table::read(table).err().unwrap_or_default();
    assert_eq!(problems("# a comment\n\na: x y # more\nb: x::z\n"), [""; 0]);
    assert_eq!(problems("a: x\nb: x\n"), ["the table lists x twice"]);
    assert_eq!(problems("a: x\na: y\n"), ["the table has two layers named a"]);
    assert_eq!(problems("x y\n"), ["the table has a line without a layer name: x y"]);
    assert_eq!(judged(&[LIB, HIGH, MIDDLE, ("src/low.rs", "")], "a: x\nb: x\n").problems, ["the table lists x twice"]);
}

#[test]
fn missing_or_malformed_file_is_reported() {
    assert_eq!(judged(&[], "").problems, ["neither src/lib.rs nor src/main.rs can be read"]);
    let missing = "src/main.rs declares a, and src/a.rs can't be read";
    assert_eq!(judged(&[("src/main.rs", "mod a;\n")], "").problems, [missing]);
    assert_eq!(judged(&[("src/lib.rs", "fn\n")], "").problems.len(), 1);
}

#[test]
fn summary_counts_files_imports_and_cycles() {
    let verdict = |cycles| Verdict { problems: Vec::new(), files: 3, imports: 4, cycles };
    let line = summary(&[("a", verdict(0)), ("b", verdict(2))]);
    assert_eq!(line, "a 3 files, 4 imports; b 3 files, 4 imports; 2 cycles");
}

#[test]
fn this_workspace_passes_the_layers_check() {
    assert!(check().unwrap());
}
