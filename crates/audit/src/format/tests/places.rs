//! No member is without its place in a format, and none takes the place of another.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    super::{
        cef,
        member::{MEMBERS, Member, member},
    },
    Format, SOURCE, json,
    samples::{bare, framed, full, header, line},
    text,
};
use crate::{Hash, Kind, Outcome, Source, record::NAMES};

/// The frame and the header of a segment, whose members are not of a record.
const OTHERS: [&str; 10] =
    ["seq", "hash", "crc", "prev", "format", "origin", "tree", "open", "unsynced_from", "log"];

#[test]
fn every_member_of_a_record_has_a_place_in_every_format() {
    let names: HashSet<_> = NAMES.into_iter().chain(OTHERS).collect();
    let mapped: HashSet<_> = MEMBERS.iter().map(|it| it.name).collect();
    assert_eq!(names, mapped);
    for it in &MEMBERS {
        for place in [it.ocsf, it.ecs, it.cef] {
            assert!(!place.is_empty() && !place.ends_with('.'), "{}", it.name);
        }
    }
}

#[test]
fn no_two_members_have_the_same_place() {
    for format in 0..3 {
        let place = |it: &Member| [it.ocsf, it.ecs, it.cef][format];
        let places: HashSet<_> = MEMBERS.iter().map(place).collect();
        assert_eq!(places.len(), MEMBERS.len());
    }
}

/// The names of the table are those that are written: of all lines together, none is missing.
#[test]
fn every_member_of_the_table_occurs_in_a_line() {
    let mut seen: HashSet<String> = ["log".to_owned()].into();
    let names = |line: &[u8]| -> Vec<String> {
        let value: Value = serde_json::from_slice(line).unwrap();
        value.as_object().unwrap().keys().cloned().collect()
    };
    for line in super::samples::lines() {
        seen.extend(names(&line));
    }
    for name in &seen {
        assert!(member(name).is_some(), "{name} has no place");
    }
    assert_eq!(seen.len(), MEMBERS.len());
}

fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |it, name| &it[name])
}

#[test]
fn each_value_is_found_at_its_place() {
    full(|record| {
        let line = line(&record);
        let (ocsf, ecs) = (json(Format::Ocsf, &line), json(Format::Ecs, &line));
        let cef = cef::read(&text(Format::Cef, &line)).unwrap();
        let read: Value = serde_json::from_slice(&line).unwrap();
        for name in read.as_object().unwrap().keys() {
            let it = member(name).unwrap();
            assert!(!at(&ocsf, it.ocsf).is_null(), "ocsf: {name}");
            assert!(!at(&ecs, it.ecs).is_null(), "ecs: {name}");
            assert!(cef.extension.contains_key(it.cef), "cef: {name}");
        }
        assert_eq!(at(&ocsf, "metadata.uid"), &read["hash"]);
        assert_eq!(at(&ocsf, "type_uid"), 600_304);
        assert_eq!(at(&ecs, "event.duration"), 400_000);
        assert_eq!(cef.extension["rt"], "1795392000123");
        assert_eq!(cef.header[6], "3");
    });
}

#[test]
fn whatever_happened_has_an_id_in_every_format() {
    for line in super::samples::lines() {
        let record: Value = serde_json::from_slice(&line).unwrap();
        let code = record.get("event").unwrap_or(&record["kind"]);
        assert_eq!(at(&json(Format::Ocsf, &line), "metadata.event_code"), code);
        assert_eq!(at(&json(Format::Ecs, &line), "event.code"), code);
        let cef = cef::read(&text(Format::Cef, &line)).unwrap();
        assert_eq!(*code, *cef.header[4]);
    }
}

#[test]
fn a_native_event_is_the_line_as_it_is() {
    let line = header();
    assert_eq!(format!("{}\n", text(Format::Native, &line)).into_bytes(), line);
}

#[test]
fn the_hash_before_goes_along_where_it_is_known() {
    let prev = Hash::of_origin("test");
    let line = line(&bare(Kind::Call, Outcome::Answered));
    let source = Source { prev: Some(prev), ..SOURCE };
    for format in [Format::Cef, Format::Ecs, Format::Ocsf] {
        let event = String::from_utf8(format.event(&line, &source).unwrap().bytes).unwrap();
        assert!(event.contains(&prev.to_string()), "{event}");
    }
}

#[test]
fn what_a_newer_door_wrote_is_not_lost() {
    let line = framed(
        br#""time":"2026-11-23T00:00:00.000000Z","kind":"new.kind","new.member":[1],"b=c":2"#,
    );
    for format in Format::ALL {
        let event = text(format, &line);
        assert!(event.contains("new.member") && event.contains("new.kind"), "{event}");
    }
    // Two of them are no key twice: the reader refuses that.
    let cef = cef::read(&text(Format::Cef, &line)).unwrap();
    assert_eq!(cef.extension["onedoorOther"], r#"{"new.member":[1],"b=c":2}"#);
}
