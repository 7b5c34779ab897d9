//! Tests of the workspace as a part of a proof: cargo-nextest runs them.

use std::{path::Path, process::Command};

use anyhow::Result;

use crate::{install, run};

/// As the tests are built anyhow.
pub(super) const WORKSPACE: &[&str] = &["--workspace", "--locked"];

/// cargo-nextest with these arguments, for those tests of `build` that `filter` means.
pub(super) fn nextest(arguments: &[&str], build: &[&str], filter: &str) -> Result<Command> {
    let mut command = run::program(install::cargo_nextest()?, Path::new("."));
    command.arg("nextest").args(arguments).args(build).args(["-E", filter]);
    Ok(command)
}

/// All of those tests, ignored ones too, one after the other.
pub(super) fn each(build: &[&str], filter: &str) -> Result<Command> {
    nextest(&["run", "--no-capture", "--run-ignored", "all"], build, filter)
}

/// Runs `tests`. What they say of themselves: the rest of each line with `prefix`.
pub(super) fn told(tests: &mut Command, prefix: &str) -> Result<Vec<String>> {
    let printed = run::output(tests)?;
    let told = printed.lines().filter_map(|it| Some(it.trim().strip_prefix(prefix)?.to_owned()));
    Ok(told.collect())
}
