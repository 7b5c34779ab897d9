//! The packages of package.json, as package-lock.json says.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::debian;
use crate::run;

/// Sees to it that `node_modules` holds what package-lock.json says.
pub(super) fn ensure(root: &Path) -> Result<()> {
    let lock = root.join("package-lock.json");
    let want = fs::read(&lock).with_context(|| lock.display().to_string())?;
    // npm ci begins by taking everything out, so it runs only where the lock is another one.
    let mark = root.join("node_modules/installed-lock.json");
    if fs::read(&mark).is_ok_and(|it| it == want) {
        return Ok(());
    }
    debian::ensure("npm", "npm")?;
    println!("   installing the packages of package.json");
    let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    run::output(run::program("npm", root).args(arguments))?;
    fs::write(&mark, want).with_context(|| mark.display().to_string())
}

/// The Node.js that the packages bring along: what they need is newer than what Debian has.
pub(super) fn program() -> Result<PathBuf> {
    let architecture = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "x64",
    };
    let program = format!("node_modules/node-linux-{architecture}/bin/node");
    // Absolute: programs run in folders of their own.
    fs::canonicalize(&program).with_context(|| format!("{program} is not there"))
}
