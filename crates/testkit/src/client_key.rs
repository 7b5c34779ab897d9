//! The key of a client that authenticates by `private_key_jwt`.

use aws_lc_rs::{
    rand,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use model::Clock;
use serde_json::{Value, json};

/// How long an assertion is good, in seconds.
const LIFETIME: i64 = 60;

/// An Ed25519 key, and the assertions that are signed by it (RFC 7523 section 2.2).
#[derive(Debug)]
pub struct ClientKey(Ed25519KeyPair);

impl Default for ClientKey {
    fn default() -> Self {
        Self::new()
    }
}

impl ClientKey {
    /// A new key.
    #[must_use]
    pub fn new() -> Self {
        Self(Ed25519KeyPair::generate().unwrap())
    }

    /// Its public half, as the key set of its client.
    #[must_use]
    pub fn jwks(&self) -> Value {
        json!({"keys": [{
            "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.id(),
            "x": self.public(),
        }]})
    }

    /// An assertion that `client` is who asks `audience`, good once.
    #[must_use]
    pub fn assertion(&self, client: &str, audience: &str) -> String {
        let mut chance = [0; 16];
        rand::fill(&mut chance).unwrap();
        let now = Clock::system().now().as_seconds();
        let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": self.id()});
        let claims = json!({
            "iss": client, "sub": client, "aud": audience, "iat": now,
            "exp": now.saturating_add(LIFETIME), "jti": URL_SAFE_NO_PAD.encode(chance),
        });
        let [header, claims] = [header, claims].map(|it| URL_SAFE_NO_PAD.encode(it.to_string()));
        let signed = format!("{header}.{claims}");
        let signature = URL_SAFE_NO_PAD.encode(self.0.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.public_key())
    }

    fn id(&self) -> String {
        self.public().chars().take(8).collect()
    }
}
