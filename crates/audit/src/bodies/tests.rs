//! What is kept is read back by its record alone, and by nobody once its subject was forgotten.

mod site;

use std::{collections::BTreeMap, fs, sync::Arc, time::Duration};

use model::Clock;
use serde_json::{Value, json};

use self::site::{Number, START, Site, files, json_content, of, open, read, rule};
use super::{BodyError, Call, Content, Direction, Reference, Subject, Whose};
use crate::{Journal, Location, Memory, Purge, Rules, SigningKey, verify};

#[test]
fn a_body_is_read_back_and_nothing_of_it_is_on_the_disk_or_in_the_log() {
    let site = Site::new();
    let records: Vec<_> =
        (0..5).map(|it| site.keep(it, "ann", (&format!("secret {it}"), "secret"))).collect();
    let again = site.again();
    for (number, record) in (0..).zip(&records) {
        assert_eq!(record["event"], "bodies.kept");
        assert_eq!(record["bodies"]["request"]["bytes"], 8);
        for bodies in [&site.bodies, &again] {
            let request = read(bodies, number, record, Direction::Request).unwrap();
            assert_eq!(request, format!("secret {number}"));
            assert_eq!(read(bodies, number, record, Direction::Response).unwrap(), "secret");
        }
    }
    assert!(!site.memory.text().contains("secret") && !site.memory.text().contains("ann"));
    for file in files(site.folder.path()) {
        let bytes = fs::read(&file).unwrap();
        let has = |text: &[u8]| bytes.windows(text.len()).any(|it| it == text);
        assert!(!has(b"secret") && !has(b"ann"), "{file:?}");
    }
}

#[test]
fn who_forgets_a_subject_destroys_its_bodies_and_no_others_and_no_record_changes() {
    let site = Site::new();
    let (of_ann, of_bob) = (site.keep(1, "ann", ("a", "A")), site.keep(2, "bob", ("b", "B")));
    let before = site.memory.text();
    // Of another kind, somebody of the same name is somebody else.
    assert!(!site.bodies.forget(Subject::new(Subject::PROFILE, "ann")).unwrap());
    site.read(1, &of_ann, Direction::Request).unwrap();
    let old = site.again();
    assert!(site.bodies.forget(of("ann")).unwrap());
    assert!(!site.bodies.forget(of("ann")).unwrap());
    assert_eq!(site.memory.text(), before);
    site.clock.advance(Duration::from_secs(1));
    let later = site.keep(3, "ann", ("again", ""));
    for bodies in [&site.bodies, &old, &site.again()] {
        for direction in Direction::ALL {
            let gone = read(bodies, 1, &of_ann, direction);
            assert!(matches!(gone, Err(BodyError::Destroyed)), "{gone:?}");
        }
        assert_eq!(read(bodies, 2, &of_bob, Direction::Request).unwrap(), "b");
        assert_eq!(read(bodies, 3, &later, Direction::Request).unwrap(), "again");
    }
}

#[test]
fn what_was_under_way_when_its_subject_was_forgotten_is_not_kept() {
    let site = Site::new();
    let capture = site.bodies.capture(site.call(1, Whose::Known(of("ann"))));
    let mut part = capture.part(Direction::Request, json_content()).unwrap();
    part.pass(b"{}");
    site.bodies.forget(of("ann")).unwrap();
    drop((part, capture));
    let record = site.record(1);
    assert_eq!(record["event"], "bodies.lost");
    let why = record["bodies"]["request"]["lost"].as_str().unwrap();
    assert!(why.contains("forgotten"), "{why}");
    assert!(files(&site.folder.path().join("keys")).iter().all(|it| {
        let name = it.file_name().unwrap();
        name == "names" || name == "lock"
    }));
}

#[test]
fn what_is_too_long_breaks_off_or_is_of_another_type_says_so() {
    let site = Site::new();
    let kept = |number, part: fn(&super::Capture)| {
        let capture = site.bodies.capture(site.call(number, Whose::Known(of("ann"))));
        part(&capture);
        drop(capture);
        site.record(number)
    };
    let long = kept(1, |it| {
        let mut part = it.part(Direction::Response, json_content()).unwrap();
        (0..10).for_each(|_| part.pass(b"12345"));
        part.end();
    });
    let answer = &long["bodies"]["response"];
    assert_eq!((&answer["bytes"], &answer["passed"]), (&json!(16), &json!(50)));
    assert_eq!(site.read(1, &long, Direction::Response).unwrap(), "1234512345123451");
    assert_eq!(long["bodies"]["request"], json!({"passed": 0}));
    let nothing = site.read(1, &long, Direction::Request);
    assert!(matches!(nothing, Err(BodyError::NotKept(_))), "{nothing:?}");

    let broken = kept(2, |it| it.part(Direction::Response, json_content()).unwrap().pass(b"{"));
    assert_eq!(broken["bodies"]["response"]["ended"], json!(false));
    let picture = kept(3, |it| {
        let media_type = Some("image/png".into());
        let content = Content { media_type, encoding: None };
        it.part(Direction::Response, content).unwrap().pass(b"PNG");
    });
    let why = picture["bodies"]["response"]["lost"].as_str().unwrap();
    assert!(why.contains("type"), "{why}");
    assert_eq!(picture["bodies"]["response"]["passed"], 3);
}

