//! A `multipart/form-data` body (RFC 7578).

use std::collections::BTreeSet;

use bytes::Bytes;
use http::HeaderValue;

/// What a boundary begins with, before eight digits.
const BOUNDARY: &str = "onedoor-";

/// One field of the form.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: Box<str>,
    pub(super) content_type: Option<Box<str>>,
    pub(super) is_file: bool,
    pub(super) content: Vec<u8>,
}

/// The body and its media type, with a boundary that is in none of the parts.
pub(super) fn write(parts: &[Part]) -> (HeaderValue, Bytes) {
    let boundary = boundary(parts);
    let mut body: Vec<u8> = Vec::new();
    for part in parts {
        let name = escape(&part.name);
        let file = if part.is_file { format!("; filename=\"{name}\"") } else { String::new() };
        body.extend_from_slice(
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n")
                .as_bytes(),
        );
        if let Some(content_type) = &part.content_type {
            body.extend_from_slice(format!("Content-Type: {content_type}\r\n").as_bytes());
        }
        body.extend_from_slice(b"\r\n");
        body.extend_from_slice(&part.content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let media_type = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}"));
    (media_type.unwrap_or(HeaderValue::from_static("multipart/form-data")), body.into())
}

/// The first boundary that is free: one look at the parts, whatever is in them, and the same bytes
/// for equal calls.
fn boundary(parts: &[Part]) -> String {
    let mut taken: BTreeSet<u32> = BTreeSet::new();
    for part in parts {
        let numbers = part.content.windows(BOUNDARY.len().saturating_add(8));
        taken.extend(numbers.filter_map(|window| {
            let digits = window.strip_prefix(BOUNDARY.as_bytes())?;
            u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
        }));
    }
    let free = (0_u32..).find(|it| !taken.contains(it)).unwrap_or_default();
    format!("{BOUNDARY}{free:08x}")
}

/// A name within quotes, as browsers write it (HTML standard, "multipart/form-data encoding").
fn escape(name: &str) -> String {
    let name = name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    name.chars().filter(|it| !it.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boundary_is_in_none_of_the_parts() {
        let part = |content: &str| Part {
            name: "a\"\r\n".into(),
            content_type: None,
            is_file: true,
            content: content.as_bytes().to_vec(),
        };
        let first = boundary(&[]);
        let parts = [part(&format!("--{first}--"))];
        assert_ne!(boundary(&parts), first);
        let (media_type, body) = write(&parts);
        let body = String::from_utf8(body.to_vec()).unwrap();
        let boundary = media_type.to_str().unwrap().split_once("boundary=").unwrap().1;
        assert_eq!(body.matches(boundary).count(), 2);
        assert!(body.contains("name=\"a%22%0D%0A\"; filename=\"a%22%0D%0A\"\r\n\r\n--onedoor"));
    }
}
