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

    /// Sends a whole request; the answer, whose body has to have a length or to come in chunks.
    pub(super) fn answer(&mut self, request: &str) -> Result<Answer> {
        self.identified(request).map(|it| it.0)
    }

    /// The same, and the id that the door gave the request; an empty one where it says none.
    pub(super) fn identified(&mut self, request: &str) -> Result<(Answer, String)> {
        let (mut stream, head) = self.begin(request)?;
        let body = match head.length {
            Some(length) => exactly(&mut stream, length)?,
            None => chunks(&mut stream)?,
        };
        self.stream = (!head.is_last).then_some(stream);
        let text = String::from_utf8_lossy(&body).into_owned();
        Ok((Answer { status: head.status, text }, head.id))
    }

    /// Sends a whole request, and leaves as soon as the answer has begun, of which there is no body then.
    pub(super) fn leave(&mut self, request: &str) -> Result<(Answer, String)> {
        let (_, head) = self.begin(request)?;
        Ok((Answer { status: head.status, text: String::new() }, head.id))
    }

    fn begin(&mut self, request: &str) -> Result<(BufReader<TcpStream>, Head)> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => open(self.address)?,
        };
        stream.get_mut().write_all(request.as_bytes())?;
        let head = Head::read(&mut stream)?;
        Ok((stream, head))
    }
}

/// How an answer begins.
#[derive(Debug)]
struct Head {
    status: u16,
    /// That of the request, as the door says it.
    id: String,
    /// None where the body comes in chunks.
    length: Option<usize>,
    /// Whether nothing may follow.
    is_last: bool,
}

impl Head {
    fn read(stream: &mut BufReader<TcpStream>) -> Result<Self> {
        let mut line = String::new();
        ensure!(stream.read_line(&mut line)? > 0, "the connection was closed");
        let status = line.split(' ').nth(1).and_then(|it| it.parse().ok()).context("no status")?;
        let mut head = Self { status, id: String::new(), length: None, is_last: false };
        let mut is_chunked = false;
        loop {
            line.clear();
            ensure!(stream.read_line(&mut line)? > 0, "the head breaks off");
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                head.length = Some(value.trim().parse::<usize>()?);
            }
            if let Some(value) = line.strip_prefix("x-request-id:") {
                value.trim().clone_into(&mut head.id);
            }
            is_chunked |= line == "transfer-encoding: chunked";
            head.is_last |= line == "connection: close";
        }
        ensure!(is_chunked || head.length.is_some(), "the body has no length");
        Ok(head)
    }
}

fn open(address: SocketAddr) -> Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}

fn exactly(stream: &mut BufReader<TcpStream>, length: usize) -> Result<Vec<u8>> {
    ensure!(length <= BODY_BYTES_MAX, "the body is too large");
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(body)
}

/// Chunks of RFC 9112 section 7.1, to the last one.
fn chunks(stream: &mut BufReader<TcpStream>) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        ensure!(stream.read_line(&mut line)? > 0, "the body breaks off");
        let size = usize::from_str_radix(line.trim_end(), 16).context("a chunk has no size")?;
        body.extend(exactly(stream, size)?);
        ensure!(exactly(stream, 2)? == b"\r\n", "a chunk does not end");
        ensure!(body.len() <= BODY_BYTES_MAX, "the body is too large");
        if size == 0 {
            return Ok(body);
        }
    }
}
