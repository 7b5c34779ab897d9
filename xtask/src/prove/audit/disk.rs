//! A disk that is full or fails, or descriptors that run out: what cannot be recorded is refused, and it goes
//! on by itself.

use std::{
    fs::{self, File, Permissions},
    io::{ErrorKind, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use model::Clock;
use serde_json::Value;

use super::{
    super::{Done, client::Client, door::Door, property::Setting},
    fault::Mark,
    ledger::Ledger,
    site::Site,
    traffic::Traffic,
};
use crate::run;

/// How long a fault may take to show: a segment has to be full first.
const PATIENCE: Duration = Duration::from_secs(60);
/// What was under way when it showed is through by then.
const SETTLED: Duration = Duration::from_millis(300);
/// How long it is looked at.
const OBSERVED: Duration = Duration::from_millis(500);
/// It serves again within this time.
const RESUMED: Duration = Duration::from_secs(1);
/// A disk for a log of segments of 1 MiB, which is full of something else before it is full of that.
const TMPFS: &str = "64m";

/// So many descriptors a door has that is to run out of them, and so many connections try for that.
const DESCRIPTORS: usize = 256;
/// They say nothing for longer than they are needed.
const PATIENT: &str = "[listen]\nheader_timeout = \"120s\"\n";
/// A connection to this machine is there within this time, or there is no room for it.
const AT_ONCE: Duration = Duration::from_millis(20);

const WRITE: Mark = Mark { call: "write", part: "/audit/0", most: 1 };
const SYNC: Mark = Mark { call: "sync", part: "/audit/0", most: 1 };
const OPEN: Mark = Mark { call: "open", part: "/audit/0", most: 1 };
/// Errnos of Linux: input or output, no room, read-only, no descriptor left.
const FAULTS: [(&str, Mark, &str); 6] = [
    ("EIO at a sync", SYNC, "5"),
    ("EIO at a write", WRITE, "5"),
    ("ENOSPC at a write", WRITE, "28"),
    ("ENOSPC in the middle of a write", WRITE, "half"),
    ("EROFS at a new segment", OPEN, "30"),
    ("EMFILE at a new segment", OPEN, "24"),
];

/// A door in trouble.
struct Run {
    site: Site,
    door: Door,
    /// Where its log is to be found.
    log: PathBuf,
    traffic: Traffic,
    ledger: Ledger,
    slowest: Duration,
}

/// What came of one or more of them.
#[derive(Debug, Default)]
struct Tally {
    answered: u64,
    unrecorded: u64,
    slowest: Duration,
    /// What was said of each log.
    logs: Vec<String>,
}

pub(in super::super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let rounds = if setting.is_full { 20 } else { 1 };
    let of = |name: &str| -> Result<Site> {
        let folder = &setting.folder.join(name);
        fs::create_dir(folder)?;
        Site::make(&Setting { folder, ..*setting })
    };
    let mut failing = Run::start(of("failing")?, None)?;
    for _ in 0..rounds {
        for (what, mark, effect) in FAULTS {
            failing.trouble_by_fault(mark, effect).with_context(|| what.to_owned())?;
        }
    }
    let mut full = Tally::default();
    for round in 0..rounds {
        // A log and a disk of its own: each round fills at least a segment, and nothing of it goes.
        let site = of(&format!("full-{round}"))?;
        let mount = mounted(&site)?;
        let mut run = Run::start(site, Some(&mount))?;
        run.trouble_by_full_disk().with_context(|| format!("full disk {round}"))?;
        full.add(run.end()?);
    }
    let starved = starve(of("starved")?, rounds)?.told();
    let (failing, full) = (failing.end()?.told(), full.told());
    let kinds = FAULTS.map(|it| it.0).join(", ");
    Ok(Done::Held(format!(
        "{rounds} of each: {kinds}: {failing}; full tmpfs of {TMPFS}: {full}; no descriptor left of \
         {DESCRIPTORS}: {starved}"
    )))
}

/// Has connections take the descriptors of a door, so many times. What it went through.
fn starve(site: Site, rounds: usize) -> Result<Tally> {
    site.configure(PATIENT)?;
    let program = limited(&site)?;
    let mut run = Run::start(site, Some(&program))?;
    run.ledger.is_starved = true;
    for _ in 0..rounds {
        run.trouble_by_connections().context("no descriptor left")?;
    }
    run.end()
}

impl Tally {
    fn add(&mut self, other: Self) {
        let Self { answered, unrecorded, slowest, logs } = other;
        self.answered = self.answered.saturating_add(answered);
        self.unrecorded = self.unrecorded.saturating_add(unrecorded);
        self.slowest = self.slowest.max(slowest);
        self.logs.extend(logs);
    }

    fn told(&self) -> String {
        let Self { answered, unrecorded, slowest, logs } = self;
        let logs = match &**logs {
            [log] => format!("the log: {log}"),
            all => format!("{} logs, each whole", all.len()),
        };
        format!(
            "{unrecorded} calls refused, none of them forwarded and unrecorded; {answered} answered, \
             served again after {slowest:.0?} at most; {logs}"
        )
    }
}

/// A program that runs the door with its log on a small disk of its own.
fn mounted(site: &Site) -> Result<PathBuf> {
    let (program, log) = (site.home.program.display(), site.log());
    let log = log.display();
    // Gone with the process, since nobody else sees it.
    let inner =
        format!("mount -t tmpfs -o size={TMPFS},mode=700 none \"{log}\" && exec \"$0\" \"$@\"");
    script(
        site,
        &format!("exec unshare --mount --map-root-user sh -c '{inner}' \"{program}\" \"$@\""),
    )
}

/// A program that runs the door with few descriptors.
fn limited(site: &Site) -> Result<PathBuf> {
    let program = site.home.program.display();
    script(site, &format!("ulimit -n {DESCRIPTORS} && exec \"{program}\" \"$@\""))
}

/// A program that is one line of a shell.
fn script(site: &Site, line: &str) -> Result<PathBuf> {
    let path = site.home.data.with_extension("sh");
    fs::write(&path, format!("#!/bin/sh\n{line}\n"))?;
    fs::set_permissions(&path, Permissions::from_mode(0o700))?;
    Ok(path)
}

impl Run {
    fn start(mut site: Site, program: Option<&Path>) -> Result<Self> {
        if let Some(program) = program {
            program.clone_into(&mut site.home.program);
        }
        let door = site.home.serve()?;
        let log = match program {
            Some(_) => seen_by(&door, &site.log()),
            None => site.log(),
        };
        let (traffic, ledger) = (Traffic::new(), Ledger::default());
        Ok(Self { site, door, log, traffic, ledger, slowest: Duration::ZERO })
    }

    fn trouble_by_fault(&mut self, mark: Mark, effect: &str) -> Result<()> {
        let set = |it: &Self| it.site.fault.set(mark, 1, effect);
        let clear = |it: &Self, ()| it.site.fault.clear();
        self.trouble(set, clear)
    }

    fn trouble_by_full_disk(&mut self) -> Result<()> {
        let filler = self.log.join("filler");
        self.trouble(|_| fill(&filler), |_, ()| Ok(fs::remove_file(&filler)?))
    }

    fn trouble_by_connections(&mut self) -> Result<()> {
        let close = |_: &Self, idle: Vec<TcpStream>| {
            drop(idle);
            Ok(())
        };
        self.trouble(|it| take_descriptors(&it.door), close)
    }

    /// What is begun is ended with what that gave.
    fn trouble<T>(
        &mut self,
        begin: impl FnOnce(&Self) -> Result<T>,
        end: impl FnOnce(&Self, T) -> Result<()>,
    ) -> Result<()> {
        let this = &*self;
        let client = this.door.caller(&this.site.callers.app);
        let (callers, address) = (&this.site.callers, this.door.public);
        let (targets, after) = this.traffic.during(callers, address, || {
            run::rest(OBSERVED);
            let begun = begin(this)?;
            until_refused(&this.traffic)?;
            run::rest(SETTLED);
            let before = this.site.upstream.take_targets();
            run::rest(OBSERVED);
            let meanwhile = this.site.upstream.take_targets();
            end(this, begun)?;
            // A descriptor that comes free is one for the log, too: what is recorded then may go on.
            ensure!(
                meanwhile.is_empty() || this.ledger.is_starved,
                "{} calls were forwarded meanwhile",
                meanwhile.len()
            );
            let after = until(&client, 200, PATIENCE).context("it did not go on")?;
            run::rest(OBSERVED);
            Ok(([before, meanwhile].concat(), after))
        })?;
        ensure!(after < RESUMED, "it went on after {after:.0?}");
        self.slowest = self.slowest.max(after);
        let targets = [targets, self.site.upstream.take_targets()].concat();
        self.ledger.read(&self.log)?;
        self.ledger.judge_answers(&self.traffic.take_answers(), self.traffic.last())?;
        self.ledger.judge_forwarded(&targets)
    }

    /// Ends the door. What it went through.
    fn end(mut self) -> Result<Tally> {
        let client = self.door.caller(&self.site.callers.app);
        until(&client, 200, RESUMED).context("it is in trouble at its end")?;
        self.ledger.read(&self.log)?;
        self.ledger.judge_end()?;
        let logs = vec![self.site.verify_at(&self.log)?];
        let Ledger { answered, forwarded, unrecorded, .. } = self.ledger;
        let [answered, forwarded] = [answered, forwarded].map(|it| it.values().sum::<u64>());
        ensure!(answered > 0 && forwarded > 0 && unrecorded > 0, "nothing was refused or answered");
        Ok(Tally { answered, unrecorded, slowest: self.slowest, logs })
    }
}

/// A folder as a process sees it.
fn seen_by(door: &Door, folder: &Path) -> PathBuf {
    let mut path = PathBuf::from(format!("/proc/{}/root", door.process()));
    path.extend(folder.components().skip(1));
    path
}

/// Takes all the room that is left.
fn fill(path: &Path) -> Result<()> {
    let mut file = File::create(path).with_context(|| path.display().to_string())?;
    let zeros = [0; 4096];
    loop {
        match file.write_all(&zeros) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
            Err(error) => bail!("the disk cannot be filled: {error}"),
        }
    }
}

/// Opens connections that say nothing, until the door cannot take another one. At once: whoever calls
/// meanwhile should keep the connection that they have.
fn take_descriptors(door: &Door) -> Result<Vec<TcpStream>> {
    let (clock, open) = (Clock::system(), format!("/proc/{}/fd", door.process()));
    let mut idle = Vec::new();
    loop {
        // Also where some found no room: those that were taken since have made it.
        let more =
            (idle.len()..DESCRIPTORS).map(|_| TcpStream::connect_timeout(&door.public, AT_ONCE));
        idle.extend(more.flatten());
        if fs::read_dir(&open)?.count() >= DESCRIPTORS {
            return Ok(idle);
        }
        ensure!(clock.elapsed() < PATIENCE, "it has descriptors left");
        run::rest(Duration::from_millis(5));
    }
}

/// Waits until a call is refused since it cannot be recorded.
fn until_refused(traffic: &Traffic) -> Result<()> {
    let (clock, before) = (Clock::system(), traffic.unrecorded());
    while traffic.unrecorded() == before {
        ensure!(clock.elapsed() < PATIENCE, "nothing was refused");
        run::rest(Duration::from_millis(5));
    }
    Ok(())
}

/// Calls until the answer has this status; how long that took.
fn until(client: &Client, status: u16, patience: Duration) -> Result<Duration> {
    let clock = Clock::system();
    while clock.elapsed() < patience {
        let answer = client.send("PUT", "/shop/orders/0", &Value::Null);
        if answer.is_ok_and(|it| it.status == status) {
            return Ok(clock.elapsed());
        }
        run::rest(Duration::from_millis(5));
    }
    bail!("no {status} within {patience:?}")
}
