//! The import of a large description that others wrote: how long it takes, and how much memory.

use std::{fs, process::Stdio, time::Duration};

use anyhow::{Context as _, Result, ensure};
use model::Clock;

use super::{Done, property::Setting};
use crate::{run, workspace::Workspace};

/// GitHub's whole description, which `cargo xtask test` fetches.
const FILE: &str = "node_modules/@octokit/openapi/generated/api.github.com.json";

const TIME_TARGET: Duration = Duration::from_secs(5);
const MEMORY_TARGET_MB: u64 = 500;
/// How often the peak of a process is read that may end at any moment.
const GLANCE: Duration = Duration::from_millis(1);

pub(super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let file = Workspace::read(".".as_ref())?.root.join(FILE);
    let size = fs::metadata(&file)
        .with_context(|| format!("{}: run `cargo xtask test` first", file.display()))?
        .len();
    let out = fs::File::create(setting.folder.join("out"))?;
    let mut import = run::program(setting.program, setting.folder);
    import.arg("import").arg(&file);
    import.args(["--collection", "github", "--upstream", "http://127.0.0.1:9"]);
    let clock = Clock::system();
    let mut child = import.stdout(out).stderr(Stdio::inherit()).spawn()?;
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let status = loop {
        peak = fs::read_to_string(&status_file).ok().and_then(|it| peak_mb(&it)).unwrap_or(peak);
        if let Some(status) = child.try_wait()? {
            break status;
        }
        run::rest(GLANCE);
    };
    let time = clock.elapsed();
    ensure!(status.success(), "the import ends with {status}");
    let printed = fs::read_to_string(setting.folder.join("out"))?;
    let operations = printed.lines().find(|it| it.ends_with(" operations"));
    let operations = operations.context("the import tells no number of operations")?;
    let figure = format!("{operations} of {} MB: {time:.1?}, {peak} MB at most", size / 1_000_000);
    ensure!(peak > size / 1_000_000, "{figure}: the document alone is larger");
    ensure!(time < TIME_TARGET, "{figure}; it must take less than {TIME_TARGET:?}");
    ensure!(peak < MEMORY_TARGET_MB, "{figure}; it must take less than {MEMORY_TARGET_MB} MB");
    Ok(Done::Held(figure))
}

/// The most memory that a process held so far, from what the system tells of it.
fn peak_mb(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib.saturating_mul(1_024) / 1_000_000)
}
