//! What a record costs: the log by itself, beside a disk that does nothing else, and in a door under load.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};

use super::{
    super::{Done, property::Setting, world},
    site::{COLLECTION, Site},
    traffic::{CONNECTIONS, Traffic},
};
use crate::run;

/// The level that a collection says of itself. onedoor.toml has no word by which all would have it.
const STANDARD: &str = "standard";
/// That, and what onedoor.toml calls the others.
const LEVELS: [&str; 3] = [STANDARD, "by_effect", "strict"];
/// The thread of a door that syncs and signs its log.
const THREAD: &str = "audit";
/// Microseconds between two ticks of the clock that /proc counts in.
const TICK_US: u64 = 10_000;

pub(in super::super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let seconds = if setting.is_full { "10" } else { "2" };
    let mut example = run::program("cargo", Path::new("."));
    example.args(["run", "--quiet", "--locked", "--package", "audit", "--example", "cost"]);
    example.args(setting.is_full.then_some("--release")).arg("--").arg(setting.folder).arg(seconds);
    // By goals for a release build on a disk that nobody else uses.
    let printed = run::output(example.args(setting.is_full.then_some("judge")))?;
    let mut told: Vec<_> = printed.lines().map(str::to_owned).collect();
    for level in LEVELS {
        told.push(door(setting, level, Duration::from_secs(seconds.parse()?))?);
    }
    Ok(Done::Held(told.join("; ")))
}

/// What a door under load spends on its log at this level.
fn door(setting: &Setting<'_>, level: &str, time: Duration) -> Result<String> {
    let folder = &setting.folder.join(level);
    fs::create_dir(folder)?;
    let site = Site::make(&Setting { folder, ..*setting })?;
    let config = site.home.config.as_ref().context("it has a configuration")?;
    let said = if level == STANDARD { "by_effect" } else { level };
    fs::write(config, format!("[audit]\nlevel = \"{said}\"\n"))?;
    let (door, traffic) = (site.home.serve()?, Traffic::new());
    if level == STANDARD {
        let collection = format!("{COLLECTION}audit: {{level: {STANDARD}}}\n");
        let files = BTreeMap::from([("collections/shop.yaml".to_owned(), collection)]);
        world::apply(&door.client(&site.operator), &files)?;
    }
    let process = Path::new("/proc").join(door.process().to_string());
    let thread = thread(&process, THREAD)?;
    let before = (site.records()?, spent_us(&process)?, spent_us(&thread)?);
    traffic.during(&site.callers, door.public, || run::rest(time));
    let spent = spent_us(&process)?.saturating_sub(before.1);
    let by_log = spent_us(&thread)?.saturating_sub(before.2);
    let calls = traffic.take_answers().len();
    drop(door);
    let records = site.records()?.saturating_sub(before.0);
    ensure!(calls > 0 && records > 0, "nothing was called");
    let each = |it: u64| it.checked_div(records).unwrap_or_default();
    let rate = |it: u64| it.checked_div(time.as_secs()).unwrap_or_default();
    Ok(format!(
        "a door at {level}: {} calls/s of {CONNECTIONS} callers, {} records/s, {} us of CPU for each \
         record, {} of them in the thread of the log",
        rate(calls.try_into()?),
        rate(records),
        each(spent),
        each(by_log)
    ))
}

/// The thread of this name in a process of the door.
fn thread(process: &Path, name: &str) -> Result<PathBuf> {
    for task in fs::read_dir(process.join("task"))? {
        let path = task?.path();
        // One that has just ended has none.
        if fs::read_to_string(path.join("comm")).is_ok_and(|it| it.trim() == name) {
            return Ok(path);
        }
    }
    bail!("a door has no thread {name}")
}

/// User and system time so far of a process, or a thread, by its folder in /proc.
fn spent_us(folder: &Path) -> Result<u64> {
    let stat = fs::read_to_string(folder.join("stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("/proc/PID/stat has another form")?;
    let ticks: Result<Vec<u64>, _> =
        fields.split_whitespace().skip(11).take(2).map(str::parse).collect();
    Ok(ticks?.iter().sum::<u64>().saturating_mul(TICK_US))
}
