//! What people and clients were given by the authorization server, as management sees it.

use std::sync::Arc;

use admin::{
    ConsentView, DepartedView, GrantSelection, GrantState, GrantView, GrantWork, Grants,
    RegistrationView, SignInView,
};
use model::{Clock, Timestamp};
use oauth::{Departed, GivenConsent, GivenGrant, GrantsOf, SelfDescribed, Server, SignedIn};
use state::Desired;

/// What this server gave.
#[derive(Debug)]
pub(super) struct Given(pub(super) Arc<Server>);

impl Grants for Given {
    fn list<'a>(
        &'a self,
        of: &'a GrantSelection,
        after: Option<&'a str>,
        max: u32,
    ) -> GrantWork<'a, Vec<GrantView>> {
        Box::pin(async move {
            let found = self.0.grants(those(of), after, max).await?;
            let now = Clock::system().now();
            Ok(found.into_iter().map(|it| grant(it, now)).collect())
        })
    }

    fn revoke<'a>(&'a self, of: &'a GrantSelection) -> GrantWork<'a, Vec<String>> {
        Box::pin(self.0.revoke_grants(those(of)))
    }

    fn consents<'a>(
        &'a self,
        person: Option<&'a str>,
        after: Option<(&'a str, &'a str)>,
        max: u32,
    ) -> GrantWork<'a, Vec<ConsentView>> {
        Box::pin(async move {
            let found = self.0.consents(person, after, max).await?;
            Ok(found.into_iter().map(consent).collect())
        })
    }

    fn consent<'a>(
        &'a self,
        person: &'a str,
        client: &'a str,
    ) -> GrantWork<'a, Option<ConsentView>> {
        Box::pin(async move { Ok(self.0.consent(person, client).await?.map(consent)) })
    }

    fn revoke_consent<'a>(&'a self, person: &'a str, client: &'a str) -> GrantWork<'a, usize> {
        Box::pin(async move { Ok(self.0.revoke_consent(person, client).await?.grants.len()) })
    }

    fn sign_ins<'a>(
        &'a self,
        person: Option<&'a str>,
        after: Option<&'a str>,
        max: u32,
    ) -> GrantWork<'a, (Vec<SignInView>, Option<String>)> {
        Box::pin(async move {
            let (found, next) = self.0.sign_ins(person, after, max).await?;
            Ok((found.into_iter().map(sign_in).collect(), next))
        })
    }

    fn end_sign_ins<'a>(
        &'a self,
        id: Option<&'a str>,
        person: Option<&'a str>,
    ) -> GrantWork<'a, usize> {
        Box::pin(self.0.end_sign_ins(id, person))
    }

    fn registrations<'a>(
        &'a self,
        after: Option<&'a str>,
        max: u32,
    ) -> GrantWork<'a, Vec<RegistrationView>> {
        Box::pin(async move {
            let found = self.0.self_described(after, max).await?;
            Ok(found.into_iter().map(registration).collect())
        })
    }

    fn delete_registration<'a>(&'a self, id: &'a str) -> GrantWork<'a, (bool, usize)> {
        Box::pin(async move {
            let gone = self.0.delete_registration(id).await?;
            Ok((gone.was_there, gone.grants.len()))
        })
    }

    fn end_departed<'a>(
        &'a self,
        before: &'a Desired,
        after: &'a Desired,
    ) -> GrantWork<'a, Option<DepartedView>> {
        Box::pin(async move {
            let ended = self.0.end_departed(before, after).await?;
            Ok(ended.map(|Departed { grants, sign_ins }| DepartedView { grants, sign_ins }))
        })
    }
}

fn those(of: &GrantSelection) -> GrantsOf<'_> {
    let GrantSelection { id, person, client, profile } = of;
    GrantsOf {
        id: id.as_deref(),
        person: person.as_deref(),
        client: client.as_deref(),
        profile: profile.as_deref(),
    }
}

fn grant(grant: GivenGrant, now: Timestamp) -> GrantView {
    let GivenGrant { id, client, client_name, profile, person, resource, .. } = grant;
    let GivenGrant { scope, admission, since, refreshed, expires, revoked, .. } = grant;
    GrantView {
        id,
        client,
        client_name,
        profile,
        person,
        resource,
        scope,
        admission,
        state: match revoked {
            Some(_) => GrantState::Revoked,
            None if expires <= now => GrantState::Expired,
            None => GrantState::Good,
        },
        since: since.to_string(),
        last_refreshed: refreshed.map(|it| it.to_string()),
        expires: expires.to_string(),
        revoked: revoked.map(|it| it.to_string()),
    }
}

fn consent(consent: GivenConsent) -> ConsentView {
    let GivenConsent { person, client, client_name, host, profile, scope, since } = consent;
    ConsentView { person, client, client_name, host, profile, scope, since: since.to_string() }
}

fn sign_in(signed_in: SignedIn) -> SignInView {
    let SignedIn { id, person, from, since, expires } = signed_in;
    SignInView { id, person, from, since: since.to_string(), expires: expires.to_string() }
}

fn registration(client: SelfDescribed) -> RegistrationView {
    let SelfDescribed { client, name, registered, used, secret_expires, grants, newest } = client;
    RegistrationView {
        client,
        name,
        registered: registered.map(|it| it.to_string()),
        last_used: used.map(|it| it.to_string()),
        secret_expires: secret_expires.map(|it| it.to_string()),
        grants,
        newest_grant: newest.map(|it| it.to_string()),
    }
}
