//! Numbers of a running door, as Prometheus reads them.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use testkit::Collector;

use crate::{
    binary::{STATE, write},
    serving::{Serving, recorded},
};

/// The numbers that a test waits for are read so often at most; each time a program is started for that.
const READS_MAX: usize = 150;

/// A door with metrics.
struct Door {
    serving: Serving,
    address: String,
}

impl Door {
    /// Serves the folder with what `more` says.
    fn start(folder: &Path, more: &str) -> Self {
        write(folder, STATE);
        let config = format!("[metrics]\naddress = \"127.0.0.1:0\"\n{more}");
        fs::write(folder.join("onedoor.toml"), config).unwrap();
        let serving = Serving::start_folder_configured(folder);
        let (_, rest) = serving.seen().split_once("metrics at http://").unwrap();
        let address = rest.split('/').next().unwrap().to_owned();
        Self { serving, address }
    }

    /// The status and the whole answer.
    fn ask(&self, method: &str, path: &str, host: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
    }

    /// All that is told, read by the parser of Prometheus' own client.
    fn read(&self) -> Value {
        let (status, answer) = self.ask("GET", "/metrics", &self.address);
        assert_eq!(status, 200, "{answer}");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("application/openmetrics-text; version=1.0.0"), "{head}");
        let home = std::env::home_dir().unwrap();
        let python = home.join(".cache/onedoor/python/prometheus-client-0.26.0/bin/python");
        assert!(python.exists(), "{} is missing: `cargo xtask test` makes it", python.display());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/metrics/openmetrics.py");
        let mut command = Command::new(python);
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{body}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Reads until `is_reached` of what is told of the sink `siem`.
    fn wait_until(&self, what: &str, is_reached: impl Fn(&dyn Fn(&str) -> f64) -> bool) {
        let mut last = Value::Null;
        for _ in 0..READS_MAX {
            last = self.read();
            let of = |name: &str| number(&last, &format!("onedoor_sink_{name}{{sink=siem}}"));
            if is_reached(&of) {
                return;
            }
        }
        panic!("not {what}: {last:#}");
    }
}

fn number(read: &Value, name: &str) -> f64 {
    read["samples"][name].as_f64().unwrap_or_else(|| panic!("no {name} in {read:#}"))
}

#[test]
fn the_lag_of_a_sink_grows_while_its_receiver_is_down_and_is_gone_after() {
    let (folder, mut collector) = (tempfile::tempdir().unwrap(), Collector::start());
    let url = format!("{}/v1/logs", collector.url());
    let sink = format!("[[sinks]]\nname = \"siem\"\nkind = \"otlp\"\nurl = \"{url}\"\n");
    let door = Door::start(folder.path(), &sink);
    door.wait_until("all delivered", |of| {
        of("lag_records") == 0.0 && of("up") == 1.0 && of("acknowledged_records_total") > 0.0
    });
    collector.kill();
    let record = || assert_eq!(door.serving.get("/orders/1", "odk_nobody").0, 401);
    record();
    door.wait_until("down", |of| {
        of("lag_records") >= 1.0 && of("up") == 0.0 && of("failures_total") >= 1.0
    });
    (0..5).for_each(|_| record());
    door.wait_until("behind", |of| of("lag_records") >= 6.0 && of("lag_seconds") >= 1.0);
    collector.serve();
    door.wait_until("caught up", |of| {
        of("lag_records") == 0.0 && of("lag_seconds") == 0.0 && of("up") == 1.0
    });
    assert_eq!(number(&door.read(), "onedoor_sink_dead_letters_total{sink=siem}"), 0.0);
}

#[test]
fn what_is_told_of_the_log_is_what_the_folder_holds() {
    let folder = tempfile::tempdir().unwrap();
    let door = Door::start(folder.path(), "");
    let before = door.read();
    (0..3).for_each(|_| assert_eq!(door.serving.get("/orders/1", "odk_nobody").0, 401));
    let read = door.read();
    let of = |name: &str| number(&read, name);
    let last = |read: &Value| number(read, "onedoor_log_last_sequence");
    assert!(last(&read) >= last(&before) + 3.0, "{read:#}");
    assert_eq!(read["types"]["onedoor_log_poisoned_segments"], "counter");
    for (name, want) in [
        ("onedoor_log_up", 1.0),
        ("onedoor_log_checkpoint_up", 1.0),
        ("onedoor_log_segments", 1.0),
        ("onedoor_log_poisoned_segments_total", 0.0),
        ("onedoor_revision", 1.0),
        (concat!("onedoor_build_info{version=", env!("CARGO_PKG_VERSION"), "}"), 1.0),
    ] {
        assert_eq!(of(name), want, "{name}");
    }
    let audit = folder.path().join("state/.onedoor/audit");
    let segments = fs::read_dir(audit).unwrap().map(|it| it.unwrap());
    let segments = segments.filter(|it| it.file_name().to_string_lossy().ends_with(".jsonl"));
    let bytes: u64 = segments.map(|it| it.metadata().unwrap().len()).sum();
    // Later than it was read, so perhaps larger.
    assert!(of("onedoor_log_bytes") > 0.0 && of("onedoor_log_bytes") <= bytes as f64, "{bytes}");
    assert!(of("onedoor_log_free_bytes") > 0.0);
    assert!(of("onedoor_log_synced_sequence") <= of("onedoor_log_last_sequence"));
}

#[test]
fn metrics_are_off_unless_they_are_asked_for_and_are_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    let serving = Serving::start(folder.path());
    assert!(!serving.seen().contains("metrics"), "{}", serving.seen());
    drop(serving);
    let door = Door::start(folder.path(), "allowed_hosts = [\"door.example.com\"]\n");
    for path in
        ["/metrics", "/onedoor/metrics", "//metrics", "/%6detrics", "http://127.0.0.1/metrics"]
    {
        for (status, answer) in [door.serving.get(path, ""), door.serving.manage(path, "")] {
            assert!(status >= 400 && !answer.contains("onedoor_log"), "{path}: {answer}");
        }
    }
    for (method, path, host, want) in [
        ("GET", "/metrics", "door.example.com", 200),
        ("GET", "/metrics", "evil.example.com", 421),
        ("POST", "/metrics", "localhost", 405),
        ("GET", "/orders/odk_KeyInAPath", "localhost", 404),
        ("GET", "http://evil.example.com/metrics", "localhost", 400),
        ("GET", "http://evil.example.com/metrics", "evil.example.com", 421),
    ] {
        let (status, answer) = door.ask(method, path, host);
        assert_eq!(status, want, "{method} {path} at {host}: {answer}");
        assert_eq!(answer.contains("onedoor_log"), want == 200, "{answer}");
    }
    assert_eq!(door.ask("GET", "/metrics", "door.example.com").0, 200);
    let audit = folder.path().join("state/.onedoor/audit");
    let read = recorded(&audit, "metrics.read");
    let [read] = &read[..] else { panic!("recorded at first, then once a minute: {read:?}") };
    assert_eq!((&read["peer"], &read["path"]), (&json!("127.0.0.1"), &json!("/metrics")));
    assert_eq!(read["status"], 200);
    let refused = recorded(&audit, "metrics.refused");
    let statuses: Vec<_> = refused.iter().map(|it| it["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [421, 405, 404, 400, 421]);
    assert!(refused.iter().all(|it| it["peer"] == "127.0.0.1" && it["decision"] == "deny"));
    assert_eq!(refused[2]["path"], "/orders/[redacted]");
}
