//! An upstream that answers every request with the same few bytes, or not to the end, and keeps what it
//! was sent.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use anyhow::Result;

use crate::run;

const ANSWER: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{\"ok\":true}";
/// The answer where the target ends in `/busy`.
const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: 13\r\n\r\n{\"busy\":true}";
/// How an answer begins that comes in pieces: until the connection ends where the target ends in `/events`.
const EVENTS: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
/// So many pieces, and then the end, come where it ends in `/pieces`.
const PIECES: usize = 3;
const LAST_CHUNK: &str = "0\r\n\r\n";
/// One piece, as a chunk.
const EVENT: &str = "c\r\ndata: tick\n\n\r\n";
const EVENT_EVERY: Duration = Duration::from_millis(10);
/// So many lines, and so many targets, are kept.
const LINES_MAX: usize = 100_000;

/// A running upstream. It ends with the process.
#[derive(Debug, Clone)]
pub(super) struct Upstream {
    pub(super) address: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
    targets: Arc<Mutex<Vec<String>>>,
}

impl Upstream {
    pub(super) fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let upstream = Self { address, lines: Arc::default(), targets: Arc::default() };
        let running = upstream.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let upstream = running.clone();
                thread::spawn(move || upstream.answer(&stream));
            }
        });
        Ok(upstream)
    }

    /// Forgets what it was sent.
    pub(super) fn forget(&self) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Whether a line that it was sent holds `text`.
    pub(super) fn has_seen(&self, text: &str) -> bool {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().any(|it| it.contains(text))
    }

    /// The targets that it was asked for since it was asked this.
    pub(super) fn take_targets(&self) -> Vec<String> {
        std::mem::take(&mut self.targets.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Answers requests without bodies until the connection ends.
    fn answer(&self, stream: &TcpStream) {
        let mut target: Option<String> = None;
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if line.is_empty() && answer_one(stream, &target.take().unwrap_or_default()).is_err() {
                return;
            }
            self.keep(&mut target, line);
        }
    }

    /// Keeps a line, and the target where it is the first of a request.
    fn keep(&self, target: &mut Option<String>, line: String) {
        if target.is_none() && !line.is_empty() {
            let asked = line.split(' ').nth(1).unwrap_or_default().to_owned();
            keep(&self.targets, asked.clone());
            *target = Some(asked);
        }
        keep(&self.lines, line);
    }
}

fn keep(list: &Mutex<Vec<String>>, text: String) {
    let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
    if list.len() < LINES_MAX {
        list.push(text);
    }
}

fn answer_one(mut stream: &TcpStream, target: &str) -> io::Result<()> {
    if target.ends_with("/wait") {
        // No answer: whoever asked goes away at some time.
        return Ok(());
    }
    if target.ends_with("/busy") {
        return stream.write_all(BUSY.as_bytes());
    }
    let pieces = match target.rsplit('/').next() {
        Some("events") => usize::MAX,
        Some("pieces") => PIECES,
        _ => return stream.write_all(ANSWER.as_bytes()),
    };
    stream.write_all(EVENTS.as_bytes())?;
    for _ in 0..pieces {
        stream.write_all(EVENT.as_bytes())?;
        run::rest(EVENT_EVERY);
    }
    stream.write_all(LAST_CHUNK.as_bytes())
}
