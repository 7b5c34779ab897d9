//! Puts the state back before every call, so that no call takes the next one's key, limit, document,
//! consent or purge away.

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
use store::Commit;

use crate::{
    prove::{client::Client, past},
    run,
};

/// How long the door may take to serve what was put into its store.
const PATIENCE: Duration = Duration::from_secs(20);
/// What is about a purge that waits.
const PURGES: &str = "audit_purge";
/// What takes away what only people and clients bring.
const TAKING: [&str; 2] = ["revoke_consent", "delete_registration"];

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
    /// As the one who asks for what is approved.
    pub(super) second: Client,
    /// The revision that every call is to begin with.
    pub(super) base: u64,
    /// The door's data folder.
    pub(super) data: PathBuf,
    /// The call of which a body is kept.
    pub(super) kept: String,
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
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        let line = lines.next().unwrap_or_default();
        lines.take_while(|it| !it.is_empty()).for_each(drop);
        let operation = line.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
        let (status, text) = match self.ready(operation, head) {
            Ok(known) => ("200 OK", known.to_string()),
            Err(error) => ("500 Failed", format!("{error:#}")),
        };
        let length = text.len();
        let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}");
        let mut writer = stream;
        writer.write_all(format!("{head}\r\n\r\n{text}").as_bytes())?;
        Ok(())
    }

    /// Sees to it that the operation meets what its example is about. What has to stand in the place
    /// of words of that: ids that nobody knew when it was written.
    fn ready(&self, operation: &str, head: &mut u64) -> Result<Value> {
        self.put_back(head)?;
        if TAKING.contains(&operation) {
            past::give(&self.data)?;
        }
        let waiting = if operation.contains(PURGES) { self.one_purge()? } else { None };
        Ok(json!({"waiting": waiting, "01900000-0000-7000-8000-000000000000": self.kept}))
    }

    /// Leaves one purge, of the oldest segment, that somebody else asked for than who is tested. None
    /// where all old segments are gone: purges were carried out often enough then.
    fn one_purge(&self) -> Result<Option<String>> {
        let listed = self.operator.manage("GET", "/audit-purges", &Value::Null)?;
        let listed = listed.done("list_audit_purges")?;
        let items = listed.get("items").and_then(Value::as_array).into_iter().flatten();
        for id in items.filter_map(|it| it.get("id")?.as_str()) {
            let path = format!("/audit-purges/{id}");
            self.operator.manage("DELETE", &path, &Value::Null)?.done("reject_audit_purge")?;
        }
        let Some(last) = listed.pointer("/segments/0/last").and_then(Value::as_u64) else {
            return Ok(None);
        };
        let wish = json!({"before_record": last.saturating_add(1), "reason": "a proof"});
        let proposed = self.second.manage("POST", "/audit-purges", &wish)?;
        let proposed = proposed.done("propose_audit_purge")?;
        let id = proposed.get("id").and_then(Value::as_str).context("it has an id")?;
        Ok(Some(id.to_owned()))
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
        let is_let_in = |it: &Client| -> Result<bool> {
            Ok(it.manage("GET", "/nothing", &Value::Null)?.status == 404)
        };
        Ok(is_let_in(&self.tested)? && is_let_in(&self.second)?)
    }

    /// Writes what was there at first into the store, as another replica would, and waits.
    fn store_anew(&self) -> Result<u64> {
        let number = past::in_store(&self.data, async |store| {
            let (wanted, now) = (store.read_at(self.base).await?.files, store.read().await?.files);
            let gone = now.keys().filter(|it| !wanted.contains_key(*it));
            let gone = gone.map(|it| (it.to_string(), None));
            let files =
                wanted.iter().map(|(path, text)| (path.to_string(), Some(text.to_string())));
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
            Ok(store.commit(&commit).await.context("nothing can be put back")?.number)
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
