//! Tests with valid invites, damaged invites, issuers, typed codes and other texts.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use super::*;

const GOOD: &str = "countersign://enroll?v=1&issuer=https%3A%2F%2Flogin.test%3A8443&id=AAECAwQFBgcICQoLDA0ODw&secret=EBESExQVFhcYGRobHB0eHw";

fn read(text: &str) -> Result<Invite, CodeError> {
    match read_text(text)? {
        Scanned::Invite(invite) => Ok(invite),
        Scanned::Other(other) => panic!("{text} looks like {other:?}"),
    }
}

#[test]
fn an_invite_is_read_and_its_secret_is_not_printed() {
    let invite = read(GOOD).unwrap();
    assert_eq!((invite.issuer().as_str(), invite.issuer().host()), ("https://login.test:8443", "login.test:8443"));
    assert_eq!(invite.id(), "AAECAwQFBgcICQoLDA0ODw");
    let shown = format!("{invite:?}");
    assert!(!shown.contains("EBESExQV") && !shown.contains("16, 17, 18"), "{shown}");
    assert!(read(&GOOD.replace("countersign://enroll", "COUNTERSIGN://ENROLL")).is_ok());
}

#[test]
fn a_damaged_invite_is_refused() {
    for (name, text) in [
        ("no version", GOOD.replace("v=1&", "")),
        ("no issuer", GOOD.replace("issuer=https%3A%2F%2Flogin.test%3A8443&", "")),
        ("no id", GOOD.replace("&id=AAECAwQFBgcICQoLDA0ODw", "")),
        ("no secret", GOOD.replace("&secret=EBESExQVFhcYGRobHB0eHw", "")),
        ("doubled id", format!("{GOOD}&id=AAECAwQFBgcICQoLDA0ODw")),
        ("an extra parameter", format!("{GOOD}&sslverify=0")),
        ("short secret", GOOD.replace("EBESExQVFhcYGRobHB0eHw", "EBES")),
        ("long id", GOOD.replace("AAECAwQFBgcICQoLDA0ODw", "AAECAwQFBgcICQoLDA0ODwAA")),
        ("not canonical", GOOD.replace("HB0eHw", "HB0eHx")),
        ("version zero", GOOD.replace("v=1", "v=0")),
        ("version text", GOOD.replace("v=1", "v=one")),
    ] {
        assert_eq!(read(&text).err(), Some(CodeError::Damaged), "{name}");
    }
}

#[test]
fn newer_version_is_reported_despite_unknown_parameters() {
    for text in [
        GOOD.replace("v=1", "v=2"),
        GOOD.replace("v=1", "v=4294967295"),
        "countersign://enroll?new=part&v=2".to_owned(),
        "countersign://enroll?v=3".to_owned(),
    ] {
        let read = read_text(&text);
        assert!(matches!(read, Ok(Scanned::Other(OtherCode::NewerVersion))), "{text}: {read:?}");
    }
    for text in ["countersign://enroll?new=2", "countersign://enroll?new=2&v=1", "countersign://enroll?v=4294967296"] {
        assert_eq!(read_text(text).err(), Some(CodeError::Damaged), "{text}");
    }
}

#[test]
fn only_https_issuers_in_normal_form_are_accepted() {
    for valid in ["https://login.test", "https://login.test:8443", "https://192.0.2.1", "https://[2001:db8::1]:8443"] {
        assert_eq!(Issuer::parse(valid).map(|issuer| issuer.as_str().to_owned()), Ok(valid.to_owned()));
    }
    for bad in [
        "http://login.test",
        "login.test",
        "https://login.test/",
        "https://login.test/path",
        "https://login.test?x",
        "https://login.test#x",
        "https://LOGIN.test",
        "https://login.test:443",
        "https://login.test:0",
        "https://login.test.",
        "https://bank.test@evil.test",
        "https://bank.test:x@evil.test",
        "https://lоgin.test",
        "https://login.test\n",
        " https://login.test",
        "https://login.test:99999",
        "https://log`in.test",
        "https://login\"x.test",
        "https://log_in.test",
        "https://login.test;x",
        "https://2130706433",
        "https://",
        "ftp://login.test",
        "javascript:alert(1)",
        "",
    ] {
        assert_eq!(Issuer::parse(bad), Err(NotAnIssuer), "{bad:?}");
    }
}

/// Fuzzing found this case. The URL standard does not limit the length of a host name, but DNS does, and a screen can't
/// show a very long name.
#[test]
fn issuers_with_invalid_dns_labels_are_refused() {
    let of = |labels: &[usize]| {
        let labels: Vec<String> = labels.iter().map(|length| "a".repeat(*length)).collect();
        Issuer::parse(&format!("https://{}", labels.join(".")))
    };
    assert!(of(&[63, 63, 63, 61]).is_ok());
    for bad in [&[63, 63, 63, 62][..], &[64, 4], &[4, 0, 4], &[0, 4], &[4, 0]] {
        assert_eq!(of(bad), Err(NotAnIssuer), "{bad:?}");
    }
}

#[test]
fn typed_codes_are_read_in_several_spellings() {
    for text in ["ABCD-EF01-2345", "abcd ef01 2345", "abcdefOi2345", " A B C D E F 0 L 2 3 4 5 ", "abcd-ef٠١-٢٣٤٥"]
    {
        let invite = read_typed(text, "login.test:8443").unwrap();
        assert_eq!((invite.id(), invite.issuer().as_str()), ("ABCD", "https://login.test:8443"));
    }
    for address in ["https://login.test", "LOGIN.TEST", " login.test/ "] {
        assert_eq!(read_typed("ABCDEF012345", address).unwrap().issuer().as_str(), "https://login.test");
    }
    for text in ["", "ABCD-EF01-234", "ABCD-EF01-23456", "ABCD-EF01-234U", "ABCD-EF01-234½", "ABCD_EF01_2345"] {
        assert_eq!(read_typed(text, "login.test").err(), Some(CodeError::TypedForm), "{text}");
    }
    for address in ["", "http://login.test", "login.test/path", "user@login.test", "login test"] {
        assert_eq!(read_typed("ABCDEF012345", address).err(), Some(CodeError::Address), "{address}");
    }
}

#[test]
fn malformed_texts_are_unknown_codes() {
    for text in
        ["ß".repeat(10_000), "countersign://enroll".to_owned(), "\u{0}".to_owned(), "countersign://ünroll?".to_owned()]
    {
        assert!(matches!(read_text(&text), Ok(Scanned::Other(OtherCode::Unknown))));
    }
}
