//! A trusted issuer: are its tokens good, and which credential do they lead to?

use std::sync::Arc;

use model::{Audience, IssuerId, Timestamp, TokenBounds};
use serde_json::Value;

use super::{Holder, Vouch, matcher::Matcher};
use crate::{
    fingerprint::Fingerprint,
    key_set::{KeySet, Missing},
    token::{Algorithm, Claims, Compact, Defect, Subject},
};

/// What an access token is called where it, or an answer about it, says what sort of token it is.
const ACCESS_TOKENS: [(&str, &[&str]); 3] = [
    ("token_type", &["bearer", "dpop", "access_token"]),
    ("token_use", &["access", "access_token"]),
    ("typ", &["bearer", "dpop", "at+jwt", "jwt"]),
];

/// The type that only access tokens have (RFC 9068 section 2.1).
const ACCESS_TOKEN: &str = "at+jwt";
/// What ID tokens bind themselves to an answer by (OIDC Core 1.0 section 3.3.2.11), and what makes a
/// logout token one (OIDC Back-Channel Logout 1.0 section 2.4). Access tokens have none of them.
const OF_OTHERS: [&str; 3] = ["at_hash", "c_hash", "events"];

/// A trusted issuer.
pub(super) struct Trust {
    pub(super) id: IssuerId,
    pub(super) issuer: Box<str>,
    pub(super) is_enabled: bool,
    pub(super) audiences: Box<[Box<str>]>,
    pub(super) algorithms: Box<[Algorithm]>,
    pub(super) types: Box<[Box<str>]>,
    pub(super) keys: Arc<KeySet>,
    pub(super) credentials: Matcher,
}

impl Trust {
    /// The holder of a token that says who it is itself.
    ///
    /// The cheap checks come first: only a token that is otherwise right can cause a fetch.
    pub(super) async fn holder(
        &self,
        token: &Compact<'_>,
        fingerprint: &Fingerprint,
        now: Timestamp,
    ) -> Result<Holder, Defect> {
        let expires = self.check(token, now)?;
        let generation = self.verify(token, now).await?;
        let vouch = Vouch::Keys { generation, keys: Arc::clone(&self.keys) };
        let key = token.header.kid.as_deref();
        self.lead(&token.claims, (fingerprint, key), (expires, vouch), now)
    }

    /// The holder of an opaque token of which the issuer says these claims, at most until `until`.
    pub(super) fn holder_by_answer(
        &self,
        (claims, fingerprint): (&Claims, &Fingerprint),
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Holder, Defect> {
        self.is_in_force()?;
        // It was this issuer that was asked, and it need not repeat its name.
        if claims.get("iss").is_some() && claims.issuer()? != &*self.issuer {
            return Err(Defect::Issuer);
        }
        if !is_access_token(claims) {
            return Err(Defect::OtherUse(self.id.clone()));
        }
        self.is_for_us(claims)?;
        let expires = claims.end(now)?.map_or(until, |it| it.min(until));
        self.lead(claims, (fingerprint, None), (expires, Vouch::Answer), now)
    }

    fn lead(
        &self,
        claims: &Claims,
        (fingerprint, key): (&Fingerprint, Option<&str>),
        (expires, vouch): (Timestamp, Vouch),
        now: Timestamp,
    ) -> Result<Holder, Defect> {
        let (external, until) = self.credentials.find(claims, &self.id, now)?;
        let confirmation = claims.confirmation()?;
        if confirmation.jkt.is_none() && says_bound(claims) {
            return Err(Defect::Bound);
        }
        let Subject { user, actors } = claims.subject()?;
        // As people are called who sign in by it: what an issuer says of its own is of nobody else.
        let user = user.map(|it| format!("{}:{it}", self.id));
        let scopes = claims.scopes()?;
        let bounds = scopes.map(|it| TokenBounds { audience: Audience::Door, scopes: Some(it) });
        let known_by = claims.known_by(&confirmation, (&claims.id_or(fingerprint), key));
        Ok(Holder {
            binding: Arc::clone(external),
            caller: Arc::new(external.caller(known_by, (user, actors), bounds)),
            confirmation,
            // Remembered no longer than the one that was found is good: then it is another.
            expires: until.map_or(expires, |it| it.min(expires)),
            vouch,
        })
    }

    fn check(&self, token: &Compact<'_>, now: Timestamp) -> Result<Timestamp, Defect> {
        self.is_in_force()?;
        let algorithm = token.header.algorithm;
        if !self.algorithms.contains(&algorithm) {
            let (issuer, algorithm) = (self.id.clone(), algorithm.as_str());
            return Err(Defect::AlgorithmNotAllowed { issuer, algorithm });
        }
        if !token.header.is_of_type(&self.types) {
            return Err(Defect::Type(self.id.clone()));
        }
        // With any other type an issuer's ID tokens and logout tokens may look alike.
        if !token.header.is_of_type(&[ACCESS_TOKEN]) && !may_be_access_token(&token.claims) {
            return Err(Defect::OtherUse(self.id.clone()));
        }
        self.is_for_us(&token.claims)?;
        token.claims.expiry(now)
    }

    fn is_in_force(&self) -> Result<(), Defect> {
        if self.is_enabled { Ok(()) } else { Err(Defect::IssuerDisabled(self.id.clone())) }
    }

    fn is_for_us(&self, claims: &Claims) -> Result<(), Defect> {
        let is_for_us = claims.is_for(&self.audiences);
        is_for_us.then_some(()).ok_or_else(|| Defect::Audience(self.id.clone()))
    }

    /// The number of the key set's state that verified the signature.
    async fn verify(&self, token: &Compact<'_>, now: Timestamp) -> Result<u64, Defect> {
        let (kid, algorithm) = (token.header.kid.as_deref(), token.header.algorithm);
        let found = self.keys.find(|keys| keys.has(kid, algorithm), now).await;
        let set = found.map_err(|missing| match missing {
            Missing::Key => {
                Defect::KeyUnknown { issuer: self.id.clone(), algorithm: algorithm.as_str() }
            }
            Missing::Set => Defect::KeysOutOfReach(self.id.clone()),
        })?;
        if set.keys.verify(kid, algorithm, token.message, &token.signature) {
            Ok(set.number)
        } else {
            Err(Defect::Signature)
        }
    }
}

/// Whether nothing in a token of a general type says that it is something else. A nonce is the mark
/// of an ID token, but where the token itself says that it is for access.
fn may_be_access_token(claims: &Claims) -> bool {
    let says_what_it_is = ACCESS_TOKENS.iter().any(|(name, _)| claims.get(name).is_some());
    let has = |name: &str| claims.get(name).is_some();
    is_access_token(claims)
        && !OF_OTHERS.iter().any(|it| has(it))
        && (says_what_it_is || !has("nonce"))
}

/// Whether the token calls itself one that comes with proofs, as Keycloak's do.
fn says_bound(claims: &Claims) -> bool {
    let names = ["token_type", "typ"].into_iter().filter_map(|it| claims.get(it)?.as_str());
    names.into_iter().any(|it| it.eq_ignore_ascii_case("dpop"))
}

/// Issuers are asked about refresh tokens and ID tokens too, and say of them that they are good.
fn is_access_token(claims: &Claims) -> bool {
    ACCESS_TOKENS.iter().all(|(name, names)| {
        let is_one = |it: &Value| {
            it.as_str().is_some_and(|it| names.iter().any(|name| name.eq_ignore_ascii_case(it)))
        };
        claims.get(name).is_none_or(is_one)
    })
}
