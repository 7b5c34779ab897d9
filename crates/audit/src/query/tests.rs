//! Whatever is asked of whatever log, and whatever became of the index: the records are those that a
//! look at every line finds.

mod log;
mod naive;

use std::{fs, time::Duration};

use proptest::prelude::*;
use serde_json::Value;

use self::log::{Call, Log, START, calls};
use super::{Filter, Order, Question};
use crate::{Field, Index};

/// Texts that somebody could look for, and that could be looked for wrongly.
const TEXTS: [&str; 12] =
    ["", "call", "CLIENT", "\"", "\\", "\n", "u000a", "\u{202e}", "É", "42", "client\":\"", "tool"];

/// All pages of an answer, as the numbers of their records.
fn all(index: &Index, question: &Question) -> Vec<u64> {
    let mut question = question.clone();
    let mut found = Vec::new();
    for _ in 0..10_000 {
        let page = index.find(&question).unwrap();
        assert!(page.records.len() <= question.max && page.unreadable == 0);
        found.extend(
            page.records.iter().map(|it| {
                serde_json::from_str::<Value>(it.get()).unwrap()["seq"].as_u64().unwrap()
            }),
        );
        if page.next.is_none() {
            return found;
        }
        question.cursor = page.next;
    }
    panic!("it goes round in a circle");
}

fn question(filter: Filter) -> Question {
    Question { filter, order: Order::OldestFirst, cursor: None, max: 7, reached: u64::MAX }
}

fn of(field: Field, value: &str) -> Filter {
    Filter { fields: vec![(field, vec![value.to_owned()])], ..Filter::default() }
}

fn filters() -> impl Strategy<Value = Filter> {
    let moment = || {
        let half = |it: u64| {
            START.minus(Duration::from_secs(2)).plus(Duration::from_millis(it.saturating_mul(500)))
        };
        prop::option::of((0..70_u64).prop_map(half))
    };
    let field = prop_oneof![
        prop::collection::vec("[a-c]", 1..3).prop_map(|it| (Field::Client, it)),
        prop::collection::vec("call|intent|event|log", 1..3).prop_map(|it| (Field::Kind, it)),
        "[a-c]/x".prop_map(|it| (Field::Profile, vec![it])),
        "20[0-3]".prop_map(|it| (Field::Status, vec![it])),
        "allow|deny".prop_map(|it| (Field::Decision, vec![it])),
        "rest|mcp".prop_map(|it| (Field::Surface, vec![it])),
        (0..4_u8).prop_map(|it| (Field::ArgumentsDigest, vec![log::digest(it)])),
        "orders\\.[x-z]".prop_map(|it| (Field::Operation, vec![it])),
        Just((Field::User, vec!["ann\n".to_owned()])),
        Just((Field::Outcome, vec!["refused".to_owned()])),
    ];
    let text =
        prop::option::weighted(0.2, prop::sample::select(&TEXTS[..]).prop_map(str::to_owned));
    (moment(), moment(), prop::collection::vec(field, 0..3), text)
        .prop_map(|(since, until, fields, text)| Filter { since, until, fields, text })
}

