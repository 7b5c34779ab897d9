//! Does the sender hold the key that the token is bound to? `DPoP` proofs (RFC 9449).

mod error;
mod nonce;
mod request;
mod target;

use std::{fmt, time::Duration};

use aws_lc_rs::constant_time;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName};
use model::Timestamp;

use self::error::Cause;
pub use self::{
    error::ProofError,
    nonce::NonceMaker,
    request::{ProofFailure, Proofs, RequestProof},
};
use crate::{
    fingerprint::Fingerprint,
    key_set::ProofKey,
    replay,
    token::{Algorithm, Compact, Defect, LEEWAY},
};

/// How far from now a proof may have been made, in either direction.
pub const PROOF_WINDOW: Duration = Duration::from_secs(5 * 60);

/// The name of the header that a proof stands in.
pub const HEADER: HeaderName = HeaderName::from_static("dpop");

/// The algorithms of proofs, as metadata names them.
pub const ALGORITHMS: &[&str] = &["ES256", "ES384", "EdDSA", "PS256", "RS256"];

const TYPES: [&str; 1] = ["dpop+jwt"];

/// With the largest RSA key and its signature it has 5 KiB.
const PROOF_BYTES_MAX: usize = 8 * 1024;

const JTI_BYTES_MAX: usize = 256;

/// What a proof has to be for.
#[derive(Clone, Copy)]
pub struct ProofTerms<'a> {
    /// The request's method, to the letter.
    pub method: &'a str,
    /// The request's URL as its sender knows it: scheme, authority, path.
    pub url: &'a str,
    /// The token that came with it: then the proof names its hash.
    pub access_token: Option<&'a str>,
    /// Who made the nonces that are accepted, where one is required.
    pub nonce: Option<&'a NonceMaker>,
    /// The thumbprint that the token is bound to.
    pub jkt: Option<&'a str>,
}

/// A proof that fulfils its terms. That it was not used before is for the caller to check, with
/// [`VerifiedProof::digest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedProof {
    /// The thumbprint of its key (RFC 7638).
    pub jkt: String,
    /// `jti`, 1 to 256 bytes.
    pub jti: String,
    /// Until when it would be accepted again.
    pub expires: Timestamp,
}

impl VerifiedProof {
    /// What it is remembered by in [`replay::Seen`].
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        replay::digest(&self.jkt, &self.jti)
    }
}

/// Finds the proof of a request; none where there is none.
///
/// # Errors
/// [`ProofError`] where there are several, or one that is no visible ASCII.
pub fn from_headers(headers: &HeaderMap) -> Result<Option<&str>, ProofError> {
    let mut values = headers.get_all(&HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Cause::Several.into());
    }
    Ok(Some(value.to_str().map_err(|_| Cause::Text)?))
}

/// Checks one proof, all but whether it is new.
///
/// # Errors
/// [`ProofError`] with the code `use_dpop_nonce` where all else is right and the nonce is missing
/// or old, else with `invalid_dpop_proof`.
pub fn verify(
    header: &str,
    terms: &ProofTerms<'_>,
    now: Timestamp,
) -> Result<VerifiedProof, ProofError> {
    let proof = Proof::parse(header)?;
    let made = proof.check_time(now)?;
    proof.check_target(terms)?;
    let jti = proof.0.claims.text("jti", JTI_BYTES_MAX).map_err(Cause::from)?;
    let jti = jti.ok_or(Cause::Token(Defect::Claim("jti")))?.to_owned();
    proof.check_token(terms)?;
    let Compact { message, signature, .. } = &proof.0;
    if !proof.1.verify(message, signature) {
        return Err(Cause::Token(Defect::Signature).into());
    }
    if let Some(maker) = terms.nonce {
        // Last: a client that is told to come back with a nonce has nothing else to mend.
        proof.check_nonce(maker, now)?;
    }
    let jkt = proof.1.into_thumbprint();
    Ok(VerifiedProof { jkt, jti, expires: made.plus(PROOF_WINDOW) })
}

/// A proof and the key it brings, read and not believed.
struct Proof<'a>(Compact<'a>, ProofKey);

impl<'a> Proof<'a> {
    fn parse(text: &'a str) -> Result<Self, Cause> {
        if text.len() > PROOF_BYTES_MAX {
            return Err(Cause::TooLong);
        }
        let (proof, jwk) = Compact::parse_with_key(text)?;
        let algorithm = proof.header.algorithm;
        if !ALGORITHMS.iter().any(|it| Algorithm::parse(it) == Some(algorithm)) {
            return Err(Cause::Algorithm(algorithm.as_str()));
        }
        if !proof.header.is_of_type(&TYPES) {
            return Err(Cause::Type);
        }
        let jwk = jwk.as_ref().and_then(|it| it.as_object()).ok_or(Cause::Key)?;
        let key = ProofKey::read(jwk, proof.header.kid.as_deref(), algorithm);
        Ok(Self(proof, key.ok_or(Cause::Key)?))
    }

    /// When it was made.
    fn check_time(&self, now: Timestamp) -> Result<Timestamp, Cause> {
        let claims = &self.0.claims;
        let made = claims.time("iat")?.ok_or(Defect::Claim("iat"))?;
        if made > now.plus(PROOF_WINDOW) || made.plus(PROOF_WINDOW) <= now {
            return Err(Cause::Window);
        }
        // A proof needs neither of these; one that has them means them.
        if claims.time("exp")?.is_some_and(|it| it <= now) {
            return Err(Defect::Expired.into());
        }
        if claims.time("nbf")?.is_some_and(|it| it > now.plus(LEEWAY)) {
            return Err(Defect::NotYet("nbf").into());
        }
        Ok(made)
    }

    fn check_target(&self, terms: &ProofTerms<'_>) -> Result<(), Cause> {
        if self.text("htm") != Some(terms.method) {
            return Err(Cause::Method);
        }
        let want = target::normalize(terms.url).ok_or(Cause::OurUrl)?;
        match self.text("htu").and_then(target::normalize) {
            Some(url) if url == want => Ok(()),
            Some(_) | None => Err(Cause::Url),
        }
    }

    /// That it is for this token, and by the key that the token is bound to.
    fn check_token(&self, terms: &ProofTerms<'_>) -> Result<(), Cause> {
        if let Some(token) = terms.access_token {
            let want = URL_SAFE_NO_PAD.encode(Fingerprint::of(token.as_bytes()).bytes());
            if !self.text("ath").is_some_and(|it| are_equal(it, &want)) {
                return Err(Cause::TokenHash);
            }
        }
        match terms.jkt {
            Some(jkt) if !are_equal(jkt, self.1.thumbprint()) => Err(Cause::OtherKey),
            Some(_) | None => Ok(()),
        }
    }

    fn check_nonce(&self, maker: &NonceMaker, now: Timestamp) -> Result<(), Cause> {
        match self.0.claims.get("nonce") {
            None => Err(Cause::NonceMissing),
            Some(nonce) if nonce.as_str().is_some_and(|it| maker.check(it, now)) => Ok(()),
            Some(_) => Err(Cause::NonceOld),
        }
    }

    fn text(&self, claim: &str) -> Option<&str> {
        self.0.claims.get(claim).and_then(|it| it.as_str())
    }
}

fn are_equal(one: &str, other: &str) -> bool {
    constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

impl fmt::Debug for ProofTerms<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the token.
        f.debug_struct("ProofTerms")
            .field("method", &self.method)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
