//! `onedoor init` while a door serves the store: by the local socket, and by nothing else.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::Path,
    time::Duration,
};

use crate::{
    binary::{Ran, command},
    managed,
    serving::Serving,
};

const WHOAMI: &str = "/onedoor/v1/whoami";

fn init(folder: &Path) -> Ran {
    let mut command = command(folder, &["init"]);
    let output = command.env("XDG_CONFIG_HOME", folder.join("config")).output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The records of an event.
fn events(folder: &Path, event: &str) -> Vec<serde_json::Value> {
    let records = audit::records(&folder.join(".onedoor/audit")).unwrap().into_iter();
    records.filter(|it: &serde_json::Value| it["event"] == event).collect()
}

/// What is answered to `text` by the local socket.
fn told(folder: &Path, text: &[u8]) -> String {
    let mut stream = UnixStream::connect(folder.join(".onedoor/onedoor.sock")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.write_all(text).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line
}

#[test]
fn a_door_that_nobody_has_used_refuses_all_until_it_has_its_first_operator() {
    let folder = tempfile::tempdir().unwrap();
    let door = Serving::start_managed(folder.path());
    assert!(door.seen().contains("everybody is refused until onedoor init"), "{}", door.seen());
    let unknown = format!("odk_{}", "a".repeat(49));
    for key in ["x", &unknown] {
        assert_eq!(door.manage(WHOAMI, key).0, 401, "{key}");
        assert_eq!(door.manage("/onedoor/v1/health", key).0, 401, "{key}");
        assert_ne!(door.get("/orders", key).0, 200, "{key}");
    }

    let made = init(folder.path());
    assert_eq!(made.code, 0, "{}", made.err);
    let key = made.out.trim_end();
    assert!(!made.err.contains("onedoor serve") && !made.err.contains(key), "{}", made.err);
    let (status, whoami) = door.manage(WHOAMI, key);
    assert_eq!(status, 200, "{whoami}");
    assert!(whoami.contains("operator/default"), "{whoami}");
}

#[test]
fn the_first_operator_is_made_once_and_recorded_as_is_who_comes_too_late() {
    let folder = tempfile::tempdir().unwrap();
    let door = Serving::start_managed(folder.path());
    let made = init(folder.path());
    let key = made.out.trim_end();
    let again = init(folder.path());
    assert_eq!((again.code, &*again.out), (1, ""), "{}", again.err);
    assert!(again.err.contains("in use already"), "{}", again.err);
    let told = events(folder.path(), "operator.first");
    let outcomes: Vec<_> = told.iter().map(|it| it["outcome"].as_str().unwrap()).collect();
    // Before it is done, as without a door.
    assert_eq!(outcomes, ["begun", "answered", "begun", "refused"]);
    for told in &told {
        assert!(
            told["note"].as_str().unwrap().starts_with("operator/default, for user "),
            "{told}"
        );
    }
    let first = &told[1];
    assert_eq!((&first["id"], &first["revision"]), (&told[0]["id"], &1.into()));
    assert_eq!((&told[3]["id"], &told[0]["revision"]), (&told[2]["id"], &serde_json::Value::Null));
    let segment = folder.path().join(".onedoor/audit/00000000000000000000.jsonl");
    assert!(!fs::read_to_string(segment).unwrap().contains(key));
    // The revision names the request that its record has.
    let (_, revision) = door.manage("/onedoor/v1/revisions/1", key);
    assert!(revision.contains(first["id"].as_str().unwrap()), "{revision}");
}

#[test]
fn the_local_socket_is_for_its_user_alone_and_goes_with_the_door() {
    let folder = tempfile::tempdir().unwrap();
    let door = Serving::start_managed(folder.path());
    let data = folder.path().join(".onedoor");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&data), mode(&data.join("onedoor.sock"))), (0o700, 0o600));
    door.signal("TERM");
    assert_eq!(door.end(), 0);
    let left: Vec<_> = fs::read_dir(&data).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert!(!left.iter().any(|it| it.to_string_lossy().contains("sock")), "{left:?}");
}

#[test]
fn nothing_but_init_goes_by_the_local_socket() {
    let folder = tempfile::tempdir().unwrap();
    let door = Serving::start_managed(folder.path());
    let key = init(folder.path()).out;
    let get = format!("GET {WHOAMI} HTTP/1.1\r\nAuthorization: Bearer {}\r\n\r\n", key.trim_end());
    let second = r#"{"client":"mallory","owner":"x","expires":"2099-01-01T00:00:00Z"}"#;
    for (text, want) in [
        (get.as_bytes(), "only onedoor init"),
        (b"\n", "only onedoor init"),
        (b"\xff\xfe\n", "only onedoor init"),
        ("x".repeat(9000).as_bytes(), "only onedoor init"),
        (format!("{}\n", second.replace("2099", "2020")).as_bytes(), "not in the future"),
        (format!("{second}\n").as_bytes(), "in use already"),
    ] {
        let told = told(folder.path(), text);
        assert!(told.contains(want) && !told.contains("odk_"), "{told}");
    }
    assert_eq!(door.manage("/onedoor/v1/clients/mallory", key.trim_end()).0, 404);
}

