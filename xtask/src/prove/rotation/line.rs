//! What one caller shows, and shows next.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::super::{client::Client, door::Addresses};

/// The kinds that the door makes itself.
pub(super) const KINDS: [&str; 2] = ["api_key", "client_secret"];

const OPERATION: &str = "/shop/orders/1";
const TOKEN: &str = "/oauth/token";

/// One caller, which shows one credential at a time.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) kind: &'static str,
    held: Mutex<Arc<Held>>,
}

/// A credential, with what it takes to show it.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) id: String,
    kind: &'static str,
    secret: String,
}

/// A client with a profile for each kind.
pub(super) fn client() -> String {
    let client = json!({
        "kind": "service",
        "owner": "shop-team",
        "profiles": {
            "api-key": {"roles": ["reader"]},
            "client-secret": {"roles": ["reader"], "tokens": {"grants": ["client_credentials"]}},
        },
    });
    client.to_string()
}

fn profile(kind: &str) -> String {
    format!("rotated/{}", kind.replace('_', "-"))
}

impl Line {
    /// With a first credential.
    pub(super) fn begin(kind: &'static str, manager: &Client) -> Result<Self> {
        let wish = json!({"profile": profile(kind), "kind": kind});
        let answer = manager.manage("POST", "/credentials", &wish)?;
        let held = Held::of(kind, &answer.done("issue_credential")?)?;
        Ok(Self { kind, held: Mutex::new(Arc::new(held)) })
    }

    /// What is shown now.
    pub(super) fn held(&self) -> Arc<Held> {
        Arc::clone(&self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Shows this from now on.
    pub(super) fn take(&self, new: Held) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
    }

    /// A call of the door at this address, with what is shown now.
    pub(super) fn request(&self, address: SocketAddr) -> Arc<str> {
        let held = self.held();
        match held.kind {
            "api_key" => Client::new(address, &held.secret).get_request(OPERATION).into(),
            _ => Client::new(address, "").form_request(TOKEN, &held.form()).into(),
        }
    }

    /// Has a successor made for what is shown now.
    pub(super) fn rotate(&self, manager: &Client, overlap: &str) -> Result<Held> {
        let path = format!("/credentials/{}/rotate", self.held().id);
        let answer = manager.manage("POST", &path, &json!({"overlap": overlap}))?;
        Held::of(self.kind, &answer.done("rotate_credential")?)
    }
}

impl Held {
    fn of(kind: &'static str, made: &Value) -> Result<Self> {
        let text = |name: &str| made.get(name).and_then(Value::as_str).map(str::to_owned);
        let secret = text("key").or_else(|| text("secret")).context("it shows no secret")?;
        Ok(Self { id: text("id").context("it has no id")?, kind, secret })
    }

    /// Whether it gets anybody in at this door.
    pub(super) fn is_good(&self, door: Addresses) -> Result<bool> {
        let answer = match self.kind {
            "api_key" => door.caller(&self.secret).send("GET", OPERATION, &Value::Null)?,
            // Wrong ones are slowed down by where they come from, and this is not to slow the caller.
            _ => door.caller("").from(elsewhere()).post_form(TOKEN, &self.form())?,
        };
        match answer.status {
            200 => Ok(true),
            401 => Ok(false),
            other => bail!("{other} {}", answer.text),
        }
    }

    fn form(&self) -> String {
        let client = profile(self.kind).replace('/', "%2F");
        let secret = &self.secret;
        format!("grant_type=client_credentials&client_id={client}&client_secret={secret}")
    }
}

/// Another address of this machine, each time.
fn elsewhere() -> Ipv4Addr {
    static LAST: AtomicU8 = AtomicU8::new(0);
    Ipv4Addr::new(127, 0, 1, LAST.fetch_add(1, Ordering::Relaxed).max(1))
}
