//! `report_credentials`: age, end and last use of every credential.

use http::Method;
use model::{CredentialState, Effect, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use state::Kind;

use crate::{
    Admin, Call, authority,
    failure::Failure,
    operation::{NoBody, Operation},
    reply::Reply,
};

/// Reports on credentials.
#[derive(Debug)]
pub(crate) struct Report;

/// Which ones.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Only those of this client.
    #[schemars(length(max = 200))]
    client: Option<String>,
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
    /// `active`, `retiring`, `revoked` or `expired`.
    state: &'static str,
    /// How old it is, in whole days.
    age_days: Option<u64>,
    /// When it ends.
    expires: String,
    /// When it was last used, as far as that is known.
    last_used: Option<String>,
}

impl Operation for Report {
    const NAME: &'static str = "report_credentials";
    const COMMAND: [&'static str; 2] = ["credential", "report"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/reports/credentials";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Show age, expiry and last use of credentials";
    type Parameters = Which;
    type Body = NoBody;
    type Output = Page;

    async fn run(
        admin: &Admin,
        call: &Call,
        which: Which,
        _: NoBody,
    ) -> Result<Reply<Page>, Failure> {
        let Which { client, cursor, limit } = which;
        let uses = match &admin.store {
            Some(store) => store.uses().await?,
            None => Default::default(),
        };
        let working = admin.working();
        let desired = &working.desired;
        let limit = usize::from(limit.unwrap_or(100));
        let mut shown = desired
            .credentials
            .iter()
            .filter(|it| cursor.as_deref().is_none_or(|cursor| it.id.as_str() > cursor))
            .filter(|it| client.as_deref().is_none_or(|client| it.profile.client() == client))
            .filter(|it| authority::reaches(call, &working, Kind::Credential, it.id.as_str()));
        let items: Vec<Line> = shown
            .by_ref()
            .take(limit)
            .map(|it| Line {
                id: it.id.to_string(),
                profile: it.profile.to_string(),
                owner: working
                    .belonging(Kind::Client, it.profile.client())
                    .owner
                    .unwrap_or_default(),
                kind: it.proof.kind(),
                state: state(it.state, it.expires, call.at),
                age_days: it.created.map(|created| call.at.since(created).as_secs() / 86_400),
                expires: it.expires.to_string(),
                last_used: uses.get(it.id.as_str()).map(ToString::to_string),
            })
            .collect();
        let next = shown.next().and_then(|_| items.last().map(|it| it.id.clone()));
        Ok(Reply::of(Page { items, next }))
    }
}

fn state(state: CredentialState, expires: Timestamp, now: Timestamp) -> &'static str {
    match state {
        CredentialState::Revoked => "revoked",
        _ if expires <= now => "expired",
        CredentialState::Active => "active",
        CredentialState::Retiring => "retiring",
    }
}
