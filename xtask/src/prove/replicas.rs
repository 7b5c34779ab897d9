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

/// A change must be in force on the replica that made it within this time, from the call on.
const OWN_TARGET: Duration = Duration::from_millis(200);
/// And on the other one within this time, from its answer on.
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
    let (_, doors, first_key) = home.pair()?;
    let [one, _] = &doors;
    let client = one.client(&first_key);
    world::apply(&client, &files(&upstream))?;
    world::set_secret(&client, "stock-key", "the-first-value")?;
    let key = world::issue(&client, "app/default")?;
    for door in &doors {
        in_force(&door.caller(&key), "shop", 200)?;
    }
    let flow = Flow::default();
    let (own, others) = thread::scope(|scope| {
        for door in &doors {
            let caller = door.caller(&key);
            let flow = &flow;
            scope.spawn(move || flow.run(&caller));
        }
        let times = change(&doors, &first_key, &key, changes);
        flow.is_over.store(true, Ordering::Relaxed);
        times
    })?;
    let ((own, own_worst), (other, worst)) = (summed(own), summed(others));
    let calls = flow.calls.load(Ordering::Relaxed);
    let failures = flow.failures.lock().unwrap_or_else(PoisonError::into_inner);
    ensure!(failures.is_empty(), "calls failed: {}", failures.join("; "));
    ensure!(worst <= TARGET, "a change took {worst:.0?} to be in force on the other replica");
    // On a debug build it is told, and not judged.
    ensure!(
        !setting.is_full || own_worst <= OWN_TARGET,
        "a change took {own_worst:.0?} to be in force where it was made"
    );
    Ok(Done::Held(format!(
        "{changes} changes in force where they were made after {own:.0?} (median), {own_worst:.0?} (worst), on the other after {other:.0?} (median), {worst:.0?} (worst) more; {calls} calls meanwhile, 0 failed"
    )))
}

/// The median and the worst.
fn summed(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    let worst = times.last().copied().unwrap_or(PATIENCE);
    (times.get(times.len() / 2).copied().unwrap_or(worst), worst)
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

/// Changes on one, looks whether it is in force there, and then at the other, in turns.
fn change(
    doors: &[Door; 2],
    admin: &str,
    key: &str,
    changes: usize,
) -> Result<(Vec<Duration>, Vec<Duration>)> {
    let [one, other] = doors;
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for number in 0..changes {
        let (here, there) = if number % 2 == 0 { (one, other) } else { (other, one) };
        let (verb, status) = if number % 4 < 2 { ("unpublish", 404) } else { ("publish", 200) };
        // Two in a row do the same, so that each way is gone by both replicas.
        let collection = if number % 2 == 0 { "flip" } else { "flop" };
        let path = format!("/collections/{collection}/{verb}");
        let clock = Clock::system();
        here.client(admin).manage("POST", &path, &Value::Null)?.done(verb)?;
        // In force before it is answered.
        own.push(clock.elapsed());
        let answer = here.caller(key).send("GET", &call(collection), &Value::Null)?;
        ensure!(
            answer.status == status,
            "{verb} was answered and is not in force: {}",
            answer.text
        );
        others.push(in_force(&there.caller(key), collection, status)?);
    }
    Ok((own, others))
}

fn call(collection: &str) -> String {
    format!("/{collection}/orders/1")
}

/// How long it takes until a call of the collection is answered with this status.
fn in_force(caller: &Client, collection: &str, status: u16) -> Result<Duration> {
    let clock = Clock::system();
    loop {
        let answer = caller.send("GET", &call(collection), &Value::Null)?;
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
