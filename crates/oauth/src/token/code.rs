//! A code becomes a token (RFC 6749 section 4.1.3), once, for who asked for it (RFC 7636).

use model::{AdmissionId, GrantType, ProfileId, TokenBinding, TokenScopes};
use serde::{Deserialize, Serialize};
use store::{Grant, GrantFilter, Handle, Taken};

use super::{
    GrantBody, Issued, caller, check_terms, invalid_grant, missing, refresh::refresh_handle,
    resource,
};
use crate::{
    Request, Server,
    access_token::{self, AccessToken},
    authorize::admit,
    client::Proven,
    error::{Code, Denied},
    facts::Facts,
    form::Form,
    people,
    possession::Confirmation,
    revocations,
    ticket::{self, Ticket},
};

/// What of a code the store keeps in our words.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CodeBody {
    pub(crate) client: String,
    pub(crate) redirect_uri: String,
    /// The S256 of the verifier.
    pub(crate) challenge: String,
    /// By which key it has to be redeemed (RFC 9449 section 10).
    #[serde(default)]
    pub(crate) jkt: Option<String>,
}

/// Gives tokens for a code.
pub(super) async fn redeem(
    server: &Server,
    request: &Request,
    form: &Form,
    proven: &Proven,
    facts: &mut Facts,
) -> Result<Issued, Denied> {
    let digest = ticket::digest(form.required("code")?);
    let kind = Ticket::Code.kind();
    let handle = match server.store.peek_handle(&digest, kind, request.at).await? {
        Taken::First(handle) => handle,
        Taken::Again(handle) => return Err(reused(server, &handle, request).await?),
        Taken::Expired => return Err(invalid_grant("the code has expired")),
        Taken::Revoked(_) => return Err(invalid_grant("the grant was revoked")),
        Taken::Unknown => return Err(missing(server, request, proven, "there is no such code")),
    };
    check(&handle, form, proven)?;
    take(server, request, (&handle, form), proven, facts).await
}

/// Takes what was looked at, once, and gives tokens of its grant. What is wrong with the form uses
/// nothing up.
pub(super) async fn take(
    server: &Server,
    request: &Request,
    (handle, form): (&Handle, &Form),
    proven: &Proven,
    facts: &mut Facts,
) -> Result<Issued, Denied> {
    let (digest, kind) = (&handle.digest, &*handle.kind);
    let grant = grant_of(server, handle).await?;
    let mut answer = Answer::new(server, request, &grant, proven, facts)?;
    answer.narrow(server, form)?;
    let confirmation = answer.bind(server, request).await?;
    let (refresh, taken) = match answer.refreshes() {
        true => {
            let (text, new) = refresh_handle(&grant, request, proven, &confirmation)?;
            (Some(text), server.store.rotate_handle(digest, kind, request.at, &new).await?)
        }
        false => (None, server.store.take_handle(digest, kind, request.at).await?),
    };
    match taken {
        Taken::First(_) => answer.issue(server, request, (None, &confirmation), refresh).await,
        Taken::Again(handle) => Err(reused(server, &handle, request).await?),
        Taken::Expired | Taken::Revoked(_) | Taken::Unknown => {
            Err(invalid_grant("the code, or its grant, has ended"))
        }
    }
}

fn check(handle: &Handle, form: &Form, proven: &Proven) -> Result<(), Denied> {
    let body: CodeBody = serde_json::from_str(&handle.body).map_err(invalid_grant)?;
    if body.client != proven.client.id {
        return Err(invalid_grant("the code was given to another client"));
    }
    if body.jkt.as_deref().is_some_and(|it| proven.held.jkt() != Some(it)) {
        return Err(invalid_grant("the code is bound to a key that was not proved"));
    }
    // OAuth 2.1 has no redirect_uri here any more; one that is sent has to be right.
    if form.get("redirect_uri").is_some_and(|it| it != body.redirect_uri) {
        return Err(invalid_grant("the redirect_uri is another than the code was sent to"));
    }
    let verifier = form.required("code_verifier")?;
    let is_verifier = (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|it| it.is_ascii_alphanumeric() || b"-._~".contains(&it));
    let challenge = ticket::challenge(verifier);
    let is_same = aws_lc_rs::constant_time::verify_slices_are_equal(
        challenge.as_bytes(),
        body.challenge.as_bytes(),
    );
    if !is_verifier || is_same.is_err() {
        return Err(invalid_grant("the code_verifier does not fit the code_challenge"));
    }
    Ok(())
}

/// A code or refresh token that comes again was stolen, by now or before: all that came of it ends
/// (RFC 9700 section 4.14).
pub(super) async fn reused(
    server: &Server,
    handle: &Handle,
    request: &Request,
) -> Result<Denied, Denied> {
    if let Some(grant) = &handle.grant {
        revocations::end(server, GrantFilter::One(grant), request.at).await?;
    }
    Ok(invalid_grant("it was used before: its grant is revoked"))
}

/// The grant that a handle belongs to.
pub(super) async fn grant_of(server: &Server, handle: &Handle) -> Result<Grant, Denied> {
    let missing = || invalid_grant("it belongs to no grant");
    let id = handle.grant.as_deref().ok_or_else(missing)?;
    server.store.grant(id).await?.ok_or_else(missing)
}

