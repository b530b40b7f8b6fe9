//! The model of a page and its way to HTML, with the headers every page has.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::cookies::{Kind, with_cookie};
use crate::sign_in::flow::with_flow;
use crate::visitor::Visitor;

/// A page: a heading and what stands below it, in order.
pub struct Page {
    /// Its name, for tests.
    pub name: &'static str,
    /// What is asked, as a heading.
    pub title: String,
    /// Where in a wizard.
    pub step: Option<(u8, u8)>,
    /// Where the page hears that it should turn.
    pub events: Option<String>,
    /// The address that opens the app, on a phone.
    pub app_link: Option<String>,
    /// What stands below the heading.
    pub blocks: Vec<Block>,
}

/// A part of a page.
pub enum Block {
    /// Plain words.
    Text(String),
    /// What went wrong and what to do.
    Problem(String),
    /// What came of it.
    Outcome(String),
    /// The number.
    Number {
        /// As it is typed.
        number: String,
        /// Seconds.
        ends_in: i64,
    },
    /// The QR code.
    Picture {
        /// A data URI.
        source: String,
        /// For those who don't see it.
        alternative: &'static str,
    },
    /// The typed code.
    Typed {
        /// Twelve characters.
        code: String,
        /// The address beside it.
        address: String,
    },
    /// Names and values.
    Facts(Vec<(&'static str, String, &'static str)>),
    /// What to do, in order.
    Steps(Vec<&'static str>),
    /// The list of methods.
    Methods(Vec<Method>),
    /// What can be opened, one below the other.
    Entries(Vec<Entry>),
    /// A form.
    Form(Form),
    /// A link.
    Link {
        /// For tests.
        id: &'static str,
        /// Where to.
        address: String,
        /// Words.
        text: String,
        /// How it looks.
        class: &'static str,
    },
}

/// A form.
pub struct Form {
    /// Id of its button.
    pub id: String,
    /// Where it goes.
    pub action: String,
    /// Words on its button.
    pub button: &'static str,
    /// `main`, `quiet` or `quiet danger`.
    pub class: &'static str,
    /// What the person fills in.
    pub fields: Vec<Field>,
    /// What goes along unseen.
    pub hidden: Vec<(&'static str, String)>,
    /// Sent by itself when the page turns.
    pub on_turn: bool,
}

impl Form {
    /// The one main button.
    #[must_use]
    pub fn main(id: &str, action: &'static str, button: &'static str) -> Self {
        let (id, action) = (id.to_owned(), action.to_owned());
        Self { id, action, button, class: "main", fields: Vec::new(), hidden: Vec::new(), on_turn: false }
    }

    /// A way out, or another way.
    #[must_use]
    pub fn quiet(id: &str, action: &'static str, button: &'static str) -> Self {
        Self { class: "quiet", ..Self::main(id, action, button) }
    }

    /// One of several such forms on a page, counted from 1.
    #[must_use]
    pub fn numbered(self, number: usize) -> Self {
        Self { id: format!("{}-{number}", self.id), ..self }
    }

    /// Takes something away.
    #[must_use]
    pub fn danger(id: &str, action: &'static str, button: &'static str) -> Self {
        Self { class: "quiet danger", ..Self::main(id, action, button) }
    }

    /// With something to fill in.
    #[must_use]
    pub fn asking(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// With something that goes along.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.hidden.push((name, value));
        self
    }

    /// Sent by itself when the page turns.
    #[must_use]
    pub fn on_turn(self) -> Self {
        Self { on_turn: true, ..self }
    }
}

/// A field.
pub struct Field {
    /// For its label and tests.
    pub id: &'static str,
    /// In the form.
    pub name: &'static str,
    /// Words.
    pub label: &'static str,
    /// `text`, `password`, `number`, or `area` for many lines.
    pub kind: &'static str,
    /// For password managers.
    pub autocomplete: &'static str,
    /// What stands in it already.
    pub value: String,
    /// Six digits, large.
    pub digits: bool,
}

impl Field {
    /// One line of words, to be given id, name and label.
    #[must_use]
    pub fn text() -> Self {
        Self { id: "", name: "", label: "", kind: "text", autocomplete: "off", value: String::new(), digits: false }
    }

