//! A rotation that waits, against a door that is played: what it makes, what it waits for, what it ends.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use serde_json::{Value, json};

use crate::{
    binary::Ran,
    remote::{Asked, Door},
};

/// What is typed, but for what a test is about.
const TYPED: [&str; 6] = ["credential", "rotate", "old", "--wait", "--every", "1"];

/// From which look on the successor was used: never.
const NEVER: usize = usize::MAX;

/// The last of an old credential that is asked about again and again: used at first, and then unused.
/// Its successor is used from the look `taken` on.
fn rotating(asked: &Asked, looks: &AtomicUsize, (state, taken): (&str, usize)) -> (u16, Value) {
    let lines = |look: usize, state: &str, last_used: &str| {
        let new_used = (look >= taken).then_some("2026-11-21T00:00:00Z");
        json!({"items": [
            {"id": "a", "state": "active", "profile": "shop/default", "last_used": last_used},
            {
                "id": "new", "profile": "shop/default", "state": "active",
                "created": "2026-11-20T00:00:00Z", "last_used": new_used,
            },
            {
                "id": "old", "profile": "shop/default", "state": state, "last_used": last_used,
                "used_by": "call", "used_from": "192.0.2.7", "replaced": "2026-11-20T00:00:00Z",
            },
        ]})
    };
    match asked.line.split_once(' ').unwrap() {
        ("GET", "/onedoor/v1/credentials/old") => {
            (200, json!({"id": "old", "etag": "x", "document": {"profile": "shop/default"}}))
        }
        ("GET", path) if path.starts_with("/onedoor/v1/reports/credential-ages?client=shop") => {
            match looks.fetch_add(1, SeqCst) {
                0 => (200, lines(0, state, "2026-11-21T00:00:00Z")),
                // Another replica, which has not heard of the successor yet.
                1 => (200, lines(1, "active", "2026-11-01T00:00:00Z")),
                // In use by the clock of the door, and for long not by that of the command.
                2 => (200, lines(2, "retiring", "2001-01-01T00:00:00Z")),
                3 => (503, json!({"title": "busy"})),
                // The overlap is over some time.
                look @ 8.. => (200, lines(look, "expired", "2026-11-22T00:00:00Z")),
                look => (200, lines(look, "retiring", "2026-11-22T00:00:00Z")),
            }
        }
        ("POST", "/onedoor/v1/credentials/old/rotate") => {
            (201, json!({"id": "new", "kind": "api_key", "key": "odk_new"}))
        }
        ("POST", path) if path.contains("/retire") && looks.load(SeqCst) == 3 => {
            (409, json!({"title": "In the way", "detail": "old is used by the clock of the door"}))
        }
        ("POST", path) if path.contains("/retire") => {
            (200, json!({"id": "x", "state": "retired", "revision": 9}))
        }
        other => (404, json!({"title": format!("{other:?}")})),
    }
}

