//! A trusted issuer of tokens.

use std::sync::Arc;

use crate::{IssuerId, Place};

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
    /// Where it is declared.
    pub place: Place,
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
