//! What a client wants a person to allow: read, and checked in an order that sends nobody astray.

use model::{GrantType, TokenScopes};

use crate::{
    Request, Server,
    authorize::{device::Waiting, pushed},
    client::{self, Client, Origin, redirect},
    error::{Code, Denied},
    form::Form,
    token,
};

const STATE_BYTES_MAX: usize = 2_048;

/// What a client wants a person to allow.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) client: Client,
    pub(super) redirect_uri: String,
    pub(super) state: Option<String>,
    /// The S256 of a verifier that only the client knows (RFC 7636).
    pub(super) challenge: String,
    pub(super) resource: String,
    pub(super) scopes: Option<TokenScopes>,
    /// By which key the code has to be redeemed (RFC 9449 section 10).
    pub(super) jkt: Option<String>,
    /// The device that waits for the decision, where it is one.
    pub(super) device: Option<Waiting>,
}

/// Why it does not go on, and who is told.
pub(super) enum Turned {
    /// The client, at an address that an operator registered.
    Back { denied: Denied, redirect_uri: String, state: Option<String> },
    /// The person, here: where else is not known.
    Here(Denied),
}

/// To a client that asks itself.
impl From<Turned> for Denied {
    fn from(turned: Turned) -> Self {
        match turned {
            Turned::Back { denied, redirect_uri: _, state: _ } | Turned::Here(denied) => denied,
        }
    }
}

impl Wanted {
    /// Reads a request. What names client and address comes first: until these are sure, nobody is
    /// sent anywhere.
    pub(super) async fn read(server: &Server, request: &Request) -> Result<Self, Turned> {
        let form = Form::of_query(request).map_err(Turned::Here)?;
        let id = form.required("client_id").map_err(Turned::Here)?;
        let client = client::find(server, id, request).await.map_err(Turned::Here)?;
        if form.get("request_uri").is_none() {
            return Self::of_form(server, request, client, &form, false);
        }
        let pushed = pushed::take(server, request, &form).await.map_err(Turned::Here)?;
        Self::of_form(server, request, client, &pushed, true)
    }

    /// Reads what `client` asks for. Where it was pushed, state may have changed since.
    pub(super) fn of_form(
        server: &Server,
        request: &Request,
        client: Client,
        form: &Form,
        is_pushed: bool,
    ) -> Result<Self, Turned> {
        let redirect_uri = address(&client, form).map_err(Turned::Here)?;
        let state = form.get("state").map(str::to_owned);
        let is_registered = client.is_registered();
        match Self::rest(server, request, client, form, is_pushed) {
            Ok(mut wanted) => {
                wanted.redirect_uri = redirect_uri;
                wanted.state = state;
                Ok(wanted)
            }
            // Whoever describes a client chose where it sends people: nobody is sent there for having
            // opened a link (RFC 9700 section 4.11.2).
            Err(denied) if !is_registered => Err(Turned::Here(denied)),
            Err(denied) => {
                let state = state.filter(|it| it.len() <= STATE_BYTES_MAX);
                Err(Turned::Back { denied, redirect_uri, state })
            }
        }
    }

    fn rest(
        server: &Server,
        request: &Request,
        client: Client,
        form: &Form,
        is_pushed: bool,
    ) -> Result<Self, Denied> {
        let invalid = |detail: &'static str| Denied::new(Code::InvalidRequest, detail);
        if form.get("state").is_some_and(|it| it.len() > STATE_BYTES_MAX) {
            return Err(invalid("state is longer than 2048 bytes"));
        }
        if form.get("request").is_some() {
            let detail = "request objects are not supported: send or push plain parameters";
            return Err(Denied::new(Code::RequestNotSupported, detail));
        }
        if form.get("response_type") != Some("code") {
            let detail = "response_type has to be code";
            return Err(Denied::new(Code::UnsupportedResponseType, detail));
        }
        if form.get("response_mode").is_some_and(|it| it != "query") {
            return Err(invalid("response_mode has to be query"));
        }
        if form.get("code_challenge_method") != Some("S256") {
            return Err(invalid("code_challenge_method has to be S256"));
        }
        let challenge = form.required("code_challenge")?;
        if !is_digest(challenge) {
            return Err(invalid("code_challenge is no SHA-256 in base64url"));
        }
        if !form.get("dpop_jkt").is_none_or(is_digest) {
            return Err(invalid("dpop_jkt is no SHA-256 in base64url"));
        }
        check_grant(server, request, &client, is_pushed)?;
        let (resource, _) = token::resource(&server.tables(), form)?;
        Ok(Self {
            redirect_uri: String::new(),
            state: None,
            challenge: challenge.to_owned(),
            resource,
            scopes: token::scopes(form)?,
            jkt: form.get("dpop_jkt").map(str::to_owned),
            device: None,
            client,
        })
    }
}

/// Whether `client` may ask for a code, and in this way.
fn check_grant(
    server: &Server,
    request: &Request,
    client: &Client,
    is_pushed: bool,
) -> Result<(), Denied> {
    let grant = GrantType::AuthorizationCode;
    let not_allowed = |detail: &'static str| Denied::new(Code::UnauthorizedClient, detail);
    match &client.origin {
        Origin::Declared(profile) => {
            let tables = server.tables();
            let terms = tables.contract(profile, request.at).map(|it| it.terms);
            if !terms.is_some_and(|it| it.grants.contains(&grant)) {
                return Err(not_allowed("the profile does not have the grant authorization_code"));
            }
            if !is_pushed && terms.is_some_and(|it| it.must_push) {
                let detail = "the profile has to push its requests first";
                return Err(Denied::new(Code::InvalidRequest, detail));
            }
            Ok(())
        }
        Origin::Dynamic { .. } if !client.names(grant) => {
            Err(not_allowed("the client did not register for the grant authorization_code"))
        }
        // Where a document names it not, the addresses in it do.
        Origin::CommandLine | Origin::Document { .. } | Origin::Dynamic { .. } => Ok(()),
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it))
}

/// The one address to send people back to that was asked for, or the only one there is.
fn address(client: &Client, form: &Form) -> Result<String, Denied> {
    let wrong = |detail: &'static str| Denied::new(Code::InvalidRequest, detail);
    match (form.get("redirect_uri"), client.redirect_uris.as_slice()) {
        (Some(asked), registered) if redirect::is_registered(registered, asked) => {
            Ok(asked.to_owned())
        }
        (Some(_), _) => Err(wrong("the redirect_uri is none that the program registered")),
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(wrong("the redirect_uri is missing")),
    }
}
