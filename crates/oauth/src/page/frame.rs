//! What all pages have in common, and the headers that keep them from being misused.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::FormView;

const STYLE: &str = include_str!("style.css");

/// The hash by which the browser lets the one style through.
static STYLE_HASH: LazyLock<String> =
    LazyLock::new(|| STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes())));

/// Headers that are the same for every page.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Not no-referrer: with that, browsers send forms of our own pages with the origin "null".
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// A page, made and not sent.
#[derive(Debug)]
pub(crate) struct Page {
    status: StatusCode,
    html: String,
    targets: Vec<String>,
}

impl Page {
    /// A page with one heading. `targets` are where a form's answer may lead besides this door.
    pub(super) fn new(status: StatusCode, title: &str, body: &Markup, targets: &[&str]) -> Self {
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (title) " – Onedoor" }
                    style { (PreEscaped(STYLE)) }
                }
                body { main { h1 { (title) } (body) } }
            }
        };
        let targets =
            targets.iter().filter(|it| is_target(it)).map(|it| (*it).to_owned()).collect();
        Self { status, html: page.into_string(), targets }
    }

    /// The answer that shows it.
    pub(crate) fn into_response(self) -> Response<Bytes> {
        let Self { status, html, targets } = self;
        // Browsers hold a form's redirect to form-action too, so it names where that leads.
        let target: String = targets.iter().map(|it| format!(" {it}")).collect();
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; form-action 'self'{target}; frame-ancestors 'none'; base-uri 'none'",
            *STYLE_HASH
        );
        let mut response = Response::new(Bytes::from(html));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.extend(HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value))));
        let policy = HeaderValue::try_from(policy);
        let policy = policy.unwrap_or(HeaderValue::from_static("default-src 'none'"));
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        response
    }
}

/// Whether it can stand in the policy: an origin or a scheme, and nothing that would say more.
fn is_target(target: &str) -> bool {
    let is_of_target = |it: u8| it.is_ascii_alphanumeric() || b":/.-[]+".contains(&it);
    target.len() <= 300 && !target.is_empty() && target.bytes().all(is_of_target)
}

/// What goes along with every form, unseen.
pub(super) fn hidden(form: &FormView<'_>) -> Markup {
    html! {
        input type="hidden" name="authorization" value=(form.authorization);
        input type="hidden" name="csrf" value=(form.csrf);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_the_style_and_where_the_form_leads_and_nothing_else() {
        let page = |target: Option<&str>| {
            Page::new(StatusCode::OK, "x", &html! {}, target.as_slice()).into_response()
        };
        let policy = |target| {
            let response = page(target);
            response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned()
        };
        assert!(
            policy(Some("https://a.example")).contains("form-action 'self' https://a.example;")
        );
        assert!(policy(Some("cursor:")).contains("form-action 'self' cursor:;"));
        for bad in ["https://a.example; script-src *", "a b", "'unsafe-inline'", "a,b", "", "a\nb"]
        {
            assert!(policy(Some(bad)).contains("form-action 'self';"), "{bad}");
        }
        let html = page(None).into_body();
        let html = std::str::from_utf8(&html).unwrap();
        let style = html.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        let hash = STANDARD.encode(digest::digest(&digest::SHA256, style.as_bytes()));
        assert!(policy(None).contains(&format!("style-src 'sha256-{hash}'")));
    }
}
