//! A real server of object storage, which checks signatures.

use std::{collections::BTreeSet, time::Duration};

use audit::{Format, ship::Told};
use sinks::{Receiver, S3, TlsFiles};

use crate::ground::Ground;

fn s3(ground: &Ground, server: &testkit::S3, (keys, is_packed): (&str, bool)) -> Receiver {
    Receiver::S3(S3 {
        url: server.url(),
        bucket: testkit::S3::BUCKET.to_owned(),
        region: "eu-central-1".to_owned(),
        prefix: "siem/door=1".to_owned(),
        secret: ground.secret("s3-keys", keys),
        is_packed,
        linger: Duration::ZERO,
        tls: TlsFiles::default(),
    })
}

#[test]
fn a_bucket_holds_every_record_once_in_the_order_of_its_names_over_a_kill() {
    for is_packed in [false, true] {
        let (ground, mut server) = (Ground::new(120), testkit::S3::start());
        let mut line =
            ground.sink(Format::Native, s3(&ground, &server, (testkit::S3::KEYS, is_packed)));
        line.drain();
        server.kill();
        ground.record(70);
        assert!(!line.step(), "nobody is there");
        server.serve();
        let delivered = line.drain();
        assert_eq!(server.lines(), delivered, "packed: {is_packed}");
        assert!(matches!(&line.told[..], [Told::Failed { .. }, Told::Recovered { .. }]));
        let objects = server.objects();
        let [first, .., last] = &objects[..] else { panic!("{objects:?}") };
        let end = if is_packed { ".jsonl.gz" } else { ".jsonl" };
        let first = first.to_str().unwrap();
        let want = "siem/door=1/onedoor-test/00000000000000000000-00000000000000000049-";
        assert!(first.contains(want) && first.ends_with(end), "{first}");
        let count = delivered.len().saturating_sub(1);
        assert!(last.to_str().unwrap().contains(&format!("-{count:020}-")), "{last:?}");
    }
}

#[test]
fn what_comes_again_has_the_same_name() {
    let (server, ground) = (testkit::S3::start(), Ground::new(120));
    let (mut names, mut delivered) = (BTreeSet::new(), Vec::new());
    for _ in 0..2 {
        let receiver = s3(&ground, &server, (testkit::S3::KEYS, true));
        delivered = ground.sink(Format::Ocsf, receiver).drain();
        // Of a door that died before it kept how far it was.
        std::fs::remove_dir_all(ground.path().join("sinks")).unwrap();
        names.insert(server.objects());
    }
    assert_eq!(names.len(), 1, "{names:?}");
    assert_eq!(server.lines().len(), delivered.len());
}

#[test]
fn an_object_that_is_there_is_not_written_again() {
    let (server, ground) = (testkit::S3::start(), Ground::new(120));
    let deliver = || {
        let receiver = s3(&ground, &server, (testkit::S3::KEYS, false));
        ground.sink(Format::Native, receiver).drain();
    };
    deliver();
    let objects = server.objects();
    for object in &objects {
        std::fs::write(object, "kept\n").unwrap();
    }
    // Of a door that died before it kept how far it was.
    std::fs::remove_dir_all(ground.path().join("sinks")).unwrap();
    deliver();
    assert_eq!(server.lines(), vec!["kept"; objects.len()]);
}

#[test]
fn a_log_in_place_of_another_replaces_none_of_its_objects() {
    let (server, mut recorded) = (testkit::S3::start(), BTreeSet::new());
    for _ in 0..2 {
        // Both have the same name and as many records.
        let ground = Ground::new(120);
        let receiver = s3(&ground, &server, (testkit::S3::KEYS, true));
        recorded.extend(ground.sink(Format::Native, receiver).drain());
    }
    let kept: BTreeSet<_> = server.lines().into_iter().collect();
    assert!(kept.len() >= 240 && kept == recorded, "{} of {}", kept.len(), recorded.len());
}

#[test]
fn a_wrong_key_is_told_by_its_code_and_shown_nowhere() {
    let (ground, server) = (Ground::new(3), testkit::S3::start());
    for (keys, want) in [
        ("AKIDTESTKEY:wrong", "status 403: SignatureDoesNotMatch"),
        ("AKIDOTHER:canary-8c1f", "status 403: NotSignedUp"),
        ("canary-8c1f", "is not ACCESS_KEY_ID:SECRET_ACCESS_KEY"),
    ] {
        let mut line = ground.sink(Format::Native, s3(&ground, &server, (keys, false)));
        assert!(!line.step());
        assert!(line.failure().contains(want), "{}", line.failure());
        for secret in ["AKID", "canary", "wrong", "127.0.0.1"] {
            let shown = line.failure().replace("ACCESS_KEY_ID", "");
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    assert!(server.objects().is_empty());
}
