//! The promises of a journal whose medium fails, which a disk does not on demand.

mod again;
mod hung;
mod power;

use std::thread;

use model::{CollectionId, Effect, Operation, OperationId, RequestId, Timestamp};
use uuid::Uuid;

use super::*;
use crate::{Kind, Outcome, SigningKey, segment};

const START: Timestamp = Timestamp::from_seconds(1_795_392_000);
const RETRY: Duration = Duration::from_millis(500);

fn clock() -> Clock {
    Clock::fake(START)
}

fn record(tool: &str) -> Record<'_> {
    Record { tool: Some(tool), ..Record::new(START, Kind::Call, Outcome::Answered) }
}

fn destructive() -> Operation {
    let (collection, effect) = (CollectionId::parse("orders").unwrap(), Effect::Destructive);
    let id = OperationId::new(&collection, "delete").unwrap();
    Operation { id, collection, effect, is_public: false, level: None, position: 0 }
}

fn begun(id: u128) -> Record<'static> {
    Record { id: call(id), ..Record::new(START, Kind::Intent, Outcome::Begun) }
}

fn ended(id: u128) -> Record<'static> {
    Record { id: call(id), ..Record::new(START, Kind::Call, Outcome::Answered) }
}

fn call(id: u128) -> Option<RequestId> {
    Some(RequestId::new(Uuid::from_u128(id)))
}

fn tools(memory: &Memory) -> Vec<String> {
    let tool = |it: &serde_json::Value| it["tool"].as_str().unwrap_or_default().to_owned();
    memory.records().iter().map(tool).collect()
}

/// What the log says of itself, in its order.
fn events(memory: &Memory) -> Vec<String> {
    let lines: Vec<serde_json::Value> =
        memory.text().lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let log = lines.iter().filter(|it| it["kind"] == "log");
    log.map(|it| it["event"].as_str().unwrap().to_owned()).collect()
}

/// The log must be right, whatever happened to it.
fn check(memory: &Memory) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    memory.save(folder.path()).unwrap();
    let key = SigningKey::from_seed(MEMORY, &[1; 32]).unwrap().verifying_key();
    let recovered = recover(folder.path(), &key).unwrap();
    let next = recovered.chain.next();
    let (keys, last) = (crate::Keys::read(folder.path(), &key).unwrap(), next.saturating_sub(1));
    // Nobody signs it, so it is read as a proof reads it: all of it fits together, and ends there.
    let collected = crate::verify::collect(folder.path(), &keys, (next, &[last, next])).unwrap();
    assert_eq!(collected.found.into_keys().collect::<Vec<_>>(), [last]);
    assert_eq!(recovered.tail_bytes, 0);
    next
}

/// Appends from three threads: the first is stuck in its write until the others wait behind it,
/// then `room` bytes get through.
fn append_three(room: Option<usize>) -> (Vec<Result<(), Error>>, Memory) {
    let (journal, memory) = Journal::memory(clock());
    journal.append(&record("first")).unwrap();
    let wait_until = |is_so: fn(&State) -> bool| {
        while !is_so(&journal.shared.lock()) {
            thread::yield_now();
        }
    };
    let results = thread::scope(|scope| {
        let mut held = memory.content();
        let append = || journal.append(&record("t"));
        let mut threads = vec![scope.spawn(append)];
        wait_until(|it| it.is_writing);
        threads.extend([scope.spawn(append), scope.spawn(append)]);
        wait_until(|it| it.sleepers == 2);
        held.room = room;
        drop(held);
        threads.into_iter().map(|it| it.join().unwrap()).collect()
    });
    (results, memory)
}

#[test]
fn those_who_wait_behind_a_write_are_written_by_one_of_them() {
    let (results, memory) = append_three(None);
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!((memory.records().len(), memory.content().writes), (4, 3));
    assert_eq!(check(&memory), 5);
}

#[test]
fn those_who_wait_behind_a_write_that_fails_are_told_so() {
    let (results, memory) = append_three(Some(10));
    let is_write_error = |it: &Result<(), Error>| matches!(it, Err(Error::Write { .. }));
    assert!(results.iter().all(is_write_error), "{results:?}");
    assert_eq!(tools(&memory), ["first"]);
}

