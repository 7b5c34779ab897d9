//! Old segments of the audit log go when two operators want it.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use audit::{Journal, Kind, Location, Outcome, Record, Rules, SigningKey};
use model::{Clock, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    binary::{Ran, command, write},
    managed::init,
    serving::Serving,
};

const OPERATORS: &[(&str, &str)] = &[
    (
        "auditor.json",
        r#"{"kind": "service", "owner": "audit-team", "profiles": {"default": {"roles": ["auditor"]}}}"#,
    ),
    ("limit.json", r#"{"client": "auditor", "rate": "1000/s"}"#),
    (
        "second.json",
        r#"{"kind": "app", "owner": "<b>platform</b>", "profiles": {"default": {"roles": ["admin"]}}}"#,
    ),
];

/// A door with an old log of some segments, and three who look after it.
struct Site {
    folder: TempDir,
    door: Serving,
    first: String,
    second: String,
    auditor: String,
}

impl Site {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let first = init(folder.path());
        age(&folder.path().join(".onedoor"));
        write(folder.path(), OPERATORS);
        let door = Serving::start_managed(folder.path());
        let mut site = Self { folder, door, first, second: String::new(), auditor: String::new() };
        for client in ["second", "auditor"] {
            let file = format!("{client}.json");
            site.done(&site.first, &["client", "put", client, "-f", &file]);
        }
        site.done(&site.first, &["limit", "put", "auditor", "-f", "limit.json"]);
        site.second = site.issue("second/default");
        site.auditor = site.issue("auditor/default");
        site
    }

    fn issue(&self, profile: &str) -> String {
        let issue = ["credential", "issue", "--profile", profile, "--expires", "1d", "--json"];
        let answer: Value = serde_json::from_str(&self.done(&self.first, &issue)).unwrap();
        answer["key"].as_str().unwrap().to_owned()
    }

    fn run(&self, key: &str, arguments: &[&str]) -> Ran {
        let mut command = command(self.folder.path(), arguments);
        command.env("XDG_CONFIG_HOME", self.folder.path().join("config"));
        command.env("ONEDOOR_URL", self.door.management()).env("ONEDOOR_TOKEN", key);
        let output = command.output().unwrap();
        let text = |it| String::from_utf8(it).unwrap();
        Ran {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    fn done(&self, key: &str, arguments: &[&str]) -> String {
        let ran = self.run(key, arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}{}", ran.out, ran.err);
        ran.out
    }

    fn segments(&self) -> usize {
        let entries = fs::read_dir(self.folder.path().join(".onedoor/audit")).unwrap();
        entries.filter(|it| it.as_ref().unwrap().file_name().len() == 26).count()
    }
}

/// Fills the log of a door that does not run, in segments that are small.
fn age(data: &Path) {
    let text = SigningKey::generate("onedoor-test").unwrap();
    let key = SigningKey::parse(text.expose()).unwrap();
    fs::write(data.join("audit.key"), text.expose()).unwrap();
    fs::set_permissions(data.join("audit.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let location = Location { folder: data.join("audit"), ..Location::default() };
    let rules = Rules { segment_bytes: 3000, ..Rules::default() };
    let old = Timestamp::from_seconds(1_700_000_000);
    let journal = Journal::open(&location, (key, rules), Clock::fake(old)).unwrap();
    for _ in 0..40 {
        journal.append(&Record::new(old, Kind::Call, Outcome::Answered)).unwrap();
    }
}

#[test]
fn what_one_operator_asks_for_another_approves_and_the_log_can_be_checked_as_before() {
    let site = Site::start();
    let before = site.segments();
    assert!(before > 3);
    let propose =
        ["audit_purge", "propose", "--older-than", "30d", "--reason", "a month", "--json"];
    assert_eq!(site.run(&site.auditor, &propose).code, 4);
    let proposed: Value = serde_json::from_str(&site.done(&site.first, &propose)).unwrap();
    let id = proposed["id"].as_str().unwrap();
    assert!(site.done(&site.auditor, &["audit_purge", "list", "--json"]).contains(id));
    for key in [&site.first, &site.auditor] {
        assert_eq!(site.run(key, &["audit_purge", "approve", id]).code, 4);
    }
    assert_eq!(site.segments(), before);
    site.done(&site.second, &["audit_purge", "approve", id]);
    assert!(site.segments() < before);

    let verify = ["audit", "verify", ".onedoor/audit", "--key", ".onedoor/audit.pub"];
    let ran = site.run("", &verify);
    assert!(ran.code == 0 && ran.out.contains("were purged: of them "), "{}{}", ran.out, ran.err);
    let checked: Value =
        serde_json::from_str(&site.done(&site.auditor, &["audit", "check", "--json"])).unwrap();
    assert_eq!(checked["ok"], json!(true), "{checked}");
    assert_eq!(checked["first"], proposed["before_record"]);
}
