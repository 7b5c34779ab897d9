//! A real PostgreSQL for one test: started on a free port, stopped and removed when dropped.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
};

use tempfile::TempDir;

/// Where Debian keeps the programs of a version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// A PostgreSQL server on loopback, with an empty database `onedoor`.
#[derive(Debug)]
pub struct Postgres {
    url: String,
    server: Child,
    /// Read to its end by nobody else; a full pipe would stop the server.
    _log: std::thread::JoinHandle<()>,
    _folder: TempDir,
}

impl Postgres {
    /// Starts a server that forgets what it wrote when the machine loses its power, and is quick.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&["fsync=off", "synchronous_commit=off", "full_page_writes=off"])
    }

    /// Starts a server that keeps what it acknowledged, as those in production do.
    #[must_use]
    pub fn start_durable() -> Self {
        Self::start_with(&[])
    }
}
