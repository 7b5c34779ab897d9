//! By what somebody is known: credentials, issuers, admissions, people.

use std::collections::BTreeMap;

use schemars::JsonSchema;

type Object = serde_json::Map<String, serde_json::Value>;

/// A proof that leads to a profile, without its secret. API keys and client secrets are made by `issue_credential`.
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
    /// When its successor was made.
    replaced: Option<String>,
    /// When it ends: a date, or an RFC 3339 time.
    expires: String,
    /// Of an external one: whose tokens.
    issuer: Option<String>,
    /// Of an external one: what the token must say.
    claims: Option<BTreeMap<String, String>>,
    /// Of one that is shown by signing: where its public keys are.
    jwks_url: Option<String>,
    /// Of one that is shown by signing: its public keys.
    jwks: Option<Object>,
    /// Of a client certificate: the SHA-256 of its DER form, in hexadecimal digits.
    thumbprint: Option<String>,
    /// Of a client certificate: a DNS name that it has.
    dns: Option<String>,
    /// Of a client certificate: an e-mail address that it has.
    email: Option<String>,
    /// Of a client certificate: an IP address that it has.
    ip: Option<String>,
    /// Of a client certificate: a URI that it has.
    uri: Option<String>,
    /// Of a client certificate: its subject.
    subject: Option<String>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
enum CredentialKind {
    ApiKey,
    ClientSecret,
    External,
    Mtls,
    PrivateKeyJwt,
}

#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
enum CredentialState {
    Active,
    Retiring,
    Retired,
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
    jwks: Option<Object>,
    /// The values of `aud` that mean this door.
    audiences: Vec<String>,
    /// The algorithms that are accepted.
    algorithms: Vec<String>,
    /// The header `typ` of its tokens; `at+jwt` where it is missing.
    types: Option<Vec<String>>,
    /// How it is asked about opaque tokens.
    introspection: Option<Introspection>,
    /// How people sign in by it.
    sign_in: Option<SignIn>,
    /// `true` where it is missing.
    enabled: Option<bool>,
}

/// How an issuer is asked whether an opaque token is good: the door is a client there.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Introspection {
    /// Where it is asked; where its own metadata says if it is missing.
    url: Option<String>,
    /// The door's client id there.
    client_id: String,
    /// The secret with which the door shows itself there.
    client_secret: String,
}

/// How people sign in by an issuer: the door is a client there.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct SignIn {
    /// What the button says.
    label: Option<String>,
    /// The door's client id there.
    client_id: String,
    /// The secret with which the door shows itself there.
    client_secret: Option<String>,
    /// What is asked for besides `openid`.
    scopes: Option<Vec<String>>,
    /// The claim that has a person's name; `name`, `preferred_username` or `email` where it is missing.
    name_claim: Option<String>,
    /// The claim that lists a person's groups.
    groups_claim: Option<String>,
    /// What its groups are called here: no others count. Each as it is called there where it is missing.
    groups: Option<BTreeMap<String, String>>,
}

/// Lets clients that nobody registered act as a profile.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Admission {
    /// What it is for.
    description: Option<String>,
    /// The profile that they act as: `client/profile`.
    profile: String,
    /// How they make themselves known.
    registrations: Vec<Registration>,
    /// Their hosts: `claude.ai`, `*.example.com`, `localhost`; any where it is missing.
    hosts: Option<Vec<String>>,
    /// Their `software_id`; any where it is missing.
    software: Option<Vec<String>>,
    /// Only people who were signed in by this issuer.
    issuer: Option<String>,
    /// Only people of one of these groups.
    groups: Option<Vec<String>>,
    /// Where it stands among others, lower first; 100 where it is missing.
    position: Option<u32>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Registration {
    CommandLine,
    Dynamic,
    MetadataDocument,
}

/// A person with an account of this door.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct User {
    /// What people call them.
    name: Option<String>,
    /// The hash of the password, as `onedoor password` makes it. It is never shown; where it is
    /// missing, the one that is there stays.
    password: Option<String>,
    /// The groups they are in.
    groups: Option<Vec<String>>,
    /// What is asked of their second factor, which they set up at `/oauth/account`.
    second_factor: Option<SecondFactor>,
    /// `true` where it is missing.
    enabled: Option<bool>,
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct SecondFactor {
    /// Whether they cannot sign in without one: who has none sets one up when signing in.
    required: Option<bool>,
    /// One that was set up before this time is void: the time of now resets it.
    since: Option<String>,
}
