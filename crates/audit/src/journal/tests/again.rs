//! A disk that stays broken: how often it is tried again, and what that leaves behind.

use super::*;

#[test]
fn tries_that_fail_leave_one_segment_and_tell_of_no_call() {
    let clock = clock();
    let (journal, memory) = Journal::memory(clock.clone());
    let sync = || drop(journal.shared.sync(journal.shared.lock()));
    (0..20).for_each(|it| journal.append(&begun(it)).unwrap());
    sync();
    (0..20).for_each(|it| journal.append(&ended(it)).unwrap());
    memory.fail_syncs();
    sync();
    for _ in 0..30 {
        clock.advance(RETRY);
        assert!(journal.admit().is_err());
    }
    assert_eq!((segments(&memory), ends(&memory).len()), (2, 20));
    assert_eq!(journal.condition().poisoned, 1);
    memory.mend();
    clock.advance(RETRY);
    journal.admit().unwrap();
    assert_eq!(events(&memory), ["audit.segment", "audit.segment", "audit.resumed"]);
    let ends = ends(&memory);
    assert!(ends[20..].iter().all(|it| it.1 == "unknown") && ends.len() == 40, "{ends:?}");
    assert_eq!(memory.content().resyncs, 0);
    check(&memory);
}

#[test]
fn that_it_closed_is_news_once_each_time() {
    let clock = clock();
    let (journal, memory) = Journal::memory(clock.clone());
    journal.append(&record("a")).unwrap();
    assert!(!journal.take_closing());
    for _ in 0..2 {
        memory.fill_after(0);
        assert!(journal.append(&record("b")).is_err());
        assert_eq!([(); 3].map(|()| journal.take_closing()), [true, false, false]);
        // A try that fails is none.
        clock.advance(RETRY);
        assert!(journal.append(&record("c")).is_err());
        assert!(!journal.take_closing());
        memory.mend();
        clock.advance(RETRY);
        journal.append(&record("d")).unwrap();
        assert!(!journal.take_closing());
    }
}

#[test]
fn tries_come_ever_more_seldom_and_soon_where_somebody_asks() {
    let (journal, memory) = Journal::memory(clock());
    let shared = &*journal.shared;
    let next = || shared.next_try(&shared.lock()).unwrap();
    journal.append(&record("a")).unwrap();
    memory.fill_after(0);
    assert!(journal.append(&record("b")).is_err());
    assert_eq!(next(), Duration::from_millis(100));
    let pauses = [(); 7].map(|()| {
        drop(shared.try_again(shared.lock()));
        next().as_secs()
    });
    assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60]);
    assert!(journal.admit().is_err());
    assert_eq!(next(), RETRY);
}

#[test]
fn who_ends_the_log_tries_at_once_and_who_comes_behind_that_does_not() {
    let (mut journal, memory) = Journal::memory(clock());
    // It has ended already.
    Arc::get_mut(&mut journal.shared).unwrap().has_keeper = true;
    journal.append(&record("a")).unwrap();
    journal.shared.lock().come_to(Phase::Ends);
    memory.fill_after(0);
    for _ in 0..9 {
        assert!(journal.append(&record("b")).is_err());
    }
    assert_eq!(memory.content().writes, 2);
    memory.mend();
    journal.end();
    assert_eq!(events(&memory), ["audit.segment", "audit.resumed", "audit.closed"]);
    assert!(memory.text().contains("9 records could not be written"), "{}", memory.text());
    check(&memory);
}

#[test]
fn a_header_larger_than_a_segment_does_not_have_each_record_begin_one() {
    let rules = Rules { segment_bytes: 2000, ..Rules::default() };
    let (journal, memory) = Journal::memory_with(rules, clock());
    (0..100).for_each(|it| journal.append(&begun(it)).unwrap());
    (0..100).for_each(|it| journal.append(&ended(it)).unwrap());
    let begun = segments(&memory);
    assert!(begun < 60, "{begun} segments for 200 records");
    check(&memory);
}

#[test]
fn nothing_is_said_to_go_on_before_the_reserve_is_there() {
    let clock = clock();
    let (journal, memory) = Journal::memory(clock.clone());
    journal.append(&record("a")).unwrap();
    memory.fill_after(10);
    assert!(journal.append(&record("b")).is_err());
    memory.mend();
    memory.content().refuses_reserve = true;
    for _ in 0..3 {
        clock.advance(RETRY);
        assert!(journal.admit().is_err());
    }
    assert_eq!(events(&memory), ["audit.segment"]);
    memory.content().refuses_reserve = false;
    clock.advance(RETRY);
    journal.admit().unwrap();
    assert_eq!(events(&memory), ["audit.segment", "audit.resumed"]);
    check(&memory);
}