#[test]
fn whoever_settles_first_writes_the_lines_of_all_who_entered() {
    let (journal, memory) = Journal::memory(clock());
    let enter = || journal.enter(&record("t")).unwrap();
    let (first, second, third) = (enter(), enter(), enter());
    assert_eq!(memory.records().len(), 0);
    second.settle().unwrap();
    first.settle().unwrap();
    drop(third);
    assert_eq!((memory.records().len(), memory.content().writes), (3, 1));
    drop(enter());
    assert_eq!(memory.records().len(), 4, "one that is given up is written all the same");
}

#[test]
fn a_full_disk_closes_the_log_and_admits_nothing_until_it_has_room_again() {
    let clock = clock();
    let (journal, memory) = Journal::memory(clock.clone());
    journal.append(&record("a")).unwrap();
    memory.fill_after(10);
    assert!(matches!(journal.append(&record("b")), Err(Error::Write { .. })));
    assert_eq!(journal.reached(), 2, "what is left of a record is none");
    assert!(matches!(journal.admit(), Err(Error::Closed { .. })));
    assert!(matches!(journal.append(&record("c")), Err(Error::Closed { .. })));
    memory.mend();
    // Not before its time: a log that fails must not be tried with every call.
    assert!(journal.admit().is_err());
    clock.advance(RETRY);
    memory.fill_after(5);
    assert!(journal.admit().is_err(), "what says that it goes on must fit too");
    memory.mend();
    clock.advance(RETRY);
    journal.admit().unwrap();
    journal.append(&record("d")).unwrap();
    assert_eq!(tools(&memory), ["a", "d"]);
    assert_eq!(events(&memory), ["audit.segment", "audit.resumed"]);
    assert!(memory.text().contains("2 records could not be written since 2026-11-23T00:00:00"));
    check(&memory);
}

#[test]
fn a_segment_that_failed_to_sync_is_never_written_again() {
    let clock = clock();
    let (journal, memory) = Journal::memory(clock.clone());
    let operation = destructive();
    let strict = Record { operation: Some(&operation), ..record("s") };
    journal.append(&strict).unwrap();
    journal.append(&record("unsynced")).unwrap();
    memory.fail_syncs();
    assert!(matches!(journal.append(&strict), Err(Error::Write { .. })));
    assert!(journal.admit().is_err());
    let broken = journal.condition();
    assert_eq!((broken.is_closed, broken.poisoned, broken.disk), (true, 1, None));
    let old = memory.text();
    memory.mend();
    clock.advance(RETRY);
    journal.append(&record("after")).unwrap();
    assert_eq!((journal.condition().is_closed, journal.condition().poisoned), (false, 1));
    let text = memory.text();
    let new: serde_json::Value =
        serde_json::from_str(text.strip_prefix(&old).unwrap().lines().next().unwrap()).unwrap();
    assert_eq!((&new["event"], &new["unsynced_from"]), (&"audit.segment".into(), &2.into()));
    assert_eq!(tools(&memory), ["s", "unsynced", "s", "after"]);
    check(&memory);
}

#[test]
fn a_segment_that_fails_to_sync_at_its_end_is_given_up_too() {
    let clock = clock();
    let rules = Rules { segment_bytes: 1500, ..Rules::default() };
    let (journal, memory) = Journal::memory_with(rules, clock.clone());
    journal.append(&record("first")).unwrap();
    memory.fail_syncs();
    let mut written = 0;
    while journal.append(&record("t")).is_ok() {
        written += 1;
    }
    assert!(written > 0 && journal.admit().is_err());
    assert_eq!(events(&memory), ["audit.segment"]);
    memory.mend();
    clock.advance(RETRY);
    journal.append(&record("u")).unwrap();
    assert_eq!(events(&memory), ["audit.segment", "audit.segment", "audit.resumed"]);
    assert!(memory.text().contains("\"unsynced_from\":0"), "nothing of it was ever synced");
    check(&memory);
}

