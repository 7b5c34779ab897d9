//! A record as exactly one line, whatever a caller put into it.

use std::{
    fmt::Display,
    io::{self, Write},
    ops::Deref,
    sync::Arc,
};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::{NAMES, Record, TEXT_BYTES_MAX};
use crate::{Error, redact::sentence, text};

/// Room for a usual line, so that it is made without growing.
const USUAL_BYTES: usize = 1024;

/// The record as one line of JSON, with its newline and without a frame.
#[cfg(test)]
pub(crate) fn line(record: &Record<'_>) -> Result<Vec<u8>, Error> {
    Ok([b"{", &*members(record)?, b"}\n"].concat())
}

/// The members of the record, as they stand between the braces of its line.
pub(crate) fn members(record: &Record<'_>) -> Result<Members, Error> {
    let mut line = Line::new();
    record.write(&mut line).map_err(|source| Error::Serialize { source: Arc::new(source) })?;
    Ok(Members(line))
}

/// All members of a record.
#[derive(Debug)]
pub(crate) struct Members(Line);

impl Deref for Members {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // Without the comma before the first of them.
        self.0.0.get(1..).unwrap_or_default()
    }
}

/// Members as far as they are written, with a comma before each.
// Not a serde map: most values are plain text, and a line is written for every call.
//
// What takes a name is inlined, and what writes a value is not: so a name is a constant of known length
// where it is copied, and that takes no call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line(Vec<u8>);

impl Line {
    pub(super) fn new() -> Self {
        Self(Vec::with_capacity(USUAL_BYTES))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// A copy of the members from this byte on.
    pub(super) fn since(&self, start: usize) -> Self {
        Self(self.0.get(start..).unwrap_or_default().to_vec())
    }

    /// Adds members that were written before.
    pub(super) fn append(&mut self, members: &Self) {
        self.0.extend_from_slice(&members.0);
    }

    #[inline(always)]
    fn name(&mut self, name: &'static str) {
        debug_assert!(NAMES.contains(&name), "{name} is missing in NAMES of record.rs");
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    /// A value, as serde writes it.
    #[inline(always)]
    pub(crate) fn put<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), serde_json::Error> {
        self.name(name);
        self.value(value)
    }

    /// A value, where there is one.
    #[inline(always)]
    pub(crate) fn some<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: Option<&T>,
    ) -> Result<(), serde_json::Error> {
        value.map_or(Ok(()), |it| self.put(name, it))
    }

    /// A word of ours or an id: of such bytes that it needs no escape.
    #[inline(always)]
    pub(crate) fn word(&mut self, name: &'static str, value: &str) {
        debug_assert!(is_plain(value), "{name}: {value}");
        self.name(name);
        self.plain(value);
    }

    /// A text of which only the beginning may be kept.
    #[inline(always)]
    pub(crate) fn cut(
        &mut self,
        name: &'static str,
        value: Option<&str>,
    ) -> Result<(), serde_json::Error> {
        let Some(value) = value else { return Ok(()) };
        self.name(name);
        self.beginning(value)
    }

    /// A sentence that may hold what a caller wrote, and with it a secret or an e-mail address.
    pub(crate) fn said(
        &mut self,
        name: &'static str,
        value: Option<&str>,
    ) -> Result<(), serde_json::Error> {
        self.cut(name, value.map(sentence::without_addresses).as_deref())
    }

    /// A sentence that names whom a record is about, by an e-mail address if that is the name.
    pub(crate) fn named(
        &mut self,
        name: &'static str,
        value: Option<&str>,
    ) -> Result<(), serde_json::Error> {
        self.cut(name, value.map(sentence::without_secrets))
    }

    /// A value whose text needs no escape.
    #[inline(always)]
    pub(crate) fn shown(&mut self, name: &'static str, value: &impl Display) {
        self.name(name);
        self.0.push(b'"');
        // Writing to memory does not fail.
        write!(self.0, "{value}").ok();
        self.0.push(b'"');
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), serde_json::Error> {
        value.serialize(&mut Serializer::with_formatter(&mut self.0, OneLine))
    }

    #[inline(never)]
    fn beginning(&mut self, text: &str) -> Result<(), serde_json::Error> {
        let text = text::cut(text, TEXT_BYTES_MAX);
        if !is_plain(&text) {
            return self.value(&*text);
        }
        self.plain(&text);
        Ok(())
    }

    #[inline(never)]
    fn plain(&mut self, text: &str) {
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'"');
    }
}

