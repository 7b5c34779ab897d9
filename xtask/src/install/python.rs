//! Environments of Python, each for one package, with others that go along where need be.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::{cache, debian};
use crate::run;

/// The folder of the environment with this version of the package.
pub(super) fn environment(package: &str, version: &str) -> Result<PathBuf> {
    Ok(cache()?.join("python").join(format!("{package}-{version}")))
}

/// Sees to it that the environment of the first package is there, and has the others too.
pub(super) fn ensure(packages: &[(&str, &str)]) -> Result<()> {
    let (package, version) = packages.first().context("an environment is for a package")?;
    let folder = environment(package, version)?;
    let wanted: Vec<_> =
        packages.iter().map(|(name, version)| format!("{name}=={version}")).collect();
    let python = folder.join("bin/python");
    // Written last, and removed by nothing but a new Python: without it the environment is half made.
    let mark = folder.join("complete");
    let written = fs::read_to_string(&mark).unwrap_or_default();
    if written == wanted.join(" ") && works(&python) {
        return Ok(());
    }
    println!("   installing {} from PyPI", wanted.join(" "));
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    let base = base()?;
    run::output(run::program(base, Path::new(".")).args(["-m", "venv"]).arg(&folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    let mut install = run::program(&python, Path::new("."));
    run::output(install.args(pip).args(&wanted))?;
    fs::write(&mark, wanted.join(" ")).with_context(|| mark.display().to_string())
}

/// A Python that can make environments. Debian's comes without that.
fn base() -> Result<PathBuf> {
    let can_make = |it: &PathBuf| {
        let mut command = run::program(it, Path::new("."));
        run::output(command.args(["-c", "import ensurepip, venv"])).is_ok()
    };
    if let Some(python) = run::find("python3").filter(can_make) {
        return Ok(python);
    }
    debian::install("python3-venv")?;
    Some(PathBuf::from("/usr/bin/python3")).filter(can_make).context("python3 has no venv")
}

/// The Python that the environment was made with may be gone.
fn works(python: &Path) -> bool {
    run::output(run::program(python, Path::new(".")).args(["-c", ""])).is_ok()
}
