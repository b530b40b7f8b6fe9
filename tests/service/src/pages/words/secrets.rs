//! Words around passwords and passes.

use super::parts::link;
use crate::pages::{Block, Field, Form, Page};
use crate::passes::rules::Worth;

/// Password.
#[must_use]
pub fn password(user_name: &str, offers_phone: bool, problem: Option<&str>) -> Page {
    let page = Page::new("password", "Enter your password").text(user_name).form(
        Form::main("next", "/sign-in/password", "Sign in").asking(Field::password("password", "Password", false)),
    );
    let page = if offers_phone {
        page.form(Form::quiet("use-phone", "/sign-in/phone", "Use your phone instead"))
    } else {
        page
    };
    page.and(link("use-pass", "/sign-in/pass", "Use a Temporary Access Pass", ""))
        .and(link("other-name", "/sign-in", "Use another user name", ""))
        .problem(problem)
}

/// The password was wrong, or nobody has that name: the same words.
pub const WRONG_PASSWORD: &str = "That user name and password don't match. Check both and try again.";

/// Temporary access pass.
#[must_use]
pub fn pass(user_name: &str, problem: Option<&str>) -> Page {
    Page::new("pass", "Enter your pass")
        .text(user_name)
        .form(Form::main("next", "/sign-in/pass", "Next").asking(Field {
            id: "pass",
            name: "pass",
            label: "Temporary Access Pass",
            autocomplete: "one-time-code",
            ..Field::text()
        }))
        .text("A pass is good for adding a phone, once. Your administrator gives it to you.")
        .and(link("use-password", "/sign-in/password", "Use your password instead", ""))
        .and(link("other-name", "/sign-in", "Use another user name", ""))
        .problem(problem)
}

/// What is wrong with a pass.
#[must_use]
pub fn wrong_pass(worth: Worth) -> Option<&'static str> {
    match worth {
        Worth::Good => None,
        Worth::NotYet => Some("This pass is not valid yet. Look up when it starts, or ask your administrator."),
        Worth::Expired => Some("This pass has expired. Ask your administrator for another."),
        Worth::Used => Some("This pass was used already. Ask your administrator for another."),
        Worth::Unknown => Some("That user name and pass don't match. Check both and try again."),
    }
}

/// A pass that was just made: shown once.
#[must_use]
pub fn made_pass(text: String, user_name: &str, back: &'static str) -> Page {
    Page::new("pass-made", "A pass was made")
        .and(Block::Facts(vec![("User name", user_name.to_owned(), "pass-name"), ("Pass", text, "pass-text")]))
        .text("It adds one phone, once, within the hour. It is shown only now: write it down or hand it over.")
        .and(link("done", back, "Done", "button main"))
}

/// The password was made for this person: another one first.
#[must_use]
pub fn new_password(problem: Option<&str>) -> Page {
    Page::new("new-password", "Choose a password of your own")
        .text(
            "The password you signed in with was made for you. It works once: choose your own, at least 15 characters.",
        )
        .form(
            Form::main("next", "/new-password", "Go on")
                .asking(Field::password("password", "New password", true))
                .asking(Field::password("again", "The same again", true)),
        )
        .problem(problem)
}
