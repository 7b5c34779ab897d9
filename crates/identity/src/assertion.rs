//! A signed JWT that is no access token: how a client proves itself, or a grant that it brings.

mod error;
mod id_token;
mod keys;

use std::{fmt, time::Duration};

use model::Timestamp;
use serde_json::{Map, Value};

use self::error::Cause;
pub use self::{
    error::AssertionError,
    id_token::{IdToken, IdTokenError, IdTokenTerms},
    keys::VerificationKeys,
};
use crate::{
    key_set::Missing,
    token::{Algorithm, Compact, Defect, LEEWAY, texts},
};

/// The types of a client assertion (RFC 7523): most clients send none, or `JWT`.
pub const CLIENT_TYPES: &[&str] = &[UNTYPED, "JWT", "client-authentication+jwt"];

/// The type of an identity assertion for another domain's authorization server.
pub const ID_JAG_TYPES: &[&str] = &["oauth-id-jag+jwt"];

/// In a list of types: a header without one.
pub const UNTYPED: &str = "";

/// The ids of clients that are URLs of their metadata are longer than others.
const SUBJECT_BYTES_MAX: usize = 1024;

const JTI_BYTES_MAX: usize = 256;

/// An assertion, read and not believed: [`Assertion::verify`] comes before any use of it but
/// finding the keys for it.
pub struct Assertion<'a>(Compact<'a>);

/// What an assertion has to fulfil. An empty list accepts nothing.
#[derive(Debug, Clone, Copy)]
pub struct AssertionTerms<'a> {
    /// What `iss` is, to the letter.
    pub issuer: &'a str,
    /// Our names: `aud` is, or lists, one of them, to the letter.
    pub audiences: &'a [&'a str],
    /// What `typ` may be, compared as a media type; [`UNTYPED`] stands for none.
    pub types: &'a [&'a str],
    /// The JOSE algorithms that are accepted. Names of others than public-key signatures match none.
    pub algorithms: &'a [&'a str],
    /// How far ahead `exp` may be, by the issuer's clock.
    pub lifetime_max: Duration,
}

/// An assertion that was signed by one of the keys, and holds now.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// `sub`.
    pub subject: Option<String>,
    /// `jti`, at most 256 bytes.
    pub jti: Option<String>,
    /// When it was made, by the issuer's clock, where it says so.
    pub issued: Option<Timestamp>,
    /// Until when it holds, and its `jti` has to be remembered.
    pub expires: Timestamp,
    /// All claims.
    pub claims: Map<String, Value>,
}

impl<'a> Assertion<'a> {
    /// Reads the three parts, each in strict base64url, header and claims in strict JSON.
    ///
    /// # Errors
    /// Where it is not that, is longer than 16 KiB, or has a header that would choose its own key.
    pub fn parse(text: &'a str) -> Result<Self, AssertionError> {
        Ok(Self(Compact::parse(text).map_err(Cause::from)?))
    }

    /// `iss`, as it claims.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.0.claims.issuer().ok()
    }

    /// `sub`, as it claims.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.0.claims.text("sub", SUBJECT_BYTES_MAX).ok().flatten()
    }

    /// The first of `aud`, as it claims.
    #[must_use]
    pub fn audience(&self) -> Option<String> {
        let mut audiences = self.0.claims.get("aud").into_iter().flat_map(texts);
        audiences.next().map(str::to_owned)
    }

    /// Checks it whole. Waits only where the keys have to be fetched: the cheap checks come first,
    /// so only an assertion that is otherwise right can cause a fetch.
    ///
    /// That `iss` and `sub` are the client, and that `jti` is new, is for the caller to check.
    ///
    /// # Errors
    /// What is wrong first, or that the keys are out of reach.
    pub async fn verify(
        self,
        terms: &AssertionTerms<'_>,
        keys: &VerificationKeys,
        now: Timestamp,
    ) -> Result<Verified, AssertionError> {
        let expires = self.check(terms, now)?;
        let claims = &self.0.claims;
        let subject = claims.text("sub", SUBJECT_BYTES_MAX).map_err(Cause::from)?;
        let subject = subject.map(str::to_owned);
        let jti = claims.text("jti", JTI_BYTES_MAX).map_err(Cause::from)?.map(str::to_owned);
        let issued = claims.time("iat").map_err(Cause::from)?;
        self.check_signature(terms, keys, now).await?;
        Ok(Verified { subject, jti, issued, expires, claims: self.0.claims.into_members() })
    }

    /// All but the signature. Gives the time until which it holds.
    fn check(&self, terms: &AssertionTerms<'_>, now: Timestamp) -> Result<Timestamp, Cause> {
        let Compact { header, claims, .. } = &self.0;
        let allowed = terms.algorithms.iter().filter_map(|it| Algorithm::parse(it));
        if !allowed.into_iter().any(|it| it == header.algorithm) {
            return Err(Cause::Algorithm(header.algorithm.as_str()));
        }
        let is_untyped = header.is_untyped() && terms.types.contains(&UNTYPED);
        if !is_untyped && !header.is_of_type(terms.types) {
            return Err(Cause::Type);
        }
        if claims.issuer()? != terms.issuer {
            return Err(Cause::Issuer(terms.issuer.to_owned()));
        }
        // A list is accepted too: RFC 7519 allows it and libraries send one, with the token
        // endpoint beside the issuer. Whom else it is for gives nobody more here.
        if !claims.is_for(terms.audiences) {
            return Err(Cause::Audience);
        }
        let expires = claims.expiry(now)?;
        // An honest client counts the lifetime from its own clock, which may be ahead as `iat` may.
        if expires > now.plus(terms.lifetime_max.saturating_add(LEEWAY)) {
            return Err(Cause::Lifetime(terms.lifetime_max));
        }
        Ok(expires)
    }

    async fn check_signature(
        &self,
        terms: &AssertionTerms<'_>,
        keys: &VerificationKeys,
        now: Timestamp,
    ) -> Result<(), Cause> {
        let Compact { message, signature, header, .. } = &self.0;
        let (kid, algorithm) = (header.kid.as_deref(), header.algorithm);
        let found = keys.set().find(|keys| keys.has(kid, algorithm), now).await;
        let found = found.map_err(|missing| match missing {
            Missing::Key => {
                Cause::KeyUnknown { issuer: terms.issuer.to_owned(), algorithm: algorithm.as_str() }
            }
            Missing::Set => Cause::KeysOutOfReach(terms.issuer.to_owned()),
        })?;
        if found.keys.verify(kid, algorithm, message, signature) {
            Ok(())
        } else {
            Err(Defect::Signature.into())
        }
    }
}

impl fmt::Debug for Assertion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the assertion itself: it is a credential while it holds.
        f.write_str("Assertion(..)")
    }
}
