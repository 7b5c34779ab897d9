//! Programs from Debian's packages, as root or by sudo.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use crate::run;

/// Sees to it that `program` of `package` can be run.
pub(crate) fn ensure(program: &str, package: &str) -> Result<()> {
    if run::is_installed(program) { Ok(()) } else { install(package) }
}

/// Sees to it that a PostgreSQL server can be started. Its programs are in no `PATH`: each version has
/// a folder of its own.
pub(super) fn ensure_postgres() -> Result<()> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let is_whole = |it: fs::DirEntry| {
        let programs = it.path().join("bin");
        ["initdb", "postgres", "psql"].iter().all(|it| programs.join(it).is_file())
    };
    if versions.into_iter().any(is_whole) { Ok(()) } else { install("postgresql") }
}

/// Sees to it that an rsyslog that speaks TLS can be started.
pub(super) fn ensure_rsyslog() -> Result<()> {
    let is_there = |it: &str| Path::new(it).exists();
    if is_there("/usr/sbin/rsyslogd") && is_there("/usr/share/doc/rsyslog-gnutls") {
        return Ok(());
    }
    install("rsyslog")?;
    install("rsyslog-gnutls")
}

/// Sees to it that librdkafka can be built.
pub(super) fn ensure_kafka_build() -> Result<()> {
    ensure("make", "make")?;
    ensure("g++", "g++")?;
    ensure("pkg-config", "pkg-config")?;
    let has_headers = Path::new("/usr/include/openssl/ssl.h").exists();
    if has_headers { Ok(()) } else { install("libssl-dev") }
}

/// Installs a package, with a fresh list of packages where the old one does not do.
pub(super) fn install(package: &str) -> Result<()> {
    ensure!(
        run::is_installed("apt-get"),
        "{package} is missing, and this is no Debian: install {package} yourself and try again"
    );
    println!("   installing {package} from Debian's packages");
    let install = ["install", "-qq", "-y", "--no-install-recommends", package];
    if run::output(&mut apt(&install)).is_err() {
        run::output(&mut apt(&["update", "-qq"]))
            .context("the list of packages is out of reach")?;
        run::output(&mut apt(&install)).with_context(|| {
            format!("{package} cannot be installed: run `apt-get install {package}` as root")
        })?;
    }
    Ok(())
}

fn apt(arguments: &[&str]) -> Command {
    // In runlevel 1 a package's own service is not started: we only want its program.
    let settings = ["DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"];
    let mut words = vec!["env"];
    words.extend(settings);
    words.push("apt-get");
    words.extend(arguments);
    let is_root =
        run::output(run::program("id", Path::new(".")).arg("-u")).is_ok_and(|it| it.trim() == "0");
    let mut command = if is_root {
        run::program("env", Path::new("."))
    } else {
        run::program("sudo", Path::new("."))
    };
    let skipped = usize::from(is_root);
    // Without a terminal sudo must fail and not ask.
    command.args((!is_root).then_some("--non-interactive")).args(words.iter().skip(skipped));
    command
}
