//! An ID token: what an `OpenID` provider says of a person who has just signed in there.

use std::time::Duration;

use aws_lc_rs::{constant_time, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use model::Timestamp;
use serde_json::{Map, Value};

use super::{Assertion, AssertionError, AssertionTerms, UNTYPED, VerificationKeys, Verified};
use crate::token::{Algorithm, Claims, texts};

/// Most providers write `JWT`, and the others nothing. An access token is not taken for one.
const TYPES: &[&str] = &[UNTYPED, "JWT"];

/// It is looked at once, on arrival: how long it would hold matters little.
const LIFETIME_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// Older than this it was not made for this answer.
const AGE_MAX: Duration = Duration::from_secs(10 * 60);

/// Longest `sub` (`OpenID` Connect Core section 2).
const SUBJECT_BYTES_MAX: usize = 255;

/// What an ID token has to fulfil.
#[derive(Debug, Clone, Copy)]
pub struct IdTokenTerms<'a> {
    /// What `iss` is, to the letter.
    pub issuer: &'a str,
    /// This door's client id there.
    pub client_id: &'a str,
    /// The JOSE algorithms that are accepted.
    pub algorithms: &'a [String],
    /// What the door sent along with the request.
    pub nonce: &'a str,
    /// The access token that came with it.
    pub access_token: Option<&'a str>,
}

/// Who has signed in.
#[derive(Debug, Clone, PartialEq)]
pub struct IdToken {
    /// `sub`: who it is, in the provider's words.
    pub subject: String,
    /// All claims.
    pub claims: Map<String, Value>,
}

/// What is wrong with an ID token. Nothing of the token is in its text but bounded names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// `at_hash` does not fit.
    #[error("at_hash is not of the access token that came with it")]
    AccessToken,
    /// It is no assertion of this issuer for this door that holds.
    #[error(transparent)]
    Assertion(#[from] AssertionError),
    /// `azp` is another, or is missing beside several audiences.
    #[error("azp is not the client id of this door")]
    AuthorizedParty,
    /// `iat` is missing, or long ago.
    #[error("iat is missing, or more than {} minutes ago", AGE_MAX.as_secs() / 60)]
    IssuedAt,
    /// `nonce` is missing, or another.
    #[error("nonce is not the one that was sent")]
    Nonce,
    /// `sub` is missing, or longer than 255 bytes.
    #[error("sub is missing, or longer than {SUBJECT_BYTES_MAX} bytes")]
    Subject,
}

impl IdTokenTerms<'_> {
    /// Checks an ID token whole (`OpenID` Connect Core section 3.1.3.7). Waits only where keys have to
    /// be fetched.
    ///
    /// # Errors
    /// What is wrong first, or that the keys are out of reach.
    pub async fn verify(
        &self,
        token: &str,
        keys: &VerificationKeys,
        now: Timestamp,
    ) -> Result<IdToken, IdTokenError> {
        let Self { issuer, client_id, algorithms, nonce, access_token } = *self;
        let algorithms: Vec<_> = algorithms.iter().map(String::as_str).collect();
        let terms = AssertionTerms {
            issuer,
            audiences: &[client_id],
            types: TYPES,
            algorithms: &algorithms,
            lifetime_max: LIFETIME_MAX,
        };
        let assertion = Assertion::parse(token)?;
        let algorithm = assertion.0.header.algorithm;
        let Verified { subject, jti: _, issued, expires: _, claims } =
            assertion.verify(&terms, keys, now).await?;
        let subject = subject.filter(|it| it.len() <= SUBJECT_BYTES_MAX);
        let subject = subject.ok_or(IdTokenError::Subject)?;
        let claims = Claims::new(claims);
        if !is_text(&claims, "nonce", nonce) {
            return Err(IdTokenError::Nonce);
        }
        if !is_authorized(&claims, client_id) {
            return Err(IdTokenError::AuthorizedParty);
        }
        let issued = issued.ok_or(IdTokenError::IssuedAt)?;
        if issued.plus(AGE_MAX) < now {
            return Err(IdTokenError::IssuedAt);
        }
        if let Some(hash) = claims.get("at_hash") {
            let fits = access_token.is_some_and(|it| hash == &Value::String(half(algorithm, it)));
            fits.then_some(()).ok_or(IdTokenError::AccessToken)?;
        }
        Ok(IdToken { subject, claims: claims.into_members() })
    }
}

fn is_text(claims: &Claims, name: &str, want: &str) -> bool {
    let text = claims.get(name).and_then(Value::as_str).unwrap_or_default();
    !want.is_empty()
        && constant_time::verify_slices_are_equal(text.as_bytes(), want.as_bytes()).is_ok()
}

/// Of several audiences, the one it was made for is named.
fn is_authorized(claims: &Claims, client_id: &str) -> bool {
    match claims.get("azp") {
        Some(party) => party.as_str() == Some(client_id),
        None => claims.get("aud").is_some_and(|it| texts(it).count() == 1),
    }
}

/// The left half of a text's hash, by the hash of the signature's algorithm (section 3.1.3.6).
fn half(algorithm: Algorithm, text: &str) -> String {
    let hash = match algorithm {
        Algorithm::Es256 | Algorithm::Ps256 | Algorithm::Rs256 => &digest::SHA256,
        Algorithm::Es384 | Algorithm::Ps384 | Algorithm::Rs384 => &digest::SHA384,
        Algorithm::EdDsa | Algorithm::Es512 | Algorithm::Ps512 | Algorithm::Rs512 => {
            &digest::SHA512
        }
    };
    let hash = digest::digest(hash, text.as_bytes());
    let (left, _) = hash.as_ref().split_at(hash.as_ref().len() / 2);
    URL_SAFE_NO_PAD.encode(left)
}
