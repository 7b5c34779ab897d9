//! A client of the door as any other: real requests over a real socket, on both surfaces.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context as _;
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use model::{Secret, Surface};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};

const PATIENCE: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// The revision of MCP that it speaks: one POST for one call, without a session.
const REVISION: &str = "2026-07-28";
/// How the type of a problem begins that says why the door refused.
const REFUSAL: &str = "urn:onedoor:refusal:";

/// A client with its key.
pub(super) struct Visitor<'a> {
    pub(super) door: SocketAddr,
    pub(super) key: &'a Secret<String>,
}

/// An operation by its names on both surfaces.
#[derive(Clone, Copy)]
pub(super) struct Errand {
    pub(super) method: &'static Method,
    pub(super) path: &'static str,
    pub(super) tool: &'static str,
    pub(super) order: Option<u64>,
}

/// What came of one call.
pub(super) struct Made {
    pub(super) surface: Surface,
    /// The status of a REST answer; of a tool call, the one that its HTTP answer had.
    pub(super) status: StatusCode,
    pub(super) is_refused: bool,
    /// Why the door refused it, if it did.
    pub(super) reason: Option<String>,
    /// The answer's content.
    pub(super) content: Value,
}

impl Visitor<'_> {
    /// Runs the errand on `surface`.
    ///
    /// # Errors
    /// Where there is no answer, or none that can be read.
    pub(super) async fn call(&self, surface: Surface, errand: Errand) -> anyhow::Result<Made> {
        match surface {
            Surface::Mcp => self.tool(errand).await,
            Surface::Rest => self.rest(errand).await,
        }
    }

    async fn rest(&self, errand: Errand) -> anyhow::Result<Made> {
        let path = match errand.order {
            Some(order) => format!("{}/{order}", errand.path),
            None => errand.path.to_owned(),
        };
        let request = Request::builder().method(errand.method).uri(path);
        let (status, content) = self.send(request, Bytes::new()).await?;
        let is_refused = !status.is_success();
        let reason = content.get("type").and_then(Value::as_str);
        let reason = reason.and_then(|it| it.strip_prefix(REFUSAL)).map(str::to_owned);
        Ok(Made { surface: Surface::Rest, status, is_refused, reason, content })
    }

    async fn tool(&self, errand: Errand) -> anyhow::Result<Made> {
        let arguments = errand.order.map_or_else(|| json!({}), |it| json!({ "order_id": it }));
        let message = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {
                "name": errand.tool,
                "arguments": arguments,
                "_meta": {
                    "io.modelcontextprotocol/protocolVersion": REVISION,
                    "io.modelcontextprotocol/clientCapabilities": {},
                    "io.modelcontextprotocol/clientInfo": { "name": "onedoor-demo", "version": "1" },
                },
            },
        });
        let request = Request::post("/mcp")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, text/event-stream")
            .header("mcp-protocol-version", REVISION)
            .header("mcp-method", "tools/call")
            .header("mcp-name", errand.tool);
        let (status, answer) = self.send(request, message.to_string().into()).await?;
        let result = answer.get("result");
        let is_error = result.and_then(|it| it.get("isError")).and_then(Value::as_bool);
        // No result is a JSON-RPC error.
        let is_refused = result.is_none() || is_error == Some(true);
        let content = result.and_then(|it| it.get("structuredContent")).cloned();
        let content = content.unwrap_or(Value::Null);
        let reason = answer.pointer("/error/data/reason").and_then(Value::as_str);
        let reason = reason.map(str::to_owned);
        Ok(Made { surface: Surface::Mcp, status, is_refused, reason, content })
    }

    async fn send(
        &self,
        request: http::request::Builder,
        body: Bytes,
    ) -> anyhow::Result<(StatusCode, Value)> {
        let request = request
            .header(header::HOST, self.door.to_string())
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key.expose()))
            .body(Full::new(body))?;
        let answered = timeout(PATIENCE, exchange(self.door, request)).await;
        answered.context("no answer within 10 s")?
    }
}

/// Sends `request` over a connection of its own and reads the answer.
///
/// # Errors
/// Where there is no answer, or none that is JSON.
pub(super) async fn exchange(
    door: SocketAddr,
    request: Request<Full<Bytes>>,
) -> anyhow::Result<(StatusCode, Value)> {
    let stream = TokioIo::new(TcpStream::connect(door).await?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
    let exchange = async move {
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body =
            Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(anyhow::Error::msg)?;
        Ok((head.status, content(&body.to_bytes())?))
    };
    // The exchange takes the sender with it when it ends, and the connection ends with that.
    let (answer, _) = tokio::join!(exchange, connection);
    answer
}

/// JSON as it is, or as the last of server-sent events. Nothing is null.
fn content(bytes: &[u8]) -> anyhow::Result<Value> {
    let text = std::str::from_utf8(bytes)?;
    let data = text.lines().rev().find_map(|it| it.strip_prefix("data:"));
    match data.unwrap_or(text).trim() {
        "" => Ok(Value::Null),
        json => serde_json::from_str(json).context("the answer is not JSON"),
    }
}
