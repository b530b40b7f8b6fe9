//! Texts of the administrator's pages.

use super::parts::{ago, link, removed_phones};
use crate::admin::acts::Shown;
use crate::clock::Time;
use crate::pages::{Block, Entry, Field, Form, Page};
use crate::people::person::Person;
use crate::policy::document::Fault;
use crate::policy::records::{ApiToken, Group};
use crate::policy::rules::Reason;

/// Shown on a person's page when a change was refused.
pub const NOT_DONE: &str = "This account can't be changed in this way. Nothing was changed.";

const PERSON: &str = "/admin/person";
const GROUP_JOINED: &str = "An addition to this group was reported. Until an administrator decides, the policy applies \
                            with and without this group, whichever is stricter.";
const GROUP_LEFT: &str = "A removal from this group was reported. Until an administrator decides, the policy applies \
                          with and without this group, whichever is stricter.";

fn navigation(page: Page) -> Page {
    page.and(link("people", "/admin", "People", ""))
        .and(link("groups", "/admin/groups", "Groups", ""))
        .and(link("policy", "/admin/policy", "Policy", ""))
        .and(link("api-tokens", "/admin/api-tokens", "API tokens", ""))
        .and(link("security-info", "/security-info", "Your security info", ""))
}

/// Shown to a person who opens an administrator's page but is not an administrator.
#[must_use]
pub fn no_administrator() -> Page {
    Page::new("no-administrator", "Only administrators can open this page")
        .and(Block::Outcome("Your account can't see or change other people. Nothing was changed.".to_owned()))
        .and(link("back", "/security-info", "Back to security info", "button main"))
}

/// The list of all people.
#[must_use]
pub fn people(everybody: &[(usize, Person)], problem: Option<&str>) -> Page {
    let entries = everybody.iter().map(|(phones, person)| Entry {
        address: format!("{PERSON}?account={}", person.account_id),
        text: format!("{} ({})", person.display_name, person.user_name),
        detail: standing(person, *phones),
    });
    let page = Page::new("admin-people", "People").and(Block::Entries(entries.collect()));
    let page = page.form(
        Form::main("add-person", "/admin/people", "Add person")
            .asking(Field { id: "user-name", name: "user_name", label: "User name", ..Field::text() })
            .asking(Field { id: "name", name: "name", label: "Name", ..Field::text() }),
    );
    navigation(page).problem(problem)
}

fn standing(person: &Person, phones: usize) -> String {
    let phones = match phones {
        0 => "no phone".to_owned(),
        1 => "1 phone".to_owned(),
        more => format!("{more} phones"),
    };
    let suspended = if person.suspended { " · suspended" } else { "" };
    let administrator = if person.is_administrator { " · administrator" } else { "" };
    format!("{phones}{suspended}{administrator}")
}

/// Says that a person was added, and shows the password for the first sign-in.
#[must_use]
pub fn person_added(user_name: &str, password: String) -> Page {
    Page::new("person-added", "The person was added")
        .and(Block::Facts(vec![
            ("User name", user_name.to_owned(), "made-name"),
            ("Password", password, "made-password"),
        ]))
        .text("The password works once; the person then chooses another. It is shown only now: give it to the person.")
        .and(link("done", "/admin", "Done", "button main"))
}

/// Shows one person: the account, the policy, the phones and the possible changes.
#[must_use]
pub fn person(shown: &Shown, now: Time, news: Option<&str>) -> Page {
    let person = &shown.person;
    let page = Page::new("admin-person", person.display_name.clone());
    let page = match news {
        Some(news) => page.and(Block::Outcome(news.to_owned())),
        None => page,
    };
    let why: Vec<String> = shown.effective.why.iter().map(Reason::words).collect();
    let allowed = shown.effective.mode.map_or("may not use the app", |mode| mode.words());
    let page = page.and(Block::Facts(vec![
        ("User name", person.user_name.clone(), "user-name"),
        ("Account", standing(person, shown.phones.len()), "standing"),
        ("Account id", person.account_id.clone(), "account-id"),
        ("Policy", allowed.to_owned(), "policy-mode"),
        ("Why", why.join(" "), "policy-why"),
    ]));
    let about = |form: Form, act: &str| form.with("account", person.account_id.clone()).with("act", act.to_owned());
    let page = (1..).zip(&shown.phones).fold(page, |page, (number, phone)| {
        let name = phone.claimed.as_ref().map_or("", |claimed| &claimed.name);
        let kind = if phone.sign_in.is_some() { "phone sign-in" } else { "phone app" };
        page.text(format!("{name}: {kind}, added {}", ago(phone.added_at, now))).form(
            about(Form::danger("lost", PERSON, "This phone is lost"), "lost")
                .with("about", phone.id.clone())
                .numbered(number),
        )
    });
    let page = removed_phones(page, &shown.removed, now, |id| {
        about(Form::quiet("lost-removed", PERSON, "It was lost or stolen"), "lost").with("about", id)
    });
    let page = page.form(about(Form::main("make-pass", PERSON, "Create a pass"), "pass"));
    let page = (1..).zip(&shown.groups).fold(page, |page, (number, group)| {
        let is_in = person.groups.contains(&group.id);
        let (button, act) = if is_in { ("Remove from the group", "leave") } else { ("Add to the group", "join") };
        let button = Form::quiet("group", PERSON, button);
        let page = page
            .text(format!("Group {}", group.name))
            .form(about(button, act).with("about", group.id.clone()).numbered(number));
        if !person.is_reported(&group.id) {
            return page;
        }
        let (text, button, act) = match is_in {
            true => (GROUP_JOINED, "Keep in the group", "join"),
            false => (GROUP_LEFT, "Keep out of the group", "leave"),
        };
        let keep = about(Form::quiet("keep-group", PERSON, button), act).with("about", group.id.clone());
        page.and(Block::Outcome(text.to_owned())).form(keep.numbered(number))
    });
    let page = if person.suspended {
        page.form(about(Form::quiet("resume", PERSON, "Allow sign-in again"), "resume"))
    } else {
        page.form(about(Form::danger("suspend", PERSON, "Suspend"), "suspend"))
    };
    let page = page.form(about(Form::quiet("unblock", PERSON, "Clear wrong numbers"), "unblock"));
    let page = if person.is_administrator {
        page.form(about(Form::quiet("no-administrator", PERSON, "Remove administrator rights"), "no-administrator"))
    } else {
        page.form(about(Form::quiet("administrator", PERSON, "Make administrator"), "administrator"))
    };
    let page = if shown.phones.is_empty() {
        page
    } else {
        page.form(about(Form::danger("remove-phones", PERSON, "Remove every phone"), "remove-phones"))
    };
    let page = page.form(about(Form::danger("delete", PERSON, "Delete person"), "delete"));
    navigation(page)
}

