//! Fetches key sets and other documents through the one egress client.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::Request;
use model::{Secret, SecretId};
use oauth::{Outside, Sending};
use upstream::{Egress, Fleet, Trust};

/// Largest document.
const DOCUMENT_BYTES_MAX: usize = 256 << 10;
/// Longest wait for one.
const DOCUMENT_TIMEOUT: Duration = Duration::from_secs(5);

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