/// Whether a text is its own JSON: ASCII without controls, quotes and backslashes.
fn is_plain(text: &str) -> bool {
    // No early end: so it is told many bytes at a time.
    text.bytes().fold(true, |is_plain, it| {
        is_plain & (0x20..0x7f).contains(&it) & (it != b'"') & (it != b'\\')
    })
}

/// A value as JSON on one line, with everything escaped that could end it or steer a terminal.
///
/// # Errors
/// What serde says of a value that is no JSON.
pub fn one_line<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::with_capacity(USUAL_BYTES);
    value.serialize(&mut Serializer::with_formatter(&mut out, OneLine))?;
    Ok(out)
}

/// Compact JSON that also escapes what ends a line or steers a terminal outside ASCII.
struct OneLine;

impl Formatter for OneLine {
    // JSON itself escapes what is below 0x20; the fragment holds the rest.
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        // The usual text is plain ASCII. Both questions are answered many bytes at a time.
        if fragment.is_ascii() && !fragment.as_bytes().contains(&0x7f) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some((at, found)) = rest.char_indices().find(|(_, it)| is_unsafe(*it)) {
            let (before, after) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            let mut units = [0; 2];
            for unit in found.encode_utf16(&mut units) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = after.strip_prefix(found).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }
}

/// Controls above ASCII, separators of lines, what turns the direction of text, and what nobody sees.
///
/// That is all of Unicode's `Bidi_Control`, and of its `Default_Ignorable_Code_Point` what hardly any
/// writing needs: joiners and selectors of variants are part of words and emoji, fillers are letters.
#[must_use]
pub fn is_unsafe(character: char) -> bool {
    matches!(
        character,
        '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use model::{Refusal, RefusalKind, Timestamp};
    use proptest::prelude::*;

    use super::*;
    use crate::record::{Kind, Outcome};

    #[test]
    fn nothing_in_a_record_can_begin_a_second_line() {
        let refusal = Refusal::new(RefusalKind::Malformed, "bad").because("a\r\n\0\x1b[2J\u{9b}b");
        let mut record =
            Record::new(Timestamp::from_seconds(0), Kind::Malformed, Outcome::Refused(&refusal));
        record.path = Some("/x\u{2028}\u{2029}\u{85}\u{202e}\u{feff}é");
        let line = String::from_utf8(line(&record).unwrap()).unwrap();
        assert_eq!(
            line,
            "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"kind\":\"malformed\",\
             \"path\":\"/x\\u2028\\u2029\\u0085\\u202e\\ufeffé\",\"outcome\":\"refused\",\
             \"decision\":\"deny\",\"reason\":\"malformed\",\"detail\":\"bad\",\
             \"cause\":\"a\\r\\n\\u0000\\u001b[2J\\u009bb\"}\n"
        );
    }

    /// Each by its number, for the list above must not be what it is checked by.
    #[test]
    fn what_turns_the_direction_of_text_or_is_not_seen_is_escaped() {
        let bidi =
            [0x61c, 0x200e, 0x200f].into_iter().chain(0x202a..=0x202e).chain(0x2066..=0x2069);
        let unseen =
            [0xad, 0x180e, 0x200b, 0x2060, 0x2064, 0x206a, 0x206f, 0xfeff, 0xfff9, 0xe0041];
        for number in bidi.chain(unseen) {
            let text = format!("a{}b", char::from_u32(number).unwrap());
            let json = one_line(&text).unwrap();
            assert!(json.is_ascii(), "U+{number:04X}");
            assert_eq!(serde_json::from_slice::<String>(&json).unwrap(), text);
        }
        // Words and emoji stay what they are.
        for text in
            ["\u{645}\u{6cc}\u{200c}\u{62e}", "\u{1f468}\u{200d}\u{1f469}", "\u{2764}\u{fe0f}"]
        {
            assert_eq!(one_line(text).unwrap(), format!("\"{text}\"").into_bytes());
        }
    }

    proptest! {
        #[test]
        fn a_line_is_one_line_and_reads_back(text in "(\\PC|[\\x00-\\x20\u{7f}-\u{a0}\u{2020}-\u{2070}\"\\\\]){0,40}") {
            let mut record =
                Record::new(Timestamp::from_seconds(0), Kind::Call, Outcome::Answered);
            record.tool = Some(&text);
            let line = String::from_utf8(line(&record).unwrap()).unwrap();
            let body = line.strip_suffix('\n').unwrap();
            prop_assert!(!body.chars().any(|it| it.is_control() || is_unsafe(it)), "{}", body);
            let read: serde_json::Value = serde_json::from_str(body).unwrap();
            prop_assert_eq!(read["tool"].as_str(), Some(&*text));
        }
    }
}
