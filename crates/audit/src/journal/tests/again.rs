//! A disk that stays broken: how often it is tried again, and what that leaves behind.

use super::*;

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
