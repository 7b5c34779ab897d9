//! Every event says which record it is of, whatever a caller wrote, and whatever is around it.

use serde_json::{Value, json};

use super::{super::Held, Format, SOURCE, ocsf_schema::lines, samples, text};
use crate::{Kind, Outcome, Record};

/// What would be read for a number or a hash, were it not a value.
const FORGED: [&str; 6] = [
    "x onedoorSequence=9 onedoorHash=9 onedoorLog=9",
    "||||||||externalId=9 onedoorSequence=9",
    "\\| onedoorHash\\=9 onedoorHash=9",
    "{\"seq\":9,\"hash\":\"9\"}",
    "CEF:0|Onedoor|Onedoor|9|9|9|9|onedoorSequence=9",
    "\u{feff}{\"metadata\":{\"sequence\":9}}",
];

/// What is read is what the line has, from a format that says all of it.
fn check(format: Format, line: &[u8], event: &str) {
    let record: Value = serde_json::from_slice(line).unwrap();
    let Held { seq, hash, log, line } = Held::read(event).unwrap();
    assert_eq!((json!(seq), json!(hash)), (record["seq"].clone(), record["hash"].clone()));
    match format == Format::Native {
        true => assert_eq!((log, line), (None, Some(record))),
        false => assert_eq!((log.as_deref(), line), (Some(SOURCE.log), None)),
    }
}

#[test]
fn every_event_says_its_number_its_hash_and_its_log() {
    for line in lines() {
        for format in Format::ALL {
            check(format, &line, &text(format, &line));
        }
    }
}

#[test]
fn what_a_caller_wrote_is_no_number_and_no_hash() {
    for it in FORGED {
        let bare = samples::bare(Kind::Call, Outcome::Answered);
        let record = Record { rpc: Some(it), path: Some(it), note: Some(it), ..bare };
        let line = samples::line(&record);
        for format in Format::ALL {
            check(format, &line, &text(format, &line));
        }
    }
}

#[test]
fn an_event_is_found_in_what_a_receiver_puts_around_it() {
    let line = samples::header();
    for format in Format::ALL {
        let event = text(format, &line);
        let syslog = format!(
            "<110>1 2026-11-23T00:00:00.123456Z h onedoor 42 audit [meta sequenceId=\"8\"] \
             \u{feff}{event}\n"
        );
        let embedded = match format {
            Format::Cef => json!(event),
            _ => serde_json::from_str(&event).unwrap(),
        };
        for around in [
            json!({"_index": "audit", "_id": "9", "_seq_no": 9, "_source": embedded}),
            json!({"time": "9", "event": embedded, "fields": {"log": "x", "seq": 9, "hash": "9"}}),
            json!({"preview": false, "result": {"_raw": event, "seq": "9", "event": "x"}}),
            json!({"@timestamp": "9", "host": "h", "message": syslog}),
            json!({"_source": {"message": {"event": event}}}),
        ] {
            check(format, &line, &around.to_string());
        }
        check(format, &line, &syslog);
    }
}

#[test]
fn what_is_of_no_record_says_none() {
    let event = text(Format::Cef, &samples::header());
    let deep =
        |times: usize| format!("{}{{\"seq\":1}}{}", "{\"event\":".repeat(times), "}".repeat(times));
    assert!(Held::read(&deep(4)).is_some());
    for it in [
        "",
        "no record",
        "{}",
        "[{\"seq\":1}]",
        "{\"seq\":\"1\"}",
        "{\"seq\":-1}",
        "{\"metadata\":{\"sequence\":null}}",
        "{\"event\":{\"event\":7}}",
        "CEF:0|",
        &event.replace("CEF:0|Onedoor", "CEF:0|Another"),
        &event.replace("onedoorSequence=", "onedoorSequence=x"),
        &event.replace(" onedoorLog=", " onedoorSequence=1 onedoorLog="),
        &deep(5),
        &deep(100_000),
    ] {
        assert_eq!(Held::read(it), None, "{it}");
    }
}
