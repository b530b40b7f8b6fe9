//! Runs an attacker's site. The site serves pages that a test adds. None of its web origins is the service's web
//! origin. The victim's browser trusts the site's TLS certificate.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use countersign_journeys::World;
use countersign_journeys::world::OTHER_NAME;
use countersign_service::serve::{self, Running};

pub(crate) struct Hostile {
    port: u16,
    shared: Arc<Shared>,
    running: Running,
}

#[derive(Default)]
struct Shared {
    pages: Mutex<HashMap<String, (String, Vec<String>)>>,
    heard: Mutex<Vec<(String, HeaderMap)>>,
}

impl Hostile {
    /// Serves three hosts: another site (`127.0.0.1`), the service's host at another port (`localhost`), and a sibling
    /// (`evil.example.test`) of the service's other host name.
    pub(crate) fn start(world: &World, port: u16) -> Self {
        let identity =
            world.authority.identity(&["127.0.0.1", "localhost", "evil.example.test", "example.test"]).unwrap();
        assert!(OTHER_NAME.ends_with(".example.test"));
        let listener = serve::bind(([127, 0, 0, 1], port).into()).unwrap();
        let (port, shared) = (listener.local_addr().unwrap().port(), Arc::<Shared>::default());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        Self { port, shared, running: serve::serve(router, listener, &identity).unwrap() }
    }

    pub(crate) fn origin(&self, host: &str) -> String {
        format!("https://{host}:{}", self.port)
    }

    /// Adds a page. Returns the page's URL at one of the hosts.
    pub(crate) fn page(&self, host: &str, html: &str) -> String {
        self.page_with(host, html, &[])
    }

    /// Adds a page that also sets cookies.
    pub(crate) fn page_with(&self, host: &str, html: &str, cookies: &[String]) -> String {
        let mut pages = self.shared.pages.lock().unwrap();
        let path = format!("/{}", pages.len());
        let whole = format!("<!doctype html><meta charset=utf-8><link rel=icon href=\"data:,\">{html}");
        pages.insert(path.clone(), (whole, cookies.to_vec()));
        format!("{}{path}", self.origin(host))
    }

    /// Adds a page that sends a form as soon as it is loaded.
    pub(crate) fn form(&self, host: &str, action: &str, fields: &[(&str, &str)]) -> String {
        self.page(host, &format!("{}<script>document.forms[0].submit()</script>", form(action, fields)))
    }

    /// The path and the headers of each request so far.
    pub(crate) fn heard(&self) -> Vec<(String, HeaderMap)> {
        self.shared.heard.lock().unwrap().clone()
    }

    pub(crate) async fn stop(self) {
        self.running.stop().await;
    }
}

pub(crate) fn form(action: &str, fields: &[(&str, &str)]) -> String {
    let mut html = format!("<form method=post action=\"{action}\">");
    for (name, value) in fields {
        let value = value.replace('&', "&amp;").replace('"', "&quot;");
        write!(html, "<input type=hidden name=\"{name}\" value=\"{value}\">").unwrap();
    }
    html + "</form>"
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    shared.heard.lock().unwrap().push((path.clone(), request.headers().clone()));
    let Some((html, cookies)) = shared.pages.lock().unwrap().get(&path).cloned() else {
        return (StatusCode::OK, Html("<p id=page data-page=elsewhere>elsewhere</p>")).into_response();
    };
    let mut response = Html(html).into_response();
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, HeaderValue::from_str(&cookie).unwrap());
    }
    response
}
