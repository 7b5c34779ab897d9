//! Where people are sent back to: compared whole, but for the port of a loopback address.

use url::{Host, Url};

/// Whether `asked` is one of `registered` (RFC 6749 section 3.1.2, RFC 8252 section 7.3).
pub(crate) fn is_registered(registered: &[String], asked: &str) -> bool {
    registered.iter().any(|it| it == asked || is_same_loopback(it, asked))
}

/// A program on this computer takes the port that is free.
fn is_same_loopback(registered: &str, asked: &str) -> bool {
    let (Ok(mut one), Ok(mut other)) = (Url::parse(registered), Url::parse(asked)) else {
        return false;
    };
    if !is_loopback(&one) || other.fragment().is_some() || other.as_str() != asked {
        return false;
    }
    let is_reset = one.set_port(None).is_ok() && other.set_port(None).is_ok();
    is_reset && one == other
}

/// Whether a URL leads to a program on the computer of who opens it.
pub(crate) fn is_loopback(url: &Url) -> bool {
    url.scheme() == "http"
        && match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

/// The host that people are shown: of a URL, or the scheme that a program took for itself.
pub(crate) fn host(uri: &str) -> String {
    match Url::parse(uri) {
        // A scheme that a program took for itself proves nothing about a host that it names.
        Ok(url) if !matches!(url.scheme(), "http" | "https") => format!("{}:", url.scheme()),
        Ok(url) => url.host_str().unwrap_or_default().to_owned(),
        Err(_) => String::new(),
    }
}

/// What the browser may be sent to from a page's form: an origin, or a scheme.
pub(crate) fn target(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    match url.scheme() {
        "http" | "https" => Some(url.origin().ascii_serialization()),
        scheme => Some(format!("{scheme}:")),
    }
}

/// `uri` with these parameters added to its query.
pub(crate) fn with(uri: &str, parameters: &[(&str, &str)]) -> Option<String> {
    let mut url = Url::parse(uri).ok()?;
    url.query_pairs_mut().extend_pairs(parameters);
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_uri_is_compared_whole_but_for_a_loopback_port() {
        let registered = [
            "https://app.example/cb".to_owned(),
            "http://127.0.0.1/cb".to_owned(),
            "http://localhost:3000/cb".to_owned(),
            "com.example.app:/cb".to_owned(),
        ];
        for (asked, want) in [
            ("https://app.example/cb", true),
            ("http://127.0.0.1/cb", true),
            ("http://127.0.0.1:49152/cb", true),
            ("http://localhost:1/cb", true),
            ("com.example.app:/cb", true),
            ("https://app.example:8443/cb", false),
            ("https://app.example/cb/", false),
            ("https://app.example/cb?x=1", false),
            ("https://app.example/cb#x", false),
            ("https://app.example/x/../cb", false),
            ("https://APP.example/cb", false),
            ("https://app.example@evil.example/cb", false),
            ("https://app.example.evil.example/cb", false),
            ("http://app.example/cb", false),
            ("http://127.0.0.1:1/cb#x", false),
            ("http://127.0.0.1:1/other", false),
            ("http://127.0.0.1:1/x/../cb", false),
            ("http://127.1/cb", false),
            ("http://user@127.0.0.1/cb", false),
            ("http://[::1]/cb", false),
            ("com.example.app:/other", false),
            ("", false),
        ] {
            assert_eq!(is_registered(&registered, asked), want, "{asked}");
        }
    }

    #[test]
    fn a_scheme_of_a_program_shows_no_host() {
        assert_eq!(host("https://claude.ai/cb"), "claude.ai");
        assert_eq!(host("evil://claude.ai/cb"), "evil:");
        assert_eq!(host("com.example.app:/cb"), "com.example.app:");
    }

    #[test]
    fn parameters_are_added_to_what_is_there() {
        let back = with("https://app.example/cb?a=1", &[("code", "x y"), ("iss", "https://d")]);
        assert_eq!(back.unwrap(), "https://app.example/cb?a=1&code=x+y&iss=https%3A%2F%2Fd");
        assert_eq!(target("com.example.app:/cb").unwrap(), "com.example.app:");
        assert_eq!(target("http://127.0.0.1:5/cb").unwrap(), "http://127.0.0.1:5");
    }
}
