//! What a record costs, beside a disk that does nothing else.

use std::path::Path;

use anyhow::Result;

use super::super::{Done, property::Setting};
use crate::run;

pub(in super::super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let mut example = run::program("cargo", Path::new("."));
    example.args(["run", "--quiet", "--locked", "--package", "audit", "--example", "cost"]);
    let seconds = if setting.is_full { "10" } else { "2" };
    example.args(setting.is_full.then_some("--release")).arg("--").arg(setting.folder).arg(seconds);
    let printed = run::output(&mut example)?;
    Ok(Done::Held(printed.lines().collect::<Vec<_>>().join("; ")))
}
