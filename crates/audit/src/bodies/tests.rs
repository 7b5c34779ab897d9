//! What is kept is read back by its record alone, and by nobody once its subject's key is gone.

use std::fs;

use model::{RequestId, Timestamp};
use uuid::Uuid;

use super::{Bodies, BodyError, Reference, Subject, Which};

fn at(day: u32) -> Timestamp {
    Timestamp::parse(&format!("2026-11-{day:02}T10:00:00Z")).unwrap()
}

fn id(number: u128) -> RequestId {
    RequestId::new(Uuid::from_u128(number))
}

fn keep(bodies: &Bodies, user: &str, number: u128, body: &str) -> Reference {
    let call = (id(number), at(23));
    bodies.keep(&Subject::user(user), call, Which::Request, body.as_bytes()).unwrap()
}

#[test]
fn a_body_is_read_back_and_nothing_of_it_is_on_the_disk() {
    let root = tempfile::tempdir().unwrap();
    let bodies = Bodies::open(root.path()).unwrap();
    let kept: Vec<_> = (0..5).map(|it| keep(&bodies, "ann", it, &format!("secret {it}"))).collect();
    let call = (id(7), at(24));
    let other = bodies.keep(&Subject::profile("a/b"), call, Which::Response, b"").unwrap();
    // Also by another process, and behind what a crash left.
    drop(bodies);
    let bodies = Bodies::open(root.path()).unwrap();
    let later = keep(&bodies, "ann", 9, "secret 9");
    for (number, reference) in (0..).zip(&kept) {
        let read = bodies.read(id(number), &Reference::parse(&reference.to_string()).unwrap());
        assert_eq!(read.unwrap(), (Which::Request, format!("secret {number}").into_bytes()));
    }
    assert_eq!(bodies.read(id(7), &other).unwrap(), (Which::Response, Vec::new()));
    assert_eq!(bodies.read(id(9), &later).unwrap().1, b"secret 9");
    for file in fs::read_dir(root.path()).unwrap().flatten().filter(|it| it.path().is_file()) {
        let bytes = fs::read(file.path()).unwrap();
        assert!(!bytes.windows(6).any(|it| it == b"secret"), "{file:?}");
    }
}

#[test]
fn who_destroys_the_key_of_a_subject_destroys_its_bodies_and_no_others() {
    let root = tempfile::tempdir().unwrap();
    let bodies = Bodies::open(root.path()).unwrap();
    let (of_ann, of_bob) = (keep(&bodies, "ann", 1, "a"), keep(&bodies, "bob", 2, "b"));
    assert!(bodies.destroy(&Subject::user("ann")).unwrap());
    assert!(!bodies.destroy(&Subject::user("ann")).unwrap());
    // A profile of the same name is somebody else.
    assert!(!bodies.destroy(&Subject::profile("bob")).unwrap());
    let again = keep(&bodies, "ann", 3, "again");
    for bodies in [&bodies, &Bodies::open(root.path()).unwrap()] {
        assert!(matches!(bodies.read(id(1), &of_ann), Err(BodyError::Destroyed)));
        assert_eq!(bodies.read(id(2), &of_bob).unwrap().1, b"b");
        assert_eq!(bodies.read(id(3), &again).unwrap().1, b"again");
    }
    assert_eq!(fs::read_dir(root.path().join("keys")).unwrap().count(), 2);
}

#[test]
fn what_was_changed_or_belongs_to_another_record_does_not_open() {
    let root = tempfile::tempdir().unwrap();
    let bodies = Bodies::open(root.path()).unwrap();
    let (one, other) = (keep(&bodies, "ann", 1, "one"), keep(&bodies, "ann", 2, "two"));
    assert!(matches!(bodies.read(id(2), &one), Err(BodyError::Tampered)));
    let path = root.path().join("20261123.sealed");
    let good = fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(7) {
        let mut bad = good.clone();
        *bad.get_mut(at).unwrap() ^= 1;
        fs::write(&path, &bad).unwrap();
        let read = [bodies.read(id(1), &one), bodies.read(id(2), &other)];
        assert_eq!(read.iter().filter(|it| it.is_err()).count(), 1, "byte {at}");
    }
    fs::write(&path, good.split_last().unwrap().1).unwrap();
    assert!(matches!(bodies.read(id(2), &other), Err(BodyError::Missing)));
    fs::remove_file(&path).unwrap();
    assert!(matches!(bodies.read(id(1), &one), Err(BodyError::Missing)));
}

#[test]
fn what_is_no_reference_is_refused() {
    let digest = "a".repeat(64);
    for text in [
        String::new(),
        format!("2026112x-0-1-{digest}"),
        format!("20261123-0-1-{digest}-"),
        format!("20261123-0-99999999999-{digest}"),
        format!("20261123--1-{digest}"),
        format!("../../../-0-1-{digest}"),
        "20261123-0-1-abc".to_owned(),
    ] {
        assert!(Reference::parse(&text).is_err(), "{text}");
    }
    let good = format!("20261123-0-1-{digest}");
    assert_eq!(Reference::parse(&good).unwrap().to_string(), good);
}
