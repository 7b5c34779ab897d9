//! The signature algorithms a token may use. There is none without a public key.

use aws_lc_rs::signature::{self as lc, RsaParameters, VerificationAlgorithm};

/// A JOSE algorithm (RFC 7518, RFC 8037). `none` and HMAC cannot be named at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    EdDsa,
    Es256,
    Es384,
    Es512,
    Ps256,
    Ps384,
    Ps512,
    Rs256,
    Rs384,
    Rs512,
}

/// What an algorithm needs of a key, and how the key is checked with it.
#[derive(Clone, Copy)]
pub(crate) enum Family {
    /// A point on this curve, in coordinates of so many bytes.
    Curve { name: &'static str, bytes: usize, verification: &'static dyn VerificationAlgorithm },
    /// Ed25519.
    Edwards(&'static dyn VerificationAlgorithm),
    /// Modulus and exponent.
    Rsa(&'static RsaParameters),
}

impl Algorithm {
    pub(crate) const ALL: [Self; 10] = [
        Self::EdDsa,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
    ];

    /// Reads the exact name: `rs256` and `nOnE` are no algorithms.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        // RFC 9864 names the curve; of EdDSA's curves there is only this one here.
        let name = if name == "Ed25519" { "EdDSA" } else { name };
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
        }
    }

    pub(crate) fn family(self) -> Family {
        match self {
            Self::EdDsa => Family::Edwards(&lc::ED25519),
            Self::Es256 => curve("P-256", 32, &lc::ECDSA_P256_SHA256_FIXED),
            Self::Es384 => curve("P-384", 48, &lc::ECDSA_P384_SHA384_FIXED),
            Self::Es512 => curve("P-521", 66, &lc::ECDSA_P521_SHA512_FIXED),
            Self::Ps256 => Family::Rsa(&lc::RSA_PSS_2048_8192_SHA256),
            Self::Ps384 => Family::Rsa(&lc::RSA_PSS_2048_8192_SHA384),
            Self::Ps512 => Family::Rsa(&lc::RSA_PSS_2048_8192_SHA512),
            Self::Rs256 => Family::Rsa(&lc::RSA_PKCS1_2048_8192_SHA256),
            Self::Rs384 => Family::Rsa(&lc::RSA_PKCS1_2048_8192_SHA384),
            Self::Rs512 => Family::Rsa(&lc::RSA_PKCS1_2048_8192_SHA512),
        }
    }
}

fn curve(
    name: &'static str,
    bytes: usize,
    verification: &'static dyn VerificationAlgorithm,
) -> Family {
    Family::Curve { name, bytes, verification }
}
