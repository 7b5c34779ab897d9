//! A real rsyslog for a test: over TLS, TCP and UDP, into a file of messages.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use crate::{Authority, port::free_port, process::Process};

const PROGRAM: &str = "/usr/sbin/rsyslogd";
const HELP: &str = "install rsyslog: `cargo xtask test --only install`";

/// A receiver of syslog. What it has read is in its file before it closes a connection.
#[derive(Debug)]
pub struct Rsyslog {
    folder: TempDir,
    ports: [u16; 3],
    server: Option<Process>,
}

impl Rsyslog {
    /// Starts one whose certificate for `localhost` is by `authority`.
    ///
    /// # Panics
    /// Where rsyslog is not installed: `cargo xtask test --only install` does that.
    #[must_use]
    pub fn start(authority: &Authority) -> Self {
        authority.issue("rsyslog", "/CN=rsyslog", "DNS:localhost,IP:127.0.0.1");
        let folder = TempDir::new().unwrap();
        for file in ["ca.pem", "rsyslog.pem", "rsyslog.key"] {
            fs::copy(authority.path(file), folder.path().join(file)).unwrap();
        }
        let ports = [free_port(), free_port(), free_port()];
        let mut rsyslog = Self { folder, ports, server: None };
        rsyslog.serve(true);
        rsyslog
    }

    /// Where it takes `tls`, `tcp` and `udp`: a host and a port of each.
    #[must_use]
    pub fn authorities(&self) -> [String; 3] {
        self.ports.map(|it| format!("localhost:{it}"))
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

    /// Starts it anew on its ports. One that is not `honest` takes all, and keeps nothing.
    pub fn serve(&mut self, honest: bool) {
        self.kill();
        let (config, pid) = (self.file("rsyslog.conf"), self.file("pid"));
        fs::write(&config, self.config(honest)).unwrap();
        // That of one that was killed would keep the next one from starting.
        fs::remove_file(&pid).ok();
        let mut program = Command::new(PROGRAM);
        program.arg("-n").arg("-f").arg(&config).arg("-i").arg(&pid);
        let log = fs::File::create(self.file("log")).unwrap();
        program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let [tls, tcp, _] = self.ports;
        self.server = Some(Process::start(&mut program, &[tls, tcp], HELP));
    }

    /// The messages that it keeps, each without the mark of UTF-8 that stands before it.
    #[must_use]
    pub fn messages(&self) -> Vec<String> {
        self.lines("messages")
    }

    /// Those that it took while it was not honest.
    #[must_use]
    pub fn discarded(&self) -> Vec<String> {
        self.lines("discarded")
    }

    fn lines(&self, file: &str) -> Vec<String> {
        let text = fs::read_to_string(self.file(file)).unwrap_or_default();
        text.lines().map(|it| it.trim_start_matches('\u{feff}').to_owned()).collect()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self, honest: bool) -> String {
        let [tls, tcp, udp] = self.ports;
        let path = |name: &str| self.file(name).display().to_string();
        let (ca, certificate, key) = (path("ca.pem"), path("rsyslog.pem"), path("rsyslog.key"));
        let (folder, messages) = (self.folder.path().display(), path("messages"));
        // Of what it keeps nowhere, it says nothing either.
        let file = if honest { messages } else { path("discarded") };
        let kept = format!(
            "action(type=\"omfile\" file=\"{file}\" template=\"raw\" asyncWriting=\"off\")"
        );
        let input = |kind: &str, port: u16, more: &str| {
            format!(
                "input(type=\"{kind}\" address=\"127.0.0.1\" port=\"{port}\" ruleset=\"in\" {more})\n"
            )
        };
        let secure =
            "streamDriver.name=\"gtls\" streamDriver.mode=\"1\" streamDriver.authMode=\"anon\"";
        [
            format!(
                "global(workDirectory=\"{folder}\" maxMessageSize=\"1m\" \
                 defaultNetstreamDriverCAFile=\"{ca}\" \
                 defaultNetstreamDriverCertFile=\"{certificate}\" \
                 defaultNetstreamDriverKeyFile=\"{key}\")\n\
                 main_queue(queue.type=\"Direct\")\n\
                 module(load=\"imtcp\" maxSessions=\"100\")\nmodule(load=\"imudp\")\n\
                 template(name=\"raw\" type=\"list\") \
                 {{ property(name=\"msg\") constant(value=\"\\n\") }}\n\
                 ruleset(name=\"in\" queue.type=\"Direct\") {{ {kept} }}\n"
            ),
            input("imtcp", tls, secure),
            input("imtcp", tcp, "streamDriver.name=\"ptcp\""),
            input("imudp", udp, ""),
        ]
        .concat()
    }
}
