//! Renders the screens of a request.

use countersign::{
    Account, Context, Matching, Origin, Place, Prompt, PromptId, PromptKind, PromptState, Quiet, Timestamp,
};

use super::layout::{field, frame, quoted, whose, wrap};
use crate::names::short;
use crate::{times, words};

/// A verified request with its account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented at `Prompt` in the core")]
pub struct PromptView {
    pub id: PromptId,
    pub account: Account,
    pub kind: PromptKind,
    pub origin: Origin,
    pub matching: Matching,
    pub context: Context,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    pub state: PromptState,
    pub quiet: Option<Quiet>,
    pub needs_unlock: bool,
}

impl PromptView {
    /// Returns the view of a prompt. Returns `None` when the account of the prompt is not in `accounts`.
    #[must_use]
    pub fn of(prompt: &Prompt, accounts: &[Account]) -> Option<Self> {
        let account = accounts.iter().find(|account| account.id == prompt.id().account)?;
        Some(Self {
            id: prompt.id().clone(),
            account: account.clone(),
            kind: prompt.kind(),
            origin: prompt.origin(),
            matching: prompt.matching().clone(),
            context: prompt.context().clone(),
            issued_at: prompt.issued_at(),
            expires_at: prompt.expires_at(),
            state: prompt.state(),
            quiet: prompt.quiet(),
            needs_unlock: prompt.needs_unlock(),
        })
    }
}

/// Renders the whole request.
#[must_use]
pub fn prompt(view: &PromptView, now: Timestamp) -> String {
    let context = &view.context;
    let mut text = wrap(&title(view));
    text.push_str(&frame(&view.account.host));
    text.push_str(&field("Account", &whose(&view.account)));
    text.push_str(&field("Application", &application(context)));
    text.push_str(&field("Browser", &format!("{} on {}", known(&context.browser), known(&context.os))));
    text.push_str(&field("Started", origin(view.origin)));
    text.push_str(&field("Address", &address(context)));
    text.push_str(&field("Place", &place(context.place.as_ref())));
    text.push_str(&field("Asked", &times::ago(now.since(view.issued_at))));
    text.push_str(&field("Time left", &times::left(view.expires_at.since(now))));
    if let Some(quiet) = view.quiet {
        text.push_str(&field("Arrived", words::quiet(quiet).words));
    }
    text.push_str(&field("Request", &short(&view.id.jti)));
    text
}

/// Renders the request in one line, for a list.
#[must_use]
pub fn prompt_line(view: &PromptView, now: Timestamp) -> String {
    let left = times::left(view.expires_at.since(now));
    wrap(&format!("{}  {}, {}, time left: {left}", short(&view.id.jti), view.account.host, title(view)))
}

/// Renders the question to the person, with every possible answer.
#[must_use]
pub fn ask(view: &PromptView) -> String {
    let number = match &view.matching {
        Matching::Enter { digits } => format!("Type the {digits} digits that the page shows."),
        Matching::Choose { options: [first, second, third] } => {
            format!("Type the number that the page shows: {first}, {second} or {third}.")
        }
    };
    let ways_out = wrap("d denies it. r says that it wasn't you. Enter alone does nothing.");
    format!("{}{ways_out}", wrap(&number))
}

/// Returns the question. The question about an administrative act names whom or what the act concerns.
fn title(view: &PromptView) -> String {
    let about = quoted(view.context.about.as_deref().unwrap_or_default());
    question(view.kind).replace("ABOUT", &about)
}

