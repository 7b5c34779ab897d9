//! A store that takes nothing more.

use std::{
    fs::{self, Permissions},
    io::Write as _,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    process::{Command, Stdio},
    sync::Arc,
};

use secrets::Keyring;
use serde_json::{Value, json};
use store::Location;
use tempfile::TempDir;

use crate::house::{ADMIN, House};

const SHOWN: &str = "refused, and read on";

#[tokio::test]
#[ignore = "a child process that may not write the file it is told"]
async fn a_child_manages_a_file_that_it_may_not_write() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    let Some(path) = line.strip_suffix('\n') else { return };
    let house = House::at(&Location::Sqlite(path.into()), &[]).await;
    let body = json!({"kind": "app", "owner": "x"});
    for _ in 0..2 {
        let refused = house.ask(ADMIN, "put_client", json!({"id": "a"}), body.clone()).await;
        assert_eq!(refused.status, 507, "{}", refused.text);
        let key = json!({"profile": "boss/viewer"});
        let refused = house.ask(ADMIN, "issue_credential", json!({}), key).await;
        assert_eq!(refused.status, 507, "{}", refused.text);
        assert!(!refused.text.contains("odk_"));
        let list = house.done(ADMIN, "list_clients", json!({}), Value::Null).await;
        assert_eq!(list.ids(), ["boss", "team"]);
        house.done(ADMIN, "get_revision", json!({"number": 1}), Value::Null).await;
    }
    assert_eq!(house.plane.revisions(), [1]);
    println!("{SHOWN}");
}

#[tokio::test]
async fn a_read_only_store_refuses_changes_and_is_read_on() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("onedoor.db");
    House::at(&Location::Sqlite(path.clone()), &[]).await.store.close().await;
    fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
    let exe = std::env::current_exe().unwrap();
    // Root may write anything, until that is taken from it.
    let mut command = if fs::metadata("/proc/self").unwrap().uid() == 0 {
        let mut command = Command::new("setpriv");
        command.arg("--bounding-set=-dac_override,-dac_read_search").arg(exe);
        command
    } else {
        Command::new(exe)
    };
    let name = "read_only::a_child_manages_a_file_that_it_may_not_write";
    command.args(["--exact", name, "--ignored", "--nocapture"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let line = format!("{}\n", path.display());
    child.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains(SHOWN), "{said}");
}

#[tokio::test]
async fn a_served_folder_is_read_and_not_changed() {
    let plane = crate::plane::TestPlane::new();
    let house = House::new().await;
    plane.seal("k1", 1, 0);
    let keyring = Some(Arc::new(Keyring::generate("k1").unwrap().0));
    let admin = admin::Admin::new(None, plane, keyring, model::Clock::system()).unwrap();
    let mut folder = state::Folder::new();
    folder.insert("clients/a.yaml", "kind: app\nowner: x\n").unwrap();
    let desired = state::read(&folder).unwrap();
    admin.show(folder, desired.into(), 3);
    let call =
        |name: &str, parameters: Value, body: Value| house.call(ADMIN, name, &parameters, &body);
    let status = async |call| admin.carry_out(&call).await.status().as_u16();
    assert_eq!(status(call("get_client", json!({"id": "a"}), Value::Null)).await, 200);
    assert_eq!(status(call("list_credential_ages", json!({}), Value::Null)).await, 200);
    let strange = json!({"key": "odk_NobodyOfThisDoorHasItxxxxxxxxxxxxxxxxxxxxxx1RcKPO"});
    assert_eq!(status(call("report_found_credential", json!({}), strange)).await, 404);
    let put = call("put_client", json!({"id": "a"}), json!({"kind": "app", "owner": "y"}));
    assert_eq!(status(put).await, 507);
    assert_eq!(status(call("list_revisions", json!({}), Value::Null)).await, 404);
    // Keys of bodies are there all the same, and what they are sealed under.
    assert_eq!(admin.sealing_keys_in_use().await.unwrap(), ["k1"]);
    let health = admin.carry_out(&call("get_health", json!({}), Value::Null)).await;
    let health = String::from_utf8(health.body().to_vec()).unwrap();
    assert!(health.contains("k1 seals, with 0 versions, 1 body key"), "{health}");
    assert_eq!(status(call("rewrap_secrets", json!({}), json!({}))).await, 200);
}
