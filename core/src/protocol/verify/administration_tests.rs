//! Tests with administrative acts (section 12): a valid prompt of each kind, and copies with one fault each.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use serde_json::{Value, json};

use super::tests::{Service, good_prompt};
use super::*;

/// The kinds whose `about` names a person, a group or a token.
const ABOUT_SOMETHING: [&str; 12] = [
    "add_person",
    "delete_person",
    "suspend_person",
    "resume_person",
    "create_pass_for_person",
    "unblock_person",
    "change_groups",
    "make_administrator",
    "remove_administrator",
    "report_lost_for_person",
    "reset_person",
    "create_api_token",
];

fn act(kind: &str, about: &str) -> Value {
    let mut prompt = good_prompt();
    prompt["kind"] = json!(kind);
    prompt["origin"] = json!("signed_in");
    prompt["context"]["about"] = json!(about);
    prompt
}

fn read(prompt: &Value) -> Result<Prompt, Refusal> {
    let service = Service::new();
    service.verify(&service.sign(&service.header(), prompt))
}

#[test]
fn an_administrative_act_says_whom_it_concerns() {
    for kind in ABOUT_SOMETHING {
        let prompt = read(&act(kind, "alice")).unwrap();
        assert!(prompt.kind().is_administrative_act(), "{kind}");
        assert_eq!(serde_json::to_value(prompt.kind()).unwrap(), json!(kind));
        assert_eq!(prompt.context().about.as_deref(), Some("alice"));
    }
    let policy = read(&act("change_policy", "")).unwrap();
    assert_eq!((policy.kind(), policy.context().about.as_deref()), (PromptKind::ChangePolicy, Some("")));
    let longest = "\u{fc}".repeat(128);
    assert_eq!(read(&act("suspend_person", &longest)).unwrap().context().about, Some(longest));
}

#[test]
fn an_administrative_act_is_answered_like_a_step_up() {
    for (key, needs_unlock) in [("device", false), ("sign_in", true)] {
        let mut prompt = act("delete_person", "alice");
        prompt["key"] = json!(key);
        prompt["exp"] = json!(prompt["iat"].as_u64().unwrap() + 300);
        assert_eq!(read(&prompt).map(|prompt| prompt.needs_unlock()), Ok(needs_unlock), "{key}");
        prompt["exp"] = json!(prompt["iat"].as_u64().unwrap() + 301);
        assert_eq!(read(&prompt), Err(Refusal::LivesTooLong), "{key}");
    }
}

#[test]
fn an_administrative_act_with_one_fault_is_refused() {
    assert!(read(&act("suspend_person", "alice")).is_ok());
    let choose = json!({"mode": "choose", "options": ["10", "47", "99"]});
    let cases = [
        ("/context/about", json!(null), Refusal::AboutForm),
        ("/context/about", json!(7), Refusal::AboutForm),
        ("/context/about", json!(["alice"]), Refusal::AboutForm),
        ("/context/about", json!(""), Refusal::AboutForm),
        ("/context/about", json!(" \u{a0}"), Refusal::AboutForm),
        ("/context/about", json!("al\u{200b}ice"), Refusal::AboutForm),
        ("/context/about", json!("\u{202e}ecila"), Refusal::AboutForm),
        ("/context/about", json!("alice\n"), Refusal::AboutForm),
        ("/context/about", json!("x".repeat(129)), Refusal::TextTooLong),
        ("/origin", json!("known_browser"), Refusal::OriginForm),
        ("/origin", json!("password_proved"), Refusal::OriginForm),
        ("/match", choose, Refusal::MatchForm),
        ("/kind", json!("suspend_people"), Refusal::Jose(JoseError::Json)),
        ("/kind", json!("set_password_for_person"), Refusal::Jose(JoseError::Json)),
        ("/kind", json!("Suspend_Person"), Refusal::Jose(JoseError::Json)),
    ];
    for (pointer, value, refusal) in cases {
        let mut prompt = act("suspend_person", "alice");
        *prompt.pointer_mut(pointer).unwrap() = value.clone();
        assert_eq!(read(&prompt), Err(refusal), "{pointer} = {value}");
    }
    let mut without = act("suspend_person", "alice");
    without["context"].as_object_mut().unwrap().remove("about");
    assert_eq!(read(&without), Err(Refusal::AboutForm));
    assert_eq!(read(&act("change_policy", "alice")), Err(Refusal::AboutForm));
    let mut from_unknown = act("suspend_person", "alice");
    from_unknown["origin"] = json!("unknown");
    from_unknown["exp"] = json!(from_unknown["iat"].as_u64().unwrap() + 60);
    assert_eq!(read(&from_unknown), Err(Refusal::OriginForm));
}

/// A core of version 0.1 ignores `about`, because it does not know the member. What a reader refuses must not change.
#[test]
fn about_is_ignored_in_every_other_prompt() {
    for about in [json!("alice"), json!("x".repeat(129)), json!("\u{202e}"), json!(7), json!({"a": 1}), json!(null)] {
        let mut prompt = good_prompt();
        prompt["context"]["about"] = about.clone();
        assert_eq!(read(&prompt).unwrap().context().about, None, "{about}");
    }
}

#[test]
fn a_stored_prompt_is_read_as_it_was_verified() {
    let service = Service::new();
    for prompt in [good_prompt(), act("reset_person", "alice"), act("change_policy", "")] {
        let jws = service.sign(&service.header(), &prompt);
        assert_eq!(read_verified(&jws, &service.audience()), service.verify(&jws).ok());
    }
}
