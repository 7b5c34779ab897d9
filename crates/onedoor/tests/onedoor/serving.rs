//! A door that runs while the test looks at it.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    mem,
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, ChildStderr, Command, Stdio},
    time::Duration,
};

use crate::binary::{Ran, command, onedoor};

/// Free ones, so that tests do not meet.
const PORTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--management", "127.0.0.1:0"];

/// What the log in `folder` has of an event, the oldest first.
pub(crate) fn recorded(folder: &Path, event: &str) -> Vec<serde_json::Value> {
    let records = audit::records(folder).unwrap().into_iter();
    records.filter(|it| it["event"] == *event).collect()
}

/// What the log in `folder` says of itself by this event, in its first segment.
pub(crate) fn said(folder: &Path, event: &str) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(folder.join("00000000000000000000.jsonl")).unwrap();
    let records = text.lines().map(|it| serde_json::from_str::<serde_json::Value>(it).unwrap());
    records.filter(|it| it["event"] == *event).collect()
}

/// A running door. It is killed when this is dropped.
pub(crate) struct Serving {
    child: Child,
    log: BufReader<ChildStderr>,
    /// What was read of the log.
    seen: String,
    address: String,
    management: String,
}

impl Serving {
    /// Serves the folder `state` in `folder` on a free port.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_with(folder, &["--state", "state"], "http")
    }

    /// The same, by the file `onedoor.toml` in `folder`, which names certificates for both listeners.
    pub(crate) fn start_tls(folder: &Path) -> Self {
        Self::start_with(folder, &["--state", "state", "--config", "onedoor.toml"], "https")
    }

    /// Serves the store in `folder` on free ports.
    pub(crate) fn start_managed(folder: &Path) -> Self {
        Self::start_with(folder, &[], "http")
    }

    /// The same, by the file `onedoor.toml` in `folder`, which names certificates for both listeners.
    pub(crate) fn start_managed_tls(folder: &Path) -> Self {
        Self::start_with(folder, &["--config", "onedoor.toml"], "https")
    }

    /// The same as [`Serving::start_managed`], by the file `onedoor.toml` in `folder`.
    pub(crate) fn start_configured(folder: &Path) -> Self {
        Self::start_with(folder, &["--config", "onedoor.toml"], "http")
    }

    /// Serves the folder `state` by the file `onedoor.toml` in `folder`.
    pub(crate) fn start_folder_configured(folder: &Path) -> Self {
        Self::start_with(folder, &["--state", "state", "--config", "onedoor.toml"], "http")
    }

    /// The same as [`Serving::start_folder_configured`], with a standard output that nobody reads.
    pub(crate) fn start_unread(folder: &Path) -> Self {
        let what = ["--state", "state", "--config", "onedoor.toml"];
        Self::start_to(Stdio::piped(), folder, &what, "http")
    }

    fn start_with(folder: &Path, what: &[&str], scheme: &str) -> Self {
        Self::start_to(Stdio::null(), folder, what, scheme)
    }

    fn start_to(out: Stdio, folder: &Path, what: &[&str], scheme: &str) -> Self {
        let mut command = command(folder, &[&["serve"], what, &PORTS].concat());
        let mut child = command.stdout(out).stderr(Stdio::piped()).spawn().expect("it starts");
        let log = BufReader::new(child.stderr.take().unwrap());
        let nowhere = String::new;
        let mut serving =
            Self { child, log, seen: nowhere(), address: nowhere(), management: nowhere() };
        serving.address = serving.told(&format!("serving {scheme}://"));
        serving.management = serving.told(&format!("management at {scheme}://"));
        serving
    }

    /// The address that the log tells behind `text`.
    fn told(&mut self, text: &str) -> String {
        let line = self.wait_for(text);
        let (_, rest) = line.split_once(text).unwrap();
        rest.split([',', ' ', '/']).next().unwrap().to_owned()
    }

    /// The URL of management.
    pub(crate) fn management(&self) -> String {
        format!("http://{}", self.management)
    }

    /// Where consumers reach it.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address.parse().unwrap()
    }

    /// Where management listens.
    pub(crate) fn management_address(&self) -> SocketAddr {
        self.management.parse().unwrap()
    }

    /// Asks it asynchronously, over both surfaces.
    pub(crate) fn client(&self) -> testkit::Client {
        testkit::Client::new(self.address.parse().unwrap())
    }

    /// Reads the log up to the line that has `text` in it, and returns that line.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            // A door that says nothing more ends the test by its time limit.
            if self.log.read_line(&mut line).unwrap() == 0 {
                panic!("the log ended without \"{text}\":\n{}", self.seen);
            }
            self.seen.push_str(&line);
            if line.contains(text) {
                return line;
            }
        }
    }

    /// All of the log that was read by now.
    pub(crate) fn seen(&self) -> &str {
        &self.seen
    }

    /// Asks for `path` with `key`: the status line's number and the whole answer.
    pub(crate) fn get(&self, path: &str, key: &str) -> (u16, String) {
        get(&self.address, path, key)
    }

    /// The same, of the listener for management.
    pub(crate) fn manage(&self, path: &str, key: &str) -> (u16, String) {
        get(&self.management, path, key)
    }

    /// Sends the signal `name`: `TERM`, `HUP`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Waits for its end: the exit code.
    pub(crate) fn end(mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }

    /// The same, with all of the log, and with what lies in its standard output.
    pub(crate) fn ran(mut self) -> Ran {
        self.log.read_to_string(&mut self.seen).unwrap();
        let code = self.child.wait().unwrap().code().unwrap();
        let mut out = Vec::new();
        if let Some(mut pipe) = self.child.stdout.take() {
            pipe.read_to_end(&mut out).unwrap();
        }
        let out = String::from_utf8_lossy(&out).into_owned();
        Ran { code, out, err: mem::take(&mut self.seen) }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn get(address: &str, path: &str, key: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

/// A new key of the profile `app/default`.
pub(crate) fn key(folder: &Path) -> String {
    let ran = onedoor(folder, &["credential", "new", "app/default"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    ran.out.trim_end().to_owned()
}
