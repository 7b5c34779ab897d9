//! The disk hangs: who waits is refused after its time, who comes is refused at once, and all goes on when it
//! is back.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use super::*;
use crate::journal::{hang::Seen, state::Attempt};

/// The disk's time, in two parts.
const TIME: Duration = Duration::from_secs(5);
const ALMOST: Duration = Duration::from_millis(4_999);
const REST: Duration = Duration::from_millis(1);

/// A log in memory, with the thread that syncs.
fn kept(clock: &Clock) -> (Journal, Memory) {
    let (mut journal, memory) = Journal::memory(clock.clone());
    Arc::get_mut(&mut journal.shared).unwrap().has_keeper = true;
    let shared = Arc::clone(&journal.shared);
    // It ends when the log does.
    thread::spawn(move || keeper::keep(&shared));
    (journal, memory)
}

fn wait_until(journal: &Journal, is_so: impl Fn(&State) -> bool) {
    while !is_so(&journal.shared.lock()) {
        thread::yield_now();
    }
}

/// What failed is tried again by the thread that syncs.
fn wait_until_it_is_admitted(journal: &Journal) {
    while journal.admit().is_err() {
        thread::yield_now();
    }
}

/// Lets `time` pass, with a look four times a second.
fn pass(time: Duration, (journal, clock): (&Journal, &Clock), seen: &mut Seen) {
    let until = clock.elapsed().saturating_add(time);
    journal.shared.look_at_disk(seen);
    while clock.elapsed() < until {
        let left = until.saturating_sub(clock.elapsed());
        clock.advance(left.min(Duration::from_millis(250)));
        journal.shared.look_at_disk(seen);
    }
}

/// Whether what a try says is written, and not on the disk yet.
fn is_on_its_way(state: &State) -> bool {
    state.is_writing && state.errands.under_way().is_some()
}

fn is_idle(state: &State) -> bool {
    !state.is_dirty() && state.errands.under_way().is_none()
}

#[test]
fn who_waits_for_a_sync_that_hangs_is_refused_in_time_and_all_goes_on_when_it_returns() {
    let (clock, operation, mut seen) = (clock(), destructive(), Seen::default());
    let (journal, memory) = kept(&clock);
    let [a, b, d] = ["a", "b", "d"].map(|it| Record { operation: Some(&operation), ..record(it) });
    journal.append(&a).unwrap();
    journal.append(&begun(1)).unwrap();
    wait_until(&journal, is_idle);
    memory.content().hangs = true;
    let mut stored = pin!(journal.store(&b));
    let mut context = Context::from_waker(Waker::noop());
    assert!(stored.as_mut().poll(&mut context).is_pending());
    wait_until(&journal, |it| it.errands.under_way().is_some());
    pass(ALMOST, (&journal, &clock), &mut seen);
    assert!(stored.as_mut().poll(&mut context).is_pending() && journal.admit().is_ok());

    pass(REST, (&journal, &clock), &mut seen);
    assert_eq!(journal.shared.lock().wakers.len(), 0, "who waits is woken");
    let refused = stored.as_mut().poll(&mut context);
    assert!(matches!(refused, Poll::Ready(Err(Error::Write { .. }))), "{refused:?}");
    clock.advance(RETRY);
    for told in [journal.append(&record("c")), journal.append(&ended(1)), journal.check()] {
        let told = told.unwrap_err().to_string();
        assert!(told.ends_with("the disk has not answered for 5 s"), "{told}");
    }
    assert!(journal.condition().is_closed);

    memory.content().hangs = false;
    wait_until(&journal, |it| it.errands.under_way().is_none());
    journal.shared.look_at_disk(&mut seen);
    journal.append(&d).unwrap();
    assert!(!journal.condition().is_closed);
    assert_eq!(events(&memory), ["audit.segment", "audit.resumed"]);
    let note = "2 records could not be written since 2026-11-23T00:00:05.000000Z, as the disk hung";
    assert!(memory.text().contains(note), "{}", memory.text());
    let told: Vec<_> = memory.records().iter().map(|it| it["outcome"].clone()).collect();
    assert_eq!(told, ["answered", "answered", "unknown", "answered"], "b stays as it was written");
    check(&memory);
}

