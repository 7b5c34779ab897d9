//! Every member has its place, every event is right, and nothing that is said breaks out of it.

mod attestation;
mod cef_parser;
mod document;
mod naughty;
mod naughty_strings;
mod ocsf_schema;
mod places;
mod samples;

use super::{Format, FormatError, Source};

const SOURCE: Source<'static> = Source { log: "door-1", version: "0.1.0", prev: None };

fn text(format: Format, line: &[u8]) -> String {
    String::from_utf8(format.event(line, &SOURCE).unwrap().bytes).unwrap()
}

fn json(format: Format, line: &[u8]) -> serde_json::Value {
    serde_json::from_str(&text(format, line)).unwrap()
}
