//! A pair of keys for one of the algorithms by which tokens are signed.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use model::Secret;
use serde_json::{Value, json};

use super::Error;

/// By what access tokens are signed (RFC 7518, RFC 8037).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// Ed25519: small, quick, and nothing to get wrong.
    #[default]
    EdDsa,
    /// ECDSA over P-256, for those who have to read tokens and cannot do with Ed25519.
    Es256,
}

impl Algorithm {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::EdDsa, Self::Es256];

    /// Its name in JOSE.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
        }
    }

    /// Reads the exact name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }

    /// Makes a private key, in PKCS#8.
    pub(super) fn generate(self) -> Result<Secret<Vec<u8>>, Error> {
        let random = SystemRandom::new();
        let made = match self {
            Self::EdDsa => Ed25519KeyPair::generate_pkcs8(&random),
            Self::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random),
        };
        Ok(Secret::new(made.map_err(|_| Error::Key)?.as_ref().to_vec()))
    }
}

/// Both halves of a key.
pub(super) enum Pair {
    EdDsa(Ed25519KeyPair),
    Es256(EcdsaKeyPair),
}

impl Pair {
    /// Reads a private key in PKCS#8.
    pub(super) fn read(algorithm: Algorithm, private: &[u8]) -> Result<Self, Error> {
        let pair = match algorithm {
            Algorithm::EdDsa => Ed25519KeyPair::from_pkcs8(private).map(Self::EdDsa),
            Algorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private).map(Self::Es256)
            }
        };
        pair.map_err(|_| Error::Key)
    }

    /// The public half as a JWK (RFC 7517), under the name `kid`.
    pub(super) fn jwk(&self, kid: &str) -> Result<Value, Error> {
        match self {
            Self::EdDsa(pair) => Ok(json!({
                "kty": "OKP", "crv": "Ed25519",
                "x": URL_SAFE_NO_PAD.encode(pair.public_key()),
                "kid": kid, "alg": Algorithm::EdDsa.as_str(), "use": "sig",
            })),
            Self::Es256(pair) => {
                // SEC 1 section 2.3.3, uncompressed: 4, and the coordinates.
                let point = pair.public_key().as_ref().strip_prefix(&[4]).ok_or(Error::Key)?;
                let (x, y) = point.split_at_checked(32).ok_or(Error::Key)?;
                Ok(json!({
                    "kty": "EC", "crv": "P-256",
                    "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
                    "kid": kid, "alg": Algorithm::Es256.as_str(), "use": "sig",
                }))
            }
        }
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        match self {
            Self::EdDsa(_) => Algorithm::EdDsa,
            Self::Es256(_) => Algorithm::Es256,
        }
    }

    /// The signature as tokens have it; none where chance fails.
    pub(super) fn sign(&self, message: &[u8]) -> Option<String> {
        match self {
            Self::EdDsa(pair) => Some(URL_SAFE_NO_PAD.encode(pair.sign(message))),
            Self::Es256(pair) => {
                let made = pair.sign(&SystemRandom::new(), message).ok()?;
                Some(URL_SAFE_NO_PAD.encode(made))
            }
        }
    }
}
