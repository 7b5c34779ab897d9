//! Runs other programs: says which, waits, and gives up when they take too long.

use std::{
    ffi::OsStr,
    fmt::Write as _,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};

/// A program to run in a folder. Its output goes to the terminal.
pub(crate) fn program(name: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(name);
    command.current_dir(folder).stdin(Stdio::null());
    command
}

/// Runs it to its end; fails where it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    println!("   $ {}", shown(command));
    let status = command.status().with_context(|| cannot_run(command))?;
    ensure_success(status, command)
}

/// Runs it to its end and takes what it prints.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| cannot_run(command))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed ({}): {}", shown(command), output.status, errors.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs it, but no longer than `deadline`.
pub(crate) fn run_within(command: &mut Command, deadline: Duration) -> Result<()> {
    println!("   $ {}", shown(command));
    let mut child = command.spawn().with_context(|| cannot_run(command))?;
    let Some(status) = wait(&mut child, deadline)? else {
        child.kill().and_then(|()| child.wait()).context("it cannot be ended")?;
        bail!("`{}` took longer than {} s", shown(command), deadline.as_secs());
    };
    ensure_success(status, command)
}

/// Waits for the end of a child; `None` where that does not come in time.
pub(crate) fn wait(child: &mut Child, deadline: Duration) -> Result<Option<ExitStatus>> {
    let clock = model::Clock::system();
    loop {
        if let Some(status) = child.try_wait().context("a child cannot be waited for")? {
            return Ok(Some(status));
        }
        if clock.elapsed() > deadline {
            return Ok(None);
        }
        rest(Duration::from_millis(20));
    }
}

/// Lets others work for so long.
pub(crate) fn rest(time: Duration) {
    let clock = model::Clock::system();
    // A thread of a scope that ends unparks the one that waits for it.
    while let Some(left) = time.checked_sub(clock.elapsed()).filter(|it| !it.is_zero()) {
        thread::park_timeout(left);
    }
}

/// Whether a program can be run, here or in the folders of the system's own programs.
pub(crate) fn is_installed(name: &str) -> bool {
    find(name).is_some()
}

/// Where a program is. Debian keeps servers where a user's PATH does not look.
pub(crate) fn find(name: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin".into(), "/sbin".into()];
    std::env::split_paths(&path).chain(system).map(|it| it.join(name)).find(|it| it.is_file())
}

fn ensure_success(status: ExitStatus, command: &Command) -> Result<()> {
    ensure!(status.success(), "`{}` failed ({status})", shown(command));
    Ok(())
}

fn cannot_run(command: &Command) -> String {
    format!("`{}` cannot be run", command.get_program().display())
}

fn shown(command: &Command) -> String {
    let mut shown = command.get_program().display().to_string();
    for argument in command.get_args() {
        let _ = write!(shown, " {}", argument.display());
    }
    shown
}
