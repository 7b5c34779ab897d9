//! What is revoked, disabled or stopped gets nobody in any more: on both replicas and both surfaces, while
//! others call, and while replicas are killed.

use std::{
    net::{Ipv4Addr, SocketAddr},
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

use super::{
    Done,
    client::Answer,
    connection::Connection,
    door::Door,
    load::{CALLS_PER_SECOND, Load},
    property::Setting,
    site::{PATIENCE, Site, Worst, is_refused, wait_for},
    victims::{self, SORTS, Victim},
    world,
};
use crate::run;

/// So many refusals in a row, and it is over.
const REFUSALS: usize = 3;
/// Between two calls of a victim.
const PACE: Duration = Duration::from_millis(1);
/// Between two rounds: the calls of others catch up with what the changes cost.
const BETWEEN: Duration = Duration::from_millis(250);
/// The same where their rate is not judged.
const BETWEEN_QUICK: Duration = Duration::from_millis(50);
/// A replica is killed in one of so many rounds: in those of each sort in turn, as the sorts are no
/// multiple of it.
const KILL_EVERY: usize = 5;
/// How soon a door that was started can tell whoever it is asked about.
const JUDGES_WITHIN: Duration = Duration::from_secs(10);
/// So long after the last round all are asked again: last uses and what is used of quotas are written
/// every five seconds, and nothing that is written late may bring anybody back.
const LATER: Duration = Duration::from_secs(11);

/// The first of the addresses of this machine from which that is done: 127.2.0.1.
const ELSEWHERE: u32 = 0x7f02_0001;

/// What others call.
const OPERATION: &str = "/shop/orders/1";

pub(super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let mut site = Site::start(setting, if setting.is_full { 100 } else { 3 })?;
    let [first, _] = &site.doors;
    let bystander = world::issue(&first.client(&site.operator), "app/default")?;
    // What is new at one replica may take a moment to be known at the other.
    let is_in = |it: &Door| {
        let answer = it.caller(&bystander).send("GET", OPERATION, &json!(null));
        answer.is_ok_and(|it| it.status == 200)
    };
    wait_for(|| site.doors.iter().all(is_in)).context("the bystander never got in")?;
    let load = Load::new();
    let between = if setting.is_full { BETWEEN } else { BETWEEN_QUICK };
    let call = |it: &Door| (it.public, Arc::from(it.caller(&bystander).get_request(OPERATION)));
    let calls: Vec<(SocketAddr, Arc<str>)> = site.doors.iter().map(call).collect();
    let (worst, kills, asked) = thread::scope(|scope| {
        for (number, (address, request)) in calls.iter().enumerate() {
            load.start(scope, number, *address, || Arc::clone(request));
        }
        load.until_done(|| {
            let (worst, kills) = rounds(&mut site, &load, between)?;
            run::rest(LATER);
            anyhow::Ok((worst, kills, ask_again(&site.doors, &site.victims)?))
        })
    })?;
    let (calls, rate, failures) = load.told();
    ensure!(failures.is_empty(), "calls of others failed: {}", failures.join("; "));
    ensure!(
        !setting.is_full || rate >= 0.95 * CALLS_PER_SECOND,
        "the others called only {rate:.0} times a second"
    );
    let (slowest, by_sort) = worst.judged()?;
    Ok(Done::Held(format!(
        "{} revoked, disabled or stopped in {SORTS} ways, on 2 replicas and 2 surfaces; the last call that got in began {slowest:.0?} after the answer at most ({by_sort}); {kills} replicas killed; all {asked} that are out for good refused again {LATER:?} after the last one; {calls} calls of others meanwhile ({rate:.0}/s), 0 failed",
        site.victims.len(),
    )))
}

/// One after the other. The worst time by sort, and how many replicas were killed.
fn rounds(site: &mut Site, load: &Load, between: Duration) -> Result<(Worst, usize)> {
    let Site { doors, homes, operator, victims, .. } = site;
    let (mut worst, mut kills) = (Worst::default(), 0_usize);
    for (number, victim) in victims.iter().enumerate() {
        let late = round(doors, victims::door(number), operator, victim)
            .with_context(|| format!("{} {number}", victim.end.name()))?;
        worst.note(victim.end.name(), late);
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
            let answer = first_word(door, victim)?;
            ensure!(
                is_refused(&answer),
                "it is not refused after a restart: {}; the door said:\n{}",
                answer.text,
                door.said()
            );
        }
        let [first, _] = doors;
        victim.end.lift(first, operator)?;
        run::rest(between);
    }
    Ok((worst, kills))
}

/// What a door that has only just started says to who was put out. It lets nobody in whom it cannot judge yet
/// (503, while it makes its first connections to the store): then it is asked again.
fn first_word(door: &Door, victim: &Victim) -> Result<Answer> {
    let (caller, clock) = (door.caller(&victim.bearer), Clock::system());
    loop {
        let answer = caller.send("GET", &victim.path(1), &json!(null))?;
        if answer.status != 503 || clock.elapsed() > JUDGES_WITHIN {
            return Ok(answer);
        }
        run::rest(Duration::from_millis(50));
    }
}

/// Asks for all who were not let in again, at both doors and over both surfaces. How many they are.
fn ask_again(doors: &[Door; 2], victims: &[Victim]) -> Result<usize> {
    let out: Vec<_> = (0_u32..).zip(victims).filter(|(_, it)| !it.end.is_lifted()).collect();
    for (number, victim) in &out {
        for door in doors {
            // From an address each: so many wrong tokens of one would be slowed down, and not refused.
            let from = Ipv4Addr::from(ELSEWHERE.saturating_add(*number));
            let caller = door.caller(&victim.bearer).from(from);
            let over_rest = caller.send("GET", &victim.path(1), &json!(null))?;
            let as_tool = caller.call_tool(&victim.tool("get_order"), &json!({"id": 1}))?;
            for answer in [over_rest, as_tool] {
                let (name, Answer { status, text }) = (victim.end.name(), &answer);
                ensure!(is_refused(&answer), "{name} {number} is not out later: {status} {text}");
            }
        }
    }
    Ok(out.len())
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
        if !is_refused(&answer) {
            ensure!(answer.is_good(), "it was answered with {} {}", answer.status, answer.text);
            if last.is_none() {
                inside.fetch_add(1, Ordering::Release);
            }
            (last, refusals) = (Some(started), 0);
        } else {
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
