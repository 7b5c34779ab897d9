//! `onedoor init`, `onedoor serve` over a store, and the commands of the running door.

use std::{fs, path::Path};

use crate::{
    binary::{Ran, STATE, command, onedoor, write},
    serving::Serving,
};

/// A door over a new store, and its operator.
pub(crate) struct Managed {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) door: Serving,
    key: String,
}

impl Managed {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = init(folder.path());
        let door = Serving::start_managed(folder.path());
        Self { folder, door, key }
    }

    /// Runs a command as the operator.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = command(self.folder.path(), arguments);
        command.env("XDG_CONFIG_HOME", self.folder.path().join("config"));
        command.env("ONEDOOR_URL", self.door.management()).env("ONEDOOR_TOKEN", &self.key);
        let output = command.output().unwrap();
        Ran {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}{}", ran.out, ran.err);
        ran.out
    }
}

pub(crate) fn init(folder: &Path) -> String {
    let mut command = command(folder, &["init"]);
    let output = command.env("XDG_CONFIG_HOME", folder.join("config")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

#[test]
fn the_first_operator_is_made_once_and_signed_in() {
    let managed = Managed::start();
    assert!(managed.done(&["whoami"]).contains("operator/default"));
    let config = managed.folder.path().join("config/onedoor/client.toml");
    assert!(fs::read_to_string(config).unwrap().contains(&managed.key));

    let again = onedoor(managed.folder.path(), &["init"]);
    assert_eq!(again.code, 1, "{}", again.out);
    assert!(again.err.contains("in use already"), "{}", again.err);
}

#[test]
fn a_folder_is_applied_and_exported_byte_for_byte() {
    let managed = Managed::start();
    write(managed.folder.path(), STATE);
    let drift = managed.run(&["diff", "-f", "state"]);
    assert_eq!(drift.code, 3, "{}{}", drift.out, drift.err);
    managed.done(&["apply", "-f", "state", "--dry-run"]);
    assert!(!managed.done(&["client", "list"]).contains("team"));

    managed.done(&["apply", "-f", "state", "--reason", "the first of it"]);
    assert!(managed.done(&["revision", "list"]).contains("the first of it"));
    managed.done(&["export", "out"]);
    for (path, text) in STATE {
        let out = managed.folder.path().join(path.replacen("state", "out", 1));
        assert_eq!(fs::read_to_string(out).unwrap(), *text, "{path}");
    }
    let drift = managed.run(&["diff", "-f", "out"]);
    assert_eq!(drift.code, 0, "{}", drift.out);
}

#[test]
fn a_key_that_is_issued_opens_the_door_until_it_is_revoked() {
    const VIEW: &str = "/orders/openapi.json";
    let managed = Managed::start();
    write(managed.folder.path(), STATE);
    managed.done(&["apply", "-f", "state"]);
    let issued = managed.done(&["credential", "issue", "--profile", "app/default", "--json"]);
    let issued: serde_json::Value = serde_json::from_str(&issued).unwrap();
    let (id, key) = (issued["id"].as_str().unwrap(), issued["key"].as_str().unwrap());
    assert_eq!(managed.door.get(VIEW, key).0, 200);
    // Management is not reached by the listener for consumers, whoever asks.
    assert_eq!(managed.door.get("/onedoor/v1/whoami", &managed.key).0, 404);

    managed.done(&["credential", "revoke", id]);
    assert_eq!(managed.door.get(VIEW, key).0, 401);
}

#[test]
fn a_rotation_that_waits_ends_the_old_key_and_leaves_the_new_one() {
    const VIEW: &str = "/orders/openapi.json";
    let managed = Managed::start();
    write(managed.folder.path(), STATE);
    managed.done(&["apply", "-f", "state"]);
    let key = |shown: &str| {
        let shown: serde_json::Value = serde_json::from_str(shown).unwrap();
        ["id", "key"].map(|it| shown[it].as_str().unwrap().to_owned())
    };
    let issue = ["credential", "issue", "--profile", "app/default", "--json"];
    let [id, old] = key(&managed.done(&issue));
    assert_eq!(managed.door.get(VIEW, &old).0, 200);
    let rotate =
        |time| ["credential", "rotate", &id, "--wait", "--unused-for", time, "--every", "1"];
    // Another replica may not have told of a use yet.
    let early = managed.run(&rotate("19s"));
    assert!(early.code == 2 && early.err.contains("write 20s or more"), "{}", early.err);
    // As a run does whose answer is lost: nobody has what it made.
    let [_, lost] = key(&managed.done(&["credential", "rotate", &id, "--json"]));
    let rotate = rotate("20s");
    let ran = managed.run(&[&rotate[..], &["--again", "--force", "--json"]].concat());
    assert!(ran.code == 0 && ran.err.contains(" is retired"), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains(" is retired: nobody has it"), "{}", ran.err);
    let [_, new] = key(&ran.out);
    assert_eq!([&old, &lost, &new].map(|it| managed.door.get(VIEW, it).0), [401, 401, 200]);
    let again = managed.run(&rotate);
    assert!(again.code == 6 && again.err.contains("is retired"), "{}", again.err);
}

#[test]
fn an_audit_log_that_stays_where_it_is_says_so_and_is_well() {
    let mut managed = Managed::start();
    let alone = "nobody could find that its end was cut off";
    assert!(managed.door.seen().contains(alone), "{}", managed.door.seen());
    let health = managed.done(&["health", "get", "--json"]);
    let well = format!("writes; nothing of it goes anywhere else, so {alone}");
    assert!(health.contains(&well), "{health}");
    let config = "[audit]\ncheckpoints = \"checkpoints\"\n";
    fs::write(managed.folder.path().join("onedoor.toml"), config).unwrap();
    managed.door.signal("KILL");
    managed.door = Serving::start_configured(managed.folder.path());
    assert!(!managed.door.seen().contains(alone), "{}", managed.door.seen());
    let health = managed.done(&["health", "get", "--json"]);
    assert!(!health.contains(alone), "{health}");
}

#[test]
fn a_record_names_the_version_of_the_stored_secret_that_its_call_was_given() {
    const TRIES_MAX: usize = 500;
    let managed = Managed::start();
    let root = managed.folder.path();
    let collection = "owner: team\ndocument: documents/orders.yaml\n\
        upstream: {url: 'http://127.0.0.1:9', auth: {kind: bearer, secret: crm}}\n";
    write(root, STATE);
    write(
        root,
        &[
            ("state/collections/orders.yaml", collection),
            ("state/secrets/crm.yaml", "owner: team\nsource: store\n"),
            ("state/limits/app.yaml", "client: app\nper: client\nrate: 1000/s\n"),
            ("value", "v"),
        ],
    );
    managed.done(&["apply", "-f", "state"]);
    let issued = managed.done(&["credential", "issue", "--profile", "app/default", "--json"]);
    let issued: serde_json::Value = serde_json::from_str(&issued).unwrap();
    for version in [1, 2] {
        managed.done(&["secret", "set", "crm", "--value-file", "value"]);
        // The door takes a value over a moment after it was stored. Nobody listens at that address.
        let is_told = |_| {
            managed.door.get("/orders/orders/1", issued["key"].as_str().unwrap());
            let mut records = audit::records(&root.join(".onedoor/audit")).unwrap();
            records.retain(|it| it["operation"] == "orders.get_order");
            let record = records.pop().unwrap();
            assert_eq!(record["status"], 502, "{record}");
            record["upstream_secret"] == "crm" && record["upstream_secret_version"] == version
        };
        assert!((0..TRIES_MAX).any(is_told), "version {version} is in no record");
    }
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill() {
    let mut managed = Managed::start();
    write(managed.folder.path(), STATE);
    managed.done(&["apply", "-f", "state"]);
    managed.door.signal("KILL");
    managed.door = Serving::start_managed(managed.folder.path());
    assert!(managed.done(&["client", "get", "app"]).contains("team"));
}

#[test]
fn a_key_encryption_key_is_rotated_and_none_is_missed_in_silence() {
    const NEW: &str = "k2 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
    let mut managed = Managed::start();
    write(managed.folder.path(), &[("crm.yaml", "owner: x\nsource: store\n"), ("value", "v")]);
    managed.done(&["secret", "put", "crm", "-f", "crm.yaml"]);
    managed.done(&["secret", "set", "crm", "--value-file", "value"]);
    let keyring = managed.folder.path().join(".onedoor/keyring");
    let old = fs::read_to_string(&keyring).unwrap();
    let with = |managed: &mut Managed, keys: &str| {
        fs::write(&keyring, keys).unwrap();
        managed.door.signal("KILL");
        managed.door = Serving::start_managed(managed.folder.path());
        (managed.door.seen().to_owned(), managed.done(&["health", "get"]))
    };

    let (log, health) = with(&mut managed, NEW);
    assert!(log.contains("the key-encryption key k1 is not in the keyring"), "{log}");
    assert!(health.contains("k1 is missing, with 1 version"), "{health}");

    let (log, health) = with(&mut managed, &format!("{NEW}{old}"));
    assert!(!log.contains("is not in the keyring"), "{log}");
    assert!(health.contains("k2 seals, with 0 versions"), "{health}");
    assert!(health.contains("k1 opens 1 version"), "{health}");
    assert!(managed.done(&["secret", "rewrap"]).contains("rewrapped: 1"));

    let (log, health) = with(&mut managed, NEW);
    assert!(!log.contains("is not in the keyring"), "{log}");
    assert!(health.contains("k2 seals, with 1 version"), "{health}");
}
