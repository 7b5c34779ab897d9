//! A log is checked on a copy, by a command that needs no door.

use std::{fs, io::Write as _, os::unix::fs::PermissionsExt as _, path::Path, process::Stdio};

use audit::{Journal, Kind, Location, Outcome, Record, Rules, Salt, SigningKey};
use model::{Clock, Timestamp};

use crate::{
    binary::{Ran, command, onedoor},
    serving::Serving,
};

const START: Timestamp = Timestamp::from_seconds(1_795_392_000);

/// A log of six records in `folder`, its public key, and its newest checkpoint kept elsewhere.
fn write(folder: &Path) {
    let key = SigningKey::from_seed("onedoor-test", &[1; 32]).unwrap();
    fs::write(folder.join("audit.pub"), format!("{}\n", key.verifying_key())).unwrap();
    let location = Location {
        folder: folder.join("audit"),
        checkpoints: Some(folder.join("elsewhere")),
        about: None,
    };
    let journal = Journal::open(&location, (key, Rules::default()), Clock::fake(START)).unwrap();
    for tool in ["a", "b", "c"] {
        let record = Record::new(START, Kind::Call, Outcome::Answered);
        journal.append(&Record { tool: Some(tool), ..record }).unwrap();
    }
}

fn verify(folder: &Path, more: &[&str]) -> Ran {
    onedoor(folder, &[&["audit", "verify", "audit", "--key", "audit.pub"], more].concat())
}

fn segment(folder: &Path) -> std::path::PathBuf {
    folder.join("audit/00000000000000000000.jsonl")
}

#[test]
fn a_log_that_is_what_was_written_is_exit_code_0() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let ran = verify(folder.path(), &["--checkpoint", "elsewhere"]);
    let want = "nothing is wrong: 6 records from 0 on, 1 segment, 3 checkpoints\n";
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, want, ""));
    let text = fs::read_to_string(folder.path().join("audit.pub")).unwrap();
    let by_text = onedoor(folder.path(), &["audit", "verify", "audit", "--key", text.trim()]);
    assert_eq!(by_text.code, 0, "{}", by_text.err);
}

#[test]
fn damage_is_exit_code_1_and_names_the_first_record_and_what_happened_to_it() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let text = fs::read_to_string(segment(folder.path())).unwrap();
    fs::write(segment(folder.path()), text.replace("\"tool\":\"b\"", "\"tool\":\"d\"")).unwrap();
    let ran = verify(folder.path(), &[]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.starts_with("modified at record 3: 00000000000000000000.jsonl"), "{}", ran.out);

    // An end that was cut off together with its checkpoint is missed by one that is elsewhere alone.
    let kept: Vec<_> = text.split_inclusive('\n').take(4).collect();
    fs::write(segment(folder.path()), kept.concat()).unwrap();
    let checkpoints = folder.path().join("audit/checkpoints.jsonl");
    let signed = fs::read_to_string(&checkpoints).unwrap();
    fs::write(&checkpoints, signed.split_inclusive('\n').next().unwrap()).unwrap();
    let ran = verify(folder.path(), &[]);
    assert_eq!(ran.code, 0);
    assert!(ran.out.contains("the last 2 are not signed for yet"), "{}", ran.out);
    let ran = verify(folder.path(), &["--checkpoint", "elsewhere"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.starts_with("truncated at record 4"), "{}", ran.out);
}

#[test]
fn an_export_is_the_log_itself_or_an_event_for_each_record() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let export =
        |more: &[&str]| onedoor(folder.path(), &[&["audit", "export", "audit"], more].concat());
    let text = fs::read_to_string(segment(folder.path())).unwrap();
    let native = export(&[]);
    assert_eq!(
        (native.code, native.out, native.err.trim()),
        (0, text.clone(), "6 records as native")
    );
    for (format, start) in [("cef", "CEF:0|"), ("ecs", "{"), ("ocsf", "{")] {
        let ran = export(&["--format", format, "--from", "2", "--until", "4"]);
        let lines: Vec<_> = ran.out.lines().collect();
        assert_eq!((ran.code, lines.len()), (0, 2), "{}", ran.err);
        for (line, tool) in lines.iter().zip(["a", "b"]) {
            assert!(
                line.starts_with(start) && line.contains(tool) && line.contains("call"),
                "{line}"
            );
        }
    }
    fs::write(segment(folder.path()), text.replace("\"tool\":\"b\"", "\"tool\":\"d\"")).unwrap();
    let damaged = export(&[]);
    assert!(damaged.code == 1 && damaged.err.contains("modified at record 3"), "{}", damaged.err);
    assert_eq!(damaged.out.lines().count(), 3, "those before it were written");
    fs::create_dir(folder.path().join("empty")).unwrap();
    assert_eq!(onedoor(folder.path(), &["audit", "export", "empty"]).code, 2);
}

