//! A person decides what a program may do in their name.

use std::time::Duration;

use audit::EventId;
use bytes::Bytes;
use http::{Response, StatusCode};
use store::{Consent, Grant, Handle};
use url::Url;

use super::{Offer, Pending, account::ConsentBody, back, device, sign_in};
use crate::{
    Request, Server,
    client::{Origin, redirect},
    error::{Code, Denied},
    facts::Facts,
    form::Form,
    page,
    people::{self, Person},
    ticket::Ticket,
    token::{self, CodeBody, GrantBody},
};

/// How long a code is good (ASVS 5.0, 10.4.3).
const CODE_LIFE: Duration = Duration::from_secs(60);

/// The page on which a person decides; or why there is nothing to decide on.
pub(super) fn page(
    server: &Server,
    request: &Request,
    pending: &Pending,
    person: &Person,
    facts: &mut Facts,
) -> Response<Bytes> {
    match Offer::of(server, request, pending, person) {
        Ok(offer) => offer.page(server, pending, person, false),
        Err(denied) => {
            let response = super::shown(&denied);
            let (who, client) = (person.subject.escape_debug(), pending.client.id.escape_debug());
            facts.denied = Some(denied.because(format!("{who} with client {client}")));
            response
        }
    }
}

pub(super) fn client_view(pending: &Pending) -> page::ClientView<'_> {
    let uri = &pending.body.redirect_uri;
    let is_loopback = Url::parse(uri).is_ok_and(|it| redirect::is_loopback(&it));
    page::ClientView {
        name: &pending.client.name,
        host: redirect::host(uri),
        known_by: match &pending.client.origin {
            Origin::CommandLine => page::KnownBy::CommandLine,
            Origin::Declared(_) => page::KnownBy::Registered,
            Origin::Document { host, .. } => page::KnownBy::Document { host },
            Origin::Dynamic { .. } => page::KnownBy::Itself,
        },
        is_loopback,
        device: pending.body.device.as_ref().map(|it| it.source.as_str()),
    }
}

pub(super) fn form_view<'a>(pending: &'a Pending, action: &'a str) -> page::FormView<'a> {
    page::FormView { action, csrf: &pending.csrf, authorization: &pending.ticket }
}

/// Takes the decision, once, and sends the person back.
pub(crate) async fn decide(
    server: &Server,
    request: &Request,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let form = Form::of_body(request)?;
    let person = sign_in::person(server, request).await?;
    let pending = Pending::of_form(server, request, &form).await?;
    facts.note = Some(format!(
        "{} for client {}",
        person.subject.escape_debug(),
        pending.client.id.escape_debug()
    ));
    let is_allowed = form.get("decision") == Some("allow");
    let offer = match Offer::of(server, request, &pending, &person) {
        // Whom no rule admits is sent nowhere: nobody has looked at where that is.
        Err(denied) if pending.body.device.is_none() && !pending.client.is_registered() => {
            facts.event = EventId::ConsentDenied;
            return Err(denied);
        }
        offer => offer,
    };
    let allowed = is_allowed.then_some(offer).transpose();
    // Nobody allows what they were not shown: since then the rules may have changed, or who is here.
    if let Ok(Some(offer)) = &allowed
        && form.get("offer") != Some(&*offer.digest(&pending, &person))
    {
        return Ok(anew(server, &pending, &person, offer, facts));
    }
    pending.use_up(server, request).await?;
    match pending.body.device {
        Some(_) => device::decide(server, request, (&pending, allowed), &person, facts).await,
        None => send_back(server, request, (&pending, allowed), &person, facts).await,
    }
}

/// The page of now for who decides on another one.
fn anew(
    server: &Server,
    pending: &Pending,
    person: &Person,
    offer: &Offer,
    facts: &mut Facts,
) -> Response<Bytes> {
    // Nobody denied anything.
    facts.event = EventId::ConsentChanged;
    let detail = "what is asked for is not what the page showed";
    facts.denied = Some(Denied::new(Code::AccessDenied, detail));
    let mut response = offer.page(server, pending, person, true);
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
}