#[test]
fn segments_follow_each_other_and_carry_the_calls_that_are_open() {
    let rules = Rules { segment_bytes: 2000, ..Rules::default() };
    let (journal, memory) = Journal::memory_with(rules, clock());
    journal.append(&begun(1)).unwrap();
    for _ in 0..20 {
        journal.append(&record("t")).unwrap();
    }
    journal.append(&begun(2)).unwrap();
    journal.append(&ended(2)).unwrap();
    assert!(events(&memory).len() > 3, "{:?}", events(&memory));
    let last = memory.text();
    let last = last.lines().rfind(|it| it.contains("audit.segment")).unwrap();
    assert!(last.contains(&format!("\"open\":[[1,\"{}\"]", Uuid::from_u128(1))), "{last}");
    let open: Vec<_> = journal.shared.lock().open.values().copied().collect();
    assert_eq!(open, [1]);
    check(&memory);
}

#[test]
fn an_outcome_that_could_not_be_written_is_told_to_be_unknown() {
    let clock = clock();
    let (journal, memory) = Journal::memory(clock.clone());
    [1, 2, 3].iter().for_each(|it| journal.append(&begun(*it)).unwrap());
    memory.fill_after(0);
    assert!(journal.append(&ended(1)).is_err());
    assert!(journal.append(&ended(2)).is_err());
    memory.mend();
    clock.advance(RETRY);
    journal.append(&ended(3)).unwrap();
    let ends: Vec<_> =
        memory.records().into_iter().map(|it| (it["id"].clone(), it["outcome"].clone())).collect();
    let end = |id, outcome: &str| (Uuid::from_u128(id).to_string().into(), outcome.into());
    assert_eq!(ends, [end(1, "unknown"), end(2, "unknown"), end(3, "answered")]);
    assert!(journal.shared.lock().open.is_empty());
    check(&memory);
}

#[test]
fn what_could_not_begin_a_segment_is_said_in_the_one_before() {
    let clock = clock();
    let rules = Rules { segment_bytes: 1500, ..Rules::default() };
    let (journal, memory) = Journal::memory_with(rules, clock.clone());
    memory.refuse_segments_after(1);
    let mut written = 0;
    while journal.append(&record("t")).is_ok() {
        written += 1;
    }
    assert_eq!(events(&memory), ["audit.segment", "audit.full"]);
    assert!(journal.admit().is_err());
    memory.mend();
    clock.advance(RETRY);
    journal.append(&record("u")).unwrap();
    assert_eq!(events(&memory), ["audit.segment", "audit.full", "audit.segment", "audit.resumed"]);
    assert_eq!(tools(&memory).len(), written + 1);
    assert_eq!(segments(&memory), 2);
    check(&memory);
}

fn segments(memory: &Memory) -> usize {
    let folder = tempfile::tempdir().unwrap();
    memory.save(folder.path()).unwrap();
    segment::list(folder.path()).unwrap().len()
}

#[test]
fn every_line_that_was_told_to_be_there_is_there_when_the_disk_fills_up_in_a_rush() {
    for room in [0, 1, 100, 1_000, 5_000, 40_000] {
        let rules = Rules { segment_bytes: 10_000, ..Rules::default() };
        let (journal, memory) = Journal::memory_with(rules, clock());
        memory.fill_after(room);
        let append = |thread: usize| {
            let names = (0..50).map(move |it| format!("{thread}-{it}"));
            names.filter(|it| journal.append(&record(it)).is_ok()).collect::<Vec<_>>()
        };
        let told: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|it| scope.spawn(move || append(it))).collect();
            threads.into_iter().flat_map(|it| it.join().unwrap()).collect()
        });
        let found = tools(&memory);
        for name in &told {
            assert!(found.contains(name), "{room}: {name} was told to be written");
        }
        assert_eq!(journal.admit().is_err(), told.len() < 400);
    }
}

