//! Puts the state back before every call, so that no call takes the next one's key, limit or document away.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use model::Clock;
use serde_json::{Value, json};
use store::{Commit, Location, Store};

use crate::{prove::client::Client, run};

/// How long the door may take to serve what was put into its store.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often there was something to put back.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// By the operator that nobody tests with.
    pub(super) rolled_back: AtomicUsize,
    /// Into the store, because that operator was gone or shut out as well.
    pub(super) stored: AtomicUsize,
}

/// What it knows of the door.
pub(super) struct Keeper {
    /// As an operator that nobody tests with.
    pub(super) operator: Client,
    /// As the operator whose calls are counted.
    pub(super) tested: Client,
    /// The revision that every call is to begin with.
    pub(super) base: u64,
    pub(super) database: PathBuf,
    pub(super) counts: Arc<Counts>,
}

impl Keeper {
    /// Answers whoever is about to call, when the state is as it was. It ends with the process.
    pub(super) fn start(self) -> Result<SocketAddr> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        thread::spawn(move || {
            let mut head = self.base;
            for stream in listener.incoming().flatten() {
                // Whoever asks and goes away is told nothing.
                drop(self.answer(&stream, &mut head));
            }
        });
        Ok(address)
    }

    fn answer(&self, stream: &TcpStream, head: &mut u64) -> Result<()> {
        let lines = BufReader::new(stream).lines().map_while(Result::ok);
        lines.take_while(|it| !it.is_empty()).for_each(drop);
        let (status, text) = match self.put_back(head) {
            Ok(()) => ("200 OK", String::new()),
            Err(error) => ("500 Failed", format!("{error:#}")),
        };
        let length = text.len();
        let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}");
        let mut writer = stream;
        writer.write_all(format!("{head}\r\n\r\n{text}").as_bytes())?;
        Ok(())
    }

    /// Sees to it that what is in force is as at first.
    fn put_back(&self, head: &mut u64) -> Result<()> {
        let newest = self.operator.manage("GET", "/revisions?limit=1", &Value::Null)?.json();
        let newest = newest.pointer("/items/0/number").and_then(Value::as_u64);
        if newest == Some(*head) {
            return Ok(());
        }
        let path = format!("/revisions/{}/rollback", self.base);
        let back = self.operator.manage("POST", &path, &json!({}))?.json();
        let back = back.get("revision").and_then(Value::as_u64);
        *head = match back {
            Some(number) if self.is_let_in()? => {
                self.counts.rolled_back.fetch_add(1, Ordering::Relaxed);
                number
            }
            Some(_) | None => {
                self.counts.stored.fetch_add(1, Ordering::Relaxed);
                self.store_anew()?
            }
        };
        Ok(())
    }

    /// What was revoked meanwhile stays so when it is rolled back: the key may be gone for good.
    fn is_let_in(&self) -> Result<bool> {
        // There is no such operation, so none gets calls that are not schemathesis' own: whoever
        // is let in is told so, whoever is not learns nothing.
        Ok(self.tested.manage("GET", "/nothing", &Value::Null)?.status == 404)
    }

    /// Writes what was there at first into the store, as another replica would, and waits.
    fn store_anew(&self) -> Result<u64> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let number = runtime.block_on(async {
            let store = Store::open(&Location::Sqlite(self.database.clone())).await?;
            let (wanted, now) = (store.read_at(self.base).await?.files, store.read().await?.files);
            let gone = now.into_keys().filter(|it| !wanted.contains_key(it)).map(|it| (it, None));
            let gone: Vec<_> = gone.collect();
            let files = wanted.into_iter().map(|(path, text)| (path, Some(text)));
            let commit = Commit {
                base: None,
                author: "a proof".to_owned(),
                reason: "the operators are put back".to_owned(),
                request_id: String::new(),
                at: Clock::system().now(),
                files: files.chain(gone).collect(),
                sealed: Vec::new(),
                lines: Vec::new(),
            };
            let revision = store.commit(&commit).await.context("nothing can be put back")?;
            store.close().await;
            anyhow::Ok(revision.number)
        })?;
        let clock = Clock::system();
        loop {
            let who = self.operator.manage("GET", "/whoami", &Value::Null)?.json();
            if who.get("revision").and_then(Value::as_u64) == Some(number) {
                return Ok(number);
            }
            ensure!(clock.elapsed() < PATIENCE, "what was put back is never in force");
            run::rest(Duration::from_millis(10));
        }
    }
}
