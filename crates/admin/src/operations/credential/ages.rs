//! `list_credential_ages`: age, end, last use and reach of every credential.

use std::sync::Arc;

use http::Method;
use model::{Credential, CredentialState, Effect, LastUse, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use state::Kind;

use crate::{
    Admin, Call, authority,
    failure::Failure,
    operation::{NoBody, Operation},
    page::PageSize,
    reply::Reply,
    working::Working,
};

/// Lists how old credentials are, and what they lead to.
#[derive(Debug)]
pub(crate) struct Ages;

/// Which ones.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Only those of this client.
    #[schemars(length(max = 200))]
    client: Option<String>,
    /// `true`: only those that are due: they end within their profile's `warn_before`.
    due: Option<bool>,
    /// Goes on behind the page that ended with this `next`.
    #[schemars(length(max = 200))]
    cursor: Option<String>,
    /// Most entries of a page; 100 where it is not said.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u16>,
}

/// One page.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Page {
    /// The credentials, by id.
    items: Vec<Line>,
    /// The cursor of the next page, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// What there is to know of a credential.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Line {
    /// Its id.
    id: String,
    /// The profile that it leads to.
    profile: String,
    /// Who answers for its client.
    owner: String,
    /// `api_key`, `client_secret`, `external`, `mtls` or `private_key_jwt`.
    kind: &'static str,
    /// `active`, `retiring`, `retired`, `revoked` or `expired`.
    state: &'static str,
    /// How old it is, in whole days.
    age_days: Option<u64>,
    /// When it ends: as it says itself, or sooner by its profile's `lifetime_max`.
    expires: String,
    /// Whether it ends within its profile's `warn_before`, or has ended.
    due: bool,
    /// When it was made, where that is known; a successor when the one before was `replaced`.
    created: Option<String>,
    /// When its successor was made, where it has one.
    replaced: Option<String>,
    /// When it was last used, as far as that is known.
    last_used: Option<String>,
    /// How it was last used: `call`, `token` (one that was got with it) or `token_request`.
    used_by: Option<&'static str>,
    /// From which address it was last used.
    used_from: Option<String>,
    /// The roles that whoever holds it has.
    roles: Vec<String>,
    /// Whether it is good from every address.
    anywhere: bool,
}

impl Operation for Ages {
    const NAME: &'static str = "list_credential_ages";
    const COMMAND: [&'static str; 2] = ["credential", "ages"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/reports/credential-ages";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Show age, expiry, last use and reach of credentials";
    type Parameters = Which;
    type Body = NoBody;
    type Output = Page;

    async fn run(
        admin: &Admin,
        call: &Call,
        which: Which,
        _: NoBody,
    ) -> Result<Reply<Page>, Failure> {
        let Which { client, due, cursor, limit } = which;
        let uses = match &admin.store {
            Some(store) => store.uses().await?,
            None => Default::default(),
        };
        let working = admin.working();
        let desired = &working.desired;
        let size = PageSize::of(limit);
        let shown = desired
            .credentials
            .iter()
            .filter(|it| cursor.as_deref().is_none_or(|cursor| it.id.as_str() > cursor))
            .filter(|it| client.as_deref().is_none_or(|client| it.profile.client() == client))
            .filter(|it| {
                due.is_none_or(|due| working.rotation(&it.profile).is_due(it, call.at) == due)
            })
            .filter(|it| authority::reaches(call, &working, Kind::Credential, it.id.as_str()))
            .take(size.and_one());
        let (shown, next) = size.cut(shown.collect(), |it| it.id.to_string());
        let line = |it: &Arc<Credential>| line(it, &working, uses.get(it.id.as_str()), call.at);
        Ok(Reply::of(Page { items: shown.into_iter().map(line).collect(), next }))
    }
}

fn line(it: &Credential, working: &Working, used: Option<&LastUse>, now: Timestamp) -> Line {
    let profile = working.profile(&it.profile);
    let rotation = working.rotation(&it.profile);
    let expires = rotation.end(it);
    let how = used.and_then(|it| it.how);
    let owner = working.belonging(Kind::Client, it.profile.client()).owner;
    let mut roles: Vec<_> =
        profile.into_iter().flat_map(|it| &it.roles).map(|it| it.role.to_string()).collect();
    roles.dedup();
    Line {
        id: it.id.to_string(),
        profile: it.profile.to_string(),
        owner: owner.unwrap_or_default(),
        kind: it.proof.kind(),
        state: state(it.state, expires, now),
        age_days: it.created.map(|created| now.since(created).as_secs() / 86_400),
        expires: expires.to_string(),
        due: rotation.is_due(it, now),
        created: it.created.map(|it| it.to_string()),
        replaced: it.replaced.map(|it| it.to_string()),
        last_used: used.map(|it| it.at.to_string()),
        used_by: how.map(|it| it.way.as_str()),
        used_from: how.map(|it| it.from.to_string()),
        roles,
        anywhere: profile.is_some_and(|it| it.networks.is_empty()),
    }
}

/// What a credential is now, in a word.
pub(super) fn state(state: CredentialState, expires: Timestamp, now: Timestamp) -> &'static str {
    match state {
        CredentialState::Revoked => "revoked",
        CredentialState::Retired => "retired",
        _ if expires <= now => "expired",
        CredentialState::Active => "active",
        CredentialState::Retiring => "retiring",
    }
}
