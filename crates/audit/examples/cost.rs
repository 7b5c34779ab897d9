//! How many records a log takes a second at either level, what that costs, and how long one who is alone
//! waits, beside a loop that does nothing but write and sync:
//! `cargo run --release -p audit --example cost FOLDER [SECONDS [judge]]`. With `judge` it fails where the
//! goals are missed.

#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

use std::{
    error::Error,
    fs::{self, File},
    io::Write as _,
    path::Path,
    thread,
    time::Duration,
};

use audit::{Journal, Kind, Levels, Location, Outcome, Record, Rules, SigningKey};
use model::{
    Caller, Clock, CollectionId, Effect, Level, Operation, OperationId, RequestId, Surface,
};
use rustix::fs::statfs;

/// So many append at the same time, as callers of a busy door do.
const WRITERS: usize = 64;
/// What a record of a call takes.
const LINE_BYTES: usize = 700;
/// Ticks of the clock that /proc counts in.
const TICKS_PER_SECOND: f64 = 100.0;
/// What a file system says that is only in memory, in linux/magic.h.
const TMPFS: i64 = 0x0102_1994;
/// Of strict records, so many a second where all writers wait.
const RATE: f64 = 10_000.0;
/// One who is alone waits so many times as long as a bare sync takes, at most.
const WAIT: f64 = 1.5;

/// What was measured.
#[derive(Debug)]
struct Figures {
    /// Records, or syncs, a second.
    rate: f64,
    /// What half of them took at most.
    median: Duration,
    /// Microseconds of CPU for each.
    cpu_us: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("which folder?")?;
    let seconds: u64 = arguments.next().map_or(Ok(5), |it| it.parse())?;
    let is_judged = arguments.next().is_some_and(|it| it == "judge");
    let (folder, time) = (Path::new(&folder), Duration::from_secs(seconds));
    if statfs(folder)?.f_type == TMPFS {
        return Err("that folder is in memory, where a sync is nothing: give one on a disk".into());
    }
    let bare = bare(&folder.join("bare"), time)?;
    println!("bare loop {:.0} syncs/s, p50 {:.1?}", bare.rate, bare.median);
    let alone = of(Level::Strict, 1, (folder, time))?;
    let wait = alone.median.as_secs_f64() / bare.median.as_secs_f64().max(f64::EPSILON);
    println!("one strict writer p50 {:.1?}, {wait:.2} of a bare sync", alone.median);
    let of_all = |level| of(level, WRITERS, (folder, time));
    let (standard, strict) = (of_all(Level::Standard)?, of_all(Level::Strict)?);
    for (name, Figures { rate, cpu_us, .. }) in [("standard", &standard), ("strict", &strict)] {
        println!("{name} {rate:.0} records/s of {WRITERS} writers, {cpu_us:.1} us of CPU each");
    }
    if is_judged && (strict.rate < RATE || wait > WAIT) {
        let goals = format!("the goals are {RATE:.0} strict records/s, and {WAIT} of a bare sync");
        let found = format!("{:.0} and {wait:.2} were measured", strict.rate);
        return Err(format!("{goals}: {found}").into());
    }
    Ok(())
}

/// A loop of one thread that writes a line and has the disk take it.
fn bare(path: &Path, time: Duration) -> Result<Figures, Box<dyn Error>> {
    let (clock, mut file, cpu) = (Clock::system(), File::create(path)?, cpu_seconds()?);
    let line = [b'x'; LINE_BYTES];
    let mut times = Vec::new();
    let mut last = clock.elapsed();
    while last < time {
        file.write_all(&line)?;
        file.sync_data()?;
        lap(&clock, &mut last, &mut times);
    }
    Ok(Figures::new(times, clock.elapsed(), cpu_seconds()? - cpu))
}

fn of(
    level: Level,
    writers: usize,
    (folder, time): (&Path, Duration),
) -> Result<Figures, Box<dyn Error>> {
    let location = Location { folder: folder.join("log"), ..Location::default() };
    let levels = if level == Level::Strict { Levels::Strict } else { Levels::ByEffect };
    let rules = Rules { levels, ..Rules::default() };
    let key = SigningKey::from_seed("cost", &[1; 32])?;
    let journal = Journal::open(&location, (key, rules), Clock::system())?;
    let collection = CollectionId::parse("orders")?;
    let operation = Operation {
        id: OperationId::new(&collection, "get_order")?,
        collection,
        effect: Effect::Read,
        is_public: false,
        level: None,
        position: 0,
    };
    let (clock, cpu) = (Clock::system(), cpu_seconds()?);
    let write = |writer| {
        let (mut times, mut last) = (Vec::new(), clock.elapsed());
        while last < time {
            append(&journal, &operation, &clock, writer);
            lap(&clock, &mut last, &mut times);
        }
        times
    };
    let times: Vec<_> = thread::scope(|scope| {
        let write = &write;
        let threads: Vec<_> = (0..writers).map(|it| scope.spawn(move || write(it))).collect();
        threads.into_iter().flat_map(|it| it.join().unwrap_or_default()).collect()
    });
    let figures = Figures::new(times, clock.elapsed(), cpu_seconds()? - cpu);
    journal.end();
    fs::remove_dir_all(&location.folder)?;
    Ok(figures)
}

/// Notes what the last one took.
fn lap(clock: &Clock, last: &mut Duration, times: &mut Vec<Duration>) {
    let now = clock.elapsed();
    times.push(now.saturating_sub(*last));
    *last = now;
}

impl Figures {
    fn new(mut times: Vec<Duration>, elapsed: Duration, cpu_seconds: f64) -> Self {
        let count = u64::try_from(times.len()).unwrap_or(u64::MAX);
        times.sort_unstable();
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        let cpu_us = cpu_seconds * 1e6 / as_float(count).max(1.0);
        Self { rate: per_second(count, elapsed), median, cpu_us }
    }
}

/// Appends what is recorded of a call. A disk that fails ends this: there is nothing to measure.
#[expect(clippy::expect_used, reason = "a thread of a measurement has nobody to tell")]
fn append(journal: &Journal, operation: &Operation, clock: &Clock, writer: usize) {
    let caller = Caller::anonymous();
    let record = Record {
        id: Some(RequestId::new(uuid::Uuid::from_u128(writer as u128))),
        surface: Some(Surface::Rest),
        protocol: Some("HTTP/1.1"),
        peer: Some([127, 0, 0, 1].into()),
        revision: Some(3),
        caller: Some(&caller),
        operation: Some(operation),
        method: Some("GET"),
        path: Some("/orders/{id}"),
        rule: Some("role reader: orders:*"),
        status: Some(200),
        upstream: Some("http://127.0.0.1:9000"),
        upstream_status: Some(200),
        upstream_time: Some(Duration::from_micros(310)),
        total_time: Some(Duration::from_micros(400)),
        ..Record::new(clock.now(), Kind::Call, Outcome::Answered)
    };
    journal.append(&record).expect("the log takes a record");
}

/// User and system time of this process.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').ok_or("/proc/self/stat has another form")?;
    let ticks: Result<Vec<u64>, _> =
        fields.split_whitespace().skip(11).take(2).map(str::parse).collect();
    Ok(as_float(ticks?.iter().sum()) / TICKS_PER_SECOND)
}

fn per_second(count: u64, time: Duration) -> f64 {
    as_float(count) / time.as_secs_f64().max(f64::EPSILON)
}

#[expect(clippy::cast_precision_loss, reason = "a figure is told roughly")]
fn as_float(count: u64) -> f64 {
    count as f64
}
