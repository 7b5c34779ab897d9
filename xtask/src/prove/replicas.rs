//! Two processes on one PostgreSQL: what is changed on one is in force on the other, and no call fails.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Result, ensure};
use model::Clock;
use serde_json::Value;
use testkit::Postgres;

use super::{
    Done,
    client::Client,
    door::{Door, Home},
    property::Setting,
    upstream::Upstream,
    world,
};
use crate::run;

/// A change must be in force on the other replica within this time.
const TARGET: Duration = Duration::from_secs(1);
/// How long it is waited for before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two calls of one flow: it is to flow, and not to take the machine away from the doors.
const PACE: Duration = Duration::from_millis(2);
/// Most failures that are told.
const TOLD_MAX: usize = 3;

/// Calls that flow while things change.
#[derive(Debug, Default)]
struct Flow {
    is_over: AtomicBool,
    calls: AtomicU64,
    failures: Mutex<Vec<String>>,
}

pub(super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let changes = if setting.is_full { 200 } else { 20 };
    let (postgres, upstream) = (Postgres::start(), Upstream::start()?);
    let mut home = Home::new(setting.program, setting.folder.join("one"));
    home.store = Some(postgres.url().to_owned());
    let first_key = home.init()?;
    let other = home.copy(setting.folder.join("other"))?;
    let doors = [home.serve()?, other.serve()?];
    let [one, _] = &doors;
    let client = one.client(&first_key);
    world::apply(&client, &files(&upstream))?;
    world::set_secret(&client, "stock-key", "the-first-value")?;
    let key = world::issue(&client, "app/default")?;
    for door in &doors {
        in_force(&door.caller(&key), "shop", 200)?;
    }
    let flow = Flow::default();
    let mut times = thread::scope(|scope| {
        for door in &doors {
            let caller = door.caller(&key);
            let flow = &flow;
            scope.spawn(move || flow.run(&caller));
        }
        let times = change(&doors, &first_key, &key, changes);
        flow.is_over.store(true, Ordering::Relaxed);
        times
    })?;
    times.sort_unstable();
    let (worst, median) = (times.last(), times.get(times.len() / 2));
    let (worst, median) = (worst.copied().unwrap_or(PATIENCE), median.copied().unwrap_or(PATIENCE));
    let calls = flow.calls.load(Ordering::Relaxed);
    let failures = flow.failures.lock().unwrap_or_else(PoisonError::into_inner);
    ensure!(failures.is_empty(), "calls failed: {}", failures.join("; "));
    ensure!(worst <= TARGET, "a change took {worst:.0?} to be in force on the other replica");
    Ok(Done::Held(format!(
        "{changes} changes in force on the other after {median:.0?} (median), {worst:.0?} (worst); {calls} calls meanwhile, 0 failed"
    )))
}

/// With one more collection that can be turned on and off.
fn files(upstream: &Upstream) -> BTreeMap<String, String> {
    let mut files = world::files(upstream.address);
    let flip = files.get("collections/flip.yaml").cloned().unwrap_or_default();
    files.insert("collections/flop.yaml".to_owned(), flip);
    let reader = files.entry("roles/reader.yaml".to_owned()).or_default();
    reader.push_str("  - operations: [\"flop:*\"]\n");
    files
}

/// Changes on one and looks at the other, in turns.
fn change(doors: &[Door; 2], admin: &str, key: &str, changes: usize) -> Result<Vec<Duration>> {
    let [one, other] = doors;
    let mut times = Vec::new();
    for number in 0..changes {
        let (here, there) = if number % 2 == 0 { (one, other) } else { (other, one) };
        let (verb, status) = if number % 4 < 2 { ("unpublish", 404) } else { ("publish", 200) };
        // Two in a row do the same, so that each way is gone by both replicas.
        let collection = if number % 2 == 0 { "flip" } else { "flop" };
        let path = format!("/collections/{collection}/{verb}");
        here.client(admin).manage("POST", &path, &Value::Null)?.done(verb)?;
        times.push(in_force(&there.caller(key), collection, status)?);
    }
    Ok(times)
}

/// How long it takes until a call of the collection is answered with this status.
fn in_force(caller: &Client, collection: &str, status: u16) -> Result<Duration> {
    let clock = Clock::system();
    loop {
        let answer = caller.send("GET", &format!("/{collection}/orders/1"), &Value::Null)?;
        if answer.status == status {
            return Ok(clock.elapsed());
        }
        let last = answer.text;
        ensure!(clock.elapsed() < PATIENCE, "{collection} never answers {status}: {last}");
        run::rest(Duration::from_millis(2));
    }
}

impl Flow {
    fn run(&self, caller: &Client) {
        while !self.is_over.load(Ordering::Relaxed) {
            self.calls.fetch_add(1, Ordering::Relaxed);
            let failure = match caller.send("GET", "/shop/orders/1", &Value::Null) {
                Ok(answer) if answer.status == 200 => None,
                Ok(answer) => Some(format!("{} {}", answer.status, answer.text)),
                Err(error) => Some(format!("{error:#}")),
            };
            let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
            let has_room = failures.len() < TOLD_MAX;
            failures.extend(failure.filter(|_| has_room));
            drop(failures);
            run::rest(PACE);
        }
    }
}
