//! Calls that were begun are read back from some place in the log on.
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use audit::{Intent, Journal, Kind, Location, Outcome, Record, Rules, Since, WalkError};
use model::{
    Caller, ClientId, ClientKind, Clock, CollectionId, Effect, Operation, OperationId, ProfileId,
    RequestId,
};
use uuid::Uuid;

use super::disk::{self, START, key};

const MINUTE: Duration = Duration::from_secs(60);
/// How many calls are in the log, one each minute.
const CALLS: u32 = 30;

fn call(client: &str) -> (Caller, Operation) {
    let client = ClientId::parse(client).unwrap();
    let profile = ProfileId::new(&client, "default").unwrap();
    let caller = Caller { client, kind: ClientKind::App, profile, ..Caller::anonymous() };
    let collection = CollectionId::parse("orders").unwrap();
    let id = OperationId::new(&collection, "get_order").unwrap();
    let (effect, is_public, level, position) = (Effect::Read, false, None, 0);
    (caller, Operation { id, collection, effect, is_public, level, position })
}

/// A log of some segments, of which most are packed where that is asked for.
fn log(folder: &Path, is_packed: bool) {
    let clock = Clock::fake(START);
    let open = || {
        let rules = Rules { segment_bytes: 3_000, ..Rules::default() };
        let location = Location { folder: folder.to_owned(), ..Location::default() };
        Journal::open(&location, (key(), rules), clock.clone()).unwrap()
    };
    let journal = open();
    for number in 0..CALLS {
        clock.advance(MINUTE);
        let (caller, operation) = call(&format!("c{number}"));
        for (kind, outcome) in [(Kind::Intent, Outcome::Begun), (Kind::Call, Outcome::Answered)] {
            let record = Record::new(clock.now(), kind, outcome);
            let (caller, operation) = (Some(&caller), Some(&operation));
            journal.append(&Record { caller, operation, ..record }).unwrap();
        }
    }
    // Its end is signed for.
    drop(journal);
    clock.advance(MINUTE.saturating_mul(1000));
    if is_packed {
        let journal = open();
        while journal.pack(MINUTE).unwrap().is_some() {}
    }
}

fn read(folder: &Path, since: Since) -> (Vec<Intent>, Result<(), WalkError>) {
    let mut found = Vec::new();
    let read = audit::intents(folder, since, |it| found.push(it));
    (found, read)
}

/// Since this record, and since ever.
fn since(record: u64) -> Since {
    Since { record, time: START }
}

fn segments(folder: &Path) -> Vec<(u64, PathBuf)> {
    let paths = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let number = |it: &Path| it.file_name()?.to_str()?.split('.').next()?.parse::<u64>().ok();
    let mut segments: Vec<_> = paths.filter_map(|it| Some((number(&it)?, it))).collect();
    segments.sort();
    segments
}

#[test]
fn intents_tell_whose_calls_of_what_were_begun_and_when() {
    for is_packed in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        log(folder.path(), is_packed);
        let (found, read) = read(folder.path(), since(0));
        read.unwrap();
        let (caller, operation) = call("c0");
        let want = Intent {
            time: START.plus(MINUTE),
            client: caller.client,
            profile: caller.profile,
            collection: operation.collection,
            operation: operation.id,
        };
        assert_eq!(found.first(), Some(&want));
        let clients: Vec<_> = found.iter().map(|it| it.client.to_string()).collect();
        assert_eq!(clients, (0..CALLS).map(|it| format!("c{it}")).collect::<Vec<_>>());
    }
}

#[test]
fn segments_before_the_record_or_the_time_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    log(folder.path(), false);
    let segments = segments(folder.path());
    assert!(segments.len() > 4);
    let (third, _) = segments[2];
    let (all, _) = read(folder.path(), since(0));
    let (behind, _) = read(folder.path(), since(third));
    assert!(!behind.is_empty() && behind.len() < all.len() && all.ends_with(&behind));
    let from = behind[0].time;
    // Whoever reads these two finds a damage.
    for (_, path) in &segments[..2] {
        let text = fs::read_to_string(path).unwrap();
        let first = text.lines().next().unwrap();
        fs::write(path, format!("{first}\nnothing\n")).unwrap();
    }
    let (found, damage) = read(folder.path(), since(0));
    assert_eq!(found, behind, "what is behind a damage is shown");
    assert!(matches!(damage, Err(WalkError::Damaged(_))), "{damage:?}");
    for since in [since(third), Since { record: 0, time: from }] {
        let (found, read) = read(folder.path(), since);
        read.unwrap();
        assert!(!found.is_empty() && behind.ends_with(&found), "{since:?}");
    }
    let (found, read) = read(folder.path(), since(third + 1_000_000));
    assert!(found.is_empty() && read.is_ok());
}

#[test]
fn a_segment_that_does_not_begin_as_one_is_a_damage_and_an_empty_one_is_none() {
    let folder = tempfile::tempdir().unwrap();
    log(folder.path(), false);
    let segments = segments(folder.path());
    let (next, _) = segments.last().unwrap();
    fs::write(folder.path().join(format!("{:020}.jsonl", next + 1_000)), "").unwrap();
    let (all, whole) = read(folder.path(), since(0));
    whole.unwrap();
    let text = fs::read_to_string(&segments[0].1).unwrap();
    fs::write(&segments[0].1, text.replacen("audit.segment", "audit.segments", 1)).unwrap();
    let (found, damage) = read(folder.path(), since(0));
    assert!(!found.is_empty() && found.len() < all.len() && all.ends_with(&found));
    assert!(matches!(damage, Err(WalkError::Damaged(_))), "{damage:?}");
}

#[test]
fn a_clock_that_was_behind_for_one_segment_hides_none_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::fake(START.plus(MINUTE.saturating_mul(10_000)));
    let rules = Rules { segment_bytes: 3_000, ..Rules::default() };
    let location = Location { folder: folder.path().to_owned(), ..Location::default() };
    let journal = Journal::open(&location, (key(), rules), clock.clone()).unwrap();
    for number in 0..CALLS {
        if number == CALLS / 2 {
            clock.jump(START);
        }
        let (caller, operation) = call(&format!("c{number}"));
        let record = Record::new(clock.now(), Kind::Intent, Outcome::Begun);
        let (caller, operation) = (Some(&caller), Some(&operation));
        journal.append(&Record { caller, operation, ..record }).unwrap();
    }
    drop(journal);
    assert!(segments(folder.path()).len() > 4);
    let time = START.plus(MINUTE);
    let (found, whole) = read(folder.path(), Since { record: 0, time });
    whole.unwrap();
    assert_eq!(found.first().map(|it| it.client.to_string()), Some("c0".to_owned()));
}

#[test]
fn what_the_authorization_server_began_is_ended_by_its_record_or_as_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let record = |id, kind, outcome| {
        let id = RequestId::new(Uuid::from_u128(id));
        Record { id: Some(id), ..Record::new(START, kind, outcome) }
    };
    let journal = disk::open(folder.path());
    for id in [1, 2] {
        journal.append(&record(id, Kind::Intent, Outcome::Begun)).unwrap();
    }
    journal.append(&record(1, Kind::Authorization, Outcome::Answered)).unwrap();
    drop(journal);
    for _ in 0..2 {
        drop(disk::open(folder.path()));
    }
    let records = disk::records(folder.path()).into_iter();
    let unknown = records.filter(|it| it["outcome"] == "unknown");
    let ids: Vec<_> = unknown.map(|it| it["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, [Uuid::from_u128(2).to_string()], "once");
}
