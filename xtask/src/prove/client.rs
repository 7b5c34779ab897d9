//! A small blocking HTTP client of a door: one connection a request, and errors in place of panics.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::{net::TcpSocket, runtime::Builder};

/// Longest silence of a door.
const PATIENCE: Duration = Duration::from_secs(30);
/// The revision of MCP without sessions: one POST is one call.
const MCP: &str = "2026-07-28";
const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";
/// The base of the management operations.
pub(super) const BASE: &str = "/onedoor/v1";

/// Sends requests with one key to one address; with none where it is empty.
#[derive(Debug, Clone)]
pub(super) struct Client {
    address: SocketAddr,
    key: String,
    /// The address of this machine that it calls from; any where it is none.
    from: Option<Ipv4Addr>,
    /// A proof of the key that the token is bound to; none where it is bound to none.
    proof: Option<String>,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) text: String,
}

impl Answer {
    /// Reads one from all bytes of its connection.
    pub(super) fn read(answer: &[u8]) -> Result<Self> {
        let text = String::from_utf8_lossy(answer);
        let (head, body) = text.split_once("\r\n\r\n").context("it has no end of a head")?;
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
        let status = status.context("it has no status")?;
        let head = head.to_ascii_lowercase();
        let header = |name: &str| {
            head.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
        };
        let text = match header("content-length") {
            Some(length) => {
                ensure!(length.parse() == Ok(body.len()), "the body breaks off");
                body.to_owned()
            }
            None if header("transfer-encoding").is_some() => unchunked(body)?,
            None => body.to_owned(),
        };
        Ok(Self { status, text })
    }

    /// The body as JSON; null where it is not.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// Whether it says what was asked for, over either surface.
    pub(super) fn is_good(&self) -> bool {
        let body = self.json();
        let has_failed = body.pointer("/result/isError") == Some(&Value::Bool(true));
        self.status == 200 && body.get("error").is_none() && !has_failed
    }

    /// The whole of it, where it does not say what was asked for.
    pub(super) fn fault(&self) -> Option<String> {
        (!self.is_good()).then(|| format!("{} {}", self.status, self.text))
    }

    /// The body as JSON of an answer that went well.
    pub(super) fn done(self, what: &str) -> Result<Value> {
        ensure!((200..300).contains(&self.status), "{what}: {} {}", self.status, self.text);
        Ok(self.json())
    }
}

impl Client {
    pub(super) fn new(address: SocketAddr, key: &str) -> Self {
        Self { address, key: key.to_owned(), from: None, proof: None }
    }

    /// The same, calling from this address.
    pub(super) fn from(self, address: Ipv4Addr) -> Self {
        Self { from: Some(address), ..self }
    }

    /// The same, with this proof of a key (`DPoP`) in each request.
    pub(super) fn proving(self, proof: &str) -> Self {
        Self { proof: Some(proof.to_owned()), ..self }
    }

    /// A management request; `path` is what stands behind the base.
    pub(super) fn manage(&self, method: &str, path: &str, body: &Value) -> Result<Answer> {
        self.send(method, &format!("{BASE}{path}"), body)
    }

