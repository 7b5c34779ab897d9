//! The URL that a proof is for, in one form (RFC 3986 section 6.2.2 and 6.2.3).

use std::net::Ipv6Addr;

/// Scheme, authority and path; query and fragment are dropped. None for what has no such form, or
/// that two readers could take for two URLs: user names, dot segments, characters out of place.
pub(super) fn normalize(url: &str) -> Option<String> {
    let url = url.split(['?', '#']).next()?;
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default = match scheme.as_str() {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = authority_of(authority)?;
    let port = port.filter(|it| *it != default).map(|it| format!(":{it}")).unwrap_or_default();
    Some(format!("{scheme}://{host}{port}{}", path_of(path)?))
}

fn authority_of(text: &str) -> Option<(String, Option<u16>)> {
    // The brackets of an IPv6 address hold colons too.
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        Some(_) | None => (text, ""),
    };
    let port = match port {
        "" => None,
        digits if digits.bytes().all(|it| it.is_ascii_digit()) => Some(digits.parse().ok()?),
        _ => return None,
    };
    let host = match host.strip_prefix('[') {
        Some(rest) => format!("[{}]", rest.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?),
        None => name(host)?,
    };
    Some((host, port))
}

fn name(host: &str) -> Option<String> {
    let is_name = !host.is_empty()
        && host.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'.' | b'_'));
    is_name.then(|| host.to_ascii_lowercase())
}

fn path_of(path: &str) -> Option<String> {
    let mut normal = String::with_capacity(path.len().max(1));
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => escape(bytes.next()?, bytes.next()?, &mut normal)?,
            _ if is_unreserved(byte) || b"!$&'()*+,;=:@/".contains(&byte) => {
                normal.push(char::from(byte));
            }
            _ => return None,
        }
    }
    if normal.split('/').any(|it| matches!(it, "." | "..")) {
        return None;
    }
    if normal.is_empty() {
        normal.push('/');
    }
    Some(normal)
}

/// What need not be escaped is not; what is has capital digits.
fn escape(high: u8, low: u8, normal: &mut String) -> Option<()> {
    let digit = |it: u8| char::from(it).to_digit(16).and_then(|it| u8::try_from(it).ok());
    let byte = digit(high)?.checked_shl(4)? | digit(low)?;
    if is_unreserved(byte) {
        normal.push(char::from(byte));
    } else {
        let capital = |it: u8| char::from(it.to_ascii_uppercase());
        normal.extend(['%', capital(high), capital(low)]);
    }
    Some(())
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_url_has_one_form() {
        for (url, want) in [
            ("https://door.example", "https://door.example/"),
            ("HTTPS://Door.EXAMPLE:443/a?b=c#d", "https://door.example/a"),
            ("http://door.example:/", "http://door.example/"),
            ("http://door.example:080#x", "http://door.example/"),
            ("http://door.example:443/", "http://door.example:443/"),
            ("https://door.example?x=/y", "https://door.example/"),
            ("https://[::1]:8443/a", "https://[::1]:8443/a"),
            ("https://[0:0:0:0:0:0:0:1]/a", "https://[::1]/a"),
            ("https://a/%7e%41%2f%c3%A4", "https://a/~A%2F%C3%A4"),
            ("https://a//b/", "https://a//b/"),
            ("https://a/B", "https://a/B"),
        ] {
            assert_eq!(normalize(url).as_deref(), Some(want), "{url}");
        }
    }

    #[test]
    fn what_could_be_two_urls_is_none() {
        for bad in [
            "",
            "/a",
            "door.example/a",
            "https:/a",
            "https:///a",
            "https://",
            "ftp://a/",
            "https://user@a/",
            "https://user:x@a/",
            "https://a:b/",
            "https://a:65536/",
            "https://a:+1/",
            "https://a/b/../c",
            "https://a/./b",
            "https://a/%2e%2E/b",
            "https://a/%",
            "https://a/%4",
            "https://a/%zz",
            "https://a/%+1",
            "https://a/ b",
            "https://a/\\b",
            "https://a\\b/",
            "https://a/ä",
            "https://ä/",
            "https://a%2eb/",
            "https://[::1",
            "https://[::1]x/",
            "https://[v1.x]/",
            " https://a/",
            "https://a/\0",
            "https://a/<",
            "javascript://a/",
        ] {
            assert_eq!(normalize(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_a_normal_form_stays(text in "(https?://)?[a-z%/.:@\\[\\]2eE?#ä]{0,40}") {
            if let Some(normal) = normalize(&text) {
                prop_assert_eq!(normalize(&normal), Some(normal));
            }
        }
    }
}
