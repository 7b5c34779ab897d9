//! What is revoked, disabled or stopped gets nobody in any more: on both replicas and both surfaces, while
//! others call, and while replicas are killed.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, ensure};
use model::Clock;
use serde_json::json;
use testkit::Postgres;

use super::{
    Done,
    connection::Connection,
    door::{Door, Home},
    load::{CALLS_PER_SECOND, Load},
    property::Setting,
    upstream::Upstream,
    victims::{self, AUDIENCE, SORTS, Victim},
    world,
};
use crate::run;

/// The last call that gets in begins within this time of the answer.
const TARGET: Duration = Duration::from_secs(1);
/// How long it is waited for before it counts as never.
const PATIENCE: Duration = Duration::from_secs(10);
/// So many refusals in a row, and it is over.
const REFUSALS: usize = 3;
/// Between two calls of a victim.
const PACE: Duration = Duration::from_millis(1);
/// A replica is killed in one of so many rounds.
const KILL_EVERY: usize = 5;

/// What others call.
const OPERATION: &str = "/shop/orders/1";

pub(super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let of_each = if setting.is_full { 100 } else { 3 };
    let (postgres, upstream) = (Postgres::start(), Upstream::start()?);
    let mut home = Home::new(setting.program, setting.folder.join("one"));
    home.store = Some(postgres.url().to_owned());
    home.config = Some(setting.folder.join("onedoor.toml"));
    std::fs::write(
        setting.folder.join("onedoor.toml"),
        format!("[listen]\npublic_url = \"{AUDIENCE}\"\nallowed_hosts = [\"127.0.0.1\"]\n"),
    )?;
    let (homes, mut doors, operator) = home.pair()?;
    let [first, _] = &doors;
    let manager = first.client(&operator);
    world::apply(&manager, &victims::world(&upstream))?;
    world::set_secret(&manager, "stock-key", "the-first-value")?;
    let bystander = world::issue(&manager, "app/default")?;
    let victims = victims::prepare(setting.program, first, &manager, of_each)?;

    let load = Load::new();
    let call = |it: &Door| (it.public, Arc::from(it.caller(&bystander).get_request(OPERATION)));
    let calls: Vec<(SocketAddr, Arc<str>)> = doors.iter().map(call).collect();
    let (worst, kills) = thread::scope(|scope| {
        for (number, (address, request)) in calls.iter().enumerate() {
            load.start(scope, number, *address, || Arc::clone(request));
        }
        let outcome = rounds(&homes, &mut doors, &operator, &victims, &load);
        load.stop();
        outcome
    })?;
    let (calls, rate, failures) = load.told();
    ensure!(failures.is_empty(), "calls of others failed: {}", failures.join("; "));
    ensure!(
        !setting.is_full || rate >= 0.95 * CALLS_PER_SECOND,
        "the others called only {rate:.0} times a second"
    );
    let slowest = worst.values().max().copied().unwrap_or_default();
    let by_sort: Vec<_> = worst.iter().map(|(sort, time)| format!("{sort} {time:.0?}")).collect();
    ensure!(slowest < TARGET, "the last call that got in began later: {}", by_sort.join(", "));
    Ok(Done::Held(format!(
        "{} revoked, disabled or stopped in {SORTS} ways, on 2 replicas and 2 surfaces; the last call that got in began {slowest:.0?} after the answer at most ({}); {kills} replicas killed; {calls} calls of others meanwhile ({rate:.0}/s), 0 failed",
        victims.len(),
        by_sort.join(", ")
    )))
}

