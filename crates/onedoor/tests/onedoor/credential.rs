//! `onedoor credential new`.

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::{
    binary::{STATE, onedoor, write},
    serving::{Serving, recorded, said},
};

#[test]
fn the_key_alone_goes_to_the_standard_output_and_is_kept_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    let ran = onedoor(folder.path(), &["credential", "new", "app/default", "--expires", "12h"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let key = ran.out.trim_end();
    assert!(key.starts_with("odk_") && !key.contains('\n'), "{}", ran.out);
    assert!(!ran.err.contains(key));
    assert_eq!(onedoor(folder.path(), &["check"]).code, 0);
    let kept = fs::read_dir(folder.path().join("state/credentials")).unwrap();
    let kept: Vec<_> = kept.map(|it| it.unwrap().path()).collect();
    assert_eq!(kept.len(), 1);
    let text = fs::read_to_string(&kept[0]).unwrap();
    assert!(text.contains("profile: app/default") && text.contains("hmac: "), "{text}");
    assert!(!text.contains(key.trim_start_matches("odk_")), "the key stands in {text}");
}

#[test]
fn a_client_secret_is_made_like_a_key_and_known_by_its_prefix() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    let arguments = ["credential", "new", "app/default", "--kind", "client_secret"];
    let ran = onedoor(folder.path(), &arguments);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.starts_with("ods_") && ran.err.contains("client secret"), "{}", ran.err);
    let mut kept = fs::read_dir(folder.path().join("state/credentials")).unwrap();
    let text = fs::read_to_string(kept.next().unwrap().unwrap().path()).unwrap();
    assert!(text.contains("kind: client_secret") && !text.contains(ran.out.trim()), "{text}");
    assert_eq!(onedoor(folder.path(), &["check"]).code, 0);
}

#[test]
fn no_key_is_made_for_an_unknown_profile_or_in_the_past() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    for (arguments, want) in [
        (&["app/other"][..], "unknown profile \"app/other\""),
        (&["app/default", "--expires", "2020-01-01"], "is not in the future"),
        (&["app/default", "--expires", "0s"], "is not in the future"),
        (&["app/default", "--state", "nowhere"], "cannot be listed"),
    ] {
        let ran = onedoor(folder.path(), &[&["credential", "new"], arguments].concat());
        assert_eq!((ran.code, ran.out.as_str()), (1, ""));
        assert!(ran.err.contains(want), "{}", ran.err);
    }
    assert!(!folder.path().join("state/credentials").exists());
}

#[test]
fn no_key_is_made_with_a_pepper_that_others_can_read() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    let arguments = ["credential", "new", "app/default"];
    assert_eq!(onedoor(folder.path(), &arguments).code, 0);
    let pepper = folder.path().join("state/.onedoor/pepper");
    fs::set_permissions(&pepper, fs::Permissions::from_mode(0o644)).unwrap();
    let ran = onedoor(folder.path(), &arguments);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("can be read by others (mode 644)"), "{}", ran.err);
}

#[test]
fn a_key_is_recorded_before_it_is_made_where_no_door_runs_and_by_the_door_where_one_does() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    let log = folder.path().join("state/.onedoor/audit");
    let new = ["credential", "new", "app/default"];
    let ran = onedoor(folder.path(), &new);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let told = recorded(&log, "credential.issued");
    let outcomes: Vec<_> = told.iter().map(|it| it["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["begun", "answered"]);
    let (begun, done) = (&told[0], &told[1]);
    for member in ["id", "client", "client_kind", "profile", "credential", "note"] {
        assert!(begun[member].is_string() && begun[member] == done[member], "{member}: {told:?}");
    }
    assert!(ran.err.starts_with(begun["credential"].as_str().unwrap()), "{}", ran.err);
    let note = begun["note"].as_str().unwrap();
    assert!(note.ends_with(", by onedoor credential new while no door runs"), "{note}");
    assert!(note.contains(", for user ") && !format!("{told:?}").contains(ran.out.trim()));
    assert_eq!(said(&log, "audit.closed").len(), 1);

    // The door goes on with that log.
    let mut door = Serving::start(folder.path());
    let ran = onedoor(folder.path(), &new);
    assert_eq!(ran.code, 0, "{}", ran.err);
    door.wait_for("event=\"credential.issued\"");
    let told = recorded(&log, "credential.issued");
    let [_, _, by_door] = &told[..] else { panic!("{told:?}") };
    assert!(ran.err.starts_with(by_door["credential"].as_str().unwrap()), "{by_door}");
    assert!(!by_door["note"].as_str().unwrap().contains("no door runs"), "{by_door}");
    assert_eq!(said(&log, "audit.opened").len(), 2);
}

#[test]
fn no_key_is_made_that_cannot_be_recorded() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    // No log can be where a file is.
    write(folder.path(), &[("state/.onedoor/audit", "")]);
    let ran = onedoor(folder.path(), &["credential", "new", "app/default"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("cannot be recorded, so it is not done"), "{}", ran.err);
    assert!(!folder.path().join("state/credentials").exists());
}