#[test]
fn whoever_asks_nothing_holds_nobody_up_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let _door = Serving::start_managed(folder.path());
    let mut silent = UnixStream::connect(folder.path().join(".onedoor/onedoor.sock")).unwrap();
    let made = init(folder.path());
    assert_eq!(made.code, 0, "{}", made.err);
    let mut line = String::new();
    silent.read_to_string(&mut line).unwrap();
    assert!(line.contains("only onedoor init"), "{line}");
}

#[test]
fn a_second_door_that_finds_the_addresses_taken_leaves_the_first_its_socket() {
    let folder = tempfile::tempdir().unwrap();
    let door = Serving::start_managed(folder.path());
    let address = door.management().replace("http://", "");
    let second = ["serve", "--listen", "127.0.0.1:0", "--management", &address];
    let second = crate::binary::onedoor(folder.path(), &second);
    assert!(second.code == 1 && second.err.contains("cannot listen on"), "{}", second.err);
    let made = init(folder.path());
    assert_eq!(made.code, 0, "{}", made.err);
    assert_eq!(events(folder.path(), "operator.first").len(), 2, "before and behind it");
}

#[test]
fn a_socket_that_a_killed_door_left_behind_is_no_door() {
    let folder = tempfile::tempdir().unwrap();
    let door = Serving::start_managed(folder.path());
    door.signal("KILL");
    drop(door);
    assert!(folder.path().join(".onedoor/onedoor.sock").exists());
    let key = managed::init(folder.path());
    let door = Serving::start_managed(folder.path());
    assert!(!door.seen().contains("everybody is refused"), "{}", door.seen());
    assert_eq!(door.manage(WHOAMI, &key).0, 200);
    assert!(init(folder.path()).err.contains("in use already"));
}

#[test]
fn a_first_operator_is_recorded_before_it_is_made_where_no_door_runs() {
    let folder = tempfile::tempdir().unwrap();
    let key = managed::init(folder.path());
    let again = init(folder.path());
    assert!(again.code == 1 && again.err.contains("in use already"), "{}", again.err);
    let told = events(folder.path(), "operator.first");
    let outcomes: Vec<_> = told.iter().map(|it| it["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["begun", "answered", "begun", "refused"]);
    assert!(told.iter().all(|it| it["note"] == told[0]["note"]), "{told:?}");
    let note = told[0]["note"].as_str().unwrap();
    assert!(note.starts_with("operator/default, for user "), "{note}");
    assert!(note.ends_with(", by onedoor init while no door runs"), "{note}");
    assert_eq!((&told[1]["revision"], &told[0]["id"]), (&1.into(), &told[1]["id"]));
    let log = folder.path().join(".onedoor/audit");
    let text = fs::read_to_string(log.join("00000000000000000000.jsonl")).unwrap();
    assert!(
        !text.contains(&key) && text.lines().next_back().unwrap().contains("audit.closed"),
        "{text}"
    );

    // The door goes on with that log, and the revision names the request that its record has.
    let door = Serving::start_managed(folder.path());
    let (_, revision) = door.manage("/onedoor/v1/revisions/1", &key);
    assert!(revision.contains(told[0]["id"].as_str().unwrap()), "{revision}");
    let verify = ["audit", "verify", ".onedoor/audit", "--key", ".onedoor/audit.pub"];
    let verified = crate::binary::onedoor(folder.path(), &verify);
    assert_eq!(verified.code, 0, "{}{}", verified.out, verified.err);
}

#[test]
fn no_first_operator_is_made_that_cannot_be_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join(".onedoor/audit");
    // No log can be where a file is.
    crate::binary::write(folder.path(), &[(".onedoor/audit", "")]);
    let refused = init(folder.path());
    assert_eq!((refused.code, &*refused.out), (1, ""), "{}", refused.err);
    assert!(refused.err.contains("cannot be recorded, so it is not done"), "{}", refused.err);
    fs::remove_file(&log).unwrap();
    managed::init(folder.path());

    // Nor beside a door that would not see it.
    let folder = tempfile::tempdir().unwrap();
    let door = Serving::start_managed(folder.path());
    fs::remove_file(folder.path().join(".onedoor/onedoor.sock")).unwrap();
    let refused = init(folder.path());
    assert!(refused.code == 1 && refused.err.contains("another process has"), "{}", refused.err);
    drop(door);
    managed::init(folder.path());
}

#[test]
fn a_first_operator_that_would_not_be_served_is_not_made() {
    for (arguments, want) in [
        (&["init", "--client", "anonymous"][..], "cannot be the first operator"),
        (&["init", "--expires", "2020-01-01"][..], "not in the future"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let ran = crate::binary::onedoor(folder.path(), arguments);
        assert_eq!(ran.code, 1, "{}", ran.out);
        assert!(ran.err.contains(want), "{}", ran.err);
        managed::init(folder.path());
    }
}