/// Says that the approved change was made. `back`: the page where it was asked for.
#[must_use]
pub fn act_done(back: &str) -> Page {
    Page::new("act-done", "Done").text("The change that you approved was made.").and(link(
        "done",
        back,
        "Back",
        "button main",
    ))
}

/// Says that the approved change could not be made.
#[must_use]
pub fn act_not_done() -> Page {
    Page::new("not-done", "Nothing was changed")
        .and(Block::Outcome(
            "The account, the phone or the group has changed in the meantime. Nothing was changed.".to_owned(),
        ))
        .and(link("back", "/admin", "Back to people", "button main"))
}

/// The administrator's own API tokens.
#[must_use]
pub fn api_tokens(tokens: &[ApiToken], now: Time, problem: Option<&str>) -> Page {
    let page = Page::new("admin-api-tokens", "API tokens").text(
        "With a token, a program uses the policy API in your name. Each token expires 90 days after it was created.",
    );
    let page = (1..).zip(tokens.iter().filter(|token| token.expires_at > now)).fold(page, |page, (number, token)| {
        let scope = token.scope.words();
        page.text(format!("{}: {scope}, created {}", token.name, ago(token.given.at, now))).form(
            Form::danger("revoke", "/admin/api-tokens/revoke", "Revoke")
                .with("token", token.id.clone())
                .numbered(number),
        )
    });
    let name = || Field { id: "token-name", name: "name", label: "Name of the new token", ..Field::text() };
    let page =
        page.form(Form::main("make-token", "/admin/api-tokens", "Create a token that reads").asking(name())).form(
            Form::quiet("make-changing-token", "/admin/api-tokens", "Create a token that changes")
                .asking(Field { id: "changing-token-name", ..name() })
                .with("scope", "change".to_owned()),
        );
    navigation(page).problem(problem)
}

/// Shows a new API token.
#[must_use]
pub fn api_token_made(token: String) -> Page {
    Page::new("api-token-made", "A token was created")
        .and(Block::Facts(vec![("Token", token, "made-token")]))
        .text("The token is shown only now. Give it to the program that needs it, and keep it secret.")
        .and(link("done", "/admin/api-tokens", "Done", "button main"))
}

/// The list of groups.
#[must_use]
pub fn groups(groups: &[Group], problem: Option<&str>) -> Page {
    let page = Page::new("admin-groups", "Groups");
    let page = if groups.is_empty() {
        page.text("There is no group yet. The policy can treat groups of people differently.")
    } else {
        page.and(Block::Facts(
            groups.iter().map(|group| ("Group", format!("{}: {}", group.name, group.id), "group")).collect(),
        ))
        .text("The policy names a group by its id.")
    };
    let page = page.form(Form::main("add-group", "/admin/groups", "Add group").asking(Field {
        id: "name",
        name: "name",
        label: "Name",
        ..Field::text()
    }));
    navigation(page).problem(problem)
}

/// The policy as an editable document.
#[must_use]
pub fn policy(text: &str, faults: &[Fault], reported: &[(String, String)]) -> Page {
    let page = Page::new("admin-policy", "Policy");
    let page = if reported.is_empty() {
        page
    } else {
        let items = reported.iter().map(|(pointer, value)| format!("{pointer}: {value}")).collect();
        page.and(Block::Outcome(
            "A change of the policy was reported, and the policy before it applies again. Where the reported policy is \
             stricter, it still applies. To end this, check the policy and save it. The reported policy differs in:"
                .to_owned(),
        ))
        .and(Block::Items(items))
    };
    let page = faults.iter().fold(page, |page, fault| {
        page.and(Block::Problem(format!("{}: {}", fault.pointer, fault.detail).trim_start_matches(": ").to_owned()))
    });
    let page = page
        .text("This policy says who may use the app, and how. It has the format of Microsoft Graph; settings that Graph does not have are under “countersign”. If any part is wrong, nothing is saved.")
        .form(Form::main("save", "/admin/policy", "Save").asking(Field {
            id: "policy",
            name: "policy",
            label: "Policy",
            kind: "area",
            value: text.to_owned(),
            ..Field::text()
        }));
    navigation(page)
}
