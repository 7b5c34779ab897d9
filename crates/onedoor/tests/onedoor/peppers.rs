//! The pepper and the keyring are replaced while the door runs.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf, time::Duration};

use serde_json::Value;

use crate::{
    binary::{STATE, onedoor, write},
    managed::Managed,
    serving::{Serving, recorded},
};

const VIEW: &str = "/orders/openapi.json";

/// Replaces a key file of the data folder whole, as docs/configuration.md has it.
fn put(path: &PathBuf, text: &str) {
    let draft = path.with_extension("draft");
    fs::write(&draft, text).unwrap();
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(draft, path).unwrap();
}

fn issue(managed: &Managed) -> String {
    let issued = managed.done(&["credential", "issue", "--profile", "app/default", "--json"]);
    let issued: Value = serde_json::from_str(&issued).unwrap();
    issued["key"].as_str().unwrap().to_owned()
}

/// Waits until nothing depends on this pepper.
async fn until_unused(managed: &Managed, pepper: &str) {
    loop {
        let listed: Value =
            serde_json::from_str(&managed.done(&["pepper", "list", "--json"])).unwrap();
        let items = listed["items"].as_array().unwrap();
        let found = items.iter().find(|it| it["pepper"] == *pepper).unwrap();
        if found["api_keys"] == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_pepper_is_replaced_online_and_taken_out_when_nothing_depends_on_it() {
    let mut managed = Managed::start();
    write(managed.folder.path(), STATE);
    managed.done(&["apply", "-f", "state"]);
    let (used, idle) = (issue(&managed), issue(&managed));
    let path = managed.folder.path().join(".onedoor/pepper");
    let first = fs::read_to_string(&path).unwrap();
    let second = format!("p2 {}\n", "5c".repeat(32));

    put(&path, &format!("{second}{first}"));
    managed.door.wait_for("the pepper was read again");
    assert_eq!(managed.door.get(VIEW, &used).0, 200);
    assert_eq!(managed.door.get(VIEW, &issue(&managed)).0, 200);
    // The idle one depends on the old pepper still, and so does the door.
    put(&path, &second);
    let told = managed.door.wait_for("stays as it was");
    assert!(told.contains("p1 is gone and something depends on it"), "{told}");
    assert_eq!(managed.door.get(VIEW, &idle).0, 200);
    put(&path, &format!("{second}{}", "ab".repeat(32)));
    let told = managed.door.wait_for("stays as it was");
    assert!(told.contains("another under the same id"), "{told}");

    let log = managed.folder.path().join(".onedoor/audit");
    let [read] = &recorded(&log, "key.pepper_read")[..] else { panic!("it was read once") };
    assert!(read["note"].as_str().unwrap().ends_with("p2, p1"), "{read}");
    let [needed, other] = &recorded(&log, "key.pepper_refused")[..] else { panic!("twice") };
    assert!(needed["outcome"] == "refused" && other["decision"] == "error", "{needed} {other}");

    until_unused(&managed, "p1").await;
    put(&path, &second);
    managed.door.wait_for("the pepper was read again");
    for key in [&used, &idle] {
        assert_eq!(managed.door.get(VIEW, key).0, 200);
    }
    managed.door.signal("KILL");
    managed.door = Serving::start_managed(managed.folder.path());
    for key in [&used, &idle] {
        assert_eq!(managed.door.get(VIEW, key).0, 200);
    }
}

#[tokio::test]
async fn beside_a_folder_that_is_served_the_new_hashes_are_laid_ready() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    let ran = onedoor(folder.path(), &["credential", "new", "app/default"]);
    let key = ran.out.trim().to_owned();
    let mut door = Serving::start(folder.path());
    let data = folder.path().join(".onedoor");
    let data = if data.exists() { data } else { folder.path().join("state/.onedoor") };
    let path = data.join("pepper");
    let first = fs::read_to_string(&path).unwrap();
    put(&path, &format!("p2 {}\n{first}", "5c".repeat(32)));
    door.wait_for("the pepper was read again");
    assert_eq!(door.get(VIEW, &key).0, 200);
    let ready = data.join("rehashed/credentials");
    let file = loop {
        if let Some(file) = fs::read_dir(&ready).ok().and_then(|mut it| it.next()) {
            break file.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let declared = folder.path().join("state/credentials").join(file.file_name());
    let old = fs::read_to_string(&declared).unwrap();
    let new = fs::read_to_string(file.path()).unwrap();
    assert!(new.contains("p2:") && !old.contains("p2:"), "{new}");
    fs::copy(file.path(), &declared).unwrap();
    put(&path, &format!("p2 {}\n", "5c".repeat(32)));
    door.wait_for("the pepper was read again");
    assert_eq!(door.get(VIEW, &key).0, 200);
}

#[tokio::test]
async fn a_key_encryption_key_is_replaced_without_a_restart() {
    let mut managed = Managed::start();
    let root = managed.folder.path();
    write(root, &[("crm.yaml", "owner: x\nsource: store\n"), ("value", "v")]);
    managed.done(&["secret", "put", "crm", "-f", "crm.yaml"]);
    managed.done(&["secret", "set", "crm", "--value-file", "value"]);
    let keyring = root.join(".onedoor/keyring");
    let old = fs::read_to_string(&keyring).unwrap();
    let new = "k2 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
    put(&keyring, &format!("{new}{old}"));
    managed.door.wait_for("the keyring was read again");
    put(&keyring, new);
    let told = managed.door.wait_for("the keyring stays as it was");
    assert!(told.contains("k1 is gone and something depends on it"), "{told}");
    let log = root.join(".onedoor/audit");
    let of = |event: &str| recorded(&log, event).len();
    assert_eq!((of("key.keyring_read"), of("key.keyring_refused")), (1, 1));
    assert!(managed.done(&["secret", "rewrap"]).contains("rewrapped: 1"));
    // The keys that sign tokens come under it by themselves.
    while managed.done(&["signing_key", "list"]).contains(" k1 ") {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    put(&keyring, &format!("{new}\n"));
    managed.door.wait_for("the keyring was read again");
    let health = managed.done(&["health", "get"]);
    assert!(health.contains("k2 seals, with 1 version") && !health.contains("k1"), "{health}");
}
