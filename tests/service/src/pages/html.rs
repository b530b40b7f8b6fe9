//! The model of a page, its rendering to HTML, and the headers that every page has.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::cookies::{Kind, with_cookie};
use crate::sign_in::flow::with_flow;
use crate::visitor::Visitor;

/// A page: a heading and the blocks below it, in order.
pub struct Page {
    /// The name by which tests identify the page (HTML attribute `data-page`).
    pub name: &'static str,
    /// The heading.
    pub title: String,
    /// Step and number of steps, on a page of a wizard.
    pub step: Option<(u8, u8)>,
    /// URL of the event stream. At an event, the script submits the form that has `on_turn` set. If no form has it set,
    /// the script reloads the page.
    pub events: Option<String>,
    /// The URL that opens the app. Set only for a browser on a phone.
    pub app_link: Option<String>,
    /// Everything below the heading.
    pub blocks: Vec<Block>,
}

/// A part of a page.
pub enum Block {
    /// A paragraph.
    Text(String),
    /// What is wrong with the input, and what to do. Screen readers announce it immediately.
    Problem(String),
    /// What has happened, or why something was refused.
    Outcome(String),
    /// A number for number matching, and the time until it expires.
    Number {
        /// The digits.
        number: String,
        /// Seconds until the number expires.
        ends_in: i64,
    },
    /// A QR code.
    Picture {
        /// A `data:` URI.
        source: String,
        /// Text for screen readers.
        alternative: &'static str,
    },
    /// The code that the person types in the app instead of scanning the QR code.
    Typed {
        /// The code, twelve characters.
        code: String,
        /// The service's host, typed together with the code.
        address: String,
    },
    /// Rows of facts. Each row has a label, a value and an HTML id.
    Facts(Vec<(&'static str, String, &'static str)>),
    /// A numbered list of instructions.
    Steps(Vec<&'static str>),
    /// A list.
    Items(Vec<String>),
    /// The person's phones, each with its buttons.
    Methods(Vec<Method>),
    /// A list of links.
    Entries(Vec<Entry>),
    /// A form.
    Form(Form),
    /// A link.
    Link {
        /// HTML id.
        id: &'static str,
        /// Target URL.
        address: String,
        /// Link text.
        text: String,
        /// CSS classes.
        class: &'static str,
    },
}

/// A form with one button.
pub struct Form {
    /// HTML id of the form's button.
    pub id: String,
    /// URL that the form is posted to.
    pub action: String,
    /// Label of the form's button.
    pub button: &'static str,
    /// `main`, `quiet` or `quiet danger`.
    pub class: &'static str,
    /// Visible fields.
    pub fields: Vec<Field>,
    /// Hidden fields: name and value.
    pub hidden: Vec<(&'static str, String)>,
    /// Whether the script submits the form at an event of the event stream.
    pub on_turn: bool,
}

impl Form {
    /// Creates the form for a page's main action.
    #[must_use]
    pub fn main(id: &str, action: &'static str, button: &'static str) -> Self {
        let (id, action) = (id.to_owned(), action.to_owned());
        Self { id, action, button, class: "main", fields: Vec::new(), hidden: Vec::new(), on_turn: false }
    }

    /// Creates a form for a secondary action.
    #[must_use]
    pub fn quiet(id: &str, action: &'static str, button: &'static str) -> Self {
        Self { class: "quiet", ..Self::main(id, action, button) }
    }

    /// Appends a number to the id. Forms that a page repeats, for example for each phone, get different ids in this
    /// way. Numbers start at 1.
    #[must_use]
    pub fn numbered(self, number: usize) -> Self {
        Self { id: format!("{}-{number}", self.id), ..self }
    }

    /// Creates a form for a secondary action that removes something.
    #[must_use]
    pub fn danger(id: &str, action: &'static str, button: &'static str) -> Self {
        Self { class: "quiet danger", ..Self::main(id, action, button) }
    }

    /// Adds a visible field.
    #[must_use]
    pub fn asking(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// Adds a hidden field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.hidden.push((name, value));
        self
    }

    /// Lets the script submit the form at an event of the event stream.
    #[must_use]
    pub fn on_turn(self) -> Self {
        Self { on_turn: true, ..self }
    }
}

/// A field of a form.
pub struct Field {
    /// HTML id.
    pub id: &'static str,
    /// Name in the form data.
    pub name: &'static str,
    /// Visible label.
    pub label: &'static str,
    /// HTML input type, or `area` for a multi-line field.
    pub kind: &'static str,
    /// HTML `autocomplete` value, for password managers.
    pub autocomplete: &'static str,
    /// Initial value.
    pub value: String,
    /// Whether the person types digits into the field. The page shows them large.
    pub digits: bool,
}

impl Field {
    /// Creates a one-line text field. The caller sets id, name and label.
    #[must_use]
    pub fn text() -> Self {
        Self { id: "", name: "", label: "", kind: "text", autocomplete: "off", value: String::new(), digits: false }
    }

    /// Creates a field for the current password, or for a new one if `is_new` is true.
    #[must_use]
    pub fn password(id: &'static str, label: &'static str, is_new: bool) -> Self {
        let autocomplete = if is_new { "new-password" } else { "current-password" };
        Self { id, name: id, label, kind: "password", autocomplete, ..Self::text() }
    }

