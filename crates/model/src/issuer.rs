//! A trusted issuer of tokens.

use std::{collections::BTreeMap, sync::Arc};

use crate::{IssuerId, Place, SecretId};

/// Somebody whose signed tokens are believed, within what is named here.
#[derive(Debug, Clone, PartialEq)]
pub struct Issuer {
    /// Our name for it.
    pub id: IssuerId,
    /// The exact `iss` of its tokens.
    pub issuer: String,
    /// Where its keys are.
    pub keys: KeySource,
    /// The values of `aud` that mean us; at least one.
    pub audiences: Vec<String>,
    /// The signature algorithms that its tokens may use, by their JOSE name; at least one, never `none` or HMAC.
    pub algorithms: Vec<String>,
    /// The values of the header `typ` that are accepted, lower case, without `application/`; at least one.
    pub types: Vec<String>,
    /// How it is asked about tokens that say nothing themselves; none where it gives none of them.
    pub introspection: Option<Introspection>,
    /// How people sign in by it; none where they do not.
    pub sign_in: Option<SignIn>,
    /// Nobody gets in by one that is not, and its tokens end at once.
    pub is_enabled: bool,
    /// Where it is declared.
    pub place: Place,
}

/// How an issuer is asked whether an opaque token is good (RFC 7662): this door is a client there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introspection {
    /// Where it is asked; none where its own metadata says.
    pub url: Option<String>,
    /// This door's client id there.
    pub client_id: String,
    /// This door's secret there.
    pub client_secret: SecretId,
}

/// How people sign in by an `OpenID` provider: this door is a client there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// What the button says.
    pub label: String,
    /// This door's client id there.
    pub client_id: String,
    /// This door's secret there; none where it is a public client.
    pub client_secret: Option<SecretId>,
    /// What is asked for besides `openid`.
    pub scopes: Vec<String>,
    /// The claim of the ID token that has a person's name; the usual ones where none is named.
    pub name_claim: Option<String>,
    /// The claim of the ID token that lists a person's groups.
    pub groups_claim: Option<String>,
    /// What its groups are called here. No others count where it is declared; each as it is called
    /// there where it is not.
    pub groups: Option<BTreeMap<String, String>>,
}

/// Where an issuer's public keys come from.
#[derive(Debug, Clone, PartialEq)]
pub enum KeySource {
    /// Where the issuer's own metadata says (OIDC Discovery 1.0, RFC 8414).
    Discovery,
    /// Given here: a JWK Set (RFC 7517 section 5).
    Inline(Arc<serde_json::Value>),
    /// Fetched from this URL, and again when they rotate.
    Url(String),
}
