//! Official MCP clients of both eras, against the demo. `tests/peers` says what they check.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::binary::command;

const DRIVERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/peers");

/// What a driver checks, in its order: a check that is not made is a failed one.
const CHECKS: [&str; 8] = [
    "connect",
    "list",
    "call",
    "refused",
    "upstream_error",
    "cancel",
    "no_credential",
    "wrong_credential",
];

/// The calls that the checks make, as the records tell them, sorted.
const CALLS: [&str; 6] = [
    "orders.delete_order: refused, deny, forbidden, 403",
    "orders.fail: answered, allow, -, 500",
    "orders.get_order: answered, allow, -, 200",
    "orders.get_order: answered, allow, -, 200",
    "orders.get_order: answered, allow, -, 200",
    "orders.slow: cancelled, allow, -, -",
];

/// A client and how it is to speak.
struct Peer {
    /// The environment's variable that names its Python.
    python: &'static str,
    driver: &'static str,
    arguments: &'static [&'static str],
    /// How its name and version begin.
    sdk: &'static str,
}

#[test]
fn the_client_of_both_eras_works_in_the_one_without_sessions() {
    check(&Peer {
        python: "ONEDOOR_MCP_2_PYTHON",
        driver: "mcp_2.py",
        arguments: &["--mode", "auto", "--protocol", "2026-07-28"],
        sdk: "mcp 2.",
    });
}

#[test]
fn the_client_of_both_eras_works_in_those_with_sessions() {
    check(&Peer {
        python: "ONEDOOR_MCP_2_PYTHON",
        driver: "mcp_2.py",
        arguments: &["--mode", "legacy", "--protocol", "2025-11-25"],
        sdk: "mcp 2.",
    });
}

#[test]
fn the_client_of_the_eras_with_sessions_works() {
    check(&Peer {
        python: "ONEDOOR_MCP_1_PYTHON",
        driver: "mcp_1.py",
        arguments: &["--protocol", "2025-11-25"],
        sdk: "mcp 1.",
    });
}

#[test]
fn a_client_with_a_key_that_is_not_valid_passes_no_check_that_needs_one() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(folder.path());
    let peer = Peer {
        python: "ONEDOOR_MCP_2_PYTHON",
        driver: "mcp_2.py",
        arguments: &["--mode", "auto"],
        sdk: "mcp 2.",
    };
    let (lines, has_succeeded) = drive(&peer, &demo.url, "odk_wrong");
    let passed = lines.iter().filter(|it| it["ok"] == true).map(|it| it["check"].as_str().unwrap());
    assert_eq!(passed.collect::<Vec<_>>(), ["no_credential", "wrong_credential"]);
    assert!(!has_succeeded);
}

fn check(peer: &Peer) {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(folder.path());
    let before = demo.records().len();
    let (lines, has_succeeded) = drive(peer, &demo.url, &demo.key);
    for line in &lines {
        assert_eq!(line["ok"], true, "{line:#}");
        assert!(line["sdk"].as_str().unwrap().starts_with(peer.sdk), "{line:#}");
    }
    let checks: Vec<_> = lines.iter().map(|it| it["check"].as_str().unwrap()).collect();
    assert_eq!(checks, CHECKS);
    assert!(has_succeeded);
    let records = demo.end();
    check_records(&records[before..]);
}

/// Runs the driver to its end: what it printed, and whether it says that all is well.
fn drive(peer: &Peer, url: &str, key: &str) -> (Vec<Value>, bool) {
    let Peer { python, driver, arguments, sdk: _ } = peer;
    let Some(program) = std::env::var_os(python) else {
        panic!("{python} names no Python with an MCP client: run cargo xtask test");
    };
    // Without -B it would leave compiled files in the sources.
    let mut command = Command::new(program);
    command.arg("-B").arg(Path::new(DRIVERS).join(driver)).args([url, key]).args(*arguments);
    let output = command.output().unwrap();
    let (out, err) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    let lines = out.lines().map(serde_json::from_str).collect::<Result<Vec<_>, _>>();
    (lines.unwrap_or_else(|error| panic!("{error}: {out}\n{err}")), output.status.success())
}

/// Who called, how, and what came of it: all of it stands in the records.
fn check_records(records: &[Value]) {
    let mut calls = Vec::new();
    let mut strangers = Vec::new();
    for record in records {
        assert_eq!(record["surface"], "mcp", "{record:#}");
        if record["reason"] == "unauthenticated" {
            assert_eq!((&record["client"], &record["status"]), (&Value::Null, &Value::from(401)));
            strangers.push(text(record, "detail"));
            continue;
        }
        assert_eq!(record["client"], "shop-agent", "{record:#}");
        assert_eq!(record["profile"], "shop-agent/default", "{record:#}");
        if record["kind"] == "call" {
            let [operation, outcome, decision, reason] =
                ["operation", "outcome", "decision", "reason"].map(|it| text(record, it));
            let status = record["status"].as_u64().map_or("-".to_owned(), |it| it.to_string());
            calls.push(format!("{operation}: {outcome}, {decision}, {reason}, {status}"));
        }
    }
    // One call may be given up while the next is already on its way.
    calls.sort();
    assert_eq!(calls, CALLS);
    strangers.dedup();
    assert_eq!(
        strangers,
        [
            "no credential was shown",
            "this is not a whole api key; check that it was copied in full"
        ]
    );
}

fn text<'a>(record: &'a Value, name: &str) -> &'a str {
    record[name].as_str().unwrap_or("-")
}

/// A running demo. It is killed when this is dropped.
struct Demo {
    child: Child,
    /// Its MCP endpoint.
    url: String,
    /// The key of its agent.
    key: String,
    audit: PathBuf,
}

impl Demo {
    fn start(folder: &Path) -> Self {
        let mut command = command(folder, &["demo", "--port", "0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let audit = lines.find_map(|it| it.trim_start().strip_prefix("records").map(str::to_owned));
        let audit = audit.unwrap().split_whitespace().next().unwrap().into();
        let entry = lines.by_ref().skip_while(|it| it != "{");
        let entry: String = entry.take_while(|it| !it.is_empty()).collect();
        let entry: Value = serde_json::from_str(&entry).unwrap();
        let door = &entry["mcpServers"]["onedoor"];
        let url = door["url"].as_str().unwrap().to_owned();
        let bearer = door["headers"]["Authorization"].as_str().unwrap();
        let key = bearer.strip_prefix("Bearer ").unwrap().to_owned();
        assert!(lines.any(|it| it.contains("up until Ctrl-C")), "the guided run did not end");
        Self { child, url, key, audit }
    }

    fn records(&self) -> Vec<Value> {
        audit::records(&self.audit).unwrap()
    }

    /// Lets it end: all records, with those of calls that were still open.
    fn end(mut self) -> Vec<Value> {
        // It takes its folder along; what has two names stays.
        let kept = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(&self.audit).unwrap().map(Result::unwrap) {
            let is_file = entry.file_type().unwrap().is_file();
            let to = kept.path().join(entry.file_name());
            if is_file {
                std::fs::hard_link(entry.path(), to).unwrap();
            }
        }
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        audit::records(kept.path()).unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
