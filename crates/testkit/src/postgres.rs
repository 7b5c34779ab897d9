//! A real PostgreSQL for a test: on a free port of loopback, gone when it is dropped.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::{self, JoinHandle},
};

use tempfile::TempDir;

use crate::port::free_port;

/// Where Debian's packages keep the programs, by version.
const VERSIONS: &str = "/usr/lib/postgresql";
/// Another process may take the free port first.
const STARTS_MAX: usize = 5;
const USER: &str = "postgres";
/// In every URL, so that a test can look for it where it must not be.
const PASSWORD: &str = "canary-9f2c";
const READY: &str = "database system is ready to accept connections";

/// A PostgreSQL server, with an empty database `onedoor`.
#[derive(Debug)]
pub struct Postgres {
    programs: Programs,
    port: u16,
    url: String,
    server: Child,
    log: Option<JoinHandle<()>>,
    folder: TempDir,
}

impl Postgres {
    /// Starts a server that is quick: what it wrote may be gone with the machine's power.
    ///
    /// # Panics
    /// Where PostgreSQL is not installed: `cargo xtask test --only install` does that.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&["fsync=off", "full_page_writes=off", "synchronous_commit=off"])
    }

    /// Starts a server that syncs what it acknowledges, as those in production do.
    ///
    /// # Panics
    /// As [`Postgres::start`].
    #[must_use]
    pub fn start_durable() -> Self {
        Self::start_with(&[])
    }

    /// The URL of the database `onedoor`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The password in all URLs.
    #[must_use]
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// Makes another empty database, and gives its URL.
    #[must_use]
    pub fn database(&self, name: &str) -> String {
        self.sql("postgres", &format!("CREATE DATABASE \"{name}\""));
        url(self.port, name)
    }

    /// Carries out a statement in a database, as its owner.
    pub fn sql(&self, database: &str, statement: &str) {
        let mut psql = Command::new(self.programs.path("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--command", statement]);
        succeed(psql.arg(url(self.port, database)));
    }

    fn start_with(settings: &[&str]) -> Self {
        let programs = Programs::find();
        let folder = TempDir::new().unwrap();
        programs.give(folder.path());
        init(&programs, folder.path());
        for _ in 0..STARTS_MAX {
            let port = free_port();
            if let Some((server, log)) = serve(&programs, folder.path(), port, settings) {
                let url = url(port, "onedoor");
                let started = Self { programs, port, url, server, log: Some(log), folder };
                started.sql("postgres", "CREATE DATABASE onedoor");
                return started;
            }
        }
        panic!("PostgreSQL did not start {STARTS_MAX} times");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut stop = self.programs.command("pg_ctl");
        stop.args(["stop", "--silent", "--mode=immediate", "--pgdata"]);
        let is_stopped = stop.arg(data(self.folder.path())).status().is_ok_and(|it| it.success());
        if !is_stopped {
            drop(self.server.kill());
        }
        drop(self.server.wait());
        if let Some(log) = self.log.take() {
            drop(log.join());
        }
    }
}

/// Where the programs are, and as whom they run: they refuse root.
#[derive(Debug)]
struct Programs {
    folder: PathBuf,
    is_root: bool,
}

impl Programs {
    /// Those of the newest version.
    fn find() -> Self {
        let versions = fs::read_dir(VERSIONS).into_iter().flatten().flatten();
        let newest = versions
            .filter(|it| it.path().join("bin/initdb").is_file())
            .filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok())
            .max()
            .expect("PostgreSQL is installed: run `cargo xtask test --only install`");
        let folder = Path::new(VERSIONS).join(newest.to_string()).join("bin");
        // The folder of our own process belongs to whom it runs as.
        let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
        Self { folder, is_root }
    }

    fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = if self.is_root {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", USER, "--regid", USER, "--clear-groups"]);
            command.arg(self.path(program));
            command
        } else {
            Command::new(self.path(program))
        };
        // Nobody but root may enter the folder that a test begins in.
        command.current_dir("/").stdin(Stdio::null());
        command
    }

    /// Lets the server have a folder.
    fn give(&self, folder: &Path) {
        if self.is_root {
            let number = |which| {
                let output = Command::new("id").args([which, USER]).output().unwrap();
                String::from_utf8(output.stdout).unwrap().trim().parse::<u32>().unwrap()
            };
            chown(folder, Some(number("-u")), Some(number("-g"))).unwrap();
        }
    }
}

/// Sorts as people do, so that a test finds where only bytes would be right.
fn init(programs: &Programs, folder: &Path) {
    let password = folder.join("password");
    fs::write(&password, PASSWORD).unwrap();
    programs.give(&password);
    let mut init = programs.command("initdb");
    init.args(["--no-sync", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"]);
    init.args(["--locale-provider=icu", "--icu-locale=en", "--username", USER]);
    init.arg("--pwfile").arg(password).arg("--pgdata").arg(data(folder));
    succeed(&mut init);
}

/// Starts the server and waits until it takes connections; nothing where it ends before.
fn serve(
    programs: &Programs,
    folder: &Path,
    port: u16,
    settings: &[&str],
) -> Option<(Child, JoinHandle<()>)> {
    let mut command = programs.command("postgres");
    command.arg("-D").arg(data(folder)).args(["-c", "listen_addresses=127.0.0.1"]);
    command.args(["-p", &port.to_string(), "-c", "max_connections=100"]).arg("-k").arg(folder);
    for setting in settings {
        command.args(["-c", setting]);
    }
    let mut server = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines().map_while(Result::ok);
    if lines.by_ref().any(|it| it.contains(READY)) {
        // A log that nobody reads would stop the server.
        return Some((server, thread::spawn(move || lines.for_each(drop))));
    }
    drop(server.wait());
    None
}

fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

fn url(port: u16, database: &str) -> String {
    format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{port}/{database}")
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", command.get_program().display());
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_server_is_there_until_it_is_dropped() {
        let server = Postgres::start();
        let folder = server.folder.path().to_owned();
        server.sql("onedoor", "CREATE TABLE t (x int)");
        assert_eq!(server.database("other"), url(server.port, "other"));
        server.sql("other", "CREATE TABLE t (x int)");
        let port = server.port;
        drop(server);
        assert!(TcpListener::bind(("127.0.0.1", port)).is_ok());
        assert!(!folder.exists());
    }
}
