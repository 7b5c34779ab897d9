//! The ways to put a caller out, and how each is carried out.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::{super::door::Addresses, ASKING};

/// What is revoked, disabled or stopped.
#[derive(Debug, Clone)]
pub(in super::super) enum End {
    Client(String),
    Credential(String),
    /// A credential of kind `external`, of an issuer that goes on.
    External(String),
    /// By its refresh token.
    Grant(String),
    Issuer(String),
    /// By its client's name and its own.
    Profile(String, &'static str),
    Stop(Stopped),
    User(String),
}

/// What the kill switch stops.
#[derive(Debug, Clone)]
pub(in super::super) enum Stopped {
    Agents,
    Client(String),
    Collection,
    /// A person, by the name of their account.
    Person(String),
    /// A client that registered itself.
    Program(String),
    Upstream,
}

/// The name of the stop, of which there is one at a time.
const STOP: &str = "/stops/proof";

impl End {
    /// Which sort it is of.
    pub(in super::super) const fn name(&self) -> &'static str {
        match self {
            Self::Client(_) => "client",
            Self::Credential(_) => "credential",
            Self::External(_) => "external credential",
            Self::Grant(_) => "grant",
            Self::Issuer(_) => "issuer",
            Self::Profile(..) => "profile",
            Self::Stop(Stopped::Agents) => "stop of agents",
            Self::Stop(Stopped::Client(_)) => "stop of a client",
            Self::Stop(Stopped::Collection) => "stop of a collection",
            Self::Stop(Stopped::Person(_)) => "stop of a person",
            Self::Stop(Stopped::Program(_)) => "stop of a program",
            Self::Stop(Stopped::Upstream) => "stop of an upstream",
            Self::User(_) => "user",
        }
    }

    /// Revokes, disables or stops it at this door. Where that is done, nothing changes.
    pub(in super::super) fn carry_out(&self, door: Addresses, operator: &str) -> Result<()> {
        let manager = door.client(operator);
        // What is there already, but for one thing.
        let change = |path: &str, changed: &dyn Fn(&mut Value)| -> Result<()> {
            let mut found = manager.manage("GET", path, &Value::Null)?.done(path)?;
            let document = found.get_mut("document").context("it has no document")?;
            changed(document);
            manager.manage("PUT", path, document)?.done(path).map(drop)
        };
        let disable = |document: &mut Value| put_out(document, "");
        match self {
            Self::Client(id) => change(&format!("/clients/{id}"), &disable),
            Self::Credential(id) | Self::External(id) => {
                let path = format!("/credentials/{id}/revoke");
                manager.manage("POST", &path, &Value::Null)?.done("revoke").map(drop)
            }
            Self::Grant(refresh) => {
                let form = format!("token={refresh}&client_id={}", ASKING.replace('/', "%2F"));
                door.caller("").post_form("/oauth/revoke", &form)?.done("revoke").map(drop)
            }
            Self::Issuer(id) => change(&format!("/issuers/{id}"), &disable),
            Self::Profile(client, profile) => {
                let pointer = format!("/profiles/{profile}");
                change(&format!("/clients/{client}"), &|it| put_out(it, &pointer))
            }
            Self::Stop(stopped) => {
                let (name, id) = stopped.named();
                let stop = json!({name: id, "because": "a proof"});
                manager.manage("PUT", STOP, &stop)?.done("put_stop").map(drop)
            }
            Self::User(id) => change(&format!("/users/{id}"), &disable),
        }
    }

    /// Whether it is taken back at once, and whom it put out gets in again.
    pub(in super::super) const fn is_lifted(&self) -> bool {
        matches!(self, Self::Stop(_))
    }

    /// Lifts what stands in the way of those who come next.
    pub(in super::super) fn lift(&self, door: Addresses, operator: &str) -> Result<()> {
        if !self.is_lifted() {
            return Ok(());
        }
        door.client(operator).manage("DELETE", STOP, &Value::Null)?.done("delete_stop").map(drop)
    }
}

impl Stopped {
    /// As a stop names it.
    fn named(&self) -> (&'static str, &str) {
        match self {
            Self::Agents => ("agents", "all"),
            Self::Client(id) => ("client", id),
            Self::Collection => ("collection", "flip"),
            Self::Person(name) => ("person", name),
            Self::Program(id) => ("client_id", id),
            Self::Upstream => ("upstream", "spare"),
        }
    }
}

/// Says in a document that what is at `pointer` is not in force.
pub(super) fn put_out(document: &mut Value, pointer: &str) {
    if let Some(Value::Object(fields)) = document.pointer_mut(pointer) {
        fields.insert("enabled".to_owned(), json!(false));
    }
}
