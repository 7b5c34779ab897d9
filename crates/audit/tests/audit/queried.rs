//! Records of a log on the disk, found while it grows, over segments and starts.

use std::time::Duration;

use audit::{Field, Filter, Index, Journal, Location, Order, Question, Record, Rules};
use model::{Caller, ClientId, Clock};
use serde_json::Value;

use crate::disk::{START, key, open_with, record};

fn question(journal: &Journal, client: &str, order: Order) -> Question {
    let fields = vec![(Field::Client, vec![client.to_owned()])];
    let filter = Filter { fields, ..Filter::default() };
    Question { filter, order, cursor: None, max: 1000, reached: journal.reached() }
}

fn tools(index: &Index, question: &Question) -> Vec<String> {
    let (mut question, mut found) = (question.clone(), Vec::new());
    loop {
        let page = index.find(&question).unwrap();
        assert_eq!(page.unreadable, 0);
        found.extend(page.records.iter().map(|it| {
            let record: Value = serde_json::from_str(it.get()).unwrap();
            record.get("tool").unwrap().as_str().unwrap().to_owned()
        }));
        question.cursor = page.next;
        if page.next.is_none() {
            return found;
        }
    }
}

fn append(journal: &Journal, client: &str, numbers: std::ops::Range<u64>) {
    let caller = Caller { client: ClientId::parse(client).unwrap(), ..Caller::anonymous() };
    let mut entries = Vec::new();
    for number in numbers {
        let tool = number.to_string();
        let time = START.plus(Duration::from_millis(number));
        let record = Record { caller: Some(&caller), time, ..record(&tool) };
        entries.push(journal.enter(&record).unwrap());
    }
    entries.pop().unwrap().settle().unwrap();
}

fn texts(numbers: impl Iterator<Item = u64>) -> Vec<String> {
    numbers.map(|it| it.to_string()).collect()
}

#[test]
fn records_are_found_as_soon_as_they_are_written_and_after_a_start() {
    let folder = tempfile::tempdir().unwrap();
    // More records than a part has, and segments that end within one.
    let rules = Rules { segment_bytes: 3 << 20, ..Rules::default() };
    let journal = open_with(folder.path(), rules);
    let index = Index::open(journal.folder().unwrap());
    append(&journal, "a", 0..9000);
    assert_eq!(tools(&index, &question(&journal, "a", Order::OldestFirst)), texts(0..9000));
    append(&journal, "b", 9000..9003);
    append(&journal, "a", 9003..21_000);
    while index.advance(journal.reached()).unwrap() {}
    append(&journal, "b", 21_000..21_002);
    let all = texts((9000..9003).chain(21_000..21_002));
    assert_eq!(tools(&index, &question(&journal, "b", Order::OldestFirst)), all);
    drop(journal);
    let journal = open_with(folder.path(), rules);
    let index = Index::open(journal.folder().unwrap());
    let newest: Vec<_> = all.into_iter().rev().collect();
    assert_eq!(tools(&index, &question(&journal, "b", Order::NewestFirst)), newest);
}

#[test]
fn what_is_packed_is_found_as_before_with_an_index_and_without() {
    let folder = tempfile::tempdir().unwrap();
    let rules = Rules { segment_bytes: 3 << 20, ..Rules::default() };
    let journal = open_with(folder.path(), rules);
    let index = Index::open(journal.folder().unwrap());
    append(&journal, "a", 0..9000);
    append(&journal, "b", 9000..9003);
    append(&journal, "a", 9003..21_000);
    append(&journal, "b", 21_000..21_002);
    while index.advance(journal.reached()).unwrap() {}
    drop(journal);
    let clock = Clock::fake(START.plus(Duration::from_secs(60)));
    let location = Location { folder: folder.path().join("audit"), ..Location::default() };
    let journal = Journal::open(&location, (key(), rules), clock).unwrap();
    let mut packed = 0;
    while journal.pack(Duration::from_secs(1)).unwrap().is_some() {
        packed += 1;
    }
    assert!(packed > 0, "no segment was packed");
    let all = texts((9000..9003).chain(21_000..21_002));
    assert_eq!(tools(&index, &question(&journal, "b", Order::OldestFirst)), all);
    std::fs::remove_dir_all(journal.folder().unwrap().join("index")).unwrap();
    let anew = Index::open(journal.folder().unwrap());
    assert_eq!(tools(&anew, &question(&journal, "b", Order::OldestFirst)), all);
    let newest: Vec<_> = all.into_iter().rev().collect();
    assert_eq!(tools(&anew, &question(&journal, "b", Order::NewestFirst)), newest);
}

#[test]
fn whoever_goes_on_from_where_the_log_was_sees_each_record_once() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open_with(folder.path(), Rules::default());
    let index = Index::open(journal.folder().unwrap());
    let (mut cursor, mut seen) = (Some(0), Vec::new());
    for start in [0, 5, 50] {
        append(&journal, "a", start..start + 5);
        let question = Question { cursor, ..question(&journal, "a", Order::OldestFirst) };
        let page = index.find(&question).unwrap();
        seen.extend(tools(&index, &question));
        assert_eq!((page.next, page.reached), (None, journal.reached()));
        cursor = Some(page.reached);
    }
    assert_eq!(seen, texts((0..10).chain(50..55)));
}
