//! Random damages of every kind, judged by both verifiers.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::super::{
    Done,
    chance::SEED_VARIABLE,
    property::Setting,
    tested::{self, WORKSPACE},
};
use crate::install::Need;

/// The test that makes them says how that went in a line that begins so.
const TOLD: &str = "damages: ";

pub(in super::super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let name = if setting.is_full { "ten_thousand_damages" } else { "every_damage" };
    let build: &[&str] = match setting.is_full {
        true => &["--release", "--locked", "--package", "audit"],
        false => WORKSPACE,
    };
    let filter = format!("package(audit) and test({name})");
    // The second verifier's Python is among them.
    Need::PythonPeers.ensure(Path::new("."))?;
    let mut tests = tested::each(build, &filter)?;
    let told = tested::told(tests.env(SEED_VARIABLE, setting.seed.to_string()), TOLD)?.pop();
    Ok(Done::Held(told.context("the test did not say how many damages it made")?))
}
