//! A double of the receivers that take records over HTTP: Splunk, Elasticsearch, OTLP and webhooks.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io::{self, ErrorKind},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpStream, runtime::Builder, sync::watch, task::JoinSet};

use crate::port::free_port;

/// A double of receivers over HTTP, on a thread of its own.
///
/// `POST /services/collector/event` and `/services/collector/ack` are Splunk's, with acknowledgements:
/// what was not asked for yet is lost when it is killed. `/INDEX/_bulk` is Elasticsearch's, `/v1/logs`
/// that of OTLP, and anything else a webhook.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    shared: Arc<Shared>,
    running: Option<(watch::Sender<bool>, JoinHandle<()>)>,
}

/// What goes wrong with every request to a collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    /// Its connection is reset before it is read, or while it is.
    Reset,
    /// It is answered by this status, and nothing of it is kept.
    Status(u16),
    /// It is kept, and its connection is closed without an answer.
    Unanswered,
}

#[derive(Debug, Default)]
struct Shared {
    kept: Mutex<Kept>,
    /// How long it keeps an answer to itself, in milliseconds.
    delay_ms: AtomicU64,
    breach: Mutex<Option<Breach>>,
    is_lying: AtomicBool,
    /// How often Splunk is asked in vain for each acknowledgement.
    asked_in_vain: AtomicU32,
}

/// What it keeps, as lines, by the kind of receiver.
#[derive(Debug, Default)]
struct Kept {
    disk: BTreeMap<&'static str, Vec<String>>,
    /// What it said that it keeps, and lied.
    dropped: BTreeMap<&'static str, Vec<String>>,
    /// Batches for Splunk that are not acknowledged yet, and how often each was asked for.
    memory: HashMap<u64, (Vec<String>, u32)>,
    /// The most that those ever were.
    most_in_memory: usize,
    acks: u64,
    /// Behind so many of them Splunk is started anew, once.
    anew_behind: Option<u64>,
    headers: HeaderMap,
    /// The documents by their id.
    ids: HashSet<String>,
}

impl Collector {
    /// Starts one.
    #[must_use]
    pub fn start() -> Self {
        let address = (Ipv4Addr::LOCALHOST, free_port()).into();
        let mut collector = Self { address, shared: Arc::default(), running: None };
        collector.serve();
        collector
    }

    /// Where it listens, as a URL without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Starts it anew where it was, with what was on its disk.
    pub fn serve(&mut self) {
        self.kill();
        let listener = TcpListener::bind(self.address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let (stop, stopped) = watch::channel(false);
        let shared = Arc::clone(&self.shared);
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(accept(listener, shared, stopped));
        });
        self.running = Some((stop, thread));
    }

    /// Ends it in the middle of whatever it does.
    pub fn kill(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            stop.send_replace(true);
            thread.join().unwrap();
            self.shared.kept().memory.clear();
        }
    }

    /// From now on, acknowledges so long after it has what it acknowledges.
    pub fn slow_down(&self, by: Duration) {
        let delay = u64::try_from(by.as_millis()).unwrap();
        self.shared.delay_ms.store(delay, Ordering::SeqCst);
    }

    /// From now on, this goes wrong with every request; nothing where it is none.
    pub fn breach(&self, breach: Option<Breach>) {
        *self.shared.breach.lock().unwrap_or_else(PoisonError::into_inner) = breach;
    }

    /// From now on, whether it says that it keeps what it does not.
    pub fn lie(&self, is_lying: bool) {
        self.shared.is_lying.store(is_lying, Ordering::SeqCst);
    }

    /// From now on, Splunk acknowledges a batch only after it was asked for it so often.
    pub fn acknowledge_late(&self, asked_in_vain: u32) {
        self.shared.asked_in_vain.store(asked_in_vain, Ordering::SeqCst);
    }

    /// Has Splunk start anew, once, behind so many batches: it has lost what it did not keep, and numbers from
    /// 0 on.
    pub fn start_anew_behind(&self, batches: u64) {
        self.shared.kept().anew_behind = Some(batches);
    }

    /// How many batches for Splunk waited for their acknowledgement at once, at most.
    #[must_use]
    pub fn most_waiting(&self) -> usize {
        self.shared.kept().most_in_memory
    }

    /// What it keeps of `splunk`, `elasticsearch`, `otlp` or `webhook`: the records as lines.
    #[must_use]
    pub fn records(&self, kind: &str) -> Vec<String> {
        self.shared.kept().disk.get(kind).cloned().unwrap_or_default()
    }

    /// What it said that it keeps of one of them, and lied.
    #[must_use]
    pub fn dropped(&self, kind: &str) -> Vec<String> {
        self.shared.kept().dropped.get(kind).cloned().unwrap_or_default()
    }

    /// The headers of the last request.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        self.shared.kept().headers.clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn breach(&self) -> Option<Breach> {
        *self.breach.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, path: &str, headers: &HeaderMap, body: &[u8]) -> (StatusCode, Value) {
        let is_lying = self.is_lying.load(Ordering::SeqCst);
        let mut kept = self.kept();
        kept.headers.clone_from(headers);
        match path {
            "/services/collector/event" => {
                if kept.anew_behind == Some(kept.acks) {
                    (kept.anew_behind, kept.acks) = (None, 0);
                    kept.memory.clear();
                }
                let id = kept.acks;
                kept.acks = id.saturating_add(1);
                let mut lines = events(body);
                if is_lying {
                    kept.keep("splunk", std::mem::take(&mut lines), true);
                }
                kept.memory.insert(id, (lines, 0));
                kept.most_in_memory = kept.most_in_memory.max(kept.memory.len());
                (StatusCode::OK, json!({"text": "Success", "code": 0, "ackId": id}))
            }
            "/services/collector/ack" => {
                let asked: Value = serde_json::from_slice(body).unwrap();
                let ids = asked["acks"].as_array().unwrap().iter().filter_map(Value::as_u64);
                let in_vain = self.asked_in_vain.load(Ordering::SeqCst);
                let acks: serde_json::Map<_, _> =
                    ids.map(|it| (it.to_string(), kept.write(it, in_vain).into())).collect();
                (StatusCode::OK, json!({"acks": acks}))
            }
            "/v1/logs" => {
                kept.keep("otlp", logs(body), is_lying);
                (StatusCode::OK, json!({"partialSuccess": {}}))
            }
            path if path.ends_with("/_bulk") => (StatusCode::OK, kept.bulk(body, is_lying)),
            _ => {
                let message: Value = serde_json::from_slice(body).unwrap();
                let records = message["data"]["records"].as_array().unwrap();
                let lines = records.iter().map(ToString::to_string).collect();
                kept.keep("webhook", lines, is_lying);
                (StatusCode::NO_CONTENT, Value::Null)
            }
        }
    }
}

