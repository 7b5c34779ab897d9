//! The door as it is measured: a state folder with roles and limits, a key, and records.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{
    client::{Client, Request},
    process::{Server, on_core},
};
use crate::run;

/// One collection over the upstream, with the one operation that is called.
const COLLECTION: &str = r#"owner: bench
base: /shop
upstream: {url: "http://UPSTREAM"}
document:
  openapi: 3.1.0
  info: {title: Orders, version: "1"}
  paths:
    /orders/{id}:
      get:
        operationId: get_order
        parameters:
          - {name: id, in: path, required: true, schema: {type: integer}}
        responses:
          "200": {description: The order}
"#;

/// A rate and a quota that are counted and never run out.
const FILES: &[(&str, &str)] = &[
    (
        "clients/bench.yaml",
        "kind: app\nowner: bench\nprofiles:\n  default:\n    roles: [reader]\n    \
         tokens: {grants: [client_credentials], lifetime: 10m}\n",
    ),
    ("roles/reader.yaml", "allow:\n  - operations: [\"shop:*\"]\n    effects: [read]\n"),
    ("limits/rate.yaml", "client: bench\nrate: 1000000/s\n"),
    ("limits/quota.yaml", "client: bench\nquota: 4000000000/day\n"),
];

const PROFILE: &str = "bench/default";
const FORM: &str = "application/x-www-form-urlencoded";
const TOOL: &str = "shop_get_order";
const REVISION: &str = "2026-07-28";

/// The running door, and the key to it.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) server: Server,
    data: PathBuf,
    key: String,
    /// What the client shows at the token endpoint.
    secret: String,
}

impl Door {
    /// Writes the state, makes a key and serves, on the core of the proxies.
    pub(super) fn start(
        program: &Path,
        folder: &Path,
        address: SocketAddr,
        upstream: SocketAddr,
    ) -> Result<Self> {
        let (state, data) = (folder.join("state"), folder.join("data"));
        let collection = COLLECTION.replace("UPSTREAM", &upstream.to_string());
        write(&state, "collections/shop.yaml", &collection)?;
        for (file, text) in FILES {
            write(&state, file, text)?;
        }
        let make = |kind: &str| {
            let mut make = run::program(program, folder);
            make.args(["credential", "new", PROFILE, "--kind", kind, "--state"]).arg(&state);
            let printed = run::output(make.arg("--data").arg(&data))?;
            let made = printed.lines().next_back().unwrap_or_default().trim().to_owned();
            ensure!(!made.is_empty(), "onedoor credential new printed no {kind}");
            Ok(made)
        };
        let (key, secret) = (make("api_key")?, make("client_secret")?);
        let mut serve = on_core(0, program);
        serve.arg("serve").arg("--state").arg(&state).arg("--data").arg(&data);
        serve.arg("--listen").arg(address.to_string()).args(["--management", "127.0.0.1:0"]);
        let server = Server::start(&mut serve, address, &folder.join("door.log"))?;
        Ok(Self { server, data, key, secret })
    }

    /// The folder of its records.
    pub(super) fn records(&self) -> PathBuf {
        self.data.join("audit")
    }

    pub(super) fn rest_request(&self) -> Request {
        Self::call(&self.key)
    }

    /// The same call with a token that was got for it just now.
    pub(super) fn token_request(&self) -> Result<Request> {
        let mut client = Client::connect(self.server.address)?;
        let (status, body) = client.exchange(self.issue_request().bytes())?;
        ensure!(status == 200, "no token: {status}: {}", String::from_utf8_lossy(&body));
        let answer: Value = serde_json::from_slice(&body).context("no JSON from /oauth/token")?;
        let token = answer.get("access_token").and_then(Value::as_str);
        token.map(Self::call).context("no access_token in the answer")
    }

    pub(super) fn issue_request(&self) -> Request {
        let (secret, id) = (&self.secret, PROFILE.replace('/', "%2F"));
        let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        Request::post("/oauth/token", &[("content-type", FORM)], &form)
    }

    fn call(credential: &str) -> Request {
        let bearer = format!("Bearer {credential}");
        Request::get("/shop/orders/42", &[("authorization", &bearer)])
    }

    /// The revision without sessions: one POST is one call.
    pub(super) fn mcp_request(&self) -> Request {
        let bearer = format!("Bearer {}", self.key);
        let body = serde_json::json!({
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {
                "name": TOOL,
                "arguments": {"id": 42},
                "_meta": {
                    "io.modelcontextprotocol/protocolVersion": REVISION,
                    "io.modelcontextprotocol/clientCapabilities": {},
                    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
                },
            },
        });
        let headers = [
            ("authorization", &*bearer),
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            ("mcp-protocol-version", REVISION),
            ("mcp-method", "tools/call"),
            ("mcp-name", TOOL),
        ];
        Request::post("/mcp", &headers, &body.to_string())
    }
}

fn write(state: &Path, file: &str, text: &str) -> Result<()> {
    let path = state.join(file);
    let folder = path.parent().context("a file has a folder")?;
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, text))
        .with_context(|| path.display().to_string())
}
