//! A door that strangers can come to, each in its own way, and all that they meet there.

use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
};

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Authority, free_port};

use super::{
    client::Client,
    door::{Door, Home},
    property::Setting,
    strangers::Strangers,
    upstream::Upstream,
    world,
};

/// The program that drives the browser.
pub(super) const PERSON: &str = "tests/identity/person.mjs";
/// As the provider has it.
const CLIENT_SECRET: &str = "only-for-this-proof";

/// A door, the provider that its people sign in at, and a host of documents about clients.
#[derive(Debug)]
pub(super) struct Grounds {
    /// Where the door is.
    pub(super) url: String,
    pub(super) strangers: Strangers,
    /// Its management, for the first operator.
    pub(super) manager: Client,
    _door: Door,
    home: Home,
}

impl Grounds {
    /// Over plain HTTP, as on a developer's machine.
    pub(super) fn start(setting: &Setting<'_>) -> Result<Self> {
        Self::open(setting, "http", |_| Ok(String::new()))
    }

    /// Over TLS, which asks clients for certificates of the same authority; with `more` in its
    /// onedoor.toml.
    pub(super) fn start_tls(setting: &Setting<'_>, more: &str) -> Result<Self> {
        Self::open(setting, "https", |authority| {
            authority.issue("door", "/CN=door", "IP:127.0.0.1");
            let path = |file: &str| authority.path(file).display().to_string();
            let (certificate, key, ca) = (path("door.pem"), path("door.key"), path("ca.pem"));
            fs::set_permissions(&key, Permissions::from_mode(0o600))?;
            Ok(format!(
                "[tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\nclient_ca = \"{ca}\"\n{more}"
            ))
        })
    }

    fn open(
        setting: &Setting<'_>,
        scheme: &str,
        tls: impl FnOnce(&Authority) -> Result<String>,
    ) -> Result<Self> {
        let port = free_port();
        let url = format!("{scheme}://127.0.0.1:{port}");
        let strangers = Strangers::start(&url)?;
        let tls = tls(&strangers.authority)?;
        let mut home = Home::new(setting.program, setting.folder.join("door"));
        let config = setting.folder.join("onedoor.toml");
        fs::write(&config, format!("{}{tls}", strangers.egress()?))?;
        (home.listen, home.config) = (format!("127.0.0.1:{port}"), Some(config));
        let roots = strangers.authority.path("ca.pem").display().to_string();
        home.environment.push(("SSL_CERT_FILE".to_owned(), roots));
        let operator = home.init()?;
        let door = home.serve()?;
        let manager = door.client(&operator);
        world::apply(&manager, &files(&Upstream::start()?, &strangers.issuer))?;
        world::set_secret(&manager, "corp-login", CLIENT_SECRET)?;
        Ok(Self { url, strangers, manager, _door: door, home })
    }

    /// Why something failed, with what the door recorded last.
    pub(super) fn explained(&self, why: anyhow::Error) -> anyhow::Error {
        let records = audit::records(&self.home.data.join("audit")).unwrap_or_default();
        let last = records.last().map(ToString::to_string).unwrap_or_default();
        why.context(format!("the door's last record: {last}"))
    }
}

/// Two collections, an agent's profile, and whom it is for.
fn files(upstream: &Upstream, issuer: &str) -> BTreeMap<String, String> {
    let profile = json!({
        "roles": ["reader"],
        "tokens": {
            "grants": ["authorization_code", "refresh_token"],
            "redirect_uris": ["http://127.0.0.1/back", "http://127.0.0.1/callback"],
            "public": true,
        },
    });
    let others = [
        (
            "admissions/documents",
            json!({
                "profile": "agents/reader", "registrations": ["metadata_document"], "issuer": "corp", "groups": ["staff"],
            }),
        ),
        (
            "admissions/registered",
            json!({
                "profile": "agents/reader", "registrations": ["dynamic"],
                "hosts": ["localhost"], "issuer": "corp", "groups": ["staff"],
            }),
        ),
        (
            "clients/web",
            json!({
                "kind": "app", "owner": "shop-team", "profiles": {"app": profile},
            }),
        ),
        (
            "clients/agents",
            json!({
                "kind": "agent", "owner": "shop-team", "profiles": {"reader": profile},
            }),
        ),
        (
            "issuers/corp",
            json!({
                "issuer": issuer, "discovery": true, "audiences": ["onedoor"], "algorithms": ["RS256"],
                "sign_in": {
                    "label": "Corp", "client_id": "onedoor", "client_secret": "corp-login",
                    "groups_claim": "groups",
                },
            }),
        ),
        ("limits/all", json!({"rate": "1000000/s"})),
        ("roles/reader", json!({"allow": [{"operations": ["orders:*", "customers:*"]}]})),
        ("secrets/corp-login", json!({"owner": "shop-team", "source": "store"})),
        ("upstreams/stock", json!({"url": format!("http://{}", upstream.address)})),
    ];
    let others = others.map(|(path, document)| (format!("{path}.yaml"), document));
    let collections =
        collection("orders", "order").into_iter().chain(collection("customers", "customer"));
    collections.chain(others).map(|(path, document)| (path, document.to_string())).collect()
}

/// A collection with one operation, and its document.
fn collection(name: &str, thing: &str) -> [(String, Value); 2] {
    let document = json!({
        "openapi": "3.1.0",
        "info": {"title": name, "version": "1"},
        "paths": {format!("/{name}/{{id}}"): {"get": {
            "operationId": format!("get_{thing}"),
            "summary": format!("Reads one {thing}"),
            "parameters": [
                {"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}},
            ],
            "responses": {"200": {"description": "It"}},
        }}},
    });
    let collection = json!({
        "owner": "shop-team", "upstream": "stock", "document": format!("documents/{name}.yaml"),
    });
    [(format!("documents/{name}.yaml"), document), (format!("collections/{name}.yaml"), collection)]
}
