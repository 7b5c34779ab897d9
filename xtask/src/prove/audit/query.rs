//! Records are found, all of them, and in time.

use std::path::Path;

use anyhow::Result;

use super::super::{Done, property::Setting};
use crate::run;

/// How many are written and searched, in full and quick.
const RECORDS: (&str, &str) = ("10000000", "50000");

pub(in super::super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let mut example = run::program("cargo", Path::new("."));
    example.args(["run", "--quiet", "--locked", "--package", "audit", "--example", "query"]);
    let records = if setting.is_full { RECORDS.0 } else { RECORDS.1 };
    // It makes the folder of its log itself.
    let folder = setting.folder.join("log");
    example.args(setting.is_full.then_some("--release")).arg("--").arg(folder).arg(records);
    let printed = run::output(&mut example)?;
    Ok(Done::Held(printed.lines().collect::<Vec<_>>().join("; ")))
}
