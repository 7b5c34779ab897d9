//! A real NATS server for a test, with a stream of `JetStream` on the disk.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use async_nats::jetstream::{self, message::StreamMessage, stream};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::{port::free_port, process::Process};

const STREAM: &str = "audit";
const HELP: &str = "install nats-server: `cargo xtask test --only install`";

/// A server, whose stream keeps what is published to its subject.
#[derive(Debug)]
pub struct Nats {
    folder: TempDir,
    port: u16,
    server: Option<Process>,
    runtime: Runtime,
}

impl Nats {
    /// The subject of its stream.
    pub const SUBJECT: &'static str = "onedoor.audit";
    /// What clients show.
    pub const TOKEN: &'static str = "canary-5d1e";

    /// Starts one, and makes its stream.
    ///
    /// # Panics
    /// Where `nats-server` is not installed: `cargo xtask test --only install` does that.
    #[must_use]
    pub fn start() -> Self {
        let port = free_port();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let mut nats = Self { folder: TempDir::new().unwrap(), port, server: None, runtime };
        nats.serve();
        let stream = stream::Config {
            name: STREAM.to_owned(),
            subjects: vec![Self::SUBJECT.to_owned()],
            storage: stream::StorageType::File,
            ..stream::Config::default()
        };
        nats.runtime.block_on(async {
            jetstream::new(nats.client().await).create_stream(stream).await.unwrap();
        });
        nats
    }

    /// Where it is reached.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
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
        let store = self.folder.path().join("store");
        let config = self.folder.path().join("nats.conf");
        let text = format!(
            "listen: \"127.0.0.1:{}\"\nauthorization {{ token: \"{}\" }}\n\
             jetstream {{ store_dir: \"{}\" }}\n",
            self.port,
            Self::TOKEN,
            store.display()
        );
        fs::write(&config, text).unwrap();
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        let mut server = program();
        server.arg("--config").arg(&config).stdin(Stdio::null()).stderr(log);
        self.server = Some(Process::start(&mut server, &[self.port], HELP));
    }

    /// The messages of its stream, in their order.
    #[must_use]
    pub fn messages(&self) -> Vec<String> {
        self.runtime.block_on(async {
            let stream = jetstream::new(self.client().await).get_stream(STREAM).await.unwrap();
            let state = stream.cached_info().state.clone();
            let mut messages = Vec::new();
            for sequence in state.first_sequence..=state.last_sequence {
                // One that was lost is not there.
                messages.extend(stream.get_raw_message(sequence).await.ok());
            }
            messages.iter().map(text).collect()
        })
    }

    /// Loses some of the messages that it acknowledged: so many of the last ones. Which those were.
    #[must_use]
    pub fn lose(&self, count: u64) -> Vec<String> {
        self.runtime.block_on(async {
            let stream = jetstream::new(self.client().await).get_stream(STREAM).await.unwrap();
            let last = stream.cached_info().state.last_sequence;
            let mut lost = Vec::new();
            for sequence in last.saturating_sub(count).saturating_add(1)..=last {
                lost.push(text(&stream.get_raw_message(sequence).await.unwrap()));
                stream.delete_message(sequence).await.unwrap();
            }
            lost
        })
    }

    async fn client(&self) -> async_nats::Client {
        let options = async_nats::ConnectOptions::with_token(Self::TOKEN.to_owned());
        options.retry_on_initial_connect().connect(self.url()).await.unwrap()
    }
}

fn text(message: &StreamMessage) -> String {
    String::from_utf8(message.payload.to_vec()).unwrap()
}

fn program() -> Command {
    let debian = Path::new("/usr/sbin/nats-server");
    Command::new(if debian.exists() { debian } else { Path::new("nats-server") })
}
