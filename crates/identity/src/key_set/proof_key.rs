//! A key that a proof brings along: public, whole, and known by its thumbprint.

use aws_lc_rs::signature::ParsedPublicKey;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::jwk::{is_for_signatures, names, public_key};
use crate::{
    fingerprint::Fingerprint,
    token::{Algorithm, Family, base64url},
};

/// What only private and symmetric keys have (RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A public key for one algorithm.
pub(crate) struct ProofKey {
    public: ParsedPublicKey,
    thumbprint: String,
}

impl ProofKey {
    /// Reads a JWK for `algorithm`. A `kid` of the header has to be the key's, where it has one.
    pub(crate) fn read(
        jwk: &Map<String, Value>,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Option<Self> {
        let is_public = !PRIVATE.iter().any(|it| jwk.contains_key(*it));
        let fits = jwk.get("alg").is_none_or(|it| names(it, algorithm));
        let is_named = kid.is_none() || jwk.get("kid").is_none_or(|it| it.as_str() == kid);
        if !is_public || !fits || !is_named || !is_for_signatures(jwk) {
            return None;
        }
        let public = public_key(jwk, algorithm.family())?;
        Some(Self { public, thumbprint: thumbprint(jwk, algorithm)? })
    }

    pub(crate) fn verify(&self, message: &str, signature: &[u8]) -> bool {
        self.public.verify_sig(message.as_bytes(), signature).is_ok()
    }

    /// RFC 7638, with SHA-256.
    pub(crate) fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    pub(crate) fn into_thumbprint(self) -> String {
        self.thumbprint
    }
}

/// Over the required members as they were sent, sorted by name. Their values are strict base64url
/// or names, so nothing in them has to be escaped.
fn thumbprint(jwk: &Map<String, Value>, algorithm: Algorithm) -> Option<String> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let json = match algorithm.family() {
        Family::Curve { name, .. } => {
            format!(r#"{{"crv":"{name}","kty":"EC","x":"{}","y":"{}"}}"#, text("x")?, text("y")?)
        }
        Family::Edwards(_) => {
            format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text("x")?)
        }
        Family::Rsa(_) => {
            // A leading zero, accepted in key sets, would give one key two thumbprints.
            let is_shortest = |it: &&str| base64url(it).is_some_and(|it| it.first() != Some(&0));
            let number = |name| text(name).filter(is_shortest);
            format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, number("e")?, number("n")?)
        }
    };
    Some(URL_SAFE_NO_PAD.encode(Fingerprint::of(json.as_bytes()).bytes()))
}