/// One after the other. The worst time by sort, and how many replicas were killed.
fn rounds(
    homes: &[Home; 2],
    doors: &mut [Door; 2],
    operator: &str,
    victims: &[Victim],
    load: &Load,
) -> Result<(BTreeMap<&'static str, Duration>, usize)> {
    let (mut worst, mut kills) = (BTreeMap::new(), 0_usize);
    for (number, victim) in victims.iter().enumerate() {
        let late = round(doors, number % 2, operator, victim)
            .with_context(|| format!("{} {number}", victim.end.name()))?;
        let slowest = worst.entry(victim.end.name()).or_insert(Duration::ZERO);
        *slowest = late.max(*slowest);
        if number % KILL_EVERY == KILL_EVERY - 1 {
            // Alternately the one where it was revoked, and the other.
            let which = kills % 2;
            let (Some(home), Some(door)) = (homes.get(which), doors.get_mut(which)) else {
                continue;
            };
            load.while_gone(which, || {
                door.kill()?;
                *door = home.serve()?;
                Ok(())
            })?;
            kills = kills.saturating_add(1);
            let caller = door.caller(&victim.bearer);
            let answer = caller.send("GET", &victim.path(1), &json!(null))?;
            ensure!(is_refusal(answer.status), "it gets in after a restart: {}", answer.text);
        }
        let [first, _] = doors;
        victim.end.lift(first, operator)?;
    }
    Ok((worst, kills))
}

/// Puts the victim out while it calls in all ways. How long after the answer a call that got in began.
fn round(doors: &[Door; 2], at: usize, operator: &str, victim: &Victim) -> Result<Duration> {
    let (clock, answered, inside) = (Clock::system(), OnceLock::new(), AtomicUsize::new(0));
    let ways: Vec<_> = doors.iter().flat_map(|door| ways(door, victim)).collect();
    thread::scope(|scope| {
        let callers: Vec<_> = ways
            .iter()
            .map(|(address, request)| {
                let (clock, told) = (&clock, (&inside, &answered));
                let connection = Connection::new(*address);
                scope.spawn(move || call_until_refused(connection, request, clock, told))
            })
            .collect();
        let done = wait_for(|| inside.load(Ordering::Acquire) == callers.len())
            .context("it never got in everywhere")
            .and_then(|()| {
                let door = doors.get(at).context("there are two doors")?;
                victim.end.carry_out(door, operator)
            });
        // Told in any case: callers wait for it.
        let _ = answered.set(clock.elapsed());
        let ended =
            callers.into_iter().map(|it| it.join().map_err(|_| anyhow!("a caller panicked"))?);
        let ended: Result<Vec<_>> = ended.collect();
        match (done, ended) {
            (Ok(()), Ok(ended)) => Ok(ended.into_iter().max().unwrap_or_default()),
            (Err(why), Err(caller)) => Err(why.context(format!("{caller:#}"))),
            (Err(why), Ok(_)) | (Ok(()), Err(why)) => Err(why),
        }
    })
}

/// The requests that the victim makes of a door: one over each surface.
fn ways(door: &Door, victim: &Victim) -> [(SocketAddr, String); 2] {
    let caller = door.caller(&victim.bearer);
    let tool = victim.tool("get_order");
    [caller.get_request(&victim.path(1)), caller.tool_request(&tool, &json!({"id": 1}))]
        .map(|request| (door.public, request))
}

/// How long after the answer the last call that got in began.
fn call_until_refused(
    mut connection: Connection,
    request: &str,
    clock: &Clock,
    (inside, answered): (&AtomicUsize, &OnceLock<Duration>),
) -> Result<Duration> {
    let (mut last, mut refusals) = (None, 0_usize);
    loop {
        let started = clock.elapsed();
        let answer = connection.answer(request)?;
        // A tool call may be refused in the words of JSON-RPC alone.
        if answer.status == 200 && answer.json().get("error").is_none() {
            if last.is_none() {
                inside.fetch_add(1, Ordering::Release);
            }
            (last, refusals) = (Some(started), 0);
        } else {
            let is_refused = answer.status == 200 || is_refusal(answer.status);
            ensure!(is_refused, "it was answered with {} {}", answer.status, answer.text);
            refusals = refusals.saturating_add(1);
        }
        if let Some(answered) = answered.get() {
            if refusals >= REFUSALS {
                return Ok(last.unwrap_or_default().saturating_sub(*answered));
            }
            ensure!(started.saturating_sub(*answered) < PATIENCE, "it still gets in");
        }
        run::rest(PACE);
    }
}

fn is_refusal(status: u16) -> bool {
    matches!(status, 401 | 403)
}

fn wait_for(is_so: impl Fn() -> bool) -> Result<()> {
    let clock = Clock::system();
    while !is_so() {
        ensure!(clock.elapsed() < PATIENCE, "not within {PATIENCE:?}");
        run::rest(Duration::from_millis(1));
    }
    Ok(())
}