#[test]
fn a_segment_that_failed_to_sync_is_not_synced_again() {
    let clock = clock();
    let rules = Rules { levels: Levels::Strict, ..Rules::default() };
    let (journal, memory) = Journal::memory_with(rules, clock.clone());
    journal.append(&record("a")).unwrap();
    memory.fail_syncs();
    assert!(journal.append(&record("b")).is_err());
    clock.advance(RETRY);
    assert!(journal.admit().is_err());
    memory.mend();
    clock.advance(RETRY);
    journal.admit().unwrap();
    assert_eq!(memory.content().resyncs, 0);
    check(&memory);
}

#[test]
fn a_sync_that_fails_after_a_write_did_is_told_too() {
    let clock = clock();
    let (journal, memory) = Journal::memory(clock.clone());
    journal.append(&record("a")).unwrap();
    memory.fill_after(10);
    assert!(journal.append(&record("b")).is_err());
    memory.fail_syncs();
    drop(journal.shared.sync(journal.shared.lock()));
    memory.mend();
    clock.advance(RETRY);
    journal.append(&record("c")).unwrap();
    assert!(memory.text().contains("\"unsynced_from\":0"), "{}", memory.text());
    check(&memory);
}

#[test]
fn a_sync_that_fails_behind_what_says_that_it_is_full_is_told_too() {
    let clock = clock();
    let rules = Rules { segment_bytes: 1500, ..Rules::default() };
    let (journal, memory) = Journal::memory_with(rules, clock.clone());
    journal.append(&record("a")).unwrap();
    memory.refuse_segments_after(1);
    memory.fail_syncs_after(1);
    while journal.append(&record("t")).is_ok() {}
    assert_eq!(events(&memory), ["audit.segment", "audit.full"]);
    memory.mend();
    clock.advance(RETRY);
    journal.append(&record("u")).unwrap();
    assert!(memory.text().contains("\"unsynced_from\":0"), "{}", memory.text());
    check(&memory);
}

/// The calls that have an end in the log, in its order.
fn ends(memory: &Memory) -> Vec<(u128, String)> {
    let records = memory.records().into_iter().filter(|it| it["id"].is_string());
    let end = |it: serde_json::Value| {
        let id = Uuid::parse_str(it["id"].as_str().unwrap()).unwrap().as_u128();
        (id, it["outcome"].as_str().unwrap().to_owned())
    };
    records.map(end).collect()
}

#[test]
fn what_was_written_of_a_batch_that_failed_is_not_taken_back() {
    let clock = clock();
    let rules = Rules { segment_bytes: 2500, ..Rules::default() };
    let (journal, memory) = Journal::memory_with(rules, clock.clone());
    journal.append(&begun(1)).unwrap();
    memory.refuse_segments_after(1);
    let read = Operation { effect: Effect::Read, ..destructive() };
    let second = Record { operation: Some(&read), ..begun(2) };
    let mut entries = vec![journal.enter(&ended(1)).unwrap(), journal.enter(&second).unwrap()];
    entries.extend((0..10).map(|_| journal.enter(&record("t")).unwrap()));
    entries.push(journal.enter(&ended(2)).unwrap());
    let told: Vec<_> = entries.into_iter().map(|it| it.settle().is_ok()).collect();
    assert!(told[0] && told[1] && !told[12], "{told:?}");
    memory.mend();
    clock.advance(RETRY);
    journal.admit().unwrap();
    assert_eq!(ends(&memory), [(1, "answered".to_owned()), (2, "unknown".to_owned())]);
    let lost = told.iter().filter(|it| !**it).count();
    let note = format!("{} records could not be written", lost + 1);
    assert!(memory.text().contains(&note), "with a header: {}", memory.text());
    check(&memory);
}

#[test]
fn a_call_is_told_to_be_unknown_once() {
    let clock = clock();
    let (journal, memory) = Journal::memory(clock.clone());
    journal.append(&begun(1)).unwrap();
    memory.fill_after(0);
    assert!(matches!(journal.append(&ended(1)), Err(Error::Write { .. })));
    assert!(matches!(journal.append(&ended(1)), Err(Error::Closed { .. })));
    memory.mend();
    clock.advance(RETRY);
    journal.admit().unwrap();
    assert_eq!(ends(&memory), [(1, "unknown".to_owned())]);
}
