//! Fetches key sets and other documents, and asks about tokens, through the one egress client.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::Request;
use identity::{Question, Reply};
use model::{Secret, SecretId};
use oauth::{Outside, Sending};
use upstream::{Egress, Fleet, Form, Trust};

/// Largest document.
const DOCUMENT_BYTES_MAX: usize = 256 << 10;
/// Longest wait for one.
const DOCUMENT_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer about a token.
const WORD_BYTES_MAX: usize = 64 << 10;

/// The egress client as `identity` wants it: the floor between them is crossed here.
pub(crate) struct DocumentEgress(pub(crate) Egress);

impl identity::Fetch for DocumentEgress {
    fn get<'a>(
        &'a self,
        url: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<Bytes, String>> + Send + 'a>> {
        Box::pin(async move {
            let fetched = self.0.get(url, DOCUMENT_BYTES_MAX, DOCUMENT_TIMEOUT).await;
            fetched.map_err(|it| it.to_string())
        })
    }
}

/// The egress client with the secrets that the door has at issuers.
pub(crate) struct TokenDesk {
    pub(crate) egress: Egress,
    pub(crate) fleet: Arc<Fleet>,
}

impl identity::Introspect for TokenDesk {
    fn ask<'a>(
        &'a self,
        question: Question<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Reply, String>> + Send + 'a>> {
        Box::pin(async move {
            let Question { url, client_id, client_secret, token } = question;
            let authorization = self.fleet.secrets().client_basic(client_id, client_secret);
            let authorization =
                authorization.map_err(|why| format!("the secret {client_secret} {why}"))?;
            let fields = [("token", token), ("token_type_hint", "access_token")];
            let form = Form { url, fields: &fields, authorization: Some(authorization) };
            let answer = self.egress.post_form(form, WORD_BYTES_MAX, DOCUMENT_TIMEOUT);
            let answer = answer.await.map_err(|it| it.to_string())?;
            Ok(Reply { status: answer.status().as_u16(), body: answer.into_body() })
        })
    }
}

/// The egress client and the values of secrets, as the authorization server asks providers with them.
pub(crate) struct ProviderEgress {
    fleet: Arc<Fleet>,
    egress: Egress,
}

impl ProviderEgress {
    /// Operators declare providers, and believe what these say of themselves.
    pub(crate) fn new(fleet: &Arc<Fleet>) -> Self {
        Self { egress: fleet.egress(Trust::Operator), fleet: Arc::clone(fleet) }
    }
}

impl Outside for ProviderEgress {
    fn send(&self, request: Request<Bytes>) -> Sending<'_> {
        Box::pin(async move {
            let answer = self.egress.send(request, DOCUMENT_BYTES_MAX, DOCUMENT_TIMEOUT).await;
            answer.map_err(|it| it.to_string())
        })
    }

    fn secret(&self, id: &SecretId) -> Option<Secret<Vec<u8>>> {
        self.fleet.secrets().value(id)
    }
}

impl fmt::Debug for ProviderEgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderEgress").finish_non_exhaustive()
    }
}