fn questions() -> impl Strategy<Value = Question> {
    (filters(), any::<bool>(), 1..20_usize, prop::option::of(0..200_u64)).prop_map(
        |(filter, is_newest, max, reached)| Question {
            filter,
            order: if is_newest { Order::NewestFirst } else { Order::OldestFirst },
            cursor: None,
            max,
            reached: reached.unwrap_or(u64::MAX),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_found_is_what_a_look_at_every_line_finds(
        calls in calls(0..150),
        more in calls(0..60),
        questions in prop::collection::vec(questions(), 1..6),
        advances in 0..30_usize,
    ) {
        let mut log = Log::new(&calls);
        let index = Index::open(log.folder());
        for _ in 0..advances {
            index.advance(u64::MAX).unwrap();
        }
        for more in [&[][..], &more] {
            log.grow(more);
            for question in &questions {
                prop_assert_eq!(all(&index, question), log.naive(question), "{:?}", question);
            }
        }
    }
}

fn many() -> Vec<Call> {
    (0..100).map(|it| Call { client: it % 3, tool: format!("t{it}"), ..Call::default() }).collect()
}

#[test]
fn an_index_with_another_byte_or_without_its_end_finds_the_same() {
    let log = Log::new(&many()[..20]);
    while Index::open(log.folder()).advance(u64::MAX).unwrap() {}
    let path = log.index_files().remove(0);
    let bytes = fs::read(&path).unwrap();
    let question = question(of(Field::Client, "a"));
    let want = log.naive(&question);
    let check = |bytes: &[u8], at: usize| {
        fs::write(&path, bytes).unwrap();
        let index = Index::open(log.folder());
        assert_eq!(all(&index, &question), want, "at byte {at} of {}", bytes.len());
    };
    // A step that divides none of the sizes in a part, so that each place of them is met.
    for at in (0..bytes.len()).step_by(5) {
        let mut other = bytes.clone();
        other[at] ^= 0x55;
        check(&other, at);
        check(&bytes[..at], at);
    }
}

#[test]
fn the_index_of_another_log_is_made_anew() {
    let (one, other) = (Log::new(&many()), Log::new(&many()[1..]));
    let make = |log: &Log| while Index::open(log.folder()).advance(u64::MAX).unwrap() {};
    make(&one);
    make(&other);
    for (from, to) in other.index_files().iter().zip(one.index_files()) {
        fs::copy(from, to).unwrap();
    }
    let question = question(of(Field::Client, "a"));
    assert_eq!(all(&Index::open(one.folder()), &question), one.naive(&question));
    assert_ne!(one.naive(&question), other.naive(&question));
}

#[test]
fn where_the_index_cannot_be_written_all_is_found_and_it_is_written_later() {
    let log = Log::new(&many());
    let place = log.folder().join("index");
    fs::write(&place, "in the way").unwrap();
    let index = Index::open(log.folder());
    let question = question(of(Field::Client, "b"));
    assert_eq!(all(&index, &question), log.naive(&question));
    while index.advance(u64::MAX).unwrap() {}
    fs::remove_file(&place).unwrap();
    index.retry();
    while index.advance(u64::MAX).unwrap() {}
    assert_eq!(log.index_files().len(), log.segments().len());
    assert_eq!(all(&index, &question), log.naive(&question));
}

#[test]
fn no_file_of_the_index_stays_open() {
    let log = Log::new(&many());
    let index = Index::open(log.folder());
    while index.advance(u64::MAX).unwrap() {}
    let question = question(of(Field::Client, "b"));
    assert_eq!(all(&index, &question), log.naive(&question));
    let place = log.folder().join("index");
    let open = fs::read_dir("/proc/self/fd").unwrap().flatten();
    let open = open.filter(|it| fs::read_link(it.path()).is_ok_and(|it| it.starts_with(&place)));
    assert_eq!((open.count(), log.index_files().len() > 4), (0, true));
}

#[test]
fn another_file_in_the_place_of_one_that_was_read_misleads_nobody() {
    let log = Log::new(&many());
    let index = Index::open(log.folder());
    while index.advance(u64::MAX).unwrap() {}
    let question = question(of(Field::Client, "b"));
    let want = log.naive(&question);
    assert_eq!(all(&index, &question), want);
    let files = log.index_files();
    assert!(files.len() > 4);
    for pair in files.windows(2) {
        fs::copy(&pair[1], &pair[0]).unwrap();
    }
    assert_eq!(all(&index, &question), want);
    while index.advance(u64::MAX).unwrap() {}
    assert_eq!(all(&index, &question), want);
}

#[test]
fn a_broken_line_is_counted_and_no_other_is_missed() {
    let log = Log::new(&many());
    while Index::open(log.folder()).advance(u64::MAX).unwrap() {}
    let question = Question { max: 1000, ..question(of(Field::Client, "c")) };
    let want = log.naive(&question);
    // The index was made before the damage, and then after it.
    log.damage("\"tool\":\"t50\"");
    for is_known in [false, true] {
        if is_known {
            fs::remove_dir_all(log.folder().join("index")).unwrap();
        }
        let index = Index::open(log.folder());
        let (mut found, mut unreadable, mut cursor) = (0, 0, None);
        loop {
            let page = index.find(&Question { cursor, ..question.clone() }).unwrap();
            found += page.records.len();
            unreadable += page.unreadable;
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((found, unreadable), (want.len() - 1, 1), "{is_known}");
    }
}

#[test]
fn what_is_purged_is_gone_from_the_index_too() {
    let log = Log::new(&many());
    let index = Index::open(log.folder());
    while index.advance(u64::MAX).unwrap() {}
    let before = log.index_files();
    fs::remove_file(&log.segments()[0]).unwrap();
    assert!(!index.advance(u64::MAX).unwrap());
    assert_eq!(log.index_files(), before[1..]);
    let question = question(Filter::default());
    assert_eq!(all(&index, &question), log.naive(&question));
}

#[test]
fn what_may_be_taken_back_is_not_shown() {
    let log = Log::new(&many());
    let index = Index::open(log.folder());
    let question = Question { reached: 30, ..question(Filter::default()) };
    assert_eq!(all(&index, &question), (0..30).collect::<Vec<_>>());
    assert_eq!(index.find(&question).unwrap().reached, 30);
    let question = Question { reached: u64::MAX, cursor: Some(103), max: 1000, ..question };
    let page = index.find(&question).unwrap();
    let count = log.naive(&Question { cursor: None, ..question }).len() as u64;
    assert_eq!((page.reached, page.records.len() as u64), (count, count - 103));
}
