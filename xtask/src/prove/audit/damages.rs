//! Random damages of every kind, judged by both verifiers.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::super::{Done, property::Setting};
use crate::run;

/// The test that makes them says how that went in a line that begins so.
const TOLD: &str = "damages: ";

pub(in super::super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let (name, build): (_, &[_]) = match setting.is_full {
        true => ("ten_thousand_damages", &["--release", "--package", "audit"]),
        // As the tests are built anyhow.
        false => ("every_damage", &["--workspace"]),
    };
    let mut tests = run::program("cargo", Path::new("."));
    tests.args(["nextest", "run", "--no-capture", "--run-ignored", "all"]).args(build);
    tests.args(["-E", &format!("package(audit) and test({name})")]);
    let printed = run::output(&mut tests)?;
    let told = printed.lines().find_map(|it| it.trim().strip_prefix(TOLD));
    Ok(Done::Held(told.context("the test did not say how many damages it made")?.to_owned()))
}