fn question(kind: PromptKind) -> &'static str {
    match kind {
        PromptKind::ConfirmEnrollment => "Is it you who is adding this phone?",
        PromptKind::SecondFactor => "Are you signing in?",
        PromptKind::PhoneSignIn => "Are you signing in without your password?",
        PromptKind::AddMethod => "Are you adding a sign-in method to your account?",
        PromptKind::RemoveMethod => "Are you removing a sign-in method from your account?",
        PromptKind::RegisterDevice => "Are you registering this phone for phone sign-in?",
        PromptKind::CreatePass => "Are you creating a pass for your account?",
        PromptKind::ReportLost => "Are you reporting another phone of yours as lost?",
        PromptKind::AddPerson => "Are you adding the person ABOUT?",
        PromptKind::DeletePerson => "Are you deleting the person ABOUT?",
        PromptKind::SuspendPerson => "Are you suspending the person ABOUT?",
        PromptKind::ResumePerson => "Are you ending the suspension of the person ABOUT?",
        PromptKind::CreatePassForPerson => "Are you creating a pass for the person ABOUT?",
        PromptKind::UnblockPerson => "Are you clearing the wrong numbers of the person ABOUT?",
        PromptKind::ChangeGroups => "Are you changing groups, for the person or the group ABOUT?",
        PromptKind::MakeAdministrator => "Are you making the person ABOUT an administrator?",
        PromptKind::RemoveAdministrator => "Are you removing the administrator rights of the person ABOUT?",
        PromptKind::ReportLostForPerson => "Are you reporting a phone of the person ABOUT as lost?",
        PromptKind::ResetPerson => "Are you removing every sign-in method of the person ABOUT?",
        PromptKind::ChangePolicy => "Are you changing the policy of your organization?",
        PromptKind::CreateApiToken => "Are you creating the administrator's token ABOUT?",
    }
}

fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::SignedIn => "by someone who is signed in",
        Origin::KnownBrowser => "in a browser that you have used before",
        Origin::PasswordProved => "in a new browser, with the right password",
        Origin::Unknown => "in a new browser, by someone who only typed your user name",
    }
}

/// Returns the application's name, or "not shown" when the organization's policy hides the name.
fn application(context: &Context) -> String {
    if context.application.is_empty() { "not shown".to_owned() } else { quoted(&context.application) }
}

fn address(context: &Context) -> String {
    let address = known(&context.address);
    match context.near {
        Some(true) => format!("{address} (the network this phone was on)"),
        Some(false) => format!("{address}. Careful: not the network this phone was on"),
        None => address.to_owned(),
    }
}

fn place(place: Option<&Place>) -> String {
    let parts = |place: &Place| {
        let named: Vec<&str> =
            [place.city.as_str(), place.country.as_str()].into_iter().filter(|p| !p.is_empty()).collect();
        named.join(", ")
    };
    known(&place.map(parts).unwrap_or_default()).to_owned()
}

/// Returns the text, or "unknown" for an empty text and for "other".
fn known(text: &str) -> &str {
    if text.trim().is_empty() || text == "other" { "unknown" } else { text }
}

#[cfg(test)]
pub(crate) mod tests {
    use countersign::{AccountHealth, AccountId, PhoneSignIn};

    use super::*;

    pub(crate) fn good_view() -> PromptView {
        let account = Account {
            id: AccountId("acc0123456789abcdefghi".to_owned()),
            issuer: "https://signin.example.com".to_owned(),
            host: "signin.example.com".to_owned(),
            organization: "Example Works".to_owned(),
            user_name: "ada".to_owned(),
            health: AccountHealth::Active,
            phone_sign_in: PhoneSignIn::Off,
            added_at: Timestamp(1_000),
            muted_until: None,
            quiet_origins: Vec::new(),
        };
        PromptView {
            id: PromptId { account: account.id.clone(), jti: "aB3dE9fGhIjKlMnOpQrStU".to_owned() },
            account,
            kind: PromptKind::SecondFactor,
            origin: Origin::PasswordProved,
            matching: Matching::Enter { digits: 2 },
            context: Context {
                application: "Security info".to_owned(),
                browser: "Chrome".to_owned(),
                os: "Linux".to_owned(),
                address: "192.0.2.7".to_owned(),
                place: Some(Place {
                    city: "Basel".to_owned(),
                    region: "Basel-Stadt".to_owned(),
                    country: "Switzerland".to_owned(),
                }),
                near: Some(true),
                about: None,
            },
            issued_at: Timestamp(2_000),
            expires_at: Timestamp(2_120),
            state: PromptState::Open,
            quiet: None,
            needs_unlock: false,
        }
    }

