//! System calls of a door that fail, or that it does not survive, and a time of day that jumps.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use anyhow::Result;

use crate::run;

const SOURCE: &str = "tests/audit/fault.c";

/// A library that is loaded before the door, and the files that tell it what to do.
#[derive(Debug)]
pub(super) struct Fault {
    library: PathBuf,
    rule: PathBuf,
    /// By how many seconds the time of day is another one.
    clock: PathBuf,
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
        let [library, rule, clock] = ["fault.so", "fault", "clock"].map(|it| folder.join(it));
        fs::write(&clock, 0_i64.to_ne_bytes())?;
        let this = Self { library, rule, clock };
        let mut compiler = run::program("cc", Path::new("."));
        compiler.args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o"]);
        run::output(compiler.arg(&this.library).arg(SOURCE))?;
        Ok(this)
    }

    /// What the environment of the door has to say.
    pub(super) fn environment(&self) -> [(String, String); 3] {
        [("LD_PRELOAD", &self.library), ("FAULT", &self.rule), ("CLOCK", &self.clock)]
            .map(|(name, path)| (name.to_owned(), path.display().to_string()))
    }

    /// From the call with this number on, counted while a rule is there, `effect` happens: an errno,
    /// `before` or `after` for the end of the process, or `half` for writes that stop in the middle.
    pub(super) fn set(&self, mark: Mark, nth: u64, effect: &str) -> Result<()> {
        // Whole at once, for it is read all the time.
        let new = self.rule.with_extension("new");
        fs::write(&new, format!("{} {} {nth} {effect}\n", mark.call, mark.part))?;
        Ok(fs::rename(new, &self.rule)?)
    }

    /// From now on the door's time of day is so many seconds ahead of the machine's, or behind it.
    pub(super) fn set_clock(&self, seconds: i64) -> Result<()> {
        // In place: the door has this file in its memory.
        let clock = OpenOptions::new().write(true).open(&self.clock)?;
        Ok(clock.write_all_at(&seconds.to_ne_bytes(), 0)?)
    }

    /// Everything goes through again.
    pub(super) fn clear(&self) -> Result<()> {
        if self.rule.exists() {
            fs::remove_file(&self.rule)?;
        }
        Ok(())
    }
}
