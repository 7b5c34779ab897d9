//! A key that a client holds, and the proofs that it signs.

use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::house::{DOOR, House, challenge};

/// A key that a client holds.
pub(crate) struct Key {
    pair: Ed25519KeyPair,
    /// No proof is like another.
    made: AtomicU32,
}

impl Key {
    pub(crate) fn new() -> Self {
        Self { pair: Ed25519KeyPair::generate().unwrap(), made: AtomicU32::new(0) }
    }

    pub(crate) fn jwk(&self) -> Value {
        json!({"crv": "Ed25519", "kty": "OKP", "x": encode(self.pair.public_key())})
    }

    /// Its thumbprint (RFC 7638): the members are those that count, in their order.
    pub(crate) fn jkt(&self) -> String {
        // A challenge is a SHA-256 in base64url too.
        challenge(&self.jwk().to_string())
    }

    /// A new proof for the endpoint at `path`, with the members of `change` in place of the right ones.
    pub(crate) fn proof(&self, house: &House, path: &str, change: &Value) -> String {
        let header = json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": self.jwk()});
        let mut claims = json!({
            "jti": self.jti(),
            "htm": "POST",
            "htu": format!("{DOOR}{path}"),
            "iat": house.clock.now().as_seconds(),
        });
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        self.sign(&header, &claims)
    }

    /// A new assertion that its holder is the client `id` (RFC 7523 section 2.2).
    pub(crate) fn assertion(&self, house: &House, id: &str) -> String {
        let now = house.clock.now().as_seconds();
        let claims = json!({
            "iss": id, "sub": id, "aud": DOOR, "jti": self.jti(), "iat": now, "exp": now + 60,
        });
        self.sign(&json!({"alg": "EdDSA"}), &claims)
    }

    fn jti(&self) -> String {
        format!("proof {}", self.made.fetch_add(1, Ordering::SeqCst))
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = encode(self.pair.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
