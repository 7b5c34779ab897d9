//! `cargo xtask test`: every check that a change must pass, with what it needs installed first.

mod step;

use std::{path::Path, time::Duration};

use anyhow::{Result, bail};
use clap::Args;
use model::Clock;

use crate::workspace::Workspace;
use step::{Done, Step};

/// Runs every check that a change must pass, and installs what they need.
///
/// Needs a Rust toolchain and a network that reaches crates.io, the registries of Python and npm,
/// and Debian's packages; tools go to `$HOME/.cache/onedoor` and are made once. The first failure
/// ends the run. `CARGO_TARGET_DIR`, where set, holds debug and release builds alike.
#[derive(Debug, Args)]
pub(crate) struct Command {
    /// Say what the steps are, and run none.
    #[arg(long)]
    list: bool,
    /// Run this step alone (may be given more than once).
    #[arg(long, value_name = "STEP")]
    only: Vec<Step>,
    /// Go on after a failure, and say at the end what failed.
    #[arg(long)]
    keep_going: bool,
}

impl Command {
    pub(crate) fn run(&self) -> Result<()> {
        if self.list {
            for step in Step::ALL {
                println!("{:<11} {}", step.name(), step.about());
            }
            return Ok(());
        }
        let is_chosen = |it: &Step| self.only.is_empty() || self.only.contains(it);
        let steps: Vec<_> = Step::ALL.into_iter().filter(is_chosen).collect();
        let root = Workspace::read(Path::new("."))?.root;
        self.run_steps(&steps, &root)
    }

    fn run_steps(&self, steps: &[Step], root: &Path) -> Result<()> {
        let clock = Clock::system();
        let mut tally = Tally::default();
        for (index, step) in steps.iter().enumerate() {
            println!("== {}/{} {}", index.saturating_add(1), steps.len(), step.name());
            let started = clock.elapsed();
            let result = step.run(root);
            let seconds = clock.elapsed().saturating_sub(started).as_secs_f32();
            tally.passed =
                tally.passed.saturating_add(usize::from(matches!(result, Ok(Done::Passed))));
            match result {
                Ok(Done::Passed) => println!("-- {}: passed in {seconds:.1} s", step.name()),
                Ok(Done::Impossible(why)) => {
                    println!("-- {}: NOT CHECKED: {why}", step.name());
                    tally.impossible.push(step.name());
                }
                Err(error) => {
                    println!("-- {}: FAILED in {seconds:.1} s: {error:#}", step.name());
                    tally.failed.push(step.name());
                }
            }
            if !tally.failed.is_empty() && !self.keep_going {
                break;
            }
        }
        tally.print(steps.len(), clock.elapsed())
    }
}

/// How the steps went.
#[derive(Debug, Default)]
struct Tally {
    passed: usize,
    failed: Vec<String>,
    impossible: Vec<String>,
}

impl Tally {
    /// The last line; an error where something failed.
    fn print(&self, steps: usize, time: Duration) -> Result<()> {
        let mut parts = vec![format!("{} of {steps} steps passed", self.passed)];
        if !self.impossible.is_empty() {
            parts.push(format!("not checked: {}", self.impossible.join(", ")));
        }
        if !self.failed.is_empty() {
            parts.push(format!("FAILED: {}", self.failed.join(", ")));
        }
        let line = format!("test: {} in {:.0} s", parts.join("; "), time.as_secs_f32());
        if !self.failed.is_empty() {
            bail!(line);
        }
        println!("{line}");
        Ok(())
    }
}
