//! A key: what it signs, and what others know it by.

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// A key that signs tokens or proofs.
pub(crate) struct Signer(Ed25519KeyPair);

impl Signer {
    pub(crate) fn new() -> Self {
        Self(Ed25519KeyPair::generate().unwrap())
    }

    /// The public key.
    pub(crate) fn jwk(&self) -> Value {
        json!({"crv": "Ed25519", "kty": "OKP", "x": encode(self.0.public_key())})
    }

    /// Its thumbprint (RFC 7638): the members are those that count, in their order.
    pub(crate) fn jkt(&self) -> String {
        hash(self.jwk().to_string())
    }

    /// `claims`, signed.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = encode(self.0.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    /// A proof with these claims, all else being right.
    pub(crate) fn proof(&self, claims: &Value) -> String {
        let header = json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": self.jwk()});
        self.sign(&header, claims)
    }
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The SHA-256, as tokens and proofs write it.
pub(crate) fn hash(bytes: impl AsRef<[u8]>) -> String {
    encode(digest(&SHA256, bytes.as_ref()))
}
