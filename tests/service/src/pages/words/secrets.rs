//! Texts about passwords and passes.

use super::parts::link;
use crate::pages::{Block, Field, Form, Page};
use crate::passes::rules::Worth;

/// Asks for the password.
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

/// Shown for a wrong password and for an unknown user name, so that the page does not reveal which names exist.
pub const WRONG_PASSWORD: &str = "That user name and password don't match. Check both and try again.";

/// Asks for a temporary access pass.
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
        .text("A pass lets you add one phone. Your administrator gives it to you.")
        .and(link("use-password", "/sign-in/password", "Use your password instead", ""))
        .and(link("other-name", "/sign-in", "Use another user name", ""))
        .problem(problem)
}

/// Returns the text that says what is wrong with a pass, or `None` for a valid pass.
#[must_use]
pub fn wrong_pass(worth: Worth) -> Option<&'static str> {
    match worth {
        Worth::Good => None,
        Worth::NotYet => Some("This pass is not valid yet. Check when it starts, or ask your administrator."),
        Worth::Expired => Some("This pass has expired. Ask your administrator for another."),
        Worth::Used => Some("This pass was already used. Ask your administrator for another."),
        Worth::Unknown => Some("That user name and pass don't match. Check both and try again."),
    }
}

/// Shows a new pass. Only this page shows the pass.
#[must_use]
pub fn made_pass(text: String, user_name: &str, back: &'static str) -> Page {
    Page::new("pass-made", "A pass was created")
        .and(Block::Facts(vec![("User name", user_name.to_owned(), "pass-name"), ("Pass", text, "pass-text")]))
        .text("The pass adds one phone, within one hour. It is shown only now: write it down, or give it to the person who needs it.")
        .and(link("done", back, "Done", "button main"))
}

/// Asks for a new password in place of the one that an administrator set.
#[must_use]
pub fn new_password(problem: Option<&str>) -> Page {
    Page::new("new-password", "Choose your own password")
        .text(
            "The password you signed in with was created for you. It works once. Choose your own, at least 15 characters.",
        )
        .form(
            Form::main("next", "/new-password", "Continue")
                .asking(Field::password("password", "New password", true))
                .asking(Field::password("again", "Repeat the new password", true)),
        )
        .problem(problem)
}
