//! A JWK Set (RFC 7517) → keys that are each fixed to one algorithm.

use std::sync::Arc;

use aws_lc_rs::signature::{ParsedPublicKey, RsaParameters, RsaPublicKeyComponents};
use serde_json::{Map, Value};

use crate::token::{Algorithm, Family, base64url, object};

const SET_BYTES_MAX: usize = 256 * 1024;
const KEYS_MAX: usize = 64;

/// How many keys are tried for a token that does not name one.
const CANDIDATES_MAX: usize = 4;

const KEY_USE: &str = "sig";
const KEY_OPERATION: &str = "verify";

/// The usable keys of a set.
#[derive(Clone)]
pub(crate) struct Keys(Arc<[Key]>);

/// A public key for one algorithm: it cannot be used with another.
struct Key {
    kid: Option<Box<str>>,
    algorithm: Algorithm,
    public: ParsedPublicKey,
}

impl Keys {
    /// Reads a fetched set.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        if text.len() > SET_BYTES_MAX {
            return Err(format!("the key set has {} bytes, more than {SET_BYTES_MAX}", text.len()));
        }
        let set = object(text).ok_or("the key set is not an object in strict json")?;
        Self::of(set.get("keys"))
    }

    /// Reads a set that stands in an issuer's document.
    pub(crate) fn read(set: &Value) -> Result<Self, String> {
        Self::of(set.get("keys"))
    }

    /// Keys of other kinds, for other uses or with faults are left out, as RFC 7517 section 5 asks.
    /// An empty list is a set too: the issuer has withdrawn all keys.
    fn of(keys: Option<&Value>) -> Result<Self, String> {
        let Some(Value::Array(keys)) = keys else {
            return Err("the key set has no list named \"keys\"".to_owned());
        };
        if keys.len() > KEYS_MAX {
            return Err(format!("the key set has {} keys, more than {KEYS_MAX}", keys.len()));
        }
        Ok(Self(keys.iter().filter_map(Value::as_object).flat_map(read_key).collect()))
    }

    /// No key: nothing is believed.
    pub(crate) fn none() -> Self {
        Self(Arc::default())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is a key for a token with these two in its header.
    pub(crate) fn has(&self, kid: Option<&str>, algorithm: Algorithm) -> bool {
        self.candidates(kid, algorithm).next().is_some()
    }

    /// Whether one of the keys for `kid` and `algorithm` made `signature`.
    pub(crate) fn verify(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        message: &str,
        signature: &[u8],
    ) -> bool {
        self.candidates(kid, algorithm)
            .any(|key| key.public.verify_sig(message.as_bytes(), signature).is_ok())
    }

    fn candidates(&self, kid: Option<&str>, algorithm: Algorithm) -> impl Iterator<Item = &Key> {
        self.0
            .iter()
            .filter(move |key| key.algorithm == algorithm)
            .filter(move |key| kid.is_none() || key.kid.as_deref() == kid)
            .take(CANDIDATES_MAX)
    }
}

/// One key for each algorithm that the JWK may be used with.
fn read_key(jwk: &Map<String, Value>) -> Vec<Key> {
    let kid = match jwk.get("kid") {
        None => None,
        Some(Value::String(kid)) => Some(kid.as_str()),
        Some(_) => return Vec::new(),
    };
    if !is_for_signatures(jwk) {
        return Vec::new();
    }
    Algorithm::ALL
        .into_iter()
        .filter(|it| jwk.get("alg").is_none_or(|alg| names(alg, *it)))
        .filter_map(|algorithm| {
            let public = public_key(jwk, algorithm.family())?;
            Some(Key { kid: kid.map(Into::into), algorithm, public })
        })
        .collect()
}

pub(super) fn names(alg: &Value, algorithm: Algorithm) -> bool {
    alg.as_str().and_then(Algorithm::parse) == Some(algorithm)
}

pub(super) fn is_for_signatures(jwk: &Map<String, Value>) -> bool {
    let is_use = jwk.get("use").is_none_or(|it| it.as_str() == Some(KEY_USE));
    let is_operation = jwk.get("key_ops").is_none_or(|it| {
        it.as_array().is_some_and(|them| them.iter().any(|it| it.as_str() == Some(KEY_OPERATION)))
    });
    // Whoever publishes the private part has no secret left to sign with.
    is_use && is_operation && !jwk.contains_key("d") && !jwk.contains_key("k")
}

pub(super) fn public_key(jwk: &Map<String, Value>, family: Family) -> Option<ParsedPublicKey> {
    let is = |name: &str, want: &str| jwk.get(name).and_then(Value::as_str) == Some(want);
    let bytes = |name: &str| jwk.get(name).and_then(Value::as_str).and_then(base64url);
    match family {
        Family::Curve { name, bytes: length, verification }
            if is("kty", "EC") && is("crv", name) =>
        {
            let (x, y) = (bytes("x")?, bytes("y")?);
            if x.len() != length || y.len() != length {
                return None;
            }
            // SEC 1 section 2.3.3, uncompressed. Points off the curve are refused while parsing.
            ParsedPublicKey::new(verification, [&[4], x.as_slice(), y.as_slice()].concat()).ok()
        }
        Family::Edwards(verification) if is("kty", "OKP") && is("crv", "Ed25519") => {
            let x = bytes("x").filter(|it| it.len() == 32)?;
            ParsedPublicKey::new(verification, x).ok()
        }
        Family::Rsa(parameters) if is("kty", "RSA") => rsa(&bytes("n")?, &bytes("e")?, parameters),
        Family::Curve { .. } | Family::Edwards(_) | Family::Rsa(_) => None,
    }
}

fn rsa(n: &[u8], e: &[u8], parameters: &'static RsaParameters) -> Option<ParsedPublicKey> {
    // Some issuers write a leading zero, which RFC 7518 section 6.3.1.1 forbids and nobody minds.
    let trimmed =
        |bytes: &[u8]| bytes.iter().copied().skip_while(|it| *it == 0).collect::<Vec<_>>();
    let (n, e) = (trimmed(n), trimmed(e));
    let is_large = (256..=1024).contains(&n.len());
    let is_odd_above_one = e.len() <= 8 && e != [1] && e.last().is_some_and(|it| it % 2 == 1);
    if !is_large || !is_odd_above_one {
        return None;
    }
    RsaPublicKeyComponents { n, e }.to_parsed_public_key(parameters).ok()
}
