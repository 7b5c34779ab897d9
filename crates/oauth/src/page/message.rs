//! A page with one thing to say.

use http::StatusCode;
use maud::html;

use super::{frame::Page, text::cut};

/// Says one thing.
pub(crate) fn message(title: &str, text: &str, status: StatusCode) -> Page {
    let mut said = cut(text.trim_end_matches('.'), 400);
    if let Some(first) = said.get(..1) {
        let first = first.to_ascii_uppercase();
        said.replace_range(..1, &first);
    }
    let body = html! {
        p role="alert" { (said) "." }
        p.quiet { "You can close this window, or go back to the program that sent you." }
    };
    Page::new(status, title, &body, &[])
}