    #[test]
    fn request_screen_shows_all_details() {
        let expected = "  Are you signing in?
  ┌──────────────────────┐
  │  signin.example.com  │
  └──────────────────────┘
  Account      “ada” at “Example Works”
  Application  “Security info”
  Browser      Chrome on Linux
  Started      in a new browser, with the right password
  Address      192.0.2.7 (the network this phone was on)
  Place        Basel, Switzerland
  Asked        12 seconds ago
  Time left    1 minute 48 seconds
  Request      aB3dE9
";
        assert_eq!(prompt(&good_view(), Timestamp(2_012)), expected);
    }

    #[test]
    fn unknown_details_are_shown_as_unknown() {
        let mut view = good_view();
        view.context.place = None;
        view.context.near = None;
        view.context.browser = "other".to_owned();
        view.context.os = String::new();
        let text = prompt(&view, Timestamp(2_012));
        assert!(text.contains("  Place        unknown\n"), "{text}");
        assert!(text.contains("  Browser      unknown on unknown\n"), "{text}");
        assert!(text.contains("  Address      192.0.2.7\n"), "{text}");
        view.context.near = Some(false);
        assert!(prompt(&view, Timestamp(2_012)).contains("  Address      192.0.2.7. Careful: not"));
    }

    #[test]
    fn quiet_request_shows_the_reason() {
        let mut view = good_view();
        assert!(!prompt(&view, Timestamp(2_012)).contains("  Arrived"));
        for (quiet, words) in [
            (Quiet::Muted { until: Timestamp(9_000) }, "quietly: you have muted this account"),
            (Quiet::JustAsked, "quietly: a similar request came just before"),
            (Quiet::TooManyStrikes { until: Timestamp(9_000) }, "quietly: too many similar requests were not approved"),
        ] {
            view.quiet = Some(quiet);
            assert!(prompt(&view, Timestamp(2_012)).contains(&format!("  Arrived      {words}\n")), "{quiet:?}");
        }
    }

    #[test]
    fn question_names_the_number_of_digits() {
        let expected = "  Type the 2 digits that the page shows.
  d denies it. r says that it wasn't you. Enter alone does nothing.
";
        assert_eq!(ask(&good_view()), expected);
    }

    #[test]
    fn three_numbers_keep_the_order_of_the_service() {
        let mut view = good_view();
        view.matching = Matching::Choose { options: ["47", "12", "83"].map(str::to_owned) };
        assert!(ask(&view).starts_with("  Type the number that the page shows: 47, 12 or 83.\n"));
    }

    #[test]
    fn title_depends_on_the_kind_of_request() {
        let mut view = good_view();
        for (kind, expected) in [
            (PromptKind::ConfirmEnrollment, "Is it you who is adding this phone?"),
            (PromptKind::SecondFactor, "Are you signing in?"),
            (PromptKind::RemoveMethod, "Are you removing a sign-in method from your account?"),
            (PromptKind::ChangePolicy, "Are you changing the policy of your organization?"),
        ] {
            view.kind = kind;
            assert_eq!(title(&view), expected);
        }
    }

    #[test]
    fn question_about_an_administrative_act_names_the_person() {
        let mut view = good_view();
        view.context.about = Some("alice".to_owned());
        for (kind, expected) in [
            (PromptKind::SuspendPerson, "Are you suspending the person “alice”?"),
            (PromptKind::MakeAdministrator, "Are you making the person “alice” an administrator?"),
            (PromptKind::ReportLostForPerson, "Are you reporting a phone of the person “alice” as lost?"),
        ] {
            view.kind = kind;
            assert!(prompt(&view, Timestamp(2_012)).starts_with(&format!("  {expected}\n")), "{kind:?}");
            assert!(prompt_line(&view, Timestamp(2_012)).contains("“alice”"), "{kind:?}");
        }
    }
}
