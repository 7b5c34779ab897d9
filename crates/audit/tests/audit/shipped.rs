//! Records reach a sink once acknowledged, in order, whatever the receiver and the process do.
use std::{
    collections::VecDeque,
    fs::{self, OpenOptions},
    io::Write as _,
    path::Path,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use audit::{
    Journal, Rules,
    ship::{Accepted, Batch, Batching, Failure, Place, Shipper, Sink, Step, Told},
};
use model::Clock;

use crate::disk::{START, open, record};

/// How long what comes again is not told by itself.
const QUIET: Duration = Duration::from_secs(600);

/// A receiver that does what it was told to, and then accepts all.
#[derive(Debug, Default)]
struct Receiver {
    answers: VecDeque<Result<Accepted, Failure>>,
    /// Refuses these records for good, however they come.
    poison: Vec<u64>,
    got: Vec<u64>,
    batches: Vec<usize>,
}

impl Sink for &mut Receiver {
    async fn deliver(&mut self, batch: Batch<'_>) -> Result<Accepted, Failure> {
        self.batches.push(batch.lines.len());
        let seqs: Vec<_> = batch.lines.iter().map(|it| it.seq).collect();
        if seqs.iter().any(|it| self.poison.contains(it)) {
            return Err(Failure::Refused("status 400".to_owned()));
        }
        let answer = self.answers.pop_front().unwrap_or_else(|| Ok(Accepted::all(batch)));
        if let Ok(accepted) = &answer {
            self.got.extend(seqs.iter().take(accepted.count));
        }
        answer
    }
}

fn place(folder: &Path) -> Place {
    Place { log: folder.join("audit"), state: folder.join("sinks"), name: "siem".to_owned() }
}

fn small() -> Batching {
    Batching { records_max: 3, ..Batching::default() }
}

fn shipper<S: Sink>(sink: S, folder: &Path, clock: &Clock) -> Shipper<S> {
    Shipper::open(sink, place(folder), small(), clock.clone()).unwrap()
}

fn step<S: Sink>(shipper: &mut Shipper<S>, safe: u64) -> Step {
    let mut step = pin!(shipper.step(safe, u16::MAX));
    let polled = step.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    // Nothing is waited for.
    if let Poll::Ready(step) = polled { Some(step) } else { None }.unwrap()
}

/// What records call it.
fn events(told: &[Told]) -> Vec<&'static str> {
    told.iter().map(|it| it.event().as_str()).collect()
}

/// A log with so many records on the disk.
fn log(folder: &Path, records: usize) -> u64 {
    let journal = open(folder);
    for _ in 0..records {
        journal.append(&record("a")).unwrap();
    }
    journal.end();
    journal.safe()
}

#[test]
fn all_records_arrive_in_order_over_a_restart_and_none_again() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::fake(START));
    let safe = log(folder.path(), 8);
    let mut receiver = Receiver::default();
    let mut first = shipper(&mut receiver, folder.path(), &clock);
    step(&mut first, safe);
    assert_eq!((first.watch().status().next, first.watch().status().lag_records), (3, safe - 3));
    drop(first);
    let mut second = shipper(&mut receiver, folder.path(), &clock);
    (0..9).for_each(|_| drop(step(&mut second, safe)));
    let status = second.watch().status();
    assert_eq!(
        (status.next, status.lag_records, status.lag(clock.now())),
        (safe, 0, Duration::ZERO)
    );
    assert_eq!(receiver.got, Vec::from_iter(0..safe));
}

#[test]
fn what_is_not_safe_yet_is_not_delivered_and_what_comes_later_is() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::fake(START));
    let safe = log(folder.path(), 3);
    let mut receiver = Receiver::default();
    let mut shipper = shipper(&mut receiver, folder.path(), &clock);
    step(&mut shipper, 2);
    assert!(step(&mut shipper, 2).wait > Duration::ZERO);
    assert_eq!(shipper.watch().status().next, 2);
    (0..9).for_each(|_| drop(step(&mut shipper, safe)));
    let later = log(folder.path(), 2);
    assert!(later > safe);
    (0..9).for_each(|_| drop(step(&mut shipper, later)));
    let segment = fs::read_dir(folder.path().join("audit")).unwrap().map(|it| it.unwrap().path());
    let segment = segment.filter(|it| it.extension().is_some_and(|it| it == "jsonl"));
    let segment = segment.filter(|it| it.file_name().unwrap().len() == 26).max().unwrap();
    OpenOptions::new().append(true).open(segment).unwrap().write_all(b"{\"seq\"").unwrap();
    assert_eq!(step(&mut shipper, later).told, []);
    // What is said to be on the disk and is not there is no reason to wait in silence.
    let told = step(&mut shipper, later + 1).told;
    let want = format!("record {later} is not in the log");
    assert!(
        matches!(&told[..], [Told::Failed { why, before: 0 }] if why.starts_with(&want)),
        "{told:?}"
    );
    assert_eq!(receiver.got, Vec::from_iter(0..later));
}

