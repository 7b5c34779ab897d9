//! `onedoor serve`.

use std::{collections::HashSet, fs};

use testkit::Recorder;

use crate::{
    binary::{DOCUMENT, STATE, onedoor, write},
    serving::{Serving, key, recorded},
};

const VIEW: &str = "/orders/openapi.json";
const EDITOR: (&str, &str) = ("state/roles/reader.yaml", "allow:\n  - operations: ['orders:*']\n");

#[test]
fn a_change_of_the_folder_is_in_force_and_a_faulty_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    let key = key(folder.path());
    let mut door = Serving::start(folder.path());
    let (status, view) = door.get(VIEW, &key);
    assert_eq!(status, 200, "{view}");
    assert!(view.contains("get_order") && !view.contains("delete_order"), "{view}");

    write(folder.path(), &[EDITOR]);
    door.wait_for("in force: 1 collection");
    assert!(door.get(VIEW, &key).1.contains("delete_order"));

    write(folder.path(), &[("state/roles/reader.yaml", "alow: []\n")]);
    door.wait_for("roles/reader.yaml:1");
    door.wait_for("the last good state stays in force");
    assert!(door.get(VIEW, &key).1.contains("delete_order"), "a fault changed what is in force");

    door.signal("HUP");
    door.wait_for("the last good state stays in force");
    write(folder.path(), &[EDITOR]);
    door.wait_for("what was in force stays");

    fs::rename(folder.path().join("state/roles"), folder.path().join("roles")).unwrap();
    door.wait_for("the last good state stays in force");
    fs::rename(folder.path().join("roles"), folder.path().join("state/roles")).unwrap();
    door.wait_for("what was in force stays");
    assert_eq!(door.get(VIEW, &key).0, 200);

    let log = folder.path().join("state/.onedoor/audit");
    let swapped = recorded(&log, "state.swapped");
    let revisions: Vec<_> = swapped.iter().map(|it| it["revision"].as_u64().unwrap()).collect();
    assert_eq!(revisions, [1, 2], "the start, and the change");
    let refused = recorded(&log, "state.refused");
    assert!(refused.len() >= 3, "the fault, who asked, and the folder that was gone");
    let first = &refused[0];
    assert_eq!((&first["outcome"], &first["revision"]), (&"refused".into(), &2.into()), "{first}");
    assert!(first["note"].as_str().unwrap().ends_with("roles/reader.yaml:1"), "{first}");
    assert!(first["detail"].as_str().unwrap().contains("allow is missing"), "{first}");
}

#[test]
fn what_of_a_document_cannot_be_used_is_told_when_it_comes_to_be_so() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    let mut door = Serving::start(folder.path());
    let document = format!("{DOCUMENT}  /broken:\n    get: 5\n");
    write(folder.path(), &[("state/documents/orders.yaml", &document)]);
    let told = door.wait_for("cannot be used");
    let want = "of collection orders, 1 part of documents/orders.yaml cannot be used: \
                /paths/~1broken/get: left out: no mapping";
    assert!(told.contains("WARN") && told.contains(want), "{told}");
    door.wait_for("in force: 1 collection");
    write(folder.path(), &[EDITOR]);
    door.wait_for("in force: 1 collection");
    assert_eq!(door.seen().matches("cannot be used").count(), 1, "{}", door.seen());
}

#[test]
fn a_log_says_by_what_program_and_how_it_is_kept_and_so_what_was_configured_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    let opened = |level: &str| {
        write(folder.path(), &[("onedoor.toml", &format!("[audit]\nlevel = \"{level}\"\n"))]);
        drop(Serving::start_folder_configured(folder.path()));
        let log = folder.path().join("state/.onedoor/audit/00000000000000000000.jsonl");
        let text = fs::read_to_string(log).unwrap();
        let last = text.lines().rfind(|it| it.contains("\"boot\":")).unwrap().to_owned();
        let about = last.split_once("; onedoor ").unwrap().1;
        about.split_once('"').unwrap().0.to_owned()
    };
    let (usual, strict, again) = (opened("by_effect"), opened("strict"), opened("by_effect"));
    assert!(usual.starts_with(concat!(env!("CARGO_PKG_VERSION"), ", level by_effect")), "{usual}");
    assert!(strict.contains("level strict") && usual == again, "{strict}, {again}");
    let digest = |of: &str| of.rsplit_once(' ').unwrap().1.to_owned();
    assert_ne!(digest(&usual), digest(&strict));
}

#[test]
fn a_revoked_key_stops() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    let key = key(folder.path());
    let mut door = Serving::start(folder.path());
    assert_eq!(door.get(VIEW, &key).0, 200);
    let credentials = folder.path().join("state/credentials");
    let file = fs::read_dir(&credentials).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}state: revoked\n")).unwrap();
    door.wait_for("in force");
    assert_eq!(door.get(VIEW, &key).0, 401);
}

#[test]
fn sigterm_ends_it_with_exit_code_0() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    let door = Serving::start(folder.path());
    door.signal("TERM");
    assert_eq!(door.end(), 0);
}

