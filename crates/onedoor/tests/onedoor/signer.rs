//! A key of an issuer: its public part for the key set, and the tokens that it signs.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// Signs tokens.
pub(crate) struct Signer {
    kid: &'static str,
    pair: Pair,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    pub(crate) fn es256(kid: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { kid, pair: Pair::Ecdsa(pair) }
    }

    pub(crate) fn eddsa(kid: &'static str) -> Self {
        Self { kid, pair: Pair::Ed25519(Ed25519KeyPair::generate().unwrap()) }
    }

    pub(crate) fn header(&self) -> Value {
        let alg = match self.pair {
            Pair::Ecdsa(_) => "ES256",
            Pair::Ed25519(_) => "EdDSA",
        };
        json!({"typ": "at+jwt", "alg": alg, "kid": self.kid})
    }

    /// A token of this header and these claims.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = match &self.pair {
            Pair::Ecdsa(pair) => pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap(),
            Pair::Ed25519(pair) => pair.sign(message.as_bytes()),
        };
        format!("{message}.{}", encode(signature))
    }

    /// The public key.
    pub(crate) fn jwk(&self) -> Value {
        match &self.pair {
            Pair::Ecdsa(pair) => {
                // An uncompressed point: a byte that says so, and the two coordinates.
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                let (x, y) = (encode(x), encode(y));
                json!({"kid": self.kid, "use": "sig", "kty": "EC", "crv": "P-256", "x": x, "y": y})
            }
            Pair::Ed25519(pair) => {
                let x = encode(pair.public_key());
                json!({"kid": self.kid, "use": "sig", "kty": "OKP", "crv": "Ed25519", "x": x})
            }
        }
    }
}

/// The key set that publishes these keys.
pub(crate) fn key_set(signers: &[&Signer]) -> String {
    json!({"keys": signers.iter().map(|it| it.jwk()).collect::<Vec<_>>()}).to_string()
}

/// `base` with the members of `change`.
pub(crate) fn with(mut base: Value, change: &Value) -> Value {
    let members = base.as_object_mut().unwrap();
    members.extend(change.as_object().unwrap().clone());
    base
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
