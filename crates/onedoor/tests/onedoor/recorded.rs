//! Records of a running door, by its commands: asked for, followed and written out.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{managed::Managed, remote::Door};

fn items(text: &str) -> Vec<Value> {
    let answer: Value = serde_json::from_str(text).unwrap();
    answer["items"].as_array().unwrap().clone()
}

#[test]
fn what_was_called_is_found_by_whatever_is_known_of_it_and_the_question_as_well() {
    let managed = Managed::start();
    managed.done(&["client", "list"]);
    let query =
        |filter: &[&str]| items(&managed.done(&[&["audit", "query", "--json"], filter].concat()));
    let listed = query(&["--operation", "onedoor.list_clients"]);
    let [record] = &*listed else { panic!("{listed:?}") };
    let of = |name: &str| record[name].as_str().unwrap().to_owned();
    let (id, client, time) = (of("id"), of("client"), of("time"));
    for (option, value) in [
        ("--request-id", id.as_str()),
        ("--credential", &of("credential")),
        ("--profile", &of("profile")),
        ("--text", "LIST_CLIENTS"),
        ("--since", &time),
        ("--status", "200"),
    ] {
        let found = query(&["--client", &client, option, value]);
        let ids: BTreeSet<_> = found.iter().map(|it| it["id"].as_str().unwrap()).collect();
        assert!(ids.contains(&*id), "{option} {value}: {found:?}");
    }
    assert!(query(&["--until", &time, "--request-id", &id]).is_empty());
    assert!(query(&["--surface", "mcp", "--request-id", &id]).is_empty());

    // What happened to a credential is a record, too, of the request that it came of.
    let issued = query(&["--event", "credential.issued"]);
    assert!(issued.is_empty(), "{issued:?}");
    let key = managed.done(&["credential", "issue", "--profile", "operator/default", "--json"]);
    let key: Value = serde_json::from_str(&key).unwrap();
    let issued = query(&["--event", "credential.issued", "--profile", "operator/default"]);
    let [record] = &*issued else { panic!("{issued:?}") };
    assert_eq!(record["credential"], key["id"]);
    let call = query(&["--request-id", record["id"].as_str().unwrap(), "--kind", "call"]);
    assert_eq!(call[0]["operation"], "onedoor.issue_credential", "{call:?}");

    // Reading is recorded, with what was looked for.
    let asked = query(&["--operation", "onedoor.query_audit", "--order", "oldest"]);
    let arguments = asked[0]["arguments"].to_string();
    assert!(arguments.contains("onedoor.list_clients"), "{arguments}");
}

#[test]
fn an_export_of_a_running_door_is_lines_of_its_log() {
    let managed = Managed::start();
    managed.done(&["client", "list"]);
    let exported = managed.done(&["audit", "export", "--operation", "onedoor.list_clients"]);
    let folder = managed.folder.path().join(".onedoor/audit");
    let of_folder = managed.done(&["audit", "export", folder.to_str().unwrap()]);
    assert_eq!(exported.lines().count(), 1);
    assert!(of_folder.lines().any(|it| it == exported.trim_end()), "{exported}");
    let both = managed.run(&["audit", "export", folder.to_str().unwrap(), "--client", "a"]);
    assert_eq!(both.code, 2, "{}", both.err);
    let format = managed.run(&["audit", "export", "--format", "ocsf"]);
    assert!(format.code == 2 && format.err.contains("--format ocsf"), "{}", format.err);
}

fn record(seq: u64, operation: &str) -> Value {
    json!({"seq": seq, "kind": "call", "operation": operation, "status": 200})
}

#[test]
fn a_tail_shows_the_last_records_and_then_each_that_comes_but_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let door = Door::start(|asked| {
        let page = |items: Value, reached: u64| {
            (200, json!({"items": items, "reached": reached, "unreadable": 0}))
        };
        let is_at = |cursor: u64| asked.line.ends_with(&format!("cursor={cursor}"));
        if !asked.line.contains("cursor=") {
            return page(json!([record(8, "orders.b"), record(5, "orders.a")]), 9);
        }
        if is_at(9) {
            let (status, mut page) =
                page(json!([record(9, "onedoor.query_audit"), record(10, "orders.c")]), 20);
            page["next"] = json!(11);
            return (status, page);
        }
        if is_at(11) {
            return page(json!([record(15, "orders.d")]), 20);
        }
        (403, json!({"title": "Forbidden"}))
    });
    let arguments = ["audit", "tail", "--lines", "2", "--every", "1", "--client", "a"];
    let ran = door.run(folder.path(), &arguments, "");
    let want = ["a", "b", "c", "d"].map(|it| format!("orders.{it}  200\n")).concat();
    assert_eq!((ran.code, ran.out), (4, want));
    let asked = door.asked();
    assert!(asked.iter().all(|it| it.line.contains("client=a")), "{asked:?}");
    assert!(asked[0].line.contains("limit=2") && asked[3].line.ends_with("cursor=20"), "{asked:?}");
}
