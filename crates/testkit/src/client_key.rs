//! The key of a client that authenticates by `private_key_jwt`, or that its tokens are bound to; or that of
//! an issuer.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use model::Clock;
use serde_json::{Value, json};

/// How long an assertion is good, in seconds.
const LIFETIME: i64 = 60;
/// How long an access token is good, in seconds.
const TOKEN_LIFETIME: i64 = 24 * 3_600;

/// An Ed25519 key, and what is signed by it: assertions (RFC 7523 section 2.2), `DPoP` proofs (RFC 9449)
/// and access tokens (RFC 9068).
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
        let now = Clock::system().now().as_seconds();
        let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": self.id()});
        let claims = json!({
            "iss": client, "sub": client, "aud": audience, "iat": now,
            "exp": now.saturating_add(LIFETIME), "jti": chance(),
        });
        self.sign(&header, &claims)
    }

    /// An access token for `audience` that `issuer` gives to `client` itself, good for a day.
    #[must_use]
    pub fn access_token(&self, issuer: &str, client: &str, audience: &str) -> String {
        let now = Clock::system().now().as_seconds();
        let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": self.id()});
        let claims = json!({
            "iss": issuer, "sub": client, "client_id": client, "aud": audience, "iat": now,
            "exp": now.saturating_add(TOKEN_LIFETIME), "jti": chance(),
        });
        self.sign(&header, &claims)
    }

    /// A proof that whoever asks for `url` by `method` holds the key, with `token` where one is shown;
    /// good once.
    #[must_use]
    pub fn proof(&self, method: &str, url: &str, token: Option<&str>) -> String {
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": self.public()});
        let header = json!({"alg": "EdDSA", "typ": "dpop+jwt", "jwk": jwk});
        let now = Clock::system().now().as_seconds();
        let mut claims = json!({"htm": method, "htu": url, "iat": now, "jti": chance()});
        if let Some(token) = token {
            claims["ath"] = json!(URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes())));
        }
        self.sign(&header, &claims)
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
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

/// What nobody has said before.
fn chance() -> String {
    let mut chance = [0; 16];
    rand::fill(&mut chance).unwrap();
    URL_SAFE_NO_PAD.encode(chance)
}
