//! An upstream that answers every request with the same few bytes, and keeps what it was sent.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use anyhow::Result;

const ANSWER: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{\"ok\":true}";
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

    /// Whether a header that it was sent holds `text`.
    pub(super) fn has_seen(&self, text: &str) -> bool {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().any(|it| it.contains(text))
    }
}

/// Answers requests without bodies until the connection ends.
fn answer(stream: &TcpStream, kept: &Mutex<Vec<String>>) {
    let mut writer = stream;
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        if line.is_empty() && writer.write_all(ANSWER.as_bytes()).is_err() {
            return;
        }
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < LINES_MAX {
            kept.push(line);
        }
    }
}
