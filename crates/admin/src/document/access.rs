//! Who may do what, and how much.

use std::collections::BTreeMap;

use schemars::JsonSchema;

/// A registered consumer and its profiles.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Client {
    /// What sort of client it is.
    kind: ClientKind,
    /// The person or team who answers for it.
    owner: String,
    /// What it is for.
    description: Option<String>,
    /// `false`: its credentials are refused. `true` where it is missing.
    enabled: Option<bool>,
    /// Its access contracts, by name.
    profiles: Option<BTreeMap<String, Profile>>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
enum ClientKind {
    Agent,
    App,
    Partner,
    Service,
}

/// An access contract.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Profile {
    /// What it may do: roles by name, or with the bounds within which they hold.
    roles: Option<Vec<Assignment>>,
    /// Which surfaces it may use; both where it is missing.
    surfaces: Option<Vec<Surface>>,
    /// Where it may call from: networks or addresses; anywhere where it is missing.
    networks: Option<Vec<String>>,
    /// When it ends: a date, or an RFC 3339 time; never where it is missing.
    expires: Option<String>,
    /// `true` where it is missing.
    enabled: Option<bool>,
}

#[derive(JsonSchema)]
#[serde(untagged)]
enum Assignment {
    /// A role, everywhere.
    Everywhere(String),
    /// A role within bounds.
    Bounded(Bounded),
}

/// A role that holds for these collections, and for what these owners have.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Bounded {
    /// The role.
    role: String,
    /// Collections, by id.
    collections: Option<Vec<String>>,
    /// Owners, as clients and collections name them.
    owners: Option<Vec<String>>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Surface {
    Rest,
    Mcp,
}

/// A named set of permissions.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Role {
    /// What it is for.
    description: Option<String>,
    /// What it allows; nothing else is.
    allow: Vec<Grant>,
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Grant {
    /// `collection:operation`, `collection:*` or `*:*`.
    operations: Vec<String>,
    /// Only those with these effects; all where it is missing.
    effects: Option<Vec<Effect>>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Effect {
    Read,
    Write,
    Destructive,
}

/// A policy in the Cedar language that takes away from what roles allow.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Guard {
    /// What it is for.
    description: Option<String>,
    /// The policy: `forbid (…) when {…};`
    policy: String,
}

/// A proof that leads to a profile, without its secret. API keys are made by `issue_credential`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credential {
    /// The profile that it leads to: `client/profile`.
    profile: String,
    /// What has to be shown.
    kind: CredentialKind,
    /// `active` where it is missing.
    state: Option<CredentialState>,
    /// When it was made.
    created: Option<String>,
    /// When it ends: a date, or an RFC 3339 time.
    expires: String,
    /// Of an external one: whose tokens.
    issuer: Option<String>,
    /// Of an external one: what the token must say.
    claims: Option<BTreeMap<String, String>>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
enum CredentialKind {
    ApiKey,
    External,
}

#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
enum CredentialState {
    Active,
    Retiring,
    Revoked,
}

/// Whose signed tokens are believed.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Issuer {
    /// The exact `iss` of its tokens.
    issuer: String,
    /// Its own metadata says where its keys are: `true`.
    discovery: Option<bool>,
    /// Where its keys are, in place of `discovery`.
    jwks_url: Option<String>,
    /// Its keys, in place of both.
    jwks: Option<serde_json::Map<String, serde_json::Value>>,
    /// The values of `aud` that mean this door.
    audiences: Vec<String>,
    /// The algorithms that are accepted.
    algorithms: Vec<String>,
    /// The header `typ` of its tokens; `at+jwt` where it is missing.
    types: Option<Vec<String>>,
}

/// A rate or a quota.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limit {
    /// Whose calls; everybody's where client and profile are missing.
    client: Option<String>,
    /// Calls of this profile: `client/profile`.
    profile: Option<String>,
    /// Of which operations; of all where it is missing.
    operations: Option<Vec<String>>,
    /// Who shares a bucket: `all`, `client`, `profile`, `operation`, `client_operation`, `profile_operation`.
    per: Option<String>,
    /// `50/s`, `100/m`, `1000/h`.
    rate: Option<String>,
    /// So many may come at once.
    burst: Option<u64>,
    /// `1000/day`: hour, day, week or month, by the calendar, in UTC.
    quota: Option<String>,
}
