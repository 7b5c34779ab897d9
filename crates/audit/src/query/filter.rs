//! Which records are wanted, and whether a line is one of them.

use std::ops::Range;

use model::Timestamp;
use serde_json::Value;

use super::needle::Needle;
use crate::{
    Field, frame,
    index::{Body, Members, second},
};

/// Which records are wanted: those for which all of this is so.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Not before this time.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// These members, each with one of these values.
    pub fields: Vec<(Field, Vec<String>)>,
    /// A value of the record has this text in it, in capital letters of ASCII or small ones. Neither
    /// its number nor its time are looked at, nor the names of members outside the arguments.
    pub text: Option<String>,
}

/// A filter, made ready to be compared.
#[derive(Debug)]
pub(super) struct Sieve<'a> {
    filter: &'a Filter,
    /// What stands for each list of values in the index.
    pub(super) terms: Vec<Vec<u64>>,
    /// The first and the last second.
    pub(super) seconds: (u32, u32),
    needle: Option<Needle>,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    Fits,
    /// Another record.
    Other,
    /// No record, or not as it was written.
    Broken,
}

impl<'a> Sieve<'a> {
    pub(super) fn new(filter: &'a Filter) -> Self {
        let Filter { since, until, fields, text } = filter;
        let terms = |(field, values): &(Field, Vec<String>)| {
            values.iter().map(|it| field.term(it)).collect()
        };
        Self {
            filter,
            terms: fields.iter().map(terms).collect(),
            seconds: (since.map_or(0, second), until.map_or(u32::MAX, second)),
            needle: text.as_deref().map(Needle::new),
        }
    }

    /// The lines of a part that have to be read: those that may fit, and those that cannot be read,
    /// which are told. None where the tables make no sense.
    pub(super) fn wanted(&self, body: &Body, here: &Range<u32>) -> Option<Vec<u32>> {
        let mut wanted = body.candidates(&self.terms)?;
        let (from, to) = self.seconds;
        wanted.retain(|it| {
            here.contains(it) && body.second(*it).is_some_and(|it| (from..=to).contains(&it))
        });
        wanted.extend(body.broken()?.into_iter().filter(|it| here.contains(it)));
        wanted.sort_unstable();
        wanted.dedup();
        Some(wanted)
    }

    /// What a line is.
    pub(super) fn look(&self, line: &[u8]) -> Line {
        let Some(frame) = frame::read(line) else { return Line::Broken };
        let Some(members) = Members::read(line) else { return Line::Broken };
        let Some(time) = members.time() else { return Line::Broken };
        let is_in_time = self.filter.since.is_none_or(|it| time >= it)
            && self.filter.until.is_none_or(|it| time < it);
        let has = |(field, values): &(Field, Vec<String>)| {
            let value = members.value(*field);
            value.is_some_and(|it| values.iter().any(|wanted| *wanted == it))
        };
        let fits = is_in_time
            && self.filter.fields.iter().all(has)
            && self.needle.as_ref().is_none_or(|it| is_said(it, frame.body));
        if fits { Line::Fits } else { Line::Other }
    }
}

/// Whether a value of the record has the text in it.
fn is_said(needle: &Needle, body: &[u8]) -> bool {
    // The bytes tell of most lines that they have it nowhere. The rest tell it of names, too.
    if !needle.may_be_in(body) {
        return false;
    }
    let Ok(Value::Object(mut members)) = serde_json::from_slice(&frame::json(body)) else {
        return false;
    };
    members.remove("seq");
    members.remove("time");
    members.values().any(|it| needle.is_in(it))
}