/// What a grant gives now: as long as all that it was given by is still there.
pub(super) struct Answer<'a> {
    grant: &'a Grant,
    body: GrantBody,
    profile: ProfileId,
    admission: Option<AdmissionId>,
    rule: String,
    proven: &'a Proven,
    refreshes: bool,
    lifetime: std::time::Duration,
    demands: Vec<TokenBinding>,
    is_opaque: bool,
}

impl<'a> Answer<'a> {
    pub(super) fn new(
        server: &Server,
        request: &Request,
        grant: &'a Grant,
        proven: &'a Proven,
        facts: &mut Facts,
    ) -> Result<Self, Denied> {
        if grant.client != proven.client.id {
            return Err(invalid_grant("it was given to another client"));
        }
        let body: GrantBody = serde_json::from_str(&grant.body).map_err(invalid_grant)?;
        let profile = ProfileId::parse(&grant.profile).map_err(invalid_grant)?;
        let tables = server.tables();
        let contract = tables.contract(&profile, request.at);
        let contract = contract.ok_or_else(|| invalid_grant("the profile gets no tokens now"))?;
        facts.caller = Some(caller(&contract, grant.subject.clone()));
        check_terms(&contract, request)?;
        let given_by = match body.is_of_device {
            true => GrantType::DeviceCode,
            false => GrantType::AuthorizationCode,
        };
        if !contract.terms.grants.contains(&given_by) {
            let detail = format!("the profile does not have the grant {}", given_by.as_str());
            return Err(Denied::new(Code::UnauthorizedClient, detail));
        }
        let subject = grant.subject.as_deref();
        if !subject.is_none_or(|it| people::is_known(&tables, it)) {
            return Err(invalid_grant("the user may not sign in now"));
        }
        let person = body.person(&tables, subject.unwrap_or_default());
        let person = person.ok_or_else(|| invalid_grant("the user has another password now"))?;
        let admission = body.admission.as_deref();
        let asks = (&proven.client, given_by);
        admit::check(&tables, admission, &contract, asks, &person).map_err(invalid_grant)?;
        let admission = admission.and_then(|it| AdmissionId::parse(it).ok());
        let rule = admit::rule(&tables, admission.as_ref(), &contract);
        let may_renew = contract.terms.grants.contains(&GrantType::RefreshToken);
        let refreshes = may_renew && proven.client.renews();
        let lifetime = contract.terms.lifetime.min(grant.expires.since(request.at));
        // What would give a token that is good for nothing uses nothing up.
        let givers = (&profile, proven.credential.as_ref());
        access_token::end(&tables, givers, lifetime, request.at)?;
        let demands = proven.client.demands(contract.terms);
        let is_opaque = contract.terms.is_opaque;
        Ok(Self {
            grant,
            body,
            profile,
            admission,
            rule,
            proven,
            refreshes,
            lifetime,
            demands,
            is_opaque,
        })
    }

    /// What its tokens are bound to. Uses a proof up: the last that is done before the ticket is.
    pub(super) async fn bind(
        &self,
        server: &Server,
        request: &Request,
    ) -> Result<Confirmation, Denied> {
        self.proven.held.bind(server, request, &self.demands).await
    }

    pub(super) fn refreshes(&self) -> bool {
        self.refreshes
    }

    /// The scopes that were given; all of the profile where none.
    pub(super) fn scopes(&self) -> Result<Option<TokenScopes>, Denied> {
        self.body.scope.as_deref().map(TokenScopes::parse).transpose().map_err(invalid_grant)
    }

    /// Goes for the resource that is asked for now, where one is: that may be less than what was given,
    /// and nothing else (RFC 8707 section 2.2).
    ///
    /// # Errors
    /// `invalid_target` where it was not given for that.
    pub(super) fn narrow(&mut self, server: &Server, form: &Form) -> Result<(), Denied> {
        if form.get("resource").is_none() {
            return Ok(());
        }
        let tables = server.tables();
        let (asked, audience) = resource(&tables, form)?;
        let given = tables.resources.audience(&self.body.resource);
        if !given.is_some_and(|it| it.covers(&audience)) {
            let detail = "the resource is not within what this was given for";
            return Err(Denied::new(Code::InvalidTarget, detail));
        }
        // Of this answer alone: the grant, and what renews it, stay as they were given.
        self.body.resource = asked;
        Ok(())
    }

    /// Signs a token, for `narrower` scopes where these are given.
    pub(super) async fn issue(
        &self,
        server: &Server,
        request: &Request,
        (narrower, confirmation): (Option<TokenScopes>, &Confirmation),
        refresh: Option<String>,
    ) -> Result<Issued, Denied> {
        let scopes = match narrower {
            Some(narrower) => Some(narrower),
            None => self.scopes()?,
        };
        let token = AccessToken {
            issuer: server.url(),
            client: &self.grant.client,
            profile: &self.profile,
            subject: self.grant.subject.as_deref(),
            earlier_actors: None,
            earlier_givers: &[],
            resource: &self.body.resource,
            scopes: scopes.as_ref(),
            credential: self.proven.credential.as_ref(),
            admission: self.admission.as_ref(),
            rule: Some(&self.rule),
            grant: Some(&self.grant.id),
            lifetime: self.lifetime,
            confirmation,
            methods: &self.body.methods,
            is_opaque: self.is_opaque,
        };
        let access = token.give(server, request.at).await?;
        let token_type = confirmation.token_type();
        Ok(Issued { access, token_type, refresh, scope: scopes.map(|it| it.to_string()) })
    }
}
