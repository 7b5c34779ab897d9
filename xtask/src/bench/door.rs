//! The door as it is measured: a state with roles and limits, a key, and records.

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
    state::{PROFILE, State},
};
use crate::{crowd, run};

const FORM: &str = "application/x-www-form-urlencoded";
const TOOL: &str = "shop_get_order";
const REVISION: &str = "2026-07-28";

/// Where a door lives: its state, its keys, its records. It is served as often as need be.
#[derive(Debug)]
pub(super) struct Home {
    program: PathBuf,
    folder: PathBuf,
    /// Whether its state is in a store, and not in a folder.
    is_stored: bool,
    key: String,
    /// What the client shows at the token endpoint.
    secret: String,
}

impl Home {
    /// Writes the state, over the upstream, and the onedoor.toml, and makes a key.
    pub(super) fn make(
        program: &Path,
        folder: PathBuf,
        (state, upstream): (State, SocketAddr),
        config: &str,
    ) -> Result<Self> {
        let (place, data) = (folder.join("state"), folder.join("data"));
        write(&folder, "onedoor.toml", config)?;
        let mut files = state.files(upstream);
        for (file, text) in &files {
            write(&place, file, text)?;
        }
        let make = |kind: &str| {
            let mut make = run::program(program, &folder);
            make.args(["credential", "new", PROFILE, "--kind", kind, "--state"]).arg(&place);
            let printed = run::output(make.arg("--data").arg(&data))?;
            let made = printed.lines().next_back().unwrap_or_default().trim().to_owned();
            ensure!(!made.is_empty(), "onedoor credential new printed no {kind}");
            Ok(made)
        };
        let (key, secret) = (make("api_key")?, make("client_secret")?);
        let crowd = state.crowd();
        let is_stored = crowd.is_some();
        if let Some(crowd) = crowd {
            files.extend(credentials(&place)?);
            files.extend(crowd);
            crowd::commit(data.join("onedoor.db"), files)?;
        }
        Ok(Self { program: program.to_owned(), folder, is_stored, key, secret })
    }

    /// Serves, on the core of the proxies.
    pub(super) fn serve(&self, address: SocketAddr) -> Result<Server> {
        let mut serve = on_core(0, &self.program);
        serve.env_remove("ONEDOOR_STORE").arg("serve").arg("--data").arg(self.data());
        if !self.is_stored {
            serve.arg("--state").arg(self.folder.join("state"));
        }
        serve.arg("--config").arg(self.folder.join("onedoor.toml"));
        serve.arg("--listen").arg(address.to_string()).args(["--management", "127.0.0.1:0"]);
        Server::start(&mut serve, address, &self.folder.join("door.log"))
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The folder of its records.
    pub(super) fn records(&self) -> PathBuf {
        self.data().join("audit")
    }

    pub(super) fn rest_request(&self) -> Request {
        Self::call(&self.key)
    }

    /// The same call with a token that was got for it just now, where the door is served.
    pub(super) fn token_request(&self, address: SocketAddr) -> Result<Request> {
        let mut client = Client::connect(address)?;
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

/// The credentials that were made in a state folder, as files.
fn credentials(state: &Path) -> Result<Vec<(String, String)>> {
    let entries = fs::read_dir(state.join("credentials")).context("no credentials were made")?;
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry?;
        let name = entry.file_name().display().to_string();
        anyhow::Ok((format!("credentials/{name}"), fs::read_to_string(entry.path())?))
    };
    entries.map(read).collect()
}

fn write(place: &Path, file: &str, text: &str) -> Result<()> {
    let path = place.join(file);
    let folder = path.parent().context("a file has a folder")?;
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, text))
        .with_context(|| path.display().to_string())
}
