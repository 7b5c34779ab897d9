//! Keys and tokens of all kinds, made by another implementation than the one under test.

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm, Ed25519KeyPair,
    },
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, crypto, jwk::Jwk};
use serde_json::{Value, json};

use crate::house::{AUD, ISS, NOW};

/// A private key for one algorithm.
pub(crate) struct Signer {
    key: EncodingKey,
    algorithm: Algorithm,
    kid: String,
}

impl Signer {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let random = SystemRandom::new();
        let ec = |algorithm: &'static EcdsaSigningAlgorithm| {
            EncodingKey::from_ec_der(
                EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap().as_ref(),
            )
        };
        let key = match algorithm {
            Algorithm::ES256 => ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::ES384 => ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::EdDSA => EncodingKey::from_ed_der(
                Ed25519KeyPair::generate_pkcs8v1(&random).unwrap().as_ref(),
            ),
            _ => rsa_key(),
        };
        Self { key, algorithm, kid: "k1".into() }
    }

    /// The same key under another name.
    pub(crate) fn named(mut self, kid: &str) -> Self {
        self.kid = kid.into();
        self
    }

    /// The same key, used with another algorithm.
    pub(crate) fn with(&self, algorithm: Algorithm) -> Self {
        Self { key: self.key.clone(), algorithm, kid: self.kid.clone() }
    }

    /// The public part, with `kid`, `alg` and `use`.
    pub(crate) fn jwk(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        with(&serde_json::to_value(jwk).unwrap(), &json!({"kid": self.kid, "use": "sig"}))
    }

    pub(crate) fn header(&self) -> Value {
        json!({"alg": format!("{:?}", self.algorithm), "typ": "at+jwt", "kid": self.kid})
    }

    /// A token with nothing wrong.
    pub(crate) fn token(&self) -> String {
        self.sign(&self.header(), &claims())
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(header.to_string(), claims.to_string())
    }

    /// Signs any two texts, JSON or not.
    pub(crate) fn sign_text(&self, header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = self.signature(&message);
        format!("{message}.{signature}")
    }

    pub(crate) fn signature(&self, message: &str) -> String {
        crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap()
    }
}

fn rsa_key() -> EncodingKey {
    let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
    let der = STANDARD.encode(pair.as_der().unwrap().as_ref());
    let lines: Vec<_> = der.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    let (begin, end) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
    EncodingKey::from_rsa_pem(format!("{begin}\n{}\n{end}\n", lines.join("\n")).as_bytes()).unwrap()
}

/// The claims of a token with nothing wrong.
pub(crate) fn claims() -> Value {
    json!({
        "iss": ISS,
        "aud": AUD,
        "sub": "ann",
        "client_id": "shop-1",
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 300,
        "jti": "1",
    })
}

/// `base` with the members of `change`; null takes a member away.
pub(crate) fn with(base: &Value, change: &Value) -> Value {
    let mut base = base.as_object().unwrap().clone();
    for (name, value) in change.as_object().unwrap() {
        match value {
            Value::Null => drop(base.shift_remove(name)),
            value => drop(base.insert(name.clone(), value.clone())),
        }
    }
    Value::Object(base)
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}
