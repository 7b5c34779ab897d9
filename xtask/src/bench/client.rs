//! A small blocking HTTP/1.1 client, and the requests it and wrk send.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};

/// Longest silence of a server.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest body that is read.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// A request, as it is sent.
#[derive(Debug, Clone)]
pub(super) struct Request {
    method: &'static str,
    path: &'static str,
    headers: Vec<(String, String)>,
    body: String,
    bytes: Vec<u8>,
}

impl Request {
    pub(super) fn get(path: &'static str, headers: &[(&str, &str)]) -> Self {
        Self::new("GET", path, headers, "")
    }

    pub(super) fn post(path: &'static str, headers: &[(&str, &str)], body: &str) -> Self {
        Self::new("POST", path, headers, body)
    }

    fn new(method: &'static str, path: &'static str, headers: &[(&str, &str)], body: &str) -> Self {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut lines = vec![format!("{method} {path} HTTP/1.1"), "host: 127.0.0.1".to_owned()];
        lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
        if !body.is_empty() {
            lines.push(format!("content-length: {}", body.len()));
        }
        let bytes = format!("{}\r\n\r\n{body}", lines.join("\r\n")).into_bytes();
        Self { method, path, headers, body: body.to_owned(), bytes }
    }

    /// The whole request as it goes over the wire.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn path(&self) -> &'static str {
        self.path
    }

    pub(super) fn headers(&self) -> Vec<(&str, &str)> {
        self.headers.iter().map(|(name, value)| (&**name, &**value)).collect()
    }

    /// The same request as a script of wrk, which ends with one line of JSON.
    pub(super) fn script(&self) -> Result<String> {
        // A JSON string of printable ASCII is a Lua string as well.
        let quoted = |text: &str| serde_json::to_string(text);
        let mut lines = vec![format!("wrk.method = {}", quoted(self.method)?)];
        for (name, value) in &self.headers {
            lines.push(format!("wrk.headers[{}] = {}", quoted(name)?, quoted(value)?));
        }
        if !self.body.is_empty() {
            lines.push(format!("wrk.body = {}", quoted(&self.body)?));
        }
        lines.push(DONE.to_owned());
        Ok(lines.join("\n"))
    }
}

/// Latencies and the duration are in µs.
const DONE: &str = r#"
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '{"requests":%d,"micros":%d,"p50":%d,"p99":%d,"errors":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end"#;

/// One connection.
#[derive(Debug)]
pub(super) struct Client {
    stream: BufReader<TcpStream>,
    line: String,
    body: Vec<u8>,
}

impl Client {
    pub(super) fn connect(address: SocketAddr) -> Result<Self> {
        let stream =
            TcpStream::connect(address).with_context(|| format!("no server on {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream), line: String::new(), body: Vec::new() })
    }

    /// Sends a request and reads its answer: the status and the body.
    pub(super) fn exchange(&mut self, request: &[u8]) -> Result<(u16, Vec<u8>)> {
        let status = self.call(request)?;
        Ok((status, self.body.clone()))
    }

    /// Sends a request and reads its answer, of which only the status is told.
    pub(super) fn call(&mut self, request: &[u8]) -> Result<u16> {
        self.stream.get_mut().write_all(request).context("the connection broke")?;
        self.read_line()?;
        let status = self.line.split(' ').nth(1).and_then(|it| it.parse().ok());
        let status = status.with_context(|| format!("no status line: {:?}", self.line))?;
        let mut length = Some(0);
        loop {
            self.read_line()?;
            let Some((name, value)) = self.line.split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = Some(value.trim().parse().context("content-length")?),
                "transfer-encoding" => length = None,
                _ => {}
            }
        }
        self.body.clear();
        match length {
            Some(length) => self.read_body(length)?,
            None => self.read_chunks()?,
        }
        Ok(status)
    }

    fn read_chunks(&mut self) -> Result<()> {
        loop {
            self.read_line()?;
            let size = self.line.trim_end().split(';').next().unwrap_or_default();
            let size = usize::from_str_radix(size, 16).context("no chunk size")?;
            self.read_body(size)?;
            self.read_line()?;
            if size == 0 {
                return Ok(());
            }
        }
    }

    fn read_body(&mut self, length: usize) -> Result<()> {
        let start = self.body.len();
        let end = start.saturating_add(length);
        ensure!(end <= BODY_BYTES_MAX, "an answer of more than {BODY_BYTES_MAX} bytes");
        self.body.resize(end, 0);
        let rest = self.body.get_mut(start..).unwrap_or_default();
        self.stream.read_exact(rest).context("the answer broke off")
    }

    fn read_line(&mut self) -> Result<()> {
        self.line.clear();
        let count = self.stream.read_line(&mut self.line).context("no answer")?;
        if count == 0 {
            bail!("the connection was closed");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    #[test]
    fn an_answer_is_read_whether_it_has_a_length_or_chunks() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            // All of the request: what is left unread would break the connection off.
            let mut request = vec![0; Request::get("/", &[]).bytes().len()];
            stream.read_exact(&mut request).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc").unwrap();
            stream.read_exact(&mut request).unwrap();
            stream.write_all(b"HTTP/1.1 404 No\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
            stream.write_all(b"2\r\nde\r\n1\r\nf\r\n0\r\n\r\n").unwrap();
        });
        let mut client = Client::connect(address).unwrap();
        let request = Request::get("/", &[]);
        assert_eq!(client.exchange(request.bytes()).unwrap(), (200, b"abc".to_vec()));
        assert_eq!(client.exchange(request.bytes()).unwrap(), (404, b"def".to_vec()));
        assert!(client.exchange(request.bytes()).is_err());
        server.join().unwrap();
    }

    #[test]
    fn a_request_is_the_same_on_the_wire_and_in_a_script() {
        let request = Request::post("/mcp", &[("x-a", "b\"c")], "{\"d\":1}");
        let text = String::from_utf8(request.bytes().to_vec()).unwrap();
        assert_eq!(
            text,
            "POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\nx-a: b\"c\r\n\
             content-length: 7\r\n\r\n{\"d\":1}"
        );
        let script = request.script().unwrap();
        assert!(script.starts_with(
            "wrk.method = \"POST\"\nwrk.headers[\"x-a\"] = \"b\\\"c\"\nwrk.body = \"{\\\"d\\\":1}\"\n"
        ));
    }
}
