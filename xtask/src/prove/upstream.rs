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
/// How an answer begins whose target ends in `/events`: pieces of it come until the connection ends.
const EVENTS: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
/// One piece, as a chunk.
const EVENT: &str = "c\r\ndata: tick\n\n\r\n";
const EVENT_EVERY: Duration = Duration::from_millis(10);
/// So many header lines are kept.
const LINES_MAX: usize = 10_000;

/// A running upstream. It ends with the process.
#[derive(Debug, Clone)]
pub(super) struct Upstream {
    pub(super) address: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Upstream {
    pub(super) fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let upstream = Self { address: listener.local_addr()?, lines: Arc::default() };
        let lines = Arc::clone(&upstream.lines);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let lines = Arc::clone(&lines);
                thread::spawn(move || answer(&stream, &lines));
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
}

/// Answers requests without bodies until the connection ends.
fn answer(stream: &TcpStream, kept: &Mutex<Vec<String>>) {
    let mut target = String::new();
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        if line.is_empty() {
            if answer_one(stream, &target).is_err() {
                return;
            }
            target.clear();
        } else if target.is_empty() {
            target = line.split(' ').nth(1).unwrap_or_default().to_owned();
        }
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < LINES_MAX {
            kept.push(line);
        }
    }
}

fn answer_one(mut stream: &TcpStream, target: &str) -> io::Result<()> {
    if target.ends_with("/wait") {
        // No answer: whoever asked goes away at some time.
        return Ok(());
    }
    if !target.ends_with("/events") {
        return stream.write_all(ANSWER.as_bytes());
    }
    stream.write_all(EVENTS.as_bytes())?;
    loop {
        stream.write_all(EVENT.as_bytes())?;
        run::rest(EVENT_EVERY);
    }
}
