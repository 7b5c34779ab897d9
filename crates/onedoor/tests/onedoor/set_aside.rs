//! `onedoor audit set-aside`: a damaged log is kept as it is, and the one in its place names it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use audit::SigningKey;
use serde_json::Value;

use crate::{
    binary::{Ran, STATE, onedoor, write},
    serving::{Serving, said},
};

const DATA: &str = "state/.onedoor";

fn set_aside(folder: &Path, key: &str) -> Ran {
    onedoor(folder, &["audit", "set-aside", "state/.onedoor/audit", "--key", key])
}

fn serve(folder: &Path) -> Ran {
    let ports = ["--listen", "127.0.0.1:0", "--management", "127.0.0.1:0"];
    onedoor(folder, &[&["serve", "--state", "state"], &ports[..]].concat())
}

/// The folders that were set aside.
fn aside(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join(DATA)).unwrap().map(|it| it.unwrap().path());
    entries.filter(|it| it.to_str().unwrap().contains("audit.damaged-")).collect()
}

const KEY: &str = "state/.onedoor/audit.pub";

/// The log of a door that ran: it is not set aside while that runs, nor while nothing is wrong with it.
fn refused_whole(folder: &Path) -> PathBuf {
    write(folder, STATE);
    let door = Serving::start(folder);
    (0..3).for_each(|_| assert_eq!(door.get("/orders/1", "odk_nobody").0, 401));
    let held = set_aside(folder, KEY);
    assert!(held.code == 1 && held.err.contains("stop the door first"), "{}", held.err);
    door.signal("TERM");
    assert_eq!(door.end(), 0);
    let whole = set_aside(folder, KEY);
    assert!(whole.code == 1 && whole.err.contains("nothing is wrong"), "{}", whole.err);
    folder.join(DATA).join("audit")
}

#[test]
fn a_damaged_log_is_kept_and_the_new_one_says_where_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    let log = refused_whole(folder.path());
    let segment = log.join("00000000000000000000.jsonl");
    let text = fs::read_to_string(&segment).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let damaged = text.replace(lines[2], &lines[2].replacen("\"time\":\"2", "\"time\":\"1", 1));
    assert_ne!(damaged, text);
    fs::write(&segment, &damaged).unwrap();
    let refused = serve(folder.path());
    assert_eq!(refused.code, 1, "{}", refused.err);
    for want in ["modified at record 2", "`onedoor audit set-aside state/.onedoor/audit --key"] {
        assert!(refused.err.contains(want), "{want}: {}", refused.err);
    }
    // By the key of another log all would be wrong.
    let other = SigningKey::from_seed("other", &[1; 32]).unwrap().verifying_key().to_string();
    let foreign = set_aside(folder.path(), &other);
    assert!(foreign.code == 2 && foreign.err.contains("of the log other"), "{}", foreign.err);
    assert!(aside(folder.path()).is_empty(), "something was set aside");

    let ran = set_aside(folder.path(), KEY);
    let [kept] = &aside(folder.path())[..] else { panic!("{}{}", ran.out, ran.err) };
    let name = kept.file_name().unwrap().to_str().unwrap();
    assert!(ran.code == 0 && ran.out.contains(name), "{}{}", ran.out, ran.err);
    let evidence = fs::read_to_string(kept.join("00000000000000000000.jsonl")).unwrap();
    assert!(evidence == damaged && !segment.exists());

    let good: Value = serde_json::from_str(lines[1]).unwrap();
    let hash = good["hash"].as_str().unwrap();
    let wanted = [name, "modified at record 2", "last good record is 1,", hash, "; onedoor "];
    for starts in 1..=2 {
        drop(Serving::start(folder.path()));
        ensure_named_once(&log, starts, &wanted);
    }
    let verified =
        onedoor(folder.path(), &["audit", "verify", "state/.onedoor/audit", "--key", KEY]);
    assert_eq!(verified.code, 0, "{}{}", verified.out, verified.err);
}

/// After so many starts, the first of them says all that is wanted, and no other says it again.
fn ensure_named_once(log: &Path, starts: usize, wanted: &[&str]) {
    let opened = [said(log, "audit.opened"), said(log, "audit.recovered")].concat();
    assert_eq!((opened.len(), &opened[0]["seq"]), (starts, &1.into()), "{opened:?}");
    let told: Vec<_> = opened.iter().map(|it| it["note"].as_str().unwrap()).collect();
    for want in wanted {
        assert!(told[0].contains(want), "{want}: {told:?}");
    }
    assert!(told[1..].iter().all(|it| !it.contains(wanted[0])), "it is told once: {told:?}");
    assert!(!log.join("predecessor.txt").exists());
}