#[test]
fn what_cannot_be_checked_is_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    fs::create_dir(folder.path().join("empty")).unwrap();
    fs::write(folder.path().join("no-note"), "x\n").unwrap();
    for arguments in [
        &["empty", "--key", "audit.pub"][..],
        &["nowhere", "--key", "audit.pub"],
        &["audit", "--key", "nowhere"],
        &["audit", "--key", "no-note"],
        &["audit", "--key", "audit.pub", "--checkpoint", "no-note"],
        &["audit"],
    ] {
        let ran = onedoor(folder.path(), &[&["audit", "verify"], arguments].concat());
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.err.starts_with("error: "), "{}", ran.err);
    }
}

#[test]
fn a_key_that_was_mistaken_is_not_shown_and_not_taken_for_a_file() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let private = SigningKey::generate("onedoor-test").unwrap();
    let public = fs::read_to_string(folder.path().join("audit.pub")).unwrap();
    let other = public.trim().replace("onedoor-test", "onedoor-best");
    for (key, want) in [
        (private.expose().as_str(), "a private key"),
        (other.as_str(), "its name and id do not belong to its key"),
        ("/dev/zero", "no regular file"),
    ] {
        let ran = onedoor(folder.path(), &["audit", "verify", "audit", "--key", key]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{want}");
        assert!(ran.err.contains(want) && !ran.err.contains("cannot read"), "{}", ran.err);
        assert!(!ran.err.contains(private.expose()), "the private key is shown");
    }
}

#[test]
fn a_record_is_proven_to_whoever_has_the_public_key() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let key = ["--key", "audit.pub"];
    let prove = |seq| {
        onedoor(folder.path(), &[&["audit", "prove", "audit", "--seq", seq], &key[..]].concat())
    };
    let proof = prove("3");
    assert_eq!(proof.code, 0, "{}", proof.err);
    let check = |text: &str| {
        fs::write(folder.path().join("proof"), text).unwrap();
        onedoor(folder.path(), &[&["audit", "verify-proof", "proof"], &key[..]].concat())
    };
    let ran = check(&proof.out);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("\"tool\":\"b\""), "{}", ran.out);
    assert_eq!(check(&proof.out.replace("index 3", "index 2")).code, 1);
    assert_eq!(prove("6").code, 2);
}

#[test]
fn a_door_that_is_killed_leaves_a_log_that_is_right_and_goes_on_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let init = onedoor(folder.path(), &["init"]);
    let key = init.out.trim();
    let check = || {
        let log = ["audit", "verify", ".onedoor/audit", "--key", ".onedoor/audit.pub"];
        let ran = onedoor(folder.path(), &log);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        ran.out
    };
    for _ in 0..2 {
        let door = Serving::start_managed(folder.path());
        for _ in 0..5 {
            assert_eq!(door.manage("/onedoor/v1/whoami", key).0, 200);
        }
        // Killed, not stopped.
        drop(door);
        check();
    }
    let door = Serving::start_managed(folder.path());
    door.manage("/onedoor/v1/whoami", key);
    door.signal("TERM");
    assert_eq!(door.end(), 0);
    assert!(!check().contains("not signed"), "what ends in order is signed to its end");
    let records = audit::records(&folder.path().join(".onedoor/audit")).unwrap();
    let calls = records.iter().filter(|it| it["operation"] == "onedoor.whoami");
    assert_eq!(calls.filter(|it| it["status"] == 200).count(), 11);
    let log =
        fs::read_to_string(folder.path().join(".onedoor").join(segment(Path::new("")))).unwrap();
    // Each start says how the process before it ended, of which `onedoor init` was the first.
    let of = |event: &str| log.matches(&format!("\"event\":\"audit.{event}\"")).count();
    assert_eq!((of("opened"), of("recovered"), of("closed")), (2, 2, 2));
    assert!(log.lines().last().unwrap().contains("audit.closed"), "{log}");
}

