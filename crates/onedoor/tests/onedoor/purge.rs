//! Old segments of the audit log go when two operators want it, and an auditor takes evidence of all that.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use audit::{EventId, Journal, Kind, Location, Outcome, Record, Rules, SigningKey};
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
    (
        "third.json",
        r#"{"kind": "app", "owner": "security", "profiles": {"default": {"roles": ["admin"]}}}"#,
    ),
    (
        "ann.json",
        r#"{"name": "Ann", "groups": ["staff"], "password": "$argon2id$v=19$m=19456,t=2,p=1$c29tZS1zYWx0LWZvci1kb2Nz$OkcqTyzBEsCqWNkFbYJqYDG2GZE6mOLGdGXDhnVUyrc"}"#,
    ),
    ("crm.json", r#"{"owner": "crm-team", "source": "store"}"#),
    ("value", "value-canary"),
];

/// What the files of the evidence hold, among much else.
const EVIDENCE: &[(&str, &str)] = &[
    ("profiles.csv", "auditor/default,service,audit-team,enabled,auditor"),
    ("access.csv", "auditor/default,onedoor.query_audit,read"),
    ("users.csv", "ann,Ann,staff,"),
    ("ends.csv", "clients/second.yaml,added,,"),
    ("ends.csv", "users/ann.yaml,added,,"),
    ("credentials.csv", ",auditor/default,audit-team,api_key,active,0,"),
    ("secrets.csv", "crm,crm-team,store,1,active,"),
    ("peppers.csv", ",making,"),
    ("rotations.csv", "added"),
    ("rotations.csv", "secrets/crm#1,added,"),
    ("key_changes.csv", "onedoor.rotate_audit_key,operator,"),
    ("key_changes.csv", ",audit.key_changed,,,"),
    ("checkpoints.csv", ",7,root,"),
    ("changes.csv", "operator/default,clients/second.yaml,added,"),
    ("refusals.csv", "auditor,onedoor.delete_client,deny,forbidden,1,"),
    ("segments.csv", "first,last,bytes,begun,ended"),
    ("proofs.csv", "onedoor.delete_client,auditor,deny,forbidden,proofs/"),
    ("proofs.csv", "onedoor.put_client,operator,allow,,proofs/"),
    ("proofs.csv", "\n3,,,,,,proofs/3.tlog-proof"),
    ("summary.json", "\"its_check\": \"nothing is wrong\""),
    ("summary.json", "\"keys_that_seal_secrets\": \""),
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

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join("evidence").join(name)).unwrap()
    }
}

/// Fills a log of its own for a door that does not run, in segments that are small.
fn age(data: &Path) {
    fs::remove_dir_all(data.join("audit")).unwrap();
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
    // As the log records one after ten seconds.
    let note = Some("onedoor-test\n7\nroot\n\n\u{2014} signature\n");
    let record = Record::new(old, Kind::Log, Outcome::Answered);
    journal.append(&Record { event: Some(EventId::AuditCheckpoint), note, ..record }).unwrap();
}

#[test]
fn what_one_operator_asks_for_another_approves_and_the_log_can_be_checked_as_before() {
    let site = Site::start();
    site.done(&site.first, &["client", "put", "third", "-f", "third.json"]);
    let third = site.issue("third/default");
    let before = site.segments();
    assert!(before > 3);
    let propose =
        ["audit_purge", "propose", "--older-than", "30d", "--reason", "a month", "--json"];
    assert_eq!(site.run(&site.auditor, &propose).code, 4);
    let proposed: Value = serde_json::from_str(&site.done(&site.second, &propose)).unwrap();
    let id = proposed["id"].as_str().unwrap();
    assert!(site.done(&site.auditor, &["audit_purge", "list", "--json"]).contains(id));
    // Who asked, who made who asked, and who may not.
    for key in [&site.second, &site.first, &site.auditor] {
        assert_eq!(site.run(key, &["audit_purge", "approve", id]).code, 4);
    }
    assert_eq!(site.segments(), before);
    site.done(&third, &["audit_purge", "approve", id]);
    assert!(site.segments() < before);

    let verify = ["audit", "verify", ".onedoor/audit", "--key", ".onedoor/audit.pub"];
    let ran = site.run("", &verify);
    assert!(ran.code == 0 && ran.out.contains("were purged: of them "), "{}{}", ran.out, ran.err);
    let checked: Value =
        serde_json::from_str(&site.done(&site.auditor, &["audit", "check", "--json"])).unwrap();
    assert_eq!(checked["ok"], json!(true), "{checked}");
    assert_eq!(checked["first"], proposed["before_record"]);
}

