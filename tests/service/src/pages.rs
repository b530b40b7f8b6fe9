//! Pages: one model, one template. What a page says stands in `words`.

mod html;
pub mod words;

pub use html::{Block, Entry, Field, Form, Method, Page, not_found, script, style};
