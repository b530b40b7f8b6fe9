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
    /// Identifies the page in tests (`data-page`).
    pub name: &'static str,
    /// The heading.
    pub title: String,
    /// Step and number of steps, on a page of a wizard.
    pub step: Option<(u8, u8)>,
    /// URL of the event stream. At an event, the script submits the form with `on_turn`, or reloads the page.
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
    /// The result of the last action.
    Outcome(String),
    /// The number to match on the phone, with the time left.
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
    /// The code to type instead of scanning the QR code.
    Typed {
        /// The code, twelve characters.
        code: String,
        /// The service's host, typed together with the code.
        address: String,
    },
    /// Label, value and HTML id of each row.
    Facts(Vec<(&'static str, String, &'static str)>),
    /// A numbered list of instructions.
    Steps(Vec<&'static str>),
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
    /// HTML id of its button.
    pub id: String,
    /// URL that the form is posted to.
    pub action: String,
    /// Label of its button.
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
    /// The main action of a page.
    #[must_use]
    pub fn main(id: &str, action: &'static str, button: &'static str) -> Self {
        let (id, action) = (id.to_owned(), action.to_owned());
        Self { id, action, button, class: "main", fields: Vec::new(), hidden: Vec::new(), on_turn: false }
    }

    /// A secondary action.
    #[must_use]
    pub fn quiet(id: &str, action: &'static str, button: &'static str) -> Self {
        Self { class: "quiet", ..Self::main(id, action, button) }
    }

    /// Adds a number to the id, so that several equal forms of a page have different ids. Numbers start at 1.
    #[must_use]
    pub fn numbered(self, number: usize) -> Self {
        Self { id: format!("{}-{number}", self.id), ..self }
    }

    /// A secondary action that removes something.
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
    /// A one-line text field. The caller sets id, name and label.
    #[must_use]
    pub fn text() -> Self {
        Self { id: "", name: "", label: "", kind: "text", autocomplete: "off", value: String::new(), digits: false }
    }

    /// A password field.
    #[must_use]
    pub fn password(id: &'static str, label: &'static str, is_new: bool) -> Self {
        let autocomplete = if is_new { "new-password" } else { "current-password" };
        Self { id, name: id, label, kind: "password", autocomplete, ..Self::text() }
    }

    /// A field for the six digits that a phone shows.
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
    /// A page with a heading only.
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

    /// Shows a problem, if there is one, above all other blocks.
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

    /// Sets the URL of an event stream. At an event of this stream, the page continues by itself.
    #[must_use]
    pub fn turning(self, events: &str) -> Self {
        Self { events: Some(events.to_owned()), ..self }
    }

    /// Returns whether the page has a wider layout. The administrator's pages do.
    fn is_wide(&self) -> bool {
        self.name.starts_with("admin")
    }

    /// Returns the number with spaces between the digits, so that screen readers read digit by digit.
    fn spoken(&self, number: &str) -> String {
        number.chars().map(String::from).collect::<Vec<_>>().join(" ")
    }

    /// Returns the time left as text. `page.js` counts down with the same wording.
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

    /// Renders the page with the given status. Without a visitor, the page's forms have no CSRF token, and the service
    /// refuses them.
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
/// framing. Forms can be sent to this service only. Browsers also check redirects after a form against `form-action`.
/// For that reason, a person leaves the service through a page with a link (`words::leaving`).
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
