//! What can be called, and where it is carried out.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::{Map, Value};

use super::access::Effect;

/// Operations published together, over one upstream.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Collection {
    /// The document's title where it is missing.
    title: Option<String>,
    /// The person or team who answers for it.
    owner: String,
    /// Whether it can be called: `published` where it is missing.
    state: Option<Lifecycle>,
    /// Where it begins on the REST surface; `/` and its id where it is missing.
    base: Option<String>,
    /// Where its operations are carried out: the id of an upstream, or one of its own.
    upstream: UpstreamOrName,
    /// The OpenAPI document, or the path of one in `documents/`.
    document: DocumentOrPath,
    /// Which of its operations; all where it is missing.
    select: Option<Vec<String>>,
    /// What is changed, by the operation's name in the document.
    operations: Option<BTreeMap<String, Override>>,
    /// What records keep of calls.
    audit: Option<Recording>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Lifecycle {
    Draft,
    Published,
    Retired,
}

#[derive(JsonSchema)]
#[serde(untagged)]
enum UpstreamOrName {
    Name(String),
    Upstream(Box<Upstream>),
}

#[derive(JsonSchema)]
#[serde(untagged)]
enum DocumentOrPath {
    Path(String),
    Document(Map<String, Value>),
}

/// What is changed on an operation.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Override {
    /// Another name.
    name: Option<String>,
    /// Another description.
    description: Option<String>,
    /// `true`: not published.
    hidden: Option<bool>,
    /// Another effect than the method's.
    effect: Option<Effect>,
    /// `[anonymous]`: callable without a credential.
    allow: Option<Vec<String>>,
    /// What records keep of its calls, before what the collection says.
    audit: Option<Recording>,
}

/// What records keep of the arguments of calls, which bodies are kept, and how safe records are.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Recording {
    /// What is kept of them: by a JSON pointer (`/customer/name`, where `*` is any one name), or of
    /// all that looks like a `card_number`, an `email` or a `secret`.
    redact: Option<BTreeMap<String, Treatment>>,
    /// Which bodies are kept, sealed; none where it is missing.
    bodies: Option<BodyRule>,
    /// How safe they are before a call is carried out and answered: `strict` on the disk, `standard`
    /// written. By the effect where it is missing.
    level: Option<Level>,
}

/// How safe a record is before anybody goes on.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Level {
    Standard,
    Strict,
}

/// Which bodies of calls are kept, sealed.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct BodyRule {
    /// Which of them.
    keep: Kept,
    /// How much of each: `64KiB` where it is missing, at most `1MiB`. What is longer is cut off.
    size_max: Option<String>,
    /// Of which types: `application/json`, `text/*`. Text and data where it is missing.
    content_types: Option<Vec<String>>,
    /// Whom they are about; who calls, where it is missing.
    subject: Option<SubjectRule>,
}

/// Which bodies are kept.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kept {
    Both,
    None,
    Request,
    Response,
}

/// Whom bodies are about, to be forgotten by.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct SubjectRule {
    /// What sort of subject: `customer`.
    kind: String,
    /// The argument that says which of them.
    argument: String,
}

/// How much of a value is kept: nothing, a keyed hash, all of it, or its end.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Treatment {
    Drop,
    Hash,
    Keep,
    Mask,
}

/// Where operations are carried out, and how the door shows who it is.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Upstream {
    /// `http` or `https`, with a path prefix or without.
    url: String,
    /// Longest wait for a connection: `5s`.
    connect_timeout: Option<String>,
    /// Longest wait for the head of an answer: `30s`.
    answer_timeout: Option<String>,
    /// Longest silence within its body: `60s`.
    idle_timeout: Option<String>,
    /// Longest wait for all of that body, where it goes to a tool: `60s`.
    tool_body_timeout: Option<String>,
    /// Most connections at once.
    connections_max: Option<u32>,
    /// How the door shows who it is; not at all where it is missing.
    auth: Option<Injection>,
}

/// What the door puts into requests. Its secret is named here, never written.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Injection {
    /// How it is shown.
    kind: InjectionKind,
    /// The id of the secret.
    secret: String,
    /// Of `header` and `query`: the name.
    name: Option<String>,
    /// Of `basic`: the user's name.
    username: Option<String>,
    /// Of `client_credentials`: the token endpoint.
    token_url: Option<String>,
    /// Of `client_credentials`: who the door is there.
    client_id: Option<String>,
    /// Of `client_credentials`: what is asked for.
    scopes: Option<Vec<String>>,
    /// Of `client_credentials`: for whom (RFC 8707).
    resource: Option<String>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
enum InjectionKind {
    Basic,
    Bearer,
    ClientCertificate,
    ClientCredentials,
    Header,
    Query,
}
