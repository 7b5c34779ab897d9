//! A strict reader of CEF:0: what its specification does not allow is refused.

use std::collections::BTreeMap;

use super::MARK;

/// An event of CEF, without the escapes of CEF itself.
#[derive(Debug)]
pub(in crate::format) struct Cef {
    pub(in crate::format) header: [String; 7],
    pub(in crate::format) extension: BTreeMap<String, String>,
}

pub(in crate::format) fn read(line: &str) -> Option<Cef> {
    if line.contains(['\n', '\r']) || !line.starts_with(MARK) {
        return None;
    }
    let (header, extension) = split_header(line)?;
    let [.., severity] = &header;
    if severity.parse::<u8>().ok()? > 10 {
        return None;
    }
    Some(Cef { header, extension: extensions(extension)? })
}

/// Takes off the layer that is ours: `\u` and four digits, two of them where it takes a pair.
pub(in crate::format) fn without_ours(value: &str) -> Option<String> {
    let (mut units, mut rest) = (Vec::new(), value);
    while let Some((before, behind)) = rest.split_once("\\u") {
        let (digits, behind) = behind.split_at_checked(4)?;
        units.extend(before.encode_utf16());
        units.push(u16::from_str_radix(digits, 16).ok()?);
        rest = behind;
    }
    units.extend(rest.encode_utf16());
    String::from_utf16(&units).ok()
}

/// Seven fields, each with a `|` behind it, in which `\` and `|` have a `\` before them.
fn split_header(line: &str) -> Option<([String; 7], &str)> {
    let mut header: [String; 7] = Default::default();
    let mut rest = line.chars();
    for field in &mut header {
        loop {
            match rest.next()? {
                '\\' => field.push(rest.next().filter(|it| matches!(it, '\\' | '|'))?),
                '|' => break,
                other => field.push(other),
            }
        }
    }
    Some((header, rest.as_str()))
}

/// A key stands before each `=` that has no `\` before it.
fn extensions(text: &str) -> Option<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let (mut key, mut rest) = split_equals(text)?;
    loop {
        // Between a value and the next key is a space; the last value goes to the end.
        let next = split_equals(rest);
        let (value, next_key) = match next {
            Some((before, _)) => before.rsplit_once(' ')?,
            None => (rest, ""),
        };
        let is_key = !key.is_empty() && key.bytes().all(|it| it.is_ascii_alphanumeric());
        if !is_key || found.insert(key.to_owned(), without_escapes(value)?).is_some() {
            return None;
        }
        let Some((_, behind)) = next else { return Some(found) };
        (key, rest) = (next_key, behind);
    }
}

/// What is before and behind the first `=` that has no `\` before it.
fn split_equals(text: &str) -> Option<(&str, &str)> {
    let mut is_escaped = false;
    let at = text.find(|it: char| {
        let is_found = it == '=' && !is_escaped;
        is_escaped = it == '\\' && !is_escaped;
        is_found
    })?;
    let (before, behind) = text.split_at_checked(at)?;
    Some((before, behind.strip_prefix('=')?))
}

fn without_escapes(value: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = value.chars();
    while let Some(character) = rest.next() {
        out.push(match character {
            '\\' => match rest.next()? {
                it @ ('\\' | '=') => it,
                'n' => '\n',
                'r' => '\r',
                _ => return None,
            },
            other => other,
        });
    }
    Some(out)
}