#[test]
fn a_standard_output_that_nobody_reads_holds_up_no_end_and_loses_nothing() {
    let undrained = "records were not brought to the sink out";
    for is_hurried in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), STATE);
        let sink = |of: &str| {
            let text = format!("[[sinks]]\nname = \"out\"\n{of}\n");
            write(folder.path(), &[("onedoor.toml", &text)]);
        };
        let key = key(folder.path());
        sink("kind = \"stdout\"");
        let mut door = Serving::start_unread(folder.path());
        // More than a pipe holds.
        (0..400).for_each(|_| drop(door.get("/orders/orders/1", &key)));
        door.signal("TERM");
        if is_hurried {
            door.wait_for("stopped");
            door.signal("TERM");
        }
        let ran = door.ran();
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert_eq!(ran.err.contains(undrained), !is_hurried, "{}", ran.err);
        let log = folder.path().join("state/.onedoor/audit/00000000000000000000.jsonl");
        let log = fs::read_to_string(log).unwrap();
        assert!(ran.out.len() < log.len(), "the pipe holds all {} bytes", log.len());
        assert!(log.lines().last().unwrap().contains("audit.closed"), "{log}");

        // What was not acknowledged comes after the next start.
        sink("kind = \"file\"\npath = \"out.jsonl\"");
        let door = Serving::start_folder_configured(folder.path());
        door.signal("TERM");
        assert_eq!(door.end(), 0);
        let file = fs::read_to_string(folder.path().join("out.jsonl")).unwrap();
        let brought: HashSet<_> = ran.out.lines().chain(file.lines()).collect();
        let missing = log.lines().filter(|it| !brought.contains(it)).count();
        assert_eq!(missing, 0, "of {} lines", log.lines().count());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_outlasts_the_drain_is_told_and_the_log_ends_in_order() {
    let (upstream, folder) = (Recorder::start().await, tempfile::tempdir().unwrap());
    let collection = format!(
        "owner: team\nupstream: {{url: '{}'}}\ndocument: documents/orders.yaml\n",
        upstream.url()
    );
    write(folder.path(), STATE);
    write(
        folder.path(),
        &[
            ("state/collections/orders.yaml", &collection),
            ("onedoor.toml", "[listen]\ndrain_timeout = \"1s\"\n"),
        ],
    );
    let key = key(folder.path());
    let door = Serving::start_folder_configured(folder.path());
    let headers = [("x-api-key", &*key)];
    let mut stream = door.client().open("GET", "/orders/orders/drip", &headers, "").await;
    assert!(stream.piece().await.unwrap().is_some());
    door.signal("TERM");
    assert_eq!(door.end(), 0);
    let log = folder.path().join("state/.onedoor/audit");
    let last = audit::records(&log).unwrap().pop().unwrap();
    assert_eq!((&last["kind"], &last["outcome"]), (&"cut".into(), &"cancelled".into()), "{last}");
    let text = fs::read_to_string(log.join("00000000000000000000.jsonl")).unwrap();
    assert!(text.lines().last().unwrap().contains("audit.closed"), "{text}");
}

#[test]
fn a_revision_is_kept_over_a_restart_and_grows_with_a_change() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    let revision = || fs::read_to_string(folder.path().join("state/.onedoor/revision")).unwrap();
    drop(Serving::start(folder.path()));
    let first = revision();
    assert!(first.starts_with("1 "), "{first}");
    drop(Serving::start(folder.path()));
    assert_eq!(revision(), first);
    write(folder.path(), &[EDITOR]);
    drop(Serving::start(folder.path()));
    assert!(revision().starts_with("2 "));
}

#[test]
fn it_does_not_start_on_faults_and_tells_them_all() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    write(folder.path(), &[("state/roles/reader.yaml", "alow: []\n"), ("one.toml", "[liste]\n")]);
    let ran = onedoor(folder.path(), &["serve", "--state", "state"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("roles/reader.yaml:1: "), "{}", ran.err);
    assert!(ran.err.contains("faults"), "{}", ran.err);
    let ran = onedoor(folder.path(), &["serve", "--state", "state", "--config", "one.toml"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("one.toml:1: unknown key \"liste\""), "{}", ran.err);
    let ran = onedoor(folder.path(), &["serve", "--state", "state", "--config", "two.toml"]);
    assert!(ran.code == 1 && ran.err.contains("two.toml"), "{}", ran.err);
}

#[cfg(not(feature = "kafka"))]
#[test]
fn a_sink_for_kafka_says_how_to_get_it_where_it_is_not_built_in() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    let sink = "[[sinks]]\nname = \"siem\"\nkind = \"kafka\"\nbrokers = \"127.0.0.1:9\"\n\
                topic = \"audit\"\nencrypt = \"no\"\n";
    write(folder.path(), &[("onedoor.toml", sink)]);
    let ports = ["--listen", "127.0.0.1:0", "--management", "127.0.0.1:0"];
    let arguments = ["serve", "--state", "state", "--config", "onedoor.toml"];
    let ran = onedoor(folder.path(), &[&arguments[..], &ports].concat());
    assert_ne!(ran.code, 0);
    for want in ["the sink \"siem\" cannot be opened", "--package onedoor --features kafka"] {
        assert!(ran.err.contains(want), "{want}: {}", ran.err);
    }
}

#[test]
fn an_address_in_use_is_told() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = onedoor(folder.path(), &["serve", "--state", "state", "--listen", &address]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains(&format!("cannot listen on {address}")), "{}", ran.err);
}
