//! What was written is on the disk in time, whatever else takes its time.

use std::{sync::mpsc, thread};

use model::Timestamp;

use super::{super::*, Turn};

const START: Timestamp = Timestamp::from_seconds(1_795_392_000);

fn record() -> Record<'static> {
    Record::new(START, Kind::Call, Outcome::Answered)
}

/// A strict journal in memory that is signed, with its threads.
fn signed() -> (Journal, Memory) {
    let memory = Memory::default();
    let place = Place { first: 0, bytes: 0, header_bytes: 0, begun: START };
    let mut state = State::new(MEMORY.into(), Chain::begin(MEMORY), place);
    state.fresh = Some(Fresh::First);
    let rules = Rules { levels: Levels::Strict, ..Rules::default() };
    let key = SigningKey::from_seed(MEMORY, &[1; 32]).unwrap();
    let shared = Arc::new(Shared {
        key: Some(Mutex::new(Arc::new(key))),
        has_keeper: true,
        ..Shared::new(Medium::Memory(memory.clone()), (state, rules), Clock::fake(START))
    });
    let threads = Mutex::new(Some(Threads::start(&shared).unwrap()));
    (Journal { shared, threads, purging: Mutex::default() }, memory)
}

#[test]
fn records_reach_the_disk_while_a_place_hangs_that_checkpoints_go_to() {
    let (sender, receiver) = mpsc::channel();
    // A thread of its own: what hangs is to fail and not to hang the test.
    thread::spawn(move || {
        let (journal, memory) = signed();
        memory.content().holds_checkpoints = true;
        journal.append(&record()).unwrap();
        // Whoever signs holds the key until the checkpoint is kept.
        let key = journal.shared.key.as_ref().unwrap();
        while key.try_lock().is_ok() {
            thread::yield_now();
        }
        for _ in 0..10 {
            journal.append(&record()).unwrap();
        }
        let safe = (journal.safe(), journal.condition().signed);
        memory.content().holds_checkpoints = false;
        journal.end();
        sender.send((safe, journal.condition())).unwrap();
    });
    let (safe, ended) = receiver.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(safe, (12, 0));
    assert_eq!((ended.synced, ended.signed), (ended.written, ended.written));
}

#[test]
fn what_is_standard_is_on_the_disk_50_ms_after_it_was_written() {
    for disk_ms in [1, 10, 25] {
        check_bound(Duration::from_millis(disk_ms));
    }
}

#[test]
fn a_write_that_a_sync_ends_in_the_midst_of_rings_for_the_next_one() {
    let (mut journal, memory) = Journal::memory(Clock::fake(START));
    Arc::get_mut(&mut journal.shared).unwrap().has_keeper = true;
    let shared = &*journal.shared;
    journal.append(&record()).unwrap();
    memory.content().holds_writes = true;
    let is_rung = thread::scope(|scope| {
        scope.spawn(|| journal.append(&record()).unwrap());
        while !shared.lock().is_writing {
            thread::yield_now();
        }
        // What the thread does, by hand.
        let state = shared.sync(shared.lock());
        let turn = shared.turn(&state);
        // Who writes is done no sooner than this waits.
        memory.content().holds_writes = false;
        let (state, waited) = shared.work.wait_timeout(state, Duration::from_secs(30)).unwrap();
        drop(state);
        turn == Turn::Idle && !waited.timed_out()
    });
    assert!(is_rung);
    assert!(matches!(shared.turn(&shared.lock()), Turn::Sync(_)));
    // Whoever ends it syncs by itself: there is no thread.
    shared.lock().come_to(Phase::Ends);
}

/// Goes through the turns of the thread, with a record every millisecond and a disk that takes so long.
fn check_bound(disk: Duration) {
    const TICK: Duration = Duration::from_millis(1);
    let clock = Clock::fake(START);
    let (journal, _) = Journal::memory(clock.clone());
    let shared = &*journal.shared;
    let pass = |time: Duration| {
        let (until, mut written) = (clock.elapsed().saturating_add(time), Vec::new());
        while clock.elapsed() < until {
            clock.advance(TICK);
            journal.append(&record()).unwrap();
            written.push(clock.elapsed());
        }
        written
    };
    let mut waiting = pass(TICK);
    for _ in 0..100 {
        let turn = shared.turn(&shared.lock());
        let Turn::Sync(after) = turn else { panic!("{turn:?}") };
        waiting.extend(pass(after));
        drop(shared.sync(shared.lock()));
        assert_eq!(journal.safe(), journal.reached());
        // The disk has them when it is done, and what comes meanwhile waits for the next time.
        let later = pass(disk);
        let oldest = clock.elapsed().saturating_sub(waiting[0]);
        assert!(oldest <= Duration::from_millis(50), "{disk:?}: {oldest:?}");
        waiting = later;
    }
}
