//! Tools from crates.io, each version in its own folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::cache;
use crate::run;

/// A program of the crate of the same name.
#[derive(Debug)]
pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    /// Its features besides the usual ones.
    pub(super) features: &'static [&'static str],
}

/// Where the tool is; builds it first where it is not (some minutes).
pub(super) fn ensure(tool: &Tool) -> Result<PathBuf> {
    let Tool { name, version, features } = tool;
    let folder = cache()?.join("tools").join(format!("{name}-{version}"));
    let program = folder.join("bin").join(name);
    if program.is_file() {
        return Ok(program);
    }
    if let Some(found) = run::find(name).filter(|it| is_version(it, version)) {
        return Ok(found);
    }
    println!("   installing {name} {version}: built from source once, this takes some minutes");
    let mut command = run::program("cargo", Path::new("."));
    command
        .args(["install", "--quiet", "--locked", "--root"])
        .arg(&folder)
        .args(features.iter().flat_map(|it| ["--features", it]))
        .arg(format!("{name}@{version}"))
        // Its parts are of no use to our own builds.
        .env_remove("CARGO_TARGET_DIR");
    run::run(&mut command).with_context(|| format!("{name} {version} cannot be installed"))?;
    Ok(program)
}

fn is_version(program: &Path, version: &str) -> bool {
    let mut command = run::program(program, Path::new("."));
    let output = run::output(command.arg("--version")).unwrap_or_default();
    output.split_whitespace().nth(1) == Some(version)
}