#[test]
fn an_auditor_takes_evidence_that_can_be_read_and_checked_without_the_door() {
    let site = Site::start();
    let refused = site.run(&site.auditor, &["client", "delete", "second"]);
    assert_eq!(refused.code, 4, "{}", refused.err);
    site.done(&site.first, &["audit_key", "rotate", "--reason", "once a year"]);
    site.done(&site.first, &["user", "put", "ann", "-f", "ann.json"]);
    site.done(&site.first, &["secret", "put", "crm", "-f", "crm.json"]);
    site.done(&site.first, &["secret", "set", "crm", "--value-file", "value"]);
    let evidence =
        ["audit", "evidence", "--from", "2020-01-01", "--out", "evidence", "--record", "3"];
    let told = site.done(&site.auditor, &evidence);
    assert!(told.contains("begin with index.html"), "{told}");

    let sums = Command::new("sha256sum")
        .args(["--check", "--quiet", "SHA256SUMS"])
        .current_dir(site.folder.path().join("evidence"))
        .output()
        .unwrap();
    assert!(sums.status.success(), "{}", String::from_utf8_lossy(&sums.stderr));
    for (name, want) in EVIDENCE {
        assert!(site.read(name).contains(want), "{name}: {}", site.read(name));
    }
    assert!(!site.read("access.csv").contains("auditor/default,onedoor.put_client"));
    let page = site.read("index.html");
    assert!(page.contains("&lt;b&gt;platform&lt;/b&gt;") && !page.contains("<b>"), "{page}");
    assert!(page.contains("+++ b/clients/second.yaml"), "{page}");
    for secret in [&*site.first, &site.second, &site.auditor, "value-canary", "argon2id"] {
        for name in ["changes.json", "ends.csv"] {
            assert!(!page.contains(secret) && !site.read(name).contains(secret), "{secret}");
        }
    }
    check_keys_and_proofs(&site);
    // What vouches for the log does so for a copy of it.
    let verify = ["audit", "verify", ".onedoor/audit", "--key", "evidence/audit.pub"];
    let checked =
        site.run("", &[&verify[..], &["--checkpoint", "evidence/checkpoint.txt"]].concat());
    assert_eq!(checked.code, 0, "{}{}", checked.out, checked.err);
    // Nothing is written over, and nobody takes it who may not.
    assert_eq!(site.run(&site.auditor, &evidence).code, 2);
    let late = ["audit", "evidence", "--from", "2030-01-01", "--until", "2029-01-01", "--out", "x"];
    assert_eq!(site.run(&site.auditor, &late).code, 2);
}

fn check_keys_and_proofs(site: &Site) {
    // Two keys signed the log, and either leads to all of it.
    let keys = site.read("audit.pub");
    assert_eq!(keys.lines().count(), 2, "{keys}");
    assert_eq!(fs::read_to_string(site.folder.path().join(".onedoor/audit.pub")).unwrap(), keys);
    for key in keys.lines() {
        let checked = site.run("", &["audit", "verify", ".onedoor/audit", "--key", key]);
        assert_eq!(checked.code, 0, "{}{}", checked.out, checked.err);
    }
    let proofs: Vec<_> = fs::read_dir(site.folder.path().join("evidence/proofs"))
        .unwrap()
        .map(|it| format!("evidence/proofs/{}", it.unwrap().file_name().to_str().unwrap()))
        .collect();
    assert!(proofs.len() > 5, "{proofs:?}");
    for proof in &proofs {
        let proven = site.run("", &["audit", "verify-proof", proof, "--key", "evidence/audit.pub"]);
        let number = proof.trim_start_matches(|it: char| !it.is_ascii_digit()).split('.').next();
        let begin = format!("{{\"seq\":{},", number.unwrap());
        assert!(proven.code == 0 && proven.out.starts_with(&begin), "{}{}", proven.out, proven.err);
    }
}

#[test]
fn the_page_of_the_evidence_is_printed_as_it_is() {
    let site = Site::start();
    site.done(&site.auditor, &["audit", "evidence", "--from", "2020-01-01", "--out", "evidence"]);
    let page = site.folder.path().join("evidence/index.html");
    let printed = site.folder.path().join("evidence.pdf");
    let status = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"])
        .arg(format!("--print-to-pdf={}", printed.display()))
        .arg(format!("--user-data-dir={}", site.folder.path().join("browser").display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    let pdf = fs::read(printed).unwrap();
    assert!(pdf.starts_with(b"%PDF-") && pdf.len() > 10_000, "{} bytes", pdf.len());
}