    /// A password, current or new.
    #[must_use]
    pub fn password(id: &'static str, label: &'static str, is_new: bool) -> Self {
        let autocomplete = if is_new { "new-password" } else { "current-password" };
        Self { id, name: id, label, kind: "password", autocomplete, ..Self::text() }
    }

    /// Six digits that a phone shows.
    #[must_use]
    pub fn digits(label: &'static str) -> Self {
        Self { id: "digits", name: "digits", label, digits: true, ..Self::text() }
    }
}

/// Something to open.
pub struct Entry {
    /// Where it leads.
    pub address: String,
    /// Its name.
    pub text: String,
    /// What is worth knowing before.
    pub detail: String,
}

/// A row of the security-info page.
pub struct Method {
    /// The device.
    pub id: String,
    /// The person's name for it.
    pub name: String,
    /// What it does.
    pub kind: &'static str,
    /// Its model.
    pub model: String,
    /// When it was added.
    pub added: String,
    /// Whether push was seen.
    pub push: &'static str,
}

impl Page {
    /// A page with nothing below its heading yet.
    #[must_use]
    pub fn new(name: &'static str, title: impl Into<String>) -> Self {
        Self { name, title: title.into(), step: None, events: None, app_link: None, blocks: Vec::new() }
    }

    /// The same page with one more part.
    #[must_use]
    pub fn and(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }

    /// The same page with some words.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.and(Block::Text(text.into()))
    }

    /// The same page with a form.
    #[must_use]
    pub fn form(self, form: Form) -> Self {
        self.and(Block::Form(form))
    }

    /// The same page with a problem above everything else.
    #[must_use]
    pub fn problem(mut self, problem: Option<&str>) -> Self {
        if let Some(problem) = problem {
            self.blocks.insert(0, Block::Problem(problem.to_owned()));
        }
        self
    }

    /// The same page as a step of a wizard.
    #[must_use]
    pub fn step(self, step: u8, of: u8) -> Self {
        Self { step: Some((step, of)), ..self }
    }

    /// The same page, turning by itself.
    #[must_use]
    pub fn turning(self, events: &str) -> Self {
        Self { events: Some(events.to_owned()), ..self }
    }

    /// The administrator's pages list and edit more than fits a narrow card.
    fn is_wide(&self) -> bool {
        self.name.starts_with("admin")
    }

    /// A number digit by digit, for screen readers.
    fn spoken(&self, number: &str) -> String {
        number.chars().map(String::from).collect::<Vec<_>>().join(" ")
    }

    /// Time left as a person says it; the script counts on in the same words.
    #[must_use]
    pub fn left(&self, seconds: &i64) -> String {
        match *seconds {
            1 => "1 second left".to_owned(),
            60 => "1 minute left".to_owned(),
            seconds if seconds < 60 => format!("{seconds} seconds left"),
            seconds => format!("{} minutes left", (seconds + 59).div_euclid(60)),
        }
    }

    /// The finished answer.
    #[must_use]
    pub fn show(self, app: &App, visitor: &Visitor) -> Response {
        self.show_as(StatusCode::OK, app, Some(visitor))
    }

    /// The finished answer with another status. Without a visitor no form of the page counts.
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

    /// Every way on from a page of a flow stays in it.
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

/// Nothing inline, nothing from elsewhere, in nobody's frame, forms to this service alone: browsers hold every redirect
/// after a form against `form-action`, so a person leaves by a page of ours (`words::leaving`) and never by a form.
const HEADERS: [(header::HeaderName, &str); 2] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (
        header::CONTENT_SECURITY_POLICY,
        concat!(
            "default-src 'none'; ",
            // GUARD(no-inline-script): what_is_left_behind_tells_nothing
            // INSTEAD: "script-src 'self' 'unsafe-inline'; ",
            "script-src 'self'; ",
            "style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; ",
            // GUARD(frame-ancestors): j6_w12_another_site_frames_reads_and_holds_nothing
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