impl Kept {
    fn keep(&mut self, kind: &'static str, lines: Vec<String>, is_lying: bool) {
        let kept = if is_lying { &mut self.dropped } else { &mut self.disk };
        kept.entry(kind).or_default().extend(lines);
    }

    /// Brings a batch for Splunk to the disk, once it was asked for often enough. Whether it is there.
    fn write(&mut self, id: u64, in_vain: u32) -> bool {
        let Some((_, asked)) = self.memory.get_mut(&id) else { return false };
        *asked = asked.saturating_add(1);
        if *asked <= in_vain {
            return false;
        }
        let (lines, _) = self.memory.remove(&id).unwrap();
        self.keep("splunk", lines, false);
        true
    }

    fn bulk(&mut self, body: &[u8], is_lying: bool) -> Value {
        let text = std::str::from_utf8(body).unwrap();
        let (mut lines, mut items) = (text.lines(), Vec::new());
        while let (Some(action), Some(document)) = (lines.next(), lines.next()) {
            let action: Value = serde_json::from_str(action).unwrap();
            let id = action["create"]["_id"].as_str().unwrap().to_owned();
            let is_new = self.ids.insert(id.clone());
            if is_new {
                self.keep("elasticsearch", vec![document.to_owned()], is_lying);
            }
            let status = if is_new { 201 } else { 409 };
            items.push(json!({"create": {"_id": id, "status": status}}));
        }
        json!({"errors": false, "items": items})
    }
}

/// The records in a body for Splunk.
fn events(body: &[u8]) -> Vec<String> {
    let events = serde_json::Deserializer::from_slice(body).into_iter::<Value>();
    events.map(|it| it.unwrap()["event"].to_string()).collect()
}

/// The records in a body of OTLP.
fn logs(body: &[u8]) -> Vec<String> {
    let body: Value = serde_json::from_slice(body).unwrap();
    let records = body["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().unwrap();
    let text = |it: &Value| it["body"]["stringValue"].as_str().unwrap().to_owned();
    records.iter().map(text).collect()
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted.unwrap().0,
            // With what is under way.
            _ = stopped.changed() => return,
        };
        if shared.breach() == Some(Breach::Reset) {
            connections.spawn(reset(stream));
            continue;
        }
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request| respond(request, Arc::clone(&shared)));
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service);
        connections.spawn(async move {
            // One that breaks off has nobody to tell.
            connection.await.ok();
        });
    }
}

/// Closes a connection with what has come unread, so that the system resets it.
async fn reset(stream: TcpStream) {
    stream.readable().await.ok();
}

/// Answers a request. An error closes its connection.
async fn respond(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> io::Result<Response<Full<Bytes>>> {
    let breach = shared.breach();
    if breach == Some(Breach::Reset) {
        return Err(ErrorKind::ConnectionReset.into());
    }
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let (status, answer) = match breach {
        Some(Breach::Status(status)) => (StatusCode::from_u16(status).unwrap(), Value::Null),
        Some(Breach::Reset | Breach::Unanswered) | None => {
            shared.answer(parts.uri.path(), &parts.headers, &body)
        }
    };
    if breach == Some(Breach::Unanswered) {
        return Err(ErrorKind::ConnectionAborted.into());
    }
    let delay = shared.delay_ms.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(delay)).await;
    let text = if answer.is_null() { String::new() } else { answer.to_string() };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    Ok(response)
}
