//! What a person is asked to allow: a page shows it, and a grant is made of what it showed.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use http::Response;
use model::{AdmissionId, Effect, GrantType, ProfileId, TokenTerms};

use super::{
    Pending, account, admit,
    consent::{client_view, form_view},
};
use crate::{
    Request, Server,
    client::{Client, redirect},
    error::Denied,
    page,
    people::Person,
    plane::Permitted,
    ticket,
};

/// What a person is asked to allow.
#[derive(Debug)]
pub(super) struct Offer {
    /// As which profile the client would act.
    pub(super) profile: ProfileId,
    /// By which admission, where it is none of its own.
    pub(super) admission: Option<AdmissionId>,
    /// How long what is given lives at the longest.
    pub(super) refresh_lifetime: Duration,
    permitted: Vec<Permitted>,
    lifetime: String,
}

impl Offer {
    /// What `person` would allow now.
    ///
    /// # Errors
    /// `access_denied` where the client may not act for them.
    pub(super) fn of(
        server: &Server,
        request: &Request,
        pending: &Pending,
        person: &Person,
    ) -> Result<Self, Denied> {
        let tables = server.tables();
        let asks = (&pending.client, pending.grant());
        let (profile, admission) = admit::profile(&tables, asks, person, request.at)?;
        let permitted = server.plane.permitted(&profile, &pending.bounds(server));
        let contract = tables.contract(&profile, request.at);
        let lifetime = contract.map(|it| lifetime(it.terms, &pending.client)).unwrap_or_default();
        let refresh_lifetime = contract.map(|it| it.terms.refresh_lifetime).unwrap_or_default();
        Ok(Self { profile, admission, refresh_lifetime, permitted, lifetime })
    }

    /// What the page names it by: something else where it changes, or is made to somebody else. What the
    /// ticket of the page stands for is not in it, as that stays.
    pub(super) fn digest(&self, pending: &Pending, person: &Person) -> String {
        // How long it lives is on the page in words.
        let Self { profile, admission: _, refresh_lifetime: _, permitted, lifetime } = self;
        let shown = (&person.subject, &pending.client.name, profile, permitted, lifetime);
        ticket::challenge(&format!("{shown:?}"))
    }

    /// The page on which the person decides; with a word that it is another than they were shown before,
    /// where it is.
    pub(super) fn page(
        &self,
        server: &Server,
        pending: &Pending,
        person: &Person,
        is_changed: bool,
    ) -> Response<Bytes> {
        let collections = by_collection(&self.permitted);
        let views: Vec<_> = collections
            .iter()
            .map(|(title, operations)| page::CollectionView { title, operations })
            .collect();
        let scopes = pending.scopes().map(|it| it.to_string()).unwrap_or_default();
        let view = page::ConsentView {
            door: server.url(),
            is_changed,
            client: client_view(pending),
            person: &person.name,
            profile: self.profile.as_str(),
            collections: &views,
            scopes: &scopes,
            lifetime: &self.lifetime,
            form: form_view(pending, "/oauth/consent"),
            offer: &self.digest(pending, person),
            sign_out: "/oauth/sign-out",
            account: account::PATH,
            target: redirect::target(&pending.body.redirect_uri),
        };
        page::consent(&view).into_response()
    }
}

fn by_collection(permitted: &[Permitted]) -> BTreeMap<&str, Vec<page::OperationView<'_>>> {
    let mut collections: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for Permitted { collection, summary, effect } in permitted {
        let view = page::OperationView { summary, effect: *effect };
        collections.entry(collection.as_str()).or_default().push(view);
    }
    for operations in collections.values_mut() {
        // What can be undone least comes first, as only the last lines of a long list are cut away.
        operations.sort_by_key(|it| match it.effect {
            Effect::Destructive => 0,
            Effect::Write => 1,
            Effect::Read => 2,
        });
    }
    collections
}

/// `10 minutes at a time, for up to 30 days`.
fn lifetime(terms: &TokenTerms, client: &Client) -> String {
    let minutes = terms.lifetime.as_secs().div_ceil(60);
    let days = terms.refresh_lifetime.as_secs().div_ceil(24 * 3600);
    match client.renews() && terms.grants.contains(&GrantType::RefreshToken) {
        true => format!("{minutes} minutes at a time, for up to {days} days"),
        false => format!("{minutes} minutes"),
    }
}
