//! Whatever a caller wrote, in whichever member: one event stays one line and reads back.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{
    super::{
        cef,
        member::{MEMBERS, Member, Shape, member},
    },
    Format, FormatError, SOURCE,
    crossed::{PLACES, crossed},
    json,
    naughty_strings::NAUGHTY,
    samples::framed,
    text,
};
use crate::record::{is_unsafe, one_line};

/// What the frame and its reader demand to be as it is.
const FIXED: [&str; 6] = ["seq", "hash", "crc", "prev", "time", "log"];

/// A line with this text in one of its members.
fn line(name: &str, value: &str) -> Vec<u8> {
    let mut members = Map::new();
    members.insert("time".to_owned(), "2026-11-23T00:00:00.000000Z".into());
    members.insert("kind".to_owned(), "call".into());
    members.insert(name.to_owned(), value.into());
    let json = one_line(&members).unwrap();
    framed(&json[1..json.len() - 1])
}

fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |it, name| &it[name])
}

fn is_one_line(event: &str) -> bool {
    !event.chars().any(|it| it.is_control() || is_unsafe(it))
}

/// What a text may stand in.
fn members() -> impl Iterator<Item = &'static Member> {
    MEMBERS.iter().filter(|it| !FIXED.contains(&it.name))
}

/// The event is one line in each format, and a strict reader of CEF finds the text.
fn check_event(it: &Member, naughty: &str) {
    let line = line(it.name, naughty);
    for format in Format::ALL {
        let event = text(format, &line);
        assert!(is_one_line(&event), "{} {naughty:?} {format:?}: {event}", it.name);
    }
    let cef = cef::read(&text(Format::Cef, &line)).unwrap();
    // An address that is none has another key, so as not to be taken for one.
    let key = match it.name {
        "peer" => "onedoorPeer",
        "upstream_ip" => "onedoorUpstreamIp",
        _ => it.cef,
    };
    let read = cef::without_ours(&cef.extension[key]).unwrap();
    // A key of CEF's own may hold less than the text; it says so then.
    match naughty.len() <= it.cef_bytes_max {
        true => assert_eq!(read, naughty, "{}", it.name),
        false => assert!(read.ends_with(" bytes in all]"), "{}: {read}", it.name),
    }
}

/// A reader of JSON finds the text, where the member is one.
fn check_json(it: &Member, naughty: &str) {
    // `api.operation` and an address are made of more than the member.
    if it.shape != Shape::Text || matches!(it.name, "peer" | "upstream_ip" | "operation") {
        return;
    }
    let line = line(it.name, naughty);
    let (ocsf, ecs) = (json(Format::Ocsf, &line), json(Format::Ecs, &line));
    assert_eq!(at(&ecs, it.ecs), naughty, "ecs {}", it.name);
    // The class of an event depends on its kind, and what it has no place for is set aside.
    let aside = &ocsf["unmapped"][it.name];
    assert!(at(&ocsf, it.ocsf) == naughty || aside == naughty, "ocsf {} {naughty:?}", it.name);
}

#[test]
fn no_text_in_any_member_breaks_out_of_its_event() {
    for it in members() {
        for naughty in NAUGHTY {
            check_event(it, naughty);
        }
    }
}

#[test]
fn a_text_reads_back_from_json() {
    for it in members() {
        for naughty in NAUGHTY {
            check_json(it, naughty);
        }
    }
}

#[test]
fn what_is_special_breaks_out_of_no_event_at_any_place_of_a_text() {
    let texts: Vec<_> = crossed().collect();
    // As many as the lists that others keep.
    assert!(texts.iter().collect::<HashSet<_>>().len() > 1500);
    for (number, text) in texts.iter().enumerate() {
        // Each in a few members, which takes a tenth of the time: all that is special meets every member,
        // in one place or another.
        for it in members().skip(number % PLACES.len()).step_by(PLACES.len()) {
            check_event(it, text);
            check_json(it, text);
        }
    }
}

#[test]
fn a_huge_text_is_cut_and_that_is_told() {
    let huge = "x=\n".repeat(20_000);
    let bounds = [(Format::Cef, 16 << 10), (Format::Ecs, 32 << 10), (Format::Ocsf, 32 << 10)];
    for it in members() {
        let line = line(it.name, &huge);
        for (format, bytes_max) in bounds {
            let event = text(format, &line);
            assert!(event.len() < bytes_max && is_one_line(&event), "{} {format:?}", it.name);
            assert!(event.contains("bytes in all]"), "{} {format:?}", it.name);
        }
        let ocsf = json(Format::Ocsf, &line);
        assert_eq!(at(&ocsf, "metadata.is_truncated"), true);
        assert_eq!(at(&ocsf, "metadata.untruncated_size"), line.len() - 1);
        assert!(text(Format::Cef, &line).contains("onedoorTruncated=true"));
    }
    let member = member("open").unwrap();
    assert_eq!(member.shape, Shape::Json);
}

#[test]
fn what_is_no_line_of_a_log_is_no_event() {
    let good = line("path", "/orders");
    let bad: [Vec<u8>; 7] = [
        Vec::new(),
        b"{}".to_vec(),
        b"[1]".to_vec(),
        [&good[..20], b"\xff\xfe", &good[20..]].concat(),
        good.iter().map(|it| if *it == b'/' { 0xc0 } else { *it }).collect(),
        [&good[..good.len() - 1], &good[..]].concat(),
        good.iter()
            .flat_map(|it| [*it].into_iter().chain((*it == b',').then_some(b'\n')))
            .collect(),
    ];
    for line in &bad {
        for format in Format::ALL {
            let error = format.event(line, &SOURCE).unwrap_err();
            assert!(
                matches!(error, FormatError::Json { .. } | FormatError::Member { .. }),
                "{error}"
            );
            assert!(error.to_string().contains("onedoor audit verify"), "{error}");
        }
    }
}
