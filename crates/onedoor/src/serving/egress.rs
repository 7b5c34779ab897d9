//! Fetches key sets and other documents through the one egress client.

use std::{future::Future, pin::Pin, time::Duration};

use bytes::Bytes;
use upstream::Egress;

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