#[test]
fn a_write_that_hangs_holds_the_thread_that_writes_and_no_other() {
    let (clock, mut seen) = (clock(), Seen::default());
    let (journal, memory) = Journal::memory(clock.clone());
    journal.append(&record("a")).unwrap();
    let append = |tool: &str| journal.append(&record(tool));
    let (written, refused) = thread::scope(|scope| {
        let held = memory.content();
        let writes = scope.spawn(|| append("b"));
        wait_until(&journal, |it| it.is_writing);
        let waits = scope.spawn(|| append("c"));
        wait_until(&journal, |it| it.sleepers == 1);
        pass(TIME, (&journal, &clock), &mut seen);
        let refused = waits.join().unwrap();
        assert!(matches!(journal.admit(), Err(Error::Closed { .. })));
        drop(held);
        (writes.join().unwrap(), refused)
    });
    assert!(written.is_ok() && matches!(refused, Err(Error::Write { .. })), "{refused:?}");
    assert!(journal.admit().is_err(), "nobody has seen yet that it is back");
    journal.shared.look_at_disk(&mut seen);
    clock.advance(RETRY);
    journal.append(&record("d")).unwrap();
    assert_eq!(tools(&memory), ["a", "b", "c", "d"], "what was entered is written in its place");
    assert_eq!(events(&memory), ["audit.segment", "audit.resumed"]);
    check(&memory);
}

#[test]
fn a_sync_that_fails_after_it_hung_is_told_as_one_that_fails() {
    let (clock, mut seen) = (clock(), Seen::default());
    let (journal, memory) = kept(&clock);
    journal.append(&record("a")).unwrap();
    wait_until(&journal, is_idle);
    memory.content().hangs = true;
    journal.append(&record("b")).unwrap();
    wait_until(&journal, |it| it.errands.under_way().is_some());
    pass(TIME, (&journal, &clock), &mut seen);
    assert!(journal.append(&record("turned away")).is_err());
    clock.advance(TIME);
    memory.fail_syncs();
    memory.content().hangs = false;
    wait_until(&journal, |it| it.has_failed());
    journal.shared.look_at_disk(&mut seen);
    memory.mend();
    clock.advance(RETRY);
    wait_until_it_is_admitted(&journal);
    journal.append(&record("c")).unwrap();
    assert_eq!(journal.condition().poisoned, 1);
    assert_eq!(events(&memory), ["audit.segment", "audit.segment", "audit.resumed"]);
    assert!(memory.text().contains("\"unsynced_from\":2"), "{}", memory.text());
    let note = "1 records could not be written since 2026-11-23T00:00:05.000000Z\"";
    assert!(memory.text().contains(note), "{}", memory.text());
    check(&memory);
}

#[test]
fn a_disk_that_hangs_as_a_log_that_failed_is_tried_again_holds_up_nobody() {
    let (clock, mut seen) = (clock(), Seen::default());
    let (journal, memory) = kept(&clock);
    journal.append(&record("a")).unwrap();
    wait_until(&journal, is_idle);
    memory.fill_after(10);
    assert!(matches!(journal.append(&record("b")), Err(Error::Write { .. })));
    memory.mend();
    memory.content().holds_writes = true;
    clock.advance(RETRY);
    wait_until(&journal, |it| it.errands.under_way().is_some());
    // A place in the log that waited for the disk would be given when that is back.
    assert!(matches!(journal.append(&record("c")), Err(Error::Closed { .. })));
    assert!(journal.admit().is_err() && journal.condition().is_closed);
    pass(TIME, (&journal, &clock), &mut seen);
    let told = journal.check().unwrap_err().to_string();
    assert!(told.ends_with("the disk has not answered for 5 s"), "{told}");

    memory.content().holds_writes = false;
    wait_until_it_is_admitted(&journal);
    assert!(!journal.condition().is_closed);
    journal.append(&record("d")).unwrap();
    assert_eq!(tools(&memory), ["a", "d"]);
    assert_eq!(events(&memory), ["audit.segment", "audit.resumed"]);
    let note = "2 records could not be written since 2026-11-23T00:00:00.000000Z\"";
    assert!(memory.text().contains(note), "{}", memory.text());
    check(&memory);
}

