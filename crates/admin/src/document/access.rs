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
    /// On what terms it gets tokens of this door; it gets none where it is missing.
    tokens: Option<Tokens>,
    /// How long its credentials may live.
    rotation: Option<Rotation>,
    /// `true` where it is missing.
    enabled: Option<bool>,
}

/// On what terms a profile gets tokens.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Tokens {
    /// The ways it may ask: `authorization_code`, `client_credentials`, `refresh_token` and others.
    grants: Vec<String>,
    /// Where people are sent back to.
    redirect_uris: Option<Vec<String>>,
    /// `true`: it can keep no secret. `false` where it is missing.
    public: Option<bool>,
    /// Only people of one of these groups.
    groups: Option<Vec<String>>,
    /// How long an access token is good: `10m` where it is missing, at most `1h`.
    lifetime: Option<String>,
    /// After this a person has to consent anew: `30d` where it is missing.
    refresh_lifetime: Option<String>,
    /// What the holder of a token has to prove: `dpop` or `mtls`.
    bound_by: Option<String>,
    /// `jwt`, or `opaque`.
    format: Option<String>,
    /// `true`: it has to push its requests first. `false` where it is missing.
    push_required: Option<bool>,
    /// Collections: it may ask of tokens that are good for one of them whether they are good; `*` for all.
    /// Of its own alone where it is missing.
    introspects: Option<Vec<String>>,
}

/// How credentials are replaced.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rotation {
    /// The longest life of one, whatever it says itself.
    lifetime_max: Option<String>,
    /// How long before its end one is due.
    warn_before: Option<String>,
    /// How long one must not have been used before it is retired; not since its successor was made
    /// where it is missing.
    quiet: Option<String>,
    /// Whether the client may list, rotate and retire its credentials itself; needs `lifetime_max`.
    self_service: Option<bool>,
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

/// Refuses calls for as long as it is there, whatever roles allow. Exactly one of the first six.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stop {
    /// This client, with all its profiles.
    client: Option<String>,
    /// This client that nobody registered: the URL of its document, or the `dyn-…` that it registered
    /// itself as. It gets no tokens either.
    client_id: Option<String>,
    /// This person, whichever client acts for them: `local:NAME`, or the id of an issuer and their
    /// `sub` there. They cannot sign in either.
    person: Option<String>,
    /// All operations of this collection.
    collection: Option<String>,
    /// All operations of the collections that share this upstream.
    upstream: Option<String>,
    /// `all`: every client of the kind agent.
    agents: Option<String>,
    /// Why, for operators and records.
    because: String,
    /// Who stopped it. The door says it: what is sent is not taken.
    by: Option<String>,
    /// Since when. The door says it: what is sent is not taken.
    since: Option<String>,
}