/// Sends the person back, with a code where they allowed it.
async fn send_back(
    server: &Server,
    request: &Request,
    (pending, allowed): (&Pending, Result<Option<Offer>, Denied>),
    person: &Person,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let (uri, state) = (&pending.body.redirect_uri, pending.body.state.as_deref());
    // Until a code is given.
    let event = std::mem::replace(&mut facts.event, EventId::ConsentDenied);
    let given = match allowed {
        Ok(Some(offer)) => give(server, request, (pending, &offer), person, facts).await,
        Ok(None) => Err(Denied::new(Code::AccessDenied, "the person did not allow it")),
        Err(denied) => Err(denied),
    };
    match given {
        Ok(code) => {
            facts.event = event;
            Ok(back(server, uri, state, &Ok(code)))
        }
        Err(denied) => {
            let response = back(server, uri, state, &Err(&denied));
            facts.denied = Some(denied);
            Ok(response)
        }
    }
}

/// Makes the grant, and a code for it.
async fn give(
    server: &Server,
    request: &Request,
    (pending, offer): (&Pending, &Offer),
    person: &Person,
    facts: &mut Facts,
) -> Result<String, Denied> {
    let grant = grant(server, request, (pending, offer), person, facts).await?;
    let (code, digest) = Ticket::Code.issue()?;
    let body = CodeBody {
        client: pending.client.id.clone(),
        redirect_uri: pending.body.redirect_uri.clone(),
        challenge: pending.body.challenge.clone(),
        jkt: pending.body.jkt.clone(),
    };
    let handle = Handle {
        digest,
        kind: Ticket::Code.kind().to_owned(),
        grant: Some(grant.id),
        body: serde_json::to_string(&body).unwrap_or_default(),
        created: request.at,
        expires: request.at.plus(CODE_LIFE),
    };
    server.store.put_handle(&handle).await?;
    Ok(code)
}

/// Makes the grant, and keeps what the person allowed.
pub(super) async fn grant(
    server: &Server,
    request: &Request,
    (pending, offer): (&Pending, &Offer),
    person: &Person,
    facts: &mut Facts,
) -> Result<Grant, Denied> {
    let tables = server.tables();
    let Offer { profile, admission, refresh_lifetime, .. } = offer;
    let gone = || Denied::new(Code::AccessDenied, "the profile gets no tokens now");
    let contract = tables.contract(profile, request.at).ok_or_else(gone)?;
    facts.caller = Some(token::caller(&contract, Some(person.subject.clone())));
    let body = GrantBody {
        resource: pending.body.resource.clone(),
        scope: pending.scopes().map(|it| it.to_string()),
        admission: admission.as_ref().map(ToString::to_string),
        client_name: pending.client.name.clone(),
        is_of_device: pending.body.device.is_some(),
        methods: person.methods.clone(),
        account: person.account.clone(),
        groups: person.groups.clone(),
    };
    let shown = ConsentBody {
        client_name: body.client_name.clone(),
        host: host(server, pending, person).await?,
        profile: profile.to_string(),
        resource: body.resource.clone(),
        scope: body.scope.clone(),
    };
    let grant = Grant {
        id: uuid::Uuid::new_v4().simple().to_string(),
        client: pending.client.id.clone(),
        profile: profile.to_string(),
        subject: Some(person.subject.clone()),
        body: serde_json::to_string(&body).unwrap_or_default(),
        created: request.at,
        expires: request.at.plus(*refresh_lifetime),
        revoked: None,
    };
    let consent = Consent {
        subject: person.subject.clone(),
        client: pending.client.id.clone(),
        body: serde_json::to_string(&shown).unwrap_or_default(),
        given: request.at,
    };
    // The grant first: a consent that is taken back takes it, and with it the code, along.
    server.store.put_grant(&grant).await?;
    server.store.put_consent(&consent).await?;
    people::check_still_there(server, person, &grant.id, request.at).await?;
    Ok(grant)
}

/// Where the program sends the person: to nowhere from a device, which does not undo that it does from
/// elsewhere.
async fn host(server: &Server, pending: &Pending, person: &Person) -> Result<String, Denied> {
    let host = redirect::host(&pending.body.redirect_uri);
    if !host.is_empty() {
        return Ok(host);
    }
    let before = server.store.consent(&person.subject, &pending.client.id).await?;
    let before = before.and_then(|it| serde_json::from_str::<ConsentBody>(&it.body).ok());
    Ok(before.map(|it| it.host).unwrap_or_default())
}
