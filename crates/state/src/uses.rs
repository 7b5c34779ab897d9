//! What would miss something if it were gone.

use std::collections::BTreeSet;

use model::{
    Audience, Client, Collection, Credential, DeclaredSecret, Injection, Issuer, Limit, Pattern,
    Proof, Role, SecretSource, Stop, Stopped, Upstream,
};

use crate::{Desired, Kind};

/// The documents that name the `kind` called `id`, as paths in order.
///
/// A client is named by credentials and admissions of its profiles and by limits, a collection by patterns and by
/// reaches. What `*:*` means, and what a document says of itself, is no use.
#[must_use]
pub fn uses(desired: &Desired, kind: Kind, id: &str) -> Vec<String> {
    let mut paths = BTreeSet::new();
    let Desired {
        admissions,
        clients,
        collections,
        credentials,
        guards: _,
        issuers,
        limits,
        roles,
        secrets,
        stops,
        upstreams,
        users: _,
    } = desired;
    let mut add = |is_use: bool, path: &str| {
        if is_use {
            paths.insert(path.to_owned());
        }
    };
    match kind {
        Kind::Client => {
            admissions.iter().for_each(|it| add(it.profile.client() == id, &it.place.file));
            credentials.iter().for_each(|it| add(it.profile.client() == id, &it.place.file));
            limits.iter().for_each(|it| add(limit_names_client(it, id), &it.place.file));
            stops.iter().for_each(|it| add(stops_it(it, kind, id), &it.place.file));
        }
        Kind::Collection => {
            roles.iter().for_each(|it| add(role_names(it, id), &it.place.file));
            limits.iter().for_each(|it| add(patterns_name(&it.operations, id), &it.place.file));
            clients.iter().for_each(|it| {
                add(client_reaches(it, id) || client_introspects(it, id), &it.place.file);
            });
            stops.iter().for_each(|it| add(stops_it(it, kind, id), &it.place.file));
        }
        Kind::Issuer => {
            admissions.iter().for_each(|it| {
                add(it.issuer.as_ref().is_some_and(|it| it.as_str() == id), &it.place.file);
            });
            credentials.iter().for_each(|it| add(credential_trusts(it, id), &it.place.file));
            stops.iter().for_each(|it| add(stops_it(it, kind, id), &it.place.file));
        }
        Kind::Role => clients.iter().for_each(|it| add(client_has(it, id), &it.place.file)),
        Kind::Secret => {
            issuers.iter().for_each(|it| add(issuer_shows(it, id), &it.place.file));
            collections.iter().for_each(|it| add(collection_shows(it, id), &it.place.file));
            secrets.iter().for_each(|it| add(secret_needs(it, id), &it.place.file));
            for it in upstreams {
                let path = it.id.as_ref().map(|it| Kind::Upstream.path(it.as_str()));
                add(upstream_shows(it, id), &path.unwrap_or_default());
            }
        }
        Kind::Upstream => {
            collections.iter().for_each(|it| {
                add(it.upstream.id.as_ref().is_some_and(|it| it.as_str() == id), &it.place.file);
            });
            stops.iter().for_each(|it| add(stops_it(it, kind, id), &it.place.file));
        }
        // Nothing names them.
        Kind::Admission | Kind::Credential | Kind::Guard | Kind::Limit => {}
        Kind::Stop | Kind::User => {}
    }
    paths.into_iter().collect()
}

fn stops_it(stop: &Stop, kind: Kind, id: &str) -> bool {
    match &stop.of {
        Stopped::Agents | Stopped::ClientId(_) => false,
        Stopped::Client(it) => kind == Kind::Client && it.as_str() == id,
        Stopped::Collection(it) => kind == Kind::Collection && it.as_str() == id,
        Stopped::Person(it) => {
            kind == Kind::Issuer && it.split_once(':').is_some_and(|(issuer, _)| issuer == id)
        }
        Stopped::Upstream(it) => kind == Kind::Upstream && it.as_str() == id,
    }
}

fn client_introspects(client: &Client, id: &str) -> bool {
    let terms = client.profiles.iter().filter_map(|it| it.tokens.as_ref());
    let mut audiences = terms.flat_map(|it| &it.introspects);
    audiences.any(|it| matches!(it, Audience::Collection(it) if it.as_str() == id))
}

fn limit_names_client(limit: &Limit, id: &str) -> bool {
    limit.client.as_ref().is_some_and(|it| it.as_str() == id)
        || limit.profile.as_ref().is_some_and(|it| it.client() == id)
}

fn role_names(role: &Role, id: &str) -> bool {
    role.grants.iter().any(|it| patterns_name(&it.operations, id))
}

fn patterns_name(patterns: &[Pattern], id: &str) -> bool {
    patterns.iter().any(|it| it.collection() == Some(id))
}

fn client_reaches(client: &Client, id: &str) -> bool {
    let assignments = client.profiles.iter().flat_map(|it| &it.roles);
    assignments.flat_map(|it| &it.reach.collections).any(|it| it.as_str() == id)
}

fn client_has(client: &Client, id: &str) -> bool {
    client.profiles.iter().flat_map(|it| &it.roles).any(|it| it.role.as_str() == id)
}

fn credential_trusts(credential: &Credential, id: &str) -> bool {
    match &credential.proof {
        Proof::ApiKey { .. }
        | Proof::ClientSecret { .. }
        | Proof::Mtls { .. }
        | Proof::PrivateKeyJwt { .. } => false,
        Proof::External { issuer, claims: _ } => issuer.as_str() == id,
    }
}

/// Of an upstream with a name, that has the secret and not the collection.
fn collection_shows(collection: &Collection, id: &str) -> bool {
    collection.upstream.id.is_none() && upstream_shows(&collection.upstream, id)
}

fn upstream_shows(upstream: &Upstream, id: &str) -> bool {
    upstream.injection.as_ref().map(Injection::secret).is_some_and(|it| it.as_str() == id)
}

fn issuer_shows(issuer: &Issuer, id: &str) -> bool {
    let of_sign_in = issuer.sign_in.as_ref().and_then(|it| it.client_secret.as_ref());
    let of_introspection = issuer.introspection.as_ref().map(|it| &it.client_secret);
    of_sign_in.into_iter().chain(of_introspection).any(|it| it.as_str() == id)
}

fn secret_needs(secret: &DeclaredSecret, id: &str) -> bool {
    match &secret.source {
        SecretSource::Vault { token, .. } => token.as_str() == id,
        SecretSource::Environment { variable: _ } | SecretSource::File { path: _ } => false,
        SecretSource::Store => false,
    }
}
