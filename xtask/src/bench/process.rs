//! A server that is measured: started on one core, counted by /proc, stopped at the end.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use model::Clock;

use crate::run;

/// How long a server may take until it listens, and until it is gone.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked whether it listens: a start is measured by that.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// So much of what a server said is shown when it does not start.
const COMPLAINT_LINES_MAX: usize = 20;

/// A running server.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    child: Child,
    /// Began when it was started.
    clock: Clock,
    /// Where what it says goes.
    log: PathBuf,
    ticks_per_second: f64,
}

/// What a server has used since it was started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    /// User and system time of all its processes and threads, in seconds.
    pub(super) cpu_seconds: f64,
    /// Memory that is resident now, in KiB.
    pub(super) resident_kib: u64,
}

/// A program pinned to one core.
pub(super) fn on_core(core: usize, program: &Path) -> Command {
    let mut command = run::program("taskset", Path::new("/"));
    command.arg("--cpu-list").arg(core.to_string()).arg(program);
    command
}

impl Server {
    /// Starts it and waits until it listens on `address`. What it says goes to `log`.
    pub(super) fn start(command: &mut Command, address: SocketAddr, log: &Path) -> Result<Self> {
        drop(File::create(log).with_context(|| log.display().to_string())?);
        // Behind what is there: so it can be emptied while the server writes.
        let output = File::options().append(true).open(log)?;
        let ticks = run::output(run::program("getconf", Path::new("/")).arg("CLK_TCK"))?;
        let ticks_per_second = ticks.trim().parse().context("getconf CLK_TCK")?;
        command.stdout(output.try_clone()?).stderr(output).stdin(Stdio::null());
        let clock = Clock::system();
        let child = command.spawn().context("a server cannot be started")?;
        let mut server = Self { address, child, clock, log: log.to_owned(), ticks_per_second };
        if let Err(error) = server.wait_until_it_listens() {
            let said = fs::read_to_string(log).unwrap_or_default();
            let lines: Vec<_> = said.lines().take(COMPLAINT_LINES_MAX).collect();
            bail!("{error}; it said:\n{}", lines.join("\n"));
        }
        Ok(server)
    }

    fn wait_until_it_listens(&mut self) -> Result<()> {
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server for {} ended at once ({status})", self.address);
            }
            if self.since_start() > PATIENCE {
                bail!("no server on {} after {} s", self.address, PATIENCE.as_secs());
            }
            run::rest(LOOK_EVERY);
        }
        Ok(())
    }

    /// How long ago it was started.
    pub(super) fn since_start(&self) -> Duration {
        self.clock.elapsed()
    }

    /// Empties the file of what it said: some write a record of each call there.
    pub(super) fn forget(&self) -> Result<()> {
        File::create(&self.log).map(drop).with_context(|| self.log.display().to_string())
    }

    /// What it has used so far, its children included.
    pub(super) fn usage(&self) -> Result<Usage> {
        let mut usage = Usage { cpu_seconds: 0.0, resident_kib: 0 };
        let mut processes = vec![self.child.id()];
        while let Some(process) = processes.pop() {
            usage.cpu_seconds += ticks(process)? / self.ticks_per_second;
            usage.resident_kib = usage.resident_kib.saturating_add(resident_kib(process)?);
            let children = read(process, &format!("task/{process}/children"))?;
            processes.extend(children.split_whitespace().filter_map(|it| it.parse::<u32>().ok()));
        }
        Ok(usage)
    }
}

impl Server {
    /// Ends it, and fails where it does not end by itself when asked.
    pub(super) fn end(mut self) -> Result<()> {
        ensure!(self.is_gone_when_asked(), "the server for {} did not end", self.address);
        Ok(())
    }

    /// A polite end: nginx's parent must take its worker along.
    fn is_gone_when_asked(&mut self) -> bool {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return true;
        }
        let id = self.child.id().to_string();
        let asked = run::output(run::program("kill", Path::new("/")).args(["-TERM", &id]));
        asked.is_ok() && matches!(run::wait(&mut self.child, PATIENCE), Ok(Some(_)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.is_gone_when_asked() {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// User and system time in clock ticks (proc(5), fields 14 and 15 of stat).
fn ticks(process: u32) -> Result<f64> {
    let stat = read(process, "stat")?;
    // The second field is the program's name in brackets, and may hold anything.
    let (_, fields) = stat.rsplit_once(')').context("stat has another form")?;
    let times = fields.split_whitespace().skip(11).take(2);
    let times = times.map(|it| it.parse::<f64>().context("stat has another form"));
    Ok(times.collect::<Result<Vec<_>>>()?.iter().sum())
}

fn resident_kib(process: u32) -> Result<u64> {
    let status = read(process, "status")?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let number = line.split_whitespace().next().unwrap_or_default();
    number.parse().context("VmRSS has another form")
}

fn read(process: u32, file: &str) -> Result<String> {
    let path = format!("/proc/{process}/{file}");
    fs::read_to_string(&path).with_context(|| format!("{path}: is the server gone?"))
}