    /// A request. Without a body where that is null.
    pub(super) fn send(&self, method: &str, target: &str, body: &Value) -> Result<Answer> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
        self.exchange(&format!("{method} {target}"), headers, &body)
    }

    /// A form, as browsers and clients of OAuth send it.
    pub(super) fn post_form(&self, target: &str, form: &str) -> Result<Answer> {
        self.exchange(&format!("POST {target}"), FORM, form)
    }

    /// The same as text, for a connection on which more follows.
    pub(super) fn form_request(&self, target: &str, form: &str) -> String {
        self.request(&format!("POST {target}"), FORM, form)
    }

    /// A call of a tool.
    pub(super) fn call_tool(&self, tool: &str, arguments: &Value) -> Result<Answer> {
        let (line, headers, message) = tool_call(tool, arguments);
        self.exchange(&line, &headers, &message)
    }

    /// The same as text, for a connection on which more follows.
    pub(super) fn tool_request(&self, tool: &str, arguments: &Value) -> String {
        let (line, headers, message) = tool_call(tool, arguments);
        self.request(&line, &headers, &message)
    }

    /// The question which tools there are, as text.
    pub(super) fn list_request(&self) -> String {
        let (line, headers, message) = rpc("tools/list", json!({}), "");
        self.request(&line, &headers, &message)
    }

    /// A GET request as text, for a connection on which more follows.
    pub(super) fn get_request(&self, target: &str) -> String {
        self.bare_request("GET", target)
    }

    /// A request without a body as text, for a connection on which more follows.
    pub(super) fn bare_request(&self, method: &str, target: &str) -> String {
        self.request(&format!("{method} {target}"), "", "")
    }

    fn exchange(&self, line: &str, headers: &str, body: &str) -> Result<Answer> {
        let mut stream = self.connect()?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let request = self.request(line, &format!("connection: close\r\n{headers}"), body);
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Answer::read(&answer).with_context(|| format!("no whole answer to {line}"))
    }

    fn connect(&self) -> Result<TcpStream> {
        let Some(from) = self.from else { return Ok(TcpStream::connect(self.address)?) };
        let runtime = Builder::new_current_thread().enable_io().build()?;
        runtime.block_on(async {
            let socket = TcpSocket::new_v4()?;
            socket.bind((from, 0).into())?;
            let stream = socket.connect(self.address).await?.into_std()?;
            stream.set_nonblocking(false)?;
            Ok(stream)
        })
    }

    fn request(&self, line: &str, headers: &str, body: &str) -> String {
        let (host, length) = (self.address, body.len());
        let (scheme, proof) = match &self.proof {
            Some(proof) => ("DPoP", format!("dpop: {proof}\r\n")),
            None => ("Bearer", String::new()),
        };
        let shown = match &*self.key {
            "" => proof,
            key => format!("authorization: {scheme} {key}\r\n{proof}"),
        };
        format!(
            "{line} HTTP/1.1\r\nhost: {host}\r\n{shown}{headers}content-length: {length}\r\n\r\n{body}"
        )
    }
}

/// Line, headers and body of a call of a tool.
pub(super) fn tool_call(tool: &str, arguments: &Value) -> (String, String, String) {
    let params = json!({"name": tool, "arguments": arguments});
    rpc("tools/call", params, &format!("mcp-name: {tool}\r\n"))
}

/// Line, headers and body of a message.
fn rpc(method: &str, mut params: Value, more: &str) -> (String, String, String) {
    if let Value::Object(params) = &mut params {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": MCP,
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        params.insert("_meta".to_owned(), meta);
    }
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let headers = format!(
        "content-type: application/json\r\naccept: application/json, text/event-stream\r\n\
         mcp-protocol-version: {MCP}\r\nmcp-method: {method}\r\n{more}"
    );
    ("POST /mcp".to_owned(), headers, message.to_string())
}

/// Chunks of RFC 9112 section 7.1, put together.
fn unchunked(body: &str) -> Result<String> {
    let mut whole = String::new();
    let mut rest = body;
    loop {
        let (size, after) = rest.split_once("\r\n").context("a chunk breaks off")?;
        let size = usize::from_str_radix(size.trim(), 16).context("a chunk has no size")?;
        if size == 0 {
            return Ok(whole);
        }
        whole.push_str(after.get(..size).context("a chunk breaks off")?);
        let after = after.get(size..).and_then(|it| it.strip_prefix("\r\n"));
        rest = after.context("a chunk breaks off")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_good_when_neither_surface_says_that_it_failed() {
        for (status, text, is_good) in [
            (200, r#"{"ok":true}"#, true),
            (200, r#"{"result":{"isError":false}}"#, true),
            (200, r#"{"result":{"isError":true}}"#, false),
            (200, r#"{"error":{"code":403}}"#, false),
            (401, r#"{"ok":true}"#, false),
        ] {
            assert_eq!(Answer { status, text: text.to_owned() }.is_good(), is_good, "{text}");
        }
    }
}