    /// Creates a field for the six digits that a phone shows.
    #[must_use]
    pub fn digits(label: &'static str) -> Self {
        Self { id: "digits", name: "digits", label, digits: true, ..Self::text() }
    }
}

/// A link in a list.
pub struct Entry {
    /// Target URL.
    pub address: String,
    /// Link text.
    pub text: String,
    /// A short description, shown below the link.
    pub detail: String,
}

/// One phone on the security-info page.
pub struct Method {
    /// Device id.
    pub id: String,
    /// The name that the person gave the phone.
    pub name: String,
    /// "Phone app" or "Phone sign-in".
    pub kind: &'static str,
    /// Model of the phone.
    pub model: String,
    /// How long ago the phone was added, as text.
    pub added: String,
    /// Whether push works, as text.
    pub push: &'static str,
}

impl Page {
    /// Creates a page with a heading only.
    #[must_use]
    pub fn new(name: &'static str, title: impl Into<String>) -> Self {
        Self { name, title: title.into(), step: None, events: None, app_link: None, blocks: Vec::new() }
    }

    /// Appends a block.
    #[must_use]
    pub fn and(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }

    /// Appends a paragraph.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.and(Block::Text(text.into()))
    }

    /// Appends a form.
    #[must_use]
    pub fn form(self, form: Form) -> Self {
        self.and(Block::Form(form))
    }

    /// Inserts the problem, if there is one, above all other blocks.
    #[must_use]
    pub fn problem(mut self, problem: Option<&str>) -> Self {
        if let Some(problem) = problem {
            self.blocks.insert(0, Block::Problem(problem.to_owned()));
        }
        self
    }

    /// Marks the page as a step of a wizard.
    #[must_use]
    pub fn step(self, step: u8, of: u8) -> Self {
        Self { step: Some((step, of)), ..self }
    }

    /// Sets the URL of the event stream (see `Page::events`).
    #[must_use]
    pub fn turning(self, events: &str) -> Self {
        Self { events: Some(events.to_owned()), ..self }
    }

    /// Returns whether the page has the wide layout of the administrator's pages.
    fn is_wide(&self) -> bool {
        self.name.starts_with("admin")
    }

    /// Returns the number with spaces between the digits, so that screen readers read digit by digit.
    fn spoken(&self, number: &str) -> String {
        number.chars().map(String::from).collect::<Vec<_>>().join(" ")
    }

    /// Returns the remaining time as text. `page.js` shows the same texts when it counts down.
    #[must_use]
    pub fn left(&self, seconds: &i64) -> String {
        match *seconds {
            1 => "1 second left".to_owned(),
            60 => "1 minute left".to_owned(),
            seconds if seconds < 60 => format!("{seconds} seconds left"),
            seconds => format!("{} minutes left", (seconds + 59).div_euclid(60)),
        }
    }

    /// Renders the page with status 200.
    #[must_use]
    pub fn show(self, app: &App, visitor: &Visitor) -> Response {
        self.show_as(StatusCode::OK, app, Some(visitor))
    }

    /// Renders the page with the given status. If `visitor` is `None`, the page's forms have no CSRF token, so the
    /// service refuses these forms.
    #[must_use]
    pub fn show_as(mut self, status: StatusCode, app: &App, visitor: Option<&Visitor>) -> Response {
        let (csrf, cookie) = visitor.map(|visitor| visitor.form_token(app)).unwrap_or_default();
        if let Some(visitor) = visitor {
            self.app_link = app.config.app_link.clone().filter(|_link| visitor.agent.is_phone);
            self.carry(visitor.flow.as_ref().and_then(|flow| flow.sealed(&app.sealer)).as_deref());
        }
        let whole = Whole { page: &self, organization: &app.config.organization, csrf: &csrf };
        let Ok(html) = whole.render() else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let page = (status, HEADERS, html).into_response();
        match cookie {
            Some(cookie) => with_cookie(page, Kind::Form, &cookie),
            None => page,
        }
    }

    /// Adds the flow to the event stream, the forms and the links of the page, so that the next page has the same flow.
    fn carry(&mut self, flow: Option<&str>) {
        if let Some(events) = &mut self.events {
            *events = with_flow(events, flow);
        }
        for block in &mut self.blocks {
            match block {
                Block::Form(Form { action, .. }) => *action = with_flow(action, flow),
                Block::Link { address, .. } => *address = with_flow(address, flow),
                _ => {}
            }
        }
    }
}

#[derive(Template)]
#[template(path = "page.html")]
struct Whole<'a> {
    page: &'a Page,
    organization: &'a str,
    csrf: &'a str,
}

/// Headers of every page. The Content Security Policy forbids inline scripts, content from other web origins and
/// framing. Forms can be sent to this service only. Browsers apply `form-action` also to the redirect after a form. For
/// that reason, a person leaves the service through a page with a link (`words::leaving`).
const HEADERS: [(header::HeaderName, &str); 2] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (
        header::CONTENT_SECURITY_POLICY,
        concat!(
            "default-src 'none'; ",
            // GUARD(no-inline-script): pages_run_no_injected_script_and_leave_no_history
            // INSTEAD: "script-src 'self' 'unsafe-inline'; ",
            "script-src 'self'; ",
            "style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; ",
            // GUARD(frame-ancestors): j6_w12_another_site_cannot_frame_read_or_control_pages
            // INSTEAD: "frame-ancestors *; ",
            "frame-ancestors 'none'; ",
            "base-uri 'none'",
        ),
    ),
];

/// `GET /static/page.css`.
pub async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../../static/page.css")).into_response()
}

/// `GET /static/page.js`.
pub async fn script() -> Response {
    let script = include_str!("../../static/page.js");
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], script).into_response()
}