#[test]
fn a_log_that_failed_goes_on_by_itself() {
    let clock = clock();
    let (journal, memory) = kept(&clock);
    journal.append(&record("a")).unwrap();
    wait_until(&journal, is_idle);
    memory.fail_syncs();
    journal.append(&record("b")).unwrap();
    wait_until(&journal, State::has_failed);
    memory.mend();
    clock.advance(keeper::LOOK_AFTER);
    wait_until(&journal, |it| it.closed.is_none());
    assert_eq!(events(&memory), ["audit.segment", "audit.segment", "audit.resumed"]);
    check(&memory);
}

#[test]
fn who_is_turned_away_while_it_is_said_that_the_log_goes_on_is_told_behind_that() {
    let clock = clock();
    let (journal, memory) = kept(&clock);
    journal.append(&begun(1)).unwrap();
    wait_until(&journal, is_idle);
    memory.fill_after(0);
    assert!(journal.append(&record("a")).is_err());
    memory.mend();
    memory.content().hangs = true;
    clock.advance(RETRY);
    assert!(journal.admit().is_err());
    wait_until(&journal, is_on_its_way);
    assert!(matches!(journal.append(&ended(1)), Err(Error::Closed { .. })));
    memory.content().hangs = false;
    wait_until_it_is_admitted(&journal);
    journal.append(&record("b")).unwrap();
    assert_eq!(events(&memory), ["audit.segment", "audit.resumed", "audit.resumed"]);
    let text = memory.text();
    assert_eq!(text.matches("1 records could not be written since").count(), 2, "{text}");
    assert_eq!(ends(&memory), [(1, "unknown".to_owned())]);
    check(&memory);
}

#[test]
fn what_was_to_be_told_of_who_was_turned_away_and_was_not_written_is_told_later() {
    let clock = clock();
    let (journal, memory) = kept(&clock);
    journal.append(&record("a")).unwrap();
    wait_until(&journal, is_idle);
    memory.fill_after(0);
    assert!(journal.append(&record("b")).is_err());
    memory.mend();
    memory.content().hangs = true;
    clock.advance(RETRY);
    wait_until(&journal, is_on_its_way);
    assert!(matches!(journal.append(&record("c")), Err(Error::Closed { .. })));
    memory.content().hangs = false;
    wait_until_it_is_admitted(&journal);
    // What tells of c waits for this one.
    memory.fill_after(0);
    assert!(matches!(journal.append(&record("d")), Err(Error::Write { .. })));
    memory.mend();
    clock.advance(RETRY);
    wait_until_it_is_admitted(&journal);
    assert_eq!(events(&memory), ["audit.segment", "audit.resumed", "audit.resumed"]);
    let note = "3 records could not be written since 2026-11-23T00:00:00.500000Z";
    assert!(memory.text().contains(note), "with what would have told it: {}", memory.text());
    check(&memory);
}

#[test]
fn that_there_is_no_room_is_said_by_no_thread_that_serves_calls() {
    let clock = clock();
    let (journal, memory) = kept(&clock);
    journal.append(&record("a")).unwrap();
    wait_until(&journal, is_idle);
    memory.refuse_segments_after(1);
    memory.content().holds_writes = true;
    // It is to begin another segment.
    let time = START.plus(Duration::from_secs(48 * 3600));
    let late = Record { time, ..record("b") };
    assert!(matches!(journal.append(&late), Err(Error::Write { .. })));
    wait_until(&journal, |it| it.errands.under_way().is_some());
    assert!(journal.admit().is_err());
    memory.content().holds_writes = false;
    wait_until(&journal, |it| it.closed.as_ref().is_some_and(|it| it.attempt != Attempt::UnderWay));
    assert_eq!(events(&memory), ["audit.segment", "audit.full"]);
    memory.mend();
    clock.advance(RETRY);
    wait_until_it_is_admitted(&journal);
    assert_eq!(events(&memory)[2..], ["audit.segment", "audit.resumed"]);
    check(&memory);
}