#[test]
fn what_a_sink_lost_is_exit_code_1_and_named() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let text = fs::read_to_string(segment(folder.path())).unwrap();
    let export = folder.path().join("export");
    let reconcile =
        || onedoor(folder.path(), &["audit", "reconcile", "audit", "--export", "export"]);
    fs::write(&export, &text).unwrap();
    let ran = reconcile();
    let want = "nothing is wrong: each of 6 records is there once, as it is\n";
    assert_eq!((ran.code, ran.out.as_str()), (0, want), "{}", ran.err);
    let lines: Vec<_> = text.lines().collect();
    fs::write(&export, [lines[0], lines[3], lines[4], lines[4], lines[5]].join("\n")).unwrap();
    let ran = reconcile();
    let want = "the export is not what the log holds\n  2 records missing: 1 to 2\n  \
                1 line there again: of record 4\n";
    assert_eq!((ran.code, ran.out.as_str()), (1, want), "{}", ran.err);
    fs::write(&export, format!("{text}\nno record\n{{}}\n")).unwrap();
    let ran = reconcile();
    let want = "the export is not what the log holds\n  2 lines without a record: in line 8, 9\n";
    assert_eq!((ran.code, ran.out.as_str()), (1, want), "{}", ran.err);
    for format in ["cef", "ecs", "ocsf", "ocsf-1.9"] {
        let exported = onedoor(folder.path(), &["audit", "export", "audit", "--format", format]);
        fs::write(&export, exported.out).unwrap();
        let ran = reconcile();
        assert_eq!(ran.code, 0, "{format}: {}{}", ran.out, ran.err);
    }
    fs::remove_file(export).unwrap();
    assert_eq!(reconcile().code, 2);
}

/// Asks for the hash of what stands on the standard input.
fn hash(folder: &Path, more: &[&str], value: &str) -> Ran {
    let mut command = command(folder, &[&["audit", "hash"], more].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(value.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |it| String::from_utf8(it).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn a_known_value_is_hashed_as_records_of_a_day_have_it_for_whoever_reads_the_salt() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".onedoor/audit.salt");
    let without = hash(folder.path(), &[], "x");
    assert!(without.code == 1 && without.err.contains("audit.salt"), "{}", without.err);
    assert!(!file.exists(), "none is made");
    fs::create_dir(folder.path().join(".onedoor")).unwrap();
    fs::write(&file, format!("{}\n", "07".repeat(32))).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let salt = Salt::new(&[7; 32]);
    let days = ["2026-11-23", "2026-11-24"].map(|it| Timestamp::parse(it).unwrap());
    let want = days.map(|it| format!("{}\n", salt.hash(b"ann@example.com", it))).concat();
    let days = ["--day", "2026-11-23", "--day", "2026-11-24"];
    let hashed =
        hash(folder.path(), &[&days[..], &["--as", "email"]].concat(), "Ann@Example.com\n");
    assert_eq!((hashed.code, &*hashed.out, &*hashed.err), (0, &*want, ""));
    // As for every command, the data folder may be named in the configuration.
    fs::rename(folder.path().join(".onedoor"), folder.path().join("data")).unwrap();
    fs::write(folder.path().join("door.toml"), "[folders]\ndata = \"data\"\n").unwrap();
    let configured = hash(
        folder.path(),
        &[&days[..], &["--as", "email", "--config", "door.toml"]].concat(),
        "ann@example.com",
    );
    assert_eq!((configured.code, &*configured.out, &*configured.err), (0, &*want, ""));
    fs::rename(folder.path().join("data"), folder.path().join(".onedoor")).unwrap();
    let wrong = hash(folder.path(), &["--as", "card"], "4111");
    assert!(wrong.code == 1 && wrong.err.contains("no card number"), "{}", wrong.err);
    assert!(!wrong.err.contains("4111"), "{}", wrong.err);
    assert_eq!(hash(folder.path(), &["a-value"], "x").code, 2, "a value is no argument");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(hash(folder.path(), &[], "x").code, 1, "others could read the salt");
}
