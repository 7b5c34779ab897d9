//! System calls of a door that fail, or that it does not survive.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;

use crate::run;

const SOURCE: &str = "tests/audit/fault.c";

/// A library that is loaded before the door, and the file that tells it what to do.
#[derive(Debug)]
pub(super) struct Fault {
    library: PathBuf,
    rule: PathBuf,
}

/// A place in the door's work with its log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    /// `open`, `rename`, `sync`, `truncate`, `unlink` or `write`.
    pub(super) call: &'static str,
    /// Part of the path of the file.
    pub(super) part: &'static str,
    /// Among how many such calls one is chosen.
    pub(super) most: u64,
}

impl Fault {
    /// Compiles the library.
    pub(super) fn build(folder: &Path) -> Result<Self> {
        let this = Self { library: folder.join("fault.so"), rule: folder.join("fault") };
        let mut compiler = run::program("cc", Path::new("."));
        compiler.args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o"]);
        run::output(compiler.arg(&this.library).arg(SOURCE))?;
        Ok(this)
    }

    /// What the environment of the door has to say.
    pub(super) fn environment(&self) -> [(String, String); 2] {
        [("LD_PRELOAD", &self.library), ("FAULT", &self.rule)]
            .map(|(name, path)| (name.to_owned(), path.display().to_string()))
    }

    /// From the call with this number on, counted while a rule is there, `effect` happens: an errno, or
    /// `before` or `after` for the end of the process.
    pub(super) fn set(&self, mark: Mark, nth: u64, effect: &str) -> Result<()> {
        // Whole at once, for it is read all the time.
        let new = self.rule.with_extension("new");
        fs::write(&new, format!("{} {} {nth} {effect}\n", mark.call, mark.part))?;
        Ok(fs::rename(new, &self.rule)?)
    }

    /// Everything goes through again.
    pub(super) fn clear(&self) -> Result<()> {
        if self.rule.exists() {
            fs::remove_file(&self.rule)?;
        }
        Ok(())
    }
}
