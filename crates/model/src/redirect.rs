//! Where a person may be sent back to: which addresses a client can name for that.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Longest redirect URI, in bytes.
const BYTES_MAX: usize = 2_048;
const FORM: &str =
    "write https://…, http://127.0.0.1…, or a scheme of your own as com.example.app:/callback";

/// Checks a redirect URI: absolute, without fragment and without userinfo; `https`, `http` on this
/// machine, or a private-use scheme (RFC 8252 section 7).
///
/// # Errors
/// What is wrong, a colon, what to do. The URI is not shown: a password may stand in it.
pub fn check(uri: &str) -> Result<(), String> {
    if uri.len() > BYTES_MAX {
        return Err(format!("the URI is longer than {BYTES_MAX} bytes: shorten it"));
    }
    if uri.contains('#') {
        return Err("the URI has a fragment: leave away what begins with #".to_owned());
    }
    if !is_written_right(uri) {
        return Err("the URI has characters that it cannot have: percent-encode them".to_owned());
    }
    let (scheme, rest) =
        uri.split_once(':').ok_or_else(|| format!("the URI has no scheme: {FORM}"))?;
    match scheme {
        "https" => address(rest).map(|_| ()),
        "http" if matches!(address(rest)?, "127.0.0.1" | "[::1]" | "localhost") => Ok(()),
        "http" => Err("http to another machine can be read on the way: write https://…".to_owned()),
        _ if !is_private_use(scheme) => Err(format!("the scheme is not taken: {FORM}")),
        _ => private_use(rest),
    }
}

/// The host of a redirect URI that is good; none of a private-use scheme.
#[must_use]
pub fn host(uri: &str) -> Option<String> {
    check(uri).ok()?;
    let (scheme, rest) = uri.split_once(':')?;
    let host = matches!(scheme, "http" | "https").then(|| address(rest).ok()).flatten()?;
    Some(host.to_ascii_lowercase())
}

/// Whether there are only characters of RFC 3986 in it. A backslash is a slash to browsers.
fn is_written_right(uri: &str) -> bool {
    let is_good = |it: u8| it.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(&it);
    let is_encoded = |it: &str| it.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    uri.bytes().all(is_good) && uri.split('%').skip(1).all(is_encoded)
}

/// A scheme in lower case that is the name of a host the other way round: `com.example.app`. Those
/// that systems give a meaning to have no dot (`javascript`, `intent`, `search-ms`), or begin with
/// what ends no name of a host (`x-apple.systempreferences`, `z39.50r`).
fn is_private_use(scheme: &str) -> bool {
    let is_good = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    let is_label = |it: &str| !it.is_empty() && it.bytes().all(is_good);
    let Some((top, below)) = scheme.split_once('.') else { return false };
    let is_top = top.starts_with("xn--") || top.bytes().all(|it| it.is_ascii_lowercase());
    top.len() > 1 && is_top && is_label(top) && below.split('.').all(is_label)
}

fn private_use(rest: &str) -> Result<(), String> {
    if !rest.starts_with('/') {
        return Err("the URI has no path: write com.example.app:/callback".to_owned());
    }
    let authority = rest.strip_prefix("//").map_or("", authority);
    if authority.contains('@') { Err(userinfo()) } else { Ok(()) }
}

fn userinfo() -> String {
    "the URI has a name or password in it: leave away what stands before the @".to_owned()
}

fn authority(rest: &str) -> &str {
    rest.split(['/', '?']).next().unwrap_or_default()
}

/// The host of what follows the scheme of an address.
fn address(rest: &str) -> Result<&str, String> {
    let rest = rest.strip_prefix("//").ok_or_else(|| format!("the URI has no host: {FORM}"))?;
    let authority = authority(rest);
    if authority.contains('@') {
        return Err(userinfo());
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (authority, None),
    };
    let is_port = |it: &str| it.parse::<u16>().is_ok_and(|port| port > 0 && port.to_string() == it);
    if !port.is_none_or(is_port) {
        return Err(
            "the port is not a number from 1 to 65535: write https://host:port/…".to_owned()
        );
    }
    if is_host(host) {
        Ok(host)
    } else {
        Err("the host is neither a name nor an address: write https://host/…".to_owned())
    }
}

fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[') {
        return inner.strip_suffix(']').is_some_and(|it| it.parse::<Ipv6Addr>().is_ok());
    }
    let last = host.rsplit('.').next().unwrap_or_default();
    // What ends in a number is an address to some: 127.1, 0x7f.1, 2130706433.
    if last.bytes().all(|it| it.is_ascii_digit()) || last.starts_with("0x") {
        return host.parse::<Ipv4Addr>().is_ok();
    }
    is_host_name(host)
}

/// Whether `text` is the name of a host: labels of `a-z`, `0-9`, `-` and `_` with dots between.
#[must_use]
pub fn is_host_name(text: &str) -> bool {
    let is_good = |it: u8| it.is_ascii_alphanumeric() || it == b'-' || it == b'_';
    let is_label = |it: &str| (1..=63).contains(&it.len()) && it.bytes().all(is_good);
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253
        && text.split('.').all(is_label)
        && !last.bytes().all(|it| it.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn people_are_sent_back_to_https_to_this_machine_or_to_an_app() {
        for (good, want) in [
            ("https://app.example.com/cb", Some("app.example.com")),
            ("https://App.example:8443/cb?x=a%2Fb@c", Some("app.example")),
            ("https://192.0.2.1", Some("192.0.2.1")),
            ("https://[2001:db8::1]:8443/", Some("[2001:db8::1]")),
            ("http://127.0.0.1/cb", Some("127.0.0.1")),
            ("http://127.0.0.1:49152/cb", Some("127.0.0.1")),
            ("http://[::1]:8080", Some("[::1]")),
            ("http://localhost:3000/cb", Some("localhost")),
            ("com.example.app:/cb", None),
            ("com.example.app://cb?x=@", None),
            ("xn--p1ai.example.my-app2:/cb", None),
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
            assert_eq!(host(good).as_deref(), want, "{good}");
        }
        let long = format!("https://a.example/{}", "x".repeat(BYTES_MAX));
        for bad in [
            "",
            "app",
            "/cb",
            "//app.example/cb",
            "https:/app.example",
            "https://",
            "https:///cb",
            "https://a.example/cb#x",
            "https://hunter2@a.example/cb",
            "https://u:hunter2@a.example",
            "https://a.example@hunter2.example?x",
            "https://a.example\\@hunter2.example/",
            "https://a.example\\.hunter2.example/",
            "https://a.example:0/",
            "https://a.example:080/",
            "https://a.example:65536/",
            "https://a.example:/",
            "https://a..b/",
            "https://127.1/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://[::1/",
            "https://[::1]x/",
            "https://*.example/cb",
            "https://ä.example/cb",
            "https://a.example/c b",
            "https://a.example/%",
            "https://a.example/%zz",
            "https://a.example/\r\nlocation:x",
            "HTTPS://a.example/",
            "http://a.example/cb",
            "http://10.0.0.1/cb",
            "http://127.0.0.2/cb",
            "http://localhost.example/cb",
            "http://localhost@a.example/cb",
            "http://LOCALHOST/cb",
            "javascript:alert(1)",
            "JavaScript:/x",
            "data:text/html,x",
            "file:///etc/passwd",
            "about:blank",
            "blob:https://a.example/x",
            "vbscript:x",
            "app:/cb",
            "Com.example.app:/cb",
            ".app:/cb",
            "com..app:/cb",
            "com.example.app:cb",
            "com.example.app:",
            "intent://a.example/#Intent;end",
            "intent:/cb",
            "search-ms:/query",
            "ms-settings:/privacy",
            "ms-appinstaller:/?source=x",
            "cursor://a.b/cb",
            "x-apple.systempreferences:/cb",
            "z39.50r:/cb",
            "a.example:/cb",
            "com.example+app:/cb",
            "com.example.app://hunter2@x/cb",
            &long,
        ] {
            let error = check(bad).unwrap_err();
            assert_eq!(error.matches(": ").count(), 1, "{bad}: {error}");
            assert!(!error.contains("hunter2"), "{bad}: {error}");
            assert_eq!(host(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_host_name_is_no_address() {
        assert!(is_host_name("localhost") && is_host_name("a-b.example_1.com"));
        for bad in ["", ".", "a.", ".a", "a..b", "127.0.0.1", "a.1", "[::1]", "a:1", "a/b", "*.a"] {
            assert!(!is_host_name(bad), "{bad}");
        }
    }
}