#[test]
fn a_process_that_was_stopped_does_not_take_the_disk_for_one_that_hangs() {
    let (clock, mut seen) = (clock(), Seen::default());
    let (journal, memory) = kept(&clock);
    memory.content().hangs = true;
    journal.append(&record("a")).unwrap();
    wait_until(&journal, |it| it.errands.under_way().is_some());
    pass(Duration::from_secs(1), (&journal, &clock), &mut seen);
    clock.advance(Duration::from_secs(3600));
    assert!(!journal.shared.look_at_disk(&mut seen) && journal.admit().is_ok());
    pass(TIME, (&journal, &clock), &mut seen);
    assert!(journal.admit().is_err(), "and it is seen to hang all the same");
    memory.content().hangs = false;
}

/// A log in memory, with all its threads.
fn watched(clock: &Clock) -> (Journal, Memory) {
    let (mut journal, memory) = Journal::memory(clock.clone());
    Arc::get_mut(&mut journal.shared).unwrap().has_keeper = true;
    journal.threads = Mutex::new(Some(Threads::start(&journal.shared).unwrap()));
    (journal, memory)
}

/// Lets time pass until calls are admitted, or until they are not.
fn pass_until_it_is_admitted(is_admitted: bool, journal: &Journal, clock: &Clock) {
    while journal.admit().is_ok() != is_admitted {
        clock.advance(Duration::from_secs(1));
        thread::park_timeout(Duration::from_millis(10));
    }
}

#[test]
fn a_thread_looks_whether_the_disk_hangs_and_whether_it_is_back() {
    let clock = clock();
    let (journal, memory) = watched(&clock);
    memory.content().hangs = true;
    journal.append(&record("a")).unwrap();
    pass_until_it_is_admitted(false, &journal, &clock);
    memory.content().hangs = false;
    pass_until_it_is_admitted(true, &journal, &clock);
    journal.append(&record("b")).unwrap();
    assert_eq!(tools(&memory), ["a", "b"]);
}

#[test]
fn a_log_that_ends_while_a_sync_hangs_says_so_when_the_disk_is_back_and_goes_on() {
    let clock = clock();
    let (journal, memory) = watched(&clock);
    memory.content().hangs = true;
    journal.append(&record("a")).unwrap();
    pass_until_it_is_admitted(false, &journal, &clock);
    thread::scope(|scope| {
        scope.spawn(|| journal.end());
        wait_until(&journal, State::is_ending);
        memory.content().hangs = false;
    });
    assert_eq!(events(&memory), ["audit.segment", "audit.resumed", "audit.closed"]);
    journal.append(&record("b")).unwrap();
    journal.end();
    assert_eq!(events(&memory)[2..], ["audit.closed", "audit.closed"]);
    assert_eq!(tools(&memory), ["a", "b"]);
    assert_eq!(journal.safe(), check(&memory));
}

#[test]
fn what_waits_behind_a_write_that_hangs_is_written_though_the_log_ends() {
    let clock = clock();
    let (journal, memory) = watched(&clock);
    journal.append(&record("a")).unwrap();
    wait_until(&journal, is_idle);
    memory.content().holds_writes = true;
    let append = |tool: &str| journal.append(&record(tool));
    let (written, refused) = thread::scope(|scope| {
        let writes = scope.spawn(|| append("b"));
        wait_until(&journal, |it| it.is_writing);
        let waits = scope.spawn(|| append("c"));
        wait_until(&journal, |it| it.sleepers == 1);
        pass_until_it_is_admitted(false, &journal, &clock);
        let refused = waits.join().unwrap();
        scope.spawn(|| journal.end());
        wait_until(&journal, State::is_ending);
        memory.content().holds_writes = false;
        (writes.join().unwrap(), refused)
    });
    assert!(written.is_ok() && matches!(refused, Err(Error::Write { .. })), "{refused:?}");
    assert_eq!(tools(&memory), ["a", "b", "c"]);
    assert_eq!(events(&memory), ["audit.segment", "audit.resumed", "audit.closed"]);
    check(&memory);
}