#[test]
fn whose_an_answer_is_may_stand_in_a_request_that_is_not_kept_itself() {
    let site = Site::new();
    let keep = |number, request: &str| {
        let whose = Whose::InRequest(Box::new(|body| {
            Ok(Subject::new("customer", std::str::from_utf8(body).unwrap()))
        }));
        let mut call = site.call(number, whose);
        call.rule = Arc::new(rule(false, true, 16));
        let capture = site.bodies.capture(call);
        let part = capture.part(Direction::Request, Content::default());
        let mut part = part.unwrap();
        part.pass(request.as_bytes());
        part.end();
        drop(part);
        capture.part(Direction::Response, json_content()).unwrap().pass(b"{}");
        drop(capture);
        site.record(number)
    };
    let record = keep(1, "42");
    let shown = record["bodies"]["subject"].as_str().unwrap();
    assert!(shown.starts_with("customer hmac:"), "{shown}");
    assert_eq!(record["bodies"]["request"], Value::Null);
    site.read(1, &record, Direction::Response).unwrap();
    assert!(site.bodies.forget(Subject::new("customer", "42")).unwrap());
    let gone = site.read(1, &record, Direction::Response);
    assert!(matches!(gone, Err(BodyError::Destroyed)), "{gone:?}");
    // What was cut off cannot say whose it is: it is not kept as somebody else's.
    let record = keep(2, "longer than all that is kept");
    let why = record["bodies"]["response"]["lost"].as_str().unwrap();
    assert!(why.contains("cannot be told"), "{why}");
}

#[test]
fn what_was_changed_or_belongs_to_another_record_does_not_open() {
    let site = Site::new();
    let (one, two) = (site.keep(1, "ann", ("one", "")), site.keep(2, "ann", ("two", "")));
    let moved = site.read(2, &one, Direction::Request);
    assert!(matches!(moved, Err(BodyError::Tampered)), "{moved:?}");
    let path = site.folder.path().join("audit/bodies/00000000000000000000.sealed");
    let good = fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(7) {
        let mut bad = good.clone();
        *bad.get_mut(at).unwrap() ^= 1;
        fs::write(&path, &bad).unwrap();
        let read = [site.read(1, &one, Direction::Request), site.read(2, &two, Direction::Request)];
        assert_eq!(read.iter().filter(|it| it.is_err()).count(), 1, "byte {at}");
    }
    fs::remove_file(&path).unwrap();
    let missing = site.read(1, &one, Direction::Request);
    assert!(matches!(missing, Err(BodyError::Missing)), "{missing:?}");
}

#[test]
fn what_cannot_be_written_is_told_and_tried_again() {
    let site = Site::new();
    site.bodies.admit().unwrap();
    // A file is in the way of the folder.
    let folder = site.folder.path().join("audit");
    fs::write(&folder, "").unwrap();
    let record = site.keep(1, "ann", ("a", "b"));
    assert_eq!(record["event"], "bodies.lost");
    assert!(site.bodies.admit().unwrap_err().contains("cannot be kept"));
    site.bodies.rewrap().unwrap();
    assert!(site.bodies.admit().is_err(), "it was tried, in vain");
    site.bodies.rewrap().unwrap();
    fs::remove_file(&folder).unwrap();
    site.bodies.admit().unwrap_err();
    site.bodies.rewrap().unwrap();
    site.bodies.admit().unwrap();
    assert_eq!(site.keep(2, "ann", ("a", "b"))["event"], "bodies.kept");
}

#[test]
fn streams_that_drip_leave_their_room_to_others() {
    const BYTES: usize = 1 << 20;
    let site = Site::new();
    let begin = |number, whose| {
        let rule = Arc::new(rule(false, true, BYTES));
        let capture = site.bodies.capture(Call { rule, ..site.call(number, whose) });
        let mut part = capture.part(Direction::Response, json_content()).unwrap();
        part.pass(&vec![b'x'; BYTES]);
        part
    };
    // Nobody's, so that the test does not have to seal all of that.
    let nobody = || Whose::InRequest(Box::new(|_| Err("it is nobody's".to_owned())));
    let mut slow = vec![begin(0, Whose::Known(of("ann")))];
    slow.extend((1..64).map(|it| begin(it, nobody())));
    let crowded_out = begin(100, nobody());
    assert!(site.bodies.admit().is_err(), "nobody is slow yet");
    site.clock.advance(Duration::from_secs(3));
    let fast = begin(101, Whose::Known(of("ann")));
    site.bodies.admit().unwrap();
    for part in &mut slow {
        part.pass(b"x");
        part.end();
    }
    drop((slow, crowded_out, fast));
    let (slow, fast) = (site.record(0), site.record(101));
    let why = slow["bodies"]["response"]["lost"].as_str().unwrap();
    assert!(slow["event"] == "bodies.lost" && why.contains("room"), "{slow}");
    assert_eq!(slow["bodies"]["response"]["passed"], BYTES + 1);
    assert_eq!(
        (&fast["event"], &fast["bodies"]["response"]["bytes"]),
        (&json!("bodies.kept"), &json!(BYTES))
    );
}

