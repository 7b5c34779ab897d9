//! `cargo xtask tidy`: the architecture as a test. Which crate may import which, and what may
//! appear where.

mod crates;
mod events;
mod files;
mod house;
mod paths;
mod shown;
#[cfg(test)]
mod tests;
mod walls;
mod words;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use model::Fault;

use crate::workspace::Workspace;
use house::HOUSE;
pub(crate) use shown::named_tests;

/// Reads all sources and says what breaks the rules of the house.
///
/// The rules, each with what to do where it is broken: crates import only from floors below;
/// some dependencies have one home; some words of the language have one place (time, the
/// environment, secrets laid open); inside the gateway the pipeline knows no surface and no
/// surface decides; files are short, open with a line that says what they are, and have names
/// that mean something; tests that documents name are there; and each event of the log is seen by a
/// test. They stand in xtask/src/tidy/house.rs.
#[derive(Debug, Args)]
pub(crate) struct Command {
    /// The folder of the workspace.
    #[arg(long, value_name = "DIR", default_value = ".")]
    root: PathBuf,
}

impl Command {
    /// Prints the faults; fails where there are any.
    pub(crate) fn run(&self) -> Result<()> {
        report(&self.root)?;
        println!("tidy: the house is in order");
        Ok(())
    }
}

/// Prints all faults; fails where there are any.
pub(crate) fn report(root: &Path) -> Result<()> {
    let faults = check(root)?;
    for fault in &faults {
        println!("{fault}");
    }
    match faults.len() {
        0 => Ok(()),
        1 => bail!("tidy found 1 fault"),
        count => bail!("tidy found {count} faults"),
    }
}

/// All faults of the workspace that `root` is in, sorted by place.
fn check(root: &Path) -> Result<Vec<Fault>> {
    let workspace = Workspace::read(root)?;
    let mut faults = crates::check(&workspace, &HOUSE);
    let files = files::read(&workspace.root)?;
    faults.extend(shown::check(&files));
    faults.extend(events::check(&files));
    for file in &files {
        faults.extend(words::check(file, &HOUSE));
        if file.is_rust() {
            faults.extend(files::check(file, &HOUSE));
            faults.extend(walls::check(file, &HOUSE));
        }
    }
    faults.sort();
    Ok(faults)
}