#[test]
fn what_is_less_than_a_batch_waits_for_more_and_goes_again_as_it_went() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::fake(START));
    let mut safe = log(folder.path(), 2);
    let down = Err(Failure::Again("nobody answers".to_owned()));
    let mut receiver = Receiver { answers: [down].into(), ..Receiver::default() };
    let linger = Duration::from_secs(60);
    let batching = Batching { records_max: 100, linger, ..Batching::default() };
    let mut shipper =
        Shipper::open(&mut receiver, place(folder.path()), batching, clock.clone()).unwrap();
    let first = safe;
    assert!(step(&mut shipper, safe).wait > Duration::ZERO);
    assert_eq!(shipper.watch().status().lag_records, safe);
    safe = log(folder.path(), 1);
    clock.advance(linger);
    step(&mut shipper, safe);
    let second = safe;
    safe = log(folder.path(), 1);
    step(&mut shipper, safe);
    // What came meanwhile waits again, until it is to wait no more.
    step(&mut shipper, safe);
    assert_eq!(shipper.watch().status().next, second);
    shipper.hasten();
    step(&mut shipper, safe);
    let status = shipper.watch().status();
    assert_eq!((status.next, status.acknowledged, status.failures), (safe, safe, 1));
    drop(shipper);
    let of = |it: u64| usize::try_from(it).unwrap();
    assert!(first < second);
    assert_eq!(receiver.batches, [of(second), of(second), of(safe - second)]);
}

#[test]
fn a_receiver_that_is_down_is_tried_again_and_told_of_once() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::fake(START));
    let safe = log(folder.path(), 2);
    let down = || Err(Failure::Again("nobody answers".to_owned()));
    let mut receiver = Receiver { answers: [down(), down(), down()].into(), ..Receiver::default() };
    let mut shipper = shipper(&mut receiver, folder.path(), &clock);
    let steps: Vec<_> = (0..4).map(|_| step(&mut shipper, safe)).collect();
    let waits: Vec<_> = steps.iter().map(|it| it.wait.as_millis()).collect();
    assert_eq!(waits, [500, 1000, 2000, 0]);
    let told: Vec<_> = steps.into_iter().flat_map(|it| it.told).collect();
    let why = "nobody answers".to_owned();
    let failed = Told::Failed { why: why.clone(), before: 0 };
    assert_eq!(told, [failed, Told::Recovered { attempts: 3 }]);
    assert_eq!(events(&told), ["sink.failed", "sink.recovered"]);
    assert_eq!(shipper.watch().status().last_failure, Some((START, why)));
    assert_eq!(receiver.got, [0, 1, 2]);
    assert_eq!(receiver.batches, [3, 3, 3, 3]);
}

#[test]
fn what_fails_again_soon_is_told_later_and_at_the_end_with_how_often_it_was() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::fake(START));
    let safe = log(folder.path(), 8);
    let down = || Err(Failure::Again("nobody answers".to_owned()));
    let takes = |count| Ok(Accepted { count, refused: Vec::new() });
    let answers = [down(), takes(1), down(), takes(1), down(), takes(1), takes(3), down()];
    let mut receiver = Receiver { answers: answers.into(), ..Receiver::default() };
    let mut shipper = shipper(&mut receiver, folder.path(), &clock);
    let failed = |before| Told::Failed { why: "nobody answers".to_owned(), before };
    let told: Vec<_> = (0..6).flat_map(|_| step(&mut shipper, safe).told).collect();
    assert_eq!(told, [failed(0), Told::Recovered { attempts: 1 }]);
    clock.advance(QUIET);
    assert_eq!(step(&mut shipper, safe).told, [failed(1), Told::Recovered { attempts: 2 }]);
    assert_eq!(step(&mut shipper, safe).told, [], "it is told soon enough");
    assert_eq!(shipper.end(), [failed(0)], "there is no later");
    assert_eq!(shipper.end(), []);
}