#[test]
fn keys_come_under_what_seals_them_now_and_open_as_before() {
    let site = Site::new();
    let record = site.keep(1, "ann", ("a", ""));
    *site.wrap.0.lock().unwrap() = 9;
    let under = |key: &str| BTreeMap::from([(key.to_owned(), 2)]);
    assert_eq!(site.bodies.under_keys().unwrap(), under("0"), "they depend on it still");
    // The key, and what names are made with.
    assert_eq!((site.bodies.rewrap().unwrap(), site.bodies.rewrap().unwrap()), (2, 0));
    assert_eq!(site.bodies.under_keys().unwrap(), under("9"));
    assert_eq!(site.read(1, &record, Direction::Request).unwrap(), "a");
    assert_eq!(read(&site.again(), 1, &record, Direction::Request).unwrap(), "a");
    assert!(site.again().forget(of("ann")).unwrap());
}

#[test]
fn what_a_crash_left_of_a_destroyed_key_is_removed_at_the_next_start() {
    let site = Site::new();
    let record = site.keep(1, "ann", ("a", ""));
    let keys = site.folder.path().join("keys");
    let key = files(&keys).into_iter().find(|it| it.file_name().unwrap().len() == 32).unwrap();
    fs::rename(&key, key.with_extension("gone")).unwrap();
    let again = site.again();
    assert!(files(&keys).iter().all(|it| it.extension().is_none()));
    let gone = read(&again, 1, &record, Direction::Request);
    assert!(matches!(gone, Err(BodyError::Destroyed)), "{gone:?}");
}

#[test]
fn a_copy_that_a_crash_left_of_a_key_is_destroyed_with_it() {
    let site = Site::new();
    let record = site.keep(1, "ann", ("a", ""));
    let keys = site.folder.path().join("keys");
    let key = files(&keys).into_iter().find(|it| it.file_name().unwrap().len() == 32).unwrap();
    let draft = key.with_extension("draft");
    fs::copy(&key, &draft).unwrap();
    assert!(site.bodies.forget(of("ann")).unwrap());
    assert!(!draft.exists() && !key.exists());
    // What was left before a start goes with the start.
    fs::write(&draft, "x").unwrap();
    let again = site.again();
    assert!(!draft.exists());
    let gone = read(&again, 1, &record, Direction::Request);
    assert!(matches!(gone, Err(BodyError::Destroyed)), "{gone:?}");
}

#[test]
fn bodies_go_with_their_segment_and_the_log_is_checked_as_before() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::fake(START));
    let location = Location { folder: folder.path().join("audit"), ..Location::default() };
    let key = || SigningKey::from_seed("onedoor-test", &[1; 32]).unwrap();
    let journal = || {
        let rules = Rules { segment_bytes: 3000, ..Rules::default() };
        Arc::new(Journal::open(&location, (key(), rules), clock.clone()).unwrap())
    };
    let (log, memory) = (journal(), Memory::default());
    let bodies = open(folder.path(), &log, &Number::default(), &clock);
    let site = Site { folder, clock: clock.clone(), memory, log, bodies, wrap: Number::default() };
    for number in 0..20 {
        let capture = site.bodies.capture(site.call(number, Whose::Known(of("ann"))));
        capture.part(Direction::Request, json_content()).unwrap().pass(b"{}");
        drop(capture);
        site.bodies.rewrap().unwrap();
    }
    let Site { folder, log, bodies, .. } = site;
    let sealed = || files(&folder.path().join("audit/bodies")).len();
    let segments = log.closed().unwrap();
    assert!(segments.len() > 2 && sealed() > 2, "{segments:?}");
    drop((bodies, log));
    let log = journal();
    let before = segments.get(1).unwrap().records.end;
    log.purge(Purge { before, why: "old" }).unwrap();
    let first = files(&folder.path().join("audit/bodies")).into_iter().min().unwrap();
    let first: u64 = first.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    assert!(first >= before, "{first} {before}");
    let checked = verify(&location.folder, &key().verifying_key(), None).unwrap();
    assert!(checked.damage.is_none() && checked.first == before, "{checked:?}");
}

#[test]
fn what_is_no_reference_is_refused() {
    let digest = "a".repeat(64);
    for text in [
        String::new(),
        format!("x-0-1-{digest}"),
        format!("0-0-1-{digest}-"),
        format!("0-0-99999999999-{digest}"),
        format!("0--1-{digest}"),
        format!("../../../-0-1-{digest}"),
        "0-0-1-abc".to_owned(),
    ] {
        assert!(Reference::parse(&text).is_err(), "{text}");
    }
    let good = format!("7-0-1-{digest}");
    assert_eq!(Reference::parse(&good).unwrap().to_string(), good);
}
