//! A plain HTTP/1.1 client: one connection a request, no cleverness.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, task::JoinSet};

/// A list that goes on behind this many pages goes round in a circle.
const PAGES_MAX: usize = 100;

/// Sends requests to one address.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    address: SocketAddr,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// An answer whose body is still to come.
#[derive(Debug)]
pub struct Stream {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    body: Incoming,
    connection: JoinSet<hyper::Result<()>>,
}

impl Stream {
    /// The next piece of the body; none at its end.
    ///
    /// # Errors
    /// Where it broke off.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, hyper::Error> {
        let frame = self.body.frame().await.transpose()?;
        Ok(frame.map(|it| it.into_data().unwrap_or_default()))
    }
}

impl Answer {
    /// The body as JSON; null where it is not.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value; empty where it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default()
    }
}

impl Client {
    /// A client of the server at `address`.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Sends `method target` with these headers, and a `Host` where none is given.
    pub async fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes> + Send,
    ) -> Answer {
        let stream = self.open(method, target, headers, body).await;
        let Stream { status, headers, body, connection: _connection } = stream;
        let body =
            body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Answer { status, headers, body }
    }

    /// The same, up to the head of the answer.
    pub async fn open(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes> + Send,
    ) -> Stream {
        let stream = TcpStream::connect(self.address).await.expect("the server listens");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(connection);
        let mut request = Request::builder().method(method).uri(target);
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header("host", self.address.to_string());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
        Stream { status: parts.status, headers: parts.headers, body, connection: tasks }
    }

    /// Calls a tool in the revision without sessions, and gives back the whole HTTP answer.
    pub async fn call_tool(&self, key: &str, tool: &str, arguments: &Value) -> Answer {
        let message = serde_json::json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": tool, "arguments": arguments, "_meta": meta()},
        });
        self.rpc(key, "tools/call", Some(tool), &message).await
    }

    /// Lists all tools in the revision without sessions, page by page.
    pub async fn list_tools(&self, key: &str) -> Vec<Vec<Value>> {
        let mut pages = Vec::new();
        let mut params = serde_json::json!({"_meta": meta()});
        while pages.len() < PAGES_MAX {
            let message = serde_json::json!({
                "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params,
            });
            let mut page = self.rpc(key, "tools/list", None, &message).await.json();
            let cursor = page.pointer("/result/nextCursor").cloned();
            match page.pointer_mut("/result/tools").map(Value::take) {
                Some(Value::Array(tools)) => pages.push(tools),
                _ => panic!("no list of tools: {page}"),
            }
            let Some(cursor) = cursor else { return pages };
            params = serde_json::json!({"_meta": meta(), "cursor": cursor});
        }
        panic!("more than {PAGES_MAX} pages of tools");
    }

    /// Sends a message of the revision without sessions.
    pub async fn rpc(
        &self,
        key: &str,
        method: &str,
        name: Option<&str>,
        message: &Value,
    ) -> Answer {
        let bearer = format!("Bearer {key}");
        let mut headers = vec![
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", method),
        ];
        if let Some(name) = name {
            headers.push(("mcp-name", name));
        }
        if !key.is_empty() {
            headers.push(("authorization", bearer.as_str()));
        }
        self.send("POST", "/mcp", &headers, message.to_string()).await
    }
}

/// What every request of the revision without sessions says about itself.
fn meta() -> Value {
    serde_json::json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}
