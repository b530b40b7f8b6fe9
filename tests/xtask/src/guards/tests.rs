#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
use super::marks::{find, without};

fn changed(code: &str) -> String {
    let marks = find(code).unwrap();
    without(code, marks.first().unwrap()).unwrap()
}

#[test]
fn a_statement_is_removed() {
    let code = "fn f() {\n    // GUARD(a): t\n    end(\n        \"a; }\",\n    )?;\n    go();\n}\n";
    assert_eq!(changed(code), "fn f() {\n    // GUARD(a): t\n    \n    go();\n}\n");
}

#[test]
fn a_match_arm_is_removed() {
    let code = "match x {\n    // GUARD(a): t\n    A(b) if b => { c(); }\n    D => e,\n}";
    assert_eq!(changed(code), "match x {\n    // GUARD(a): t\n    \n    D => e,\n}");
    let code = "match x {\n    // GUARD(a): t\n    A(b, c) if b => d(b, c),\n    D => e,\n}";
    assert_eq!(changed(code), "match x {\n    // GUARD(a): t\n    \n    D => e,\n}");
}

#[test]
fn only_the_marked_operand_is_removed() {
    let code = "a\n    // GUARD(a): t\n    && b.any(|it| it == c && d)\n    && e";
    assert_eq!(changed(code), "a\n    // GUARD(a): t\n    \n    && e");
    let code = "if a\n    // GUARD(a): t\n    || !same(&b, '}')\n{\n    c\n}";
    assert_eq!(changed(code), "if a\n    // GUARD(a): t\n    \n{\n    c\n}");
    let code = "(a\n    // GUARD(a): t\n    && b)";
    assert_eq!(changed(code), "(a\n    // GUARD(a): t\n    )");
}

#[test]
fn marked_call_of_a_chain_is_removed() {
    let code = "a\n    // GUARD(a): t\n    .filter(|it| it.b()?)\n    .map(c)";
    assert_eq!(changed(code), "a\n    // GUARD(a): t\n    \n    .map(c)");
}

#[test]
fn guarded_condition_becomes_false() {
    let code = "// GUARD(a): t\nif a != b {\n    return;\n}";
    assert_eq!(changed(code), "// GUARD(a): t\nif false {\n    return;\n}");
}

#[test]
fn the_line_after_the_mark_is_replaced() {
    let code = "    // GUARD(a): t, u\n    // Why.\n    // INSTEAD: b();\n    a();\n";
    assert_eq!(changed(code), "    // GUARD(a): t, u\n    // Why.\n    // INSTEAD: b();\n    b();\n");
    assert_eq!(find(code).unwrap().first().unwrap().tests, ["t", "u"]);
}

#[test]
fn guard_marks_in_templates_are_found() {
    assert_eq!(changed("{# GUARD(a): t #}\n{# INSTEAD: b #}\na\n"), "{# GUARD(a): t #}\n{# INSTEAD: b #}\nb\n");
}

#[test]
fn guard_mark_without_test_or_code_is_refused() {
    assert!(find("// GUARD(a)\nb();\n").is_err());
    assert!(find("// GUARD(a): t\n").is_err());
    assert!(find("// GUARD(a): t\n// GUARD(b): t\nc();\n").is_err());
}
