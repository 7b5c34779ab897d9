//! How fast a log is put into an index, and how fast records are found in it:
//! `cargo run --release -p audit --example query FOLDER [RECORDS]`. A log of so many that is there is taken
//! as it is. It fails where records are missed, and in a release build where it takes too long.

#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

use std::{error::Error, fmt, fs, path::Path, time::Duration};

use audit::{
    Field, Filter, Index, Journal, Kind, Location, Order, Outcome, Question, Record, Redacted,
    Rules, Salt, SigningKey,
    redact::{By, Policy},
};
use model::{
    Caller, ClientId, Clock, CollectionId, Effect, Operation, OperationId, ProfileId, RequestId,
    Surface, Timestamp,
};
use serde_json::json;

const START: Timestamp = Timestamp::from_seconds(1_795_392_000);
/// All records are of one day.
const DAY_MICROS: u64 = 24 * 3600 * 1_000_000;
/// So many clients call in turn.
const CLIENTS: usize = 100;
/// So many records are written at once.
const RUN: u64 = 1000;
/// How often a question is asked again.
const AGAIN: u32 = 20;
/// So many records a second go into the index at least.
const RECORDS_PER_SECOND: f64 = 100_000.0;
/// So long it may take to find those of one client in one hour.
const MILLISECONDS: f64 = 200.0;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("which folder?")?;
    let count: u64 = arguments.next().map_or(Ok(10_000_000), |it| it.parse())?;
    let folder = Path::new(&folder);
    if !folder.exists() {
        write(folder, count)?;
    }
    println!("log of {} MB", megabytes(folder)?);
    made(folder)?;
    let hour = START.plus(Duration::from_secs(12 * 3600));
    let by_client = Filter {
        since: Some(hour),
        until: Some(hour.plus(Duration::from_secs(3600))),
        ..of(Field::Client, "agent-42")
    };
    complete(folder, &by_client, count)?;
    for max in [100, 1000] {
        let answer = asked(folder, &by_client, max)?;
        println!("by client and hour, {answer}");
        held(answer.first < MILLISECONDS, "a client and an hour take too long")?;
    }
    let id = RequestId::new(uuid::Uuid::from_u128(u128::from(count / 3)));
    println!("by request id, {}", asked(folder, &of(Field::Id, &id.to_string()), 100)?);
    let text = Filter { text: Some("no such text".to_owned()), ..by_client };
    println!("by client, hour and text, {}", asked(folder, &text, 100)?);
    Ok(())
}

/// Whether a goal is met. That is asked of a build for use alone.
fn held(is_met: bool, what: &str) -> Result<(), Box<dyn Error>> {
    if is_met || cfg!(debug_assertions) { Ok(()) } else { Err(what.into()) }
}

/// All records of a client and an hour are found, however many pages they take.
fn complete(folder: &Path, filter: &Filter, count: u64) -> Result<(), Box<dyn Error>> {
    let (since, until) = (filter.since.ok_or("since?")?, filter.until.ok_or("until?")?);
    let is_wanted = |it: &u64| it % 100 == 42 && (since..until).contains(&time(*it, count));
    let wanted = (0..count).filter(is_wanted).count();
    let index = Index::open(folder);
    let (mut question, mut found) = (ask(filter, 1000), 0_usize);
    loop {
        let page = index.find(&question)?;
        found = found.saturating_add(page.records.len());
        question.cursor = page.next;
        if page.next.is_none() {
            break;
        }
    }
    println!("{found} of {wanted} records of a client and an hour found");
    if found == wanted { Ok(()) } else { Err("records are missed".into()) }
}

/// When a record was: all are of one day.
fn time(number: u64, count: u64) -> Timestamp {
    let step = DAY_MICROS.checked_div(count).unwrap_or(0);
    START.plus(Duration::from_micros(number.saturating_mul(step)))
}

fn of(field: Field, value: &str) -> Filter {
    Filter { fields: vec![(field, vec![value.to_owned()])], ..Filter::default() }
}

