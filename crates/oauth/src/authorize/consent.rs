//! A person decides what a program may do in their name.

use std::{collections::BTreeMap, time::Duration};

use audit::EventId;
use bytes::Bytes;
use http::Response;
use model::{Effect, TokenTerms};
use store::{Consent, Grant, Handle};
use url::Url;

use super::{Pending, account::ConsentBody, admit, back, device, sign_in};
use crate::{
    Request, Server,
    client::{Origin, redirect},
    error::{Code, Denied},
    facts::Facts,
    form::Form,
    page,
    people::{self, Person},
    plane::Permitted,
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
    let tables = server.tables();
    let admitted = admit::profile(&tables, &pending.client, person, request.at);
    let (profile, _) = match admitted {
        Ok(admitted) => admitted,
        Err(denied) => {
            let response = super::shown(&denied);
            let (who, client) = (person.subject.escape_debug(), pending.client.id.escape_debug());
            facts.denied = Some(denied.because(format!("{who} with client {client}")));
            return response;
        }
    };
    let permitted = server.plane.permitted(&profile, &pending.bounds(server));
    let collections = by_collection(&permitted);
    let views: Vec<_> = collections
        .iter()
        .map(|(title, operations)| page::CollectionView { title, operations })
        .collect();
    let terms = tables.contract(&profile, request.at).map(|it| it.terms);
    let scopes = pending.scopes().map(|it| it.to_string()).unwrap_or_default();
    let lifetime = terms.map(lifetime).unwrap_or_default();
    let view = page::ConsentView {
        door: server.url(),
        client: client_view(pending),
        person: &person.name,
        profile: profile.as_str(),
        collections: &views,
        scopes: &scopes,
        lifetime: &lifetime,
        form: form_view(pending, "/oauth/consent"),
        sign_out: "/oauth/sign-out",
        account: super::account::PATH,
        target: redirect::target(&pending.body.redirect_uri),
    };
    page::consent(&view).into_response()
}

fn by_collection(permitted: &[Permitted]) -> BTreeMap<&str, Vec<page::OperationView<'_>>> {
    let mut collections: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for Permitted { collection, summary, effect } in permitted {
        let view = page::OperationView { summary, effect: *effect };
        collections.entry(collection.as_str()).or_default().push(view);
    }
    for operations in collections.values_mut() {
        // What cannot be undone is not to be the line that is cut away.
        operations.sort_by_key(|it| match it.effect {
            Effect::Destructive => 0,
            Effect::Write => 1,
            Effect::Read => 2,
        });
    }
    collections
}

/// `10 minutes at a time, for up to 30 days`.
fn lifetime(terms: &TokenTerms) -> String {
    let minutes = terms.lifetime.as_secs().div_ceil(60);
    let days = terms.refresh_lifetime.as_secs().div_ceil(24 * 3600);
    match terms.grants.contains(&model::GrantType::RefreshToken) {
        true => format!("{minutes} minutes at a time, for up to {days} days"),
        false => format!("{minutes} minutes"),
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
    let pending = Pending::of_form(server, request, &form, true).await?;
    let (uri, state) = (&pending.body.redirect_uri, pending.body.state.as_deref());
    facts.note = Some(format!(
        "{} for client {}",
        person.subject.escape_debug(),
        pending.client.id.escape_debug()
    ));
    let is_allowed = form.get("decision") == Some("allow");
    if pending.body.device.is_some() {
        return device::decide(server, request, (&pending, is_allowed), &person, facts).await;
    }
    if !pending.client.is_registered() {
        // Whom no rule admits is sent nowhere: nobody has looked at where that is.
        let admitted = admit::profile(&server.tables(), &pending.client, &person, request.at);
        admitted.inspect_err(|_| facts.event = EventId::ConsentDenied)?;
    }
    if !is_allowed {
        facts.event = EventId::ConsentDenied;
        let denied = Denied::new(Code::AccessDenied, "the person did not allow it");
        let response = back(server, uri, state, &Err(&denied));
        facts.denied = Some(denied);
        return Ok(response);
    }
    match give(server, request, &pending, &person, facts).await {
        Ok(code) => Ok(back(server, uri, state, &Ok(code))),
        Err(denied) => {
            facts.event = EventId::ConsentDenied;
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
    pending: &Pending,
    person: &Person,
    facts: &mut Facts,
) -> Result<String, Denied> {
    let grant = grant(server, request, pending, person, facts).await?;
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
    pending: &Pending,
    person: &Person,
    facts: &mut Facts,
) -> Result<Grant, Denied> {
    let tables = server.tables();
    let (profile, admission) = admit::profile(&tables, &pending.client, person, request.at)?;
    let gone = || Denied::new(Code::AccessDenied, "the profile gets no tokens now");
    let contract = tables.contract(&profile, request.at).ok_or_else(gone)?;
    facts.caller = Some(token::caller(&contract, Some(person.subject.clone())));
    let body = GrantBody {
        resource: pending.body.resource.clone(),
        scope: pending.scopes().map(|it| it.to_string()),
        admission: admission.map(|it| it.to_string()),
        client_name: pending.client.name.clone(),
        is_of_device: pending.body.device.is_some(),
        methods: person.methods.clone(),
        account: person.account.clone(),
        groups: person.groups.clone(),
    };
    let shown = ConsentBody {
        client_name: body.client_name.clone(),
        host: redirect::host(&pending.body.redirect_uri),
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
        expires: request.at.plus(contract.terms.refresh_lifetime),
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
