//! One connection over which requests follow each other, as a busy client has it.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};

use super::client::Answer;

/// Longest silence of a door.
const PATIENCE: Duration = Duration::from_secs(10);
const BODY_BYTES_MAX: usize = 1 << 20;

/// Opened with the first request, and anew after a fault.
#[derive(Debug)]
pub(super) struct Connection {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

impl Connection {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address, stream: None }
    }

    /// Sends a whole request; the answer, whose body has to have a length.
    pub(super) fn answer(&mut self, request: &str) -> Result<Answer> {
        self.identified(request).map(|it| it.0)
    }

    /// The same, and the id that the door gave the request; an empty one where it says none.
    pub(super) fn identified(&mut self, request: &str) -> Result<(Answer, String)> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => open(self.address)?,
        };
        stream.get_mut().write_all(request.as_bytes())?;
        let (answer, id, is_last) = read(&mut stream)?;
        self.stream = (!is_last).then_some(stream);
        Ok((answer, id))
    }
}

fn open(address: SocketAddr) -> Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}

/// An answer, the id of its request, and whether nothing may follow.
fn read(stream: &mut BufReader<TcpStream>) -> Result<(Answer, String, bool)> {
    let mut line = String::new();
    ensure!(stream.read_line(&mut line)? > 0, "the connection was closed");
    let status = line.split(' ').nth(1).and_then(|it| it.parse().ok()).context("no status")?;
    let (mut length, mut id, mut is_last) = (None, String::new(), false);
    loop {
        line.clear();
        ensure!(stream.read_line(&mut line)? > 0, "the head breaks off");
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = Some(value.trim().parse::<usize>()?);
        }
        if let Some(value) = line.strip_prefix("x-request-id:") {
            value.trim().clone_into(&mut id);
        }
        is_last |= line == "connection: close";
    }
    let length = length.context("the body has no length")?;
    ensure!(length <= BODY_BYTES_MAX, "the body is too large");
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let text = String::from_utf8_lossy(&body).into_owned();
    Ok((Answer { status, text }, id, is_last))
}
