//! A strict reader of CEF:0: what its specification does not allow is refused.

use std::collections::BTreeMap;

#[derive(Debug)]
pub(super) struct Cef {
    pub(super) header: Vec<String>,
    pub(super) extension: BTreeMap<String, String>,
}

pub(super) fn parse(line: &str) -> Result<Cef, String> {
    if line.contains(['\n', '\r']) {
        return Err("a line break".to_owned());
    }
    let (header, extension) = split_header(line)?;
    if header.len() != 7 || header[0] != "CEF:0" {
        return Err(format!("header {header:?}"));
    }
    let severity: u8 = header[6].parse().map_err(|_| "severity")?;
    if severity > 10 {
        return Err("severity above 10".to_owned());
    }
    Ok(Cef { header, extension: extensions(extension)? })
}

/// Seven fields, each with a `|` behind it, in which `\` and `|` have a `\` before them.
fn split_header(line: &str) -> Result<(Vec<String>, &str), String> {
    let mut fields = vec![String::new()];
    let mut rest = line.char_indices();
    while let Some((at, character)) = rest.next() {
        let count = fields.len();
        let field = fields.last_mut().unwrap();
        match character {
            '\\' => match rest.next() {
                Some((_, next @ ('\\' | '|'))) => field.push(next),
                other => return Err(format!("escape {other:?} in the header")),
            },
            '|' if count == 7 => return Ok((fields, &line[at + 1..])),
            '|' => fields.push(String::new()),
            other => field.push(other),
        }
    }
    Err("no end of the header".to_owned())
}

/// A key stands before each `=` that has no `\` before it.
fn extensions(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut equals = Vec::new();
    let mut is_escaped = false;
    for (at, character) in text.char_indices() {
        if character == '=' && !is_escaped {
            equals.push(at);
        }
        is_escaped = character == '\\' && !is_escaped;
    }
    let mut found = BTreeMap::new();
    for (index, at) in equals.iter().enumerate() {
        let key_from = |at: usize| text[..at].rfind(' ').map_or(0, |it| it + 1);
        let key = &text[key_from(*at)..*at];
        let end = equals.get(index + 1).map_or(text.len(), |it| key_from(*it) - 1);
        if key.is_empty() || !key.bytes().all(|it| it.is_ascii_alphanumeric()) {
            return Err(format!("key {key:?}"));
        }
        let value = without_escapes(&text[at + 1..end])?;
        if found.insert(key.to_owned(), value).is_some() {
            return Err(format!("key {key:?} twice"));
        }
    }
    Ok(found)
}

fn without_escapes(value: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = value.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => out.push(match rest.next() {
                Some(next @ ('\\' | '=')) => next,
                Some('n') => '\n',
                Some('r') => '\r',
                other => return Err(format!("escape {other:?}")),
            }),
            other => out.push(other),
        }
    }
    Ok(out)
}

/// Takes off the layer that is ours: `\u` and four digits.
pub(super) fn without_ours(value: &str) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some(at) = rest.find("\\u") {
        out.push_str(&rest[..at]);
        let digits = &rest[at + 2..at + 6];
        out.push(char::from_u32(u32::from_str_radix(digits, 16).unwrap()).unwrap());
        rest = &rest[at + 6..];
    }
    out + rest
}
