//! Fetches key sets and other documents, and asks about tokens, through the one egress client.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request};
use identity::{Fetched, Fetching, Question, Reply};
use model::{Secret, SecretId};
use oauth::{Outside, Sending};
use upstream::{Document, Egress, Fleet, Form, Trust};

/// Largest document.
const DOCUMENT_BYTES_MAX: usize = 256 << 10;
/// Longest wait for one.
const DOCUMENT_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer about a token.
const WORD_BYTES_MAX: usize = 64 << 10;

/// The egress client as `identity` wants it: the floor between them is crossed here.
pub(crate) struct DocumentEgress(pub(crate) Egress);

impl identity::Fetch for DocumentEgress {
    fn get<'a>(&'a self, url: &'a str) -> Fetching<'a> {
        Box::pin(async move {
            let fetched = self.0.document(url, DOCUMENT_BYTES_MAX, DOCUMENT_TIMEOUT).await;
            let Document { body, fresh_for, .. } = fetched.map_err(|it| it.to_string())?;
            Ok(Fetched { body, fresh_for })
        })
    }
}

/// The egress client with the secrets that the door has at declared issuers.
pub(crate) struct IssuerEgress {
    fleet: Arc<Fleet>,
    egress: Egress,
}

impl IssuerEgress {
    /// Operators declare issuers, and believe what these say of themselves.
    pub(crate) fn new(fleet: &Arc<Fleet>) -> Self {
        Self { egress: fleet.egress(Trust::Operator), fleet: Arc::clone(fleet) }
    }
}

impl identity::Introspect for IssuerEgress {
    fn ask<'a>(
        &'a self,
        question: Question<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Reply, String>> + Send + 'a>> {
        Box::pin(async move {
            let Question { url, client_id, client_secret, token } = question;
            let authorization = self.basic(client_id, client_secret)?;
            let fields = [("token", token), ("token_type_hint", "access_token")];
            let form = Form { url, fields: &fields, authorization: Some(authorization) };
            let answer = self.egress.post_form(form, WORD_BYTES_MAX, DOCUMENT_TIMEOUT);
            let answer = answer.await.map_err(|it| it.to_string())?;
            Ok(Reply { status: answer.status().as_u16(), body: answer.into_body() })
        })
    }
}

impl Outside for IssuerEgress {
    fn send(&self, request: Request<Bytes>) -> Sending<'_> {
        Box::pin(async move {
            let answer = self.egress.send(request, DOCUMENT_BYTES_MAX, DOCUMENT_TIMEOUT).await;
            answer.map_err(|it| it.to_string())
        })
    }

    fn basic(&self, client_id: &str, secret: &SecretId) -> Result<HeaderValue, String> {
        let shown = self.fleet.secrets().client_basic(client_id, secret);
        shown.map_err(|why| format!("the secret {secret} {why}"))
    }

    fn secret(&self, id: &SecretId) -> Option<Secret<Vec<u8>>> {
        self.fleet.secrets().value(id)
    }
}

impl fmt::Debug for IssuerEgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuerEgress").finish_non_exhaustive()
    }
}
