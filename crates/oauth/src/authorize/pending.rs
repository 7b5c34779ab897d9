//! A request that a person is yet to decide on. It belongs to the browser that brought it.

use std::time::Duration;

use http::HeaderValue;
use model::{Audience, GrantType, TokenBounds, TokenScopes};
use serde::{Deserialize, Serialize};
use store::{Handle, Taken};

use super::{device::Waiting, wanted::Wanted};
use crate::{
    Request, Server,
    client::{self, Client},
    error::{Code, Denied},
    form::Form,
    people::Cookie,
    ticket::{self, Ticket},
};

/// How long a person has to decide.
const LIFE: Duration = Duration::from_secs(10 * 60);

/// A request that a person is yet to decide on.
#[derive(Debug)]
pub(super) struct Pending {
    /// What the pages send along: only this browser has it.
    pub(super) ticket: String,
    /// What the pages send along besides; who does not know the browser's cookie cannot make it.
    pub(super) csrf: String,
    pub(super) client: Client,
    pub(super) body: Body,
}

/// What of it the store keeps in our words.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Body {
    client: String,
    pub(super) redirect_uri: String,
    pub(super) state: Option<String>,
    pub(super) challenge: String,
    pub(super) resource: String,
    scope: Option<String>,
    #[serde(default)]
    pub(super) jkt: Option<String>,
    /// The device that waits for the decision; without one, a browser does.
    #[serde(default)]
    pub(super) device: Option<Waiting>,
}

impl Pending {
    /// Keeps what is wanted, for this browser; with the cookie that tells it apart, where it has none.
    pub(super) async fn begin(
        server: &Server,
        request: &Request,
        wanted: &Wanted,
    ) -> Result<(Self, Option<HeaderValue>), Denied> {
        let (browser, cookie) = browser(server, request)?;
        let (text, digest) = Ticket::Authorization.issue()?;
        let body = Body {
            client: wanted.client.id.clone(),
            redirect_uri: wanted.redirect_uri.clone(),
            state: wanted.state.clone(),
            challenge: wanted.challenge.clone(),
            resource: wanted.resource.clone(),
            scope: wanted.scopes.as_ref().map(ToString::to_string),
            jkt: wanted.jkt.clone(),
            device: wanted.device.clone(),
        };
        let handle = Handle {
            digest,
            kind: Ticket::Authorization.kind().to_owned(),
            grant: None,
            body: serde_json::to_string(&body).unwrap_or_default(),
            created: request.at,
            expires: request.at.plus(LIFE),
        };
        server.store.put_handle(&handle).await?;
        let csrf = csrf(&browser, &text);
        Ok((Self { ticket: text, csrf, client: wanted.client.clone(), body }, cookie))
    }

    /// The request that a page was sent for, from the browser that it was shown in.
    ///
    /// # Errors
    /// `access_denied` where it comes from elsewhere, and where it has ended.
    pub(super) async fn of_form(
        server: &Server,
        request: &Request,
        form: &Form,
    ) -> Result<Self, Denied> {
        let ticket = form.required("authorization")?;
        let csrf = check_browser(server, request, form, ticket)?;
        let (digest, kind) = (ticket::digest(ticket), Ticket::Authorization.kind());
        let found = server.store.peek_handle(&digest, kind, request.at).await?;
        let Taken::First(handle) = found else { return Err(ended()) };
        let body: Body = serde_json::from_str(&handle.body)
            .map_err(|it| Denied::new(Code::ServerError, "the request is broken").because(it))?;
        let client = client::find(server, &body.client, request).await?;
        Ok(Self { ticket: ticket.to_owned(), csrf, client, body })
    }

    /// Uses it up: it is decided once.
    ///
    /// # Errors
    /// `access_denied` where it has ended, or was decided meanwhile.
    pub(super) async fn use_up(&self, server: &Server, request: &Request) -> Result<(), Denied> {
        let (digest, kind) = (ticket::digest(&self.ticket), Ticket::Authorization.kind());
        match server.store.take_handle(&digest, kind, request.at).await? {
            Taken::First(_) => Ok(()),
            Taken::Again(_) | Taken::Expired | Taken::Revoked(_) | Taken::Unknown => Err(ended()),
        }
    }

    /// In which way the client asks.
    pub(super) fn grant(&self) -> GrantType {
        match self.body.device {
            Some(_) => GrantType::DeviceCode,
            None => GrantType::AuthorizationCode,
        }
    }

    /// How far the token would go.
    pub(super) fn bounds(&self, server: &Server) -> TokenBounds {
        let audience = server.tables().resources.audience(&self.body.resource);
        TokenBounds { audience: audience.unwrap_or(Audience::Door), scopes: self.scopes() }
    }

    pub(super) fn scopes(&self) -> Option<TokenScopes> {
        self.body.scope.as_deref().and_then(|it| TokenScopes::parse(it).ok())
    }
}

fn ended() -> Denied {
    let detail = "this page has expired or was used already: go back and begin anew";
    Denied::new(Code::AccessDenied, detail)
}

/// What tells this browser apart, and the cookie for it where it has none.
pub(super) fn browser(
    server: &Server,
    request: &Request,
) -> Result<(String, Option<HeaderValue>), Denied> {
    if let Some(known) = Cookie::Browser.read(server, request) {
        return Ok((known.to_owned(), None));
    }
    let browser = ticket::random()?;
    let cookie = Cookie::Browser.set(server, &browser);
    Ok((browser, cookie))
}

/// Whether a form comes from the page with `ticket` in it, in the browser that it was shown in. What
/// proved it.
///
/// # Errors
/// `access_denied` where it comes from elsewhere.
pub(super) fn check_browser(
    server: &Server,
    request: &Request,
    form: &Form,
    ticket: &str,
) -> Result<String, Denied> {
    let browser = Cookie::Browser.read(server, request).unwrap_or_default();
    let csrf = csrf(browser, ticket);
    let sent = form.required("csrf")?.as_bytes();
    // Without a cookie the value could be made from the ticket alone, by whoever has that.
    let is_same = aws_lc_rs::constant_time::verify_slices_are_equal(csrf.as_bytes(), sent);
    if browser.is_empty() || is_same.is_err() {
        let detail = "this page was not made for this browser: go back and begin anew";
        return Err(Denied::new(Code::AccessDenied, detail));
    }
    Ok(csrf)
}

pub(super) fn csrf(browser: &str, ticket: &str) -> String {
    ticket::challenge(&format!("{browser} {ticket}"))
}