/// What the command does at a door that is looked at for the time `look` first, and what it asks for
/// that changes something.
fn run(look: usize, played: (&'static str, usize), typed: &[&str]) -> (Ran, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let looks = AtomicUsize::new(look);
    let door = Door::start(move |asked| rotating(asked, &looks, played));
    let ran = door.run(folder.path(), &[&TYPED[..], typed].concat(), "");
    let asked = door.asked().into_iter();
    let changes = asked.filter_map(|it| Some(it.line.strip_prefix("POST ")?.to_owned()));
    (ran, changes.collect())
}

#[test]
fn a_rotation_that_waits_retires_the_old_one_when_nobody_uses_it_and_goes_on_where_it_was() {
    for (state, is_made) in [("active", true), ("retiring", false)] {
        let (ran, changes) = run(0, (state, 0), &["--unused-for", "2h"]);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        assert_eq!(ran.out.contains("key: odk_new"), is_made, "{}", ran.out);
        for said in [
            "waiting until nobody uses old any more",
            "old has no successor as this door knows",
            "old was last used at 2001-01-01T00:00:00Z, by a call from 192.0.2.7",
            "asking again",
            "old is retired: its successor took over",
        ] {
            assert!(ran.err.contains(said), "{said}: {}", ran.err);
        }
        assert!(!ran.err.contains("never used"), "{}", ran.err);
        assert_eq!(changes.iter().any(|it| it.contains("/rotate")), is_made, "{changes:?}");
        assert_eq!(
            changes.last().unwrap(),
            "/onedoor/v1/credentials/old/retire?unused_for=2h",
            "{changes:?}"
        );
    }
}

#[test]
fn without_a_time_the_door_says_when_an_old_credential_is_unused() {
    let folder = tempfile::tempdir().unwrap();
    let tries = AtomicUsize::default();
    let looks = AtomicUsize::new(4);
    let door = Door::start(move |asked| {
        let is_try = asked.line.ends_with("/retire");
        if is_try && tries.fetch_add(1, SeqCst) == 0 {
            return (409, json!({"title": "In the way", "detail": "old was used"}));
        }
        rotating(asked, &looks, ("retiring", 0))
    });
    let ran = door.run(folder.path(), &TYPED, "");
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
    assert!(ran.err.contains("old has had a successor since 2026-11-20"), "{}", ran.err);
    let tried = door.asked().into_iter().filter(|it| it.line.ends_with("/old/retire"));
    assert_eq!(tried.count(), 2);
}

#[test]
fn an_old_credential_is_kept_until_its_successor_is_used() {
    const KEPT: &str = "old is kept, since new was never used";
    const LOST: &str = "new was never used, and its secret was printed by an earlier run alone";
    const RETIRE: &str = "/onedoor/v1/credentials/old/retire";
    // Whether its answer was lost, or its client does not take it: this run or an earlier one made it.
    for (state, is_earlier) in [("active", false), ("retiring", true)] {
        let look = if is_earlier { 4 } else { 0 };
        let (ran, changes) = run(look, (state, 6), &[]);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        assert!(ran.err.contains(KEPT), "{}", ran.err);
        assert_eq!(ran.err.contains(LOST), is_earlier, "{}", ran.err);
        assert_eq!(ran.err.contains("--again"), is_earlier, "{}", ran.err);
        assert_eq!(changes.last().unwrap(), RETIRE);
        assert_eq!(changes.len(), 1 + usize::from(!is_earlier), "{changes:?}");
    }
    let (ran, changes) = run(6, ("retiring", NEVER), &[]);
    assert!(ran.code == 0 && changes.is_empty(), "{changes:?} {}", ran.err);
    let ended = "old is expired, and its successor was never used";
    assert!(ran.err.contains(ended) && !ran.err.contains("took over"), "{}", ran.err);
    let (ran, changes) = run(6, ("retiring", NEVER), &["--force"]);
    assert!(ran.code == 0 && !ran.err.contains(KEPT), "{}", ran.err);
    assert_eq!(changes, [RETIRE]);
}

#[test]
fn a_successor_that_nobody_has_is_retired_for_another_and_one_that_was_used_is_not() {
    const CHANGES: [&str; 2] =
        ["/onedoor/v1/credentials/new/retire", "/onedoor/v1/credentials/old/rotate"];
    let (ran, changes) = run(6, ("retiring", NEVER), &["--again"]);
    assert!(ran.code == 0 && ran.out.contains("key: odk_new"), "{}{}", ran.out, ran.err);
    assert_eq!(changes, CHANGES);
    assert!(ran.err.contains("new is retired: nobody has it"), "{}", ran.err);
    let (ran, changes) = run(4, ("retiring", 0), &["--again"]);
    assert_eq!((ran.code, ran.out.as_str(), changes.len()), (2, "", 0), "{}", ran.err);
    assert!(ran.err.contains("new was last used at 2026-11-21"), "{}", ran.err);
    // Nothing was made yet: it is made, as without.
    let (ran, changes) = run(0, ("active", 0), &["--again"]);
    assert!(ran.code == 0 && ran.out.contains("key: odk_new"), "{}{}", ran.out, ran.err);
    assert!(changes.iter().all(|it| !it.contains("/new/")), "{changes:?}");
}

#[test]
fn a_successor_of_which_other_replicas_may_know_is_retired_when_they_have_told() {
    let folder = tempfile::tempdir().unwrap();
    let (tries, looks) = (AtomicUsize::default(), AtomicUsize::new(6));
    let door = Door::start(move |asked| {
        let is_try = asked.line.ends_with("/new/retire");
        if is_try && tries.fetch_add(1, SeqCst) == 0 {
            return (409, json!({"title": "In the way", "detail": "new was made just now"}));
        }
        rotating(asked, &looks, ("retiring", NEVER))
    });
    let ran = door.run(folder.path(), &[&TYPED[..], &["--again"]].concat(), "");
    assert!(ran.code == 0 && ran.out.contains("key: odk_new"), "{}{}", ran.out, ran.err);
    for said in ["new was made just now", "new is retired: nobody has it"] {
        assert!(ran.err.contains(said), "{said}: {}", ran.err);
    }
    let tried = door.asked().into_iter().filter(|it| it.line.ends_with("/new/retire"));
    assert_eq!(tried.count(), 2);
}

#[test]
fn an_old_credential_is_kept_by_force_too_where_its_successor_is_not_good_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let looks = AtomicUsize::new(6);
    // As a run leaves it that retired the successor, and could not make another.
    let door = Door::start(move |asked| {
        let (status, mut answer) = rotating(asked, &looks, ("retiring", NEVER));
        if let Some(state) = answer.pointer_mut("/items/1/state") {
            *state = json!("retired");
        }
        (status, answer)
    });
    let ran = door.run(folder.path(), &[&TYPED[..], &["--force"]].concat(), "");
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
    for said in [
        "old is kept, since its successor is not good any more; run this with --again",
        "old is expired, and has no successor that is good",
    ] {
        assert!(ran.err.contains(said), "{said}: {}", ran.err);
    }
    assert!(!ran.err.contains("has had a successor"), "{}", ran.err);
    assert!(door.asked().iter().all(|it| !it.line.starts_with("POST ")));
}
