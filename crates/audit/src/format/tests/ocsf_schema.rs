//! Events of OCSF, read by a schema that others made.

use std::{
    collections::BTreeSet,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use super::{Format, json, naughty_strings::NAUGHTY, samples, text};
use crate::{Record, format::tests::samples::bare};

/// The Python of the environment that `cargo xtask test` installs, with the versions of its pins.rs.
fn python() -> PathBuf {
    let home = std::env::home_dir().unwrap();
    let python = home.join(".cache/onedoor/python/ocsf-json-schema-1.2.0/bin/python");
    assert!(python.exists(), "{} is missing: `cargo xtask test` makes it", python.display());
    python
}

/// What the schema says of each event.
pub(super) fn judged(events: &[String]) -> Vec<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/audit/ocsf.py");
    let mut command = Command::new(python());
    command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let all = events.join("\n");
    // By the side: both pipes may be full.
    let writer = std::thread::spawn(move || input.write_all(all.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let told: Vec<_> = told.lines().map(str::to_owned).collect();
    assert_eq!(told.len(), events.len());
    told
}

/// Lines of every kind, and with whatever a caller may write.
pub(super) fn lines() -> Vec<Vec<u8>> {
    let mut lines = samples::lines();
    for it in NAUGHTY {
        let kind = crate::Kind::Call;
        let record = bare(kind, crate::Outcome::Answered);
        lines.push(samples::line(&Record { path: Some(it), tool: Some(it), ..record }));
    }
    lines
}

#[test]
fn events_of_every_kind_are_right_by_the_released_schema() {
    let lines = lines();
    let events: Vec<_> = lines.iter().map(|it| text(Format::Ocsf, it)).collect();
    let classes: BTreeSet<_> =
        lines.iter().filter_map(|it| json(Format::Ocsf, it)["class_uid"].as_u64()).collect();
    assert_eq!(classes, BTreeSet::from([3002, 3003, 3004, 6002, 6003]));
    for (event, told) in events.iter().zip(judged(&events)) {
        assert_eq!(told, "ok", "{event}");
    }
}

#[test]
fn the_schema_finds_what_is_wrong() {
    let good = text(Format::Ocsf, &samples::header());
    let broken = [
        good.replace("\"activity_id\":99", "\"activity_id\":98"),
        good.replace("\"activity_name\"", "\"no_name\""),
        good.replace("\"time\":", "\"no_time\":"),
        good.replace("\"type_uid\":600299", "\"type_uid\":600298"),
    ];
    for (event, told) in broken.iter().zip(judged(&broken)) {
        assert!(event != &good && told != "ok", "{event}");
    }
}
