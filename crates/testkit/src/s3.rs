//! A real server of object storage for a test: it checks signatures, and keeps objects as files.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    port::free_port,
    process::{Process, installed},
};

const PROGRAM: &str = "tools/s3s-fs-0.13.0/bin/s3s-fs";
const HELP: &str = "install s3s-fs: `cargo xtask test --only install`";
const KEY_ID: &str = "AKIDTESTKEY";
const KEY: &str = "canary-8c1f";

/// A server with a bucket.
#[derive(Debug)]
pub struct S3 {
    folder: TempDir,
    port: u16,
    server: Option<Process>,
}

impl S3 {
    /// Its bucket.
    pub const BUCKET: &'static str = "audit";
    /// What clients show: the id of a key, and the key.
    pub const KEYS: &'static str = "AKIDTESTKEY:canary-8c1f";

    /// Starts one.
    ///
    /// # Panics
    /// Where `s3s-fs` is not installed: `cargo xtask test --only install` does that.
    #[must_use]
    pub fn start() -> Self {
        let port = free_port();
        let mut s3 = Self { folder: TempDir::new().unwrap(), port, server: None };
        fs::create_dir(s3.bucket()).unwrap();
        s3.serve();
        s3
    }

    /// Where it is reached.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Kills it (SIGKILL), if it runs.
    pub fn kill(&mut self) {
        self.server = None;
    }

    /// Stops it from doing anything for a while (SIGSTOP), and lets it go on.
    pub fn hold(&self, time: Duration) {
        if let Some(server) = &self.server {
            server.hold(time);
        }
    }

    /// Starts it anew, with what it kept.
    pub fn serve(&mut self) {
        self.kill();
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        let mut server = Command::new(installed(PROGRAM));
        server
            .args(["--host", "127.0.0.1", "--access-key", KEY_ID, "--secret-key", KEY, "--port"])
            .arg(self.port.to_string())
            .arg(self.root())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        self.server = Some(Process::start(&mut server, &[self.port], HELP));
    }

    /// The objects of its bucket, in the order of their names, as a listing has them.
    #[must_use]
    pub fn objects(&self) -> Vec<PathBuf> {
        let mut objects = Vec::new();
        gather(&self.bucket(), &mut objects);
        objects.sort();
        objects
    }

    /// The lines in all objects, by the command that docs/siem-sinks.md names for that.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        // In parts: a command line holds only so many names.
        let parts = self.objects();
        parts.chunks(1000).flat_map(unpacked).collect()
    }

    /// Loses the last object that it acknowledged. The lines in it.
    #[must_use]
    pub fn lose(&self) -> Vec<String> {
        let last = self.objects().pop().unwrap();
        let lines = unpacked(std::slice::from_ref(&last));
        fs::remove_file(last).unwrap();
        lines
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn bucket(&self) -> PathBuf {
        let root = self.root();
        fs::create_dir_all(&root).unwrap();
        root.join(Self::BUCKET)
    }
}

fn unpacked(objects: &[PathBuf]) -> Vec<String> {
    let output = Command::new("zcat").arg("-f").args(objects).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn gather(folder: &Path, objects: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => gather(&path, objects),
            false => objects.push(path),
        }
    }
}
