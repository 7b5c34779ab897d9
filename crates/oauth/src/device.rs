//! A program where no browser is asks (RFC 8628): it shows a code, which a person types elsewhere.

mod user_code;

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use model::{CollectionId, GrantType, ProfileId, TokenScopes};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Digest, Handle};

pub(crate) use self::user_code::UserCode;
use crate::{
    Request, Server,
    authorize::admit,
    client::{self, Client, Origin},
    error::{Code, Denied, json_response},
    facts::Facts,
    form::Form,
    throttle::Effort,
    ticket::Ticket,
    token,
};

/// Where people type the code.
pub(crate) const PAGE: &str = "/oauth/device";

/// How long a person has to type it and to decide.
const LIFE: Duration = Duration::from_secs(10 * 60);

/// How many codes are tried where one is in use already. One of 25 billion hardly ever is.
const TRIES: usize = 3;

/// What the store keeps in our words of a device that waits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Waiting {
    pub(crate) client: String,
    /// How many seconds it has to wait between two questions.
    pub(crate) interval: u64,
    /// When it last asked in time, in microseconds since 1970.
    pub(crate) polled: Option<i64>,
}

impl Waiting {
    /// Seconds between two questions, where nobody was in a hurry.
    pub(crate) const INTERVAL: u64 = 5;
}

/// What the store keeps in our words of what a person types: who asked, for what, from where.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) client: String,
    pub(crate) resource: String,
    pub(crate) scope: Option<String>,
    /// From which address the device asked.
    pub(crate) source: String,
    /// The digest of the device's own code.
    pub(crate) device: Digest,
    /// Whether it proved to be the client when it asked.
    #[serde(default)]
    pub(crate) is_confidential: bool,
}

/// What the store keeps in our words of a decision: who may have it.
#[derive(Debug)]
pub(crate) struct Decided<'a> {
    pub(crate) client: &'a str,
    /// Whether to prove to be the client, as it did when it asked.
    pub(crate) is_confidential: bool,
}

impl<'a> Decided<'a> {
    /// What stands before the id of a client that has to prove itself. No id begins so.
    const PROVEN: &'static str = "proven ";

    pub(crate) fn read(body: &'a str) -> Self {
        match body.strip_prefix(Self::PROVEN) {
            Some(client) => Self { client, is_confidential: true },
            None => Self { client: body, is_confidential: false },
        }
    }

    pub(crate) fn body(&self) -> String {
        let Self { client, is_confidential } = self;
        format!("{}{client}", if *is_confidential { Self::PROVEN } else { "" })
    }
}

/// Gives a device a code to ask with, and one to show.
pub(crate) async fn begin(
    server: &Server,
    request: &Request,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let form = Form::of_body(request)?;
    let proven = client::authenticate(server, request, &form).await?;
    facts.note = Some(format!("client {}", proven.client.id.escape_debug()));
    let scopes = token::scopes(&form)?;
    match &proven.client.origin {
        Origin::CommandLine => check_own(scopes.as_ref())?,
        Origin::Declared(profile) => check_registered(server, request, profile, facts)?,
        Origin::Document { .. } | Origin::Dynamic { .. } => {
            check_admitted(server, request, &proven.client)?;
        }
    }
    let (resource, _) = token::resource(&server.tables(), &form)?;
    // Whoever registers itself gets a secret for the asking.
    if !(proven.is_confidential && proven.client.is_registered()) {
        server.throttle.spend(Effort::Device { source: request.peer }, request.at)?;
    }
    let (code, device) = Ticket::Device.issue()?;
    let asked = Asked {
        client: proven.client.id.clone(),
        resource,
        scope: scopes.map(|it| it.to_string()),
        source: request.peer.to_string(),
        device,
        is_confidential: proven.is_confidential,
    };
    let user_code = keep(server, request, &asked).await?;
    let waiting = Waiting { client: proven.client.id, interval: Waiting::INTERVAL, polled: None };
    server.store.put_handle(&handle(request, Ticket::Device, device, &waiting)).await?;
    let page = format!("{}{PAGE}", server.url());
    Ok(json_response(
        StatusCode::OK,
        &json!({
            "device_code": code,
            "user_code": user_code.to_string(),
            "verification_uri": page,
            "verification_uri_complete": format!("{page}?user_code={user_code}"),
            "expires_in": LIFE.as_secs(),
            "interval": Waiting::INTERVAL,
        }),
    ))
}

/// Whether the profile of a client that an operator registered gets tokens in this way.
fn check_registered(
    server: &Server,
    request: &Request,
    profile: &ProfileId,
    facts: &mut Facts,
) -> Result<(), Denied> {
    let not_allowed = |detail: &'static str| Denied::new(Code::UnauthorizedClient, detail);
    let tables = server.tables();
    let contract = tables.contract(profile, request.at);
    let contract = contract.ok_or_else(|| not_allowed("the profile gets no tokens"))?;
    facts.caller = Some(token::caller(&contract, None));
    if !contract.terms.grants.contains(&GrantType::DeviceCode) {
        return Err(not_allowed("the profile does not have the grant device_code"));
    }
    token::check_terms(&contract, request)
}

/// Whether a client that nobody registered says that it asks in this way, and any admission could let it
/// in. Who is behind it is known when they have typed the code, and admissions are asked anew then.
fn check_admitted(server: &Server, request: &Request, client: &Client) -> Result<(), Denied> {
    let grant = GrantType::DeviceCode;
    let not_allowed = |detail: &'static str| Denied::new(Code::UnauthorizedClient, detail);
    if !client.names(grant) {
        return Err(not_allowed("the client does not name this grant among its grant_types"));
    }
    match admit::could_admit(&server.tables(), (client, grant), request.at) {
        true => Ok(()),
        false => Err(not_allowed("no admission lets in such a client on a device")),
    }
}

/// Whoever lends the command line their name lends it for managing the door, and for nothing else.
fn check_own(scopes: Option<&TokenScopes>) -> Result<(), Denied> {
    let own = format!("collection:{}", CollectionId::own());
    match scopes.is_some_and(|it| it.to_string() == own) {
        true => Ok(()),
        false => {
            let detail = format!("the command line asks for the scope {own}, and for no other");
            Err(Denied::new(Code::InvalidScope, detail))
        }
    }
}

/// Keeps what is asked under a code that nobody else has now.
async fn keep(server: &Server, request: &Request, asked: &Asked) -> Result<UserCode, Denied> {
    for _ in 0..TRIES {
        let code = UserCode::random()?;
        let handle = handle(request, Ticket::UserCode, code.digest(server), asked);
        match server.store.put_handle(&handle).await {
            Ok(()) => return Ok(code),
            Err(store::Error::Exists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Denied::new(Code::TemporarilyUnavailable, "there is no code left: try again").after(1))
}

fn handle(request: &Request, ticket: Ticket, digest: Digest, body: &impl Serialize) -> Handle {
    Handle {
        digest,
        kind: ticket.kind().to_owned(),
        grant: None,
        body: serde_json::to_string(body).unwrap_or_default(),
        created: request.at,
        expires: request.at.plus(LIFE),
    }
}
