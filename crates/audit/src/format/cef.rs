//! An event of CEF:0. Its escapes are two layers, of which each can be taken off again.
//!
//! CEF has escapes for `\`, `=`, LF and CR, and `|` in the header, and nothing for other characters
//! that end a line or steer a terminal. Such a one is written as `\u` and four digits before CEF's
//! own escapes are added, and so is a `\` that stands before a `u`.

mod read;

use std::{fmt::Write as _, net::IpAddr};

use serde_json::{Map, Value};

pub(super) use self::read::{Cef, read, without_ours};
use super::{
    event::Event,
    member::{self, Shape},
    severity::Severity,
};
use crate::{record::is_unsafe, text};

/// What an event begins with.
pub(super) const MARK: &str = "CEF:0|";
/// Who made what tells it, and that itself.
pub(super) const VENDOR: &str = "Onedoor";
/// So many bytes the name of an event, and its id, have at most.
const HEADER_BYTES_MAX: usize = 512;
/// So many bytes the members have that have no key.
const OTHER_BYTES_MAX: usize = 4000;
/// `externalId` has room for no more: 160 bits of the hash, enough to tell all events apart.
const ID_DIGITS: usize = 40;

pub(super) fn write(event: &Event<'_>) -> String {
    let mut out = String::with_capacity(1024);
    out.push_str(MARK);
    for field in [VENDOR, VENDOR, event.source.version, event.code(), event.action()] {
        header(&mut out, field);
        out.push('|');
    }
    write!(out, "{}|", Severity::of(event).cef()).ok();
    let id = event.text("hash").get(..ID_DIGITS).unwrap_or_default();
    extension(&mut out, "externalId", id);
    extension(&mut out, "onedoorLog", event.source.log);
    for (name, value) in event.members() {
        write_member(&mut out, event, name, value);
    }
    // A newer door wrote them. Their names may be no keys, so they go along as one JSON text.
    let other: Map<_, _> = event
        .members()
        .filter(|it| member::member(it.0).is_none())
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect();
    if !other.is_empty() {
        let json = Value::Object(other).to_string();
        extension(&mut out, "onedoorOther", &text::cut(&json, OTHER_BYTES_MAX));
    }
    if event.is_truncated {
        extension(&mut out, "onedoorTruncated", "true");
    }
    // Each was written with a space behind it.
    out.pop();
    out
}

fn write_member(out: &mut String, event: &Event<'_>, name: &str, value: &Value) {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let Some(member) = member::member(name) else { return };
    if member.shape == Shape::Time {
        return extension(out, member.cef, &event.time_us.div_euclid(1000).to_string());
    }
    let text = text::cut(&text, member.cef_bytes_max);
    match (name, text.parse()) {
        // `src` and `dst` are for addresses of IPv4.
        ("peer", Ok(IpAddr::V6(_))) => {
            extension(out, "c6a2", &text);
            extension(out, "c6a2Label", "Source IPv6 Address");
        }
        ("upstream_ip", Ok(IpAddr::V6(_))) => {
            extension(out, "c6a3", &text);
            extension(out, "c6a3Label", "Destination IPv6 Address");
        }
        ("peer", Err(_)) => extension(out, "onedoorPeer", &text),
        ("upstream_ip", Err(_)) => extension(out, "onedoorUpstreamIp", &text),
        _ => extension(out, member.cef, &text),
    }
}

fn extension(out: &mut String, key: &str, value: &str) {
    out.push_str(key);
    out.push('=');
    for character in plain(value).chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '=' => out.push_str("\\="),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            other => out.push(other),
        }
    }
    out.push(' ');
}

/// A field of the header, which has no escape for the end of a line.
fn header(out: &mut String, value: &str) {
    for character in plain(&text::cut(value, HEADER_BYTES_MAX)).chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '|' => out.push_str("\\|"),
            '\n' | '\r' => out.push(' '),
            other => out.push(other),
        }
    }
}

/// The text without what steers a terminal or ends a line, but LF and CR.
fn plain(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let (mut rest, mut units) = (value.chars().peekable(), [0; 2]);
    while let Some(character) = rest.next() {
        let is_control = character < ' ' && !matches!(character, '\n' | '\r');
        let is_ours = character == '\\' && rest.peek() == Some(&'u');
        match is_control || is_ours || is_unsafe(character) {
            // As in JSON: two of them for what is beyond four digits.
            true => {
                let mut encoded = character.encode_utf16(&mut units).iter();
                encoded.try_for_each(|unit| write!(out, "\\u{unit:04x}")).ok()
            }
            false => write!(out, "{character}").ok(),
        };
    }
    out
}