/// Writes the log of a busy day.
fn write(folder: &Path, count: u64) -> Result<(), Box<dyn Error>> {
    let location = Location { folder: folder.to_owned(), ..Location::default() };
    let key = SigningKey::from_seed("query", &[1; 32])?;
    let journal = Journal::open(&location, (key, Rules::default()), Clock::fake(START))?;
    let collection = CollectionId::parse("orders")?;
    let operation = Operation {
        id: OperationId::new(&collection, "get_order")?,
        collection,
        effect: Effect::Read,
        is_public: false,
        level: None,
        position: 0,
    };
    let callers: Result<Vec<Caller>, Box<dyn Error>> = (0..CLIENTS).map(caller).collect();
    let callers = callers?;
    let mut turn = callers.iter().cycle();
    let (policy, salt) = (Policy::new(&[]), Salt::new(&[7; Salt::BYTES]));
    let mut number = 0;
    while number < count {
        let mut run = Vec::new();
        for _ in 0..RUN.min(count.saturating_sub(number)) {
            let by = By { policy: &policy, salt: &salt, at: time(number, count) };
            let arguments = json!({"id": number});
            let arguments = Redacted::of(arguments.as_object().ok_or("no object")?, by);
            let known = (turn.next(), &operation, &arguments);
            let record = record(number, known, time(number, count));
            run.push(journal.enter(&record)?);
            number = number.saturating_add(1);
        }
        // The last one is written with all before it, which are written then.
        if let Some(last) = run.pop() {
            last.settle()?;
        }
    }
    Ok(())
}

fn caller(number: usize) -> Result<Caller, Box<dyn Error>> {
    let client = format!("agent-{number}");
    Ok(Caller {
        profile: ProfileId::parse(&format!("{client}/default"))?,
        client: ClientId::parse(&client)?,
        ..Caller::anonymous()
    })
}

fn record<'a>(
    number: u64,
    (caller, operation, arguments): (Option<&'a Caller>, &'a Operation, &'a Redacted),
    at: Timestamp,
) -> Record<'a> {
    Record {
        id: Some(RequestId::new(uuid::Uuid::from_u128(u128::from(number)))),
        surface: Some(Surface::Rest),
        protocol: Some("HTTP/1.1"),
        peer: Some([127, 0, 0, 1].into()),
        revision: Some(3),
        caller,
        operation: Some(operation),
        method: Some("GET"),
        path: Some("/orders/{id}"),
        arguments: Some(arguments),
        rule: Some("role reader: orders:*"),
        status: Some(200),
        upstream: Some("http://127.0.0.1:9000"),
        upstream_status: Some(200),
        upstream_time: Some(Duration::from_micros(310)),
        total_time: Some(Duration::from_micros(400)),
        ..Record::new(at, Kind::Call, Outcome::Answered)
    }
}

/// Makes the index from nothing, on one thread.
fn made(folder: &Path) -> Result<(), Box<dyn Error>> {
    let place = folder.join("index");
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    let (index, clock) = (Index::open(folder), Clock::system());
    let started = clock.elapsed();
    while index.advance(u64::MAX)? {}
    let time = clock.elapsed().saturating_sub(started);
    let records = index.find(&ask(&Filter::default(), 1))?.reached;
    let rate = as_float(records) / time.as_secs_f64();
    let size = megabytes(&place)?;
    println!("index of {size} MB for {records} records made with {rate:.0} records/s");
    held(rate >= RECORDS_PER_SECOND, "the index is made too slowly")
}

fn ask(filter: &Filter, max: usize) -> Question {
    let order = Order::NewestFirst;
    Question { filter: filter.clone(), order, cursor: None, max, reached: u64::MAX }
}

/// How long an answer took, in milliseconds.
struct Asked {
    found: usize,
    /// With no part of the index in memory.
    first: f64,
    again: f64,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { found, first, again } = self;
        write!(f, "{found} found: {first:.1} ms at first, {again:.1} ms then")
    }
}

/// Asks once with no part of the index in memory, and then again.
fn asked(folder: &Path, filter: &Filter, max: usize) -> Result<Asked, Box<dyn Error>> {
    let (index, clock) = (Index::open(folder), Clock::system());
    let answer = || -> Result<(f64, usize), Box<dyn Error>> {
        let started = clock.elapsed();
        let page = index.find(&ask(filter, max))?;
        let time = clock.elapsed().saturating_sub(started);
        Ok((time.as_secs_f64() * 1e3, page.records.len()))
    };
    let (first, found) = answer()?;
    let mut again = 0.0;
    for _ in 0..AGAIN {
        again += answer()?.0;
    }
    Ok(Asked { found, first, again: again / f64::from(AGAIN) })
}

/// What the files in a folder take.
fn megabytes(folder: &Path) -> Result<u64, Box<dyn Error>> {
    let mut bytes = 0_u64;
    for entry in fs::read_dir(folder)? {
        bytes = bytes.saturating_add(entry?.metadata()?.len());
    }
    Ok(bytes >> 20)
}

#[expect(clippy::cast_precision_loss, reason = "a figure is told roughly")]
fn as_float(count: u64) -> f64 {
    count as f64
}
