//! Does who shows a token hold what it is bound to? Asked on every call, whatever is remembered of
//! the token itself.

use std::net::IpAddr;

use aws_lc_rs::constant_time;
use model::{ClientCertificate, Timestamp, TokenBinding};

use super::binding::Contract;
use crate::{
    dpop::{ProofFailure, RequestProof},
    failure::Failure,
    token::Confirmation,
};

/// Who sends a request, apart from the credential in it.
#[derive(Debug, Clone, Copy)]
pub struct Sender<'a> {
    /// From where.
    pub peer: IpAddr,
    /// The client certificate of its connection, which was verified.
    pub certificate: Option<&'a ClientCertificate>,
    /// The proof in its header.
    pub proof: Option<&'a RequestProof>,
}

/// A token as it was shown.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) token: &'a str,
    /// Whether it came with the scheme of RFC 9449.
    pub(super) with_proof: bool,
    pub(super) sender: &'a Sender<'a>,
}

/// Whether a token is bound as the profile demands that it leads to.
pub(super) fn check_demand(
    confirmation: &Confirmation,
    contract: &Contract,
) -> Result<(), Failure> {
    let Confirmation { jkt, certificate } = confirmation;
    let is_bound = match contract.demands() {
        None => true,
        Some(TokenBinding::Dpop) => jkt.is_some(),
        Some(TokenBinding::Mtls) => certificate.is_some(),
    };
    match contract.demands().filter(|_| !is_bound) {
        Some(binding) => Err(Failure::Unbound(contract.profile().clone(), binding)),
        None => Ok(()),
    }
}

impl Shown<'_> {
    /// Checks what the token is bound to, and that this is what the profile demands.
    pub(super) async fn check(
        &self,
        confirmation: &Confirmation,
        contract: &Contract,
        now: Timestamp,
    ) -> Result<(), Failure> {
        self.check_bond(confirmation, contract)?;
        match &confirmation.jkt {
            // Boxed: only calls with a proof pay for what it takes.
            Some(jkt) => Box::pin(self.check_proof(jkt, now)).await,
            None => Ok(()),
        }
    }

    /// The same without the proof, which is good once: for a call whose proof was checked before.
    pub(super) fn check_bond(
        &self,
        confirmation: &Confirmation,
        contract: &Contract,
    ) -> Result<(), Failure> {
        check_demand(confirmation, contract)?;
        let Confirmation { jkt, certificate } = confirmation;
        if let Some(want) = certificate {
            self.check_certificate(want)?;
        }
        match (jkt, self.with_proof) {
            (None, false) | (Some(_), true) => Ok(()),
            (None, true) => Err(Failure::NotBound),
            (Some(_), false) => Err(Failure::BoundAsBearer),
        }
    }

    fn check_certificate(&self, want: &[u8; 32]) -> Result<(), Failure> {
        let shown = self.sender.certificate.ok_or(Failure::NoCertificate)?;
        let is_same = constant_time::verify_slices_are_equal(&shown.thumbprint, want);
        is_same.map_err(|_| Failure::OtherCertificate)
    }

    async fn check_proof(&self, jkt: &str, now: Timestamp) -> Result<(), Failure> {
        let missing = || Failure::Proof { failure: ProofFailure::Missing, nonce: None };
        let proof = self.sender.proof.ok_or_else(missing)?;
        let checked = proof.check(self.token, jkt, now).await;
        checked.map_err(|failure| Failure::Proof { failure, nonce: proof.nonce(now) })
    }
}
