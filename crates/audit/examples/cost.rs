//! How many records a log takes a second at either level, and what that costs, beside a loop that does
//! nothing but write and sync: `cargo run --release -p audit --example cost FOLDER [SECONDS]`.

#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

use std::{
    error::Error,
    fs::{self, File},
    io::Write as _,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use audit::{Journal, Kind, Levels, Location, Outcome, Record, Rules, SigningKey};
use model::{
    Caller, Clock, CollectionId, Effect, Level, Operation, OperationId, RequestId, Surface,
};

/// So many append at the same time, as callers of a busy door do.
const WRITERS: usize = 64;
/// What a record of a call takes.
const LINE_BYTES: usize = 700;
/// Ticks of the clock that /proc counts in.
const TICKS_PER_SECOND: f64 = 100.0;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("which folder?")?;
    let seconds: u64 = arguments.next().map_or(Ok(5), |it| it.parse())?;
    let (folder, time) = (Path::new(&folder), Duration::from_secs(seconds));
    println!("{}", bare(&folder.join("bare"), time)?);
    for level in [Level::Standard, Level::Strict] {
        println!("{}", of(level, folder, time)?);
    }
    Ok(())
}

/// A loop of one thread that writes a line and has the disk take it.
fn bare(path: &Path, time: Duration) -> Result<String, Box<dyn Error>> {
    let (clock, mut file, mut count) = (Clock::system(), File::create(path)?, 0_u64);
    let line = [b'x'; LINE_BYTES];
    while clock.elapsed() < time {
        file.write_all(&line)?;
        file.sync_data()?;
        count = count.saturating_add(1);
    }
    Ok(format!("bare loop {:.0} syncs/s", per_second(count, clock.elapsed())))
}

fn of(level: Level, folder: &Path, time: Duration) -> Result<String, Box<dyn Error>> {
    let name = format!("{level:?}").to_lowercase();
    let location = Location { folder: folder.join(&name), ..Location::default() };
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
    let (clock, count, cpu) = (Clock::system(), AtomicU64::new(0), cpu_seconds()?);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (journal, operation, clock, count) = (&journal, &operation, &clock, &count);
            let append = move || {
                append(journal, operation, clock, writer);
                count.fetch_add(1, Ordering::Relaxed);
            };
            scope.spawn(move || {
                std::iter::repeat_with(append).take_while(|()| clock.elapsed() < time).count()
            });
        }
    });
    let (elapsed, count) = (clock.elapsed(), count.into_inner());
    let cpu = (cpu_seconds()? - cpu) * 1e6 / as_float(count).max(1.0);
    journal.end();
    fs::remove_dir_all(&location.folder)?;
    let rate = per_second(count, elapsed);
    Ok(format!("{name} {rate:.0} records/s of {WRITERS} writers, {cpu:.1} us of CPU each"))
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