#[test]
fn one_record_that_is_refused_is_put_aside_and_the_rest_goes_on() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::fake(START));
    let safe = log(folder.path(), 6);
    let mut receiver = Receiver { poison: vec![4], ..Receiver::default() };
    let mut shipper = shipper(&mut receiver, folder.path(), &clock);
    let told: Vec<_> = (0..12).flat_map(|_| step(&mut shipper, safe).told).collect();
    assert_eq!(told, [Told::Dead { first: 4, last: 4, count: 1, why: "status 400".to_owned() }]);
    assert_eq!(events(&told), ["sink.refused"]);
    assert_eq!(shipper.watch().status().dead, 1);
    assert_eq!(receiver.got, Vec::from_iter((0..safe).filter(|it| *it != 4)));
    let letters = fs::read_to_string(folder.path().join("sinks/siem.dead.jsonl")).unwrap();
    let letter: serde_json::Value = serde_json::from_str(&letters).unwrap();
    assert_eq!((&letter["seq"], &letter["why"]), (&4.into(), &"status 400".into()));
    assert!(letter["line"].as_str().unwrap().starts_with("{\"seq\":4,"));
}

#[test]
fn a_receiver_that_refuses_everything_loses_nothing_after_a_hundred() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::fake(START));
    let safe = log(folder.path(), 150);
    let mut receiver = Receiver { poison: (0..200).collect(), ..Receiver::default() };
    let mut shipper = shipper(&mut receiver, folder.path(), &clock);
    let told: Vec<_> = (0..400).flat_map(|_| step(&mut shipper, safe).told).collect();
    assert_eq!((shipper.watch().status().next, shipper.watch().status().dead), (100, 100));
    assert!(shipper.watch().status().attempts > 0);
    assert_eq!(events(&told), ["sink.refused", "sink.failed"]);
    clock.advance(QUIET);
    let rest = Told::Dead { first: 1, last: 99, count: 99, why: "status 400".to_owned() };
    assert!(step(&mut shipper, safe).told.contains(&rest), "all of them are told");
}

#[test]
fn what_was_taken_in_part_goes_on_behind_it() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::fake(START));
    let safe = log(folder.path(), 4);
    let part = Accepted { count: 2, refused: vec![(1, "mapping".to_owned())] };
    let mut receiver = Receiver { answers: [Ok(part)].into(), ..Receiver::default() };
    let mut shipper = shipper(&mut receiver, folder.path(), &clock);
    (0..9).for_each(|_| drop(step(&mut shipper, safe)));
    assert_eq!(shipper.watch().status().dead, 1);
    assert_eq!(receiver.got, Vec::from_iter(0..safe));
}

#[test]
fn a_cursor_of_another_log_or_of_none_begins_anew_and_says_so() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::fake(START));
    let safe = log(folder.path(), 3);
    fs::create_dir(folder.path().join("sinks")).unwrap();
    let zeros = "0".repeat(64);
    let beyond = format!(r#"{{"next":{},"last":"{zeros}"}}"#, safe + 5);
    let other = format!(r#"{{"next":2,"last":"{zeros}"}}"#);
    for (cursor, want) in [
        (beyond.as_str(), "the log ends before record"),
        (&other, "what was delivered last is not in this log"),
        ("{", "the cursor's file is no cursor"),
    ] {
        fs::write(folder.path().join("sinks/siem.cursor"), cursor).unwrap();
        let mut receiver = Receiver::default();
        let mut shipper = shipper(&mut receiver, folder.path(), &clock);
        let told = step(&mut shipper, safe).told;
        assert_eq!(events(&told), ["sink.restarted"]);
        let [Told::Restarted { why }] = &told[..] else { panic!("{cursor}: {told:?}") };
        assert!(why.starts_with(want), "{why}");
        assert_eq!(receiver.got, [0, 1, 2]);
    }
}

#[test]
fn segments_that_are_gone_before_they_were_delivered_are_told() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::fake(START));
    let log = folder.path().join("audit");
    fs::create_dir(&log).unwrap();
    let rules = Rules { segment_bytes: 600, ..Rules::default() };
    let (journal, memory) = Journal::memory_with(rules, clock.clone());
    for _ in 0..9 {
        journal.append(&record("a")).unwrap();
    }
    memory.save(&log).unwrap();
    let safe = u64::try_from(memory.text().lines().count()).unwrap();
    let mut receiver = Receiver::default();
    let mut shipper = shipper(&mut receiver, folder.path(), &clock);
    step(&mut shipper, 1);
    let mut segments: Vec<_> = fs::read_dir(&log).unwrap().map(|it| it.unwrap().path()).collect();
    segments.sort();
    let [gone @ .., last] = &segments[..] else { panic!("{segments:?}") };
    assert!(gone.len() > 2);
    gone.iter().for_each(|it| fs::remove_file(it).unwrap());
    let first: u64 = last.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    let told: Vec<_> = (0..19).flat_map(|_| step(&mut shipper, safe).told).collect();
    let is_lost = |it: &Told| matches!(it, Told::Lost { until, .. } if *until == first);
    assert!(told.iter().any(is_lost), "{told:?}");
    assert!(events(&told).contains(&"sink.lost"), "{told:?}");
    assert_eq!(shipper.watch().status().next, safe);
}
