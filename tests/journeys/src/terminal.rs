//! Makes pictures of the terminal phone's text, with the browser.

use std::path::Path;

use base64::Engine;

use crate::browser::Browser;
use crate::trouble::Trouble;

/// Saves one picture for each pair of step and text. The step's name becomes the picture's file name.
///
/// # Errors
/// When the browser does not start or a file can't be written.
pub async fn pictures(folder: &Path, texts: &[(String, String)]) -> Result<(), Trouble> {
    let authority = countersign_service::tls::Authority::make("unused")?;
    let browser = Browser::start(authority.certificate().as_bytes()).await?;
    for (step, text) in texts {
        let page = base64::engine::general_purpose::STANDARD.encode(html(text));
        browser.goto(&format!("data:text/html;charset=utf-8;base64,{page}")).await?;
        std::fs::write(folder.join(format!("{}.png", step.replace(' ', "-"))), browser.picture().await?)?;
    }
    browser.close().await
}

fn html(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        "<!doctype html><meta charset=utf-8><style>body{{margin:0;display:grid;place-items:center;min-height:100vh;\
         background:#e9ebee}}pre{{margin:0;padding:2rem 2.5rem;min-width:44rem;background:#14171b;color:#e9edf2;\
         border-radius:.75rem;font:18px/1.45 'DejaVu Sans Mono',monospace}}</style><pre>{escaped}</pre>"
    )
}
