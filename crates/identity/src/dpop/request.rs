//! The proof of one request: checked once however many calls the request carries, and used up by that.

use std::{fmt, sync::Arc};

use http::HeaderMap;
use model::Timestamp;
use tokio::sync::OnceCell;

use super::{
    NonceMaker, ProofError, ProofTerms, VerifiedProof, error::Cause, from_headers, verify,
};
use crate::{
    fingerprint::Fingerprint,
    replay::{ReplayError, ReplayStore, Seen},
};

/// Most proofs that are remembered: of about 3,000 a second, for the five minutes that each holds.
const PROOFS_MAX: usize = 1_000_000;

/// What outlives requests: the proofs that were used, and who makes nonces.
#[derive(Debug)]
pub struct Proofs {
    seen: Seen,
    nonces: Option<NonceMaker>,
}

/// Why a proof was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofFailure {
    /// There is none.
    #[error("there is no dpop header")]
    Missing,
    /// It is not right.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// It was used before, or whether it was cannot be told.
    #[error(transparent)]
    Replay(#[from] ReplayError),
}

impl Proofs {
    /// None was used yet. `shared` remembers them for all replicas, where there is such a store.
    #[must_use]
    pub fn new(shared: Option<Arc<dyn ReplayStore>>) -> Self {
        let seen = Seen::new(PROOFS_MAX);
        let seen = match shared {
            Some(store) => seen.with_shared(store),
            None => seen,
        };
        Self { seen, nonces: None }
    }

    /// Demands nonces of `maker` in every proof.
    #[must_use]
    pub fn demanding(mut self, maker: NonceMaker) -> Self {
        self.nonces = Some(maker);
        self
    }

    /// The nonce that proofs need from `now` on, where they need one.
    #[must_use]
    pub fn nonce(&self, now: Timestamp) -> Option<String> {
        self.nonces.as_ref().map(|it| it.issue(now))
    }

    /// Accepts something of `digest` once until it `expires`, on all replicas.
    ///
    /// # Errors
    /// [`ReplayError`], all of them refusals.
    pub async fn first(
        &self,
        digest: [u8; 32],
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<(), ReplayError> {
        self.seen.first(digest, expires, now).await
    }

    /// Checks a proof, with the nonce that is demanded, and does not use it up.
    ///
    /// # Errors
    /// As [`dpop::verify`](verify()).
    pub fn verify(
        &self,
        header: &str,
        terms: ProofTerms<'_>,
        now: Timestamp,
    ) -> Result<VerifiedProof, ProofError> {
        verify(header, &ProofTerms { nonce: self.nonces.as_ref(), ..terms }, now)
    }

    /// Checks a proof, with the nonce that is demanded, and uses it up.
    ///
    /// # Errors
    /// [`ProofFailure`], all of them refusals.
    pub async fn accept(
        &self,
        header: &str,
        terms: ProofTerms<'_>,
        now: Timestamp,
    ) -> Result<VerifiedProof, ProofFailure> {
        let verified = self.verify(header, terms, now)?;
        self.first(verified.digest(), verified.expires, now).await?;
        Ok(verified)
    }
}

impl ProofFailure {
    /// The error code of RFC 9449; none where it is not the sender's fault.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::Missing | Self::Replay(ReplayError::Again | ReplayError::Expired) => {
                Some("invalid_dpop_proof")
            }
            Self::Proof(error) => Some(error.code()),
            Self::Replay(ReplayError::Full(_) | ReplayError::Shared(_)) => None,
        }
    }

    /// What the sender is told.
    #[must_use]
    pub fn detail(&self) -> &'static str {
        match self {
            Self::Missing => "there is no dpop proof: send one in the dpop header",
            Self::Proof(error) => error.detail(),
            Self::Replay(ReplayError::Again | ReplayError::Expired) => {
                "the dpop proof was used before, or has expired: make one for each request"
            }
            Self::Replay(ReplayError::Full(_) | ReplayError::Shared(_)) => {
                "whether the dpop proof was used before cannot be told now: try again with a new one"
            }
        }
    }
}

/// What a request brings to prove that its sender holds a key.
pub struct RequestProof {
    proofs: Arc<Proofs>,
    method: String,
    url: String,
    header: Result<String, ProofError>,
    /// For which token it was checked, and what came of it.
    checked: OnceCell<(Fingerprint, Result<VerifiedProof, ProofFailure>)>,
}

impl RequestProof {
    /// The proof of a request with these headers; none where there is no such header.
    #[must_use]
    pub fn of(
        proofs: &Arc<Proofs>,
        headers: &HeaderMap,
        (method, url): (&str, impl FnOnce() -> String),
    ) -> Option<Self> {
        let header = from_headers(headers).transpose()?.map(str::to_owned);
        Some(Self {
            proofs: Arc::clone(proofs),
            method: method.to_owned(),
            url: url(),
            header,
            checked: OnceCell::new(),
        })
    }

    /// Checks that it was made for `token`, by the key `jkt`, and uses it up: once for a request, so
    /// that all its calls stand on the same proof.
    pub(crate) async fn check(
        &self,
        token: &str,
        jkt: &str,
        now: Timestamp,
    ) -> Result<(), ProofFailure> {
        let fingerprint = Fingerprint::of(token.as_bytes());
        let first = || async { (fingerprint, self.accept(token, jkt, now).await) };
        let (of, checked) = self.checked.get_or_init(first).await;
        if *of != fingerprint {
            return Err(ProofFailure::Proof(Cause::TokenHash.into()));
        }
        match checked {
            Ok(verified) if verified.jkt == jkt => Ok(()),
            Ok(_) => Err(ProofFailure::Proof(Cause::OtherKey.into())),
            Err(failure) => Err(failure.clone()),
        }
    }

    async fn accept(
        &self,
        token: &str,
        jkt: &str,
        now: Timestamp,
    ) -> Result<VerifiedProof, ProofFailure> {
        let header = self.header.as_ref().map_err(ProofError::clone)?;
        let terms = ProofTerms {
            method: &self.method,
            url: &self.url,
            access_token: Some(token),
            nonce: None,
            jkt: Some(jkt),
        };
        self.proofs.accept(header, terms, now).await
    }

    /// The nonce that its sender is to come back with, where proofs need one.
    pub(crate) fn nonce(&self, now: Timestamp) -> Option<String> {
        self.proofs.nonce(now)
    }
}

impl fmt::Debug for RequestProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the proof: until it is used, it is good for a request.
        f.debug_struct("RequestProof")
            .field("method", &self.method)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
