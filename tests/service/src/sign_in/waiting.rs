//! Redirects to the number page, and collects what the phone shows about the browser.

use axum::response::Response;

use crate::app::App;
use crate::pages::failed;
use crate::prompts::ceremony::Context;
use crate::sign_in::attempt::Attempt;
use crate::visitor::Visitor;

/// Path of the number page.
pub(super) const NUMBER: &str = "/sign-in/number";
/// Maximum length of a text in a prompt, in characters (protocol section 7).
const MAX_SHOWN: usize = 128;

/// Stores in the attempt for which ceremony it waits, and redirects to its number page. If the attempt has ended in the
/// meantime, the number page says so.
pub(super) async fn wait_for(app: &App, attempt: &Attempt, change: impl Fn(&mut Attempt) + Send + 'static) -> Response {
    let (flow, id) = (attempt.flow.clone(), attempt.id.clone());
    match app.store.global(move |tx| Ok(tx.update(&id, &change)?.granted())).await {
        Ok(_updated) => flow.to(app, NUMBER),
        Err(error) => failed(app, &error),
    }
}

/// Returns what the phone shows about this browser.
#[must_use]
pub fn context(visitor: &Visitor, application: &str) -> Context {
    Context {
        // The phone refuses longer texts, and a prompt with a longer text would not fit into a push.
        application: application.chars().take(MAX_SHOWN).collect(),
        browser: visitor.agent.browser.clone(),
        os: visitor.agent.os.clone(),
        address: visitor.peer.address().to_string(),
        about: None,
    }
}
