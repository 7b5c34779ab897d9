//! What the sender of a request holds, and what tokens are bound to by that (RFC 9449, RFC 8705).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use identity::dpop::{self, ProofFailure, ProofTerms, VerifiedProof};
use model::TokenBinding;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Request, Server,
    error::{Code, Denied},
};

/// What a token is bound to, as its `cnf` has it: to nothing, to one of them, or to both.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Confirmation {
    /// The thumbprint of a key that signs proofs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jkt: Option<String>,
    /// The SHA-256 of a client certificate.
    #[serde(default, rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<String>,
}

impl Confirmation {
    /// What `cnf` says; nothing where there is none.
    ///
    /// # Errors
    /// Where it names nothing that is known here.
    pub(crate) fn of_claim(cnf: Option<&Value>) -> Result<Self, &'static str> {
        let Some(cnf) = cnf else { return Ok(Self::default()) };
        let read = Self::deserialize(cnf).ok().filter(|it| *it != Self::default());
        read.ok_or("it is bound to something that cannot be proved here")
    }

    /// How a token is shown that is bound so.
    pub(crate) fn token_type(&self) -> &'static str {
        if self.jkt.is_some() { "DPoP" } else { "Bearer" }
    }

    /// The thumbprint of what it is bound to; of both that of the key.
    pub(crate) fn thumbprint(&self) -> Option<&str> {
        self.jkt.as_deref().or(self.certificate.as_deref())
    }

    /// Whether it is what a profile or a client demands.
    pub(crate) fn is_bound_by(&self, demanded: TokenBinding) -> bool {
        match demanded {
            TokenBinding::Dpop => self.jkt.is_some(),
            TokenBinding::Mtls => self.certificate.is_some(),
        }
    }

    /// As it stands in a token; none where it is bound to nothing.
    pub(crate) fn claim(&self) -> Option<Value> {
        if *self == Self::default() { None } else { serde_json::to_value(self).ok() }
    }
}

/// What the sender of a request showed that it holds. Its proof is good, and not used up yet.
#[derive(Debug)]
pub(crate) struct Held {
    proof: Option<VerifiedProof>,
    certificate: Option<String>,
}

impl Held {
    /// Reads what a request shows. Proofs are for the endpoint at its public address.
    ///
    /// # Errors
    /// `invalid_dpop_proof` where there is a proof that is not right, `use_dpop_nonce` where it lacks
    /// what it has to hold.
    pub(crate) fn read(server: &Server, request: &Request) -> Result<Self, Denied> {
        let certificate = request.certificate.as_ref();
        let certificate = certificate.map(|it| URL_SAFE_NO_PAD.encode(it.thumbprint));
        let refused = |failure: ProofFailure| denied(&failure);
        let header = dpop::from_headers(&request.headers).map_err(|it| refused(it.into()))?;
        let Some(header) = header else { return Ok(Self { proof: None, certificate }) };
        let terms = ProofTerms {
            method: request.method.as_str(),
            url: &format!("{}{}", server.url(), request.path),
            access_token: None,
            nonce: None,
            jkt: None,
        };
        let verified = server.proofs.verify(header, terms, request.at);
        Ok(Self { proof: Some(verified.map_err(|it| refused(it.into()))?), certificate })
    }

    /// The thumbprint of the key that was proved.
    pub(crate) fn jkt(&self) -> Option<&str> {
        self.proof.as_ref().map(|it| &*it.jkt)
    }

    /// Whether the sender holds what something is bound to.
    pub(crate) fn fulfils(&self, bound: &Confirmation) -> bool {
        let Confirmation { jkt, certificate } = bound;
        jkt.as_deref().is_none_or(|it| self.jkt() == Some(it))
            && certificate.as_ref().is_none_or(|it| self.certificate.as_ref() == Some(it))
    }

    /// Uses its proof up.
    ///
    /// # Errors
    /// Where it was used before, or that cannot be told.
    pub(crate) async fn use_up(&self, server: &Server, request: &Request) -> Result<(), Denied> {
        let Some(proof) = &self.proof else { return Ok(()) };
        let first = server.proofs.first(proof.digest(), proof.expires, request.at).await;
        first.map_err(|it| denied(&it.into()))
    }

    /// What a token for its sender is bound to: to a key that was proved, and to the rest that is
    /// `demanded`. Uses the proof up: as late as possible, so that none is lost on who gets no token.
    ///
    /// # Errors
    /// Where something that is demanded was not shown, or the proof was used before.
    pub(crate) async fn bind(
        &self,
        server: &Server,
        request: &Request,
        demanded: &[TokenBinding],
    ) -> Result<Confirmation, Denied> {
        let wants_certificate = demanded.contains(&TokenBinding::Mtls);
        let confirmation = Confirmation {
            jkt: self.jkt().map(str::to_owned),
            certificate: self.certificate.clone().filter(|_| wants_certificate),
        };
        match demanded.iter().find(|it| !confirmation.is_bound_by(**it)) {
            Some(TokenBinding::Dpop) => Err(denied(&ProofFailure::Missing)),
            Some(TokenBinding::Mtls) => {
                let detail = "tokens are bound to a client certificate here: connect with one";
                Err(Denied::new(Code::InvalidRequest, detail))
            }
            None => {
                self.use_up(server, request).await?;
                Ok(confirmation)
            }
        }
    }
}

/// That a proof, or its lack, is why there is no token.
pub(crate) fn denied(failure: &ProofFailure) -> Denied {
    let code = match failure.code() {
        Some("use_dpop_nonce") => Code::UseDpopNonce,
        Some(_) => Code::InvalidDpopProof,
        // Nothing is wrong with it, as far as anybody knows.
        None => Code::ServerError,
    };
    Denied::new(code, failure.detail()).because(failure)
}
