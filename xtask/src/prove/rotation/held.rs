//! A credential of each kind, and what it takes to show it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};
use testkit::{ClientKey, TlsClient, TlsConnection};
use tokio::runtime::{Builder, Runtime};

use super::{
    super::{
        client::{Answer, Client, tool_call},
        door::Addresses,
        victims::AUDIENCE,
    },
    makers::{Issued, Makers},
};

pub(super) const OPERATION: &str = "/shop/orders/1";
/// The same as a tool, whose arguments say which.
const TOOL: &str = "shop_get_order";
pub(super) const TOKEN: &str = "/oauth/token";
/// What an assertion is called in a form (RFC 7523 section 2.2).
const ASSERTION: &str = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
const FORM: [(&str, &str); 1] = [("content-type", "application/x-www-form-urlencoded")];

/// The kinds that have successors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    ApiKey,
    ClientSecret,
    External,
    Mtls,
    PrivateKeyJwt,
}

/// A credential, with what it takes to show it.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) id: String,
    /// The profile, as a form has it.
    client: String,
    pub(super) shown: Shown,
}

/// What is shown.
#[derive(Debug)]
pub(super) enum Shown {
    /// With each call, as it is: an API key, or the token of an issuer.
    Bearer(String),
    /// The others to get tokens.
    Secret(String),
    Certificate(TlsClient),
    Signature(ClientKey),
}

/// A credential that a client made for itself, before the door knows it.
#[derive(Debug)]
pub(super) struct Made {
    shown: Option<Shown>,
    /// What the door is told of it.
    pub(super) public: Map<String, Value>,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::ClientSecret => "client_secret",
            Self::External => "external",
            Self::Mtls => "mtls",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// What a client makes, or has made, for its credential of this kind and this number.
    pub(super) fn make(self, client: &str, number: usize, makers: &Makers) -> Result<Made> {
        let name = format!("{client}-{number}");
        let name = name.as_str();
        let (shown, public) = match self {
            Self::ApiKey | Self::ClientSecret => (None, json!({})),
            Self::External => {
                let Issued { token, issuer } = makers.token(name, number)?;
                let public = json!({"issuer": issuer, "claims": {"client_id": name}});
                (Some(Shown::Bearer(token)), public)
            }
            Self::PrivateKeyJwt => {
                let key = ClientKey::new();
                let public = json!({"jwks": key.jwks()});
                (Some(Shown::Signature(key)), public)
            }
            Self::Mtls => {
                let authority = makers.authority.as_ref();
                let authority = authority.context("certificates need an authority")?;
                authority.issue(name, &format!("/CN={name}"), "DNS:client.example");
                let printed =
                    authority.ask(&format!("x509 -in {name}.pem -noout -fingerprint -sha256"));
                let (_, thumbprint) = printed.trim().split_once('=').context("a fingerprint")?;
                let mut client = TlsClient::new(authority, &["http/1.1"], Some((authority, name)));
                client.from = Some(elsewhere());
                let public = json!({"thumbprint": thumbprint.replace(':', "").to_lowercase()});
                (Some(Shown::Certificate(client)), public)
            }
        };
        let Value::Object(public) = public else { bail!("it is an object") };
        Ok(Made { shown, public })
    }
}

impl Made {
    /// As the door knows it now, by its answer.
    pub(super) fn known(self, profile: &str, kind: Kind, answer: &Value) -> Result<Held> {
        let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
        let shown = match (self.shown, kind) {
            (Some(shown), _) => shown,
            (None, Kind::ApiKey) => Shown::Bearer(text("key").context("it shows no key")?),
            (None, _) => Shown::Secret(text("secret").context("it shows no secret")?),
        };
        let client = profile.replace('/', "%2F");
        Ok(Held { id: text("id").context("it has no id")?, client, shown })
    }
}

impl Held {
    /// Whether it gets anybody in at this door.
    pub(super) fn is_good(&self, door: Addresses) -> Result<bool> {
        // Wrong ones are slowed down by where they come from, and this is not to slow the callers.
        let stranger = |bearer: &str| door.caller(bearer).from(elsewhere());
        let answer = match &self.shown {
            Shown::Bearer(bearer) => stranger(bearer).send("GET", OPERATION, &Value::Null)?,
            Shown::Secret(_) | Shown::Signature(_) => {
                stranger("").post_form(TOKEN, &self.form())?
            }
            Shown::Certificate(client) => {
                let ask =
                    async { self.ask_over_tls(&mut client.connect(door.public).await?).await };
                runtime()?.block_on(ask)?
            }
        };
        match answer.status {
            200 => Ok(true),
            401 => Ok(false),
            other => bail!("{other} {}", answer.text),
        }
    }

    /// A token that is got by it, where it is a secret.
    pub(super) fn token(&self, door: Addresses) -> Result<Arc<str>> {
        let answer = door.caller("").from(elsewhere()).post_form(TOKEN, &self.form())?;
        Ok(token(&answer.done("a token")?)?.into())
    }

    pub(super) fn form(&self) -> String {
        let client = &self.client;
        let form = format!("grant_type=client_credentials&client_id={client}");
        match &self.shown {
            Shown::Secret(secret) => format!("{form}&client_secret={secret}"),
            Shown::Signature(key) => {
                let assertion = key.assertion(&client.replace("%2F", "/"), AUDIENCE);
                format!("{form}&client_assertion_type={ASSERTION}&client_assertion={assertion}")
            }
            Shown::Bearer(_) | Shown::Certificate(_) => form,
        }
    }

    /// Asks for a token over a connection that shows the certificate.
    async fn ask_over_tls(&self, connection: &mut TlsConnection) -> Result<Answer> {
        Ok(read(&connection.send("POST", TOKEN, &FORM, self.form()).await?))
    }

    /// Asks for a token, and calls with it over the same connection.
    pub(super) async fn call_over_tls(
        &self,
        client: &TlsClient,
        (address, is_tool): (SocketAddr, bool),
    ) -> Result<Answer> {
        let mut connection = client.connect(address).await?;
        let given = self.ask_over_tls(&mut connection).await?;
        if !given.is_good() {
            return Ok(given);
        }
        let shown = format!("Bearer {}", token(&given.json())?);
        let shown = ("authorization", &*shown);
        if !is_tool {
            return Ok(read(&connection.get(OPERATION, &[shown]).await?));
        }
        let (line, headers, body) = tool_call(TOOL, &json!({"id": 1}));
        let (method, target) = line.split_once(' ').context("a line has two parts")?;
        let headers = headers.lines().filter_map(|it| it.split_once(": "));
        let headers: Vec<_> = headers.chain([shown]).collect();
        Ok(read(&connection.send(method, target, &headers, body).await?))
    }
}

/// A call with a key or token, over REST or of a tool.
pub(super) fn request(address: SocketAddr, bearer: &str, is_tool: bool) -> String {
    let caller = Client::new(address, bearer);
    match is_tool {
        true => caller.tool_request(TOOL, &json!({"id": 1})),
        false => caller.get_request(OPERATION),
    }
}

/// The token that was given.
pub(super) fn token(given: &Value) -> Result<&str> {
    given.get("access_token").and_then(Value::as_str).context("no token")
}

fn read(answer: &testkit::Answer) -> Answer {
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    Answer { status: answer.status.as_u16(), text }
}

pub(super) fn runtime() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_io().enable_time().build()?)
}

/// Another address of this machine, each time.
fn elsewhere() -> Ipv4Addr {
    static LAST: AtomicU8 = AtomicU8::new(0);
    Ipv4Addr::new(127, 0, 1, LAST.fetch_add(1, Ordering::Relaxed).max(1))
}
