//! What was used of a quota is used after a start, too, however the process before ended.

use std::fs;

use serde_json::Value;
use testkit::Recorder;

use crate::{
    binary::{STATE, write},
    managed::Managed,
    serving::{Serving, key},
};

const LIMIT: (&str, &str) = ("state/limits/few.yaml", "client: app\nper: client\nquota: 5/month\n");

/// The collection, in front of `upstream`.
fn collection(upstream: &Recorder) -> String {
    let url = upstream.url();
    format!("owner: team\nupstream: {{url: '{url}'}}\ndocument: documents/orders.yaml\n")
}

/// How many of so many calls go through.
fn let_in(door: &Serving, key: &str, calls: usize) -> usize {
    let is_let_in = |_: &usize| match door.get("/orders/orders/7", key).0 {
        200 => true,
        429 => false,
        status => panic!("a call is answered by {status}"),
    };
    (0..calls).filter(is_let_in).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_goes_on_after_a_kill_and_by_the_log_alone() {
    let upstream = Recorder::start().await;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    write(folder.path(), &[("state/collections/orders.yaml", &collection(&upstream)), LIMIT]);
    let key = key(folder.path());
    let door = Serving::start(folder.path());
    assert_eq!(let_in(&door, &key, 3), 3);
    // It is killed right behind the calls, before they are stored anywhere but in the log.
    drop(door);
    let door = Serving::start(folder.path());
    assert_eq!(let_in(&door, &key, 4), 2, "none is lost, and none counts twice");
    drop(door);
    fs::remove_file(folder.path().join("state/.onedoor/quotas.jsonl")).unwrap();
    let door = Serving::start(folder.path());
    assert_eq!(let_in(&door, &key, 1), 0);
    drop(door);
    assert_eq!(upstream.take().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_goes_on_after_an_orderly_end_and_a_damaged_file_is_told() {
    let upstream = Recorder::start().await;
    let mut managed = Managed::start();
    write(managed.folder.path(), STATE);
    let collection = collection(&upstream);
    write(managed.folder.path(), &[("state/collections/orders.yaml", &collection), LIMIT]);
    managed.done(&["apply", "-f", "state"]);
    let issued = managed.done(&["credential", "issue", "--profile", "app/default", "--json"]);
    let issued: Value = serde_json::from_str(&issued).unwrap();
    let key = issued["key"].as_str().unwrap();
    assert_eq!(let_in(&managed.door, key, 3), 3);
    managed.door.signal("TERM");
    assert_eq!(managed.door.end(), 0);
    let file = managed.folder.path().join(".onedoor/quotas.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(r#"{"limit":"few","client":"app","used":3,"#), "{text}");

    managed.door = Serving::start_managed(managed.folder.path());
    assert!(!managed.door.seen().contains("counted again"), "{}", managed.door.seen());
    assert!(managed.done(&["limit", "usage"]).contains("few"));
    assert_eq!(let_in(&managed.door, key, 4), 2);
    drop(managed.door);
    fs::write(&file, text.replace("\"used\":3", "\"used\":")).unwrap();
    managed.door = Serving::start_managed(managed.folder.path());
    let seen = managed.door.seen();
    assert!(seen.contains("quotas.jsonl cannot be read"), "{seen}");
    assert!(seen.contains("counted again"), "{seen}");
    assert_eq!(let_in(&managed.door, key, 1), 0);
    assert_eq!(upstream.take().len(), 5);
}
